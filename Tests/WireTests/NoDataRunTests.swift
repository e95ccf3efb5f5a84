import Testing
import Vocabulary
import Wire

@Suite struct NoDataRunTests {
  @Test func windowsWithoutDataAreOneLineAndACount() {
    var run = NoDataRun()
    #expect(run.take(isNoData: false) == (nil, true))
    #expect(run.take(isNoData: true) == (nil, true))
    for _ in 0..<8 { #expect(run.take(isNoData: true) == (nil, false)) }
    #expect(run.take(isNoData: false) == ("(9 windows without data)", true))
    #expect(run.take(isNoData: true) == (nil, true))
    #expect(run.end() == nil, "that one has its line")
    #expect(run.take(isNoData: true) == (nil, true))
    #expect(run.take(isNoData: true) == (nil, false))
    #expect(run.end() == "(2 windows without data)")
    #expect(run.end() == nil)
    #expect(NoDataRun.reason == Reason.noData.rawValue)
  }
}

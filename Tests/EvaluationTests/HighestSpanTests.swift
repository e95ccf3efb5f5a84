import Testing
import Vocabulary

@testable import Evaluation

@Suite struct HighestSpanTests {
  @Test func findsTheSpanThatTookMost() {
    var span = HighestSpan(windows: 3)
    for count in [1, 9] as [Int64] { span.take(Nanojoules(count)) }
    #expect(span.highest == nil)
    for count in [2, 7, 1, 1, 1, 8] as [Int64] { span.take(Nanojoules(count)) }
    #expect(span.highest == Nanojoules(18))
  }
}

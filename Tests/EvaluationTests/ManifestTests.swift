import Testing

@testable import Evaluation

@Suite struct ManifestTests {
  private func manifest(_ text: String) throws -> Manifest {
    try Manifest(
      Array(text.utf8), file: "m.csv", folder: "data/", modalities: ["image", "audio"],
      classes: ["no", "yes"])
  }

  @Test func columnsInAnyOrderAndMissingCells() throws {
    let m = try manifest("label,audio,image\nyes,a.wav,/abs/i.pgm\nno,,i.pgm\n")
    #expect(m.windows.map(\.label) == [1, 0])
    #expect(m.windows[0].files == ["/abs/i.pgm", "data/a.wav"])
    #expect(m.windows[1].files == ["data/i.pgm", nil])
  }

  @Test func aModalityWithoutAColumnIsMissing() throws {
    #expect(try manifest("label,audio\nyes,a.wav\n").windows[0].files == [nil, "data/a.wav"])
  }

  @Test(arguments: [
    ("label,smell\nyes,a\n", 1, "'smell' is not a modality"),
    ("audio,label\na,yes\n", 1, "must be 'label'"),
    ("label,audio\nmaybe,a.wav\n", 2, "'maybe' is not a class"),
    ("label,audio\nyes,\n", 2, "names no file"),
    ("label,audio\n", 1, "no windows"),
    ("label,audio,audio\nyes,a,b\n", 1, "twice"),
  ])
  func faultsNameLineAndCause(text: String, line: Int, part: String) {
    do {
      _ = try manifest(text)
      Issue.record("accepted")
    } catch let error as EvaluationError {
      #expect(error.line == line)
      #expect(error.message.contains(part), "\(error)")
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func classesThatOnlyLookTheSameAreTwo() throws {
    let m = try Manifest(
      Array("label,a\u{301},\u{e1}\ne\u{301},x,\n\u{e9},,y\n".utf8), file: "m.csv", folder: "",
      modalities: ["\u{e1}", "a\u{301}"], classes: ["\u{e9}", "e\u{301}"])
    #expect(m.windows.map(\.label) == [1, 0])
    #expect(m.windows[0].files == [nil, "x"])
    #expect(m.windows[1].files == ["y", nil])
  }
}

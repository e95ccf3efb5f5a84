import FuzzTargets
import Linux
import Testing

/// The inputs that tools/fuzz begins with, what once broke a reader among them: none ends the program, and what is taken
/// can be written and run. One after the other: the targets share a folder.
@Suite(.serialized) struct CorpusTests {
  private static let folder =
    #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fuzz/corpus/"

  @Test(arguments: FuzzTarget.allCases) func everyInputIsReadOrRefused(_ target: FuzzTarget) throws {
    let folder = Self.folder + target.rawValue
    let names = try directoryNames(folder)
    #expect(names.count > 1, "\(folder) has inputs of every kind")
    for name in names {
      let bytes = try readFile(folder + "/" + name, limit: 1 << 20)
      bytes.withUnsafeBytes { target.run($0) }
      // Cut short anywhere it is another input.
      for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 16)) {
        bytes[..<length].withUnsafeBytes { target.run($0) }
      }
    }
  }
}

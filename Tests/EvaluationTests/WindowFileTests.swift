import Glibc
import Linux
import Testing
import Vocabulary

@testable import Engine
@testable import Evaluation

@Suite struct WindowFileTests {
  private let path = "/tmp/mmexit-window-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  private let vector = Features.vector(Features.Vector(length: 3, mean: [0, 0, 0], std: [1, 1, 1]))

  private func refusal(_ path: String) -> EvaluationError? {
    #expect(throws: EvaluationError.self) {
      try WindowData.read(path, features: vector, manifest: "m.csv", line: 7)
    }
  }

  @Test func whatIsNoRegularFileIsRefusedAtOnceWithTheRow() {
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    for path in [path, "/dev/zero"] {
      let error = refusal(path)
      #expect(error?.description.hasPrefix("m.csv:7: \(path): Not a regular file; ") == true)
      #expect(error?.exitCode == .dataError)
    }
    #expect(refusal("/tmp")?.description == "m.csv:7: /tmp: Is a directory; name a file in it")
    #expect(refusal("/nowhere/x")?.exitCode == .noInput)
  }

  @Test(arguments: [
    ("<f4", "(2,)", 8, "holds 2 numbers of shape [2] where the model takes a vector of 3; "),
    ("<c8", "(3,)", 24, "element type '<c8', "),
    ("<f4", "(3,)", 11, "shape [3] of <f4 needs 12 bytes, 11 are there; "),
  ])
  func anArrayOfAnotherFormSaysWhatToDo(type: String, shape: String, bytes: Int, part: String) throws {
    let header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n".utf8)
    try Descriptor.open(path, O_CREAT | O_EXCL | O_WRONLY).writeAll(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header
        + [UInt8](repeating: 0, count: bytes))
    defer { unlink(path) }
    #expect(refusal(path)?.description.hasPrefix("m.csv:7: \(path): \(part)") == true)
  }

  private func write(_ shape: String, _ values: [Float]) throws {
    let header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }\n".utf8)
    let data = values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v.bitPattern >> (8 * $0)) } }
    try Descriptor.open(path, O_CREAT | O_TRUNC | O_WRONLY).writeAll(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + data)
  }

  /// As the tools' `read_vector`.
  @Test func numbersInOneRowAreAVectorAndWhatIsNoNumberIsNone() throws {
    defer { unlink(path) }
    for shape in ["(3,)", "(1, 3)", "(3, 1)"] {
      try write(shape, [1, 2, 3])
      guard
        case .vector(let numbers) = try WindowData.read(path, features: vector, manifest: "m.csv", line: 7)
      else {
        Issue.record("no vector of \(shape)")
        return
      }
      #expect(numbers == [1, 2, 3])
    }
    try write("(3,)", [1, .nan, .infinity])
    #expect(
      refusal(path)?.description
        == "m.csv:7: \(path): 2 of 3 values are not finite as float32; mend or remove the file")
  }
}

import Engine
import Testing

@Suite struct NumPyArrayTests {
  private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let length = header.utf8.count
    let bytes = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + bytes + Array(header.utf8) + data
  }

  /// As numpy writes it.
  private func header(_ type: String, _ shape: String) -> String {
    "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }      \n"
  }

  private func little(_ bits: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
  }

  @Test func readsFloatsDoublesAndBytes() throws {
    let floats: [Float] = [1.5, -2, .infinity]
    let array = try NumPyArray(
      file(header("<f4", "(3,)"), floats.flatMap { little(UInt64($0.bitPattern), 4) }))
    #expect(array.shape == [3])
    #expect(array.values == .float32(floats))
    let doubles = try NumPyArray(
      file(header("<f8", "(1, 2)"), [0.1, -3].flatMap { little($0.bitPattern, 8) }, version: 2))
    #expect(doubles.shape == [1, 2])
    #expect(doubles.values == .float64([0.1, -3]))
    #expect(doubles.floats == [0.1, -3])
    let bytes = try NumPyArray(file(header("|i1", "(2, 1, 2)"), [1, 0xff, 0x80, 0x7f], version: 3))
    #expect(bytes.values == .int8([1, -1, -128, 127]))
    #expect(bytes.floats == [1, -1, -128, 127])
    #expect(try NumPyArray(file(header("<f4", "()"), little(0, 4))).shape == [])
    #expect(try NumPyArray(file(header("<f4", "(0,)"), [])).floats == [])
    #expect(try NumPyArray(file("{'shape':(1,),'descr':'|i1','fortran_order':False}", [7])).shape == [1])
  }

  @Test(arguments: [
    "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, }",
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", "{'descr': '<f4", "", "[]",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4096, 4096, 4096), }",
  ])
  func refusesOtherArrays(_ header: String) {
    #expect(throws: NumPyArray.Failure.self) { try NumPyArray(file(header, [0, 0, 0, 0])) }
  }

  @Test func refusesEveryTruncationAndOtherVersions() throws {
    let whole = file(header("<f4", "(1,)"), [0, 0, 0, 0])
    _ = try NumPyArray(whole)
    for length in 0..<whole.count {
      #expect(throws: NumPyArray.Failure.self) { try NumPyArray(Array(whole[..<length])) }
    }
    #expect(throws: NumPyArray.Failure.self) { try NumPyArray(whole + [0]) }
    #expect(throws: NumPyArray.Failure.self) {
      try NumPyArray(file(header("<f4", "(1,)"), [0, 0, 0, 0], version: 4))
    }
  }
}

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

  /// What numpy.save writes of sensors' readings: -2, 3 and the type's largest, by numpy.
  @Test(
    arguments: [
      (">f4", [0xc0, 0, 0, 0, 0x40, 0x40, 0, 0, 0x7f, 0x7f, 0xff, 0xff], 0x1.fffffep127),
      ("<f2", [0, 0xc0, 0, 0x42, 0xff, 0x7b], 65_504), (">f2", [0xc0, 0, 0x42, 0, 0x7b, 0xff], 65_504),
      ("<i2", [0xfe, 0xff, 3, 0, 0xff, 0x7f], 32_767),
      (">i4", [0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 3, 0x7f, 0xff, 0xff, 0xff], 0x1p31),
      (
        "<i8",
        [0xfe] + [UInt8](repeating: 0xff, count: 7) + [3] + [UInt8](repeating: 0, count: 7)
          + [UInt8](repeating: 0xff, count: 7) + [0x7f], 0x1p63
      ),
    ] as [(String, [UInt8], Float)])
  func readsOtherNumbers(_ type: String, _ data: [UInt8], _ largest: Float) throws {
    #expect(try NumPyArray(file(header(type, "(3,)"), data)).floats == [-2, 3, largest])
  }

  @Test func readsNumbersWithoutSignAndSmallHalves() throws {
    #expect(try NumPyArray(file(header("|u1", "(2,)"), [200, 3])).values == .float32([200, 3]))
    #expect(try NumPyArray(file(header("<u2", "(1,)"), [0xff, 0xff])).floats == [65_535])
    #expect(try NumPyArray(file(header(">u4", "(1,)"), [0x80, 0, 0, 0])).floats == [0x1p31])
    #expect(
      try NumPyArray(file(header("<u8", "(1,)"), [UInt8](repeating: 0xff, count: 8))).floats == [0x1p64])
    #expect(
      try NumPyArray(file(header("<f2", "(3,)"), [1, 0, 0, 0x80, 0, 0xfc])).floats == [
        0x1p-24, 0, -.infinity,
      ])
    #expect(try NumPyArray(file(header("<f2", "(1,)"), [1, 0x7c])).floats[0].isNaN)
  }

  @Test(arguments: [
    "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }",
    "{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f1', 'fortran_order': False, 'shape': (4,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
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

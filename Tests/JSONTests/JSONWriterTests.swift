import CAllocationCounter
import JSON
import Testing

@Suite struct JSONWriterTests {
  private func written(_ capacity: Int = 4096, _ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter(capacity: capacity)
    body(&writer)
    let overflowed = writer.overflowed
    #expect(!overflowed)
    return writer.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func putsCommasAndColonsWhereTheyBelong() {
    let text = written { w in
      w.beginObject()
      w.key("a")
      w.beginArray()
      w.value(1)
      w.beginArray()
      w.endArray()
      w.beginObject()
      w.endObject()
      w.null()
      w.endArray()
      w.key(String("b\"\\\n\u{1}é"))
      w.value("x\ty")
      w.key("c")
      w.value(true)
      w.key("d")
      Array("[2]".utf8).withUnsafeBytes { w.raw($0) }
      w.key("e")
      w.value(Int64.min)
      w.endObject()
    }
    #expect(
      text
        == #"{"a":[1,[],{},null],"b\"\\\n\u0001é":"x\ty","c":true,"d":[2],"e":-9223372036854775808}"#)
  }

  @Test func writesSeveralTextsOneAfterTheOther() {
    let text = written { w in
      for number in 0..<3 {
        w.beginObject()
        w.key("n")
        w.value(number)
        w.endObject()
        w.terminate(with: UInt8(ascii: "\n"))
      }
    }
    #expect(text == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n")
  }

  @Test func writesIntegersToTheirEnds() {
    #expect(
      written { w in
        w.beginArray()
        for n in [0, 9, 10, -1, Int64.max, Int64.min] { w.value(n) }
        w.value(UInt64.max)
        w.endArray()
      } == "[0,9,10,-1,9223372036854775807,-9223372036854775808,18446744073709551615]")
  }

  @Test func overflowSetsTheFlagAndResetClearsIt() {
    var writer = JSONWriter(capacity: 4)
    writer.value("abcdef")
    var (overflowed, count) = (writer.overflowed, writer.count)
    #expect(overflowed)
    #expect(count == 4)
    writer.reset()
    overflowed = writer.overflowed
    #expect(!overflowed)
    writer.value(1234)
    (overflowed, count) = (writer.overflowed, writer.count)
    #expect(!overflowed)
    #expect(count == 4)
    #expect(writer.withBytes { String(decoding: $0, as: UTF8.self) } == "1234")
  }

  @Test func writesTheTreeItsParserReads() throws {
    let text = #"{"b":[1,2.5,-0.0,"é\\\"\u001f",{}],"a":{"x":null,"y":[true,false]},"c":1e300}"#
    let value = try JSONValue.parse(text)
    #expect(try JSONValue.parse(value.text) == value)
    #expect(value.text == #"{"b":[1,2.5,-0.0,"é\\\"\u001f",{}],"a":{"x":null,"y":[true,false]},"c":1.0e300}"#)
    let long = JSONValue.array(Array(repeating: "0123456789", count: 10_000))
    #expect(try JSONValue.parse(long.text) == long)
  }

  @Test(.enabled(if: mmx_counts_allocations() == 1, "a sanitizer owns the allocator"))
  func nothingIsAllocatedAfterInit() {
    var writer = JSONWriter(capacity: 4096)
    let name = String(repeating: "name ", count: 20)
    func record(_ n: Int, to writer: inout JSONWriter) {
      writer.reset()
      writer.beginObject()
      writer.key("name")
      writer.value(name)
      writer.key(name)
      writer.value(1.0 / Double(n))
      writer.key("float")
      writer.value(1 / Float(n))
      writer.key("integer")
      writer.value(Int64.min)
      writer.key("flag")
      writer.value(true)
      writer.endObject()
      writer.terminate(with: 0)
    }
    record(1, to: &writer)
    let before = mmx_allocations()
    for n in 1...1000 { record(n, to: &writer) }
    let after = mmx_allocations()
    #expect(after == before)
    let array = [UInt8](repeating: 0, count: writer.count)
    #expect(mmx_allocations() > after, "the counter counts")
    #expect(!array.isEmpty)
  }
}

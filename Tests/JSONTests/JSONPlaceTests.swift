import JSON
import Testing

@Suite struct JSONPlaceTests {
  let root = JSONPlace(
    ["modalities": [["input": 1, "rate": 1.5, "on": true, "nothing": nil]], "name": "n"], at: "mmexit")

  private func message(_ body: () throws -> Void) -> String? {
    do { try body() } catch let error as JSONError { return error.description } catch { return nil }
    return nil
  }

  @Test func errorsNameThePlaceAndWhatWasFound() throws {
    let modality = try root.member("modalities").elements()[0]
    #expect(
      message { _ = try modality.member("input").string() }
        == "mmexit.modalities[0].input: expected a string, found an integer")
    #expect(
      message { _ = try modality.member("gone") }
        == "mmexit.modalities[0].gone: this member is missing; add it")
    #expect(
      message { _ = try modality.member("input").integer(in: 2...3) }
        == "mmexit.modalities[0].input: expected an integer in 2...3, found 1")
    #expect(
      message { _ = try root.member("modalities").elements(count: 2...4) }
        == "mmexit.modalities: expected 2 to 4 elements, found 1")
    #expect(
      message { try modality.allowOnly("input", "rate", "on") }
        == "mmexit.modalities[0].nothing: no such member; known here: input, rate, on")
    #expect(
      message { _ = try root.member("name").object() } == "mmexit.name: expected an object, found a string")
    #expect(
      message { _ = try modality.member("on").real() }?.hasSuffix("expected a number, found a boolean")
        == true)
    #expect(message { _ = try modality.member("rate").integer() }?.hasSuffix("found a real number") == true)
    #expect(message { _ = try modality.member("rate").real(in: 2...3) }?.hasSuffix("found 1.5") == true)
    #expect(message { _ = try modality.member("rate").bool() }?.hasSuffix("found a real number") == true)
  }

  @Test func readsWhatIsThere() throws {
    let modality = try root.member("modalities").elements(count: 1...1)[0]
    #expect(try modality.member("input").integer(in: 1...1) == 1)
    #expect(try modality.member("input").real() == 1)
    #expect(try modality.member("rate").real(in: 1...2) == 1.5)
    #expect(try modality.member("on").bool())
    #expect(try modality.optional("nothing")?.value == nil)
    #expect(try modality.optional("absent")?.value == nil)
    #expect(try root.optional("name")?.string() == "n")
    #expect(try root.members().map(\.place.path) == ["mmexit.modalities", "mmexit.name"])
    try root.allowOnly("name", "modalities")
  }

  @Test func aMemberThatOnlyLooksTheSameIsNoMember() throws {
    let place = JSONPlace(try JSONValue.parse("{\"\u{212a}\": 1}"))
    #expect(try place.optional("K") == nil)
    #expect(#expect(throws: JSONError.self) { try place.member("K") }?.kind == .missing)
    #expect(#expect(throws: JSONError.self) { try place.allowOnly("K") }?.kind == .unexpected)
  }
}

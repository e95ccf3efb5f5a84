import JSON
import Sensing

extension CameraReport {
  /// `{"card", "captures", "formats": [{"name", "code", "compressed", "emulated", "read", "sizes": [{"width": [least, most],
  /// "height", "frames_per_second"}]}]}`.
  var json: JSONObject {
    [
      "card": .string(card), "captures": .bool(captures),
      "formats": .array(offer.formats.map { .object($0.json) }),
    ]
  }

  init(_ place: JSONPlace) throws(JSONError) {
    var formats: [CameraOffer.Format] = []
    for entry in try place.member("formats").elements() { formats.append(try CameraOffer.Format(entry)) }
    self.init(
      card: try place.member("card").string(), captures: try place.member("captures").bool(),
      offer: CameraOffer(formats: formats))
  }
}

extension CameraOffer.Format {
  fileprivate var json: JSONObject {
    [
      "name": .string(name), "code": .integer(Int64(fourCC)), "compressed": .bool(isCompressed),
      "emulated": .bool(isEmulated), "read": .bool(isRead),
      "sizes": .array(sizes.map { .object($0.json) }),
    ]
  }

  fileprivate init(_ place: JSONPlace) throws(JSONError) {
    var sizes: [CameraOffer.Size] = []
    for entry in try place.member("sizes").elements() { sizes.append(try CameraOffer.Size(entry)) }
    self.init(
      fourCC: UInt32(try place.member("code").integer(in: 0...Int(UInt32.max))),
      isCompressed: try place.member("compressed").bool(), isEmulated: try place.member("emulated").bool(),
      sizes: sizes)
  }

  /// "YUYV 640x480 at 30/s, 1280x720 at 10/s": the smallest and the largest of a long list.
  var text: String {
    var shown = sizes.map(\.text)
    if shown.count > 5 { shown = shown.prefix(2) + ["... \(shown.count - 4) more ..."] + shown.suffix(2) }
    return name + (shown.isEmpty ? "" : " " + shown.joined(separator: ", "))
      + (isRead ? "" : " (not read by mmexit)")
  }
}

extension CameraOffer.Size {
  fileprivate var json: JSONObject {
    func pair(_ range: ClosedRange<Int>) -> JSONValue {
      .array([.integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound))])
    }
    var object: JSONObject = [
      "width": pair(width), "height": pair(height),
      "step": .array([.integer(Int64(step.width)), .integer(Int64(step.height))]),
    ]
    if let fastest {
      object.append("frames_per_second", .real(Double(fastest.frames) / Double(fastest.seconds)))
    }
    if let fastest {
      object.append("fastest", .array([.integer(Int64(fastest.frames)), .integer(Int64(fastest.seconds))]))
    }
    return object
  }

  fileprivate init(_ place: JSONPlace) throws(JSONError) {
    func pair(_ key: String, _ range: ClosedRange<Int>) throws(JSONError) -> (Int, Int) {
      let both = try place.member(key).elements(count: 2...2)
      return (try both[0].integer(in: range), try both[1].integer(in: range))
    }
    let sides = 1...SensingLimits.imageSide
    let (width, height, step) = (
      try pair("width", sides), try pair("height", sides), try pair("step", 1...Int(UInt32.max))
    )
    var fastest: FrameRate?
    if try place.optional("fastest") != nil {
      let rate = try pair("fastest", 1...1_000_000_000)
      fastest = FrameRate(frames: rate.0, seconds: rate.1)
    }
    self.init(
      width: min(width.0, width.1)...max(width.0, width.1),
      height: min(height.0, height.1)...max(height.0, height.1), step: (step.0, step.1), fastest: fastest)
  }

  fileprivate var text: String {
    let rate = fastest.map { " at \(Output.fixed(Double($0.frames) / Double($0.seconds), 0))/s" } ?? ""
    let most = "\(width.upperBound)x\(height.upperBound)"
    return width.count == 1 && height.count == 1
      ? most + rate : "\(width.lowerBound)x\(height.lowerBound) to \(most)" + rate
  }
}

import Engine
import JSON
import Pipeline
import Startup
import Varlink
import Vocabulary

/// The client that has windows near a threshold kept for it, and what it is told. The control thread's alone.
struct NearDesk {
  /// Of one answer: in base64 half of what a reply may have.
  static let bytesAtOnce = 98_304

  private let near: NearWindows
  private let journal: Journal
  private var client: ConnectionID?
  private var isWaiting = false

  init(_ near: NearWindows, _ journal: Journal) {
    self.near = near
    self.journal = journal
  }

  /// - Returns: the answer, and whether the client is new.
  mutating func next(_ call: Call, _ generation: Generation) -> (Reply, isNew: Bool) {
    guard generation.configuration.general.allowsRecording else {
      return (.error(.recordingForbidden), false)
    }
    guard client == nil || client == call.connection else { return (.error(.nearTaken), false) }
    let isNew = client == nil
    if isNew {
      journal.write(
        .notice, "user \(call.peer.user) has windows near a threshold kept, with their sound and pictures")
    }
    client = call.connection
    isWaiting = true
    near.want()
    return (.deferred, isNew)
  }

  func read(_ call: Call, _ generation: Generation) throws(JSONError) -> Reply {
    let name = try call.parameters.member("modality").string()
    let offset = try call.parameters.member("offset").integer(in: 0...(1 << 32))
    guard client == call.connection, !isWaiting,
      let modality = generation.names.modalities.firstIndex(where: { $0.hasSameBytes(as: name) }),
      let bytes = near.bytes(of: modality, from: offset, atMost: Self.bytesAtOnce)
    else { return .error(.noNear) }
    return .parameters { json in
      json.key("base64")
      json.value(Base64.text(bytes))
    }
  }

  /// What the client that waits is told, once there is something.
  mutating func takeReply(_ generation: Generation) -> (client: ConnectionID, reply: Reply)? {
    guard isWaiting, let client else { return nil }
    guard generation.configuration.general.allowsRecording else {
      closed(client)
      return (client, .error(.recordingForbidden))
    }
    guard let kept = near.kept else { return nil }
    isWaiting = false
    return (client, .parameters { json in Self.write(kept, generation, into: &json) })
  }

  mutating func closed(_ client: ConnectionID) {
    guard client == self.client else { return }
    self.client = nil
    isWaiting = false
    near.stop()
    journal.write(.notice, "windows near a threshold are kept no longer")
  }

  private static func write(
    _ kept: NearWindows.Kept, _ generation: Generation, into json: inout JSONWriter
  ) {
    let names = generation.names
    json.key("number")
    json.value(kept.decision.number)
    json.key("end_ns")
    json.value(kept.decision.end.sinceBoot)
    var label = kept.decision.answer.label
    json.key("exits")
    json.beginArray()
    for index in kept.decision.trace.indices {
      let asked = kept.decision.trace[index]
      // Who answered nothing has leant to something.
      if kept.decision.answer.label == nil { label = asked.reading.label }
      json.beginObject()
      json.key("exit")
      switch asked.reading.exit {
      case .fusion: json.value("fusion")
      case .encoder(let modality, let exit): json.value("\(names.modalities[modality])/\(exit)")
      }
      json.key("entropy")
      json.value(Double(asked.reading.entropy))
      json.key("doubt")
      json.value(Double(asked.reading.doubt))
      if let threshold = asked.threshold {
        json.key("threshold")
        json.value(Double(threshold))
      }
      json.endObject()
    }
    json.endArray()
    json.key("label")
    // A reload may have brought other classes since.
    json.value(label.flatMap { names.classes.indices.contains($0) ? names.classes[$0] : nil } ?? "")
    json.key("data")
    json.beginArray()
    for index in kept.parts.indices {
      let part = kept.parts[index]
      json.beginObject()
      json.key("modality")
      json.value(names.modalities[part.modality])
      let sizes: [(StaticString, Int)]
      if case .spectrogram(let sound) = generation.model.model.modalities[part.modality].features {
        sizes = [("rate", Int(sound.sampleRate))]
      } else {
        sizes = [("width", part.width), ("height", part.height), ("channels", part.channels)]
      }
      for (key, value) in sizes {
        json.key(key)
        json.value(value)
      }
      json.key("bytes")
      json.value(part.count)
      json.endObject()
    }
    json.endArray()
  }
}

import Glibc
import JSON
import Linux
import Vocabulary
import Wire

/// The newest audits that a ledger tells of, for whoever lost them elsewhere: oldest first, without labels of people.
///
/// Looks at the newest segments only, and passes over what is no record of an audit by this model. Their decisions have
/// the number 0, as decisions are numbered anew in each run. Their times end at `now` at the latest; those of
/// another boot, whose clock was another, lie before those of the next.
/// - Parameters:
///   - model: the digest of the model's file.
///   - names: as the model has them.
///   - limit: audits wanted, >= 0.
package func newestAudits(
  in directory: String, model: Digest, names: Names, limit: Int, at now: Instant
) -> [AuditedWindow] {
  var found: [(boot: String, window: AuditedWindow)] = []
  let segments = (try? Segment.list(in: directory)) ?? []
  for segment in segments.suffix(8).reversed() where found.count < limit {
    let older = audits(of: segment, model.hexString, names)
    found = Array(older.suffix(limit - found.count)) + found
  }
  var windows: [AuditedWindow] = []
  var shift = Nanoseconds.zero
  var boot = ""
  var next = now
  for (name, window) in found.reversed() {
    if name != boot {
      boot = name
      shift = min(.zero, next - window.end)
    }
    var window = window
    window.end = min(window.end + shift, next)
    next = window.end
    windows.append(window)
  }
  return windows.reversed()
}

/// What can be read of one segment; nothing where it cannot be read.
private func audits(
  of segment: Segment, _ model: String, _ names: Names
) -> [(boot: String, window: AuditedWindow)] {
  let mark = Array(#"{"schema":1,"type":"audit","#.utf8)
  var found: [(boot: String, window: AuditedWindow)] = []
  do throws(LinuxError) {
    var reader = try LineReader(segment)
    while true {
      var record: JSONValue?
      let line = try reader.next { bytes in
        // The type stands in front; other records are not parsed.
        guard bytes.starts(with: mark) else { return }
        record = try? JSONValue.parse(bytes, maximumBytes: LineReader.maximumLine)
      }
      guard let line else { break }
      guard line.terminated, !line.tooLong, let record,
        let audit = try? AuditedWindow.read(JSONPlace(record), model, names)
      else { continue }
      found.append(audit)
    }
  } catch {
    return found
  }
  return found
}

extension AuditedWindow {
  /// Nil where the record is of another model.
  fileprivate static func read(
    _ record: JSONPlace, _ model: String, _ names: Names
  ) throws(JSONError) -> (boot: String, window: AuditedWindow)? {
    guard try record.member("model_sha256").string().hasSameBytes(as: model) else { return nil }
    func set(_ key: String) throws(JSONError) -> ModalitySet {
      var set: ModalitySet = []
      for name in try record.member(key).elements() {
        let name = try name.string()
        guard let index = names.modalities.firstIndex(where: { $0.hasSameBytes(as: name) }) else { continue }
        set.insert(ModalitySet(index: index))
      }
      return set
    }
    func label(_ place: JSONPlace) throws(JSONError) -> Int? {
      let name = try place.string()
      return names.classes.firstIndex { $0.hasSameBytes(as: name) }
    }
    var window = AuditedWindow(
      decision: 0, end: Instant(sinceBoot: try record.member("end_ns").integer()),
      available: try set("modalities"), inactive: try set("inactive"), label: nil,
      cost: Nanojoules(try record.member("audit_nanojoules").integer()))
    for hop in try record.member("readings").elements() {
      guard let label = try label(try hop.member("label")) else { return nil }
      var exit = ExitID.fusion
      if let modality = try hop.optional("modality")?.string() {
        guard let index = names.modalities.firstIndex(where: { $0.hasSameBytes(as: modality) }) else {
          return nil
        }
        exit = .encoder(modality: index, exit: try hop.member("exit").integer(in: 1...32))
      }
      window.readings.append(
        Reading(
          exit: exit, entropy: Float(try hop.member("entropy").real(in: 0...1.000_001)), label: label,
          certainty: Float(try hop.member("certainty").real(in: 0...1.000_001)), macs: 0, parameters: 0,
          gain: (try hop.optional("gain")?.real(in: -1...1)).map { Float($0) }))
    }
    return (try record.member("boot_id").string(), window)
  }
}

import Glibc
import Linux
import Vocabulary

/// Bytes that were taken off a segment, under the name that they have until a `gap` record tells of them:
/// `SEGMENT.untold-NUMBER-BYTES-SHA256`. A start that is killed between the cut and that record leaves this name
/// behind, and the next start tells in its place.
struct UntoldCut: Equatable {
  let directory: String
  /// The segment's name.
  let segment: String
  /// The `gap` record that tells of it has this number or a later one; the same bytes may have been cut before.
  let notBefore: UInt64
  let bytes: Int
  /// SHA-256 of the bytes.
  let digest: Digest

  private static let mark = ".untold-"

  var name: String { segment + Self.mark + "\(notBefore)-\(bytes)-" + digest.hexString }
  var path: String { directory + "/" + name }
  /// What it is called once it is told. The name follows from the bytes.
  var keptName: String { segment + ".cut-" + digest.hexString.prefix(32) }

  init(directory: String, segment: String, notBefore: UInt64, bytes: Int, digest: Digest) {
    self.directory = directory
    self.segment = segment
    self.notBefore = notBefore
    self.bytes = bytes
    self.digest = digest
  }

  /// Nil for a name that is none of these.
  private init?(_ name: String, in directory: String) {
    let halves = name.split(separator: ".untold-", maxSplits: 1)
    guard halves.count == 2 else { return nil }
    let fields = halves[1].split(separator: "-", omittingEmptySubsequences: false)
    guard fields.count == 3, let notBefore = UInt64(fields[0]), let bytes = Int(fields[1]), bytes > 0,
      let digest = Digest(hex: String(fields[2]))
    else { return nil }
    self.init(
      directory: directory, segment: String(halves[0]), notBefore: notBefore, bytes: bytes, digest: digest)
    guard Segment(name: segment, in: directory) != nil, self.name.hasSameBytes(as: name) else { return nil }
  }

  static func list(in directory: String) throws(LinuxError) -> [UntoldCut] {
    try directoryNames(directory).compactMap { UntoldCut($0, in: directory) }
  }

  /// Whether the file has all the bytes: not where a full disk had no room for them, and not where a start was killed
  /// while it copied them.
  func isWhole() throws(LinuxError) -> Bool {
    let file = try Segment.open(path, O_RDONLY)
    guard try file.regularFileSize(path) == bytes else { return false }
    return try TornTail(path: path, size: bytes).digest(from: 0) == digest
  }

  func notice() throws(LinuxError) -> LedgerNotice {
    .cut(
      segment: directory + "/" + segment, bytes: bytes, digest: digest,
      kept: try isWhole() ? keptName : nil)
  }

  /// To be called when a `gap` record that tells of it is on the disk: its bytes get their last name.
  func conclude(_ calls: RecoveryCalls) throws(LinuxError) {
    if try isWhole() {
      try calls.rename(path, directory + "/" + keptName)
    } else {
      try calls.remove(path)
    }
  }
}

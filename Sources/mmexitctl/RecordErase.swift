import Glibc
import Linux
import Vocabulary

/// `mmexitctl record --erase`: takes away what 'record' has written into a folder, and the folder. What is not of 'record' stays.
struct RecordingErasure {
  private let folder: String
  private(set) var files = 0
  private(set) var bytes = 0

  init(_ folder: String) { self.folder = folder }

  /// - Throws: where it is no folder of 'record', or something else is in it, which is named.
  mutating func run() throws {
    let names = FolderNames.all(in: folder)
    guard names.contains("manifest.csv") || names.contains("recording.json") else {
      throw CommandFailure(
        message:
          "record: \(folder): is no folder of 'record' (it has neither a manifest.csv nor a recording.json); nothing is erased",
        code: .noInput)
    }
    // Last of all what says that it is one, so that an erasure that is cut short can be done again.
    let marks = ["manifest.csv", "recording.json"]
    for name in names where !marks.contains(name) {
      let path = folder + "/" + name
      if name == "near.jsonl" || name.hasSuffix(".wav") || name.hasSuffix(".y4m") {
        try remove(path)
      } else if Self.isFolder(path) {
        for file in FolderNames.all(in: path) where Self.isWindow(file) { try remove(path + "/" + file) }
        rmdir(path)
      }
    }
    let left = FolderNames.all(in: folder).filter { !marks.contains($0) }
    guard left.isEmpty else {
      throw CommandFailure(
        message:
          "record: \(folder): \(files) files erased; \(left.joined(separator: ", ")) is not of 'record' and stays",
        code: .dataError)
    }
    for name in marks where names.contains(name) { try remove(folder + "/" + name) }
    guard rmdir(folder) == 0 else { throw LinuxError("rmdir", folder, errno: errnoNow()) }
  }

  private mutating func remove(_ path: String) throws(LinuxError) {
    let size = FolderNames.size(path)
    try system("unlink", path) { unlink(path) }
    files += 1
    bytes += size
  }

  private static func isFolder(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
  }

  /// "000012.wav".
  private static func isWindow(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, ["wav", "pgm", "ppm"].contains(String(parts[1])) else { return false }
    return parts[0].utf8.count >= NearRecording.digits
      && parts[0].utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}

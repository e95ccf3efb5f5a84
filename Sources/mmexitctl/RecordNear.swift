import Glibc
import JSON
import Linux
import Sensing
import Varlink
import Vocabulary

/// `mmexitctl record --near`: windows near a threshold, fetched from the daemon one by one into a folder that 'evaluate' and the
/// training tools read: `manifest.csv`, a file a modality, and `near.jsonl` with what the exits said.
struct NearRecording {
  /// Files are called 000001 and up.
  static let digits = 6

  private let folder: String
  private let windowLimit: Int
  private let byteLimit: Int
  private var modalities: [String] = []
  private(set) var windows = 0
  private(set) var bytes = 0

  init(into folder: String, windows: Int, bytes: Int) {
    self.folder = folder
    windowLimit = windows
    byteLimit = bytes
  }

  private func path(_ name: String) -> String { folder + "/" + name }
  private var isFull: Bool { windows >= windowLimit || bytes >= byteLimit }

  /// Fetches windows until the folder is full.
  mutating func run(_ client: inout Client) throws {
    let model = try CommandCall.call(&client, "GetModel")
    modalities = try Self.read { () throws(JSONError) in
      try JSONPlace(.object(model)).member("modalities").elements().map { (place) throws(JSONError) in
        try place.member("name").string()
      }
    }
    var isOpen = false
    repeat {
      // The first before the folder is made: where that is forbidden there is to be none.
      let window = JSONPlace(.object(try CommandCall.call(&client, "NextNear")))
      if !isOpen { try open() }
      isOpen = true
      if !isFull { try take(window, &client) }
    } while !isFull
    Output.line("\(folder): full, with \(windows) windows of \(bytes) bytes")
  }

  /// Makes the folder, or goes on with one of its own.
  private mutating func open() throws {
    if mkdir(folder, 0o700) == 0 {
      for modality in modalities { try Self.make(path(modality)) }
      try append("label," + modalities.joined(separator: ",") + "\n", to: "manifest.csv", O_EXCL)
      return
    }
    guard errno == EEXIST, let text = try? readFile(path("manifest.csv"), limit: 64 << 20) else {
      throw CommandFailure(
        message: "record: \(folder): cannot be made, and is no folder of 'record --near'; name another",
        code: .cannotCreate)
    }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
    guard lines.first.map(String.init) == "label," + modalities.joined(separator: ",") else {
      throw CommandFailure(
        message: "record: \(folder)/manifest.csv has other columns than this model's; name another folder",
        code: .dataError)
    }
    guard chmod(folder, 0o700) == 0 else { throw LinuxError("chmod", folder, errno: errnoNow()) }
    windows = lines.count - 1
    for modality in modalities {
      for name in FolderNames.all(in: path(modality)) {
        bytes += FolderNames.size(path(modality) + "/" + name)
      }
    }
  }

  private static func make(_ folder: String) throws(LinuxError) {
    if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw LinuxError("mkdir", folder, errno: errnoNow()) }
  }

  /// Fetches one window's data; it counts when all of it is there.
  private mutating func take(_ window: JSONPlace, _ client: inout Client) throws {
    let text = String(windows + 1)
    let name = String(repeating: "0", count: max(0, Self.digits - text.count)) + text
    let (label, parts) = try Self.read { () throws(JSONError) in
      (
        try window.member("label").string(),
        try window.member("data").elements().map { (place) throws(JSONError) in try NearPart(place) }
      )
    }
    let size = parts.reduce(0) { $0 + $1.count }
    guard bytes + size <= byteLimit else {
      bytes = byteLimit
      return
    }
    var cells = modalities.map { _ in "" }
    for part in parts {
      guard let column = modalities.firstIndex(of: part.modality) else { continue }
      let file = "\(part.modality)/\(name).\(part.suffix)"
      // What a kill left of one that is in no manifest.
      unlink(path(file))
      try part.write(try fetch(part, &client), to: path(file))
      cells[column] = file
    }
    try append("{\"window\":\"\(name)\",\"reply\":\(window.value.text)}\n", to: "near.jsonl")
    try append(([label] + cells).map(Self.cell).joined(separator: ",") + "\n", to: "manifest.csv")
    windows += 1
    bytes += size
    Output.line("\(name) \(label)")
  }

  private func fetch(_ part: NearPart, _ client: inout Client) throws -> [UInt8] {
    var data: [UInt8] = []
    while data.count < part.count {
      let reply = try CommandCall.call(
        &client, "ReadNear",
        ["modality": .string(part.modality), "offset": .integer(Int64(data.count))])
      let text = try Self.read { () throws(JSONError) in
        try JSONPlace(.object(reply)).member("base64").string()
      }
      guard let bytes = Base64.bytes(text), !bytes.isEmpty else {
        throw CommandFailure(
          message: "record: the daemon sent what it should not: no base64", code: .software)
      }
      data += bytes
    }
    return data
  }

  private func append(_ text: String, to name: String, _ more: Int32 = 0) throws(LinuxError) {
    let file = try Descriptor.open(path(name), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | more, mode: 0o600)
    try file.writeAll(Array(text.utf8), path(name))
  }

  /// A name with a comma or a quote stands in quotes, as RFC 4180 has it.
  private static func cell(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }

  private static func read<T>(_ body: () throws(JSONError) -> T) throws -> T {
    do {
      return try body()
    } catch {
      throw CommandFailure(message: "record: the daemon sent what it should not: \(error)", code: .software)
    }
  }
}

/// One modality's data of a window.
struct NearPart {
  let modality: String
  let count: Int
  private let rate: Int?
  private let width: Int
  private let height: Int
  private let channels: Int

  init(_ place: JSONPlace) throws(JSONError) {
    modality = try place.member("modality").string()
    // A name is a folder here.
    if modality.utf8.contains(0x2F) || modality.hasPrefix(".") {
      throw place.error(.wrongValue, "the modality's name cannot be a folder's")
    }
    count = try place.member("bytes").integer(in: 1...(1 << 30))
    rate = try place.optional("rate")?.integer(in: SensingLimits.sampleRates)
    width = try place.optional("width")?.integer(in: 1...SensingLimits.imageSide) ?? 0
    height = try place.optional("height")?.integer(in: 1...SensingLimits.imageSide) ?? 0
    channels = try place.optional("channels")?.integer(in: 1...3) ?? 1
  }

  var suffix: String { rate != nil ? "wav" : channels == 1 ? "pgm" : "ppm" }

  func write(_ data: [UInt8], to path: String) throws(LinuxError) {
    if let rate {
      var writer = try WAVWriter(path: path, rate: rate)
      var failure: LinuxError?
      data.withUnsafeBytes { bytes in
        do throws(LinuxError) {
          try writer.append(bytes.bindMemory(to: Int16.self))
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      return try writer.finish()
    }
    let file = try Descriptor.open(path, O_CREAT | O_EXCL | O_WRONLY, mode: 0o600)
    try file.writeAll(Array("\(channels == 1 ? "P5" : "P6")\n\(width) \(height)\n255\n".utf8) + data, path)
  }
}

/// What is in a folder.
enum FolderNames {
  static func all(in folder: String) -> [String] {
    guard let open = opendir(folder) else { return [] }
    defer { closedir(open) }
    var names: [String] = []
    while let entry = readdir(open) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func size(_ path: String) -> Int {
    var information = stat()
    return lstat(path, &information) == 0 ? Int(information.st_size) : 0
  }
}

import Foundation

/// What the devices and the disk of a daemon under test do (Shims/world.c), changed while it runs.
final class World: @unchecked Sendable {
  // Unchecked: words of 32 bits in memory shared with the daemon; each is written by one side.
  enum Device: Int32 {
    case well, absent, hangsInOpen, hangsInClose, readyWithoutData, gone, silentForever
  }
  private enum Place: Int {
    case microphone, camera, syncMilliseconds, syncError, diskRoom, readMilliseconds, level
    case microphoneOpens, microphoneCloses, cameraOpens, cameraCloses
  }
  private static let size = 4096

  let path: String
  let library: String
  private let words: UnsafeMutablePointer<Int32>

  init(in folder: String) throws {
    path = folder + "/world"
    library = try Self.libraryOnce.get()
    guard FileManager.default.createFile(atPath: path, contents: Data(count: Self.size)) else {
      throw CocoaError(.fileWriteUnknown)
    }
    let file = open(path, O_RDWR)
    defer { close(file) }
    guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else { throw POSIXError(.ENOMEM) }
    words = memory.bindMemory(to: Int32.self, capacity: Self.size / 4)
    diskRoom = -1
    level = 40
  }

  deinit { munmap(words, Self.size) }

  var microphone: Device {
    get { Device(rawValue: self[.microphone]) ?? .well }
    set { self[.microphone] = newValue.rawValue }
  }
  var camera: Device {
    get { Device(rawValue: self[.camera]) ?? .well }
    set { self[.camera] = newValue.rawValue }
  }
  /// How long fdatasync of a segment takes.
  var syncMilliseconds: Int32 {
    get { self[.syncMilliseconds] }
    set { self[.syncMilliseconds] = newValue }
  }
  var syncError: Int32 {
    get { self[.syncError] }
    set { self[.syncError] = newValue }
  }
  /// Bytes that segments may still take; below 0 as many as they like.
  var diskRoom: Int32 {
    get { self[.diskRoom] }
    set { self[.diskRoom] = newValue }
  }
  var readMilliseconds: Int32 {
    get { self[.readMilliseconds] }
    set { self[.readMilliseconds] = newValue }
  }
  /// Amplitude of the microphone's noise.
  var level: Int32 {
    get { self[.level] }
    set { self[.level] = newValue }
  }
  var microphoneOpens: Int32 { self[.microphoneOpens] }
  var microphoneCloses: Int32 { self[.microphoneCloses] }
  var cameraOpens: Int32 { self[.cameraOpens] }
  var cameraCloses: Int32 { self[.cameraCloses] }

  private subscript(place: Place) -> Int32 {
    get { words[place.rawValue] }
    set { words[place.rawValue] = newValue }
  }

  /// The library, compiled once for all tests.
  private static let libraryOnce = Result {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Shims/world.c"
    let library = NSTemporaryDirectory() + "/mmexit-world-\(getpid()).so"
    let compiler = Run(
      "/usr/bin/env", ["cc", "-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl"])
    guard compiler.wait(60) == 0 else {
      throw CocoaError(.executableLoad, userInfo: [NSLocalizedDescriptionKey: compiler.error])
    }
    atexit { unlink(NSTemporaryDirectory() + "/mmexit-world-\(getpid()).so") }
    return library
  }
}

import Foundation

/// A program that was started, with what it prints. Ends with the value.
final class Run: @unchecked Sendable {
  // Unchecked: only the test that made it uses it; the readers append under a lock.
  private let process = Process()
  private let lock = NSLock()
  private var outputBytes = Data()
  private var errorBytes = Data()
  private let readers = DispatchGroup()

  /// - Parameter output: where standard output goes; nil to keep it for `output`.
  init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], output: Pipe? = nil
  ) {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let kept = output == nil ? Pipe() : nil
    process.standardOutput = output ?? kept
    let errors = Pipe()
    process.standardError = errors
    do {
      try process.run()
    } catch {
      errorBytes = Data("\(program): \(error)".utf8)
      return
    }
    if let kept { read(kept) { $0.outputBytes.append($1) } }
    read(errors) { $0.errorBytes.append($1) }
  }

  private func read(_ pipe: Pipe, _ append: @escaping @Sendable (Run, Data) -> Void) {
    readers.enter()
    let file = pipe.fileHandleForReading
    Foundation.Thread.detachNewThread { [self] in
      while case let data = file.availableData, !data.isEmpty { lock.withLock { append(self, data) } }
      readers.leave()
    }
  }

  deinit { kill() }

  var identifier: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var output: String { lock.withLock { String(decoding: outputBytes, as: UTF8.self) } }
  var error: String { lock.withLock { String(decoding: errorBytes, as: UTF8.self) } }

  func send(_ signal: Int32) { Foundation.kill(identifier, signal) }
  func kill() { if process.isRunning { send(SIGKILL) } }

  /// The exit code, or 1000 and the signal that ended it; nil where it still runs after so many seconds.
  func wait(_ seconds: Double) -> Int32? {
    let end = Date() + seconds
    while process.isRunning {
      if Date() > end { return nil }
      usleep(5_000)
    }
    _ = readers.wait(timeout: .now() + 2)
    return process.terminationReason == .exit ? process.terminationStatus : 1000 + process.terminationStatus
  }
}

/// Polls until the condition holds; false after so many seconds.
func holds(within seconds: Double, _ condition: () -> Bool) -> Bool {
  let end = Date() + seconds
  while Date() < end {
    if condition() { return true }
    usleep(20_000)
  }
  return condition()
}

import Foundation

/// A program that was started, with what it prints. Ends with the value.
///
/// Not Foundation's `Process`: it waits with `select`, whose sets end at descriptor 1024, and the tests of a thousand
/// clients beside it hold more.
final class Run: @unchecked Sendable {
  // Unchecked: only the test that made it uses it; the readers append under a lock.
  private let lock = NSLock()
  private var outputBytes = Data()
  private var errorBytes = Data()
  private let readers = DispatchGroup()
  /// 0 where the program could not be started.
  private(set) var identifier: Int32 = 0
  private var status: Int32?

  /// - Parameter output: where standard output goes; nil to keep it for `output`.
  init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], output: Pipe? = nil
  ) {
    let kept = output == nil ? Pipe() : nil
    let errors = Pipe()
    let out = (output ?? kept!).fileHandleForWriting
    let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let result = Self.spawn(
      [program] + arguments, all.map { "\($0)=\($1)" }, out.fileDescriptor,
      errors.fileHandleForWriting.fileDescriptor)
    try? out.close()
    try? errors.fileHandleForWriting.close()
    switch result {
    case .success(let started): identifier = started
    case .failure(let error):
      status = 127
      errorBytes = Data("\(program): \(error)".utf8)
      return
    }
    if let kept { read(kept) { $0.outputBytes.append($1) } }
    read(errors) { $0.errorBytes.append($1) }
  }

  /// `posix_spawn_file_actions_addclosefrom_np`, which the C library's headers hide; one call, so that other tests' sockets
  /// are held by the new process for a moment only.
  private static func closeFrom3(_ actions: inout posix_spawn_file_actions_t) {
    typealias Function = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
      for other: Int32 in 3..<4096 { posix_spawn_file_actions_addclose(&actions, other) }
      return
    }
    _ = unsafeBitCast(symbol, to: Function.self)(&actions, 3)
  }

  /// A process in a group of its own, with the signals' usual meaning and no descriptor of ours but its three.
  private static func spawn(
    _ words: [String], _ environment: [String], _ output: Int32, _ errors: Int32
  ) -> Result<Int32, POSIXError> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    closeFrom3(&actions)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var usual = sigset_t()
    sigfillset(&usual)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &usual)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    let arguments = words.map { strdup($0) } + [nil]
    let variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var started: pid_t = 0
    let code = posix_spawn(&started, words[0], &actions, &attributes, arguments, variables)
    return code == 0 ? .success(started) : .failure(POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL))
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

  var isRunning: Bool {
    lock.withLock {
      if status != nil { return false }
      var now: Int32 = 0
      if waitpid(identifier, &now, WNOHANG) == identifier { status = now }
      return status == nil
    }
  }
  var output: String { lock.withLock { String(decoding: outputBytes, as: UTF8.self) } }
  var error: String { lock.withLock { String(decoding: errorBytes, as: UTF8.self) } }

  /// A process that has been waited for gets nothing: its number may be another's by now.
  func send(_ signal: Int32) { if isRunning { _ = Foundation.kill(identifier, signal) } }
  func kill() {
    guard isRunning else { return }
    send(SIGKILL)
    _ = holds(within: 60) { !isRunning }
  }

  /// The exit code, or 1000 and the signal that ended it; nil where it still runs after so many seconds.
  func wait(_ seconds: Double) -> Int32? {
    let end = Date() + seconds
    while isRunning {
      if Date() > end { return nil }
      usleep(5_000)
    }
    _ = readers.wait(timeout: .now() + 2)
    let status = lock.withLock { self.status ?? 0 }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 1000 + status & 0x7F
  }
}

/// Polls until the condition holds; false after so many seconds: long ones, for machines that do much else.
/// How fast it must be is measured by the scripts in tools/, not here.
func holds(within seconds: Double, _ condition: () -> Bool) -> Bool {
  let end = Date() + seconds
  while Date() < end {
    if condition() { return true }
    usleep(20_000)
  }
  return condition()
}

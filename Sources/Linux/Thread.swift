import CLinux
import Glibc
import Vocabulary

/// A thread of its own, named for /proc and debuggers, that must be waited for.
/// Plain pthreads: the Swift executors keep a thread that wakes every second for ever.
package struct Thread: ~Copyable, Sendable {
  private let identity: pthread_t

  /// Starts `body` on a new thread with every signal blocked, so that signals stay with the thread made for them.
  /// - Parameter name: at most 15 bytes, the kernel's limit; more are cut off.
  package init(named name: String, _ body: @escaping @Sendable () -> Void) throws(LinuxError) {
    let box = Unmanaged.passRetained(Body(name: String(name.utf8.prefix(15)) ?? "mmexit", run: body))
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        let body = Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue()
        nameThisThread(body.name)
        body.run()
        return nil
      }, box.toOpaque())
    if code != 0 {
      box.release()
      throw LinuxError("pthread_create", name, errno: code)
    }
    identity = thread
  }

  /// Waits for the thread to end.
  package consuming func join() { pthread_join(identity, nil) }

  /// Waits for the thread to end, at most for `time`; one that has not ended by then is left to itself.
  /// - Returns: whether it ended.
  package consuming func join(within time: Nanoseconds) -> Bool {
    mmx_join_within(identity, time.count) == 0
  }

  /// Leaves the thread to itself: nobody waits for it, and what it holds goes when it ends.
  package consuming func abandon() { pthread_detach(identity) }
}

private final class Body: Sendable {
  let name: String
  let run: @Sendable () -> Void
  init(name: String, run: @escaping @Sendable () -> Void) {
    self.name = name
    self.run = run
  }
}

/// Through /proc, since Glibc's module hides pthread_setname_np. A thread without its name works as well.
private func nameThisThread(_ name: String) {
  if let file = try? Descriptor.open("/proc/thread-self/comm", O_WRONLY) {
    try? file.writeAll(Array(name.utf8))
  }
}

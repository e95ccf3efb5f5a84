import CLinux

/// A system call that failed: which one, on what, with which errno.
package struct LinuxError: Error, Equatable, CustomStringConvertible, Sendable {
  package let call: String
  /// The path, device or address it was about; empty where there is none.
  package let subject: String
  package let errno: Int32

  /// In the place of an errno where the kernel has none: a device, a pipe or a socket under a file's name.
  package static let notRegular: Int32 = -1

  package init(_ call: String, _ subject: String = "", errno: Int32) {
    self.call = call
    self.subject = subject
    self.errno = errno
  }

  /// What the kernel said, in its words.
  package var reason: String {
    errno == Self.notRegular ? "Not a regular file" : String(cString: strerror(errno))
  }

  package var description: String {
    subject.isEmpty ? "\(call): \(reason)" : "\(subject): \(reason) (\(call))"
  }
}

/// The one doorway: calls again on EINTR and throws everything else by name.
@discardableResult
package func system<R: SignedInteger>(
  _ call: String, _ subject: @autoclosure () -> String = "", _ body: () -> R
) throws(LinuxError) -> R {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errnoNow()
    if code != EINTR { throw LinuxError(call, subject(), errno: code) }
  }
}

@inline(__always) package func errnoNow() -> Int32 { __errno_location().pointee }

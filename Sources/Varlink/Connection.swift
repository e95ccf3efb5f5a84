import Glibc
import Linux
import Vocabulary

/// One client: what has come from it and is no whole message yet, and what has not gone out to it yet.
/// A reference, since the kernel's token stands for it; only the server that made it touches it.
final class Connection {
  let descriptor: Descriptor
  let peer: PeerCredentials
  /// In the kernel's events for it; tells a slot's present connection from a former one.
  let token: UInt64

  var input = MessageBuffer()
  private(set) var output: [UInt8] = []
  private var sent = 0

  /// What it has subscribed to; its further requests wait, as Varlink answers in order.
  var subscription: Subscription?
  /// An answer is owed that comes later; its further requests wait.
  var isAwaiting = false
  /// The call that it is owed for wants none.
  var isOneway = false
  /// Somebody wants to know when it is gone.
  var isWatched = false
  /// The client will send no more.
  var inputEnded = false
  /// It was told why, and is closed at this time at the latest; what it sends is thrown away.
  var closing: Instant?
  /// Since when the message at the front is incomplete.
  var partialSince: Instant?
  var interest: EventPoll.Interest = .reading
  /// Of `holds`, what the server has counted.
  var counted = 0
  /// Counted among the connections whose time may run out.
  var isTimed = false

  struct Subscription {
    let topic: Int
    /// The message it gets next.
    var next: UInt64
  }

  init(_ descriptor: consuming Descriptor, _ peer: PeerCredentials, token: UInt64) {
    self.descriptor = descriptor
    self.peer = peer
    self.token = token
  }

  /// Takes what the socket has, up to `scratch`'s size; false when the connection is broken.
  func receive(_ scratch: UnsafeMutableRawBufferPointer) -> Bool {
    while true {
      let count = recv(descriptor.number, scratch.baseAddress, scratch.count, 0)
      if count < 0 {
        switch errnoNow() {
        case EINTR: continue
        case EAGAIN: return true
        default: return false
        }
      }
      if count == 0 {
        inputEnded = true
      } else if closing == nil {
        input.append(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
      }
      return true
    }
  }

  /// Bytes of memory for what waits to be sent and what has come and was not answered. What an idle client keeps
  /// (`idleBytes` each for replies and requests) is not among them.
  var holds: Int { (waiting > 0 ? output.capacity : 0) + (input.count > 0 ? input.capacity : 0) }
  static let idleBytes = 1024

  /// Lets go of what waits, but for the rest of a message that was begun; false where that is long.
  func abandon() -> Bool {
    input = MessageBuffer()
    var rest: [UInt8] = []
    if sent > 0, output[sent - 1] != 0 {
      guard let end = output[sent...].firstIndex(of: 0), end - sent < Self.shortRest else { return false }
      rest = Array(output[sent...end])
    }
    output = rest
    sent = 0
    return true
  }
  private static let shortRest = 4096

  /// Bytes that wait to be sent.
  var waiting: Int { output.count - sent }

  func queue(_ bytes: UnsafeRawBufferPointer) { output.append(contentsOf: bytes) }

  /// A stream's message with how many were lost before it.
  func queue(_ message: UnsafeRawBufferPointer, dropped: UInt64) {
    let opening = MessageWriter.opening
    queue(UnsafeRawBufferPointer(rebasing: message[..<opening.count]))
    output.append(contentsOf: "\"dropped\":\(dropped)".utf8)
    if message[opening.count] != UInt8(ascii: "}") { output.append(UInt8(ascii: ",")) }
    queue(UnsafeRawBufferPointer(rebasing: message[opening.count...]))
  }

  enum Progress { case done, blocked, broken }

  /// Sends what waits.
  func send() -> Progress {
    while waiting > 0 {
      let count = output.withUnsafeBytes { put(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
      guard let count else { return .broken }
      if count == 0 { return .blocked }
      sent += count
    }
    guard sent > 0 else { return .done }
    sent = 0
    // A long answer's memory is not kept for the next one.
    output.removeAll(keepingCapacity: output.capacity <= Self.idleBytes)
    return .done
  }

  /// Sends a message past the queue, which is empty; what the socket does not take is queued.
  func sendDirectly(_ message: UnsafeRawBufferPointer) -> Progress {
    guard let count = put(message) else { return .broken }
    if count == message.count { return .done }
    queue(UnsafeRawBufferPointer(rebasing: message[count...]))
    return .blocked
  }

  /// Bytes taken, 0 when the socket is full; nil when nobody will ever take them.
  private func put(_ bytes: UnsafeRawBufferPointer) -> Int? {
    while true {
      let count = Glibc.send(descriptor.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return count }
      switch errnoNow() {
      case EINTR: continue
      case EAGAIN: return 0
      default: return nil
      }
    }
  }
}

/// Bytes as they came, cut at the NULs between messages.
struct MessageBuffer {
  private var bytes: [UInt8] = []
  private var start = 0
  /// The bytes before it hold no NUL.
  private var scanned = 0

  /// Bytes of the message that is not whole yet (of all that wait, when whole ones were not taken).
  var count: Int { bytes.count - start }

  /// Bytes of memory.
  var capacity: Int { bytes.capacity }

  mutating func append(_ new: UnsafeRawBufferPointer) { bytes.append(contentsOf: new) }

  /// Passes the next whole message, without its NUL, to `body`; nil when there is none.
  mutating func next<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R? {
    let end = bytes.withUnsafeBytes { all -> Int? in
      guard let base = all.baseAddress, scanned < all.count,
        let nul = memchr(base + scanned, 0, all.count - scanned)
      else { return nil }
      return UnsafeRawPointer(nul) - base
    }
    guard let end else {
      scanned = bytes.count
      return nil
    }
    defer {
      start = end + 1
      scanned = start
    }
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
  }

  /// Lets go of the messages that were taken, and of memory that an idle client does not need.
  mutating func compact() {
    if start == bytes.count {
      self = MessageBuffer(keeping: bytes)
    } else if start > 0 {
      bytes.removeFirst(start)
      scanned -= start
      start = 0
    }
  }

  init() {}

  private init(keeping former: [UInt8]) {
    guard former.capacity <= Connection.idleBytes else { return }
    bytes = former
    bytes.removeAll(keepingCapacity: true)
  }
}

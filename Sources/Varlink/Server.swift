import Glibc
import JSON
import Linux
import Vocabulary

/// A Varlink service on a Unix socket. One thread owns it and drives it from an epoll loop of its own: the loop waits
/// for `number` to become readable (and not beyond `nextDeadline`) and then calls `serve`. No call blocks.
/// Memory is bounded by `VarlinkLimits`; a slow client costs itself messages and nobody else anything.
package struct Server: ~Copyable, @unchecked Sendable {
  // Unchecked: the connections are referred to from here only, and one owner hands this over whole.

  /// Connections served now.
  package internal(set) var clients = 0
  /// Connections that were refused because there were too many.
  package internal(set) var refused = 0
  /// Stream messages that subscribers lost because they did not keep up.
  package private(set) var dropped: UInt64 = 0
  /// Memory that holds replies not sent and requests not whole, of all clients together; at most
  /// `VarlinkLimits.clientBytes` and one reply.
  package internal(set) var heldBytes = 0
  /// Clients that were closed because they held too much of it.
  package internal(set) var evicted = 0

  let listener: UnixListener
  let limits: VarlinkLimits
  private let service: Service
  var poll: EventPoll
  var writer: MessageWriter
  private let scratch: UnsafeMutableRawBufferPointer
  var topics: [Broadcast]
  var connections: [Connection?] = []
  var shares = ClientShares()
  var freeSlots: [Int] = []
  var generation: UInt64 = 0
  /// Connections whose time may run out.
  var timed = 0
  var lastSweep = Instant.zero
  /// Out of descriptors: nobody is accepted until the next sweep or the next disconnect.
  var isPaused = false
  /// Connections that are gone and that somebody wants to know of.
  var closed: [ConnectionID] = []

  static let listenerToken = UInt64.max

  /// - Parameters:
  ///   - interfaces: beside `org.varlink.service` and `io.mmexit.Connection`, which are added.
  ///   - topics: streams that may be published on are 0..<topics.
  package init(
    _ listener: consuming UnixListener, _ information: ServiceInformation, interfaces: [InterfaceDescription],
    topics: Int, limits: VarlinkLimits = VarlinkLimits()
  ) throws(LinuxError) {
    let poll = try EventPoll()
    try poll.add(listener.number, .reading, token: Self.listenerToken)
    self.listener = listener
    self.poll = poll
    self.limits = limits
    service = Service(information, interfaces)
    self.topics = Array(repeating: Broadcast(capacity: limits.streamMessages), count: topics)
    writer = MessageWriter(limit: limits.replyBytes)
    scratch = .allocate(byteCount: VarlinkLimits.readBytes, alignment: 1)
  }

  deinit { scratch.deallocate() }

  /// Readable when `serve` has something to do.
  package var number: Int32 { poll.number }

  /// When `serve` is to be called though nothing came; nil when there is no such time.
  package var nextDeadline: Instant? {
    timed > 0 || isPaused ? lastSweep + VarlinkLimits.sweepInterval : nil
  }

  /// Does what there is to do: accepts, reads, hands calls to `handler`, sends, closes.
  package mutating func serve(at now: Instant, _ handler: (Call) -> Reply) throws(LinuxError) {
    let count = try poll.wait(timeout: .zero)
    for index in 0..<count {
      let event = poll[index]
      if event.token == Self.listenerToken {
        accept(now)
      } else if let connection = connections[Int(event.token & 0xFFFF_FFFF)], connection.token == event.token
      {
        handle(event, connection, now, handler)
        evict(now)
      }
    }
    if let deadline = nextDeadline {
      if now >= deadline { sweep(now) }
    } else {
      lastSweep = now
    }
  }

  /// Whether anybody listens: what nobody listens to need not be encoded.
  package func hasSubscribers(_ topic: Int) -> Bool { !topics[topic].subscribers.isEmpty }

  /// Counts messages that were lost on their way here: they are in the `dropped` of every subscriber's next one.
  package mutating func skip(_ topic: Int, _ count: UInt64) { topics[topic].skip(count) }

  /// Whether everybody who has subscribed has been sent all there is, as far as the kernel takes it.
  package func hasSentAll(_ topic: Int) -> Bool {
    topics[topic].subscribers.allSatisfy { slot in
      guard let connection = connections[slot], let subscription = connection.subscription else {
        return true
      }
      return connection.waiting == 0 && topics[topic].first(from: subscription.next) == nil
    }
  }

  /// Sends a message to everybody who has subscribed to the topic: encoded once, and not at all for nobody.
  /// - Returns: false when the message was longer than `replyBytes`, and went to nobody.
  @discardableResult
  package mutating func publish(_ topic: Int, at now: Instant, _ members: Reply.Members) -> Bool {
    guard hasSubscribers(topic) else { return true }
    guard writer.encode(continues: true, members) else {
      topics[topic].skip(1)
      return false
    }
    writer.withBytes { topics[topic].publish($0) }
    // Backwards: a connection that breaks takes itself out of the list, and the last one takes its place.
    var place = topics[topic].subscribers.count
    while place > 0 {
      place -= 1
      guard let connection = connections[topics[topic].subscribers[place]] else { continue }
      // One that is blocked is sent to when its socket takes more.
      if connection.interest.contains(.writing) { continue }
      finish(connection, now)
    }
    evict(now)
    return true
  }
}

// What comes in.
extension Server {
  private mutating func handle(
    _ event: EventPoll.Event, _ connection: Connection, _ now: Instant, _ handler: (Call) -> Reply
  ) {
    if event.readable && connection.interest.contains(.reading) {
      guard connection.receive(scratch) else { return close(connection) }
    } else if event.hungUp {
      return close(connection)
    }
    if event.writable && connection.send() == .broken { return close(connection) }
    advance(connection, now, handler)
  }

  /// Requests that came together may give more answers than may wait; when those are gone the rest is answered.
  mutating func advance(_ connection: Connection, _ now: Instant, _ handler: (Call) -> Reply) {
    repeat {
      process(connection, now, handler)
    } while !isReady(connection) && connection.send() == .done
      && isReady(connection)
    finish(connection, now)
  }

  /// Whether the next request may be answered: not while a stream runs, an answer is owed or answers pile up.
  private func isReady(_ connection: Connection) -> Bool {
    connection.closing == nil && connection.subscription == nil && !connection.isAwaiting
      && connection.waiting < VarlinkLimits.waitingReplyBytes
  }

  private mutating func process(_ connection: Connection, _ now: Instant, _ handler: (Call) -> Reply) {
    var tookOne = false
    while isReady(connection) {
      var tooLarge = false
      let limit = limits.messageBytes
      let message = connection.input.next { bytes -> Result<JSONValue, JSONError> in
        tooLarge = bytes.count > limit
        do throws(JSONError) {
          return .success(try JSONValue.parse(bytes, maximumBytes: limit))
        } catch {
          return .failure(error)
        }
      }
      guard let message else {
        tooLarge = connection.input.count > limit
        if tooLarge { end(connection, "MessageTooLarge", ["limit_bytes": .integer(Int64(limit))], now) }
        break
      }
      tookOne = true
      switch message {
      case .failure where tooLarge:
        end(connection, "MessageTooLarge", ["limit_bytes": .integer(Int64(limit))], now)
      case .failure(let error):
        end(connection, "InvalidMessage", ["reason": .string(error.description)], now)
      case .success(.object(let object)):
        answer(.object(object), connection, handler)
      case .success(let other):
        end(
          connection, "InvalidMessage", ["reason": .string("expected an object, found \(other.typeName)")],
          now)
      }
    }
    connection.input.compact()
    if connection.closing != nil { connection.input = MessageBuffer() }
    if tookOne || connection.input.count == 0 { connection.partialSince = nil }
    if isReady(connection) && connection.input.count > 0 && connection.partialSince == nil {
      connection.partialSince = now
    }
    if !isReady(connection) { connection.partialSince = nil }
  }

  private mutating func answer(_ message: JSONValue, _ connection: Connection, _ handler: (Call) -> Reply) {
    let call: Call
    do throws(CallError) {
      call = try Call(message, from: connection.peer, on: ConnectionID(token: connection.token))
    } catch {
      writer.error(error)
      writer.withBytes { connection.queue($0) }
      return
    }
    let reply = service.answer(call, handler)
    if case .deferred = reply {
      connection.isAwaiting = true
      connection.isOneway = call.oneway
      return
    }
    if call.oneway { return }
    if case .stream(let topic, let first) = reply, call.more {
      connection.subscription = Connection.Subscription(topic: topic, next: topics[topic].next)
      topics[topic].subscribe(Int(connection.token & 0xFFFF_FFFF))
      guard let first else { return }
      writer.reply(continues: true, first)
    } else {
      write(reply)
    }
    writer.withBytes { connection.queue($0) }
  }

  /// Encodes an answer that is no stream.
  mutating func write(_ reply: Reply) {
    switch reply {
    case .parameters(let members): writer.reply(continues: false, members)
    case .error(let error): writer.error(error)
    case .stream: writer.error(.expectedMore)
    case .deferred: preconditionFailure("an answer that is put off twice")
    }
  }
}

// What goes out.
extension Server {
  /// Sends what can be sent, and sees to what the kernel shall tell next; the last step of whatever happened.
  mutating func finish(_ connection: Connection, _ now: Instant) {
    defer { count(connection) }
    var progress = connection.send()
    while progress == .done, let number = nextMessage(connection) {
      progress = sendMessage(number, connection)
    }
    if progress == .broken { return close(connection) }
    if progress == .done {
      if connection.closing != nil { shutdown(connection.descriptor.number, Int32(SHUT_WR)) }
      // Nothing more will come and nothing is left to say. A stream runs on for one that only stopped sending.
      if connection.inputEnded && connection.subscription == nil && !connection.isAwaiting {
        return close(connection)
      }
    }
    var interest: EventPoll.Interest = []
    if !connection.inputEnded && (isReady(connection) || connection.closing != nil) {
      interest.insert(.reading)
    }
    if progress == .blocked { interest.insert(.writing) }
    if interest != connection.interest {
      connection.interest = interest
      do throws(LinuxError) {
        try poll.change(connection.descriptor.number, interest, token: connection.token)
      } catch {
        return close(connection)
      }
    }
    let isTimed = connection.closing != nil || connection.partialSince != nil
    if isTimed != connection.isTimed {
      connection.isTimed = isTimed
      if isTimed && timed == 0 { lastSweep = now }
      timed += isTimed ? 1 : -1
    }
  }

  /// The stream message that a subscriber gets next; nil when it has all.
  private func nextMessage(_ connection: Connection) -> UInt64? {
    guard connection.closing == nil, let subscription = connection.subscription else { return nil }
    return topics[subscription.topic].first(from: subscription.next)
  }

  private mutating func sendMessage(_ number: UInt64, _ connection: Connection) -> Connection.Progress {
    guard let subscription = connection.subscription else { return .done }
    let lost = number - subscription.next
    dropped += lost
    connection.subscription = Connection.Subscription(topic: subscription.topic, next: number + 1)
    return topics[subscription.topic].withMessage(number) { bytes in
      if lost == 0 { return connection.sendDirectly(bytes) }
      connection.queue(bytes, dropped: lost)
      return connection.send()
    }
  }
}

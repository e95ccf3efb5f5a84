import Glibc
import Linux
import Synchronization
import Testing
import Vocabulary

@testable import Varlink

private final class Counts: Sendable {
  let tried = Atomic(0)
  let won = Atomic(0)
}

// Beside the server's tests, since they need its fixtures.
@Suite struct UnixSocketTests {
  private func mode(_ path: String) -> UInt32 {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func theSocketHasItsModeWhateverTheUmaskAndGoesWithTheListener() throws {
    let socket = SocketPath()
    do {
      let listener = try UnixListener.listen(at: socket.path)
      #expect(mode(socket.path) == 0o660)
      let number = listener.number
      #expect(number >= 0)
    }
    #expect(mode(socket.path) == 0)
  }

  @Test func aSocketThatAnswersIsNotTaken() throws {
    let socket = SocketPath()
    let listener = try UnixListener.listen(at: socket.path)
    #expect(throws: UnixSocketError.taken(path: socket.path)) {
      _ = try UnixListener.listen(at: socket.path)
    }
    #expect(
      UnixSocketError.taken(path: "/run/x").description
        == "/run/x: socket path taken by a running daemon: stop it or choose another socket")
    // The first one is as it was.
    _ = try UnixSocket.connect(to: socket.path)
    let connection = try listener.accept()
    let came = connection != nil
    #expect(came)
  }

  @Test func aSocketOfOneWhoIsGoneIsReplaced() throws {
    let socket = SocketPath()
    let former = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #expect(bind(former, to: socket.path) == 0)
    close(former)
    #expect(throws: UnixSocketError.nobodyThere(path: socket.path)) {
      _ = try UnixSocket.connect(to: socket.path)
    }
    let listener = try UnixListener.listen(at: socket.path)
    _ = try UnixSocket.connect(to: socket.path)
    let path = listener.path
    #expect(path == socket.path)
  }

  @Test func whatIsNoSocketIsLeftAlone() throws {
    let socket = SocketPath()
    close(open(socket.path, O_CREAT | O_WRONLY, 0o644))
    #expect(throws: UnixSocketError.notASocket(path: socket.path)) {
      _ = try UnixListener.listen(at: socket.path)
    }
    #expect(mode(socket.path) != 0)
  }

  @Test func aPathTooLongAndOneWithoutADirectoryAreNamed() throws {
    let long = "/tmp/" + String(repeating: "x", count: 103)
    #expect(throws: UnixSocketError.pathTooLong(path: long, limit: 107)) {
      _ = try UnixListener.listen(at: long)
    }
    #expect(throws: UnixSocketError.cannotListen(path: "/nowhere/socket", errno: ENOENT)) {
      _ = try UnixListener.listen(at: "/nowhere/socket")
    }
    #expect(throws: UnixSocketError.emptyPath) { _ = try UnixListener.listen(at: "") }
    #expect(throws: UnixSocketError.emptyPath) { _ = try UnixSocket.connect(to: "") }
    #expect(throws: UnixSocketError.nobodyThere(path: "/nowhere/socket")) {
      _ = try UnixSocket.connect(to: "/nowhere/socket")
    }
  }

  @Test func aFileInThePlaceOfTheFolderOrOfTheSocketIsNamed() throws {
    let socket = SocketPath()
    close(open(socket.path, O_CREAT | O_WRONLY, 0o644))
    let below = socket.path + "/below"
    #expect(throws: UnixSocketError.cannotListen(path: below, errno: ENOTDIR)) {
      _ = try UnixListener.listen(at: below)
    }
    for path in [below, socket.path] {
      #expect(throws: UnixSocketError.notTheDaemons(path: path)) { _ = try UnixSocket.connect(to: path) }
    }
  }

  @Test func anotherProgramsDatagramSocketIsLeftAlone() throws {
    let socket = SocketPath()
    let other = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(other) }
    #expect(bind(other, to: socket.path) == 0)
    #expect(throws: UnixSocketError.notAStreamSocket(path: socket.path)) {
      _ = try UnixListener.listen(at: socket.path)
    }
    #expect(throws: UnixSocketError.notTheDaemons(path: socket.path)) {
      _ = try UnixSocket.connect(to: socket.path)
    }
  }

  @Test(arguments: [
    (UnixSocketError.emptyPath, "empty", ExitCode.configuration),
    (.pathTooLong(path: "/s", limit: 107), "107 bytes", .configuration),
    (.taken(path: "/s"), "taken", .cannotCreate),
    (.notASocket(path: "/s"), "no socket", .cannotCreate),
    (.anotherUsers(path: "/s"), "that user remove it", .noPermission),
    (.notAStreamSocket(path: "/s"), "another program's", .cannotCreate),
    (.cannotListen(path: "/r/s", errno: ENOENT), "/r does not exist", .cannotCreate),
    (.cannotListen(path: "/r/s", errno: ENOTDIR), "/r is no folder", .cannotCreate),
    (.cannotListen(path: "/s", errno: EACCES), "make a socket in /;", .noPermission),
    (.cannotListen(path: "s", errno: EROFS), ". is read-only", .cannotCreate),
    (.cannotListen(path: "/s", errno: ENOSPC), "No space left", .cannotCreate),
    (.nobodyThere(path: "/s"), "start it", .unavailable),
    (.notTheDaemons(path: "/s"), "name the right one", .unavailable),
    (.mayNotConnect(path: "/s"), "join its group", .noPermission),
    (.notAdoptable(number: 3, why: "it is odd"), "socket unit", .configuration),
    (.failed(LinuxError("socket", errno: EMFILE)), "Too many open files", .osError),
  ])
  func everyRefusalSaysWhatToDo(error: UnixSocketError, part: String, code: ExitCode) {
    #expect(error.description.contains(part), "\(error)")
    #expect(error.description.contains(";") || error.description.contains(": stop"), "\(error)")
    #expect(!error.description.contains("\n"))
    #expect(error.exitCode == code)
  }

  private func bind(_ number: Int32, to path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  @Test func aListenerHandedOverIsAdoptedAndItsFileStays() throws {
    let socket = SocketPath()
    let made = try UnixListener.listen(at: socket.path)
    do {
      let adopted = try UnixListener.adopt(dup(made.number))
      _ = try UnixSocket.connect(to: socket.path)
      let connection = try adopted.accept()
      let came = connection != nil
      #expect(came)
    }
    #expect(mode(socket.path) == 0o660)
  }

  @Test func whatIsNoListeningUnixSocketIsNotAdopted() throws {
    let socket = SocketPath()
    let listener = try UnixListener.listen(at: socket.path)
    let connected = try UnixSocket.connect(to: socket.path)
    let file = try Descriptor.open("/dev/null", O_RDONLY)
    let internet = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(internet) }
    for number in [connected.number, file.number, internet, 9999] {
      var why = ""
      do {
        _ = try UnixListener.adopt(number)
      } catch {
        why = error.description
      }
      #expect(why.hasPrefix("descriptor \(number): handed over as a socket, but it"))
    }
    let number = listener.number
    #expect(number >= 0)
  }

  @Test func ofThoseWhoStartAtOnceExactlyOneListens() throws {
    for _ in 0..<20 {
      let socket = SocketPath()
      let path = socket.path
      let counts = Counts()
      let threads = (0..<4).map { _ in
        BlockingThread {
          let listener = try? UnixListener.listen(at: path)
          counts.tried.add(1, ordering: .sequentiallyConsistent)
          guard let listener, listener.number >= 0 else { return }
          counts.won.add(1, ordering: .sequentiallyConsistent)
          // It listens until everybody has tried.
          while counts.tried.load(ordering: .sequentiallyConsistent) < 4 { usleep(1000) }
        }
      }
      for thread in threads { thread.join() }
      #expect(counts.won.load(ordering: .sequentiallyConsistent) == 1)
    }
  }
}

@Suite struct EventPollTests {
  @Test func eventsComeWithTheirTokens() throws {
    var poll = try EventPoll(capacity: 4)
    var pipes: [Int32] = [0, 0]
    pipe(&pipes)
    defer { close(pipes[0]) }
    try poll.add(pipes[0], .reading, token: .max)
    try poll.add(pipes[1], [], token: 7)
    let none = try poll.wait(timeout: .zero)
    #expect(none == 0)
    write(pipes[1], "x", 1)
    let one = try poll.wait(timeout: nil)
    #expect(one == 1)
    let event = poll[0]
    #expect(event.token == .max && event.readable && !event.writable && !event.hungUp)
    try poll.change(pipes[1], .writing, token: 8)
    let both = try poll.wait(timeout: .seconds(1))
    #expect(both == 2)
    let tokens = Set([poll[0].token, poll[1].token])
    #expect(tokens == [.max, 8])
    try poll.remove(pipes[1])
    close(pipes[1])
    let end = try poll.wait(timeout: .seconds(1))
    #expect(end == 1)
    let hungUp = poll[0].hungUp
    #expect(hungUp)
  }

  @Test func aWaitEndsWhenItsTimeIsUp() throws {
    var poll = try EventPoll()
    let before = bootTimeNanoseconds()
    let count = try poll.wait(timeout: Nanoseconds(5_000_001))
    #expect(count == 0)
    #expect(bootTimeNanoseconds() - before >= 5_000_000)
  }
}

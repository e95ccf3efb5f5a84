import Glibc
import Linux
import Testing
import Vocabulary

@testable import Ledger

/// What is no file under the name of one of the ledger's hangs neither the audit nor a start, and is written to by none.
@Suite struct NotAFileTests {
  enum Kind: CaseIterable { case pipe, socket, directory, link, device }

  private func make(_ kind: Kind, at path: String) throws {
    switch kind {
    case .pipe: try system("mkfifo", path) { mkfifo(path, 0o600) }
    case .directory: try system("mkdir", path) { mkdir(path, 0o700) }
    case .link:
      replace(path + ".elsewhere", with: Array("precious".utf8))
      try system("symlink", path) { symlink(path + ".elsewhere", path) }
    case .device: try system("symlink", path) { symlink("/dev/zero", path) }
    case .socket:
      // A socket's path has 107 bytes at most.
      let short = "/tmp/mmexit-socket-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(file) }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: short.utf8) }
      try system("bind", short) {
        withUnsafePointer(to: address) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
          }
        }
      }
      try system("rename", short) { rename(short, path) }
    }
  }

  private func refusal(_ directory: TemporaryDirectory) -> LedgerError? {
    do throws(LedgerError) {
      var writer = try LedgerWriter(
        directory: directory.path, identity: identity(), at: stamp(9), options: eager())
      writer.append(.wake(modality: 0, decision: nil), at: stamp(9))
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: Kind.allCases) func underASegmentsName(_ kind: Kind) throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let path = directory.path + "/" + Segment.name(5)
    try make(kind, at: path)
    #expect(refusal(directory) == .notAFile(path: path))
    do throws(LedgerError) {
      _ = try audit(directory.path)
      Issue.record("audited")
    } catch {
      #expect(error == .notAFile(path: path))
      #expect(error.exitCode == .dataError)
      #expect(error.description.contains("; move it away"))
    }
    if kind == .link { #expect(contents(of: path + ".elsewhere") == Array("precious".utf8)) }
    rmdir(path)
  }

  @Test(arguments: Kind.allCases) func underTheLocksName(_ kind: Kind) throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/lock"
    try make(kind, at: path)
    #expect(refusal(directory) == .notAFile(path: path))
    #expect(directory.names.filter { $0.hasPrefix("ledger-") } == [])
    if kind == .link { #expect(contents(of: path + ".elsewhere") == Array("precious".utf8)) }
    rmdir(path)
  }

  /// A file that no daemon has made is the lock all the same, and keeps what it holds.
  @Test(arguments: ["precious", "12\nand more", "12", "a number that no process has\n"])
  func whatAnotherHasPutUnderTheLocksName(_ text: String) throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/lock"
    replace(path, with: Array(text.utf8))
    try write(2, in: directory)
    #expect(contents(of: path) == Array(text.utf8))
    #expect(try audit(directory.path).passes)
  }

  @Test func anotherNameOfAFileElsewhereIsNotWritten() throws {
    let (directory, elsewhere) = (TemporaryDirectory(), TemporaryDirectory())
    let file = elsewhere.path + "/12"
    replace(file, with: Array("12\n".utf8))
    #expect(link(file, directory.path + "/lock") == 0)
    try write(2, in: directory)
    #expect(contents(of: file) == Array("12\n".utf8))
  }

  @Test func theLockOfADaemonThatIsGoneIsWrittenAnew() throws {
    let directory = TemporaryDirectory()
    replace(directory.path + "/lock", with: Array("12\n".utf8))
    try write(2, in: directory)
    #expect(contents(of: directory.path + "/lock") == Array("\(getpid())\n".utf8))
  }

  @Test(arguments: Kind.allCases) func underTheNameOfWhatIsCut(_ kind: Kind) throws {
    let directory = TemporaryDirectory()
    try write(2, in: directory)
    let segment = try firstSegment(directory)
    let torn = contents(of: segment) + [65]
    replace(segment, with: torn)
    let path = segment + ".untold-5-1-" + sha256Hex(of: [65])
    try make(kind, at: path)
    #expect(refusal(directory) == .notAFile(path: path))
    #expect(contents(of: segment) == torn)
    if kind == .link { #expect(contents(of: path + ".elsewhere") == Array("precious".utf8)) }
    rmdir(path)
  }
}

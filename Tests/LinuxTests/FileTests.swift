import Glibc
import Testing
import Vocabulary

@testable import Linux

@Suite struct FileTests {
  private let path = "/tmp/mmexit-linux-\(getpid())-\(UInt32.random(in: 0 ... .max))"

  private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    try Descriptor.open(path, O_CREAT | O_EXCL | O_WRONLY).writeAll(bytes)
    defer { unlink(path) }
    try body(path)
  }

  @Test(arguments: [0, 1, 4_095, 4_096, 4_097, 100_000]) func whatIsWrittenIsRead(count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
    try withFile(bytes) { path in
      let read = try readFile(path, limit: 100_000)
      #expect(read == bytes)
    }
  }

  @Test func moreThanTheLimitIsRefused() throws {
    try withFile([1, 2, 3]) { path in
      let whole = try readFile(path, limit: 3)
      #expect(whole == [1, 2, 3])
      #expect(throws: LinuxError("read", path, errno: EFBIG)) { try readFile(path, limit: 2) }
    }
  }

  @Test func filesThatHideTheirSizeAreReadAndBounded() throws {
    #expect(try readFile("/proc/self/status", limit: 1 << 16).count > 100)
  }

  @Test func devicesAndPipesAreNoFiles() throws {
    #expect(throws: LinuxError("read", "/dev/zero", errno: LinuxError.notRegular)) {
      try readFile("/dev/zero", limit: 10_000)
    }
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let error = #expect(throws: LinuxError.self) { try readFile(path, limit: 10_000) }
    #expect(error?.description == "\(path): Not a regular file (read)")
  }

  @Test(arguments: [
    (ENOENT, "check the path", ExitCode.noInput), (EISDIR, "name a file in it", .noInput),
    (EACCES, "the right to read", .noPermission), (EFBIG, "name the right one", .dataError),
    (LinuxError.notRegular, "regular file", .noInput), (EIO, "check the disk", .ioError),
  ])
  func everyRefusalOfAFileHasARemedyAndACode(errno: Int32, remedy: String, code: ExitCode) {
    let error = LinuxError("read", "/x", errno: errno)
    #expect(error.fileRemedy.contains(remedy))
    #expect(error.fileExitCode == code)
  }

  @Test func refusalsNameTheCallThePathAndTheReason() {
    let error = #expect(throws: LinuxError.self) { try readFile("/nowhere/x", limit: 1) }
    #expect(error?.description == "/nowhere/x: No such file or directory (open)")
    #expect(throws: LinuxError("read", "/tmp", errno: EISDIR)) { try readFile("/tmp", limit: 10) }
  }

  @Test func readsAtAnOffsetUpToTheEnd() throws {
    try withFile([10, 11, 12, 13]) { path in
      let file = try Descriptor.open(path, O_RDONLY)
      let size = try file.regularFileSize()
      #expect(size == 4)
      var buffer: [UInt8] = [0, 0, 0]
      let n = try buffer.withUnsafeMutableBytes { try file.read(at: 2, into: $0) }
      #expect(n == 2)
      #expect(buffer == [12, 13, 0])
    }
  }

  @Test func directoriesAreListedInByteOrder() throws {
    let names = try directoryNames("/proc/self")
    #expect(names.contains("status") && !names.contains(".") && !names.contains(".."))
    #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    #expect(throws: LinuxError("opendir", "/nowhere", errno: ENOENT)) { try directoryNames("/nowhere") }
  }

  @Test func linksAreFollowed() throws {
    try withFile([1]) { path in
      let link = path + ".link"
      #expect(symlink(path, link) == 0)
      defer { unlink(link) }
      let (followed, direct) = (try realPath(link), try realPath(path))
      #expect(followed == direct)
    }
  }
}

import Glibc
import Linux
import Testing
import Wire

@Suite struct SocketPathTests {
  @Test func whatIsSaidComesBeforeWhatIsFound() {
    #expect(SocketPath.find("/a", variable: "/b", among: ["/tmp"]) == "/a")
    #expect(SocketPath.find(nil, variable: "/b", among: ["/tmp"]) == "/b")
    #expect(SocketPath.find(nil, variable: "", among: ["/nowhere", "/tmp"]) == "/tmp")
    #expect(SocketPath.find(nil, variable: nil, among: ["/nowhere"]) == nil)
    for path in [SocketPath.installed, SocketPath.demonstration, "--socket"] {
      #expect(SocketPath.noneFound.contains(path))
    }
  }

  @Test func whoeverMayPutASocketThereIsNotBelieved() throws {
    let folder = "/tmp/mmexit-trust-\(getpid())"
    let path = folder + "/socket"
    mkdir(folder, 0o755)
    defer {
      unlink(path)
      rmdir(folder)
    }
    let listener = try UnixListener.listen(at: path)
    let me = geteuid()
    let (other, third) = (me + 1, me + 2)
    // The folder is one user's.
    #expect(SocketPath.isTrusted(path, peer: other, user: third))
    chmod(folder, 0o1777)
    #expect(SocketPath.isTrusted(path, peer: me, user: me))
    #expect(!SocketPath.isTrusted(path, peer: other, user: me))
    #expect(SocketPath.isTrusted(path, peer: 0, user: me))
    // The file is ours (or root's), and the client is another user.
    #expect(SocketPath.isTrusted(path, peer: 0, user: other) == (me == 0))
    #expect(!SocketPath.isTrusted(path, peer: me + 3, user: other))
    #expect(!SocketPath.isTrusted(folder + "/gone", peer: me, user: me))
    #expect(SocketPath.notTrusted(path, peer: 7).contains("user 7"))
    withExtendedLifetime(listener) {}
  }
}

import Glibc
import Testing

@testable import Varlink

@Suite struct InterfaceTests {
  private func file(_ name: String) -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let descriptor = open("/\(root)/docs/varlink/\(name).varlink", O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
  }

  @Test func theFilesAreWhatTheDaemonGivesOut() {
    #expect(file("io.mmexit.Daemon") == DaemonInterface.description.text)
    #expect(file("io.mmexit.Connection") == ConnectionInterface.description.text)
  }

  @Test func methodsAreReadFromTheText() {
    #expect(DaemonInterface.description.name == DaemonInterface.name)
    #expect(
      DaemonInterface.description.methods == [
        "GetStatus", "GetModel", "Watch", "Label", "Pause", "Resume", "Acquire", "Release", "Ask",
        "Reload", "SetPreference", "GetOrder", "GetMetrics", "NextNear", "ReadNear",
      ])
    #expect(ServiceInterface.description.methods == ["GetInfo", "GetInterfaceDescription"])
    #expect(ConnectionInterface.description.methods == [])
  }
}

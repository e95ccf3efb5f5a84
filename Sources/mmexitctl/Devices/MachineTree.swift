import ArgumentParser
import Glibc
import Linux

/// The files that tell of a machine (`/sys`, `/proc`, `/dev`, `/etc`), below `/` or, in a test, below a tree laid out like it.
struct MachineTree {
  /// Empty for the machine itself.
  let root: String

  var isReal: Bool { root.isEmpty }

  func path(_ path: String) -> String { root + path }

  /// A file's text without the newline at its end; nil where it cannot be read.
  func text(_ path: String) -> String? {
    guard var bytes = try? readFile(self.path(path), limit: 1 << 20) else { return nil }
    while bytes.last == 0x0A || bytes.last == 0 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  func lines(_ path: String) -> [String] {
    (text(path) ?? "").split(separator: "\n").map(String.init)
  }

  /// None where there is no such folder.
  func names(_ folder: String) -> [String] { (try? directoryNames(path(folder))) ?? [] }

  func isThere(_ path: String) -> Bool { access(self.path(path), F_OK) == 0 }

  /// What a symbolic link says.
  func link(_ path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: 4_096)
    let count = readlink(self.path(path), &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The name that a link in `/dev` leads to, of a folder's links: `../../video0` is `video0`.
  func links(in folder: String, to node: String) -> [String] {
    names(folder).filter { link("\(folder)/\($0)")?.split(separator: "/").last.map(String.init) == node }
      .map { "\(folder)/\($0)" }
  }

  struct Owner {
    var user: UInt32
    var group: UInt32
    var mode: UInt32
  }

  func owner(of path: String) -> Owner? {
    var status = stat()
    guard stat(self.path(path), &status) == 0 else { return nil }
    return Owner(user: status.st_uid, group: status.st_gid, mode: status.st_mode & 0o7777)
  }
}

/// What `devices` and `doctor` have in common.
struct MachineOptions: ParsableArguments {
  static let installed = "/etc/mmexitd/mmexitd.conf"

  @Option(
    help: ArgumentHelp("The daemon's configuration (default: \(installed), where it is).", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("A tree to look at in place of /, for tests.", visibility: .hidden))
  var root = ""

  var tree: MachineTree { MachineTree(root: root) }

  /// The configuration's path; nil where none was named and none is installed.
  var file: String? {
    if let config { return config }
    return tree.isThere(Self.installed) ? tree.path(Self.installed) : nil
  }

  func validate() throws {
    if config == "" { throw ValidationError("--config is empty; name the daemon's configuration") }
  }
}

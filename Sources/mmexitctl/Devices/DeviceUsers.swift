import Glibc
import Linux

/// A process that has a device open.
struct DeviceUser: Hashable {
  var process: Int
  var command: String

  var text: String { "\(command) (pid \(process))" }
}

/// Who has what open, by the links in `/proc/PID/fd`. Only root sees those of all users.
struct OpenDevices {
  private var users: [String: Set<DeviceUser>] = [:]
  /// Processes whose descriptors this user may not see.
  private(set) var hidden = 0

  init(_ tree: MachineTree) {
    for name in tree.names("/proc") {
      guard let process = Int(name) else { continue }
      let folder = "/proc/\(name)/fd"
      guard let descriptors = try? directoryNames(tree.path(folder)) else {
        // One that has just ended has none.
        if tree.isThere("/proc/\(name)") { hidden += 1 }
        continue
      }
      for descriptor in descriptors {
        guard let path = tree.link("\(folder)/\(descriptor)"), path.hasPrefix("/dev/") else { continue }
        users[path, default: []].insert(
          DeviceUser(process: process, command: tree.text("/proc/\(name)/comm") ?? "?"))
      }
    }
  }

  func users(of path: String) -> [DeviceUser] { (users[path] ?? []).sorted { $0.process < $1.process } }
}

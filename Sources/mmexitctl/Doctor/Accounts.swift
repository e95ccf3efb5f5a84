import Glibc

/// A user as far as permissions go: by `/etc/passwd` and `/etc/group`, and what a unit or the login adds.
struct Account {
  var name: String
  var user: UInt32
  var groups: Set<UInt32>

  /// A system user, whom these files know.
  init?(_ name: String, _ tree: MachineTree) {
    let fields = tree.lines("/etc/passwd").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
    guard let entry = fields.first(where: { $0.count > 3 && $0[0] == name }), let user = UInt32(entry[2]),
      let group = UInt32(entry[3])
    else { return nil }
    self.name = name
    self.user = user
    groups = [group]
    for entry in Group.all(tree) where entry.members.contains(name) { groups.insert(entry.number) }
  }

  /// Who runs this program, with the groups of the login.
  static func mine(_ tree: MachineTree) -> Account { Account(tree) }

  private init(_ tree: MachineTree) {
    user = geteuid()
    let mine = user
    let entry = tree.lines("/etc/passwd").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
      .first { $0.count > 2 && UInt32($0[2]) == mine }
    name = entry.map { String($0[0]) } ?? "\(user)"
    var list = [gid_t](repeating: 0, count: 1_024)
    let count = getgroups(Int32(list.count), &list)
    groups = Set(list.prefix(Int(max(0, count)))).union([getegid()])
  }

  /// Whether the mode lets it read and write; an access list may let it nonetheless.
  func mayUse(_ owner: MachineTree.Owner) -> Bool {
    if user == 0 { return true }
    let shift: UInt32 = user == owner.user ? 6 : groups.contains(owner.group) ? 3 : 0
    return owner.mode >> shift & 6 == 6
  }
}

/// A line of `/etc/group`.
struct Group {
  var name: String
  var number: UInt32
  var members: [String]

  static func all(_ tree: MachineTree) -> [Group] {
    tree.lines("/etc/group").compactMap { line in
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count > 3, let number = UInt32(fields[2]) else { return nil }
      return Group(
        name: String(fields[0]), number: number, members: fields[3].split(separator: ",").map(String.init))
    }
  }

  static func name(_ number: UInt32, _ tree: MachineTree) -> String {
    all(tree).first { $0.number == number }?.name ?? "\(number)"
  }
}

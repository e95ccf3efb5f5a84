import Wire

/// What the audit wants of a record, read from its bytes without a tree: of the types that come in masses, and as the
/// daemon writes them. Whatever is otherwise it declines, and the tree says what is wrong, if anything is.
struct PlainRecord: ~Copyable {
  typealias Text = PlainScanner.Text

  struct Posting {
    var account = Text(start: 0, count: 0)
    /// Empty where it is for none.
    var modality = Text(start: 0, count: 0)
    var kind = Text(start: 0, count: 0)
    var energy: Int64 = 0
  }

  enum Exit {
    case none
    case fusion
    case encoder(modality: Text, exit: Int64)
  }

  /// Members that are integers. Of an audit `number` is its `decision`.
  enum Number: Int, CaseIterable {
    case sequence, number, total, alwaysOn, macs, windows, audit, measured, accounts, unattributed

    var bit: UInt32 { 1 << UInt32(rawValue) }
  }

  static let maximumPostings = 64

  private(set) var scanner = PlainScanner()
  private(set) var type = RecordType.decision
  private(set) var prev = Text(start: 0, count: 0)
  private(set) var exit = Exit.none
  private(set) var postings = 0
  private var numbers = InlineArray<10, Int64>(repeating: 0)
  /// Which of them are there, and whether `prev` and `energy` are.
  private var there: UInt32 = 0
  private static let prevBit: UInt32 = 1 << 30
  private static let energyBit: UInt32 = 1 << 31
  private let memory = UnsafeMutablePointer<Posting>.allocate(capacity: maximumPostings)

  init() { memory.initialize(repeating: Posting(), count: Self.maximumPostings) }

  deinit { memory.deallocate() }

  func posting(_ index: Int) -> Posting { memory[index] }

  func has(_ number: Number) -> Bool { there & number.bit != 0 }

  /// 0 where it is not there.
  subscript(number: Number) -> Int64 { has(number) ? numbers[number.rawValue] : 0 }

  func bytes(_ text: Text) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: scanner.base + text.start, count: text.count)
  }

  /// - Parameter line: has to stay where it is for as long as texts are wanted of it.
  /// - Returns: false where it declines.
  mutating func read(_ line: UnsafeRawBufferPointer) -> Bool {
    scanner.begin(line)
    there = 0
    exit = .none
    postings = 0
    guard scanner.take("{") else { return false }
    var object = scanner.open()
    guard let first = scanner.key(&object), scanner.matches(first, "schema"),
      scanner.integer() == LedgerChain.schema, scanner.take(","), let second = scanner.key(&object),
      scanner.matches(second, "type"), let name = scanner.string(), readType(name)
    else { return false }
    while scanner.take(",") {
      guard let key = scanner.key(&object), readMember(key) else { return false }
    }
    return scanner.take("}") && scanner.isAtEnd && isWhole
  }

  /// False for those that the tree reads: they are few.
  private mutating func readType(_ name: Text) -> Bool {
    if scanner.matches(name, "decision") {
      type = .decision
    } else if scanner.matches(name, "wake") {
      type = .wake
    } else if scanner.matches(name, "sleep") {
      type = .sleep
    } else if scanner.matches(name, "state") {
      type = .state
    } else if scanner.matches(name, "audit") {
      type = .audit
    } else if scanner.matches(name, "meter") {
      type = .meter
    } else if scanner.matches(name, "event") {
      type = .event
    } else {
      return false
    }
    return true
  }

  /// What the audit asks of a record of its type is there, and can be.
  private var isWhole: Bool {
    var wanted = Number.sequence.bit | Self.prevBit
    switch type {
    case .decision:
      wanted |=
        Self.energyBit | Number.number.bit | Number.total.bit | Number.alwaysOn.bit | Number.macs.bit
      if has(.windows) && self[.windows] < 2 { return false }
    case .audit: wanted |= Number.number.bit | Number.audit.bit
    case .meter: wanted |= Number.measured.bit | Number.accounts.bit
    default: break
    }
    return there & wanted == wanted
  }

  private mutating func read(_ number: Number) -> Bool {
    guard let value = scanner.integer() else { return false }
    numbers[number.rawValue] = value
    there |= number.bit
    return true
  }

  private mutating func readMember(_ key: Text) -> Bool {
    if scanner.matches(key, "seq") { return read(.sequence) }
    if scanner.matches(key, "prev") {
      guard let text = scanner.string(), text.count == 64 else { return false }
      prev = text
      there |= Self.prevBit
      return true
    }
    switch type {
    case .decision: return readDecision(key)
    case .audit:
      if scanner.matches(key, "decision") { return read(.number) }
      if scanner.matches(key, "audit_nanojoules") { return read(.audit) }
    case .meter:
      if scanner.matches(key, "nanojoules") { return read(.measured) }
      if scanner.matches(key, "accounts_nanojoules") { return read(.accounts) }
      if scanner.matches(key, "unattributed") { return read(.unattributed) }
    default: break
    }
    return scanner.skip()
  }

  private mutating func readDecision(_ key: Text) -> Bool {
    if scanner.matches(key, "exit") { return readExit() }
    if scanner.matches(key, "macs") { return read(.macs) }
    if scanner.matches(key, "count") { return read(.windows) }
    if scanner.matches(key, "number") { return read(.number) }
    if scanner.matches(key, "energy") { return readPostings() }
    if scanner.matches(key, "total_nanojoules") { return read(.total) }
    if scanner.matches(key, "always_on_nanojoules") { return read(.alwaysOn) }
    return scanner.skip()
  }

  private mutating func readExit() -> Bool {
    if scanner.take(literal: "null") { return true }
    if scanner.take(literal: #"{"fusion":true}"#) {
      exit = .fusion
      return true
    }
    guard scanner.take(literal: #"{"modality":"#), let modality = scanner.string(),
      scanner.take(literal: #","exit":"#), let number = scanner.integer(), scanner.take("}")
    else { return false }
    exit = .encoder(modality: modality, exit: number)
    return true
  }

  private mutating func readPostings() -> Bool {
    there |= Self.energyBit
    guard scanner.take("[") else { return false }
    if scanner.take("]") { return true }
    repeat {
      guard postings < Self.maximumPostings, readPosting() else { return false }
    } while scanner.take(",")
    return scanner.take("]")
  }

  private mutating func readPosting() -> Bool {
    guard scanner.take("{") else { return false }
    var object = scanner.open()
    var posting = Posting()
    var there = 0
    repeat {
      guard let key = scanner.key(&object) else { return false }
      if scanner.matches(key, "account") {
        guard let text = scanner.string() else { return false }
        posting.account = text
        there |= 1
      } else if scanner.matches(key, "modality") {
        guard let text = scanner.string() else { return false }
        posting.modality = text
      } else if scanner.matches(key, "nanojoules") {
        guard let energy = scanner.integer() else { return false }
        posting.energy = energy
        there |= 2
      } else if scanner.matches(key, "kind") {
        guard let text = scanner.string() else { return false }
        posting.kind = text
        there |= 4
      } else if !scanner.skip() {
        return false
      }
    } while scanner.take(",")
    scanner.close(object)
    memory[postings] = posting
    postings &+= 1
    return there == 7 && scanner.take("}")
  }
}

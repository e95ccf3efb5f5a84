import Vocabulary

/// The last audited windows, oldest first: a ring whose memory is taken at the start. `append`, `label` and `expire` take
/// nothing from the heap.
package struct ValidationBuffer: Sendable {
  /// Audits that are kept unless configured otherwise.
  package static let defaultCapacity = 512
  package static let maximumCapacity = 4096

  package enum LabelOutcome: Hashable, Sendable {
    case accepted
    /// No audit of that decision is kept: it was not audited, or it has gone.
    case unknownDecision
    /// Clients' labels already are as large a share of the records as they may be.
    case shareReached
  }

  package let layout: ExitLayout
  package let capacity: Int
  /// Records that end longer ago than this are dropped; nil keeps them until they are overwritten.
  package let ageLimit: Nanoseconds?
  /// Largest share of records, 0...1, rounded up to whole ones, whose label is a client's: whoever labels chooses the
  /// windows, so many such labels would bias the estimates.
  package let clientShare: Double
  private var ring: [AuditRecord]
  private var head = 0
  package private(set) var count = 0
  package private(set) var clientLabels = 0

  /// - Parameters:
  ///   - capacity: 1...`maximumCapacity`.
  ///   - clientShare: 0...1.
  package init(
    _ layout: ExitLayout, capacity: Int = defaultCapacity, ageLimit: Nanoseconds? = nil,
    clientShare: Double = 0.5
  ) {
    precondition((1...Self.maximumCapacity).contains(capacity) && (0...1).contains(clientShare))
    self.layout = layout
    self.capacity = capacity
    self.ageLimit = ageLimit
    self.clientShare = clientShare
    ring = [AuditRecord](repeating: AuditRecord(decision: 0, end: .zero), count: capacity)
  }

  package var indices: Range<Int> { 0..<count }

  /// By age, 0 the oldest.
  package subscript(index: Int) -> AuditRecord {
    precondition(index < count, "index beyond the records kept")
    return ring[place(index)]
  }

  private func place(_ index: Int) -> Int { (head + index) % capacity }
  private var mostClientLabels: Int { Int((clientShare * Double(count)).rounded(.up)) }

  /// Adds the newest; the oldest goes where the ring is full, and what is too old by then.
  package mutating func append(_ record: AuditRecord) {
    if count == capacity { dropOldest() }
    ring[place(count)] = record
    count += 1
    if record.clientLabel != nil { clientLabels += 1 }
    expire(at: record.end)
    keepClientShare()
  }

  /// Drops what is older than the age limit.
  package mutating func expire(at now: Instant) {
    guard let ageLimit else { return }
    while count > 0, now - ring[head].end > ageLimit { dropOldest() }
    keepClientShare()
  }

  /// Enters a client's label for a decision that was audited.
  /// - Parameter label: index of the class.
  package mutating func label(_ decision: UInt64, as label: Int) -> LabelOutcome {
    guard decision > 0 else { return .unknownDecision }
    for index in stride(from: count - 1, through: 0, by: -1) where ring[place(index)].decision == decision {
      if ring[place(index)].clientLabel == nil {
        guard clientLabels < mostClientLabels else { return .shareReached }
        clientLabels += 1
      }
      ring[place(index)].clientLabel = Int16(clamping: label)
      return .accepted
    }
    return .unknownDecision
  }

  /// Forgets all but the newest `kept` records: what came before a change of the scene.
  package mutating func keepNewest(_ kept: Int) {
    while count > max(0, kept) { dropOldest() }
    keepClientShare()
  }

  private mutating func dropOldest() {
    if ring[head].clientLabel != nil { clientLabels -= 1 }
    head = (head + 1) % capacity
    count -= 1
  }

  /// With fewer records fewer labels may count: the oldest give way to the fused answer.
  private mutating func keepClientShare() {
    var index = 0
    while clientLabels > mostClientLabels {
      if ring[place(index)].clientLabel != nil {
        ring[place(index)].clientLabel = nil
        clientLabels -= 1
      }
      index += 1
    }
  }
}

import Linux
import Synchronization
import Vocabulary

/// A window in which some exit was nearly sure, or nearly not, with its sound and pictures: kept for whoever has asked for the next
/// one. One at a time; those that come while it is fetched are passed over. While nobody asks, a window costs one atomic load.
package final class NearWindows: Sendable {
  /// How far an exit's doubt may lie from its threshold, as a share of that.
  package static let share: Float = 0.2

  /// One modality's data.
  package enum Data {
    case sound(UnsafeBufferPointer<Int16>)
    case picture(PixelView)
  }

  /// What one modality's bytes are: sound in 16 bits, little-endian, or pixels, row by row.
  package struct Part: Sendable {
    package var modality: Int
    /// Zero for sound.
    package var width = 0
    package var height = 0
    package var channels = 1
    fileprivate var bytes: Range<Int>
    package var count: Int { bytes.count }
    package var isSound: Bool { width == 0 }
  }

  /// A window that is kept.
  package struct Kept: Sendable {
    package var decision: Decision
    package var parts = Bounded<32, Part>(filler: Part(modality: 0, bytes: 0..<0))
  }

  private struct State {
    var memory: [UInt8] = []
    var kept: Kept?
  }

  private let state = Mutex(State())
  private let wanted = Atomic<Bool>(false)
  /// Rung for the control thread: one is kept.
  private let bell: Bell

  init(bell: Bell) { self.bell = bell }

  // MARK: The control thread

  /// Has the next one kept; the one that is, is let go.
  package func want() {
    state.withLock { $0.kept = nil }
    wanted.store(true, ordering: .releasing)
  }

  /// Keeps none, and gives the memory back.
  package func stop() {
    wanted.store(false, ordering: .releasing)
    state.withLock { $0 = State() }
  }

  package var kept: Kept? { state.withLock { $0.kept } }

  /// Bytes of a part of the one that is kept, from `offset` on, at most so many; nil where there is no such part.
  package func bytes(of modality: Int, from offset: Int, atMost limit: Int) -> [UInt8]? {
    state.withLock { state in
      guard let kept = state.kept else { return nil }
      for index in kept.parts.indices where kept.parts[index].modality == modality {
        let range = kept.parts[index].bytes
        guard (0...range.count).contains(offset) else { return nil }
        let first = range.lowerBound + offset
        return Array(state.memory[first..<min(range.upperBound, first + limit)])
      }
      return nil
    }
  }

  // MARK: The pipeline's thread

  package var isWanted: Bool { wanted.load(ordering: .acquiring) }

  /// Keeps the window where an exit was near its threshold. Takes from the heap when windows grow only.
  /// - Parameter data: of a modality that took part.
  func take(_ decision: borrowing Decision, data: (_ modality: Int) -> Data) {
    guard Self.isNear(decision) else { return }
    let used = decision.used
    let decision = copy decision
    state.withLock { state in
      // It may have been stopped meanwhile.
      guard wanted.load(ordering: .acquiring) else { return }
      var kept = Kept(decision: decision)
      state.memory.removeAll(keepingCapacity: true)
      for modality in 0..<32 where used.contains(index: modality) {
        let first = state.memory.count
        var part = Part(modality: modality, bytes: first..<first)
        switch data(modality) {
        case .sound(let samples): state.memory.append(contentsOf: UnsafeRawBufferPointer(samples))
        case .picture(let view):
          (part.width, part.height, part.channels) = (view.width, view.height, view.channels)
          state.memory.append(
            contentsOf: UnsafeBufferPointer(start: view.base, count: view.width * view.height * view.channels)
          )
        }
        part.bytes = first..<state.memory.count
        kept.parts.append(part)
      }
      state.kept = kept
      wanted.store(false, ordering: .releasing)
    }
    bell.ring()
  }

  /// Whether an exit's doubt is within `share` of its threshold. Activity checks have none.
  static func isNear(_ decision: borrowing Decision) -> Bool {
    for index in decision.trace.indices {
      if Self.isNear(decision.trace[index]) { return true }
    }
    return false
  }

  package static func isNear(_ asked: Decision.AskedExit) -> Bool {
    if case .encoder(_, exit: 0) = asked.reading.exit { return false }
    guard let threshold = asked.threshold, threshold > 0 else { return false }
    return abs(asked.reading.doubt - threshold) <= share * threshold
  }
}

import Linux
import Pipeline
import Startup
import Synchronization
import Vocabulary

/// What the daemon can go over to while it runs.
enum GenerationChange: Sendable {
  /// The configuration's file and its model are read again.
  case reload
  /// Another worth of a right answer, in joules; everything else stays.
  case preference(Double)
}

/// Why a generation is not gone over to. The former one goes on.
enum ReloadRefusal: Error {
  /// What, where, and what to do.
  case refused(String)
  case needsRestart(RestartNeeds)

  var description: String {
    switch self {
    case .refused(let text): text
    case .needsRestart(let needs): needs.description
    }
  }
}

/// Makes the next generation ready on a thread of its own, one at a time: reading a model takes long, and a disk may take
/// longer. What comes of it is told by a bell.
final class Reloader: Sendable {
  private enum State: Sendable {
    case idle, working
    case done(Result<NextGeneration, ReloadRefusal>)
  }

  private let state = Mutex(State.idle)
  /// The generation that the daemon was started with: it has what cannot be exchanged.
  private let start: Generation
  private let bell: Bell

  init(start: Generation, bell: Bell) {
    self.start = start
    self.bell = bell
  }

  /// Begins; `take` gives what came of it.
  /// - Precondition: what was begun before has been taken.
  func begin(_ change: GenerationChange, after former: Generation) throws(LinuxError) {
    state.withLock {
      if case .idle = $0 { $0 = .working } else { preconditionFailure("two reloads at a time") }
    }
    do throws(LinuxError) {
      try Thread(named: "reload") { [self] in
        let result = prepare(change, former)
        state.withLock { $0 = .done(result) }
        bell.ring()
      }.abandon()
    } catch {
      state.withLock { $0 = .idle }
      throw error
    }
  }

  /// What came of it, once; nil while it is not through.
  func take() -> Result<NextGeneration, ReloadRefusal>? {
    state.withLock {
      guard case .done(let result) = $0 else { return nil }
      $0 = .idle
      return result
    }
  }

  func prepare(_ change: GenerationChange, _ former: Generation) -> Result<NextGeneration, ReloadRefusal> {
    do throws(StartupError) {
      let next: Generation
      switch change {
      case .reload:
        next = try Generation(
          try LoadedConfiguration(path: former.loaded.path), cause: .reload, after: former)
      case .preference(let lambda): next = try Generation(former, lambda: lambda)
      }
      if let needs = RestartNeeds(from: start, to: next) { return .failure(.needsRestart(needs)) }
      return .success(NextGeneration(next, after: former))
    } catch {
      return .failure(.refused(error.description))
    }
  }
}

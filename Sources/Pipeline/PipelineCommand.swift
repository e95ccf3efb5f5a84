import Startup
import Vocabulary

/// What is asked of the pipeline from outside. Each is answered once, by its ticket.
package enum PipelineCommand: Sendable {
  /// A person says what a decision's window was; `label` is a class of the model's. It is recorded, and nothing more.
  /// The class is of the generation with that number.
  case label(decision: UInt64, label: Int, generation: Int)
  /// All sensors are closed and windows go unanswered, until `resume`. Answered when all are closed.
  case pause
  case resume
  /// Another program needs the device: it is closed and left alone until `giveBack`. Answered when it is closed.
  case withhold(sensor: Int)
  case giveBack(sensor: Int)
  /// A window that ends now is answered; with `full`, by fusion of every sensor that can be had.
  case ask(full: Bool)
  /// The generation that `CommandChannel.propose` has laid out answers from the next window on.
  case adopt
}

package struct CommandRequest: Sendable {
  package let ticket: UInt64
  package let command: PipelineCommand
  /// Who asks; nil where the daemon does by itself (a client died).
  package let user: UInt32?

  package init(ticket: UInt64, command: PipelineCommand, user: UInt32?) {
    self.ticket = ticket
    self.command = command
    self.user = user
  }
}

/// What became of a command.
package enum CommandOutcome: Equatable, Sendable {
  case done
  /// No decision has that number yet; `newest` is the last one's, 0 for none.
  case noSuchDecision(newest: UInt64)
  /// Labels are taken from `oldest` on.
  case decisionTooOld(oldest: UInt64)
  /// The decision that answers has that number; it is delivered next.
  case asked(decision: UInt64)
  /// Paused: no window is answered.
  case paused
  /// The recorder had no room: nothing was done.
  case notRecorded
}

package struct CommandAnswer: Sendable {
  package let ticket: UInt64
  package let outcome: CommandOutcome
}

/// A command as it goes to the ledger and the journal.
package struct CommandRecord: Sendable {
  package enum What: Sendable {
    case label(decision: UInt64, label: Int)
    case pause, resume
    case acquire(sensor: Int)
    case release(sensor: Int)
    /// Decisions that follow are this generation's.
    case adopt(Generation)
  }
  package let what: What
  /// Who asked; nil where the daemon did by itself.
  package let user: UInt32?
  package let at: Instant
}

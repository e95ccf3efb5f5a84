import Sensing
import Vocabulary

/// The pipeline's side of the commands: those that wait for the end of a window, and those that wait until devices are
/// closed. Nothing here takes from the heap.
struct CommandIntake {
  private struct Closing {
    var ticket: UInt64
    var sensors: ModalitySet
  }

  /// Nil where nobody asks.
  let link: CommandLink?
  private(set) var isPaused = false
  private var waiting = Bounded<64, CommandRequest>(
    filler: CommandRequest(ticket: 0, command: .resume, user: nil))
  /// Those who ask for an answer now; one window answers them all.
  private var asked = Bounded<64, UInt64>(filler: 0)
  /// One of them wants every sensor in it.
  private(set) var isFullAsked = false
  /// The first decision that takes labels of the classes in force, and the generation that brought these.
  private var classes = (decision: UInt64(1), generation: 1)
  private var closings = Bounded<64, Closing>(filler: Closing(ticket: 0, sensors: []))

  init(_ link: CommandLink?) { self.link = link }

  /// Something is to be done between two windows.
  var hasWaiting: Bool { waiting.count > 0 }

  /// Takes what has come: what concerns one device is done at once, the rest waits for the end of the window.
  mutating func take<Rig: SensorRig>(_ sensors: PipelineSensors<Rig>) {
    guard let link else { return }
    while let request = link.channel.take() {
      switch request.command {
      case .withhold(let sensor):
        _ = link.record(CommandRecord(what: .acquire(sensor: sensor), user: request.user, at: sensors.now))
        sensors.withhold(sensor)
        closings.append(Closing(ticket: request.ticket, sensors: ModalitySet(index: sensor)))
      case .giveBack(let sensor):
        _ = link.record(CommandRecord(what: .release(sensor: sensor), user: request.user, at: sensors.now))
        sensors.giveBack(sensor)
        link.channel.answer(request.ticket, .done)
      case .label, .pause, .resume, .ask, .adopt: waiting.append(request)
      }
    }
    answerClosed(sensors)
  }

  /// Does what waited for the end of a window.
  /// - Parameters:
  ///   - newest: the last decision's number.
  ///   - adopt: has the pipeline go over to another generation.
  ///   - enter: takes a label that was accepted.
  mutating func carryOut<Rig: SensorRig>(
    _ sensors: PipelineSensors<Rig>, newest: UInt64, adopt: (NextGeneration) -> Void,
    label enter: (UInt64, Int) -> Void = { _, _ in }
  ) {
    guard let link else { return }
    take(sensors)
    for index in waiting.indices {
      let request = waiting[index]
      switch request.command {
      case .label(let decision, let label, let generation):
        let what = CommandRecord.What.label(decision: decision, label: label)
        var outcome = Self.refusal(of: decision, newest: newest, first: classes.decision)
        // Its client did not know yet that the classes are others.
        if generation < classes.generation { outcome = .decisionTooOld(oldest: classes.decision) }
        let record = CommandRecord(what: what, user: request.user, at: sensors.now)
        if outcome == nil && !link.record(record) { outcome = .notRecorded }
        if outcome == nil { enter(decision, label) }
        link.channel.answer(request.ticket, outcome ?? .done)
      case .pause:
        if !isPaused {
          isPaused = true
          _ = link.record(CommandRecord(what: .pause, user: request.user, at: sensors.now))
          sensors.pause()
        }
        closings.append(Closing(ticket: request.ticket, sensors: sensors.all))
      case .resume:
        if isPaused {
          isPaused = false
          _ = link.record(CommandRecord(what: .resume, user: request.user, at: sensors.now))
          sensors.resume()
        }
        link.channel.answer(request.ticket, .done)
      case .ask(let full):
        if isPaused {
          link.channel.answer(request.ticket, .paused)
        } else {
          asked.append(request.ticket)
          isFullAsked = isFullAsked || full
        }
      case .adopt:
        link.channel.withNext { next in
          // First the recorder, so that it knows by which names the next decision goes.
          let what = CommandRecord.What.adopt(next.generation)
          guard link.record(CommandRecord(what: what, user: request.user, at: sensors.now)) else {
            return link.channel.answer(request.ticket, .notRecorded)
          }
          if next.hasOtherClasses { classes = (newest + 1, next.generation.number) }
          adopt(next)
          link.channel.answer(request.ticket, .done)
        }
      case .withhold, .giveBack: break
      }
    }
    waiting.removeAll()
    answerClosed(sensors)
  }

  var isAsked: Bool { asked.count > 0 }

  /// The decision with that number answers those who ask; it is delivered next.
  mutating func answered(by number: UInt64) {
    guard let link, isAsked else { return }
    for index in asked.indices { link.channel.answer(asked[index], .asked(decision: number)) }
    asked.removeAll()
    isFullAsked = false
  }

  /// Why a decision takes no label; nil where it does.
  /// - Parameter first: the first one that was made by the classes in force.
  static func refusal(of decision: UInt64, newest: UInt64, first: UInt64 = 1) -> CommandOutcome? {
    if decision == 0 || decision > newest { return .noSuchDecision(newest: newest) }
    let oldest = max(first, newest - min(newest - 1, CommandChannel.labelledDecisions - 1))
    return decision < oldest ? .decisionTooOld(oldest: oldest) : nil
  }

  /// Answers those whose devices are closed now.
  private mutating func answerClosed<Rig: SensorRig>(_ sensors: PipelineSensors<Rig>) {
    guard let link, closings.count > 0 else { return }
    let before = closings
    closings.removeAll()
    for index in before.indices {
      if before[index].sensors.isDisjoint(with: sensors.closing) {
        link.channel.answer(before[index].ticket, .done)
      } else {
        closings.append(before[index])
      }
    }
  }
}

import Configuration
import Engine
import Vocabulary

/// How the pipeline is paced and when sensors sleep.
package struct PipelineSettings: Sendable {
  /// Time between the ends of two windows.
  package var period: Nanoseconds
  package var maximumSkew: Nanoseconds
  package var maximumBlind: Nanoseconds
  /// The same for a while after an event and after the start; nil: no other.
  package var maximumBlindAfterEvent: Nanoseconds?
  /// By modality: how long a woken sensor stays awake after it was last needed.
  package var linger: [Nanoseconds]
  package var wakesPerMinute: Int
  package var activityCheck: Bool
  /// Nil where no class means "nothing".
  var events: StreamEvents?
  /// Sensors that are awake stay so while something goes on.
  var eventsKeepAwake: Bool
  /// Evidence that has to be there before an unsure window for it to wake a sensor, 0...1.
  var wakeEvidence: Double
  /// Joules.
  var rightAnswerWorth: Double
  /// Watts that all may take on the average of any hour; nil: no limit.
  var budget: Double?

  package init(_ configuration: Configuration, _ model: Model) {
    period = configuration.general.windowPeriod
    maximumSkew = configuration.gate.maximumSkew
    maximumBlind = configuration.gate.maximumBlind
    maximumBlindAfterEvent = configuration.gate.maximumBlindAfterEvent
    linger = model.modalities.map { configuration.sensor(for: $0.name).linger }
    wakesPerMinute = configuration.gate.wakesPerMinute
    activityCheck = configuration.gate.activityCheck
    events = StreamEvents(configuration, model)
    eventsKeepAwake = configuration.events.keepsAwake
    wakeEvidence = configuration.gate.wakeEvidence ?? 0
    rightAnswerWorth = configuration.gate.valueOfRightAnswer
    budget = configuration.adaptation.reorder ? configuration.adaptation.budget : nil
  }

  /// Whether stillness may answer: only where the model has a class for "nothing".
  func checksActivity(for model: Model) -> Bool { activityCheck && model.noneClass != nil }
}

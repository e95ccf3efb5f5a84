import Vocabulary

/// What happened besides decisions; goes to the ledger and the journal.
package enum PipelineNote: Sendable {
  case state(SensorTransition)
  /// The wake limit of a minute is reached: the sensor is left awake. The journal is told once an hour.
  case heldAwake(sensor: Int, at: Instant, isTold: Bool)
  /// Another sensor has to stay awake, because the one before it failed.
  case sentinel(sensor: Int, at: Instant)
  /// No sensor can be had any more: windows go unanswered until one is back.
  case noSensor(at: Instant)
  /// An event has begun, or ended (`end`).
  case event(StreamEvent)
  /// Every exit was run on the window of the last decision.
  case audit(AuditedWindow)
  /// From the next window on, sensors are asked in another order, or others are.
  case reorder(OrderChange, at: Instant)
  /// A budget or a bound on the risk is broken, or kept again.
  case bound(BoundChange, at: Instant)
}

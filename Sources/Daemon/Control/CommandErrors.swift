import JSON
import Varlink
import Vocabulary

/// The errors of `io.mmexit.Daemon`'s commands.
extension CallError {
  private static func daemon(_ name: String, _ parameters: JSONObject = [:]) -> CallError {
    CallError("io.mmexit.Daemon." + name, parameters)
  }

  static func notPermitted(_ method: String, user: UInt32) -> CallError {
    daemon("NotPermitted", ["method": .string(method), "uid": .integer(Int64(user))])
  }
  static func unknownClass(_ label: String) -> CallError {
    daemon("UnknownClass", ["label": .string(label)])
  }
  static func unknownSensor(_ sensor: String) -> CallError {
    daemon("UnknownSensor", ["sensor": .string(sensor)])
  }
  static func notAcquired(_ sensor: String) -> CallError {
    daemon("NotAcquired", ["sensor": .string(sensor)])
  }
  static func noSuchDecision(newest: UInt64) -> CallError {
    daemon("NoSuchDecision", ["newest": .integer(Int64(newest))])
  }
  static func decisionTooOld(oldest: UInt64) -> CallError {
    daemon("DecisionTooOld", ["oldest": .integer(Int64(oldest))])
  }
  static let reloading = daemon("Reloading")
  static func reloadRefused(_ reason: String) -> CallError {
    daemon("ReloadRefused", ["reason": .string(reason)])
  }
  static func needsRestart(_ settings: [String], _ reason: String) -> CallError {
    daemon(
      "NeedsRestart", ["settings": .array(settings.map { .string($0) }), "reason": .string(reason)])
  }
  static func preferenceOutOfRange(_ range: ClosedRange<Double>) -> CallError {
    daemon(
      "PreferenceOutOfRange", ["minimum": .real(range.lowerBound), "maximum": .real(range.upperBound)])
  }
  static func tooManyLabels(perMinute limit: Int) -> CallError {
    daemon("TooManyLabels", ["per_minute": .integer(Int64(limit))])
  }
  static let recordingForbidden = daemon("RecordingForbidden")
  static let nearTaken = daemon("NearTaken")
  static let noNear = daemon("NoNear")
  static let paused = daemon("Paused")
  static let notRecorded = daemon("NotRecorded")
  static func busy(limit: Int) -> CallError { daemon("Busy", ["limit": .integer(Int64(limit))]) }
  static func notAnswered(within limit: Nanoseconds) -> CallError {
    daemon("NotAnswered", ["limit_ms": .integer(limit.count / 1_000_000)])
  }
}

/// What went wrong or missing with one sensor since the start; counts only ever grow.
package struct SensorCounters: Hashable, Sendable {
  /// Wakes that were started, and those that ended in a fault (faults while awake included).
  package var wakes = 0
  package var faults = 0
  /// Times that sound came faster than it was taken, and the samples lost by it.
  package var overruns = 0
  package var lostSamples = 0
  /// Frames the driver skipped by its own count, and frames it marked or that came out damaged.
  package var framesDropped = 0
  package var framesCorrupt = 0
  /// Frames thrown away while the camera settled after a wake.
  package var framesSettling = 0
  /// No count: what the device's clock is fast by since its last wake, in millionths, as its stamps say; nil where that is not
  /// known (pictures, and the first ten seconds of a sound).
  package var clockPartsPerMillion: Double?

  package init() {}
}

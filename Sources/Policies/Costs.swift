import Engine

/// What a model's steps cost, in one unit throughout: joules for the daemon, multiply-accumulates for files.
package struct Costs: Sendable {
  /// By modality, then by segment (with its exit).
  package var segments: [[Double]]
  package var fusion: Double
  /// By modality: having its sensor's data and features, paid with the first exit.
  package var sensing: [Double]
  /// By modality: waking its sensor, paid unless it is the first in the order.
  package var wake: [Double]
  /// By modality: keeping its sensor awake from one window that is asked to the next, paid if it is the first.
  package var standby: [Double]

  package init(
    segments: [[Double]], fusion: Double, sensing: [Double], wake: [Double], standby: [Double]
  ) {
    self.segments = segments
    self.fusion = fusion
    self.sensing = sensing
    self.wake = wake
    self.standby = standby
  }

  /// Multiply-accumulates; sensing, waking and staying awake are free.
  package init(macsOf model: Model) {
    segments = model.modalities.map { $0.segments.map { Double($0.macs) } }
    fusion = Double(model.fusion.macs)
    sensing = model.modalities.map { _ in 0 }
    wake = sensing
    standby = sensing
  }
}

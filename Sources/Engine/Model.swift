/// A network with its exits, checked in every part and immutable: what `Engine` runs. See docs/model-format.md.
package struct Model: Sendable {
  package let name: String
  /// 2...1000 names; an answer's label is an index into them.
  package let classes: [String]
  /// The class that means "nothing".
  package let noneClass: Int?
  /// The class that overrides what another sensor is sure of; never the one that means "nothing".
  package let overridingClass: Int?
  /// 1...8, in the order of their indices.
  package let modalities: [ModalityDescription]
  package let fusion: FusionDescription
  /// JSON text: where it comes from. `null` when the file does not say.
  package let provenance: String
  let graph: Graph

  /// Everything once: all segments, all exits, and fusion.
  package var totalMacs: Int64 {
    modalities.reduce(fusion.macs) { $1.segments.reduce($0) { $0 + $1.macs } }
  }
  package var totalParameters: Int64 {
    modalities.reduce(fusion.parameters) { $1.segments.reduce($0) { $0 + $1.parameters } }
  }

  /// What plain late fusion costs: all segments and fusion, none of the modalities' exits.
  package var lateFusionMacs: Int64 {
    modalities.reduce(fusion.macs) { $1.segments.reduce($0) { $0 + $1.macs - $1.exitMacs } }
  }
  package var lateFusionParameters: Int64 {
    modalities.reduce(fusion.parameters) { $1.segments.reduce($0) { $0 + $1.parameters - $1.exitParameters } }
  }
  /// Bytes of activations that one engine holds.
  package var arenaBytes: Int { graph.plan.byteCount }
}

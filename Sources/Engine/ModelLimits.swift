/// Every bound on a model file, with its reason. All are far above what a small computer runs within a window; they
/// keep a broken or hostile file from exhausting memory or time, and every size below from overflowing.
package enum ModelLimits {
  /// The file is read whole.
  package static let fileBytes = 256 << 20
  /// JSON is parsed into a tree of some 100 bytes a token.
  package static let headerBytes = 8 << 20
  /// The deepest place of ours is `modalities[].segments[].exit.nodes[].stride[]`; `provenance` may nest.
  package static let textDepth = 32
  package static let tensors = 4096
  package static let nodes = 2048
  package static let nameBytes = 256
  /// Elements of one activation, and of one image or spectrogram.
  package static let elements = 1 << 24
  /// One extent of a shape, kernel, stride or padding.
  package static let extent = 1 << 16
  /// All activations of one engine.
  package static let arenaBytes = 64 << 20
  /// A layer's input in its kernel's own form; a layer that wants more runs on the portable kernel.
  package static let scratchBytes = 32 << 20
  /// All weights in their kernels' order, with the lanes that narrow layers leave empty.
  package static let packedBytes = 256 << 20
  /// Bits of `ModalitySet` would allow 32; nobody carries more sensors than this, and postings are bounded too.
  package static let modalities = 8
  package static let classes = 2...1000
  /// Hidden units of a gain head.
  package static let gainHidden = 256
  /// Inputs of one `concat`.
  package static let concatInputs = 64
  /// Multiply-accumulates, pooled cells and copied values of the whole network: minutes on a small computer.
  package static let work: Int64 = 1 << 36
}

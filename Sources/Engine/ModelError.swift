import JSON

/// Why a model file was refused, and the place in it.
package struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: String, Sendable, CaseIterable {
    // The container.
    /// The file, its header or its text is larger than allowed.
    case tooLarge
    /// The file ends before its own lengths say it does.
    case truncated
    /// The header is not JSON, or names a tensor twice.
    case headerSyntax
    /// A header entry is not `{"dtype", "shape", "data_offsets"}`.
    case headerEntry
    /// An element type that models do not use.
    case elementType
    /// A tensor's offsets lie outside the file or do not fit its shape.
    case extent
    /// Two tensors share bytes.
    case overlap
    /// Bytes that belong to no tensor.
    case gap
    case tooManyTensors
    /// `__metadata__` has no text under `mmexit`.
    case metadataMissing

    // The `mmexit` text.
    case textSyntax
    case missingMember
    case unexpectedMember
    /// Of the wrong type, or out of its range.
    case wrongValue
    /// A format number this program does not read.
    case format
    /// A class name that is empty, stands twice, or is not among the classes.
    case classes
    /// The features' numbers do not go together, or do not give the input's shape.
    case features

    // The network.
    case unknownOperation
    /// A name that is not under `activations`.
    case unknownActivation
    /// A tensor that the file does not hold.
    case unknownTensor
    /// Used before a node, or outside the part of the network that computes it.
    case undefined
    /// A second node, modality or input claims the same name.
    case duplicate
    /// A weight, bias or scale of the wrong element type or shape.
    case tensorMismatch
    /// Shapes of inputs and output do not follow from the operation.
    case shapeMismatch
    /// An operation that keeps scale and zero point has different ones before and after.
    case quantizationMismatch
    /// -128 among weights.
    case weightRange
    /// A bias with which a sum could leave 32 bits.
    case biasRange
    /// A scale that is not above 0 and finite, or a quotient of scales that is not.
    case scale
    /// More terms in a sum than 32 bits can hold.
    case tooManyTerms
    /// An exit does not end with `logits`, or they stand elsewhere.
    case logits
    /// Fusion's inputs are not the modalities' features in their order.
    case fusionInputs
    case tooManyExits
    case tooManyNodes
    /// The activations need more memory than allowed.
    case arenaTooLarge
    /// More multiply-accumulates and the like than allowed.
    case tooMuchWork
    case unusedTensor
    case unusedActivation
  }

  package let kind: Kind
  /// Where: `header`, a tensor as in `tensor image.c1.w`, or a member as in `mmexit.modalities[0].input`.
  package let path: String
  package let message: String

  package init(_ kind: Kind, at path: String, _ message: String) {
    self.kind = kind
    self.path = path
    self.message = message
  }

  /// An error in the `mmexit` text.
  init(_ error: JSONError) {
    path = error.path
    switch error.kind {
    case .syntax, .tooDeep:
      kind = .textSyntax
      message = error.description
      return
    case .tooLarge: kind = .tooLarge
    case .missing: kind = .missingMember
    case .unexpected: kind = .unexpectedMember
    case .wrongValue: kind = .wrongValue
    }
    message = error.message
  }

  package var description: String { "\(path): \(message); \(remedy)" }

  /// Half a line on what to do.
  private var remedy: String {
    switch kind {
    case .truncated, .headerSyntax, .headerEntry, .extent, .overlap, .gap, .weightRange, .biasRange:
      "copy the model file again, or export it again (docs/training.md)"
    case .metadataMissing: "give a model that mmexit's tools exported (docs/training.md)"
    case .format: "export it again with the tools of this version (docs/training.md)"
    case .tooLarge, .tooManyTensors, .tooManyExits, .tooManyNodes, .arenaTooLarge, .tooMuchWork:
      "give a smaller model (docs/model-format.md)"
    default: "export it again with what it says mended (docs/model-format.md)"
    }
  }
}

import CKernels

/// Which of the machine's instructions the integer kernels use. Answers are the same bytes with every one of them.
package struct InstructionSet: Equatable, Sendable, CustomStringConvertible {
  package let isa: mmx_isa

  /// The fastest that this program holds and this CPU has.
  package static var best: InstructionSet { InstructionSet(isa: mmx_best_isa()) }
  package static let portable = InstructionSet(isa: MMX_PORTABLE)

  /// All that can run here; `portable` first.
  package static var available: [InstructionSet] {
    (0..<Int(MMX_ISA_COUNT)).map { mmx_isa(rawValue: UInt32($0)) }
      .filter { mmx_isa_available($0) != 0 }.map { InstructionSet(isa: $0) }
  }

  private init(isa: mmx_isa) { self.isa = isa }

  /// nil when this machine has none of that name (`portable`, `sse41`, `avx2`, `avxvnni`, `avx512vnni`, `neon`,
  /// `dotprod`).
  package init?(name: String) {
    guard let found = Self.available.first(where: { $0.description == name }) else { return nil }
    self = found
  }

  package var description: String { String(cString: mmx_isa_name(isa)) }
}

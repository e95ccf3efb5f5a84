import CKernelCheck
import CKernels
import Engine
import Vocabulary

/// Random layers, operations without weights and feature windows through every path of this machine: each must give the
/// bytes of the portable kernels and touch no memory beyond what it was given.
func check(_ options: Options) throws(BenchFailure) {
  let cases = try options.number("--cases", in: 1...1_000_000_000) ?? 100_000
  let windows = try options.number("--windows", in: 0...1_000_000_000) ?? max(1, cases / 10)
  let first = try options.number("--first", in: 0...1_000_000_000) ?? 0
  let sets = try options.set().map { [$0] } ?? InstructionSet.available
  guard let checker = mmx_checker_new() else { throw BenchFailure(.osError, "no memory for the check") }
  defer { mmx_checker_free(checker) }
  for set in sets where set != .portable {
    for kind in [MMX_CHECK_LAYERS, MMX_CHECK_PLAIN, MMX_CHECK_FEATURES] {
      let count = kind == MMX_CHECK_FEATURES ? windows : cases
      for number in first..<first + count {
        var text = [CChar](repeating: 0, count: Int(MMX_CHECK_TEXT))
        guard mmx_check_case(checker, set.isa, kind, UInt64(number), &text) == 1 else {
          let message = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
          throw BenchFailure(.software, message)
        }
      }
      print(
        "\(set): \(count) \(String(cString: mmx_check_name(kind))), the same bytes as the portable kernels")
    }
  }
}

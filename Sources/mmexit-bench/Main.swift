import Vocabulary

/// Times a model's parts, or runs one input through it. A bench for people and scripts; the daemon does not need it.
@main
struct Main {
  static let usage = """
    usage: mmexit-bench run --model FILE [--rounds N] [--json]
           mmexit-bench infer --model FILE --input NAME=FILE.npy [--input ...] [--rounds N] [--json]

    run    times every part of the model on made-up inputs: median, 99th percentile, GMAC/s
    infer  prints logits, probabilities and entropy of every exit; an input is the modality's
           features in the model's layout: float32 or float64 (normalized), or int8 (quantized);
           --rounds times whole windows from these features
    """

  static func main() {
    do throws(BenchFailure) {
      let arguments = Array(CommandLine.arguments.dropFirst())
      switch arguments.first {
      case "run": try run(Options(arguments.dropFirst(), allowed: ["--model", "--rounds"]))
      case "infer": try infer(Options(arguments.dropFirst(), allowed: ["--model", "--input", "--rounds"]))
      case "--help", "-h": print(usage)
      default: throw BenchFailure(.usage, "expected run or infer\n\(usage)")
      }
    } catch {
      write(error: "mmexit-bench: \(error.message)")
      exit(error.code)
    }
  }
}

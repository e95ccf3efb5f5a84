import Sensing
import Vocabulary

/// Times a model's parts, or runs one input through it. A bench for people and scripts; the daemon does not need it.
@main
struct Main {
  static let usage = """
    usage: mmexit-bench run [--model FILE] [--rounds N] [--isa NAME] [--json]
           mmexit-bench infer --model FILE --input NAME=FILE.npy [--input ...] [--rounds N] [--isa NAME] [--json]
           mmexit-bench order [--modalities N] [--windows N] [--rounds N]
           mmexit-bench days [--model FILE --audits FILE.json] [--days N] [--seeds N] [--events PERCENT]
           mmexit-bench mjpg [--frames N] [--seed S]
           mmexit-bench check [--cases N] [--windows N] [--first N] [--isa NAME]

    run    times every part and every layer of the model on made-up inputs: median, 99th percentile,
           GMAC/s, and the share of what the CPU can do. Without arguments: the digits model of config/
    infer  prints logits, probabilities and entropy of every exit; an input is the modality's
           features in the model's layout: float32 or float64 (normalized), or int8 (quantized);
           --rounds times whole windows from these features
    order  times the review of the order of N modalities (12) with two exits each from N made-up audits (512)
    days   days without a change, resampled from what 'mmexitctl evaluate --audit --json' printed (else made up): does the order
           stay (--seeds, 20), and does the risk stay within its bound (--days, 200)? --events: share of windows with one (10)
    mjpg   damaged JPEG pictures (--frames of them, made up from --seed) through the process that decodes a camera's; each must be
           decoded or refused, and whole pictures between them decoded right; and the time of a picture of 640 x 480
    check  random layers, operations without weights (--cases of each) and feature windows (--windows; a tenth of the
           cases) through every instruction set of this machine: the bytes must be those of the portable kernels
    --isa  portable, sse41, avx2, avxvnni, avx512vnni, neon or dotprod; else the fastest there is
    """

  static func main() {
    PictureDecoder.serveIfAsked()
    do throws(BenchFailure) {
      let arguments = Array(CommandLine.arguments.dropFirst())
      if arguments.contains("--help") || arguments.first == "-h" { return Swift.print(usage) }
      switch arguments.first {
      case "run": try run(Options(arguments.dropFirst(), allowed: ["--model", "--rounds", "--isa"]))
      case "infer":
        try infer(Options(arguments.dropFirst(), allowed: ["--model", "--input", "--rounds", "--isa"]))
      case "check":
        try check(Options(arguments.dropFirst(), allowed: ["--cases", "--windows", "--first", "--isa"]))
      case "order":
        try order(Options(arguments.dropFirst(), allowed: ["--modalities", "--windows", "--rounds"]))
      case "days":
        try days(
          Options(arguments.dropFirst(), allowed: ["--model", "--audits", "--days", "--seeds", "--events"]))
      case "mjpg": try mjpg(Options(arguments.dropFirst(), allowed: ["--frames", "--seed"]))
      case nil: try run(Options(["--model", "config/models/digits.safetensors"], allowed: ["--model"]))
      default: throw BenchFailure(.usage, "expected run, infer, order, days, mjpg or check; --help has more")
      }
    } catch {
      write(error: "mmexit-bench: " + error.message)
      exit(error.code)
    }
  }
}

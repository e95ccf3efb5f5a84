import ArgumentParser
import Evaluation
import JSON
import Linux
import Scheduling

extension OrderingMethod: ExpressibleByArgument {}

/// `mmexitctl plan`: in what order should the exits be asked?
struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put the exits in order and say what the order is worth.",
    discussion: """
      FILE is JSON. For paper, exact and interleaved: {"lambda": x, "modalities": [{"name", "wake", "standby", "exits": \
      [{"accuracy", "cost", "hazard"}]}], "fusion": {"accuracy", "cost"}}. For empirical: {"lambda", "modalities": \
      [{"name", "wake", "standby", "exits": [{"cost", "threshold"}]}], "fusion": {"cost"}, "windows": [{"exits": {NAME: [{"entropy", \
      "correct"}]}, "fusion": {"correct"}}]}. Costs and lambda (what a right answer is worth) are in one unit of \
      your choice, joules or MACs. The first sensor of an order never sleeps and pays "standby", each other one pays "wake"; both may be \
      left out and are 0 then. The daemon prices its order in the same way; accuracy, hazard, entropy and threshold lie between 0 and 1.
      """)

  @Option(help: ArgumentHelp("Figures of the exits, or recorded windows.", valueName: "file"))
  var stats: String

  @Option(
    help: ArgumentHelp(
      "How to find the order: paper, exact, empirical or interleaved.", valueName: "method"))
  var order: OrderingMethod = .exact

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    try CommandFailure.catching {
      let file = try PlanFile(readFile(stats, limit: PlanFile.maximumBytes), file: stats)
      let plan = try file.plan(by: order)
      let names = try file.modalityNames()
      if json {
        Output.line(plan.json(names: names))
      } else {
        Output.line("order  \(plan.order.map { names[$0] }.joined(separator: ", "))")
        Output.line("value  \(plan.value)")
        Output.table(
          ["modality", "exit", "probability", "utility"],
          plan.steps.map { step in
            let (name, exit): (String, String) =
              switch step.exit {
              case .encoder(let modality, let exit): (names[modality], String(exit))
              case .fusion: ("fusion", "1")
              }
            return [name, exit, Output.fixed(step.probability, 4), Output.fixed(step.utility, 4)]
          })
      }
    }
  }
}

import ArgumentParser
import JSON
import Metrics

extension Exposition: ExpressibleByArgument {}

/// `mmexitctl metrics`.
struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Print the daemon's counts and energy for a monitoring system, since the daemon's start.",
    discussion:
      "OpenMetrics 1.0, or the older text format of Prometheus (0.0.4), which node_exporter and promtool read. "
      + "[metrics] textfile in the configuration has the daemon write the latter by itself.")

  @OptionGroup var connection: Connection

  @Option(help: "openmetrics or text.")
  var format = Exposition.openMetrics

  mutating func run() throws {
    let format = format
    let connection = connection
    try CommandFailure.catching {
      let reply = JSONPlace(.object(try CommandCall.run("GetMetrics", [:], connection)))
      do throws(JSONError) {
        Output.text(format.render(try MetricsRecord.read(reply)))
      } catch {
        throw CommandFailure(message: "the daemon sent what it should not: \(error)", code: .software)
      }
    }
  }
}

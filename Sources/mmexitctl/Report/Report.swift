import ArgumentParser
import Glibc
import Ledger
import Vocabulary

/// `mmexitctl report`: a ledger as a page to look at.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write one self-contained page on a ledger: energy, who was awake, exits, events, faults.",
    discussion: """
      The page needs no network and no script. Every drawing has its figures as a table beneath it. Nothing is checked: that is \
      what 'audit' does.
      """)

  @Argument(help: "The ledger's directory.")
  var directory: String

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "The page's file; one that is there is replaced. '-' for standard output.", valueName: "file"))
  var output: String

  mutating func run() throws {
    let (directory, output) = (directory, output)
    try CommandFailure.catching {
      let sums: ReportSums
      do throws(LedgerError) {
        sums = try ReportSums(directory)
      } catch {
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
      let page = ReportPage(sums, of: directory).text()
      if output == "-" { return Output.text(page) }
      try Self.write(page, to: output)
      Output.line("\(output): \(sums.decisions) decisions, \(page.utf8.count / 1024) KiB")
    }
  }

  /// Beside it first, then in its place: whoever opens it meanwhile has the former page whole.
  private static func write(_ page: String, to path: String) throws {
    let part = path + ".part"
    let bytes = Array(page.utf8)
    func failure(_ what: String) -> CommandFailure {
      CommandFailure(
        message:
          "\(path): \(what): \(String(cString: strerror(errno))); write it elsewhere with --output FILE",
        code: .cannotCreate)
    }
    let file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw failure("cannot be written") }
    var done = 0
    while done < bytes.count {
      let n = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, $0.count - done) }
      if n < 0 && errno == EINTR { continue }
      guard n > 0 else {
        defer {
          close(file)
          unlink(part)
        }
        throw failure("not all of it was written")
      }
      done += n
    }
    guard close(file) == 0, rename(part, path) == 0 else { throw failure("cannot be put in its place") }
  }
}

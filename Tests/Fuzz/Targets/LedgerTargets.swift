import Glibc
import Ledger
import Linux
import Vocabulary

/// A ledger's files, as an attacker or a broken disk leaves them.
enum LedgerTargets {
  private static let folder: String = {
    let path = Scratch.path("ledger")
    mkdir(path, 0o700)
    return path
  }()

  /// The first bytes up to a NUL are the first segment's, the next those of a second one, the rest the checkpoint's.
  private static func place(_ bytes: UnsafeRawBufferPointer) {
    Scratch.clear(folder)
    let names = ["ledger-0000000000000001.jsonl", "ledger-0000000000000003.jsonl", "checkpoint"]
    for (name, part) in zip(names, bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false))
    {
      Scratch.write(UnsafeRawBufferPointer(rebasing: part), to: "ledger/" + name)
    }
  }

  static func audit(_ bytes: UnsafeRawBufferPointer) {
    place(bytes)
    guard let report = try? Ledger.audit(folder) else { return }
    for finding in report.findings { precondition(finding.description.utf8.count < 4096) }
    for gap in report.gaps { precondition(gap.utf8.count < 4096) }
    precondition(report.totals.accounts.count <= AuditTotals.maximumNames)
  }

  /// The daemon opens it, goes on in it and ends: what it adds has to be a ledger.
  static func recovery(_ bytes: UnsafeRawBufferPointer) {
    place(bytes)
    guard let link = try? LedgerLink() else { fatalError("no link") }
    var options = LedgerOptions()
    // Memory stands in for the disk, and needs no confirmation.
    options.output.synchronize = { _ in 0 }
    do throws(LedgerError) {
      let file = try LedgerFile(directory: folder, link: link, at: .zero, options: options)
      _ = file.start.notices.map(\.description)
    } catch {
      return
    }
    _ = try? Ledger.audit(folder)
  }
}

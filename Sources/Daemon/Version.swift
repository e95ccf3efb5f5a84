/// The daemon's version, as `--version`, `GetStatus` and the ledger's start record say it.
package enum Version {
  package static let text = "0.1.0"
}

import Engine
import Ledger
import Pipeline
import Sensing
import Varlink
import Vocabulary

/// Every capacity that bounds the daemon's memory, in one place for people: `mmexitd --print-limits`.
package enum Limits {
  package static func printed() -> String {
    let decision = MemoryLayout<Decision>.size
    let server = VarlinkLimits()
    let rows: [(String, Int, String)] = [
      ("model file", ModelLimits.fileBytes, "bytes, read whole once at start"),
      ("activations", ModelLimits.arenaBytes, "bytes at most, one arena an engine"),
      ("modalities", ModelLimits.modalities, "of a model, a sensor each"),
      ("exits of a model", Decision.maximumExits, "so that a decision's trace has its place"),
      ("decision", decision, "bytes, stored in place"),
      (
        "events waiting for the recorder", EventRing.capacity,
        "\(MemoryLayout<PipelineEvent>.size * EventRing.capacity) bytes"
      ),
      (
        "audits waiting for the planner", OrderLink.capacity,
        "\(OrderLink.messageBytes * OrderLink.capacity) bytes"
      ),
      ("commands waiting for the pipeline", CommandChannel.capacity, "of all clients together"),
      ("decisions waiting for clients", WatchRing.capacity, "bytes, as JSON"),
      ("decisions waiting to be printed", OutputThread.decisionBytes, "bytes of lines"),
      ("lines waiting for the journal", OutputThread.journalBytes, "bytes of lines"),
      ("ledger buffer", LedgerOptions().bufferBytes, "bytes between two writes"),
      ("ledger record", LedgerOptions.maximumRecordBytes, "bytes at most"),
      (
        "steady windows", SteadyWindows.maximumWindows,
        "\(SteadyWindows.bytes) bytes, until they are recorded as one"
      ),
      (
        "windows near a threshold", 1,
        "kept, while 'mmexitctl record --near' asks: its sound at 2 bytes a sample, its pictures at 1 a channel"
      ),
      ("clients", server.clients, "at a time"),
      ("clients of one program", server.clientsOfProcess, "of these"),
      (
        "clients of other users", server.clientsOfOthers,
        "of all together; of one \(server.clientsOfUser(privileged: false)); root and the daemon's user always find a place"
      ),
      (
        "waiting for clients", server.clientBytes,
        "bytes for replies not read and requests not whole, of all together"
      ),
      ("waiting for one client", VarlinkLimits.waitingReplyBytes, "bytes before its further requests wait"),
      ("request", server.messageBytes, "bytes at most"),
      ("reply", server.replyBytes, "bytes at most"),
      ("stream messages", server.streamMessages, "kept for clients that do not keep up, for all together"),
    ]
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { name, value, note in
      name + String(repeating: " ", count: width - name.count) + "  \(value)  \(note)"
    }.joined(separator: "\n")
  }
}

import Glibc
import Linux
import Vocabulary
import Wire

/// Who writes: what stands in every record beside its own matter. Replaced whole when a model or a configuration
/// is reloaded.
package struct LedgerIdentity: Sendable {
  /// The kernel's boot id (/proc/sys/kernel/random/boot_id); for a replay, an id from the recording.
  package var bootID: String
  package var model: Digest
  package var configuration: Digest
  package var names: Names

  package init(bootID: String, model: Digest, configuration: Digest, names: Names) {
    self.bootID = bootID
    self.model = model
    self.configuration = configuration
    self.names = names
  }
}

/// How a ledger is written. Every capacity with its reason.
package struct LedgerOptions: Sendable {
  /// A segment takes no further record beyond this: small enough to copy and to look through.
  package var segmentBytes = 16 << 20
  /// Records wait here for the next write: at 4 windows a second and 2 KiB each, 16 s.
  package var bufferBytes = 128 << 10
  /// At most one write in this time, unless the buffer is half full: flash wear against what a power cut may take.
  package var flushInterval = Nanoseconds.seconds(5)
  /// How often the head is told, so that whoever keeps the journal can hold the ledger against it.
  package var publishHead = Nanoseconds.seconds(3600)
  /// A checkpoint is written when so much was synchronized since the last: at most about that, and what waits for one
  /// write, is left for a start after a crash to read.
  package var checkpointBytes = 1 << 20
  /// Whether segments that take no further record are compressed.
  package var compresses = false
  package var retention = LedgerRetention()
  /// Whether a flush waits until the disk has it (fdatasync).
  package var synchronizes = true
  package var output = LedgerOutput.file
  /// What a start does to what it finds.
  package var recovery = RecoveryCalls.file

  package init() {}

  /// The longest record: every hop and posting a decision has room for, with names of 60 bytes, and as much again.
  /// Also the least that a buffer may hold.
  package static let maximumRecordBytes = 64 << 10
  /// Held on the disk beyond the segment's end, so that a full one still takes the last `gap` and `stop` record.
  static let reserveBytes = 16 << 10
  /// What allows the retry after a failed write: no sooner, however short the flush interval is.
  static let retryInterval = Nanoseconds.seconds(1)
}

/// How bytes get to the disk: the system's calls, or what a test puts in their place.
package struct LedgerOutput: Sendable {
  /// Bytes taken (fewer than given when the disk fills), or the negative errno.
  package var write: @Sendable (Int32, UnsafeRawBufferPointer) -> Int
  /// 0, or the negative errno.
  package var synchronize: @Sendable (Int32) -> Int32
  /// Has the disk hold so many bytes from that offset on, without making the file longer: 0, or the negative errno.
  package var reserve: @Sendable (_ file: Int32, _ offset: Int, _ length: Int) -> Int32 = { _, _, _ in 0 }
  /// Cuts the file to that size, and gives back what was held beyond it: 0, or the negative errno.
  package var truncate: @Sendable (_ file: Int32, _ size: Int) -> Int32 = { file, size in
    ftruncate(file, size) == 0 ? 0 : -errnoNow()
  }

  package init(
    write: @escaping @Sendable (Int32, UnsafeRawBufferPointer) -> Int,
    synchronize: @escaping @Sendable (Int32) -> Int32
  ) {
    self.write = write
    self.synchronize = synchronize
  }

  package static let file: LedgerOutput = {
    var output = LedgerOutput(
      write: { file, bytes in
        while true {
          let count = Glibc.write(file, bytes.baseAddress, bytes.count)
          if count >= 0 { return count }
          if errnoNow() != EINTR { return -Int(errnoNow()) }
        }
      },
      synchronize: { file in fdatasync(file) == 0 ? 0 : -errnoNow() })
    output.reserve = { file, offset, length in -reserveSpace(file, from: offset, length: length) }
    return output
  }()
}

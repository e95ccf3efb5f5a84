import Engine
import Glibc
import JSON
import Vocabulary

/// A whole file.
func read(_ path: String) throws(BenchFailure) -> [UInt8] {
  guard let file = fopen(path, "re") else {
    throw BenchFailure(.noInput, "\(path): \(String(cString: strerror(errno))); check the path")
  }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  // The whole of a regular file in one piece, so that it goes back to the system whole.
  var status = stat()
  let size = fstat(fileno(file), &status) == 0 ? Int(status.st_size) : 0
  let chunk = max(1 << 16, min(size, ModelLimits.fileBytes) + 1)
  while bytes.count <= ModelLimits.fileBytes {
    let piece = [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
      count = fread(buffer.baseAddress, 1, chunk, file)
    }
    if piece.isEmpty { break }
    if bytes.isEmpty { bytes = piece } else { bytes += piece }
  }
  guard ferror(file) == 0 else {
    throw BenchFailure(.ioError, "\(path): cannot be read; name a readable file")
  }
  return bytes
}

func model(_ options: Options) throws(BenchFailure) -> Model {
  guard let path = try options.one("--model") else { throw BenchFailure(.usage, "--model FILE is missing") }
  let bytes = try read(path)
  let set = try options.set() ?? .best
  do throws(ModelError) {
    return try Model.decode(bytes, for: set)
  } catch {
    throw BenchFailure(.dataError, "\(path): \(error)")
  }
}

/// One line to standard output, whatever names it holds.
func print(_ text: String) { Swift.print(text.printable) }

/// A value as one line of JSON.
func print(_ value: JSONValue) { Swift.print(value.text.printableJSON) }

func write(error text: String) {
  _ = Array((text.printable + "\n").utf8).withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
}

func exit(_ code: ExitCode) -> Never { Glibc.exit(code.rawValue) }

/// Nanoseconds of a clock that only goes forward.
func now() -> Int64 {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec)
}

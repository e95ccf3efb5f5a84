import Glibc

/// A folder in memory for readers that take paths; it goes with the program where that ends by itself.
enum Scratch {
  static let folder: String = {
    var template = Array("/dev/shm/mmexit-fuzz-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no folder in /dev/shm") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    atexit { Scratch.remove() }
    return path
  }()

  static func path(_ name: String) -> String { folder + "/" + name }

  @discardableResult
  static func write(_ bytes: UnsafeRawBufferPointer, to name: String) -> String {
    let path = path(name)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0, Glibc.write(file, bytes.baseAddress, bytes.count) == bytes.count else {
      fatalError("\(path): cannot be written")
    }
    close(file)
    return path
  }

  /// Everything in the folder.
  static func clear(_ folder: String) {
    guard let directory = opendir(folder) else { return }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    closedir(directory)
    for name in names where name != "." && name != ".." { unlink(folder + "/" + name) }
  }

  private static func remove() {
    clear(path("ledger"))
    rmdir(path("ledger"))
    clear(folder)
    rmdir(folder)
  }
}

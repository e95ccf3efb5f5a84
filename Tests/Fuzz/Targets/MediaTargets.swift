import Sensing
import Vocabulary

/// Sounds and pictures out of files.
enum MediaTargets {
  static func wav(_ bytes: UnsafeRawBufferPointer) {
    let path = Scratch.write(bytes, to: "sound.wav")
    guard let reader = try? WAVReader(path: path) else { return }
    var samples = [Int16](repeating: 0, count: 512)
    for start in [0, reader.count / 2, max(0, reader.count - 3)] {
      _ = samples.withUnsafeMutableBufferPointer { try? reader.read(from: start, into: $0) }
    }
    _ = try? WAVReader.readAll(path: path, limit: 1 << 16)
  }

  static func y4m(_ bytes: UnsafeRawBufferPointer) {
    let path = Scratch.write(bytes, to: "film.y4m")
    guard let reader = try? Y4MReader(path: path), reader.width * reader.height <= 1 << 16 else { return }
    for channels in [1, 3] {
      var pixels = [UInt8](repeating: 0, count: reader.width * reader.height * channels)
      for index in Set([0, reader.count - 1]) {
        _ = pixels.withUnsafeMutableBufferPointer { try? reader.read(index, channels: channels, into: $0) }
      }
    }
  }

  static func pnm(_ bytes: UnsafeRawBufferPointer) {
    guard let picture = try? PNMReader.decode(Array(bytes), path: "picture") else { return }
    precondition(picture.pixels.count == picture.width * picture.height * picture.channels)
    picture.withView { _ in }
  }
}

import Engine
import Glibc
import Linux
import Sensing
import Vocabulary

/// One window's data out of its files, as the engine wants it.
package enum WindowData: Sendable {
  case sound([Int16])
  case picture(Picture)
  case vector([Float])

  /// Ten minutes at 48 kHz: whoever gives more means something else than a window.
  static let maximumSamples = 600 * 48_000

  /// Reads the file a modality's features are made from: WAV, PGM or PPM, or NPY.
  /// - Throws: `EvaluationError` that names manifest and line before the file.
  package static func read(
    _ path: String, features: Features, manifest: String, line: Int
  ) throws(EvaluationError) -> WindowData {
    do {
      switch features {
      case .spectrogram(let spectrogram):
        let sound = try WAVReader.readAll(
          path: path, expecting: spectrogram.sampleRate, limit: Self.maximumSamples)
        return .sound(centred(sound, to: spectrogram.window))
      case .image: return .picture(try PNMReader.read(path: path))
      case .vector(let vector):
        let array = try NumPyArray(readFile(path, limit: NumPyArray.maximumElements * 8 + 65536))
        let numbers = array.floats
        guard numbers.count == vector.length, array.shape.reduce(1, max) == numbers.count else {
          throw EvaluationError(
            .window, manifest, line: line,
            "\(path): holds \(numbers.count) numbers of shape \(array.shape) where the model takes a vector of "
              + "\(vector.length); save a vector of that length")
        }
        let bad = numbers.count { !$0.isFinite }
        guard bad == 0 else {
          throw EvaluationError(
            .window, manifest, line: line,
            "\(path): \(bad) of \(numbers.count) values are not finite as float32; mend or remove the file")
        }
        return .vector(numbers)
      }
    } catch let error as EvaluationError {
      throw error
    } catch let error as NumPyArray.Failure {
      throw EvaluationError(.window, manifest, line: line, "\(path): \(error.description)")
    } catch let error as SensingError {
      guard case .system(let refusal) = error.kind else {
        throw EvaluationError(.window, manifest, line: line, error.description)
      }
      throw Self.refused(refusal, path, manifest, line)
    } catch let error as LinuxError {
      throw Self.refused(error, path, manifest, line)
    } catch {
      throw EvaluationError(.window, manifest, line: line, "\(error)")
    }
  }

  private static func refused(
    _ error: LinuxError, _ path: String, _ manifest: String, _ line: Int
  ) -> EvaluationError {
    if error.errno == ENOENT {
      return EvaluationError(
        .window, manifest, line: line, "\(path): no such file; paths start at the manifest's folder", .noInput
      )
    }
    let isNoFile = error.errno == EISDIR || error.errno == LinuxError.notRegular
    return EvaluationError(
      .window, manifest, line: line, "\(path): \(error.reason); \(error.fileRemedy)",
      isNoFile ? .dataError : error.fileExitCode)
  }

  /// A sound shorter than the window is centred in silence, a longer one is cut around its middle.
  static func centred(_ samples: [Int16], to length: Int) -> [Int16] {
    if samples.count >= length {
      let start = (samples.count - length) / 2
      return Array(samples[start..<start + length])
    }
    var window = [Int16](repeating: 0, count: length)
    let start = (length - samples.count) / 2
    window.replaceSubrange(start..<start + samples.count, with: samples)
    return window
  }

  package func give(_ modality: Int, to engine: inout Engine) {
    switch self {
    case .sound(let samples): samples.withUnsafeBufferPointer { engine.setInput(modality, pcm: $0) }
    case .picture(let picture): picture.withView { engine.setInput(modality, image: $0) }
    case .vector(let vector): vector.withUnsafeBufferPointer { engine.setInput(modality, vector: $0) }
    }
  }
}

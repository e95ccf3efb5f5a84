import Configuration
import Engine
import Sensing
import Vocabulary

/// The sensors' configurations for a rig, in the model's order of modalities.
package enum Rigs {
  package static func configurations(
    _ configuration: Configuration, _ model: Model
  ) throws(StartupError) -> [SensorConfiguration] {
    var result: [SensorConfiguration] = []
    let history = try Self.history(configuration, model)
    for modality in model.modalities {
      let sensor = configuration.sensor(for: modality.name)
      let kind: SensorConfiguration.Kind
      let device = sensor.device.isEmpty ? modality.features.defaultDevice : sensor.device
      switch modality.features {
      case .spectrogram(let spectrogram):
        kind = .sound(rate: spectrogram.sampleRate)
      case .image(let image):
        guard let rate = FrameRate(frames: sensor.framesPerSecond) else {
          throw StartupError("[sensor \(modality.name)]: frames-per-second is out of range", .configuration)
        }
        kind = .image(
          width: sensor.width, height: sensor.height, channels: image.channels, frameRate: rate)
      case .vector:
        throw StartupError("the modality '\(modality.name)' takes vectors, which no sensor gives", .dataError)
      }
      var wanted = SensorConfiguration(
        name: modality.name, kind: kind, device: device, wakeDeadline: sensor.wakeDeadline,
        wakeLatency: sensor.replayWakeLatency, settlingFrames: sensor.settleFrames, history: history)
      wanted.sleepMode = sensor.sleepMode
      wanted.warmLatency = sensor.replayWarmLatency
      wanted.cameraSettings = sensor.camera
      wanted.channel = sensor.channel
      wanted.stuckAfter = sensor.stuckAfter
      result.append(wanted)
    }
    return result
  }

  /// How much past sound has to stay readable: the longest window, and behind it what comes in while the slowest
  /// sensor wakes and while another window is waited for.
  private static func history(
    _ configuration: Configuration, _ model: Model
  ) throws(StartupError) -> Nanoseconds {
    var window = Nanoseconds.zero
    var deadline = Nanoseconds.zero
    for modality in model.modalities {
      deadline = max(deadline, configuration.sensor(for: modality.name).wakeDeadline)
      if case .spectrogram(let sound) = modality.features {
        window = max(window, Nanoseconds(Int64(sound.window) * 1_000_000_000 / Int64(sound.sampleRate)))
      }
    }
    let history = window + deadline + .seconds(2)
    guard history <= SensingLimits.history else {
      throw StartupError(
        "wake-deadline = \(Quantity.text(deadline)): together with the model's window of \(Quantity.text(window)) it asks for more than \(Quantity.text(SensingLimits.history)) of past sound; shorten it",
        .configuration)
    }
    return history
  }
}

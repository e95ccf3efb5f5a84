import Engine
import Sensing
import Vocabulary

/// The sensors' configurations for a rig, in the model's order of modalities.
package enum Rigs {
  package static func configurations(
    _ configuration: Configuration, _ model: Model
  ) throws(StartupError) -> [SensorConfiguration] {
    var result: [SensorConfiguration] = []
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
      result.append(
        SensorConfiguration(
          name: modality.name, kind: kind, device: device, wakeDeadline: sensor.wakeDeadline,
          wakeLatency: sensor.replayWakeLatency, settlingFrames: sensor.settleFrames))
    }
    return result
  }
}

extension Features {
  /// The device of a sensor for which none is configured.
  var defaultDevice: String {
    switch self {
    case .spectrogram: "default"
    case .image: "/dev/video0"
    case .vector: ""
    }
  }
}

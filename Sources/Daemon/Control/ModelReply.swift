import Engine
import JSON
import Policies
import Startup

/// The answer to `GetModel`.
enum ModelReply {
  static func write(_ generation: Generation, into json: inout JSONWriter) {
    let model = generation.model.model
    json.key("name")
    json.value(model.name)
    json.key("sha256")
    json.value(generation.model.digest.hexString)
    json.key("classes")
    json.beginArray()
    for name in model.classes { json.value(name) }
    json.endArray()
    if let none = model.noneClass {
      json.key("none")
      json.value(model.classes[none])
    }
    if let overriding = model.overridingClass {
      json.key("overriding")
      json.value(model.classes[overriding])
    }
    json.key("modalities")
    json.beginArray()
    for modality in model.modalities { write(modality, model, into: &json) }
    json.endArray()
    json.key("fusion")
    json.beginObject()
    json.key("fusion")
    json.value(true)
    write(model.fusion.exit, macs: model.fusion.macs, parameters: model.fusion.parameters, model, into: &json)
    json.endObject()
    json.key("macs")
    json.value(model.totalMacs)
    json.key("parameters")
    json.value(model.totalParameters)
    json.key("late_fusion_macs")
    json.value(model.lateFusionMacs)
    json.key("late_fusion_parameters")
    json.value(model.lateFusionParameters)
    writeProvenance(model, into: &json)
  }

  private static func write(_ modality: ModalityDescription, _ model: Model, into json: inout JSONWriter) {
    json.beginObject()
    json.key("name")
    json.value(modality.name)
    json.key("features")
    switch modality.features {
    case .image: json.value("image")
    case .spectrogram(let spectrogram): json.value(spectrogram.mel == nil ? "log_spectrogram" : "log_mel")
    case .vector: json.value("vector")
    }
    if case .image(let image) = modality.features, image.mirrored {
      json.key("mirrored")
      json.value(true)
    }
    json.key("exits")
    json.beginArray()
    for (index, segment) in modality.segments.enumerated() {
      json.beginObject()
      json.key("modality")
      json.value(modality.name)
      json.key("exit")
      json.value(index + 1)
      write(segment.exit, macs: segment.macs, parameters: segment.parameters, model, into: &json)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  private static func write(
    _ exit: ExitDescription, macs: Int64, parameters: Int64, _ model: Model, into json: inout JSONWriter
  ) {
    if let threshold = exit.threshold {
      json.key("threshold")
      json.value(threshold)
    }
    if !exit.classThresholds.isEmpty {
      json.key("class_thresholds")
      json.beginObject()
      for (label, threshold) in exit.classThresholds.sorted(by: { $0.key < $1.key }) {
        json.key(model.classes[label])
        json.value(threshold)
      }
      json.endObject()
    }
    if let threshold = exit.overrideThreshold {
      json.key("override_threshold")
      json.value(threshold)
    }
    if let threshold = exit.thresholdBesideNone {
      json.key("threshold_beside_none")
      json.value(threshold)
    }
    if let accuracy = exit.accuracy {
      json.key("accuracy")
      json.value(accuracy)
    }
    if let hazard = exit.hazard {
      json.key("hazard")
      json.value(hazard)
    }
    json.key("macs")
    json.value(macs)
    json.key("parameters")
    json.value(parameters)
  }

  /// The file's own text, where it is an object.
  private static func writeProvenance(_ model: Model, into json: inout JSONWriter) {
    guard let value = try? JSONValue.parse(model.provenance), case .object = value else { return }
    json.key("provenance")
    json.value(value)
  }
}

import Configuration
import Energy
import Engine
import Pipeline
import Vocabulary

/// What every exit said of a stream's windows, all sensors awake: what would have come of it if others had been asked, without
/// running the network again. Of an exit's probabilities the highest is known, and its class; the rest is taken as even.
package struct AnsweredWindows: Sendable {
  private struct Window {
    var end: Instant
    var decided: Instant
    var readings: [Reading]
    /// By modality.
    var features: [Nanojoules]
    var alwaysOn: Nanojoules
  }

  private let configuration: Configuration
  private let model: Model
  private let energy: EnergyModel
  /// Windows before one, in which a sensor has to be awake for it to be had: its wake, and the window's sound.
  private let leads: [Int]
  private var windows: [Window] = []

  init(_ configuration: Configuration, _ model: Model, _ energy: EnergyModel, wakes: [Nanoseconds]) {
    self.configuration = configuration
    self.model = model
    self.energy = energy
    let period = configuration.general.windowPeriod.seconds
    leads = zip(model.modalities, wakes).map { modality, wake in
      var lead = wake.seconds
      if case .spectrogram(let sound) = modality.features {
        lead += Double(sound.window) / Double(sound.sampleRate)
      }
      return Int((lead / period).rounded(.up))
    }
  }

  /// In seconds from the stream's start, one for each window.
  package var ends: [Double] { windows.map { ($0.end - .zero).seconds } }

  /// - Parameter decision: of a run in which every exit of every sensor is asked for each window.
  package mutating func take(_ decision: borrowing Decision) {
    var window = Window(
      end: decision.end, decided: decision.decided, readings: [],
      features: model.modalities.map { _ in .zero }, alwaysOn: decision.alwaysOn)
    for i in decision.trace.indices { window.readings.append(decision.trace[i].reading) }
    for i in decision.energy.indices {
      let posting = decision.energy[i]
      if posting.account == .features, let modality = posting.modality {
        window.features[modality] += posting.energy
      }
    }
    windows.append(window)
  }

  /// - Parameters:
  ///   - deliver: takes a decision of every window. Those that nobody answered are `none`.
  ///   - event: takes every event, once when it begins and once with its end.
  package func play(
    _ choice: WindowChoice, deliver: (borrowing Decision) -> Void, event: (StreamEvent) -> Void
  ) {
    guard var events = StreamEvents(configuration, model) else { return }
    var awakeFor = leads
    for (number, window) in windows.enumerated() {
      let asked = self.asked(choice, number, awake: &awakeFor)
      var decision = Decision(
        number: UInt64(number + 1), start: window.end - configuration.general.windowPeriod, end: window.end)
      decision.decided = window.decided
      decision.alwaysOn = window.alwaysOn
      decision.energy.append(EnergyPosting(account: .segment, energy: asked.energy))
      decision.used = asked.used
      decision.answer = answer(asked.readings.last)
      for reading in asked.readings { events.enter(reading, of: asked.used) }
      events.observe(endingAt: window.end)
      let changes = events.track(decision)
      if let ended = changes.ended { event(ended) }
      if let began = changes.began { event(began) }
      deliver(decision)
    }
    if let last = windows.last, let ended = events.end(at: last.decided) { event(ended) }
  }

  private struct Asked {
    /// In the order of their exits.
    var readings: [Reading] = []
    var used: ModalitySet = []
    var energy = Nanojoules.zero
  }

  /// - Parameter awake: windows that each sensor has been awake for.
  private func asked(_ choice: WindowChoice, _ number: Int, awake: inout [Int]) -> Asked {
    let window = windows[number]
    switch choice {
    case .everything:
      return asked(window, awake: .all(awake.count), of: .all(awake.count))
    case .turns(let turns):
      let isOn = turns.isOn(at: max(0, (window.end - .zero).seconds))
      var on: ModalitySet = []
      var ready: ModalitySet = []
      for sensor in awake.indices {
        guard isOn || turns.listening.contains(index: sensor) else {
          awake[sensor] = 0
          continue
        }
        awake[sensor] += 1
        on.insert(ModalitySet(index: sensor))
        if awake[sensor] > leads[sensor] { ready.insert(ModalitySet(index: sensor)) }
      }
      return asked(window, awake: on, of: ready)
    case .oracle(let expected):
      let label = number < expected.count ? expected[number] : nil
      let choices = window.readings.map { cheapest(to: $0, window) }.sorted { $0.energy < $1.energy }
      return choices.first { $0.readings.last?.label == label } ?? choices.first ?? Asked()
    }
  }

  /// Every exit of those, and fusion where they are all.
  private func asked(_ window: Window, awake: ModalitySet, of ready: ModalitySet) -> Asked {
    var asked = Asked(used: ready, energy: sensing(awake))
    let isWhole = ready.count == model.modalities.count
    for reading in window.readings {
      switch reading.exit {
      case .fusion: if !isWhole { continue }
      case .encoder(let modality, _): if !ready.contains(index: modality) { continue }
      }
      asked.readings.append(reading)
      asked.energy += computing(reading)
    }
    for modality in window.features.indices where ready.contains(index: modality) {
      asked.energy += window.features[modality]
    }
    return asked
  }

  /// Just that exit, what leads up to it, and who is awake for it.
  private func cheapest(to reading: Reading, _ window: Window) -> Asked {
    guard case .encoder(let modality, let exit) = reading.exit else {
      let all = ModalitySet.all(model.modalities.count)
      return asked(window, awake: all, of: all)
    }
    var asked = Asked(energy: window.features[modality])
    asked.used.insert(ModalitySet(index: modality))
    asked.energy += sensing(asked.used)
    for other in window.readings {
      if case .encoder(modality, let earlier) = other.exit, earlier <= exit {
        asked.energy += computing(other)
      }
    }
    asked.readings = [reading]
    return asked
  }

  private func computing(_ reading: Reading) -> Nanojoules {
    energy.compute(macs: reading.macs, parameters: reading.parameters)
  }

  /// Of a window's period.
  private func sensing(_ awake: ModalitySet) -> Nanojoules {
    let period = configuration.general.windowPeriod
    return model.modalities.indices.reduce(.zero) { sum, sensor in
      let posting =
        awake.contains(index: sensor)
        ? energy.sensing(sensor, for: period) : energy.idle(sensor, for: .zero, resting: period)
      return sum + (posting?.energy ?? .zero)
    }
  }

  private func answer(_ reading: Reading?) -> Answer {
    guard let reading else {
      return Answer(
        label: model.noneClass, exit: nil, entropy: 1, certainty: 0, threshold: nil, reason: .noData)
    }
    return Answer(
      label: reading.label, exit: reading.exit, entropy: reading.entropy, certainty: reading.certainty,
      threshold: nil, reason: .fused)
  }
}

import Vocabulary

/// One setting: its name, what it takes, what it does, how it is read and printed. The table below is the
/// whole configuration language: the parser and `--print-config` both come from it.
package struct Key<Target>: Sendable {
  package let name: String
  package let takes: String
  package let help: String
  let read: @Sendable (String, inout Target) throws(ValueError) -> Void
  let show: @Sendable (Target) -> String?
}

extension Key {
  /// - Parameter needed: an empty value is refused.
  static func text(
    _ name: String, takes: String, _ path: WritableKeyPath<Target, String> & Sendable, needed: Bool = false,
    _ help: String
  ) -> Key {
    Key(name: name, takes: takes, help: help) { (text, target) throws(ValueError) in
      if needed && text.isEmpty { throw ValueError(message: "is empty; give a \(takes)") }
      target[keyPath: path] = text
    } show: {
      $0[keyPath: path]
    }
  }

  static func duration(
    _ name: String, _ range: ClosedRange<Double>, _ path: WritableKeyPath<Target, Nanoseconds> & Sendable,
    _ help: String
  ) -> Key {
    Key(name: name, takes: "duration, \(range.lowerBound) s to \(range.upperBound) s", help: help) {
      (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.duration(text, range)
    } show: {
      Quantity.text($0[keyPath: path])
    }
  }

  static func count(
    _ name: String, _ range: ClosedRange<Int>, _ path: WritableKeyPath<Target, Int> & Sendable,
    _ help: String
  ) -> Key {
    Key(name: name, takes: "number, \(range.lowerBound) to \(range.upperBound)", help: help) {
      (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.count(text, range)
    } show: {
      String($0[keyPath: path])
    }
  }

  static func flag(_ name: String, _ path: WritableKeyPath<Target, Bool> & Sendable, _ help: String) -> Key {
    Key(name: name, takes: "yes or no", help: help) { (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.flag(text)
    } show: {
      $0[keyPath: path] ? "yes" : "no"
    }
  }

  static func choice<T: RawRepresentable & CaseIterable & Sendable>(
    _ name: String, _ path: WritableKeyPath<Target, T> & Sendable, _ help: String
  ) -> Key where T.RawValue == String {
    Key(name: name, takes: T.allCases.map(\.rawValue).joined(separator: ", "), help: help) {
      (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.choice(text, of: T.self)
    } show: {
      $0[keyPath: path].rawValue
    }
  }

  static func optional(
    _ name: String, takes: String, unit: String, _ path: WritableKeyPath<Target, Double?> & Sendable,
    _ help: String, _ read: @escaping @Sendable (String) throws(ValueError) -> Double
  ) -> Key {
    Key(name: name, takes: takes, help: help) { (text, target) throws(ValueError) in
      target[keyPath: path] = try read(text)
    } show: {
      $0[keyPath: path].map { "\($0)\(unit)" }
    }
  }
}

/// The tables of settings, a section each.
package enum Keys {
  package static let general: [Key<Configuration.General>] = [
    .text(
      "model", takes: "path", \.model, needed: true,
      "Model file; relative paths start at the configuration's folder."),
    .text("socket", takes: "path", \.socket, needed: true, "Unix socket on which clients are answered."),
    .duration("window-period", 0.02...10, \.windowPeriod, "Time between the ends of two windows."),
    Key(
      name: "recordings", takes: "yes or no",
      help: "Whether 'mmexitctl record' may write sound and pictures into files; yes where not set."
    ) { (text, general) throws(ValueError) in
      general.allowsRecording = try Quantity.flag(text)
    } show: {
      // What is usual is not shown, as in a sensor's section: a configuration's digest stays what it was.
      $0.allowsRecording ? nil : "no"
    },
  ]

  /// Joules.
  package static let valueOfRightAnswer: ClosedRange<Double> = 0...1e6

  package static let gate: [Key<Configuration.Gate>] = [
    .choice("order", \.order, "How the order of modalities is found."),
    .text("first", takes: "modality", \.first, "This modality goes first, whatever the order says."),
    .optional(
      "threshold", takes: "number, 0 to 1", unit: "", \.threshold,
      "Normalized entropy at which an exit answers, in place of the model's own thresholds."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0...1) },
    Key(
      name: "value-of-right-answer", takes: "energy",
      help:
        "lambda: what a right answer is worth. It weighs accuracy against energy in the order and in giving up."
    ) { (text, gate) throws(ValueError) in
      gate.valueOfRightAnswer = try Quantity.joules(text, valueOfRightAnswer)
    } show: {
      "\($0.valueOfRightAnswer)J"
    },
    .flag("give-up", \.giveUp, "Answer unsure when going on is expected to gain less than it costs."),
    .flag(
      "activity-check", \.activityCheck, "Let silence and a still picture answer 'none' without a network."),
    Key(
      name: "active-share", takes: "number, 0.001 to 1",
      help:
        "Share of windows with something going on; they bear the energy of the sensor that is always awake, in the order."
    ) { (text, gate) throws(ValueError) in
      gate.activeShare = try Quantity.number(text, 0.001...1)
    } show: {
      "\($0.activeShare)"
    },
    .duration(
      "max-blind", 0...3600, \.maximumBlind,
      "Longest time between looks by every live sensor while the answer is 'none'."),
    .optional(
      "wake-evidence", takes: "number, 0 to 1", unit: "", \.wakeEvidence,
      "Evidence of a command (as in [events]) that the windows before have to give for an unsure one to wake a sensor; full checks need none."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0...1) },
    Key(
      name: "max-blind-after-event", takes: "duration, 0 s to 3600 s",
      help: "In place of max-blind, where shorter, for a minute after an event and 30 s after the start."
    ) { (text, gate) throws(ValueError) in
      gate.maximumBlindAfterEvent = try Quantity.duration(text, 0...3600)
    } show: {
      $0.maximumBlindAfterEvent.map(Quantity.text)
    },
    // 0 would let no sound and picture ever be a pair.
    .duration(
      "max-skew", 0.001...10, \.maximumSkew, "Sound and picture further apart than this are not fused."),
    .count("wakes-per-minute", 1...600, \.wakesPerMinute, "A sensor woken more often is left awake."),
  ]

  package static let energy: [Key<Configuration.Energy>] = [
    .text("board", takes: "name", \.board, needed: true, "Board whose table of power figures is used."),
    .optional(
      "picojoules-per-mac", takes: "number", unit: "", \.picojoulesPerMac,
      "Energy of one multiply-accumulate, in place of the board's."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0...1e6) },
    .optional(
      "picojoules-per-byte", takes: "number", unit: "", \.picojoulesPerByte,
      "Energy of one byte of weights read, in place of the board's."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0...1e6) },
  ]

  /// Of [energy] too; they decide nothing.
  package static let meters: [Key<Configuration.Energy>] = [
    .choice("meters", \.meters, "Whether what this machine has of meters is read (live only)."),
    .duration("meter-interval", 1...3600, \.meterInterval, "Time that one record of a meter covers."),
  ]

  package static let ledger: [Key<Configuration.Ledger>] = [
    .text("directory", takes: "path", \.directory, needed: true, "Where the ledger's segments are written."),
    Key(name: "segment-size", takes: "size", help: "A segment is closed at this size and the next begun.") {
      (text, ledger) throws(ValueError) in
      ledger.segmentBytes = try Quantity.bytes(text, 65536...1_073_741_824)
    } show: {
      "\($0.segmentBytes)B"
    },
    .duration(
      "flush-interval", 0...600, \.flushInterval, "A power cut loses at most what came after the last flush."),
    .duration(
      "publish-head", 60...604_800, \.publishHead,
      "How often the journal is told the ledger's head, against which an audit holds it."),
    Key(
      name: "coalesce", takes: "yes or no",
      help:
        "Record windows alike in which nothing happened as one, with their count and sums (live yes, a replay no)."
    ) { (text, ledger) throws(ValueError) in
      ledger.coalesces = try Quantity.flag(text)
    } show: {
      $0.coalesces.map { $0 ? "yes" : "no" }
    },
    Key(
      name: "compress", takes: "yes or no",
      help: "Compress segments that are full, to NAME.jsonl.gz (live yes, a replay no)."
    ) { (text, ledger) throws(ValueError) in
      ledger.compresses = try Quantity.flag(text)
    } show: {
      $0.compresses.map { $0 ? "yes" : "no" }
    },
    Key(
      name: "keep-bytes", takes: "size",
      help: "Drop the oldest segments beyond this size of all together (live 1GiB, a replay keeps all)."
    ) { (text, ledger) throws(ValueError) in
      ledger.keepBytes = try Quantity.bytes(text, 131_072...1e15)
    } show: {
      $0.keepBytes.map { "\($0)B" }
    },
    .optional(
      "keep-days", takes: "number, 0.01 to 100000", unit: "", \.keepDays,
      "Drop segments whose last record is older (however old they are kept unless set)."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0.01...100_000) },
    Key(
      name: "keep-free", takes: "size",
      help: "Drop the oldest segments while less is free on the disk (live 64MiB, a replay none)."
    ) { (text, ledger) throws(ValueError) in
      ledger.keepFree = try Quantity.bytes(text, 0...1e15)
    } show: {
      $0.keepFree.map { "\($0)B" }
    },
  ]

  package static let metrics: [Key<Configuration.Metrics>] = [
    .text(
      "textfile", takes: "path", \.textfile,
      "File for node_exporter's textfile collector (its name ends with .prom), written anew at intervals."),
    .duration("interval", 1...3600, \.interval, "Time between two writes of the textfile."),
  ]

  package static let replay: [Key<Configuration.Replay>] = [
    .text("recording", takes: "path", \.recording, "Recording to replay in place of live sensors."),
    .choice("pace", \.pace, "Real time, or as fast as it goes."),
    .flag("loop", \.loop, "Begin again at the end of the recording."),
  ]

  package static let sensor: [Key<Configuration.Sensor>] =
    [
      .text("device", takes: "path or name", \.device, "ALSA device, or the camera's node or card name."),
      .count("width", 16...4096, \.width, "Camera: columns asked for."),
      .count("height", 16...4096, \.height, "Camera: rows asked for."),
      .count("frames-per-second", 1...240, \.framesPerSecond, "Camera: frame rate asked for."),
      .duration("wake-deadline", 0.01...60, \.wakeDeadline, "A woken sensor must deliver within this time."),
      .count("settle-frames", 0...100, \.settleFrames, "Camera: frames thrown away after waking."),
    ] + devices + [
      .duration("linger", 0...3600, \.linger, "Time a woken sensor stays awake after it was last needed."),
      .duration(
        "replay-wake-latency", 0...60, \.replayWakeLatency, "Replay: time the recorded sensor takes to wake."),
    ] + warm + [
      watts("asleep-power", \.asleepWatts, "Power drawn asleep, in place of the board's figure."),
      watts(
        "waking-power", \.wakingWatts,
        "Power drawn while waking and settling, in place of the board's figure."),
      watts("awake-power", \.awakeWatts, "Power drawn awake, in place of the board's figure."),
    ]

  package static let events: [Key<Configuration.Events>] = [
    .choice("filter", \.filter, "How evidence is gathered over windows."),
    share("begin", 1e-9...0.5, \.begin, "hidden-markov: chance that a command begins with a window."),
    .optional(
      "begin-after-event", takes: "number, 1e-09 to 0.5", unit: "", \.beginAfterEvent,
      "In place of begin, where larger, for a minute after an event and 30 s after the start."
    ) { (text) throws(ValueError) in try Quantity.number(text, 1e-9...0.5) },
    share("stay", 0...0.99, \.stay, "hidden-markov: chance that a command goes on with the next window."),
    .count("votes", 1...32, \.votes, "k-of-n: windows that must agree."),
    .count("windows", 1...32, \.windows, "k-of-n: of so many; at least votes."),
    share(
      "level", 0.05...1, \.level,
      "hidden-markov: evidence at which an event begins; it lasts while half of that is left."),
    share("distinct", 0...1, \.distinct, "hidden-markov: its least share of the evidence for all commands."),
    .duration("hold", 0...60, \.hold, "How long an event goes on without evidence."),
    .duration("refractory", 0...3600, \.refractory, "After an event, how long none of its class begins."),
    .duration(
      "scenery", 0...3600, \.scenery,
      "What a sensor says for so long without a break belongs to the scene, and is no command; 0s for never."),
    Key(
      name: "prominence", takes: "level, 0.0 dB to 60.0 dB",
      help: "How much louder than before a sound has to be for the whole of begin; 0dB: none."
    ) { (text, target) throws(ValueError) in
      target.prominence = try Quantity.decibels(text, 0...60)
    } show: {
      "\($0.prominence)dB"
    },
    .flag(
      "keep-awake", \.keepsAwake, "While an event goes on or seems to begin, sensors that are awake stay so."),
  ]

  package static let eventClass: [Key<Configuration.EventClass>] = [
    .optional(
      "level", takes: "number, 0.05 to 1", unit: "", \.level,
      "This class's, in place of that of [events]; of k-of-n, the share of the votes that it needs."
    ) { (text) throws(ValueError) in try Quantity.number(text, 0.05...1) },
    duration("hold", 0...60, \.hold),
    duration("refractory", 0...3600, \.refractory),
  ]

  private static func share(
    _ name: String, _ range: ClosedRange<Double>,
    _ path: WritableKeyPath<Configuration.Events, Double> & Sendable, _ help: String
  ) -> Key<Configuration.Events> {
    Key(name: name, takes: "number, \(range.lowerBound) to \(range.upperBound)", help: help) {
      (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.number(text, range)
    } show: {
      "\($0[keyPath: path])"
    }
  }

  private static func duration(
    _ name: String, _ range: ClosedRange<Double>,
    _ path: WritableKeyPath<Configuration.EventClass, Nanoseconds?> & Sendable
  ) -> Key<Configuration.EventClass> {
    Key(
      name: name, takes: "duration, \(range.lowerBound) s to \(range.upperBound) s",
      help: "This class's, in place of that of [events]."
    ) { (text, target) throws(ValueError) in
      target[keyPath: path] = try Quantity.duration(text, range)
    } show: {
      $0[keyPath: path].map { Quantity.text($0) }
    }
  }

  /// Keys of [sensor NAME] that a microphone has no use for, and a camera.
  package static let camera: Set = [
    "width", "height", "frames-per-second", "settle-frames", "pixel-format", "exposure", "gain",
    "power-line-frequency",
  ]
  package static let microphone: Set = ["channel", "stuck-after"]

  private static func watts(
    _ name: String, _ path: WritableKeyPath<Configuration.Sensor, Double?> & Sendable, _ help: String
  ) -> Key<Configuration.Sensor> {
    .optional(name, takes: "power", unit: "W", path, help) { (text) throws(ValueError) in
      try Quantity.watts(text, 0...1000)
    }
  }
}

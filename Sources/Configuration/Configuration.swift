import Vocabulary

/// Everything the daemon can be told, with its defaults. Read from an INI file by `Configuration.parse`.
package struct Configuration: Sendable, Equatable {
  package enum Pace: String, CaseIterable, Sendable {
    case realTime = "real-time"
    case fast
  }
  package enum Order: String, CaseIterable, Sendable { case paper, exact, interleaved, declared }

  package enum Meters: String, CaseIterable, Sendable { case auto, none }

  package struct General: Sendable, Equatable {
    package var model = ""
    package var socket = "/run/mmexitd/mmexitd.sock"
    /// Time between the ends of two windows.
    package var windowPeriod = Nanoseconds.milliseconds(250)
    /// Whether 'mmexitctl record' may write what the sensors hear and see into files.
    package var allowsRecording = true
  }

  package struct Gate: Sendable, Equatable {
    package var order = Order.exact
    /// Names the modality that goes first; empty leaves it to the order.
    package var first = ""
    /// Replaces the model's own thresholds at every exit but fusion's.
    package var threshold: Double?
    /// What a right answer is worth, in joules (lambda).
    package var valueOfRightAnswer = 0.5
    package var giveUp = false
    package var activityCheck = true
    /// Share of the windows in which the activity check finds something going on, 0.001...1; for the order.
    package var activeShare = 0.05
    package var maximumBlind = Nanoseconds.seconds(2)
    /// In its place for a minute after an event and half of one after the start, where it is shorter; nil: the same.
    package var maximumBlindAfterEvent: Nanoseconds?
    /// Evidence that something goes on, 0...1, that has to be there before an unsure window for it to wake a sensor; nil: none.
    package var wakeEvidence: Double?
    package var maximumSkew = Nanoseconds.milliseconds(120)
    /// Wakes a sensor may have in a minute before it is left awake.
    package var wakesPerMinute = 12
  }

  package struct Energy: Sendable, Equatable {
    package var board = "generic-sbc"
    /// Overrides of the board's table.
    package var picojoulesPerMac: Double?
    package var picojoulesPerByte: Double?
    package var meters = Meters.auto
    /// Of one record of a meter.
    package var meterInterval = Nanoseconds.seconds(60)
  }

  package struct Ledger: Sendable, Equatable {
    package var directory = "/var/lib/mmexitd/ledger"
    package var segmentBytes = 16 * 1_048_576
    package var flushInterval = Nanoseconds.seconds(5)
    package var publishHead = Nanoseconds.seconds(3600)
    /// Whether windows in which nothing happened become counted records; nil: live ones do, a replay's do not.
    package var coalesces: Bool?
    /// Whether full segments are compressed; nil: live they are, a replay's are not.
    package var compresses: Bool?
    /// Bytes of all segments; nil: a GiB live, all of a replay's.
    package var keepBytes: Int?
    /// Days; nil: however old.
    package var keepDays: Double?
    /// Bytes left free on the file system; nil: 64 MiB live, none in a replay.
    package var keepFree: Int?
  }

  package struct Metrics: Sendable, Equatable {
    /// Where the figures are written for node_exporter; empty: nowhere.
    package var textfile = ""
    package var interval = Nanoseconds.seconds(30)
  }

  package struct Replay: Sendable, Equatable {
    /// A recording's directory; empty means live sensors.
    package var recording = ""
    package var pace = Pace.realTime
    package var loop = false

    package init() {}
  }

  /// Windows on which every exit is run, and what follows from them.
  package struct Adaptation: Sendable, Equatable {
    package var audits = true
    /// That a window is audited, while energy allows.
    package var probability = 0.05
    /// Of all energy that audits may take.
    package var energyShare = 0.1
    /// Of the draws.
    package var seed = 1
    /// Audits that are kept.
    package var buffer = 512
    /// Of those, whose label may be a client's.
    package var labelShare = 0.5
    /// Whether the order, and which sensors are asked, follow the audits.
    package var reorder = false
    /// Watts that all may take on the average of an hour, with `reorder`; nil: no limit.
    package var budget: Double?
    /// Largest share of windows that may be answered otherwise than by full fusion, with `reorder`; nil: no bound.
    package var riskBound: Double?
    /// Where both cannot be kept, the bound is, and the limit is broken.
    package var riskOutranks = true
  }

  /// One sensor; its section names the modality of the model that it serves.
  package struct Sensor: Sendable, Equatable {
    package var modality: String
    /// Empty: the default microphone or the first camera.
    package var device = ""
    package var width = 640
    package var height = 480
    package var framesPerSecond = 15
    package var wakeDeadline = Nanoseconds.milliseconds(1500)
    /// Frames thrown away after waking, while exposure settles.
    package var settleFrames = 3
    /// Controls set at each opening of the camera.
    package var camera = CameraSettings()
    /// Of the microphone's device.
    package var channel = SoundChannel.mixed
    /// Sound that is one value for so long is a fault; zero: never.
    package var stuckAfter = SoundChannel.usualStuckAfter
    /// What becomes of the device while the sensor sleeps.
    package var sleepMode = SleepMode.closed
    package var linger = Nanoseconds.seconds(1)
    /// Replay only: how long the recorded sensor takes to wake.
    package var replayWakeLatency = Nanoseconds.milliseconds(300)
    /// The same where its device has stayed open: an open camera's first frame comes one or two intervals after its stream's start.
    package var replayWarmLatency = usualWarmLatency
    package static let usualWarmLatency = Nanoseconds.milliseconds(100)
    /// Watts asleep with `sleepMode` warm; nil takes the table's figure.
    package var warmWatts: Double?
    /// Watts asleep, while waking, and awake; nil takes the board's figure.
    package var asleepWatts: Double?
    package var wakingWatts: Double?
    package var awakeWatts: Double?

    package init(modality: String) { self.modality = modality }
  }

  /// From windows to events.
  package struct Events: Sendable, Equatable {
    package enum Filter: String, CaseIterable, Sendable {
      case hiddenMarkov = "hidden-markov"
      case kOfN = "k-of-n"
    }
    package var filter = Filter.hiddenMarkov
    /// Chance that a command begins with a window, and that one goes on with the next.
    package var begin = EventDefaults.begin
    /// In its place for a minute after an event and half of one after the start, where it is larger; nil: the same.
    package var beginAfterEvent: Double?
    package var stay = EventDefaults.stay
    package var votes = 2
    package var windows = 3
    package var level = EventDefaults.level
    /// Of the evidence for all commands, what its own must be for an event to begin.
    package var distinct = EventDefaults.distinct
    package var hold = EventDefaults.hold
    package var refractory = EventDefaults.refractory
    /// What a sensor says for about so long without a break is no command; zero: it always may be.
    package var scenery = EventDefaults.scenery
    /// dB that a sound has to be louder than what was heard just before it for a command to begin with the chance `begin`; 0:
    /// however loud it is.
    package var prominence = EventDefaults.prominence
    /// Sensors that are awake stay so while an event goes on or seems to begin.
    package var keepsAwake = true
  }

  /// One class's events; its section names the class. Nil takes what [events] says.
  package struct EventClass: Sendable, Equatable {
    package var label: String
    package var level: Double?
    package var hold: Nanoseconds?
    package var refractory: Nanoseconds?

    package init(label: String) { self.label = label }
  }

  package var general = General()
  package var gate = Gate()
  package var energy = Energy()
  package var ledger = Ledger()
  package var metrics = Metrics()
  package var replay = Replay()
  package var adaptation = Adaptation()
  package var sensors: [Sensor] = []
  package var events = Events()
  package var eventClasses: [EventClass] = []

  package init() {}

  /// The settings for this class's events, or none where the file has no section for it.
  package func eventClass(for label: String) -> EventClass {
    eventClasses.first { $0.label.hasSameBytes(as: label) } ?? EventClass(label: label)
  }

  /// The settings for this modality, or the defaults when the file has no section for it.
  package func sensor(for modality: String) -> Sensor {
    sensors.first { $0.modality.hasSameBytes(as: modality) } ?? Sensor(modality: modality)
  }
}

import Testing
import Vocabulary

@testable import Configuration

@Suite struct ConfigurationTests {
  private func parse(_ text: String) throws -> Configuration {
    try Configuration.parse(Array(text.utf8), file: "/etc/x/m.conf")
  }

  @Test func readsUnitsPathsAndSensors() throws {
    let c = try parse(
      """
      # a comment
      [daemon]
      model = models/m.safetensors
      socket = /run/s.sock
      window-period = 0.5s

      [gate]
      threshold = 0.25
      value-of-right-answer = 20mJ
      give-up = yes
      order = interleaved
      [sensor audio]
      device = plughw:CARD=USB
      awake-power = 150mW
      [sensor image]
        linger = 1500ms
      [ledger]
      segment-size = 2MiB
      """)
    #expect(c.general.model == "/etc/x/models/m.safetensors")
    #expect(c.general.socket == "/run/s.sock")
    #expect(c.general.windowPeriod == .milliseconds(500))
    #expect(c.gate.threshold == 0.25)
    #expect(abs(c.gate.valueOfRightAnswer - 0.02) < 1e-15)
    #expect(c.gate.giveUp)
    #expect(c.gate.order == .interleaved)
    #expect(c.sensor(for: "audio").device == "plughw:CARD=USB")
    #expect(c.sensor(for: "audio").awakeWatts == 0.15)
    #expect(c.sensor(for: "image").linger == .milliseconds(1500))
    #expect(c.sensor(for: "smell") == Configuration.Sensor(modality: "smell"))
    #expect(c.ledger.segmentBytes == 2_097_152)
  }

  @Test func whatIsPrintedReadsBackTheSame() throws {
    var c = try parse("[daemon]\nmodel = /m\n[sensor a]\nlinger = 250us\n[gate]\nthreshold = 0.125\n")
    c.replay.recording = "/r"
    let again = try Configuration.parse(Array(c.canonical().utf8), file: "/elsewhere/x.conf")
    #expect(again == c)
  }

  @Test func decibels() throws {
    let c = try parse("[daemon]\nmodel = /m\n[events]\nprominence = 14dB\n")
    #expect(c.events.prominence == 14)
    #expect(try Configuration.parse(Array(c.canonical().utf8), file: "/x.conf") == c)
    for wrong in ["14", "-1dB", "61dB", "1.5dB", "14 s"] {
      #expect(throws: ConfigurationError.self) {
        try parse("[daemon]\nmodel = /m\n[events]\nprominence = \(wrong)\n")
      }
    }
  }

  @Test func devicesSettingsAreReadAndPrinted() throws {
    let text = """
      [daemon]
      model = /m
      [sensor a]
      channel = 3
      stuck-after = 0s
      sleep-mode = hot
      [sensor b]
      sleep-mode = warm
      warm-power = 300mW
      replay-warm-latency = 80ms
      device = C270 HD WEBCAM
      pixel-format = mjpg
      exposure = 8ms
      gain = 12
      power-line-frequency = 50
      [sensor c]
      channel = mix
      exposure = auto
      gain = auto
      """
    let c = try parse(text)
    #expect(c.sensor(for: "a").channel == .one(3) && c.sensor(for: "a").stuckAfter == .zero)
    let camera = c.sensor(for: "b").camera
    #expect(c.sensor(for: "b").device == "C270 HD WEBCAM" && camera.pixelFormat == .mjpg)
    #expect(camera.exposure == .fixed(.milliseconds(8)) && camera.gain == .fixed(12))
    #expect(camera.powerLine == .hertz50)
    #expect(c.sensor(for: "a").sleepMode == .hot && c.sensor(for: "c").sleepMode == .closed)
    #expect(c.sensor(for: "b").sleepMode == .warm && c.sensor(for: "b").warmWatts == 0.3)
    #expect(c.sensor(for: "b").replayWarmLatency == .milliseconds(80))
    #expect(c.sensor(for: "c").channel == .mixed && c.sensor(for: "c").camera.gain == .automatic)
    #expect(try Configuration.parse(Array(c.canonical().utf8), file: "/x/y.conf") == c)
    // A file that says nothing of them has the digest that it had before there were any.
    for key in ["stuck-after", "sleep-mode", "warm"] { #expect(!Configuration().canonical().contains(key)) }
    for line in [
      "channel = 0", "sleep-mode = open", "exposure = 8", "gain = -1", "power-line-frequency = 55",
      "pixel-format = h264",
    ] {
      #expect(throws: ConfigurationError.self) { try parse("[sensor a]\n\(line)\n") }
    }
  }

  @Test(arguments: [
    ("\"default\"", "stands in quotes"), ("'/m/a b'", "stands in quotes"),
    ("\u{a0}default", "'\\u{a0}default' has a character that is not seen"),
    ("default\u{202f}", "not seen"), ("de\u{1b}[31mfault", "'de\\u{1b}[31mfault' has"),
    ("a\u{202e}b", "not seen"),
    ("a\rb", "not seen"), ("\u{feff}a", "not seen"),
  ])
  func aValueHoldsNothingThatIsNotSeen(_ value: String, _ said: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try parse("[daemon]\nmodel = /m\n[sensor a]\ndevice = \(value) # a comment \u{a0}\n")
    }
    #expect(error?.description.contains("m.conf:4: ") == true)
    #expect(error?.description.contains(said) == true)
  }

  @Test func marksLineEndsAndOtherScriptsAreText() throws {
    let text = "\u{feff}[daemon]\r\nmodel = /mö/日本.m\r\n[sensor a]\r\ndevice = a\u{a0}\"b\"\r\n"
    let c = try parse(text)
    #expect(c.general.model == "/mö/日本.m")
    #expect(c.sensor(for: "a").device == "a\u{a0}\"b\"")
  }

  /// Found by tools/fuzz: such a value was kept, and what was printed of it read as a comment.
  @Test(arguments: [
    "#default", "#", ";default", " #default", "\t; x", "default#1", "default;1", "a:#b", "a=;b",
  ])
  func aCommentBehindTheKeyIsNoValue(_ value: String) throws {
    let c = try parse("[daemon]\nmodel = /m\n[sensor a]\ndevice =\(value)\n")
    let isComment = value.drop { $0 == " " || $0 == "\t" }.first.map { $0 == "#" || $0 == ";" } ?? false
    #expect(c.sensor(for: "a").device == (isComment ? "" : value))
    #expect(try parse(c.canonical()).canonical() == c.canonical())
  }

  @Test func theFormOfTheFileDoesNotChangeTheCanonicalText() throws {
    let one = try parse("[sensor b]\nlinger = 1s\n[sensor a]\nlinger = 2s\n[daemon]\nmodel = /m\n")
    let other = try parse(
      "\u{FEFF}[ daemon ]\r\n model = /m\r\n[sensor a]\nlinger = 2000ms\n[sensor b] # defaults\n")
    #expect(one.canonical() == other.canonical())
    #expect(try parse("[daemon]\nmodel = /n\n").canonical() != one.canonical())
  }

  @Test func placesNameTheLineOfTheKeyElseOfItsSectionElseTheFile() throws {
    let places = try Configuration.read(
      Array("[daemon]\n\nmodel = m\n[sensor audio]\n".utf8), file: "x.conf"
    ).places
    #expect(places.place("daemon", "model") == "x.conf:3")
    #expect(places.place("daemon", "socket") == "x.conf:1")
    #expect(places.place("sensor audio", "device") == "x.conf:4")
    #expect(places.place("gate", "first") == "x.conf")
    #expect(places.isSet("daemon", "model") && !places.isSet("daemon", "socket"))
  }

  @Test(arguments: [
    ("[daemon]\nmodle = x\n", 2, "unknown key 'modle'"),
    ("[demon]\nmodel = x\n", 1, "unknown section [demon]"),
    ("model = x\n", 1, "no section"),
    ("[daemon]\n\nwindow-period = 250\n", 3, "has no unit"),
    ("[daemon]\nwindow-period = 250V\n", 2, "unknown unit 'V'"),
    ("[daemon]\nwindow-period = fast\n", 2, "is not a duration"),
    ("[daemon]\nwindow-period = 1h\n", 2, "out of range"),
    ("[gate]\nthreshold = 1.5\n", 2, "is not a number from 0.0 to 1.0"),
    ("[gate]\nthreshold = nan\n", 2, "is not a number"),
    ("[gate]\ngive-up = maybe\n", 2, "neither yes nor no"),
    ("[gate]\norder = best\n", 2, "is not one of paper, exact"),
    ("[daemon]\nmodel = a\nmodel = b\n", 3, "is set twice"),
    ("[daemon]\nmodel = a\nmodel = b\n", 3, "at line 2"),
    ("[gate]\n[ledger]\n[gate]\n", 3, "[gate] stands twice, here and at line 1"),
    ("[sensor a]\n[sensor  a]\n", 2, "stands twice"),
    ("[video]\n", 1, "unknown section [video]"),
    ("[energy] board = x\n", 1, "'board = x' stands behind [energy]"),
    ("[daemon]\nmodel =\n", 2, "model: is empty"),
    ("[daemon]\nsocket =\n", 2, "socket: is empty"),
    ("[ledger]\ndirectory = ; here\n", 2, "directory: is empty"),
    ("[energy]\nboard =\n", 2, "board: is empty"),
    ("[daemon]\nmodel\n", 2, "not a setting"),
    ("[daemon\nmodel = a\n", 1, "not a setting"),
    ("[sensor]\ndevice = a\n", 1, "unknown section [sensor]"),
    ("[sensor a]\nwidth = 4.5\n", 2, "is not a whole number"),
    ("[daemon]\nmodel = \(String(repeating: "x", count: 300))\n", 2, "longer than"),
  ])
  func faultsNameLineAndCause(text: String, line: Int, part: String) {
    do {
      _ = try parse(text)
      Issue.record("accepted")
    } catch let error as ConfigurationError {
      #expect(error.line == line, "\(error)")
      #expect(error.message.contains(part), "\(error)")
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func textThatIsNotUTF8IsRefused() {
    let error = #expect(throws: ConfigurationError.self) {
      _ = try Configuration.parse(Array("[daemon]\nmodel = caf".utf8) + [0xE9], file: "x.conf")
    }
    #expect(error?.description == "x.conf:2: is not UTF-8 text; a configuration is plain text")
  }

  @Test func longSensorNamesAreNotCut() throws {
    let name = String(repeating: "n", count: 64)
    #expect(try parse("[sensor \(name)]\nlinger = 2s\n").sensors.map(\.modality) == [name])
  }

  @Test func everyKeyPrintsAndHasHelp() {
    for (name, help) in Keys.general.map({ ($0.name, $0.help) }) + Keys.gate.map({ ($0.name, $0.help) })
      + Keys.sensor.map({ ($0.name, $0.help) })
    {
      #expect(!name.isEmpty && help.hasSuffix("."))
    }
  }

  @Test func randomTextNeverTraps() {
    var random = SystemRandomNumberGenerator()
    let pieces = [
      "[daemon]", "[gate]", "[sensor a]", "\n", "=", " ", "threshold", "0.5", "\u{0}", "é", ";", "#", "\t",
      "]",
    ]
    for _ in 0..<2000 {
      let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in pieces.randomElement()! }.joined()
      _ = try? parse(text)
    }
  }

  @Test func sectionsThatOnlyLookTheSameAreTwo() throws {
    let c = try parse("[sensor \u{e9}]\nlinger = 1s\n[sensor e\u{301}]\nlinger = 2s\n")
    #expect(c.sensors.count == 2)
    #expect(c.sensor(for: "e\u{301}").linger == .seconds(2))
  }

  @Test(
    arguments: [
      ("2s", 2_000_000_000), ("2ms", 2_000_000), ("2us", 2_000), ("2min", 120_000_000_000),
      ("2h", 7_200_000_000_000), ("1.5 min", 90_000_000_000),
    ] as [(String, Int64)])
  func unitsOfTimeAreWhatTheySay(text: String, nanoseconds: Int64) throws {
    #expect(try Quantity.duration(text, 0...86_400) == Nanoseconds(nanoseconds))
  }

  @Test func unitsOfEnergyPowerAndSizeAreWhatTheySay() throws {
    #expect(try Quantity.joules("2J", 0...10) == 2)
    #expect(try Quantity.joules("2mJ", 0...10) == 2e-3)
    #expect(try Quantity.joules("2uJ", 0...10) == 2 * 1e-6)
    #expect(try Quantity.joules("2nJ", 0...10) == 2 * 1e-9)
    #expect(try Quantity.watts("2W", 0...10) == 2)
    #expect(try Quantity.watts("2mW", 0...10) == 2e-3)
    #expect(try Quantity.watts("2uW", 0...10) == 2 * 1e-6)
    #expect(try Quantity.bytes("2B", 0...1e12) == 2)
    #expect(try Quantity.bytes("2KiB", 0...1e12) == 2048)
    #expect(try Quantity.bytes("2MiB", 0...1e12) == 2 << 20)
    #expect(try Quantity.bytes("2GiB", 0...1e12) == 2 << 30)
  }
}

import Vocabulary

/// Energy where no meter is: picojoules for each multiply-accumulate and each byte of weights, watts for each
/// sensor by state, energy for each window of features (of a spectrogram for each of its frames that is computed). Whole numbers throughout (femtojoules, microwatts), each
/// posting rounded once, half up, to a nanojoule: the same on every CPU, and sums are exact.
/// Every posting is marked modelled and estimated; what comes to nothing has no posting.
package struct EnergyModel: Equatable, Sendable {
  /// What a sensor draws in each state, in microwatts.
  package struct SensorPower: Equatable, Sendable {
    /// With its device closed.
    package var asleep: Int64
    /// Asleep with its device open, as its sleep mode says; that of `asleep` where it is closed.
    package var standby: Int64
    package var waking: Int64
    package var awake: Int64

    /// - Parameters: watts, 0...1000, kept to the microwatt.
    ///   - standby: nil for that of `asleep`.
    package init(asleep: Double, standby: Double? = nil, waking: Double, awake: Double) {
      func microwatts(_ watts: Double) -> Int64 {
        precondition((0...1000).contains(watts), "a sensor draws 0 to 1000 W")
        return Int64((watts * 1e6).rounded())
      }
      self.asleep = microwatts(asleep)
      self.standby = microwatts(standby ?? asleep)
      self.waking = microwatts(waking)
      self.awake = microwatts(awake)
    }

    /// A state's power without what keeping the device open takes anyway, in microwatts.
    package func more(_ state: Int64) -> Int64 { max(0, state - (standby - asleep)) }
  }

  /// What one modality costs beside its network.
  package struct ModalityPower: Equatable, Sendable {
    package var sensor: SensorPower
    /// One window's features.
    package var features: Nanojoules

    package init(sensor: SensorPower, features: Nanojoules) {
      self.sensor = sensor
      self.features = features
    }
  }

  /// Where the figures come from; stands as `source` in every posting.
  package let source: String
  private let femtojoulesPerMac: Int64
  private let femtojoulesPerByte: Int64
  /// What a busy core draws more than an idle one.
  private let coreMicrowatts: Int64
  /// In the model's order.
  package let modalities: [ModalityPower]

  /// - Parameters:
  ///   - picojoulesPerMac: of one int8 multiply-accumulate, 0...1e6, kept to the femtojoule.
  ///   - picojoulesPerByte: of one byte of weights read, 0...1e6, kept to the femtojoule.
  ///   - coreWatts: what a busy core draws more than an idle one, 0...1000, kept to the microwatt.
  package init(
    source: String, picojoulesPerMac: Double, picojoulesPerByte: Double, coreWatts: Double = 0,
    modalities: [ModalityPower]
  ) {
    precondition((0...1e6).contains(picojoulesPerMac) && (0...1e6).contains(picojoulesPerByte))
    precondition((0...1000).contains(coreWatts), "a core draws 0 to 1000 W")
    coreMicrowatts = Int64((coreWatts * 1e6).rounded())
    self.source = source
    femtojoulesPerMac = Int64((picojoulesPerMac * 1000).rounded())
    femtojoulesPerByte = Int64((picojoulesPerByte * 1000).rounded())
    self.modalities = modalities
  }

  /// A sensor that delivers, for that time.
  package func sensing(_ modality: Int, for time: Nanoseconds) -> EnergyPosting? {
    posting(.sensing, modality, Self.energy(modalities[modality].sensor.awake, time))
  }

  /// A sensor on its way from sleep to its first sample, for that time.
  package func waking(_ modality: Int, for time: Nanoseconds) -> EnergyPosting? {
    posting(.wake, modality, Self.energy(modalities[modality].sensor.waking, time))
  }

  /// A sensor that delivers what cannot be used yet (exposure settling), for that time.
  package func settling(_ modality: Int, for time: Nanoseconds) -> EnergyPosting? {
    posting(.settling, modality, Self.energy(modalities[modality].sensor.awake, time))
  }

  /// A sensor that sleeps with its device closed, for that time.
  /// - Parameter resting: with its device open, for that time beside.
  package func idle(_ modality: Int, for time: Nanoseconds, resting: Nanoseconds = .zero) -> EnergyPosting? {
    let power = modalities[modality].sensor
    return posting(
      .idle, modality,
      Self.nanojoules(
        Self.femtojoules(power.asleep, time) + Self.femtojoules(power.standby, resting)))
  }

  /// What a wake of that length and so long awake take more than sleeping on: what a device that stays open draws asleep has been
  /// paid already.
  package func wake(_ modality: Int, taking wake: Nanoseconds, awake: Nanoseconds) -> Nanojoules {
    let power = modalities[modality].sensor
    return Self.energy(power.more(power.waking), wake) + Self.energy(power.more(power.awake), awake)
  }

  /// What the daemon's own threads took that read meters and record: so long on a core.
  package func recording(for time: Nanoseconds) -> EnergyPosting? {
    posting(.recording, nil, Self.energy(coreMicrowatts, time))
  }

  /// One window's features of a modality.
  /// - Parameter work: of a spectrogram, the frames that were computed, which bear the window's energy in equal shares;
  ///   nil for features that are made as a whole.
  package func features(_ modality: Int, _ work: SpectrogramWork? = nil) -> EnergyPosting? {
    posting(.features, modality, featureEnergy(modality, work))
  }

  /// The energy of `features`.
  package func featureEnergy(_ modality: Int, _ work: SpectrogramWork?) -> Nanojoules {
    let whole = modalities[modality].features
    guard let work, work.frames > 0 else { return whole }
    let frames = Int128(work.frames)
    // Half up; not above the whole.
    return Nanojoules(Int64((Int128(whole.count) * Int128(work.computed) * 2 + frames) / (2 * frames)))
  }

  /// The network part that gave a reading: its MACs, and its weights read once (int8: a byte each).
  /// - Parameter account: what it was spent on; by the reading's exit when nil.
  package func compute(_ reading: Reading, as account: EnergyPosting.Account? = nil) -> EnergyPosting? {
    let energy = compute(macs: reading.macs, parameters: reading.parameters)
    switch reading.exit {
    case .encoder(let modality, let exit): return posting(account ?? .segment, modality, exit: exit, energy)
    case .fusion: return posting(account ?? .fusion, nil, energy)
    }
  }

  /// The energy of that many MACs and weights. Neither is negative.
  package func compute(macs: Int64, parameters: Int64) -> Nanojoules {
    let femtojoules =
      Int128(macs) * Int128(femtojoulesPerMac) + Int128(parameters) * Int128(femtojoulesPerByte)
    return Self.nanojoules(femtojoules)
  }

  private func posting(
    _ account: EnergyPosting.Account, _ modality: Int?, exit: Int? = nil, _ energy: Nanojoules
  ) -> EnergyPosting? {
    guard energy != .zero else { return nil }
    return EnergyPosting(
      account: account, modality: modality, exit: exit, energy: energy, scope: .modelled, kind: .estimated)
  }

  private static func energy(_ microwatts: Int64, _ time: Nanoseconds) -> Nanojoules {
    nanojoules(femtojoules(microwatts, time))
  }

  /// Microwatts for nanoseconds.
  private static func femtojoules(_ microwatts: Int64, _ time: Nanoseconds) -> Int128 {
    Int128(microwatts) * Int128(max(0, time.count))
  }

  private static func nanojoules(_ femtojoules: Int128) -> Nanojoules {
    // Half up; beyond 292 years of a watt it stays at the end of the scale rather than trapping.
    Nanojoules(Int64(clamping: (femtojoules + 500_000) / 1_000_000))
  }
}

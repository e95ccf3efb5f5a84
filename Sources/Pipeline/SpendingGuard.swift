import Adaptation
import Energy
import Engine
import Vocabulary

/// Keeps a budget over every hour: the planner chooses a setting whose mean is within it, this keeps the promise. Where what is
/// left is needed by who listens, nobody else is woken until older windows have left the hour. A value; nothing takes
/// from the heap.
struct SpendingGuard: Sendable {
  /// What a last window with a wake may take before the others sleep, in joules; twice as much has to be left before they
  /// are woken again.
  private static let margin = 4.0
  /// In seconds: what a budget is the mean of.
  private static let hour = 3600.0

  private var account: EnergyAccount
  private let period: Nanoseconds
  /// Who listens, its encoder and the sleeping others, joules a window.
  private let floor: Double
  private var windows = 0
  /// Windows that had joined others when a decision was last posted; nil before the first.
  private var joined: UInt64?
  /// Nobody but who listens is woken.
  private(set) var isFrugal = false
  /// The last hour took no more than the budget.
  private(set) var isKept = true

  /// How it stands, for people.
  var figures: SpendingFigures {
    SpendingFigures(
      watts: account.limit / Self.hour, used: Nanojoules(Int64(account.spent * 1e9)),
      elapsed: Nanoseconds(period.count * Int64(windows)), isKept: isKept, isFrugal: isFrugal)
  }

  /// Nil without a budget.
  /// - Parameter listening: the sensor that is awake all the time.
  init?(_ settings: PipelineSettings, _ model: Model, _ energy: EnergyModel, listening: Int) {
    guard let watts = settings.budget else { return nil }
    self.init(watts: watts, period: settings.period, model, energy, listening: listening)
  }

  /// - Parameters:
  ///   - watts: on the average of an hour.
  ///   - listening: the sensor that is awake all the time.
  init(watts: Double, period: Nanoseconds, _ model: Model, _ energy: EnergyModel, listening: Int) {
    let span = max(1, Int(3600 / period.seconds))
    account = EnergyAccount(span: span, limit: watts * 3600)
    self.period = period
    var floor = 0.0
    for sensor in model.modalities.indices {
      guard sensor == listening else {
        floor += energy.idle(sensor, for: .zero, resting: period)?.energy.joules ?? 0
        continue
      }
      floor += energy.sensing(sensor, for: period)?.energy.joules ?? 0
      floor += energy.featureEnergy(sensor, nil).joules
      for segment in model.modalities[sensor].segments {
        floor += energy.compute(macs: segment.macs, parameters: segment.parameters).joules
      }
    }
    floor += energy.compute(macs: model.fusion.macs, parameters: model.fusion.parameters).joules
    self.floor = floor
  }

  /// Posts what a decision took, and the windows of the clock that joined it.
  /// - Parameter total: windows that have joined others so far.
  /// - Returns: the budget is broken by it, or kept again; nil where that is no news.
  @discardableResult mutating func post(_ energy: Nanojoules, joined total: UInt64) -> BoundChange? {
    let joined = total - (self.joined ?? total)
    self.joined = total
    account.post(energy.joules)
    for _ in 0..<min(joined, UInt64(account.span)) { account.post(0) }
    windows = min(account.span, windows + 1 + Int(min(joined, UInt64(account.span))))
    // Until the first hour is over nothing leaves it: what the rest of it will take at least is kept.
    let left = account.allowance - floor * Double(account.span - windows)
    isFrugal = left < (isFrugal ? 2 * Self.margin : Self.margin)
    // Kept again by a hundredth, so that it is not told with every window.
    let isKept = account.spent <= account.limit * (self.isKept ? 1 : 0.99)
    guard isKept != self.isKept else { return nil }
    self.isKept = isKept
    return BoundChange(
      .budget, isKept: isKept, limit: account.limit / Self.hour, value: account.spent / Self.hour)
  }
}

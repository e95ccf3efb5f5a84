/// The part of the daemon's interface that tells of the order of sensors (docs/adaptation.md).
enum OrderInterface {
  static let text = """

    # A sensor, and what audits say of it.
    type SensorWorth (
      name: string,
      asked: bool,
      # Of its newest audited windows in which something happened, those its encoder answered right; absent where nothing
      # follows audits.
      right: ?int,
      events: ?int
    )

    # In what order the sensors are asked, and what would have to change for another. Values are joules a window.
    method GetOrder() -> (
      order: []string,
      # The order, or the set of sensors that are asked, follows audits.
      follows: bool,
      # Why it is as it is.
      state: string,
      # Audits kept, and how many of them have a person's label.
      audits: int,
      client_labels: int,
      sensors: []SensorWorth,
      # How the budget and the bound on the risk of [adaptation] stand; absent where they are not set, and before the first review.
      # `risk`: share of the audits answered otherwise than by full fusion. `risk_state`: tested, monitored or exceeded. `accuracy_cost`:
      # share of windows that are right without the budget only. `breach`: which of the two is not kept, for people.
      risk_bound: ?float,
      risk: ?float,
      risk_state: ?string,
      budget_watts: ?float,
      expected_watts: ?float,
      accuracy_cost: ?float,
      breach: ?string,
      # What the last review found; absent before the first. The best order beginning with another sensor than `best` is the
      # runner-up.
      best: ?[]string,
      runner_up: ?[]string,
      value: ?float,
      best_value: ?float,
      runner_up_value: ?float,
      # What `best` gains over the order in force when the gate walks the audited windows; what it has to exceed, and by how
      # much it falls short of that.
      gain: ?float,
      standard_error: ?float,
      required: ?float,
      shortfall: ?float,
      effective_audits: ?float
    )

    # So many labels were given within a minute; try again later.
    error TooManyLabels (per_minute: int)

    """
}

/// The daemon's own interface; docs/varlink/io.mmexit.Daemon.varlink is its file, and a test holds both to be equal.
package enum DaemonInterface {
  package static let name = "io.mmexit.Daemon"
  /// The topic of `Watch`.
  package static let watchTopic = 0

  package static let description = InterfaceDescription(
    """
    # The mmexit daemon: what it decides, from which sensors, at what cost in energy.
    # Times ending in _ns are nanoseconds on CLOCK_BOOTTIME, or on the virtual clock of a replay, which starts at 0.
    # Energy is in whole nanojoules, so that sums are exact.
    interface io.mmexit.Daemon

    type ServiceState (starting, running, paused, stopping)

    type SensorState (asleep, waking, awake, failed)

    # What gain heads said of going on from a sensor's exits, since the daemon's start: predictions, their mean (-1 to 1), and the
    # windows answered there, as going on was not worth its cost.
    type Gains (
      predictions: int,
      mean: ?float,
      answers: int
    )

    type Sensor (
      # The modality it serves, by the model's name for it.
      name: string,
      # microphone, camera, replay or another source.
      kind: string,
      state: SensorState,
      # Why it failed, and what to do; only while it has failed.
      fault: ?string,
      # Clients that have acquired it; absent where none has.
      acquired_by: ?int,
      # Times it was woken, and how long it has been awake, since the daemon's start.
      wakes: int,
      awake_ns: int,
      # Time in its other states up to the last decision, as awake_ns is. The four sum to the time that has gone by.
      asleep_ns: ?int,
      waking_ns: ?int,
      failed_ns: ?int,
      # Times it was seen to fail.
      faults: ?int,
      # Times sound came faster than it was taken, and the samples lost by that.
      overruns: ?int,
      lost_samples: ?int,
      # Frames the driver skipped, frames that came damaged, and frames thrown away while the camera settled after a wake.
      frames_dropped: ?int,
      frames_corrupt: ?int,
      frames_settling: ?int,
      # Of a microphone: what its clock is fast by since its last wake, in millionths, by the stamps of its sound; absent for the
      # first ten seconds.
      clock_ppm: ?float,
      # Of a microphone: frames of spectrograms that windows were answered from, and how many of them were computed anew.
      spectrogram_frames: ?int,
      spectrogram_frames_computed: ?int,
      # Its device while it sleeps: closed, warm (open, its stream stopped) or hot (its stream runs on).
      sleep_mode: ?string,
      # It would sleep, but was woken too often in the last minute.
      held_awake: ?bool,
      # Of a model with gain heads at this sensor's exits.
      gains: ?Gains,
      # False while audits say that it tells nothing: it sleeps, and its audits are its full checks.
      asked: ?bool
    )

    type EnergyTotals (
      # Everything posted since the daemon's start.
      total_nanojoules: int,
      # What keeping every sensor awake and running everything would have cost.
      always_on_nanojoules: int,
      # Of everything posted, what audits took.
      audit_nanojoules: ?int
    )

    type LedgerStatus (
      # Its directory.
      path: string,
      # Records written since the daemon's start.
      records: int,
      # Records lost since then because the disk was full.
      shed: int,
      # Why the last write failed; absent while writing works.
      failure: ?string
    )

    type ClientStatus (
      # Connections served now; those refused because there were too many; those closed because of the memory they held.
      connected: int,
      refused: int,
      evicted: int,
      # Messages of Watch that clients lost because they did not keep up.
      messages_dropped: int,
      # Lines of --print-decisions that standard output did not take, and lines that standard error did not.
      lines_left_out: int,
      journal_lines_lost: int
    )

    # What was lost since the daemon's start, over all sensors; what is 0 is absent. As in Sensor, LedgerStatus (`records`) and
    # ClientStatus (`lines`, `messages`, and `clients_refused` with those closed).
    type Losses (
      faults: ?int,
      overruns: ?int,
      lost_samples: ?int,
      frames_dropped: ?int,
      frames_corrupt: ?int,
      frames_settling: ?int,
      records: ?int,
      lines: ?int,
      messages: ?int,
      clients_refused: ?int
    )

    # Where a window was answered: exit number `exit` (from 1; 0 is the activity check) of `modality`, or fusion.
    type Exit (
      modality: ?string,
      exit: ?int,
      fusion: ?bool
    )

    # An exit that was asked, about another sensor's sure answer, for the class that overrides: its probability, and at or above
    # which everything asked is fused.
    type Override (
      label: ?string,
      probability: float,
      threshold: float
    )

    # One exit that was asked; modality, exit and fusion as in Exit.
    type Hop (
      modality: ?string,
      exit: ?int,
      fusion: ?bool,
      # Normalized, 0 to 1.
      entropy: float,
      # What going on is predicted to gain, -1 to 1; absent where the exit has no gain head.
      gain: ?float,
      # At or below which this exit answers; absent where it is switched off. Held against the entropy, or against half of
      # 1 + gain where there is one.
      threshold: ?float,
      # Absent where the exit was asked for an answer.
      override: ?Override,
      # At or below which a command stands beside another sensor's sure `none`, in threshold's unit; absent where it was not held
      # against it.
      threshold_beside_none: ?float,
      label: ?string,
      # Calibrated probability of the label.
      certainty: float
    )

    type Account (sensing, wake, settling, features, segment, fusion, audit, idle, recording)

    type Scope (package, board, sensor, modelled)

    type Kind (measured, estimated)

    # One line of a decision's energy account. What was not measured or modelled has none; it is never 0.
    type Posting (
      account: Account,
      modality: ?string,
      exit: ?int,
      nanojoules: int,
      scope: Scope,
      source: string,
      kind: Kind
    )

    type Reason (
      sure,
      inactive,
      fused,
      fusedUnsure,
      gainBelowCost,
      wakeDeadlineMissed,
      wakePending,
      modalityMissing,
      skewAboveLimit,
      windowInvalid,
      noData
    )

    type Decision (
      # From 1 in one run of the daemon.
      number: int,
      # Start and end of the window, in nanoseconds.
      window: []int,
      decided_ns: int,
      # Null when nothing could be said.
      label: ?string,
      exit: ?Exit,
      entropy: float,
      threshold: ?float,
      certainty: float,
      reason: Reason,
      # A sure "nothing" from fewer than all sensors: it may be overturned at the next look.
      provisional: bool,
      # Every sensor was asked because they had not looked for the longest time allowed.
      look: bool,
      # Modalities: woken for this window, taking part in it, and not to be had.
      woken: []string,
      used: []string,
      missing: []string,
      # Distance between sound and picture, where a pair was made.
      skew_ms: ?float,
      # In the order asked.
      hops: []Hop,
      macs: int,
      energy: []Posting,
      # Postings beyond those a decision has room for; absent where none were.
      postings_dropped: ?int,
      total_nanojoules: int,
      always_on_nanojoules: int
    )

    # A class whose evidence held over several windows: one thing that happened. Sent when it begins and again when it ends.
    type Event (
      # When it was given out, and when it ended; null while it goes on.
      start_ns: int,
      end_ns: ?int,
      label: string,
      # The highest evidence it has had, 0 to 1.
      certainty: float,
      # Modalities that took part in its windows.
      modalities: []string,
      # Numbers of the first and the last decision behind it.
      decisions: []int
    )

    # What an exit is good for, as measured on validation data; absent where the model file does not say.
    type ExitFigures (
      # As in Exit.
      modality: ?string,
      exit: ?int,
      fusion: ?bool,
      threshold: ?float,
      # Overrides the threshold for the answers named.
      class_thresholds: ?[string]float,
      # Probability of the class that overrides, at or above which no other sensor's sure answer stands; absent: not asked for it.
      override_threshold: ?float,
      # At or below which a command stands beside another sensor's sure `none`, whatever the threshold; absent: never.
      threshold_beside_none: ?float,
      # Among the windows that leave here.
      accuracy: ?float,
      # The share that leaves here of those that the modality's earlier exits did not answer.
      hazard: ?float,
      # Of the segment before it and the exit itself.
      macs: int,
      parameters: int
    )

    type Modality (
      name: string,
      # What is computed from the sensor's data: image, log_mel, log_spectrogram or vector.
      features: string,
      exits: []ExitFigures
    )

    # A budget of [adaptation]: what may be taken on the average of any hour.
    type BudgetStatus (
      watts: float,
      # What it is an average over, how much of that has gone by since the start, and what was taken in it.
      period_ns: int,
      elapsed_ns: int,
      used_nanojoules: int,
      # No more was taken than is allowed. Broken or kept again it is a `fault` record of the ledger and a line in the journal.
      kept: bool,
      # Nobody but who listens is woken at present, so that it is kept.
      frugal: bool
    )

    # A risk-bound of [adaptation]: the largest share of windows that may be answered otherwise than by full fusion.
    type RiskStatus (
      share: float,
      # Of the audits; absent before the first review.
      risk: ?float,
      kept: bool
    )

    # How the daemon is.
    method GetStatus() -> (
      version: string,
      state: ServiceState,
      model: string,
      # Counts what the daemon has gone by: 1 from the start, one more with each Reload and SetPreference.
      generation: ?int,
      # What a right answer is worth, in joules.
      lambda: ?float,
      # Modalities in the order they are asked; the sensor of the first is always awake.
      order: []string,
      sensors: []Sensor,
      # Windows taken up and decisions given since the daemon's start.
      windows: int,
      decisions: int,
      # Of the windows, those that came due while another was answered and joined it.
      joined: ?int,
      # Decisions by every live sensor because max-blind had run out, and decisions that no exit was sure of.
      full_checks: ?int,
      unsure: ?int,
      # Windows on which every exit was run, drawn at random.
      audits: ?int,
      energy: EnergyTotals,
      # Absent where they are not set.
      budget: ?BudgetStatus,
      risk_bound: ?RiskStatus,
      uptime_ns: int,
      # Absent when the daemon keeps no ledger.
      ledger: ?LedgerStatus,
      clients: ?ClientStatus
    )

    # The model that is running.
    method GetModel() -> (
      name: string,
      # Of the model file.
      sha256: string,
      classes: []string,
      # The class that means "nothing"; absent when there is none.
      none: ?string,
      # The class that overrides what another sensor is sure of; absent when there is none.
      overriding: ?string,
      modalities: []Modality,
      fusion: ExitFigures,
      # Of running everything, and of plain late fusion without early exits.
      macs: int,
      parameters: int,
      late_fusion_macs: int,
      late_fusion_parameters: int,
      # Data, licences, commands and versions, as the model file states them.
      provenance: ?object
    )

    # Every decision from now on. Call with `more`. A client that does not keep up loses the oldest decisions and finds
    # in `dropped` how many were lost before the decision at hand. With `events`, events in their place.
    # `losses` comes with a decision when something was lost since the last one, and has all since the daemon's start.
    method Watch(events: ?bool) -> (decision: ?Decision, event: ?Event, dropped: ?int, losses: ?Losses)

    """ + CommandInterface.text + OrderInterface.text + MetricsInterface.text + NearInterface.text)
}

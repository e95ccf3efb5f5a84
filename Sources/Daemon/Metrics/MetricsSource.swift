import Energy
import Engine
import Metrics
import Pipeline
import Startup
import Vocabulary

/// Makes the families of `GetMetrics` and of the textfile out of what the daemon's threads publish. All of it is constant,
/// or safe to read from any thread.
struct MetricsSource: Sendable {
  /// Names and kinds of the sensors, which no generation changes.
  let start: Generation
  let status: PipelineStatusBoard
  let ledger: LedgerStatusBoard
  let board: MetricsBoard
  let journal: Journal

  func families() -> [MetricFamily] {
    let counts = board.read()
    let status = status.read()
    var families = [
      MetricFamily(
        "mmexit_build", .info, "The daemon's version.",
        [MetricSample("_info", [MetricLabel("version", Version.text)], MetricValue(1))]),
      MetricFamily(
        "mmexit_model", .info, "The model that runs.",
        [
          MetricSample(
            "_info", [MetricLabel("name", counts.model), MetricLabel("sha256", counts.digest)], MetricValue(1)
          )
        ]),
    ]
    families += energy(counts)
    families += decisions(counts, status)
    families += sensors(status)
    families += losses()
    families += ledgerFamilies(counts)
    return families
  }

  private func energy(_ counts: MetricCounts) -> [MetricFamily] {
    let posted = counts.energy.entries.map { key, sum in
      MetricSample(
        "_total",
        [
          MetricLabel("account", key.account.rawValue), modality(key.modality),
          MetricLabel("scope", key.scope.rawValue), MetricLabel("kind", key.kind.rawValue),
        ], MetricValue(sum, places: 9))
    }
    let measured = counts.meters.entries.map { source, sum in
      MetricSample(
        "_total", [MetricLabel("source", source.name), MetricLabel("scope", source.scope.rawValue)],
        MetricValue(sum, places: 9))
    }
    return [
      MetricFamily(
        "mmexit_meter_energy_joules", .counter, unit: "joules",
        "What meters measured of package or board, all programs; no part of mmexit_energy_joules.",
        sorted(measured)),
      MetricFamily(
        "mmexit_energy_joules", .counter, unit: "joules",
        "Energy posted to decisions and to the end of a run, by account.", sorted(posted)),
      MetricFamily(
        "mmexit_always_on_energy_joules", .counter, unit: "joules",
        "What keeping every sensor awake and running everything would have cost, by the same model.",
        counts.alwaysOn == .zero ? [] : [total(MetricValue(counts.alwaysOn.count, places: 9))]),
    ]
  }

  private func decisions(_ counts: MetricCounts, _ status: PipelineStatus) -> [MetricFamily] {
    let exits = counts.exits.entries.map { exit, count in
      let labels =
        switch exit {
        case .encoder(let sensor, let number)?: [modality(sensor), MetricLabel("exit", String(number))]
        case .fusion?: [modality(nil), MetricLabel("exit", "fusion")]
        case nil: [modality(nil), MetricLabel("exit", "none")]
        }
      return total(labels, count)
    }
    return [
      MetricFamily(
        "mmexit_decisions", .counter, "Decisions, by the reason why they were concluded where they were.",
        sorted(counts.reasons.entries.map { total([MetricLabel("reason", $0.rawValue)], $1) })),
      MetricFamily(
        "mmexit_exits", .counter,
        "Decisions by the exit that answered; exit 0 is the activity check, 'none' is that no exit did.",
        sorted(exits)),
      MetricFamily(
        "mmexit_windows_joined", .counter, "Windows that came due while another was answered.",
        [total([], Int64(clamping: status.joined))]),
      MetricFamily(
        "mmexit_events", .counter, "Events that have begun, by class.",
        sorted(counts.events.entries.map { total([MetricLabel("class", $0.text)], $1) })),
      latency(counts),
    ]
  }

  private func latency(_ counts: MetricCounts) -> MetricFamily {
    var family = MetricFamily(
      "mmexit_decision_latency_seconds", .histogram, unit: "seconds", "From a window's end to its answer.")
    var sum: Int64 = 0
    for (index, count) in counts.latencies.enumerated() {
      sum += count
      let bound =
        index < MetricCounts.latencyBounds.count
        ? "\(MetricCounts.latencyBounds[index].seconds)" : "+Inf"
      family.samples.append(MetricSample("_bucket", [MetricLabel("le", bound)], MetricValue(sum)))
    }
    family.samples.append(MetricSample("_count", [], MetricValue(sum)))
    family.samples.append(MetricSample("_sum", [], MetricValue(counts.latencySum.count, places: 9)))
    return family
  }

  private func sensors(_ status: PipelineStatus) -> [MetricFamily] {
    var wakes: [MetricSample] = []
    var awake: [MetricSample] = []
    var faults: [MetricSample] = []
    var losses: [MetricSample] = []
    for index in 0..<status.sensorCount {
      let sensor = status.sensors[index]
      let name = modality(index)
      wakes.append(total([name], Int64(clamping: sensor.wakes)))
      awake.append(
        MetricSample("_total", [name], MetricValue(sensor.awakeTime(at: status.now).count, places: 9)))
      faults.append(total([name], Int64(clamping: sensor.faults)))
      let counters = sensor.counters
      var lost = [("overruns", counters.overruns), ("samples", counters.lostSamples)]
      if case .image = start.model.model.modalities[index].features {
        lost = [("frames_dropped", counters.framesDropped), ("frames_corrupt", counters.framesCorrupt)]
      }
      losses += lost.map { total([name, MetricLabel("reason", $0)], Int64($1)) }
    }
    return [
      MetricFamily("mmexit_sensor_wakes", .counter, "Times a sensor was woken.", wakes),
      MetricFamily(
        "mmexit_sensor_awake_seconds", .counter, unit: "seconds",
        "Time a sensor was awake, up to the last decision.", awake),
      MetricFamily("mmexit_sensor_faults", .counter, "Times a sensor was seen to fail.", faults),
      MetricFamily("mmexit_sensor_losses", .counter, "What a device and its driver lost.", losses),
    ]
  }

  private func losses() -> [MetricFamily] {
    let status = ledger.read()
    let clients = board.clients
    let drops: [(String, Int)] = [
      ("clients_evicted", clients.evicted), ("clients_refused", clients.refused),
      ("journal_entries", journal.queue.entries?.lost ?? 0), ("journal_lines", journal.queue.lost),
      ("messages", Int(clamping: clients.messagesDropped)),
      ("printed_lines", status.unprinted), ("records", status.shed),
    ]
    return [
      MetricFamily(
        "mmexit_drops", .counter, "What found no room and was dropped: records, lines, messages, clients.",
        drops.map { total([MetricLabel("reason", $0)], Int64($1)) })
    ]
  }

  private func ledgerFamilies(_ counts: MetricCounts) -> [MetricFamily] {
    var records = total([], Int64(ledger.read().records))
    var head: [MetricSample] = []
    if let (sequence, digest) = counts.head {
      records.exemplar = [MetricLabel("seq", String(sequence)), MetricLabel("sha256", digest)]
      head = [MetricSample("", [], MetricValue(Int64(clamping: sequence)))]
    }
    return [
      MetricFamily("mmexit_ledger_records", .counter, "Records made.", [records]),
      MetricFamily(
        "mmexit_ledger_head_sequence", .gauge,
        "Number of the last record that the disk was known to have: found at the start, or told to the journal.",
        head),
    ]
  }

  private func modality(_ index: Int?) -> MetricLabel {
    let names = start.names.modalities
    return MetricLabel("modality", index.flatMap { names.indices.contains($0) ? names[$0] : nil } ?? "")
  }

  private func total(_ value: MetricValue) -> MetricSample { MetricSample("_total", [], value) }
  private func total(_ labels: [MetricLabel], _ count: Int64) -> MetricSample {
    MetricSample("_total", labels, MetricValue(count))
  }

  /// The same order each time, whatever the tables' is.
  private func sorted(_ samples: [MetricSample]) -> [MetricSample] {
    func key(_ sample: MetricSample) -> BytewiseText {
      BytewiseText(sample.labels.map(\.value).joined(separator: "\u{0}"))
    }
    return samples.sorted { key($0) < key($1) }
  }
}

"""What calibration on validation windows decided about a network, and what of it a model file keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Replay, Thresholds, Tolerance, calibrate, figures, record
from ..calibrate.every_order import Case
from ..calibrate.exit_pool import Pool, overriding_of
from ..calibrate.gain_heads import billed
from ..calibrate.looking_path import as_left, looking_gate
from ..calibrate.promise import PLAIN_GATE, Gate, Promise, all_off
from ..calibrate.settings_path import Setting
from ..model.datasets import Batch
from ..model.graphs import Cost
from ..model.layers import Network
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import ExitSettings
from ..quantize.quantization import QuantizedGraph
from ..quantize.stored_head import StoredHead


@dataclass(frozen=True)
class Calibrated:
    """Everything that validation windows decided."""

    quantized: QuantizedGraph
    ranges: str
    temperatures: dict[ExitKey, float]
    thresholds: Thresholds
    order: tuple[str, ...]
    recording: Recording
    costs: Mapping[ExitKey, Cost]
    promise: Promise | None = None
    """The guarantee that the thresholds were chosen for, where there is one."""
    gate: Gate = PLAIN_GATE
    nones: Thresholds = dataclasses.field(default_factory=dict)
    """Of a network with `none`: when one sensor may be sure of it."""
    note: str = ""
    """Where every exit is off: that, and what would change it."""
    heads: Mapping[ExitKey, StoredHead] = dataclasses.field(default_factory=dict)
    """Of the exits whose thresholds are held against the gain of going on."""
    cases: Sequence[Case] = ()
    """What else thresholds hold on, where validation windows are of several parts."""
    held_out: tuple[Recording, ...] = ()
    """Of every part: what was said of its windows by heads that had not seen them."""

    def replay(self, recording: Recording) -> Replay:
        return self.gate.walk(recording, Setting(self.thresholds, self.order, self.nones))

    def settings(self) -> dict[ExitKey, ExitSettings]:
        """What is stored at each exit."""
        setting = Setting(self.thresholds, self.order, self.nones)
        found = exit_settings(self.quantized.graph.network, self.recording, setting, self.temperatures)
        return {k: dataclasses.replace(s, gain=self.heads.get(k)) for k, s in found.items()}


def exit_settings(network: Network, recording: Recording, setting: Setting,
                  temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, ExitSettings]:
    """What is stored at each exit: thresholds, by class where there is a class that means nothing, and figures of
    these windows, rounded to what they can tell."""
    limits, none = setting.thresholds, network.none
    if none is not None:
        recording, limits = as_left(recording, limits, setting.nones, network.classes.index(none))
    result = {}
    for key, (accuracy, hazard) in figures(recording, limits).items():
        limit, by_class = setting.thresholds.get(key), {}
        if none is not None and key != FUSION:
            apart = {c: setting.nones.get(key) if c == none else limit for c in network.classes}
            limit, by_class = None, {c: t for c, t in apart.items() if t is not None}
        result[key] = ExitSettings(
            temperature=float(np.float32(temperatures[key])), threshold=limit, class_thresholds=by_class,
            accuracy=None if accuracy is None else round(accuracy, 4),
            hazard=None if key == FUSION else round(hazard, 4), override_threshold=setting.overrides.get(key),
            threshold_beside_none=setting.beside_none.get(key),
        )
    return result


def stored_temperatures(temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, float]:
    """As the model file has them."""
    return {k: float(np.float32(t)) for k, t in temperatures.items()}


def with_heads(found: Calibrated, heads: Mapping[ExitKey, StoredHead]) -> Calibrated:
    """With the heads of the exits that are on, and what everything costs then."""
    kept = {k: h for k, h in heads.items() if found.thresholds.get(k) is not None}
    costs = billed(found.costs, kept, found.quantized.graph.network)
    macs = {k: c.macs for k, c in costs.items()}
    recording, *held_out = (dataclasses.replace(r, macs=macs) for r in (found.recording, *found.held_out))
    return dataclasses.replace(found, heads=kept, costs=costs, recording=recording, held_out=tuple(held_out))


def gate_of(network: Network) -> Gate:
    return PLAIN_GATE if network.none is None else looking_gate(network.classes.index(network.none))


def chosen(network: Network, recording: Recording, pool: Pool, tolerance: Tolerance) -> Setting:
    """Without a guarantee: the cheapest setting found that the tolerance allows; all exits off if there is none."""
    if network.none is None:
        return Setting(*calibrate(recording, tolerance))
    gate, reference = gate_of(network), recording.correct(FUSION)
    good = [s for s in gate.path(recording, pool) if tolerance.allows(gate.walk(recording, s), reference)]
    return good[-1] if good else all_off(gate, recording)


def float_part(logits: Mapping[ExitKey, np.ndarray], which: np.ndarray) -> dict[ExitKey, np.ndarray]:
    return {k: v[which] for k, v in logits.items()}


def make_recording(model: MultiExitNetwork, batch: Batch, logits: Mapping, temperatures: Mapping[ExitKey, float],
                   costs: Mapping[ExitKey, Cost]) -> Recording:
    names = [m.name for m in model.network.modalities]
    macs = {k: c.macs for k, c in costs.items()}
    return record(names, logits, batch.labels, batch.present, macs, temperatures, overriding_of(model.network))

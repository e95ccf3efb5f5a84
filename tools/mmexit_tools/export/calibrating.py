"""Quantizes and calibrates a trained network on validation windows: ranges, temperatures, thresholds, gain heads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import USAGE, ToolError, note
from ..base.exits import ExitKey
from ..calibrate.calibration import Tolerance
from ..calibrate.every_order import Part, cases, choose, figures_of
from ..calibrate.exit_pool import Pool, batch_pool
from ..calibrate.gain_heads import billed, doubts, teach
from ..calibrate.hints import advice, all_exits_off
from ..calibrate.learn_then_test import Groups
from ..calibrate.promise import Wish, fit_temperatures
from ..model.datasets import Batch
from ..model.graphs import Cost, exit_costs, lower
from ..model.layers import Network
from ..model.networks import MultiExitNetwork
from ..quantize.head_codes import HeadCodes, predict_with_codes
from ..quantize.quantization import QuantizedGraph, predict_integer, quantize_best
from ..quantize.stored_head import StoredHead
from ..tasks.mixture import Kind, judged, places
from ..training.trainer import predict
from .calibrated import Calibrated, chosen, float_part, gate_of, stored_temperatures, with_heads


def calibrate_model(model: MultiExitNetwork, validation: Batch, tolerance: Tolerance, wish: Wish | None = None,
                    groups: Groups | None = None, gain: bool = False,
                    parts: Sequence[Part] = ()) -> tuple[Calibrated, dict]:
    """Quantizes and calibrates on the validation windows; also their float logits.

    With a `wish`, the windows that test the promise have no say in anything else, the ranges of int8 included.
    `gain`: thresholds on the predicted gain of going on, where those save more on these windows than entropy's.
    `parts`: kinds of windows, the one that is counted first; thresholds then hold on each of them in every order. Not
    with a `wish`, nor for a network with a class that means nothing.
    """
    if parts and (wish or model.network.none is not None):
        raise ToolError("--varied: with --guarantee off only, and not for networks with a class that means nothing",
                        USAGE)
    windows = Windows(model.eval(), validation, predict(model.eval(), validation), groups or {}, gain, parts)
    found = _calibrate(windows, tolerance, wish, gain=False)
    if not gain:
        return found, windows.float_logits
    if model.network.none is not None:
        raise ToolError("--gate gain: not for networks with a class that means nothing", USAGE)
    other = _calibrate(windows, tolerance, wish, gain=True)
    cheaper = other.replay(other.recording).mean_macs < found.replay(found.recording).mean_macs
    if not cheaper or (found.promise and not other.promise):
        note("--gate gain: the gain heads save no more than entropy on validation windows; entropy is kept")
        return found, windows.float_logits
    return other, windows.float_logits


def parts_of(kinds: Sequence[Kind], z: float) -> list[Part]:
    """What thresholds have to hold on; nothing apart where all windows are of one kind."""
    kinds = judged(kinds)
    if len(kinds) == 1:
        return []
    losses = [(k.loss or 0) / 100 for k in kinds]
    asleep = Tolerance(max(losses), z)
    return [Part(k.name, w, Tolerance(loss, z), asleep)
            for k, loss, w in zip(kinds, losses, places(kinds), strict=True)]


@dataclass
class Windows:
    """Validation windows and what is said of them. `coded`: with what gain heads take."""

    model: MultiExitNetwork
    batch: Batch
    float_logits: dict[ExitKey, np.ndarray]
    groups: Groups
    coded: bool
    parts: Sequence[Part] = ()
    answered: dict[bool, Answered] = dataclasses.field(default_factory=dict)

    def int8(self, parts: tuple[np.ndarray, np.ndarray] | None) -> Answered:
        """By the network whose ranges were measured on the windows that choose, or on all (None); run once each."""
        if (parts is not None) not in self.answered:
            graph = lower(self.model)
            known, said = self.batch, self.float_logits
            if parts is not None:
                known, said = self.batch.part(parts[0]), float_part(said, parts[0])
            quantized, ranges = quantize_best(graph, known, said)
            if self.coded:
                logits, codes = predict_with_codes(quantized, self.batch)
            else:
                logits, codes = predict_integer(quantized, self.batch), None
            costs = exit_costs(graph)
            pool = batch_pool(self.batch, logits, self.groups, {k: c.macs for k, c in costs.items()})
            self.answered[parts is not None] = Answered(quantized, ranges, costs, pool, codes)
        return self.answered[parts is not None]


@dataclass(frozen=True)
class Answered:
    """What an int8 network says of the windows."""

    quantized: QuantizedGraph
    ranges: str
    costs: Mapping[ExitKey, Cost]
    pool: Pool
    codes: HeadCodes | None

    def known_gains(self, choosing: np.ndarray | None,
                    calibrating: np.ndarray | None = None) -> tuple[Pool, dict[ExitKey, StoredHead]]:
        """With what gain heads say, taught on the windows that choose (None: on all). `calibrating`: the windows that
        temperatures come of, where others teach too."""
        assert self.codes is not None
        pool, which = self.pool, np.arange(len(self.pool)) if choosing is None else choosing
        temperatures = stored_temperatures(fit_temperatures(pool.part(which if calibrating is None else calibrating)))
        taught = teach(pool.part(which), self.codes.part(which), temperatures)
        heads = {k: t.head for k, t in taught.items()}
        said, alone = (doubts(heads, pool, self.codes, temperatures, asleep) for asleep in (False, True))
        for key, t in taught.items():
            said[key][which], alone[key][which] = t.doubt, t.alone
        dear = {k: c.macs for k, c in billed(self.costs, heads, self.quantized.graph.network).items()}
        return dataclasses.replace(pool, doubt=said, alone=alone, macs=dear), heads


def _calibrate(windows: Windows, tolerance: Tolerance, wish: Wish | None, gain: bool) -> Calibrated:
    network = windows.model.network
    parts = wish.parts(windows.groups, len(windows.batch)) if wish else None
    if windows.parts:
        return in_every_order(windows.int8(None), network, windows.parts, gain)
    answered = windows.int8(parts)
    pool, heads = answered.known_gains(parts[0] if parts else None) if gain else (answered.pool, {})
    gate = gate_of(network)
    promise = wish.grant(pool, parts, gate) if wish and parts else None
    if promise:
        found = Calibrated(answered.quantized, answered.ranges, promise.temperatures, promise.setting.thresholds,
                           promise.setting.order, promise.figures_from, answered.costs, promise, gate,
                           promise.setting.nones)
        return with_heads(found, heads)
    if parts:
        # Without a promise nothing needs to be kept apart: ranges and heads from all windows.
        answered = windows.int8(None)
        pool, heads = answered.known_gains(None) if gain else (answered.pool, {})
    temperatures = fit_temperatures(pool)
    recording = pool.recording(temperatures)
    setting = chosen(network, recording, pool, tolerance)
    said = advice(recording, pool, gate, tolerance) if all_exits_off(setting) else ""
    found = Calibrated(answered.quantized, answered.ranges, temperatures, setting.thresholds, setting.order,
                       recording, answered.costs, None, gate, setting.nones, said)
    return with_heads(found, heads)


def in_every_order(answered: Answered, network: Network, parts: Sequence[Part], gain: bool) -> Calibrated:
    """Thresholds that hold on each part in every order. Windows of no part teach heads alone."""
    known = np.concatenate([p.which for p in parts])
    pool, heads = answered.known_gains(None, known) if gain else (answered.pool, {})
    temperatures = fit_temperatures(pool.part(known))
    setting = choose(pool, temperatures, parts)
    note = "no thresholds hold on all validation windows in every order: nothing is saved"
    found = Calibrated(answered.quantized, answered.ranges, temperatures, setting.thresholds, setting.order,
                       figures_of(pool, temperatures, parts), answered.costs, None, gate_of(network),
                       setting.nones, note if all_exits_off(setting) else "", cases=cases(pool, temperatures, parts),
                       held_out=tuple(pool.part(p.which).recording(temperatures) for p in parts))
    return with_heads(found, heads)

"""robot-command's thresholds, for commands and for `none` together: the cheapest walk that keeps the tolerance."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION
from .calibration import Recording, Thresholds, Tolerance, candidates, choose_thresholds, gate_order, replay
from .robot_none import none_thresholds

MISSED = (0.04, 0.02, 0.01, 0.005, 0.002, 0.0)
"""Shares of a sensor's own commands that it may take for nothing."""
LOOSER = (0.25, 0.5, 1.0, 2.0, 4.0)
"""A search begins with the commands' thresholds at each of these multiples of the tolerance,"""
TIGHTER = tuple(float(f) for f in np.geomspace(1.0, 0.05, 16))
"""multiplied by the largest of these that keeps the tolerance."""
SWEEPS = 4


def without_none(recording: Recording, none: int) -> Recording:
    """The recording of a gate whose single-sensor exits may answer commands only.

    A sensor that is sure of "nothing" knows nothing of what another one would have shown: leaving there would lose
    every command given to the other sensor alone."""
    entropy = {
        k: h if k == FUSION else np.where(recording.answer[k] == none, np.inf, h)
        for k, h in recording.entropy.items()
    }
    return dataclasses.replace(recording, entropy=entropy)


@dataclasses.dataclass(frozen=True)
class Walk:
    """What was chosen; `missed` is None where `none` is left to fusion."""

    order: tuple[str, ...]
    commands: Thresholds
    nones: Thresholds
    missed: float | None


def choose_walk(
    recording: Recording, seen: Mapping[str, NDArray[np.int64]], none: int, tolerance: Tolerance
) -> Walk:
    """Of the settings tried, the cheapest whose loss against full fusion the tolerance allows, in an order
    that the gate takes with it. All exits off, which loses nothing, where there is none."""
    reference = recording.correct(FUSION)
    commands_only = without_none(recording, none)
    off: Thresholds = dict.fromkeys(recording.keys(recording.modalities))
    nones = {m: none_thresholds(recording, seen, none, m) for m in MISSED} | {None: off}
    best, least = Walk(gate_order(commands_only, off), off, off, None), float(recording.total_macs)

    def macs_within(walk: Walk) -> float:
        outcome = replay(recording, walk.order, walk.commands, walk.nones, none)
        return outcome.mean_macs if tolerance.allows(outcome, reference) else np.inf

    for order in permutations(recording.modalities):
        moves = walk_moves(commands_only, order, nones)
        for commands in _starts(commands_only, order, tolerance):
            tight = (Walk(order, _times(commands, f), nones[m], m) for f in TIGHTER for m in (MISSED[1], None))
            begin = next((w for w in tight if macs_within(w) < np.inf), Walk(order, off, off, None))
            # What is left of the tolerance is used up coordinate by coordinate.
            found = descend_walk(begin, moves, macs_within)
            macs = macs_within(found)
            if macs < least and gate_order(commands_only, found.commands) == order:
                best, least = found, macs
    return best


def _starts(recording: Recording, order: Sequence[str], tolerance: Tolerance) -> Iterator[Thresholds]:
    for multiple in LOOSER:
        yield choose_thresholds(recording, order, Tolerance(tolerance.loss * multiple, 0.0))


def _times(thresholds: Thresholds, factor: float) -> Thresholds:
    return {k: None if t is None else float(np.floor(t * factor * 1e5) / 1e5) for k, t in thresholds.items()}


Move = Callable[[Walk], Walk]


def walk_moves(recording: Recording, order: Sequence[str],
               nones: Mapping[float | None, Thresholds]) -> list[list[Move]]:
    """By coordinate (each exit's threshold for commands; the share missed), what it may be set to."""

    def command(key: tuple[str, int], limit: float | None) -> Move:
        return lambda w: dataclasses.replace(w, commands=w.commands | {key: limit})

    def nothing(missed: float | None) -> Move:
        return lambda w: dataclasses.replace(w, nones=nones[missed], missed=missed)

    exits = [[command(k, t) for t in candidates(recording, k, 32)] for k in recording.keys(order)]
    return [[nothing(m) for m in nones], *exits]


def descend_walk(walk: Walk, moves: Sequence[Sequence[Move]], cost: Callable[[Walk], float]) -> Walk:
    """Coordinate by coordinate to the least cost, until nothing improves."""
    value = cost(walk)
    for _ in range(SWEEPS):
        before = value
        for choices in moves:
            tried = [move(walk) for move in choices]
            costs = [cost(w) for w in tried]
            i = int(np.argmin(costs))
            if costs[i] < value:
                walk, value = tried[i], costs[i]
        if value >= before:
            break
    return walk

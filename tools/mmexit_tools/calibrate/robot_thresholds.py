"""robot-command's thresholds, for commands and for `none` together: the cheapest walk that keeps the tolerance."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from .calibration import Recording, Replay, Thresholds, Tolerance, candidates, gate_order, replay
from .robot_none import none_thresholds

MISSED = (0.04, 0.02, 0.01, 0.005, 0.002, 0.0)
"""Shares of a sensor's own commands that it may take for nothing."""
PRICES = tuple(float(p) for p in np.geomspace(300, 5, 18))
"""Prices of a wrong answer that settings are looked for at, in MACs of the whole network, from safe to cheap."""
SWEEPS = 4
OVERRIDES = (0.7, 0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02)
"""Probabilities of the overriding class from which on it may override."""


def without_none(recording: Recording, none: int) -> Recording:
    """The recording of a gate whose single-sensor exits may answer commands only.

    A sensor that is sure of "nothing" knows nothing of what another one would have shown: leaving there would lose
    every command given to the other sensor alone."""
    entropy = {
        k: h if k == FUSION else np.where(recording.answer[k] == none, np.inf, h)
        for k, h in recording.entropy.items()
    }
    return dataclasses.replace(recording, entropy=entropy)


def only_none(recording: Recording, none: int) -> Recording:
    """The recording of a gate whose single-sensor exits may answer `none` only."""
    entropy = {k: np.where(recording.answer[k] == none, h, np.inf) for k, h in recording.entropy.items()}
    return dataclasses.replace(recording, entropy=entropy)


@dataclasses.dataclass(frozen=True)
class Walk:
    """What was chosen; `missed` is None where `none` is left to fusion."""

    order: tuple[str, ...]
    commands: Thresholds
    nones: Thresholds
    missed: float | None
    overrides: Mapping[ExitKey, float] = dataclasses.field(default_factory=dict)
    beside_none: Mapping[ExitKey, float] = dataclasses.field(default_factory=dict)

    def replay(self, recording: Recording, none: int | None, asleep: Sequence[str] = ()) -> Replay:
        """`asleep`: sensors that sleep until the gate wakes them."""
        recording = dataclasses.replace(recording, overrides=self.overrides, beside_none=self.beside_none)
        return replay(recording, self.order, self.commands, self.nones, none, asleep)


def choose_walk(
    recording: Recording, seen: Mapping[str, NDArray[np.int64]], none: int, tolerance: Tolerance,
    prices: Sequence[float] = PRICES, beside: bool = False, missed: float = MISSED[0],
) -> Walk:
    """Of the settings tried, the cheapest whose loss against full fusion the tolerance allows, in an order
    that the gate takes with it. All exits off, which loses nothing, where there is none. `beside`: commands may stand
    beside another sensor's sure `none`. `missed`: the largest share of its own commands that a sensor may take for
    nothing."""
    reference = recording.correct(FUSION)
    commands_only = without_none(recording, none)
    off: Thresholds = dict.fromkeys(recording.keys(recording.modalities))
    shares = [missed, *(m for m in MISSED if m < missed)]
    nones = {m: none_thresholds(recording, seen, none, m) for m in shares} | {None: off}
    best, least = Walk(gate_order(commands_only, off), off, off, None), float(recording.total_macs)

    def macs_within(walk: Walk) -> float:
        outcome = walk.replay(recording, none)
        return outcome.mean_macs if tolerance.allows(outcome, reference) else np.inf

    for order in permutations(recording.modalities):
        # What overrides comes last: asked first, what is left of a tolerance would go into not asking.
        moves = [*walk_moves(commands_only, order, nones),
                 *none_moves(only_none(recording, none), order, nones[missed], missed),
                 *override_moves(recording, order), *(beside_moves(commands_only, order) if beside else [])]
        off_walk = Walk(order, off, off, None)
        for found in price_path(recording, off_walk, moves, none, prices):
            if macs_within(found) == np.inf:
                continue
            # What is left of the tolerance is used up coordinate by coordinate.
            found = descend_walk(found, moves, macs_within)
            macs = macs_within(found)
            if macs < least and gate_order(commands_only, found.commands) == order:
                best, least = found, macs
    return best


def price_path(recording: Recording, walk: Walk, moves: Sequence[Sequence[Move]], none: int | None,
               prices: Sequence[float], asleep: Sequence[str] = ()) -> Iterator[Walk]:
    """For each price of a wrong answer, in MACs of the whole network, where a descent from the walk before ends.
    `asleep`: sensors that sleep until the gate wakes them."""
    for price in prices:

        def cost(w: Walk, price: float = price) -> float:
            outcome = w.replay(recording, none, asleep)
            return outcome.mean_macs - price * recording.total_macs * outcome.accuracy

        walk = descend_walk(walk, moves, cost)
        yield walk


Move = Callable[[Walk], Walk]


def override_moves(recording: Recording, order: Sequence[str]) -> list[list[Move]]:
    """From which probability of the overriding class on each later sensor's first exit is to override: never asked,
    or one of OVERRIDES."""

    def asked(key: ExitKey, least: float | None) -> Move:
        def move(w: Walk) -> Walk:
            others = {k: t for k, t in w.overrides.items() if k != key}
            return dataclasses.replace(w, overrides=others if least is None else others | {key: least})

        return move

    if recording.overriding is None:
        return []
    return [[asked((m, 1), t) for t in (None, *OVERRIDES)] for m in order[1:]]


def beside_moves(recording: Recording, order: Sequence[str], count: int = 16) -> list[list[Move]]:
    """At or below which each later sensor's exits answer with a command beside a sure `none`: never, or up to a
    quantile of what they say. `recording`: see `without_none`."""

    def stands(key: ExitKey, limit: float | None) -> Move:
        def move(w: Walk) -> Walk:
            others = {k: t for k, t in w.beside_none.items() if k != key}
            return dataclasses.replace(w, beside_none=others if limit is None else others | {key: limit})

        return move

    return [[stands(k, t) for t in candidates(recording, k, count)] for k in recording.keys(order[1:])]


def walk_moves(recording: Recording, order: Sequence[str],
               nones: Mapping[float | None, Thresholds]) -> list[list[Move]]:
    """By coordinate (each exit's threshold for commands; the share missed), what it may be set to."""

    def command(key: tuple[str, int], limit: float | None) -> Move:
        return lambda w: dataclasses.replace(w, commands=w.commands | {key: limit})

    def nothing(missed: float | None) -> Move:
        return lambda w: dataclasses.replace(w, nones=nones[missed], missed=missed)

    exits = [[command(k, t) for t in candidates(recording, k, 32)] for k in recording.keys(order)]
    return [[nothing(m) for m in nones], *exits]


def none_moves(silent: Recording, order: Sequence[str], most: Thresholds, missed: float | None,
               count: int = 16) -> list[list[Move]]:
    """Exit by exit, what its threshold of `none` may be set to: none, or up to `most`, which misses `missed` of a
    sensor's commands. `silent`: see `only_none`."""

    def nothing(key: ExitKey, limit: float | None) -> Move:
        return lambda w: dataclasses.replace(w, nones=w.nones | {key: limit}, missed=missed)

    def tried(key: ExitKey) -> list[float | None]:
        last = most[key]
        some = [t for t in candidates(silent, key, count) if t is not None and last is not None and t < last]
        return [None, *some, *([] if last is None else [last])]

    return [[nothing(k, t) for t in tried(k)] for k in silent.keys(order)]


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

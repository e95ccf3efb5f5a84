"""The most accurate setting of the gate within a budget of MACs, with a margin, on validation windows.

A path of settings for a range of prices of a wrong answer comes first, by descent over the walk itself; of its
settings the best within the budget then uses up what is left, exit by exit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..calibrate.calibration import Recording, Replay, Thresholds, gate_order
from ..calibrate.learn_then_test import Groups, group_numbers, variance_of_mean
from ..calibrate.robot_none import none_thresholds
from ..calibrate.robot_thresholds import (
    MISSED,
    Move,
    Walk,
    beside_moves,
    descend_walk,
    none_moves,
    only_none,
    override_moves,
    price_path,
    walk_moves,
    without_none,
)

SHARES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.07, *MISSED)
"""Shares of a sensor's own commands that it may take for nothing: a small budget has to accept more of them."""
PRICES = tuple(float(p) for p in np.geomspace(100, 0.01, 17))
"""Prices of a wrong answer, in MACs of the whole network, from safe to cheap."""


@dataclass(frozen=True)
class Setting:
    """`asleep`: the sensors after the first sleep until the gate wakes them; else all are awake."""

    walk: Walk
    asleep: bool

    def replay(self, recording: Recording, none: int | None) -> Replay:
        return self.walk.replay(recording, none, self.walk.order[1:] if self.asleep else ())


class Margin:
    """So many standard errors of a mean over windows that share people: the excess of each kind of group over
    independent windows adds up (two-way clustering, as in `learn_then_test`)."""

    def __init__(self, groups: Groups, errors: float) -> None:
        self.numbers = [group_numbers(names) for names in groups.values()]
        self.errors = errors

    def of(self, values: NDArray[np.float64]) -> float:
        return self.errors * float(np.sqrt(sum(variance_of_mean(values, self.numbers))))


@dataclass(frozen=True)
class Known:
    """Validation: readings, what each sensor shows [N] (`seen`), the class that means nothing or None, the margin."""

    recording: Recording
    seen: Mapping[str, NDArray[np.int64]]
    none: int | None
    margin: Margin

    def spoken(self) -> Recording:
        """The readings of exits that may say commands only."""
        return self.recording if self.none is None else without_none(self.recording, self.none)

    def moves(self, order: Sequence[str], asleep: bool) -> list[list[Move]]:
        """What each exit's thresholds may be set to, for commands and for `none`: for `none` those of a share of
        commands that every sensor may miss, then exit by exit. Beside a sure `none` nobody is woken, so what commands
        need there is tried where all are awake."""
        nones: dict[float | None, Thresholds] = {None: dict.fromkeys(self.recording.keys(order))}
        if self.none is None:
            return walk_moves(self.spoken(), order, nones)
        nones |= {m: none_thresholds(self.recording, self.seen, self.none, m) for m in SHARES}
        most: Thresholds = dict.fromkeys(self.recording.keys(order), 1.0)
        own = none_moves(only_none(self.recording, self.none), order, most, None)
        return [*walk_moves(self.spoken(), order, nones), *own, *override_moves(self.recording, order),
                *([] if asleep else beside_moves(self.spoken(), order))]

    def at_most(self, setting: Setting) -> float:
        """Mean MACs with the margin."""
        macs = setting.replay(self.recording, self.none).macs
        return float(macs.mean()) + self.margin.of(macs)


def paths(known: Known, asleep: bool) -> list[list[Setting]]:
    """Settings from safe to cheap, for each order of the sensors. `asleep`: as `Setting` has it."""
    return [[Setting(w, asleep) for w in _path(known, order, asleep)]
            for order in permutations(known.recording.modalities)]


def _path(known: Known, order: Sequence[str], asleep: bool) -> Iterator[Walk]:
    off: Thresholds = dict.fromkeys(known.recording.keys(order))
    begin = Walk(tuple(order), off, off, None)
    yield from price_path(known.recording, begin, known.moves(order, asleep), known.none, PRICES,
                          order[1:] if asleep else ())


def within(known: Known, found: Sequence[Sequence[Setting]], budget: float) -> Setting | None:
    """The most accurate setting on validation whose mean MACs and margin are at most `budget`, in an order that the
    gate takes with it; None where the paths hold none."""
    spoken = known.spoken()
    best: tuple[float, Setting] | None = None
    for path in found:
        fit = [(s.replay(known.recording, known.none).accuracy, i) for i, s in enumerate(path)
               if known.at_most(s) <= budget]
        if not fit:
            continue
        begin = path[max(fit)[1]]

        def cost(w: Walk, asleep: bool = begin.asleep) -> float:
            setting = Setting(w, asleep)
            outcome = setting.replay(known.recording, known.none)
            # The margin is not asked for where the mean alone is too much already.
            over = outcome.mean_macs > budget or outcome.mean_macs + known.margin.of(outcome.macs) > budget
            return np.inf if over else -outcome.accuracy

        walk = descend_walk(begin.walk, known.moves(begin.walk.order, begin.asleep), cost)
        accuracy = -cost(walk)
        if (best is None or accuracy > best[0]) and gate_order(spoken, walk.commands) == walk.order:
            best = accuracy, Setting(walk, begin.asleep)
    return None if best is None else best[1]

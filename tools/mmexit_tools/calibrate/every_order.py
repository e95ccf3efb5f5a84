"""Thresholds that hold in every order of the sensors, and with the sensors that come later awake or asleep.

`export` counts MACs, with every sensor awake, and asks the cheapest encoder first. A daemon counts joules, listens
with the sensor that draws least, and lets the others sleep until it is unsure. One file serves both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from .calibration import Recording, Replay, Thresholds, Tolerance, gate_order, replay
from .exit_pool import Pool
from .settings_path import Setting, descend

TRIED = 1000
"""Settings in all."""
PRICES = (15.0, 500.0)
"""Of a wrong answer, in the MACs of running everything."""
WAKES = 0.1
"""What a woken sensor costs, in the MACs of running everything, where settings are compared."""


@dataclass(frozen=True)
class Part:
    """Windows of one kind, indices, and what may be lost on them."""

    name: str
    which: NDArray[np.int64]
    tolerance: Tolerance
    asleep: Tolerance
    """The same while the sensors after the first sleep: heads then know less, and more is saved."""


@dataclass(frozen=True)
class Case:
    """A part's windows in one order; `asleep`: the sensors after the first sleep."""

    part: Part
    order: tuple[str, ...]
    asleep: bool
    recording: Recording

    def replay(self, thresholds: Thresholds) -> Replay:
        return replay(self.recording, self.order, thresholds)

    def holds(self, thresholds: Thresholds) -> bool:
        tolerance = self.part.asleep if self.asleep else self.part.tolerance
        return tolerance.allows(self.replay(thresholds), self.recording.correct(FUSION))

    def says(self, thresholds: Thresholds) -> str:
        """One line for the card."""
        outcome, right = self.replay(thresholds), self.recording.correct(FUSION)
        lost = 100 * float(right.mean() - outcome.accuracy)
        first = "alone, the others asleep" if self.asleep else "first"
        return f"{self.part.name}, {self.order[0]} {first}: {lost:+.2f} points"


def cases(pool: Pool, temperatures: Mapping[ExitKey, float], parts: Sequence[Part]) -> list[Case]:
    """Every part in every order, with everything awake and, where heads look at others, all but the first asleep."""
    found = []
    for part in parts:
        some = pool.part(part.which)
        recording = some.recording(temperatures)
        # A sensor without data is never sure: what it would have cost does not matter here.
        there = {m: np.ones(len(some), bool) for m in some.modalities}
        recording = dataclasses.replace(recording, present=there)
        for order in permutations(pool.modalities):
            found.append(Case(part, order, False, recording))
            if pool.alone:
                found.append(Case(part, order, True, some.heard_alone(recording, order[0])))
    return found


def figures_of(pool: Pool, temperatures: Mapping[ExitKey, float], parts: Sequence[Part]) -> Recording:
    """What the stored figures come from, and so the order that the gate takes: the last part's windows, most like
    a daemon's, in which every sensor has data."""
    return _whole(pool.part(parts[-1].which)).recording(temperatures)


def _whole(pool: Pool) -> Pool:
    """The windows in which every sensor has data; all, where there are none."""
    there = np.logical_and.reduce(list(pool.present.values()))
    return pool.part(there) if there.any() and not there.all() else pool


def choose(pool: Pool, temperatures: Mapping[ExitKey, float], parts: Sequence[Part]) -> Setting:
    """The cheapest thresholds found that hold in every case; all exits off if there are none.

    Cost: MACs in the order that the gate takes, on the first part, and WAKES for every window of any part in which
    the sensor that listens alone is not sure."""
    known = _whole(pool.part(np.concatenate([p.which for p in parts])))
    recording, orders = known.recording(temperatures), figures_of(pool, temperatures, parts)
    every = cases(pool, temperatures, parts)
    heard = {m: known.heard_alone(recording, m) for m in pool.modalities}
    ranked = []
    for thresholds in _tried(recording):
        order = gate_order(orders, thresholds)
        counted = next(c for c in every if c.order == order and not c.asleep)
        cost = counted.replay(thresholds).mean_macs / recording.total_macs
        for m in recording.modalities:
            sure = np.logical_or.reduce([heard[m].entropy[k] <= _limit(thresholds, k) for k in recording.keys([m])])
            cost += WAKES * float(1 - sure.mean()) / len(recording.modalities)
        ranked.append((cost, len(ranked), Setting(thresholds, order)))
    for _, _, setting in sorted(ranked, key=lambda r: r[:2]):
        if all(c.holds(setting.thresholds) for c in every):
            return setting
    off = dict.fromkeys(recording.keys(recording.modalities))
    return Setting(off, gate_order(orders, off))


def _limit(thresholds: Thresholds, key: ExitKey) -> float:
    limit = thresholds.get(key)
    return -np.inf if limit is None else limit


def _tried(recording: Recording) -> Iterator[Thresholds]:
    """All pairings of each modality's limits, for a range of prices of a wrong answer. A modality's are found with it
    first, where going on to another costs as much as running everything once more."""
    count = max(2, round(TRIED ** (1 / len(recording.modalities))))
    choices = []
    for m in recording.modalities:
        order = (m, *(o for o in recording.modalities if o != m))
        dear = {k: v + recording.total_macs * (k[1] == 1 and k[0] not in (m, FUSION[0]))
                for k, v in recording.macs.items()}
        priced = dataclasses.replace(recording, macs=dear)
        found = [descend(priced, order, float(p) * recording.total_macs) for p in np.geomspace(*PRICES, count)]
        own = {tuple(t[k] for k in recording.keys([m])): None for t in found} | {(None,) * recording.exits[m]: None}
        choices.append([dict(zip(recording.keys([m]), limits, strict=True)) for limits in own])
    for pairing in product(*choices):
        yield {k: t for table in pairing for k, t in table.items()}

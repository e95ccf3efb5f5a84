"""The path of settings that Learn then Test walks: from full fusion to the cheapest, made on windows of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from .calibration import Recording, Thresholds, candidates, descend_prices, gate_order, replay

PATH_SHARE = 0.4
"""Part of the calibration windows that temperatures, path and order are chosen on; the rest tests."""


@dataclass(frozen=True)
class Setting:
    """`nones`: thresholds for the answer `none`, where the task has them apart."""

    thresholds: Thresholds
    order: tuple[str, ...]
    nones: Thresholds = field(default_factory=dict)
    overrides: Mapping[ExitKey, float] = field(default_factory=dict)
    """From which probability of the overriding class on a first exit overrides another sensor's answer."""
    beside_none: Mapping[ExitKey, float] = field(default_factory=dict)
    """At or below which an exit's command stands beside another sensor's sure `none`."""


def settings_path(recording: Recording, prices: int = 40, quantiles: int = 48) -> list[Setting]:
    """Settings of rising loss and falling MACs on these windows, each for the order that the gate really takes.

    `prices` of a wrong answer and `quantiles` of each exit's entropy are tried."""
    best: list[Ranked] = []
    for order in permutations(recording.modalities):
        choices = {k: candidates(recording, k, quantiles) for k in recording.keys(order)}
        found = [Setting(t, order) for t in descend_prices(recording, order, choices, prices)]
        hull = cheaper_and_cheaper(rank(recording, found))
        # Prices find corners far apart; thresholds between two neighbours make the steps small.
        between = [s for a, b in pairwise(hull) for s in steps_between(a[2], b[2])]
        best += hull + rank(recording, between)
    return [setting for _, _, setting in cheaper_and_cheaper(best)]


Ranked = tuple[float, float, Setting]
"""(loss, mean MACs, setting)."""


def rank(recording: Recording, settings: Iterable[Setting]) -> list[Ranked]:
    """Loss and cost of the settings whose order the gate would take."""
    reference = recording.correct(FUSION).mean()
    result = []
    for s in settings:
        if gate_order(recording, s.thresholds) == s.order:
            outcome = replay(recording, s.order, s.thresholds)
            result.append((float(reference - outcome.accuracy), outcome.mean_macs, s))
    return result


def steps_between(a: Setting, b: Setting, steps: int = 8) -> list[Setting]:
    """Settings on the straight line from `a` to `b`; an exit that is off in one of them comes in from 0."""
    result = []
    for t in np.arange(1, steps) / steps:
        mixed = {k: _mix(a.thresholds[k], b.thresholds[k], float(t)) for k in a.thresholds}
        result.append(Setting(mixed, a.order))
    return result


def _mix(a: float | None, b: float | None, t: float) -> float | None:
    if a is None and b is None:
        return None
    return round((1 - t) * (a or 0.0) + t * (b or 0.0), 5)


def cheaper_and_cheaper(found: list[Ranked]) -> list[Ranked]:
    """By rising loss, without those that cost no less than a safer one."""
    path, least = [], float("inf")
    for ranked in sorted(found, key=lambda f: f[:2]):
        if ranked[1] < least:
            path.append(ranked)
            least = ranked[1]
    return path


def split_by_groups(groups: Mapping[str, NDArray[np.str_]], count: int, share: float,
                    rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of two parts that share no group of any kind, `share` of the groups (of the windows, where they have
    none) in the first. A window whose groups fall to different parts is in neither."""
    votes = np.zeros((2, count), bool)
    for kind in sorted(groups):
        distinct, which, sizes = np.unique(groups[kind], return_inverse=True, return_counts=True)
        first = rng.permutation(len(distinct)) < round(share * len(distinct))
        shared = (groups[kind] != "") & (sizes[which] > 1)
        votes[0] |= shared & first[which]
        votes[1] |= shared & ~first[which]
    free = ~votes.any(axis=0)
    drawn = rng.random(count) < share
    votes[0] |= free & drawn
    votes[1] |= free & ~drawn
    return np.flatnonzero(votes[0] & ~votes[1]), np.flatnonzero(votes[1] & ~votes[0])


def descend(recording: Recording, order: Sequence[str], price: float, rounds: int = 8) -> Thresholds:
    """Thresholds with the least MACs + price x wrong answers: coordinate descent from all exits off, each step
    exact over all thresholds by one sort."""
    keys = [*recording.keys(order), FUSION]
    wrong = np.stack([~recording.correct(k) for k in keys]).astype(np.float64)
    spent = np.cumsum([recording.macs[k] * np.ones(len(recording)) for k in keys], axis=0)
    value = spent + price * wrong
    leaves = np.zeros(value.shape, bool)
    leaves[-1] = True
    limits: list[float | None] = [None] * (len(keys) - 1)
    for _ in range(rounds):
        before = list(limits)
        for i in reversed(range(len(limits) - (recording.never_answers(order) is not None))):
            reach = ~leaves[:i].any(axis=0)
            after = np.take_along_axis(value, leaves[i + 1 :].argmax(axis=0)[None] + i + 1, 0)[0]
            entropy = recording.entropy[keys[i]]
            limits[i] = best_limit(entropy[reach], (value[i] - after)[reach])
            leaves[i] = entropy <= limits[i] if limits[i] is not None else False
        if limits == before:
            break
    return dict(zip(keys, limits, strict=False))


def best_limit(entropy: NDArray[np.float64], change: NDArray[np.float64]) -> float | None:
    """The threshold with the least sum of `change` over the windows at or below it; None: none is below 0."""
    if len(entropy) == 0:
        return None
    rank = np.argsort(entropy, kind="stable")
    ordered, total = entropy[rank], np.cumsum(change[rank])
    total[:-1][ordered[1:] == ordered[:-1]] = np.inf  # equal entropies leave together
    k = int(np.argmin(total))
    if total[k] >= 0:
        return None
    return float(ordered[k] if k + 1 == len(ordered) else (ordered[k] + ordered[k + 1]) / 2)

"""Gates over a trained network's exits: the paper's, ours, random, fixed, and the oracle.

A gate is chosen on the validation windows of a network and measured on its test windows. All of them work on
`calibration.Recording`s: nothing is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Thresholds, figures, fit_temperature, gate_order, record, replay
from ..calibrate.settings_path import descend
from ..export.report import weighted_f1
from ..model.graphs import Cost
from .said import Said

LIMITS: tuple[float | None, ...] = (None, *np.geomspace(1e-4, 0.05, 12).tolist(), *np.linspace(0.075, 1, 38).tolist())
"""Thresholds that the paper's single one is swept over; None: all exits off."""
PRICES = tuple(np.geomspace(0.1, 1000, 49).tolist())
"""Prices of a wrong answer, in MACs of the whole network, that per-exit thresholds are chosen for."""
STEPS = 3
"""Settings between the thresholds of two neighbouring prices, for our gates."""
SHARES = tuple(np.linspace(0, 1, 21).tolist())
"""Probabilities of leaving at an exit that the random gate is swept over."""


@dataclass(frozen=True)
class Point:
    """A gate at one setting on one split. `right` in 0...1 per window (a mean where the gate draws lots)."""

    right: NDArray[np.float64]
    f1: float
    macs: float
    parameters: float
    setting: str = ""

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())


@dataclass(frozen=True)
class Curve:
    """One gate's settings, the same ones on both splits."""

    validation: Sequence[Point]
    test: Sequence[Point]


@dataclass(frozen=True)
class Bench:
    """A trained network's recordings on both splits, with temperatures fitted on validation and without."""

    plain: Mapping[str, Recording]
    warmed: Mapping[str, Recording]
    costs: Mapping[ExitKey, Cost]

    @property
    def modalities(self) -> tuple[str, ...]:
        return self.plain["validation"].modalities


def bench(said: Said) -> Bench:
    logits = {"validation": said.validation, "test": said.test}
    macs = {k: c.macs for k, c in said.costs.items()}
    ones = dict.fromkeys(macs, 1.0)
    fitted = {k: fit_temperature(x, said.labels["validation"]) for k, x in said.validation.items()}
    there = {s: dict.fromkeys(said.modalities, np.ones(len(y), bool)) for s, y in said.labels.items()}

    def recordings(temperatures: Mapping[ExitKey, float]) -> dict[str, Recording]:
        return {s: record(said.modalities, logits[s], said.labels[s], there[s], macs, temperatures) for s in logits}

    return Bench(recordings(ones), recordings(fitted), said.costs)


def phi(exits: Sequence[tuple[float, float]], p: float, lam: float) -> float:
    """Eq. 7 for one modality; `exits`: (accuracy, cost from the exit before) of each, `p`: the hazard of all."""
    q, e = 1 - p, len(exits)
    total = sum(cost for _, cost in exits)
    paid, gain, loss = 0.0, 0.0, 0.0
    for j, (accuracy, cost) in enumerate(exits):
        paid += cost
        gain += q**j * p * (lam * accuracy - paid)
        loss += q**e * q**j * p * total
    return (1 - q**e) * gain - loss


def paper_order(recording: Recording, thresholds: Thresholds, lam: float | None = None) -> tuple[str, ...]:
    """Modalities by eq. 7, accuracies over all windows as in the paper, costs in MACs, a right answer worth `lam`
    (default: the whole network's)."""
    found = figures(recording, thresholds)
    keys = [k for k in found if k != FUSION]
    p = float(np.mean([found[k][1] for k in keys]))
    worth = recording.total_macs if lam is None else lam
    values = {
        m: phi([(float(recording.correct(k).mean()), recording.macs[k]) for k in keys if k[0] == m], p, worth)
        for m in recording.modalities
    }
    return tuple(sorted(recording.modalities, key=lambda m: -values[m]))


def walk(recording: Recording, costs: Mapping[ExitKey, Cost], order: Sequence[str], thresholds: Thresholds) -> Point:
    """The gate with these thresholds in this order."""
    outcome = replay(recording, order, thresholds)
    f1 = weighted_f1(outcome.answer, recording.labels)
    held = np.cumsum([costs[k].parameters for k in outcome.keys])
    return Point(outcome.right.astype(np.float64), f1, outcome.mean_macs, float(held[outcome.left_at].mean()),
                 " ".join(order))


def single(b: Bench, order_of: Callable[[Recording, Thresholds], tuple[str, ...]] = paper_order) -> Curve:
    """The paper's gate: one threshold for all exits on the entropy as it is, the order by eq. 7."""
    found: dict[str, list[Point]] = {"validation": [], "test": []}
    for limit in LIMITS:
        thresholds = dict.fromkeys(b.plain["validation"].keys(b.modalities), limit)
        order = order_of(b.plain["validation"], thresholds)
        for split, recording in b.plain.items():
            found[split].append(walk(recording, b.costs, order, thresholds))
    return Curve(**found)


def unordered(b: Bench) -> Curve:
    """RExit: the paper's gate without serialization: every window draws the order of the modalities; the mean over
    all orders, which is what such draws come to."""
    found: dict[str, list[Point]] = {"validation": [], "test": []}
    for limit in LIMITS:
        thresholds = dict.fromkeys(b.plain["validation"].keys(b.modalities), limit)
        for split, recording in b.plain.items():
            points = [walk(recording, b.costs, order, thresholds) for order in permutations(b.modalities)]
            found[split].append(mean_point(points, "any order"))
    return Curve(**found)


def mean_point(points: Sequence[Point], setting: str) -> Point:
    return Point(np.mean([p.right for p in points], axis=0), *(
        float(np.mean([getattr(p, name) for p in points])) for name in ("f1", "macs", "parameters")), setting)


Chosen = tuple[tuple[str, ...], Thresholds]
"""An order and its thresholds."""


def filled(recording: Recording, settings: Sequence[Chosen], steps: int) -> list[Chosen]:
    """The settings with `steps` more between each two neighbours: prices find corners far apart. An exit that is off
    counts as one whose threshold is the least value seen there; neighbours of different orders are repeated."""
    def limit(key: ExitKey, thresholds: Thresholds) -> float:
        found = thresholds.get(key)
        return float(recording.entropy[key].min()) if found is None else found

    result: list[Chosen] = []
    for (order, left), (other, right) in pairwise(settings):
        result.append((order, left))
        for step in range(1, steps + 1):
            share = step / (steps + 1)
            between: Thresholds = {k: None if left[k] is None and right[k] is None else
                                   (1 - share) * limit(k, left) + share * limit(k, right) for k in left}
            result.append((order, between if order == other else left))
    return [*result, settings[-1]]


def priced(b: Bench, steps: int = 0) -> Curve:
    """Ours: temperature per exit, a threshold per exit chosen for a price of a wrong answer, the `exact` order."""
    found: dict[str, list[Point]] = {"validation": [], "test": []}
    recording = b.warmed["validation"]
    settings: list[Chosen] = []
    for price in PRICES:
        best: tuple[float, tuple[str, ...], Thresholds] | None = None
        for order in permutations(b.modalities):
            thresholds = descend(recording, order, price * recording.total_macs)
            real = gate_order(recording, thresholds)
            outcome = replay(recording, real, thresholds)
            value = outcome.mean_macs - price * recording.total_macs * outcome.accuracy
            if best is None or value < best[0]:
                best = value, real, thresholds
        assert best is not None
        settings.append(best[1:])
    for order, thresholds in filled(recording, settings, steps):
        for split, windows in b.warmed.items():
            found[split].append(walk(windows, b.costs, order, thresholds))
    return Curve(**found)


def lots(b: Bench) -> Curve:
    """Leaves at every exit with one probability, whatever it says; order by eq. 7 with exits that always answer."""
    return Curve(*([lot(fixed_points(b, split), share) for share in SHARES] for split in ("validation", "test")))


def lot(points: Sequence[Point], share: float) -> Point:
    """The gate that leaves at every exit with this probability; `points`: the fixed exits in order, fusion last."""
    chances = [share * (1 - share) ** i for i in range(len(points) - 1)]
    chances.append(1 - sum(chances))
    mean = {name: sum(c * getattr(p, name) for c, p in zip(chances, points, strict=True))
            for name in ("f1", "macs", "parameters")}
    right = np.sum([c * p.right for c, p in zip(chances, points, strict=True)], axis=0)
    return Point(right, mean["f1"], mean["macs"], mean["parameters"], f"chance {share:.2f}")


def fixed(b: Bench) -> Curve:
    """Every window leaves at the same exit; one point per exit."""
    return Curve(fixed_points(b, "validation"), fixed_points(b, "test"))


def fixed_points(b: Bench, split: str) -> list[Point]:
    first = b.plain["validation"]
    order = paper_order(first, dict.fromkeys(first.keys(b.modalities), 1.0))
    keys = first.keys(order)
    settings = [{k: 1.0 if k == at else None for k in keys} for at in [*keys, None]]
    return [walk(b.plain[split], b.costs, order, s) for s in settings]


def oracle(b: Bench) -> Curve:
    """Leaves at the first exit that is right; where none is, at the first of all: the limit of gates."""
    return Curve(*([_oracle(b, split)] for split in ("validation", "test")))


def _oracle(b: Bench, split: str) -> Point:
    recording, first = b.plain[split], b.plain["validation"]
    keys = [*first.keys(paper_order(first, dict.fromkeys(first.keys(b.modalities), 1.0))), FUSION]
    right = np.stack([recording.correct(k) for k in keys])
    at, columns = right.argmax(axis=0), np.arange(len(recording))
    answers = np.stack([recording.answer[k] for k in keys])[at, columns]
    macs, held = (np.cumsum([getattr(b.costs[k], n) for k in keys]) for n in ("macs", "parameters"))
    return Point(right[at, columns].astype(np.float64), weighted_f1(answers, recording.labels),
                 float(macs[at].mean()), float(held[at].mean()), "oracle")


def choose(curve: Curve, reference: NDArray[np.bool_], errors: float = 1.0) -> int:
    """Which setting to take, from validation alone: the cheapest that beats `reference` (per window: right or not)
    by so many standard errors of the paired difference; where none does, the most accurate. `reference` may have the
    first windows only."""
    good = []
    for i, point in enumerate(curve.validation):
        difference = point.right[: len(reference)] - reference
        if difference.mean() >= errors * difference.std() / np.sqrt(len(difference)):
            good.append((point.macs, i))
    if good:
        return min(good)[1]
    return min(range(len(curve.validation)), key=lambda i: (-curve.validation[i].accuracy, curve.validation[i].macs))


NEAR = 0.005
"""Accuracy below its own fusion, on validation, that a gate of ours may have."""


def choose_near(curve: Curve, reference: NDArray[np.bool_], own: NDArray[np.bool_], near: float = NEAR) -> int:
    """The cheapest setting that on validation is at most `near` below the network's own fusion and not below
    `reference`; the most accurate where there is none. Against its own fusion few windows differ, so this is known
    more exactly than a difference to another network."""
    least = max(float(own.mean()) - near, float(reference.mean()))
    good = [(p.macs, i) for i, p in enumerate(curve.validation) if p.accuracy >= least]
    if good:
        return min(good)[1]
    return min(range(len(curve.validation)), key=lambda i: (-curve.validation[i].accuracy, curve.validation[i].macs))


def within(curve: Curve, budget: float) -> int | None:
    """The most accurate setting on validation of at most so many MACs; None where there is none."""
    fit = [(-p.accuracy, p.macs, i) for i, p in enumerate(curve.validation) if p.macs <= budget]
    return min(fit)[2] if fit else None

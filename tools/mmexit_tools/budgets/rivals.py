"""What a gate within a budget is held against: gates that look at nothing, in whatever order of the sensors
validation finds best, with the whole budget (what they spend is known beforehand, so they need no margin)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from ..base.exits import FUSION
from ..calibrate.calibration import Recording
from ..comparison.gates import SHARES, Curve, Point, lot, within
from ..comparison.measured import mixed


def fixed_points(recording: Recording, order: Sequence[str]) -> list[Point]:
    """Every window is answered by the same exit, whatever its class; one point per exit, fusion last."""
    keys = [*recording.keys(order), FUSION]
    spent = np.cumsum([recording.macs[k] for k in keys])
    return [Point(recording.correct(k).astype(np.float64), 0.0, float(s), 0.0, " ".join(order))
            for k, s in zip(keys, spent, strict=True)]


def best_of(curve: Curve, budget: float) -> Point | None:
    """On test, of the setting that validation finds best within the budget."""
    i = within(curve, budget)
    return None if i is None else curve.test[i]


def fixed_gate(validation: Recording, test: Recording) -> Curve:
    orders = list(permutations(validation.modalities))
    return Curve(*([p for order in orders for p in fixed_points(r, order)] for r in (validation, test)))


def random_gate(validation: Recording, test: Recording) -> Curve:
    """Leaves at every exit with one probability, whatever it says."""
    orders = list(permutations(validation.modalities))
    return Curve(*([lot(fixed_points(r, order), share) for order in orders for share in SHARES]
                   for r in (validation, test)))


def two_exits(validation: Recording, test: Recording, budget: float) -> float | None:
    """Accuracy of the best draw between two fixed exits."""
    return mixed(fixed_gate(validation, test), budget)

"""The `exact` order of the method page (section 2), as the engine's gate uses it, for calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ExitFigures:
    """Accuracy among those that leave there, cost from the exit before it, hazard: all given the modality's own
    earlier exits did not answer."""

    accuracy: float
    cost: float
    hazard: float


def index(exits: Sequence[ExitFigures], lam: float) -> float:
    """phi* = (G - S C) / E: expected net gain per probability of answering; -inf when it never answers."""
    reach, paid, gain = 1.0, 0.0, 0.0
    for e in exits:
        paid += e.cost
        gain += reach * e.hazard * (lam * e.accuracy - paid)
        reach *= 1 - e.hazard
    answers = 1 - reach
    return (gain - reach * paid) / answers if answers > 0 else float("-inf")


def exact_order(modalities: Sequence[Sequence[ExitFigures]], lam: float) -> list[int]:
    """Indices by decreasing phi*, ties in declared order."""
    values = [index(exits, lam) for exits in modalities]
    return sorted(range(len(values)), key=lambda i: (-values[i], i))

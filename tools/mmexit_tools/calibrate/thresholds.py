"""Thresholds chosen on validation windows: per exit for a price of a wrong answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION
from .calibration import Recording, Thresholds


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
        for i in reversed(range(len(limits))):
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

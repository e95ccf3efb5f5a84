"""What to say where calibration leaves every exit off: that nothing is saved, and what would change it."""

from __future__ import annotations

import math

import numpy as np

from ..base.exits import FUSION
from .calibration import Recording, Tolerance
from .exit_pool import Pool
from .promise import Gate
from .settings_path import Setting

WORTH = 0.3
"""Share of the MACs that an advised setting saves at least, on the windows at hand."""


def all_exits_off(setting: Setting) -> bool:
    return all(t is None for t in (*setting.thresholds.values(), *setting.nones.values()))


def advice(recording: Recording, pool: Pool, gate: Gate, tolerance: Tolerance) -> str:
    """One sentence for the terminal and the card.

    More windows help where a setting loses less than is allowed, and only the standard error stands against it; a
    larger loss helps wherever any setting saves enough."""
    reference = recording.correct(FUSION).astype(np.float64)
    n = len(recording)
    windows, losses = [], []
    for setting in gate.path(recording, pool):
        outcome = gate.walk(recording, setting)
        if 1 - outcome.mean_macs / recording.total_macs < WORTH:
            continue
        difference = reference - outcome.right
        mean, variance = float(difference.mean()), max(float(difference.var()), 1 / n)
        squares = float(((difference - mean) ** 2).sum()) + tolerance.z**2
        losses.append(mean + tolerance.z * math.sqrt(squares) / n)
        if mean < tolerance.loss:
            windows.append(tolerance.z**2 * variance / (tolerance.loss - mean) ** 2)
    would = []
    if windows:
        would.append(f"about {max(1, math.ceil(min(windows)) - n):,} more validation windows")
    if losses:
        would.append(f"`--guarantee off --loss {math.ceil(200 * min(losses) + 1e-9) / 2:g}`")
    said = "no exit may answer alone yet: all sensors stay awake, nothing is saved"
    if would:
        return f"{said}; {', or '.join(would)}, would change that"
    return f"{said}; no thresholds on these {n:,} windows would save {WORTH:.0%} of the MACs: train on more windows"

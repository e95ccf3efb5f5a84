"""When one sensor may be sure of "nothing", and the gate's walk where it may.

A sensor that is sure of nothing knows nothing of what another one would have shown. So `none` from one sensor is
never an answer to a window that stands alone: it is held, every other sensor is asked, and only if all are sure of
`none` is that the answer; else what was asked runs to its end and is fused (the gate's rule for a *look*, in
Sources/Scheduling/Gate.swift; `mmexitctl evaluate` takes every window for a look). In the daemon the same threshold
lets the first sensor say `none` for the time being, and the others look every `max-blind` seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION
from .calibration import Recording, Replay, Thresholds


def none_thresholds(recording: Recording, seen: Mapping[str, NDArray[np.int64]], none: int,
                    missed: float) -> Thresholds:
    """By exit, the largest entropy at which `none` may be said, such that of the windows in which this modality holds
    something at most the share `missed` is taken for nothing at any of its exits.

    The share is divided evenly among the modality's exits; what an exit leaves is the next one's.
    """
    limits: Thresholds = {}
    for modality in recording.modalities:
        something = recording.present[modality] & (seen[modality] != none)
        lost = np.zeros(len(recording), bool)
        count = recording.exits[modality]
        for j in range(1, count + 1):
            key = (modality, j)
            says = recording.answer[key] == none
            allowed = int(missed * something.sum() * j / count) - int(lost.sum())
            wrong = np.sort(recording.entropy[key][something & says & ~lost])
            if len(wrong) <= allowed:
                limit = 0.5  # nothing observed speaks against it; half the scale is generous enough
            elif allowed < 0:
                limit = None
            else:
                limit = float(np.nextafter(wrong[allowed], 0))  # the first one too many stays out
            limits[key] = None if limit is None else min(0.5, float(np.floor(limit * 1e5) / 1e5))
            if limits[key] is not None:
                lost |= something & says & (recording.entropy[key] <= limits[key])
    return limits


def replay_looking(recording: Recording, order: Sequence[str], commands: Thresholds, nones: Thresholds,
                   none: int) -> Replay:
    """The gate's walk over windows that are all looks: exits modality by modality, then fusion.

    `left_at` is the exit whose answer it is: for an agreed `none` the first that was held.
    """
    keys = [*recording.keys(order), FUSION]
    n = len(recording)
    left_at = np.full(n, len(keys) - 1)
    macs = np.zeros(n)
    done = np.zeros(n, bool)  # answered by a sure command
    held = np.full(n, -1)  # the position of the first sure none
    disagreement = np.zeros(n, bool)
    for m in order:
        here = recording.present[m] & ~done
        settled = np.zeros(n, bool)  # this modality was asked to a sure answer
        for j in range(1, recording.exits[m] + 1):
            key, position = (m, j), keys.index((m, j))
            asked = here & ~settled & ~done
            macs[asked] += recording.macs[key]
            limits = np.where(recording.answer[key] == none, _number(nones.get(key)), _number(commands.get(key)))
            sure = asked & (recording.entropy[key] <= limits)
            says_none = recording.answer[key] == none
            answers = sure & ~says_none & (held < 0)
            left_at[answers], done = np.where(answers, position, left_at)[answers], done | answers
            disagreement |= sure & ~says_none & (held >= 0)
            held = np.where(sure & says_none & (held < 0), position, held)
            settled |= sure
        # One that ran to its end without being sure keeps the others from agreeing.
        disagreement |= here & ~settled & ~done
    agreed = ~done & (held >= 0) & ~disagreement
    left_at[agreed] = held[agreed]
    fused = ~done & ~agreed
    macs[fused] = recording.macs[FUSION] + sum(
        recording.macs[k] * recording.present[k[0]][fused] for k in keys if k != FUSION
    )
    table = np.stack([recording.correct(k) for k in keys])
    return Replay(tuple(order), tuple(keys), table[left_at, np.arange(n)], macs, left_at)


def _number(limit: float | None) -> float:
    return -1.0 if limit is None else limit

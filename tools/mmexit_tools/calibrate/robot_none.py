"""When one sensor may be sure of "nothing".

A sensor that is sure of nothing knows nothing of what another one would have shown, so by the gate's rule (`walk`)
its `none` settles itself alone: every sensor that is awake is asked, and only if all are sure of `none` is that the
answer; else what was asked runs to its end and is fused. In the daemon the same threshold lets a sensor that is awake
say `none` for the time being while others sleep, and all look every `max-blind` seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .calibration import Recording, Thresholds


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

"""What the gate's walk takes and gives: policy, readings and conditions of N windows, and what became of each.

As in Sources/Scheduling (`GatePolicy`, `Reading`, `WindowConditions`, `Answer`); arrays are [N], one value a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey

Mask = NDArray[np.bool_]
REASONS = ("sure", "inactive", "fused", "fusedUnsure", "gainBelowCost", "wakeDeadlineMissed", "wakePending",
           "modalityMissing", "skewAboveLimit", "windowInvalid", "noData")
SURE, INACTIVE, FUSED, FUSED_UNSURE, GAIN, DEADLINE, PENDING, MISSING, SKEW, INVALID, NO_DATA = range(len(REASONS))
NOBODY = -1
"""Position of an exit, or index of a class, where nobody could say anything."""


def is_fusion_nearly_free(macs: Mapping[ExitKey, int]) -> bool:
    """Whether fusion takes at most a fiftieth of the MACs of running everything (`Model.isFusionNearlyFree`)."""
    return macs[FUSION] * 50 <= sum(macs.values())


@dataclass(frozen=True)
class Readings:
    """What every exit would say, were it asked. `certainty` is looked at where the best answer so far may count: when
    giving up is weighed, data can be late or lost, or a pair be refused. `macs`: of an exit and its segment.
    `override`: by first exit the probability of the class that overrides, 0...1, after the exit's temperature; looked
    at where the policy has a threshold for it."""

    entropy: Mapping[ExitKey, NDArray[np.floating]]
    answer: Mapping[ExitKey, NDArray[np.int64]]
    certainty: Mapping[ExitKey, NDArray[np.floating]] | None = None
    macs: Mapping[ExitKey, int] | None = None
    override: Mapping[ExitKey, NDArray[np.floating]] | None = None


@dataclass(frozen=True)
class ContinuationValue:
    """What giving up is weighed by. `exits`: (accuracy, cost, hazard) of each, fusion's hazard is 1."""

    worth: float
    exits: Mapping[ExitKey, tuple[float, float, float]]
    wake: Mapping[str, float]


@dataclass(frozen=True)
class GatePolicy:
    """`steps`: every exit of every modality once, each modality's in rising order. `limit`: for an exit and classes
    the thresholds, NaN where it may not answer (fusion: where it has none). `classes`: how many there are; looked at
    with `continuation` only. `yielding`: exits in whose place fusion answers where nothing but fusion is left to run.
    `overriding`: the class that overrides what another sensor is sure of; `overrides`: by first exit the probability
    of it at or above which it does, where it is asked for that. `beside_none`: by exit what a command has to be at or
    below, in place of its limit, to conclude beside another sensor's sure `none`; an exit that is not named never
    does.
    """

    steps: Sequence[ExitKey]
    limit: Callable[[ExitKey, NDArray[np.int64]], NDArray[np.floating]]
    none: int | None = None
    classes: int = 0
    continuation: ContinuationValue | None = None
    use_activity: bool = False
    activity_certainty: float = 1.0
    always: bool = False
    yielding: frozenset[ExitKey] = frozenset()
    overriding: int | None = None
    overrides: Mapping[ExitKey, float] = field(default_factory=dict)
    beside_none: Mapping[ExitKey, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Conditions:
    """What a window begins with, by modality (nobody where it is not named), and what the world does then: `wakes`
    is what becomes of a wake (`delivered`, `pending`, `deadlineMissed`, `failed`, `refused`; not named: delivered).
    """

    present: Mapping[str, Mask]
    wakeable: Mapping[str, Mask] = field(default_factory=dict)
    invalid: Mapping[str, Mask] = field(default_factory=dict)
    inactive: Mapping[str, Mask] = field(default_factory=dict)
    look_due: Mask | None = None
    wakes: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    skew_too_large: Mask | None = None


@dataclass(frozen=True)
class Walked:
    """`exit`: position in `keys` of the exit that answered, NOBODY where none did; `answer`: its class, or NOBODY;
    `reason`: index in REASONS; `unopposing`: asked for nothing but the class that overrides, and did not say it;
    `actions`: in the order they were asked for, (`a`dvance, `w`ake or `f`use, modality, the windows)."""

    keys: Sequence[ExitKey]
    exit: NDArray[np.int64]
    answer: NDArray[np.int64]
    entropy: NDArray[np.float64]
    certainty: NDArray[np.float64]
    threshold: NDArray[np.float64]
    reason: NDArray[np.int64]
    sure: Mask
    provisional: Mask
    all_looked: Mask
    look: Mask
    macs: NDArray[np.float64]
    asked: Mapping[str, Mask]
    woken: Mapping[str, Mask]
    missing: Mapping[str, Mask]
    wanted: Mapping[str, Mask]
    unopposing: Mapping[str, Mask]
    actions: Sequence[tuple[str, str, Mask]]

"""Temperatures and thresholds, chosen on recorded validation windows.

Everything works on `Recording`s: what every exit said about every window (`mmexit_tools.quantize.quantization` or the
engine's audit make them), so that any setting of thresholds can be replayed without running a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from .gate import Conditions, GatePolicy, Readings
from .ordering import ExitFigures, exact_order
from .walk import walk

TEMPERATURES = (0.05, 20.0)


def softmax(logits: NDArray, temperature: float = 1.0) -> NDArray[np.float64]:
    z = np.asarray(logits, np.float64) / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def normalized_entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eq. 2: in 0...1."""
    p = np.clip(probabilities, 1e-30, 1.0)
    return np.clip(-(p * np.log(p)).sum(axis=1) / np.log(p.shape[1]), 0.0, 1.0)


def fit_temperature(logits: NDArray, labels: NDArray[np.int64]) -> float:
    """The temperature with the smallest cross-entropy; 1 when there are no windows."""
    if len(labels) == 0:
        return 1.0

    def loss(log_t: float) -> float:
        p = softmax(logits, float(np.exp(log_t)))
        return float(-np.log(np.clip(p[np.arange(len(labels)), labels], 1e-30, 1)).mean())

    bounds = (np.log(TEMPERATURES[0]), np.log(TEMPERATURES[1]))
    found = scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Recording:
    """What every exit says about N windows.

    `entropy`, `answer` by exit, [N]; a missing modality's entropy is +inf, so its exits never answer.
    `macs`: of the segment and its exit, or of fusion.
    """

    modalities: tuple[str, ...]
    exits: Mapping[str, int]
    entropy: Mapping[ExitKey, NDArray[np.float64]]
    answer: Mapping[ExitKey, NDArray[np.int64]]
    labels: NDArray[np.int64]
    present: Mapping[str, NDArray[np.bool_]]
    macs: Mapping[ExitKey, int]
    yielding: frozenset[ExitKey] = frozenset()
    """Exits in whose place fusion answers where nothing but fusion is left to run."""
    overriding: int | None = None
    """The class that overrides what another sensor says."""
    override: Mapping[ExitKey, NDArray[np.float64]] = field(default_factory=dict)
    """Its probability by every sensor's first exit, [N]."""
    overrides: Mapping[ExitKey, float] = field(default_factory=dict)
    """From which probability on it does override; an exit without one is not asked for that."""
    beside_none: Mapping[ExitKey, float] = field(default_factory=dict)
    """At or below which an exit's command stands beside another sensor's sure `none`."""

    def __len__(self) -> int:
        return len(self.labels)

    def keys(self, order: Sequence[str]) -> list[ExitKey]:
        return [(m, j + 1) for m in order for j in range(self.exits[m])]

    def correct(self, key: ExitKey) -> NDArray[np.bool_]:
        return self.answer[key] == self.labels

    def never_answers(self, order: Sequence[str]) -> ExitKey | None:
        """The exit that fusion answers for, with every sensor awake: the last in this order, where it yields."""
        last = (order[-1], self.exits[order[-1]])
        return last if len(order) > 1 and last in self.yielding else None

    @property
    def total_macs(self) -> int:
        return sum(self.macs.values())


def record(modalities: Sequence[str], logits: Mapping[ExitKey, NDArray], labels: NDArray[np.int64],
           present: Mapping[str, NDArray[np.bool_]], macs: Mapping[ExitKey, int],
           temperatures: Mapping[ExitKey, float], overriding: int | None = None) -> Recording:
    entropy, answer, override = {}, {}, {}
    for key, values in logits.items():
        p = softmax(values, temperatures[key])
        h = normalized_entropy(p)
        if overriding is not None and key != FUSION and key[1] == 1:
            override[key] = p[:, overriding]
        if key != FUSION:
            h = np.where(present[key[0]], h, np.inf)
        entropy[key], answer[key] = h, values.argmax(axis=1)
    exits = {m: max(k[1] for k in logits if k[0] == m) for m in modalities}
    return Recording(tuple(modalities), exits, entropy, answer, labels, present, macs, overriding=overriding,
                     override=override)


Thresholds = dict[ExitKey, float | None]


@dataclass(frozen=True)
class Replay:
    """Outcome of a setting: per window the answer and whether it is right, MACs spent, and the exit whose answer it
    is (position in `keys`; last is fusion; for an agreed `none` the first that was sure of it)."""

    order: tuple[str, ...]
    keys: tuple[ExitKey, ...]
    answer: NDArray[np.int64]
    right: NDArray[np.bool_]
    macs: NDArray[np.float64]
    left_at: NDArray[np.int64]
    woken: Mapping[str, NDArray[np.bool_]]

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    @property
    def mean_macs(self) -> float:
        return float(self.macs.mean())

    def shares(self) -> dict[ExitKey, float]:
        return {k: float((self.left_at == i).mean()) for i, k in enumerate(self.keys)}


def replay(recording: Recording, order: Sequence[str], thresholds: Thresholds, nones: Thresholds | None = None,
           none: int | None = None, asleep: Sequence[str] = ()) -> Replay:
    """Walks the gate over windows that stand alone: exits modality by modality in `order`, then fusion.

    `none`: the class that means nothing, of which `nones` has the thresholds; `thresholds` are the other classes'.
    `asleep`: modalities that are there only once they are woken, in time; the others are awake."""
    keys = [*recording.keys(order), FUSION]
    limits = {k: (_number(thresholds.get(k)), _number((nones or {}).get(k))) for k in keys}

    def limit(key: ExitKey, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        others, nothing = limits[key]
        return np.full(len(labels), others) if none is None else np.where(labels == none, nothing, others)

    if none is None and not recording.overrides and not asleep and all(p.all() for p in recording.present.values()):
        return _replay_all_awake(recording, tuple(order), keys, [limits[k][0] for k in keys[:-1]])
    sleeping = {m: v for m, v in recording.present.items() if m in asleep}
    awake = {m: v for m, v in recording.present.items() if m not in asleep}
    policy = GatePolicy(keys[:-1], limit, none, yielding=recording.yielding, overriding=recording.overriding,
                        overrides=recording.overrides, beside_none=recording.beside_none)
    found = walk(policy, Readings(recording.entropy, recording.answer, None, recording.macs,
                                  override=recording.override), Conditions(awake, sleeping))
    return Replay(tuple(order), tuple(keys), found.answer, found.answer == recording.labels, found.macs, found.exit,
                  found.woken)


def _replay_all_awake(recording: Recording, order: tuple[str, ...], keys: Sequence[ExitKey],
                      limits: Sequence[float]) -> Replay:
    """What the walk comes to where every sensor is there and no class means nothing: the first exit that is sure
    answers, else fusion. Many times faster; `tests/test_calibration.py` holds it to the walk."""
    n = len(recording)
    left_at = np.full(n, len(limits))
    answering = len(limits) - (recording.never_answers(order) is not None)
    for i in reversed(range(answering)):
        left_at[recording.entropy[keys[i]] <= limits[i]] = i
    answer = np.empty(n, np.int64)
    for i, key in enumerate(keys):
        here = left_at == i
        answer[here] = recording.answer[key][here]
    spent = np.cumsum([float(recording.macs[k]) for k in keys])
    return Replay(order, tuple(keys), answer, answer == recording.labels, spent[left_at], left_at,
                  {m: np.zeros(n, bool) for m in order})


def _number(limit: float | None) -> float:
    return np.nan if limit is None else limit


@dataclass(frozen=True)
class Tolerance:
    """`loss`: points of accuracy below full fusion that are allowed (0.005 is half a point). A setting counts as
    good when mean loss + `z` standard errors of the paired difference stays within it. `z`^2 more lost windows than
    were seen go into the standard error: n windows without a loss leave room for a loss of `z`^2 / n, as a score
    interval does."""

    loss: float = 0.005
    z: float = 1.645

    def allows(self, outcome: Replay, reference: NDArray[np.bool_]) -> bool:
        difference = reference.astype(np.float64) - outcome.right
        squares = float(((difference - difference.mean()) ** 2).sum()) + self.z**2
        return float(difference.mean() + self.z * np.sqrt(squares) / len(difference)) <= self.loss


def candidates(recording: Recording, key: ExitKey, count: int = 48) -> list[float | None]:
    """Thresholds worth trying at an exit: off, then quantiles of its entropy, finer where few leave."""
    values = recording.entropy[key][np.isfinite(recording.entropy[key])]
    if len(values) == 0:
        return [None]
    quantiles = np.linspace(0, 1, count + 1)[1:] ** 1.5
    found = np.unique(np.round(np.quantile(values, quantiles), 5))
    return [None, *[float(v) for v in found if v < 0.999]]


def choose_thresholds(recording: Recording, order: Sequence[str], tolerance: Tolerance,
                      prices: int = 28) -> Thresholds:
    """The cheapest allowed setting found for this order.

    For a range of prices of a wrong answer in MACs, coordinate descent on MACs + price x loss; the cheapest of the
    settings so found that the tolerance allows. All exits off is always allowed.
    """
    keys = recording.keys(order)
    choices = {k: candidates(recording, k) for k in keys}
    reference = recording.correct(FUSION)
    best: Thresholds = dict.fromkeys(keys)
    best_macs = replay(recording, order, best).mean_macs
    for setting in descend_prices(recording, order, choices, prices):
        outcome = replay(recording, order, setting)
        if outcome.mean_macs < best_macs and tolerance.allows(outcome, reference):
            best, best_macs = setting, outcome.mean_macs
    return best


def descend_prices(recording: Recording, order: Sequence[str], choices: Mapping[ExitKey, list[float | None]],
                   prices: int) -> list[Thresholds]:
    """One setting for each of a range of prices of a wrong answer in MACs, by coordinate descent."""
    table = _Table(recording, recording.keys(order))
    reference = recording.correct(FUSION)
    if (never := recording.never_answers(order)) is not None:
        choices = {**choices, never: [None]}
    return [table.descend(choices, float(price), reference)
            for price in np.geomspace(0.2, 300, prices) * recording.total_macs]


class _Table:
    """Cost of leaving at each exit, prepared for quick evaluation of many settings."""

    def __init__(self, recording: Recording, keys: Sequence[ExitKey]) -> None:
        self.keys = list(keys)
        self.entropy = np.stack([recording.entropy[k] for k in keys])
        self.rank = np.argsort(self.entropy, axis=1, kind="stable")
        self.right = np.stack([recording.correct(k) for k in [*keys, FUSION]]).astype(np.float64)
        spent = [recording.macs[k] * recording.present[k[0]] for k in keys]
        spent.append(np.full(len(recording), recording.macs[FUSION]))
        self.macs = np.cumsum(np.stack(spent), axis=0)

    def descend(self, choices: Mapping[ExitKey, list[float | None]], price: float,
                reference: NDArray[np.bool_]) -> Thresholds:
        """Coordinate descent from everything off until nothing improves."""
        cost = self.macs + price * (reference - self.right)
        limits: list[float | None] = [None for _ in self.keys]
        sure = np.zeros((len(self.keys), cost.shape[1]), bool)
        value = float(cost[-1].mean())
        places = [[-np.inf if c is None else c for c in choices[k]] for k in self.keys]
        for _ in range(8):
            before = value
            for i in reversed(range(len(self.keys))):
                after = self._cost_after(cost, sure, i)
                reach = ~sure[:i].any(axis=0)
                elsewhere = self._spent_before(cost, sure, i)
                here = self.entropy[i]
                # Sorted by entropy, the windows that a limit lets leave come first: one sum for all limits.
                change = np.cumsum(np.where(reach, cost[i] - after, 0.0)[self.rank[i]])
                leaving = np.searchsorted(here[self.rank[i]], places[i], side="right")
                totals = (np.where(reach, after, elsewhere).sum() + np.append(0.0, change)[leaving]) / len(here)
                k = int(np.argmin(totals))
                if totals[k] < value - 1e-9:
                    value, limits[i] = float(totals[k]), choices[self.keys[i]][k]
                    sure[i] = here <= limits[i] if limits[i] is not None else False
            if value >= before - 1e-9:
                break
        return dict(zip(self.keys, limits, strict=True))

    @staticmethod
    def _cost_after(cost: NDArray, sure: NDArray, i: int) -> NDArray:
        """What a window costs that passes exit i."""
        rows = np.vstack([sure[i + 1 :], np.ones((1, cost.shape[1]), bool)]).argmax(axis=0) + i + 1
        return cost[rows, np.arange(cost.shape[1])]

    @staticmethod
    def _spent_before(cost: NDArray, sure: NDArray, i: int) -> NDArray:
        """What a window costs that left before exit i (whatever it costs where it does not)."""
        if i == 0:
            return cost[0]
        return cost[sure[:i].argmax(axis=0), np.arange(cost.shape[1])]


def figures(recording: Recording, thresholds: Thresholds) -> dict[ExitKey, tuple[float | None, float]]:
    """(accuracy among those that leave there, hazard) of every exit, as docs/model-format.md defines them; the
    modality's own earlier exits alone decide who gets there. Accuracy is None where nobody leaves."""
    result: dict[ExitKey, tuple[float | None, float]] = {}
    for m in recording.modalities:
        alive = recording.present[m].copy()
        for j in range(recording.exits[m]):
            key = (m, j + 1)
            limit = thresholds.get(key)
            leaves = alive & (recording.entropy[key] <= limit) if limit is not None else np.zeros_like(alive)
            hazard = float(leaves.sum() / alive.sum()) if alive.any() else 0.0
            accuracy = float(recording.correct(key)[leaves].mean()) if leaves.any() else None
            result[key] = (accuracy, hazard)
            alive &= ~leaves
    outcome = replay(recording, recording.modalities, thresholds)
    survivors = outcome.left_at == len(outcome.keys) - 1
    right = recording.correct(FUSION)
    result[FUSION] = (float(right[survivors].mean()) if survivors.any() else float(right.mean()), 1.0)
    return result


def gate_order(recording: Recording, thresholds: Thresholds, lam: float | None = None) -> tuple[str, ...]:
    """The order the gate will take: `exact`, costs in MACs, a right answer worth `lam` MACs (default: the whole
    network's)."""
    found = figures(recording, thresholds)
    modalities = [
        [ExitFigures(found[(m, j + 1)][0] or 0.0, recording.macs[(m, j + 1)], found[(m, j + 1)][1])
         for j in range(recording.exits[m])]
        for m in recording.modalities
    ]
    order = exact_order(modalities, recording.total_macs if lam is None else lam)
    return tuple(recording.modalities[i] for i in order)


def calibrate(recording: Recording, tolerance: Tolerance) -> tuple[Thresholds, tuple[str, ...]]:
    """Thresholds and the order they were chosen for: the cheapest order that the gate will really take."""
    found: list[tuple[bool, float, Thresholds, tuple[str, ...]]] = []
    for order in permutations(recording.modalities):
        setting = choose_thresholds(recording, order, tolerance)
        real = gate_order(recording, setting)
        outcome = replay(recording, real, setting)
        good = real == order and tolerance.allows(outcome, recording.correct(FUSION))
        found.append((not good, outcome.mean_macs, setting, real))
    unfit, _, setting, order = min(found, key=lambda f: f[:2])
    if unfit:  # no order agrees with itself: only full fusion keeps the promise
        setting = dict.fromkeys(recording.keys(recording.modalities))
        order = gate_order(recording, setting)
    return setting, order

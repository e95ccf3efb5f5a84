"""Teaches a model file's gain heads on validation windows, by cross-fitting (`calibrate.gain` says what they are).

Thresholds are chosen on what heads say of windows that they have not seen: of each fold, from a head taught on the
others. Where a promise is tested, heads are taught on the windows that choose alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from ..model.graphs import Cost
from ..model.layers import Network
from ..quantize.head_codes import HeadCodes, look_additions
from ..quantize.stored_head import Part, StoredHead, doubt, logit_codes
from . import gain
from .calibration import normalized_entropy, softmax
from .exit_pool import Pool

HIDDEN = 64
"""Units of a head: hard windows and easy ones have to go into one."""


@dataclass(frozen=True)
class Taught:
    """A head, its `doubt` of each window (from heads that had not seen it) with looks and `alone`, without any, and
    the mean square of its error against that of no head at all."""

    head: StoredHead
    doubt: NDArray[np.float64]
    alone: NDArray[np.float64]
    error: float
    variance: float


def teach(pool: Pool, codes: HeadCodes, temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, Taught]:
    """A head for every exit of these windows: with looks at the other modalities where that errs less.

    Heads learn from windows in which every sensor has data, where half of them are such: in others there is nothing
    to gain, which says nothing of a sensor that sleeps."""
    right = {k: x.argmax(axis=1) == pool.labels for k, x in pool.logits.items()}
    whole = np.logical_and.reduce(list(pool.present.values()))
    apart = [part for part in gain.apart(pool.groups, len(pool)) if part[1].any()]
    found = {}
    for key in codes.features:
        target = right[FUSION].astype(np.float64) - right[key]
        known = _Known.of(pool, codes, key, temperatures[key])
        others = [m for m in codes.looks if m != key[0]]
        choices = [tuple(others), ()] if others else [()]
        here = pool.present[key[0]]
        use = whole if 2 * whole.sum() >= here.sum() else here
        taught, unseen = apart[0]
        best = choices[0]
        if len(choices) > 1:
            best = min(choices, key=lambda names: _error(known, names, target, use & taught, use & unseen))
        held_out, alone = np.ones(len(pool), np.float32), np.ones(len(pool), np.float32)
        for taught, unseen in apart:
            head, rest = _head(known, best, target, use & taught), known.part(unseen)
            held_out[unseen], alone[unseen] = rest.predict(head), rest.asleep().predict(head)
        error = float(((held_out - target)[use] ** 2).mean())
        found[key] = Taught(_head(known, best, target, use), np.where(here, doubt(held_out), np.inf),
                            np.where(here, doubt(alone), np.inf), error, float(target[use].var()))
    return found


def doubts(heads: Mapping[ExitKey, StoredHead], pool: Pool, codes: HeadCodes,
           temperatures: Mapping[ExitKey, float], asleep: bool = False) -> dict[ExitKey, NDArray[np.float64]]:
    """What heads that are taught say of windows, [N] by exit; +inf where the exit's modality is missing. `asleep`:
    with the other sensors asleep, so that nothing can be looked at."""
    said = {}
    for key, head in heads.items():
        known = _Known.of(pool, codes, key, temperatures[key])
        gains = (known.asleep() if asleep else known).predict(head)
        said[key] = np.where(pool.present[key[0]], doubt(gains), np.inf)
    return said


def billed(costs: Mapping[ExitKey, Cost], heads: Mapping[ExitKey, StoredHead],
           network: Network) -> dict[ExitKey, Cost]:
    """Costs with the heads', and each look at a modality's first exit that takes it."""
    shapes = {m.name: m.features.shape for m in network.modalities}
    result, seen = dict(costs), set()
    for key in sorted(heads, key=lambda k: ([m.name for m in network.modalities].index(k[0]), k[1])):
        head = heads[key]
        new = {(key[0], m) for m in head.looks} - seen
        seen |= new
        macs = head.macs + sum(look_additions(shapes[m]) for _, m in new)
        result[key] = replace(costs[key], macs=costs[key].macs + macs,
                              parameters=costs[key].parameters + head.parameters)
    return result


@dataclass(frozen=True)
class _Known:
    """Codes of one exit's windows."""

    logits: NDArray[np.int16]
    feature: NDArray[np.int16]
    looks: Mapping[str, NDArray[np.int16]]
    seen: Mapping[str, NDArray[np.bool_]]

    @staticmethod
    def of(pool: Pool, codes: HeadCodes, key: ExitKey, temperature: float) -> _Known:
        entropy = normalized_entropy(softmax(pool.logits[key], temperature))
        return _Known(logit_codes(pool.logits[key], temperature, entropy), codes.features[key], codes.looks,
                      pool.present)

    def part(self, which: NDArray) -> _Known:
        return _Known(self.logits[which], self.feature[which], {m: v[which] for m, v in self.looks.items()},
                      {m: v[which] for m, v in self.seen.items()})

    def asleep(self) -> _Known:
        """With nothing to look at."""
        return replace(self, seen={m: np.zeros_like(v) for m, v in self.seen.items()})

    def predict(self, head: StoredHead) -> NDArray[np.float32]:
        return head.predict(self.logits, self.feature, self.looks, self.seen)


def _error(known: _Known, names: Sequence[str], target: NDArray, taught: NDArray, apart: NDArray) -> float:
    head = _head(known, names, target, taught)
    return float(((known.part(apart).predict(head) - target[apart]) ** 2).mean())


def _head(known: _Known, names: Sequence[str], target: NDArray, rows: NDArray[np.bool_]) -> StoredHead:
    """Taught on these windows, rounded to int8."""
    tables = [known.logits, known.feature, *(known.looks[m] for m in names)]
    edges = np.cumsum([0, *(t.shape[1] for t in tables)])
    parts = [slice(a, b) for a, b in pairwise(edges)]
    x = np.concatenate([t[rows] for t in tables], axis=1).astype(np.float64)
    there = np.ones(x.shape, bool)
    for m, columns in zip(names, parts[2:], strict=True):
        there[:, columns] = known.seen[m][rows][:, None]
    count = np.maximum(1, there.sum(axis=0))
    mean = (x * there).sum(axis=0) / count
    spread = np.sqrt(((x - mean) ** 2 * there).sum(axis=0) / count) + 1e-1
    found = gain.learn((x - mean) / spread * there, target[rows], together=parts[2:], hidden=HIDDEN)
    stored, offsets = [], []
    for columns in parts:
        weight, scale = gain.to_int8(found.first[:, columns] / spread[columns])
        stored.append((weight, scale))
        # The mean goes through the rounded weights, so that rounding moves nothing on average.
        offsets.append(-(weight * scale[:, None]).astype(np.float64) @ mean[columns])
    looks = {m: Part(*w, bias=o.astype(np.float32)) for m, w, o in zip(names, stored[2:], offsets[2:], strict=True)}
    bias = (found.bias + offsets[0] + offsets[1]).astype(np.float32)
    return StoredHead(Part(*stored[0]), Part(*stored[1]), looks, bias, found.second.astype(np.float32),
                      float(np.float32(found.second_bias)))

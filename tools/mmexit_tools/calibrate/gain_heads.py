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


@dataclass(frozen=True)
class Taught:
    """A head, its `doubt` of each window (from heads that had not seen it), and the mean square of its error against
    that of no head at all."""

    head: StoredHead
    doubt: NDArray[np.float64]
    error: float
    variance: float


def teach(pool: Pool, codes: HeadCodes, temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, Taught]:
    """A head for every exit of these windows: with looks at the other modalities where that errs less."""
    right = {k: x.argmax(axis=1) == pool.labels for k, x in pool.logits.items()}
    fold = gain.folds(_one_kind(pool), len(pool))
    found = {}
    for key in codes.features:
        target = right[FUSION].astype(np.float64) - right[key]
        known = _Known.of(pool, codes, key, temperatures[key])
        others = [m for m in codes.looks if m != key[0]]
        choices = [tuple(others), ()] if others else [()]
        here = pool.present[key[0]]
        best = min(choices, key=lambda names: _error(known, names, target, here & (fold != 0), here & (fold == 0)))
        held_out = np.ones(len(pool), np.float32)
        for f in np.unique(fold):
            head = _head(known, best, target, here & (fold != f))
            held_out[fold == f] = known.predict(head)[fold == f]
        error = float(((held_out - target)[here] ** 2).mean())
        found[key] = Taught(_head(known, best, target, here), np.where(here, doubt(held_out), np.inf), error,
                            float(target[here].var()))
    return found


def doubts(heads: Mapping[ExitKey, StoredHead], pool: Pool, codes: HeadCodes,
           temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, NDArray[np.float64]]:
    """What heads that are taught say of windows, [N] by exit; +inf where the exit's modality is missing."""
    return {k: np.where(pool.present[k[0]], doubt(_Known.of(pool, codes, k, temperatures[k]).predict(h)), np.inf)
            for k, h in heads.items()}


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

    def predict(self, head: StoredHead) -> NDArray[np.float32]:
        return head.predict(self.logits, self.feature, self.looks, self.seen)


def _one_kind(pool: Pool) -> NDArray | None:
    """Windows of a group of the rarest kind stay in one fold."""
    kinds = [v for v in pool.groups.values() if len(np.unique(v)) >= gain.FOLDS]
    return min(kinds, key=lambda v: len(np.unique(v))) if kinds else None


def _error(known: _Known, names: Sequence[str], target: NDArray, taught: NDArray, apart: NDArray) -> float:
    return float(((known.predict(_head(known, names, target, taught)) - target)[apart] ** 2).mean())


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
    found = gain.learn((x - mean) / spread * there, target[rows], together=parts[2:])
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

"""The range of every tensor, measured on windows, and the int8 mapping that covers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model.datasets import Batch
from ..model.graphs import Graph, float_step, run

CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


@dataclass(frozen=True)
class Affine:
    """real = scale * (q - zero_point)."""

    scale: np.float32
    zero_point: int


Ranges = dict[str, tuple[float, float]]


def measure_ranges(graph: Graph, batch: Batch, percentile: float = 100.0, size: int = 64) -> Ranges:
    """(low, high) of every tensor over the windows where its modality is there; 0 is always inside.

    A percentile below 100 leaves out that tail on both sides: the mean over chunks of each chunk's quantiles.
    """
    low: dict[str, list[float]] = {}
    high: dict[str, list[float]] = {}
    inputs, present = batch.tensors()
    owner = {n.output: m.name for m in graph.modalities for s in m.segments for n in (*s.nodes, *s.exit_nodes)}
    owner |= {m.input: m.name for m in graph.modalities}
    for i in range(0, len(batch), size):
        here = slice(i, i + size)
        there = {m: p[here] for m, p in present.items()}
        with torch.no_grad():
            tensors = run(graph, {m: x[here] for m, x in inputs.items()}, float_step, zero_absent(there))
        for name in graph.shapes:
            t = tensors[name][there[owner[name]]] if name in owner else tensors[name]
            if t.numel() == 0:
                continue
            lo, hi = _quantiles(t.numpy(), percentile)
            low.setdefault(name, []).append(lo)
            high.setdefault(name, []).append(hi)
    fold_low, fold_high = (np.min, np.max) if percentile >= 100 else (np.mean, np.mean)
    return {n: (min(0.0, float(fold_low(low[n]))), max(0.0, float(fold_high(high[n])))) for n in low}


def fit_ranges(graph: Graph, batch: Batch, size: int = 64) -> Ranges:
    """For every tensor, the part of its whole range with the least square error of rounding and clipping."""
    whole = measure_ranges(graph, batch, 100.0, size)
    errors = {n: np.zeros(len(CLIPS)) for n in whole}
    inputs, present = batch.tensors()
    for i in range(0, len(batch), size):
        here = slice(i, i + size)
        there = {m: p[here] for m, p in present.items()}
        with torch.no_grad():
            tensors = run(graph, {m: x[here] for m, x in inputs.items()}, float_step, zero_absent(there))
        for name, (low, high) in whole.items():
            for j, clip in enumerate(CLIPS):
                gap = round_to(tensors[name], affine(low * clip, high * clip)) - tensors[name]
                errors[name][j] += float(gap.square().sum())
    best = {n: CLIPS[int(e.argmin())] for n, e in errors.items()}
    return {n: (low * best[n], high * best[n]) for n, (low, high) in whole.items()}


def round_to(x: Tensor, a: Affine) -> Tensor:
    """Real numbers to the nearest that int8 can hold."""
    scale = float(a.scale)
    return ((torch.round(x / scale) + a.zero_point).clamp(-128, 127) - a.zero_point) * scale


def affine(low: float, high: float) -> Affine:
    """The finest int8 mapping that covers low...high and has 0 exactly; a ReLU's zero is -128."""
    scale = np.float32(max((high - low) / 255, 1e-8))
    return Affine(scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))


def zero_absent(present: Mapping[str, Tensor]):
    return lambda modality, t: t * present[modality].to(t.dtype).unsqueeze(1)


def _quantiles(values: NDArray[np.float32], percentile: float) -> tuple[float, float]:
    if percentile >= 100:
        return float(values.min()), float(values.max())
    q = np.quantile(values.reshape(-1), [1 - percentile / 100, percentile / 100])
    return float(q[0]), float(q[1])

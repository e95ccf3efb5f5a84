"""Post-training int8, and an exact simulation of the engine's integer arithmetic.

Weights: symmetric per output channel in -127...127. Activations: affine per tensor int8, ranges measured on
validation windows. Bias: int32 in units of input scale x weight scale. A result is
clamp(rint(sum * multiplier) + zero point) with one float32 multiply (Sources/CKernels/include/mmx_kernels.h).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..base.errors import ToolError
from ..model.blocks import max_pool
from ..model.datasets import Batch
from ..model.graphs import Graph, Node, beside, float_step, run, weighted_sum
from ..model.layers import NO_PADDING, MaxPool
from ..signals.features import Features, ImageFeatures
from .equalization import STRENGTHS, equalize
from .ranges import Affine, Ranges, affine, fit_ranges, measure_ranges, zero_absent

KEEPS_SCALE = {"max_pool", "flatten"}
RANGES = ("least squares", "all", "99.99 %")
"""Ways to choose an activation's range: least square error of rounding, all values, all but 0.01 % of them."""


@dataclass(frozen=True)
class Weights:
    """int8 weights in the engine's layout, int32 bias, float32 scale per output channel."""

    values: NDArray[np.int8]
    bias: NDArray[np.int32]
    scale: NDArray[np.float32]


@dataclass(frozen=True)
class QuantizedGraph:
    graph: Graph
    activations: Mapping[str, Affine]
    weights: Mapping[str, Weights]
    """By the name of the node's output."""


def correct_biases(quantized: QuantizedGraph, batch: Batch, windows: int = 384) -> QuantizedGraph:
    """Moves every bias by what the rounding before it (of the inputs, of all earlier layers, of the layer's own
    weights) takes from its channel's mean over the first `windows` windows, layer after layer."""
    part = slice_batch(batch, windows)
    inputs, present = part.tensors()
    corrected = QuantizedGraph(quantized.graph, quantized.activations, dict(quantized.weights))
    arithmetic = IntegerArithmetic(corrected)
    with torch.no_grad():
        plain = run(quantized.graph, inputs, float_step, zero_absent(present))

        def step(node: Node, given: list[Tensor]) -> Tensor:
            if node.weight is not None and node.bias is not None:
                w, here = corrected.weights[node.output], corrected.activations[node.inputs[0]]
                unit = np.float64(here.scale) * w.scale
                wanted = weighted_sum(node, plain[node.inputs[0]], torch.from_numpy(node.weight))
                found = weighted_sum(node, given[0] - here.zero_point, torch.from_numpy(w.values).double())
                lost = channel_means(wanted) + node.bias - (channel_means(found) + w.bias) * unit
                moved = np.clip(w.bias + np.rint(lost / unit), -(2**30), 2**30).astype(np.int32)
                corrected.weights[node.output] = Weights(w.values, moved, w.scale)
            return arithmetic.step(node, given)

        ready = {m.name: arithmetic.quantize_input(m.input, inputs[m.name]) for m in quantized.graph.modalities}
        run(quantized.graph, ready, step, _absent(corrected, present))
    return corrected


def channel_means(x: Tensor) -> NDArray[np.float64]:
    """Of maps [N, C, H, W] or vectors [N, C], over windows and places."""
    return x.transpose(0, 1).flatten(1).double().mean(1).numpy()


def channel_axis(node: Node) -> int:
    """The axis of a weight that counts output channels."""
    assert node.weight is not None
    return node.weight.ndim - 1 if node.op == "depthwise_conv2d" else 0


def quantize(graph: Graph, ranges: Ranges) -> QuantizedGraph:
    """Raises ToolError when a tensor has no range or a weight is not finite."""
    features = {m.name: m.features for m in graph.network.modalities}
    activations: dict[str, Affine] = {
        m.input: picture_levels(features[m.name]) or affine(*_range(ranges, m.input)) for m in graph.modalities
    }
    weights: dict[str, Weights] = {}
    for node in graph.nodes():
        if node.op in KEEPS_SCALE:
            activations[node.output] = activations[node.inputs[0]]
        elif node.op != "logits":
            low, high = _range(ranges, node.output)
            activations[node.output] = affine(0.0 if node.relu else low, high if node.top is None else node.top)
        if node.weight is not None:
            weights[node.output] = quantize_weights(node, activations[node.inputs[0]].scale)
    return QuantizedGraph(graph, activations, weights)


def picture_levels(features: Features) -> Affine | None:
    """A picture's own 256 levels as the int8 grid, so that a pixel loses nothing but one shift common to all of them,
    which the first layer's bias takes back (`correct_biases`). None for other features, where channels differ, and
    where the shift is near half a level, so that two levels might be rounded to one."""
    if not isinstance(features, ImageFeatures) or len(set(zip(features.mean, features.std, strict=True))) != 1:
        return None
    mean, std = features.mean[0], features.std[0]
    if abs(255 * mean % 1 - 0.5) < 0.1:
        return None
    return affine(-mean / std, (1 - mean) / std)


def _range(ranges: Ranges, name: str) -> tuple[float, float]:
    if name not in ranges:
        raise ToolError(f"tensor {name} was never seen while ranges were measured: its modality is always missing")
    return ranges[name]


def quantize_weights(node: Node, input_scale: np.float32) -> Weights:
    assert node.weight is not None and node.bias is not None
    if not np.isfinite(node.weight).all() or not np.isfinite(node.bias).all():
        raise ToolError(f"{node.output}: a weight is not a finite number; the training has failed")
    axis = channel_axis(node)
    others = tuple(a for a in range(node.weight.ndim) if a != axis)
    largest = np.abs(node.weight).max(axis=others).astype(np.float64)
    # A channel without weights still has a bias, which must stay within 2^30 steps.
    smallest = np.abs(node.bias) / (float(input_scale) * 2**30)
    scale = np.maximum(np.maximum(largest / 127, smallest), 1e-12).astype(np.float32)
    shape = [1] * node.weight.ndim
    shape[axis] = -1
    values = np.clip(np.rint(node.weight / scale.reshape(shape)), -127, 127).astype(np.int8)
    bias = np.rint(node.bias.astype(np.float64) / (np.float64(input_scale) * scale)).astype(np.int32)
    return Weights(values, bias, scale)


class IntegerArithmetic:
    """The engine's operations. Tensors hold whole numbers in float64, in which every int32 sum is exact; sums that
    stay small are taken in float32, which is faster."""

    def __init__(self, quantized: QuantizedGraph) -> None:
        self.q = quantized

    def quantize_input(self, name: str, x: Tensor) -> Tensor:
        a = self.q.activations[name]
        q = torch.round(x.float() / torch.tensor(a.scale)) + a.zero_point
        return q.clamp(-128, 127).double()

    def step(self, node: Node, given: list[Tensor]) -> Tensor:
        x = given[0]
        if node.weight is not None:
            return self._weighted(node, x)
        here = self.q.activations[node.inputs[0]]
        match node.op:
            case "max_pool":
                if node.padding != NO_PADDING:  # torch pads with -inf, which never wins
                    return max_pool(x, MaxPool(node.kernel, node.stride, node.padding))
                return functional.max_pool2d(x, node.kernel, node.stride)
            case "flatten":
                return x.permute(0, 2, 3, 1).flatten(1)
            case "average_pool":
                return self._average(node, x - here.zero_point, node.kernel, node.stride)
            case "global_average_pool":
                size = (x.shape[2], x.shape[3])
                return self._average(node, x - here.zero_point, size, size).flatten(1)
            case "concat":
                return self._concat(node, given)
            case "add":
                return self._add(node, given)
            case "multiply":
                return self._multiply(node, given)
            case "table":
                return torch.from_numpy(node.table).double()[x.long() + 128]
        raise ValueError(f"unknown operation {node.op}")

    def _weighted(self, node: Node, x: Tensor) -> Tensor:
        w = self.q.weights[node.output]
        here = self.q.activations[node.inputs[0]]
        exact = self._exact(node, w)
        sums = weighted_sum(node, (x - here.zero_point).to(exact), torch.from_numpy(w.values).to(exact)).double()
        per_channel = (1, -1, *[1] * (x.ndim - 2))
        sums = (sums + torch.from_numpy(w.bias).double().reshape(per_channel)).float()
        if node.op == "logits":
            return sums * torch.from_numpy(here.scale * w.scale).reshape(per_channel)
        out = self.q.activations[node.output]
        multiplier = torch.from_numpy((here.scale * w.scale) / out.scale).reshape(per_channel)
        low = out.zero_point if node.relu else -128
        return (torch.round(sums * multiplier) + out.zero_point).clamp(low, 127).double()

    def _exact(self, node: Node, w: Weights) -> torch.dtype:
        """The fastest type in which no sum of products can be rounded: all parts of one stay whole and below 2^24."""
        axis = channel_axis(node)
        others = tuple(a for a in range(w.values.ndim) if a != axis)
        most = int(np.abs(w.values.astype(np.int64)).sum(axis=others).max()) * 255
        return torch.float32 if most < 2**24 else torch.float64

    def _average(self, node: Node, x: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
        here, out = self.q.activations[node.inputs[0]], self.q.activations[node.output]
        t, le, b, r = node.padding
        x = functional.pad(x, (le, r, t, b))
        inside = functional.pad(torch.ones_like(x[:1, :1, t : x.shape[2] - b, le : x.shape[3] - r]), (le, r, t, b))
        area = kernel[0] * kernel[1]
        sums = torch.round(functional.avg_pool2d(x, kernel, stride) * area).float()
        count = torch.round(functional.avg_pool2d(inside, kernel, stride) * area).float()
        multiplier = torch.tensor(here.scale / out.scale)
        return (torch.round(sums * (multiplier / count)) + out.zero_point).clamp(-128, 127).double()

    def _concat(self, node: Node, given: list[Tensor]) -> Tensor:
        out = self.q.activations[node.output]
        parts = []
        for name, x in zip(node.inputs, given, strict=True):
            here = self.q.activations[name]
            multiplier = torch.tensor(here.scale / out.scale)
            q = torch.round((x - here.zero_point).float() * multiplier) + out.zero_point
            parts.append(q.clamp(-128, 127).double())
        return torch.cat(parts, 1)

    def _add(self, node: Node, given: list[Tensor]) -> Tensor:
        out = self.q.activations[node.output]
        terms = []
        for name, x in zip(node.inputs, given, strict=True):
            here = self.q.activations[name]
            terms.append((x - here.zero_point).float() * torch.tensor(here.scale / out.scale))
        q = torch.round(terms[0] + terms[1]) + out.zero_point
        return q.clamp(out.zero_point if node.relu else -128, 127).double()

    def _multiply(self, node: Node, given: list[Tensor]) -> Tensor:
        a, b = (self.q.activations[name] for name in node.inputs)
        out = self.q.activations[node.output]
        product = (given[0] - a.zero_point) * (beside(*given) - b.zero_point)
        q = torch.round(product.float() * torch.tensor((a.scale * b.scale) / out.scale)) + out.zero_point
        return q.clamp(out.zero_point if node.relu else -128, 127).double()


def run_integer(quantized: QuantizedGraph, inputs: Mapping[str, Tensor],
                present: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Every tensor of the int8 graph (whole numbers as float64; logits as float32), inputs as float features."""
    arithmetic = IntegerArithmetic(quantized)
    graph = quantized.graph
    ready = {m.name: arithmetic.quantize_input(m.input, inputs[m.name]) for m in graph.modalities}
    with torch.no_grad():
        return run(graph, ready, arithmetic.step, None if present is None else _absent(quantized, present))


def _absent(quantized: QuantizedGraph, present: Mapping[str, Tensor]):
    """A missing modality's feature is its zero point throughout."""
    zero = {m.name: float(quantized.activations[m.feature].zero_point) for m in quantized.graph.modalities}
    return lambda modality, t: torch.where(present[modality].unsqueeze(1), t, zero[modality])


def predict_integer(quantized: QuantizedGraph, batch: Batch, size: int = 64) -> dict[tuple[str, int], NDArray]:
    """Logits [N, classes] of every exit by the int8 arithmetic."""
    inputs, present = batch.tensors()
    parts: dict[tuple[str, int], list[NDArray]] = {}
    for i in range(0, len(batch), size):
        here = slice(i, i + size)
        tensors = run_integer(quantized, {m: x[here] for m, x in inputs.items()},
                              {m: p[here] for m, p in present.items()})
        for m, n, name in quantized.graph.exit_outputs():
            parts.setdefault((m, n), []).append(tensors[name].numpy())
    return {k: np.concatenate(v) for k, v in parts.items()}


def quantize_best(graph: Graph, batch: Batch, float_logits: Mapping[tuple[str, int], NDArray],
                  windows: int = 1024) -> tuple[QuantizedGraph, str]:
    """Of the strengths of equalization, and then of the ways to choose ranges, the one whose int8 probabilities lie
    nearest to float's over all exits; and its name. The result's graph is `graph` equalized."""
    part = slice_batch(batch, windows)

    def attempt(strength: float, way: str) -> tuple[float, QuantizedGraph, str]:
        even = equalize(graph, part, strength)
        ranges = fit_ranges(even, part) if way == "least squares" else measure_ranges(
            even, part, 100.0 if way == "all" else 99.99)
        candidate = correct_biases(quantize(even, ranges), part)
        found = predict_integer(candidate, part)
        gap = float(np.mean([
            np.abs(_softmax(found[k]) - _softmax(float_logits[k][: len(part)])).sum(1).mean() for k in found
        ]))
        return gap, candidate, f"{way}, channels equalized at strength {strength:g}"

    tried = [(attempt(s, RANGES[0]), s) for s in STRENGTHS]
    best, strength = min(tried, key=lambda t: t[0][0])
    best = min([best, *(attempt(strength, way) for way in RANGES[1:])], key=lambda t: t[0])
    return best[1], best[2]


def slice_batch(batch: Batch, count: int) -> Batch:
    """The first `count` windows."""
    return Batch({m: x[:count] for m, x in batch.inputs.items()}, {m: p[:count] for m, p in batch.present.items()},
                 batch.labels[:count], {m: s[:count] for m, s in batch.seen.items()})


def _softmax(logits: NDArray) -> NDArray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

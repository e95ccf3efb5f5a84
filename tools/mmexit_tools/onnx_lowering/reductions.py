"""Means, sums and the largest over height, width, or both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..model.graphs import Node
from ..model.layers import NO_PADDING, Pair
from ..onnx_graph.graph import Operator
from ..quantize.quantization import Weights
from .channelwise import one_tap
from .lowering import Lowering
from .values import Layout, Pending, Value
from .weights import MAX_TERMS


@dataclass(frozen=True)
class Reduced:
    """`kernel`: cells that become one; `made`: the map of those; `vector`: the layout where both extents are gone."""

    kernel: Pair
    made: Layout
    vector: Layout | None


def reduced(work: Lowering, operator: Operator) -> Reduced:
    layout = work.layout(operator)
    if layout.is_vector:
        raise operator.refuse("its input is a vector here; give the network's input as image or spectrogram")
    rank, reduces = len(layout.onnx), operator.op.startswith("Reduce")
    three, four = ({1: 1, 2: 0} if layout.bands else {2: 0}), ({1: 0, 2: 1} if layout.last else {2: 0, 3: 1})
    places = {3: three, 4: four}.get(rank, {}) if rank == 4 or not layout.last else {}
    """Axes in ONNX's terms to 0 (height) and 1 (width)."""
    axes = list(places)
    if reduces:
        given = work.constant(operator, 1) if operator.input(1) else operator.attributes.get("axes", [])
        axes = sorted(int(a) % rank for a in given)  # type: ignore[union-attr]
    if not axes or any(a not in places for a in axes) or (layout.bands and not reduces):
        raise operator.refuse(f"over axes {axes} of {list(layout.onnx)}; height, width or both are supported")
    height, width, channels = layout.shape
    over = {places[a] for a in axes}
    kernel = (height if 0 in over else 1, width if 1 in over else 1)
    if math.prod(kernel) > MAX_TERMS:
        raise operator.refuse(f"over {math.prod(kernel)} cells; at most {MAX_TERMS} fit 32 bits")
    keep = not reduces or operator.integer("keepdims", 1)
    onnx = tuple(1 if i in axes else n for i, n in enumerate(layout.onnx) if keep or i not in axes)
    vector = Layout((channels,), onnx) if kernel == (height, width) and not keep else None
    last = layout.last and len(onnx) == 4
    if layout.last and not last and vector is None:
        raise operator.refuse("over one of height and width of a map with channels last; transpose it first")
    return Reduced(kernel, Layout((height // kernel[0], width // kernel[1], channels), onnx, last=last), vector)


def mean(work: Lowering, operator: Operator) -> Value:
    """GlobalAveragePool, and ReduceMean."""
    value, found = work.value(operator, 0), reduced(work, operator)
    if isinstance(value, Pending) and (again := _of_mean(value, found)) is not None:
        return again
    x = work.stored(operator)
    if found.vector is not None:
        return Pending(operator.output, Node("global_average_pool", (x.tensor,), operator.output), None, found.vector)
    node = Node("average_pool", (x.tensor,), operator.output, kernel=found.kernel)
    return Pending(operator.output, node, None, found.made)


def _of_mean(value: Pending, found: Reduced) -> Pending | None:
    """The mean of means in float, x.mean(3).mean(2): one over both; None for any other value."""
    before = value.make
    free = not value.posts and value.low == -math.inf and value.high == math.inf
    if before is None or before.op != "average_pool" or before.padding != NO_PADDING or not free:
        return None
    if before.stride != (1, 1) or found.made.shape[:2] != (1, 1) or 1 not in value.made.shape[:2]:
        return None
    kernel = (before.kernel[0] * found.kernel[0], before.kernel[1] * found.kernel[1])
    joined = replace(value, make=replace(before, kernel=kernel), made=found.made)
    if found.vector is None:
        return joined
    return replace(joined, make=Node("global_average_pool", before.inputs, before.output), made=found.vector)


def reduce_max(work: Lowering, operator: Operator) -> Value:
    found = reduced(work, operator)
    value = work.keep(operator, Node("max_pool", (), operator.output, kernel=found.kernel), found.made)
    return value if found.vector is None else flat(work, operator, value, found.vector)


def flat(work: Lowering, operator: Operator, value: Value, vector: Layout) -> Value:
    """A map of one cell as a vector."""
    if isinstance(value, Pending):
        return value.then(Node("flatten", (), f"{operator.output}.flat"), vector)
    assert not isinstance(value, np.ndarray)
    node = Node("flatten", (value.tensor,), f"{operator.output}.flat")  # type: ignore[union-attr]
    return work.emit(node, value.affine, vector)  # type: ignore[union-attr]


def reduce_sum(work: Lowering, operator: Operator) -> Value:
    """A filter of ones."""
    x, found = work.stored(operator), reduced(work, operator)
    channels = x.layout.shape[-1]
    weights = Weights(np.ones((*found.kernel, channels), np.int8), np.zeros(channels, np.int32),
                      np.ones(channels, np.float32))
    node = one_tap(operator, operator.output, x, weights)
    value = Pending(operator.output, node, weights, found.made, input_scale=float(x.affine.scale))
    return value if found.vector is None else flat(work, operator, value, found.vector)

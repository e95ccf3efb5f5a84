"""What the engine has no operation for and says exactly by one it has: a filter of one tap a channel (a diagonal, for
a vector) multiplies by a number, adds one, moves, pads or crops, and keeps every code where it multiplies by 1."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..model.layers import Padding, Pair
from ..onnx_graph.graph import Operator, along
from ..quantize.quantization import Weights
from ..quantize.ranges import Affine
from .values import Curve, Layout, Padded, Pending, QuantizedConstant, Stored
from .weights import MAX_TERM

if TYPE_CHECKING:
    from .lowering import Lowering

LARGEST_DIAGONAL = 2048
"""Elements of a vector that a diagonal is made for: its matrix is the square of that."""
LARGEST_BROADCAST = 4096
"""Cells of a map over which one cell is spread: the spreading costs their square."""
NO_BIAS = np.zeros(1)


def channels(layout: Layout) -> int:
    return layout.shape[-1]


def per_channel(operator: Operator, given: NDArray, layout: Layout) -> NDArray[np.float64]:
    """A constant as one number a channel, in the engine's order; refused where it differs within one."""
    count, rank = channels(layout), len(layout.onnx)
    axis = rank - 1 if layout.last else min(1, rank - 1)
    shape = (1,) * (rank - given.ndim) + given.shape
    if given.size == 1:
        return np.full(count, float(given.reshape(-1)[0]))
    if len(shape) != rank or given.size != count or shape[axis] != count:
        raise operator.refuse(f"a constant of {list(given.shape)} beside a tensor of {list(layout.onnx)}; one "
                              "number, or one a channel, is supported")
    flat = given.reshape(-1).astype(np.float64)
    return flat if layout.order is None else flat[layout.order]


def one_tap(operator: Operator, name: str, x: Stored, weights: Weights, padding: Padding = (0, 0, 0, 0)) -> Node:
    """A depthwise convolution; over a vector, a linear layer of a diagonal. `weights.values` [kh, kw, channels]."""
    real = (weights.bias * (x.affine.scale * weights.scale)).astype(np.float32)
    if x.layout.is_vector:
        return Node("linear", (x.tensor,), name, weights.values * weights.scale[:, None], real)
    kernel = (weights.values.shape[0], weights.values.shape[1])
    return Node("depthwise_conv2d", (x.tensor,), name, weights.values * along(weights.scale, 3, 2), real, kernel,
                padding=padding)


def taps(operator: Operator, x: Stored, values: NDArray, bias: NDArray, scale: NDArray) -> Weights:
    """Weights for `one_tap` of one number a channel."""
    count = channels(x.layout)
    values = np.broadcast_to(values, (count,)).astype(np.int8)
    scale = np.ascontiguousarray(np.broadcast_to(scale, (count,)).astype(np.float32))
    bias = np.broadcast_to(bias, (count,))
    if np.abs(bias).max() > 2**31 - 1 - count * MAX_TERM:
        raise operator.refuse("what it adds is too large beside its input's scale")
    if not x.layout.is_vector:
        return Weights(np.ascontiguousarray(values.reshape(1, 1, count)), bias.astype(np.int32), scale)
    if count > LARGEST_DIAGONAL:
        raise operator.refuse(f"over a vector of {count}; at most {LARGEST_DIAGONAL} are supported (give the layer "
                              "before it this factor and bias)")
    return Weights(np.diag(values), bias.astype(np.int32), scale)


def scaled(operator: Operator, value: Stored | Pending, gain: NDArray, offset: NDArray) -> Pending:
    """gain * value + offset, one of each a channel: in the weights of the layer that gives it, or by a layer."""
    if isinstance(value, Pending) and value.make is None:
        return _of_input(operator, value, gain, offset)
    if isinstance(value, Pending):
        return _in_layer(operator, value, gain, offset)
    values, whole, scale = np.zeros(len(gain)), np.zeros(len(gain)), np.ones(len(gain))
    for i, (g, b) in enumerate(zip(gain, offset, strict=True)):
        values[i], whole[i], scale[i] = _fraction(float(g), float(b), float(value.affine.scale))
    weights = taps(operator, value, values, whole, scale)
    node = one_tap(operator, operator.output, value, weights)
    alike = np.ptp(gain) == 0 and np.ptp(offset) == 0
    steps = np.arange(-128, 128) - value.affine.zero_point
    same = Curve(value, steps * float(value.affine.scale) * gain[0] + offset[0]) if alike else None
    return Pending(operator.output, node, weights, value.layout, curve=same)


def _of_input(operator: Operator, value: Pending, gain: NDArray, offset: NDArray) -> Pending:
    """In the features that make the input: a graph that takes mean and deviation off itself."""
    if value.posts or value.low > -np.inf or value.high < np.inf or not (gain > 0).all():
        raise operator.refuse(f"turns the input '{value.source}' around or bounds it before it is quantized; "
                              "quantize it first")
    before, added = value.change or (np.ones(len(gain)), np.zeros(len(gain)))
    return replace(value, change=(gain * before, gain * added + offset))


def _fraction(gain: float, offset: float, step: float) -> tuple[int, int, float]:
    """Weight, bias and weight scale with weight * scale = gain and bias * step * scale nearest to offset."""
    if gain == 0:
        return 0, int(np.sign(offset)), abs(offset) / step or 1.0
    sign = 1 if gain > 0 else -1
    if offset == 0:
        return sign, 0, abs(gain)
    tries = np.arange(1, 128)
    ratio = tries * (offset / (abs(gain) * step))
    best = int(tries[np.argmin(np.abs(ratio - np.rint(ratio)) / tries)])
    return sign * best, int(np.rint(ratio[best - 1])), abs(gain) / best


def _in_layer(operator: Operator, value: Pending, gain: NDArray, offset: NDArray) -> Pending:
    node, weights = value.make, value.weights
    bounded = value.low > -np.inf or value.high < np.inf or value.posts
    if node is None or weights is None or bounded:
        raise operator.refuse("works on float values that no layer with weights gives; quantize its input (with "
                              "op_types_to_quantize) or fold it into the layer before it")
    gain = np.where(gain == 0, 1e-12, gain)
    sign = np.where(gain < 0, -1, 1)
    depthwise = node.op == "depthwise_conv2d"
    turned = weights.values * along(sign, weights.values.ndim, -1 if depthwise else 0).astype(np.int8)
    scale = (weights.scale * np.abs(gain)).astype(np.float32)
    units = value.input_scale * scale.astype(np.float64)
    whole = weights.bias.astype(np.float64) * sign + np.rint(offset / units)
    if np.abs(whole).max() > 2**31 - 1 - weights.values.size // len(scale) * MAX_TERM:
        raise operator.refuse("what it adds is too large beside the layer's steps")
    folded = Weights(np.ascontiguousarray(turned), whole.astype(np.int32), scale)
    real = turned * along(scale, turned.ndim, -1 if depthwise else 0)
    make = Node(node.op, node.inputs, node.output, real.astype(np.float32), (whole * units).astype(np.float32),
                node.kernel, node.stride, node.padding, node.relu)
    return Pending(operator.output, make, folded, value.made, input_scale=value.input_scale)


def kept(work: Lowering, operator: Operator, x: Stored, sign: int, affine: Affine, name: str) -> Stored:
    """x or -x under another scale and zero point: the codes move by whole numbers where the scales are alike."""
    ratio = np.float32(affine.scale) / np.float32(x.affine.scale)
    weights = taps(operator, x, np.full(1, sign), NO_BIAS, np.full(1, ratio))
    return work.emit(one_tap(operator, name, x, weights), affine, x.layout, weights)


def negated(work: Lowering, operator: Operator, x: Stored) -> Stored:
    """-x, every code kept."""
    return kept(work, operator, x, -1, Affine(x.affine.scale, -1 - x.affine.zero_point), f"{operator.output}.negated")


def constant_like(work: Lowering, operator: Operator, x: Stored, constant: QuantizedConstant) -> Stored:
    """A tensor of x's shape that holds the constant's codes, whatever x holds: weights of 0 and the codes as bias."""
    if constant.scale.size != 1 or constant.codes.dtype not in (np.int8, np.uint8):
        raise operator.refuse("adds a constant that is no int8 of one scale; quantize it with one")
    moved = 128 if constant.codes.dtype == np.uint8 else 0
    zero = int(constant.zero.reshape(-1)[0])
    codes = per_channel(operator, constant.codes.astype(np.float64) - zero, x.layout)
    affine = Affine(np.float32(constant.scale.reshape(-1)[0]), zero - moved)
    weights = taps(operator, x, np.zeros(1), codes, np.full(1, affine.scale / x.affine.scale))
    return work.emit(one_tap(operator, f"{operator.output}.constant", x, weights), affine, x.layout, weights)


def moved(work: Lowering, operator: Operator, x: Stored, before: tuple[int, int], after: tuple[int, int],
          layout: Layout, stride: Pair = (1, 1)) -> Stored:
    """Zeros (above 0) or a cut (below 0) at the top, left, bottom and right of a map; of that every so many cells."""
    extents, places, padding = [], [], []
    for b, a in zip(before, after, strict=True):
        tap = max(a, -b, 0)
        extent = max(b + tap, tap - a, tap) + 1
        extents.append(extent)
        places.append(tap)
        padding.append((b + tap, a + extent - 1 - tap))
    count = channels(x.layout)
    values = np.zeros((*extents, count), np.int8)
    values[places[0], places[1]] = 1
    weights = Weights(values, np.zeros(count, np.int32), np.ones(count, np.float32))
    node = one_tap(operator, f"{operator.output}.moved", x, weights,
                   (padding[0][0], padding[1][0], padding[0][1], padding[1][1]))
    return work.emit(replace(node, stride=stride), x.affine, layout, weights)


def settled(work: Lowering, operator: Operator, value: Padded) -> Stored:
    """The padded map as a tensor of its own."""
    top, left, bottom, right = value.padding
    return moved(work, operator, value.inner, (top, left), (bottom, right), value.made)


def spread(work: Lowering, operator: Operator, x: Stored, wanted: Layout) -> Stored:
    """One cell as a map of that cell: a filter of ones over it and the zeros around it."""
    height, width, count = wanted.shape
    if height * width > LARGEST_BROADCAST:
        raise operator.refuse(f"spreads one cell over {height * width}; at most {LARGEST_BROADCAST} are supported")
    if x.layout.is_vector:
        raise operator.refuse(f"spreads a vector over a map of {list(wanted.onnx)}; a Mul may read it, nothing else")
    weights = Weights(np.ones((height, width, count), np.int8), np.zeros(count, np.int32), np.ones(count, np.float32))
    node = one_tap(operator, f"{operator.output}.spread", x, weights, (height - 1, width - 1, height - 1, width - 1))
    return work.emit(node, x.affine, wanted, weights)

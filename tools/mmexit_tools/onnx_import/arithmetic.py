"""Add, Sub, Mul, Div and BatchNormalization: of two tensors where the engine adds them, else with constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..onnx_graph.graph import Operator
from ..quantize.quantization import Weights
from .channelwise import constant_like, negated, one_tap, per_channel, scaled
from .curved import curve, product
from .lowering import Lowering, Translate
from .values import Curve, Layout, Pending, QuantizedConstant, Stored, Value
from .weights import bias

LARGEST_BROADCAST = 4096
"""Cells of a map over which one cell is spread: the spreading costs their square."""


def constant_value(work: Lowering, operator: Operator, index: int) -> NDArray[np.float64] | None:
    """An input as real numbers where it is constant."""
    value = work.value(operator, index)
    if isinstance(value, QuantizedConstant):
        return value.value
    return value.astype(np.float64) if isinstance(value, np.ndarray) else None


def tensor(work: Lowering, operator: Operator, index: int) -> Stored | Pending:
    value = work.value(operator, index)
    return value if isinstance(value, Pending) else work.stored(operator, index)


def add(work: Lowering, operator: Operator) -> Value:
    for index in (0, 1):
        given = work.value(operator, 1 - index)
        if isinstance(given, np.ndarray | QuantizedConstant):
            return _with_constant(work, operator, tensor(work, operator, index), given)
    return _sum(work, operator, work.stored(operator, 0), work.stored(operator, 1))


def _sum(work: Lowering, operator: Operator, a: Stored, b: Stored) -> Value:
    a, b = _spread_over(work, operator, a, b), _spread_over(work, operator, b, a)
    same = a.layout.shape == b.layout.shape and a.layout.last == b.layout.last and _order(a) == _order(b)
    if not same:
        raise operator.refuse(f"adds tensors of {list(a.layout.onnx)} and {list(b.layout.onnx)}; two of one shape, "
                              "or one cell a channel to all cells, are supported")
    return Pending(operator.output, Node("add", (a.tensor, b.tensor), operator.output), None, a.layout)


def _order(value: Stored) -> list[int]:
    order = value.layout.order
    return [] if order is None else order.tolist()


def _spread_over(work: Lowering, operator: Operator, x: Stored, other: Stored) -> Stored:
    """One cell as a map of that cell: a filter of ones over it and the zeros around it."""
    here, wanted = x.layout, other.layout
    maps = not here.is_vector and not wanted.is_vector
    if not maps or here.shape[2:] != wanted.shape[2:] or here.last != wanted.last:
        return x
    if here.shape[:2] != (1, 1) or wanted.shape[:2] == (1, 1):
        return x
    height, width, channels = wanted.shape
    if height * width > LARGEST_BROADCAST:
        raise operator.refuse(f"adds one cell to {height * width}; at most {LARGEST_BROADCAST} are supported")
    weights = Weights(np.ones((height, width, channels), np.int8), np.zeros(channels, np.int32),
                      np.ones(channels, np.float32))
    node = one_tap(operator, f"{operator.output}.spread", x, weights, (height - 1, width - 1, height - 1, width - 1))
    return work.emit(node, x.affine, wanted, weights)


def _with_constant(work: Lowering, operator: Operator, value: Stored | Pending,
                   given: NDArray | QuantizedConstant) -> Value:
    if isinstance(value, Pending):
        found = _as_bias(work, operator, value, given)
        if found is not None:
            return found
    elif isinstance(given, QuantizedConstant) and given.codes.dtype in (np.int8, np.uint8):
        other = constant_like(work, operator, value, given)
        node = Node("add", (value.tensor, other.tensor), operator.output)
        return Pending(operator.output, node, None, value.layout)
    real = given.value if isinstance(given, QuantizedConstant) else given
    offset = per_channel(operator, real, value.layout)
    return scaled(operator, value, np.ones(len(offset)), offset)


def _as_bias(work: Lowering, operator: Operator, value: Pending, given: NDArray | QuantizedConstant) -> Value | None:
    """The constant as the bias of a layer that has none."""
    node, weights = value.make, value.weights
    bounded = value.low > -math.inf or value.high < math.inf or value.posts
    size = given.codes.size if isinstance(given, QuantizedConstant) else given.size
    if node is None or weights is None or bounded or weights.bias.any() or size not in (1, len(weights.bias)):
        return None
    affine = work.tensors[node.inputs[0]].affine
    terms = weights.values.size // len(weights.bias)
    whole = bias(operator, given, len(weights.bias), weights.scale, affine, terms)
    real = (whole * (affine.scale * weights.scale)).astype(np.float32)
    return replace(value, make=replace(node, bias=real), weights=replace(weights, bias=whole))


def subtract(work: Lowering, operator: Operator) -> Value:
    taken, given = constant_value(work, operator, 1), constant_value(work, operator, 0)
    if taken is not None:
        value = tensor(work, operator, 0)
        offset = per_channel(operator, taken, value.layout)
        return scaled(operator, value, np.ones(len(offset)), -offset)
    value = tensor(work, operator, 1)
    if given is not None:
        offset = per_channel(operator, given, value.layout)
        return scaled(operator, value, -np.ones(len(offset)), offset)
    return _sum(work, operator, work.stored(operator, 0), negated(work, operator, work.stored(operator, 1)))


def multiply(work: Lowering, operator: Operator) -> Value:
    for index in (0, 1):
        given = constant_value(work, operator, 1 - index)
        if given is not None:
            value = tensor(work, operator, index)
            gain = per_channel(operator, given, value.layout)
            return scaled(operator, value, gain, np.zeros(len(gain)))
    given = [work.value(operator, i) for i in (0, 1)]
    if any(isinstance(v, Curve) for v in given):
        # SiLU in float: both are functions of one tensor.
        found = product(curve(work, operator, 0), curve(work, operator, 1))
        if found is None:
            raise operator.refuse("multiplies a curve over one tensor and another in float; the engine runs int8 "
                                  "only (quantize this layer too)")
        return found
    return _product(work, operator, work.stored(operator, 0), work.stored(operator, 1))


def _product(work: Lowering, operator: Operator, a: Stored, b: Stored) -> Value:
    """Two tensors of one shape; or a map and one cell a channel (squeeze and excite)."""
    if math.prod(a.layout.onnx) < math.prod(b.layout.onnx):
        a, b = b, a
    same = a.layout.shape == b.layout.shape and a.layout.last == b.layout.last and _order(a) == _order(b)
    if not same and not _is_cell_of(a.layout, b.layout):
        raise operator.refuse(f"multiplies tensors of {list(a.layout.onnx)} and {list(b.layout.onnx)}; two of one "
                              "shape, or a map and one cell a channel, are supported")
    node = Node("multiply", (a.tensor, b.tensor), operator.output)
    return Pending(operator.output, node, None, a.layout)


def _is_cell_of(a: Layout, b: Layout) -> bool:
    """Whether b is one number for each of a map's channels, and stands beside them in ONNX's terms."""
    channels = a.shape[-1]
    if a.is_vector or b.count != channels or b.order is not None:
        return False
    axis = len(a.onnx) - 1 if a.last else 1
    wanted = tuple(channels if i == axis else 1 for i in range(len(a.onnx)))
    return (1,) * (len(a.onnx) - len(b.onnx)) + b.onnx == wanted


def negate(work: Lowering, operator: Operator) -> Value:
    return negated(work, operator, work.stored(operator))


def divide(work: Lowering, operator: Operator) -> Value:
    given = constant_value(work, operator, 1)
    if given is None or not np.all(given):
        raise operator.refuse("divides by what is computed or 0; only constants are supported")
    value = tensor(work, operator, 0)
    return scaled(operator, value, per_channel(operator, 1 / given, value.layout), np.zeros(value.layout.shape[-1]))


def normalize(work: Lowering, operator: Operator) -> Value:
    """Batch normalization with fixed statistics: a factor and an offset a channel."""
    value = tensor(work, operator, 0)
    numbers = [constant_value(work, operator, i) for i in range(1, 5)]
    if any(n is None for n in numbers):
        raise operator.refuse("its statistics are computed; export the net for inference (model.eval())")
    gain, offset, mean, variance = (per_channel(operator, n.reshape(_along(value.layout)), value.layout)
                                    for n in numbers if n is not None)
    gain = gain / np.sqrt(variance + float(operator.attributes.get("epsilon", 1e-5)))  # type: ignore[arg-type]
    return scaled(operator, value, gain, offset - mean * gain)


def _along(layout: Layout) -> tuple[int, ...]:
    """The extents of one number a channel beside a tensor."""
    rank = len(layout.onnx)
    axis = min(1, rank - 1)
    return tuple(-1 if i == axis else 1 for i in range(rank))


ARITHMETIC: Mapping[str, Translate] = {"Add": add, "Sub": subtract, "Mul": multiply, "Div": divide, "Neg": negate,
                                       "BatchNormalization": normalize}

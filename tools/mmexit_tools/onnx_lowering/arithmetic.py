"""Add, Sub, Mul, Div and BatchNormalization: of two tensors where the engine adds them, else with constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..onnx_graph.graph import Operator
from .channelwise import constant_like, negated, per_channel, scaled, spread
from .curved import constant_value, numbered, together
from .lowering import Lowering, Translate
from .shapes import selected
from .values import Curve, Layout, Pending, QuantizedConstant, Spread, Stored, Value
from .weights import bias


def tensor(work: Lowering, operator: Operator, index: int) -> Stored | Pending:
    value = work.value(operator, index)
    return value if isinstance(value, Pending) else work.stored(operator, index)


def add(work: Lowering, operator: Operator) -> Value:
    for index in (0, 1):
        given = work.value(operator, 1 - index)
        if isinstance(given, np.ndarray | QuantizedConstant):
            found = numbered(work, operator, index, lambda x, k: x + k)
            return found or _with_constant(work, operator, tensor(work, operator, index), given)
    both = together(work, operator, lambda a, b: a + b)
    return both or _sum(work, operator, work.stored(operator, 0), work.stored(operator, 1))


def _sum(work: Lowering, operator: Operator, a: Stored, b: Stored) -> Value:
    a, b = _spread_over(work, operator, a, b.layout), _spread_over(work, operator, b, a.layout)
    same = a.layout.shape == b.layout.shape and a.layout.last == b.layout.last and _order(a) == _order(b)
    if not same:
        raise operator.refuse(f"adds tensors of {list(a.layout.onnx)} and {list(b.layout.onnx)}; two of one shape, "
                              "or one cell a channel to all cells, are supported")
    return Pending(operator.output, Node("add", (a.tensor, b.tensor), operator.output), None, a.layout)


def _order(value: Stored) -> list[int]:
    order = value.layout.order
    return [] if order is None else order.tolist()


def total(work: Lowering, operator: Operator) -> Value:
    """Sum, of one or two."""
    if len(operator.inputs) > 2:
        raise operator.refuse(f"the sum of {len(operator.inputs)} tensors; the engine adds two (write Add of Add, "
                              "with a rounding between)")
    return add(work, operator) if len(operator.inputs) == 2 else work.value(operator, 0)


def expand(work: Lowering, operator: Operator) -> Value:
    given = work.constant(operator, 1)
    value, here = work.value(operator, 0), work.layout(operator)
    wanted = [] if given is None else [int(n) for n in given.reshape(-1)]
    rank = max(len(wanted), len(here.onnx))
    if rank == len(here.onnx):
        wanted = [max(n, m) for n, m in zip([1] * (rank - len(wanted)) + wanted, here.onnx, strict=True)]
    if tuple(wanted) == here.onnx:
        return value
    made = Layout(tuple(wanted[i] for i in ((1, 2, 3) if here.last else (2, 3, 1))) if rank == 4 else (0,),
                  tuple(wanted), last=here.last)
    if rank != 4 or not _is_cell_of(made, here):
        raise operator.refuse(f"from {list(here.onnx)} to {wanted}; one cell a channel to a map is supported")
    if isinstance(value, Curve):
        return replace(value, wide=made)
    return Spread(work.stored(operator), made)


def _spread_over(work: Lowering, operator: Operator, x: Stored, wanted: Layout) -> Stored:
    """One cell as a map of that cell, where the other is a map of as many channels; one channel as many, where the
    other is a map of as many cells."""
    here = x.layout
    if here.is_vector or wanted.is_vector or here.last != wanted.last or here.bands or wanted.bands:
        return x
    if here.shape[:2] == wanted.shape[:2] and here.shape[2] == 1 < wanted.shape[2]:
        return selected(work, operator, x, np.zeros(wanted.shape[2], np.int64), wanted)
    if here.shape[2:] != wanted.shape[2:]:
        return x
    return spread(work, operator, x, wanted) if here.shape[:2] == (1, 1) != wanted.shape[:2] else x


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
    found = (numbered(work, operator, 0, lambda x, k: x - k) or numbered(work, operator, 1, lambda x, k: k - x)
             or together(work, operator, lambda a, b: a - b))
    if found:
        return found
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
            found = numbered(work, operator, index, lambda x, k: x * k)
            if found:
                return found
            value = tensor(work, operator, index)
            gain = per_channel(operator, given, value.layout)
            return scaled(operator, value, gain, np.zeros(len(gain)))
    # SiLU in float: both are functions of one tensor.
    both = together(work, operator, lambda a, b: a * b)
    if both:
        return both
    cells = [work.value(operator, i) for i in (0, 1)]
    narrow = [v.inner if isinstance(v, Spread) else work.stored(operator, i) for i, v in enumerate(cells)]
    if all(isinstance(v, Spread) for v in cells):
        narrow = [work.stored(operator, i) for i in (0, 1)]
    return _product(work, operator, *narrow)


def _product(work: Lowering, operator: Operator, a: Stored, b: Stored) -> Value:
    """Two tensors of one shape; or a map and one cell a channel (squeeze and excite), or one number a cell."""
    if math.prod(a.layout.onnx) < math.prod(b.layout.onnx):
        a, b = b, a
    if b.layout.shape[:2] == a.layout.shape[:2]:
        b = _spread_over(work, operator, b, a.layout)
    same = a.layout.shape == b.layout.shape and a.layout.last == b.layout.last and _order(a) == _order(b)
    if not same and not _is_cell_of(a.layout, b.layout):
        raise operator.refuse(f"multiplies tensors of {list(a.layout.onnx)} and {list(b.layout.onnx)}; two of one "
                              "shape, or a map and one cell a channel or one channel, are supported")
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
    found = numbered(work, operator, 0, lambda x, k: x / k)
    if found:
        return found
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


ARITHMETIC: Mapping[str, Translate] = {
    "Add": add, "Sum": total, "Expand": expand, "Sub": subtract, "Mul": multiply, "Div": divide, "Neg": negate,
    "BatchNormalization": normalize,
}

"""The ONNX operators that the importer knows, each as the engine's nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ToolError
from ..model.graphs import Node, flatten_permutation
from ..model.layers import Shape
from .graph import OnnxGraph, Operator
from .lowering import Lowering, Translate
from .values import CodesInput, Layout, Pending, Probabilities, QuantizedConstant, Stored, Value
from .weights import MAX_TERMS, bias, convolution, linear_layer, pool_kernel, scales, signed, window

# Rounding


def quantize(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if isinstance(value, Probabilities):
        return value
    affine = work.affine(operator)
    if isinstance(value, Pending):
        return work.finish(operator, value, affine)
    here = work.stored(operator)
    if here.affine == affine:
        return here
    return work.emit(Node("concat", (here.tensor,), operator.output), affine, here.layout)


def dequantize(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if isinstance(value, Probabilities):
        return value
    if isinstance(value, np.ndarray):
        scale, zero = work.constant(operator, 1), work.constant(operator, 2)
        if scale is None:
            raise operator.refuse("its scale is absent")
        axis = operator.integer("axis", 1)
        return QuantizedConstant(value, scale, np.zeros(1, np.int64) if zero is None else zero, axis)
    affine = work.affine(operator)
    if isinstance(value, CodesInput):
        return work.input(operator, value, affine)
    here = work.stored(operator)
    if here.affine != affine:
        raise operator.refuse("its scale or zero point is not that of the QuantizeLinear before it")
    return here


# Layers with weights


def conv(work: Lowering, operator: Operator) -> Value:
    given = work.value(operator, 2) if operator.input(2) else None
    return convolution(operator, work.stored(operator), work.weight(operator, 1), given)


def gemm(work: Lowering, operator: Operator) -> Value:
    x, constant = work.stored(operator), work.weight(operator, 1)
    plain = operator.attributes.get("alpha", 1.0) == 1 and operator.attributes.get("beta", 1.0) == 1
    if operator.integer("transA", 0) or not plain:
        raise operator.refuse("transA, alpha and beta other than 0, 1 and 1 are not supported")
    given = work.value(operator, 2) if operator.op == "Gemm" and operator.input(2) else None
    codes = signed(constant, operator)
    if codes.ndim != 2:
        raise operator.refuse(f"weights of {codes.ndim} extents; expected 2")
    axis = 0 if operator.integer("transB", 0) else 1
    scale = scales(constant, codes, axis, operator)
    rows = codes if axis == 0 else codes.T
    return linear_layer(operator, x, rows, scale, given, (1, len(rows)))


def add(work: Lowering, operator: Operator) -> Value:
    pair = [work.value(operator, 0), work.value(operator, 1)]
    for value, other in (pair, pair[::-1]):
        if isinstance(value, Pending) and isinstance(other, np.ndarray | QuantizedConstant):
            return _with_bias(work, operator, value, other)
        if isinstance(other, np.ndarray | QuantizedConstant):
            raise operator.refuse("adds a constant to an int8 tensor; fold it into the bias of the layer before "
                                  "(Gemm instead of MatMul and Add)")
    a, b = work.stored(operator, 0), work.stored(operator, 1)
    same = a.layout.shape == b.layout.shape and _order(a) == _order(b)
    if not same:
        raise operator.refuse(f"adds tensors of {a.layout.onnx[1:]} and {b.layout.onnx[1:]}; only two of one shape "
                              "are supported")
    return Pending(operator.output, Node("add", (a.tensor, b.tensor), operator.output), None, a.layout)


def _with_bias(work: Lowering, operator: Operator, value: Pending, given: NDArray | QuantizedConstant) -> Value:
    node, weights = value.make, value.weights
    bounded = value.low > -math.inf or value.high < math.inf or value.posts
    if node is None or node.weight is None or weights is None or bounded or weights.bias.any():
        raise operator.refuse("adds a constant to what is no layer without bias")
    affine = work.tensors[node.inputs[0]].affine
    terms = weights.values.size // len(weights.bias)
    whole = bias(operator, given, len(weights.bias), weights.scale, affine, terms)
    real = (whole * (affine.scale * weights.scale)).astype(np.float32)
    return replace(value, make=replace(node, bias=real), weights=replace(weights, bias=whole))


def _order(value: Stored) -> list[int]:
    order = value.layout.order
    return [] if order is None else order.tolist()


# Pools and bounds


def max_pool(work: Lowering, operator: Operator) -> Value:
    height, width, channels = work.map(operator)
    place = window(operator, pool_kernel(operator), height, width)
    node = Node("max_pool", (), operator.output, kernel=place.kernel, stride=place.stride, padding=place.padding)
    return work.keep(operator, node, Layout((*place.out, channels), (1, channels, *place.out)))


def average_pool(work: Lowering, operator: Operator) -> Value:
    x = work.stored(operator)
    height, width, channels = work.map(operator)
    if operator.integer("count_include_pad", 0) and any(operator.integers("pads", [0])):
        raise operator.refuse("counts padding (count_include_pad = 1); only cells inside the image can be averaged")
    place = window(operator, pool_kernel(operator), height, width)
    node = Node("average_pool", (x.tensor,), operator.output, kernel=place.kernel, stride=place.stride,
                padding=place.padding)
    return Pending(operator.output, node, None, Layout((*place.out, channels), (1, channels, *place.out)))


def global_average_pool(work: Lowering, operator: Operator) -> Value:
    x = work.stored(operator)
    height, width, channels = work.map(operator)
    if height * width > MAX_TERMS:
        raise operator.refuse(f"averages {height * width} cells; at most {MAX_TERMS} fit 32 bits")
    if operator.op == "ReduceMean":
        axes = work.constant(operator, 1) if operator.input(1) else operator.attributes.get("axes", [])
        if sorted(int(a) % 4 for a in axes) != [2, 3]:  # type: ignore[union-attr]
            raise operator.refuse("only the mean over height and width is supported")
        if not operator.integer("keepdims", 1):
            node = Node("global_average_pool", (x.tensor,), operator.output)
            return Pending(operator.output, node, None, Layout((channels,), (1, channels)))
    node = Node("average_pool", (x.tensor,), operator.output, kernel=(height, width))
    return Pending(operator.output, node, None, Layout((1, 1, channels), (1, channels, 1, 1)))


def bounds(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    low, high = (0.0, math.inf) if operator.op == "Relu" else _clip(work, operator)
    if isinstance(value, Pending):
        return value.clipped(low, high)
    here = work.stored(operator)
    if not work.clamps(operator, here.affine, low, high):
        return here
    return work.emit(Node("relu", (here.tensor,), operator.output), here.affine, here.layout)


def _clip(work: Lowering, operator: Operator) -> tuple[float, float]:
    found = []
    for index, key, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        given = work.constant(operator, index) if operator.input(index) else operator.attributes.get(key, default)
        found.append(float(np.asarray(given).reshape(-1)[0]))
    return found[0], found[1]


# Shapes


def concat(work: Lowering, operator: Operator) -> Value:
    parts = [work.stored(operator, i) for i in range(len(operator.inputs))]
    rank = len(parts[0].layout.onnx)
    if operator.integer("axis", 1) % rank != 1:
        raise operator.refuse(f"joins along axis {operator.integer('axis', 1)}; only channels (axis 1) are supported")
    first = parts[0].layout
    if len(parts) > 64 or any(p.layout.shape[:-1] != first.shape[:-1] for p in parts):
        raise operator.refuse("joins more than 64 tensors, or some that differ in more than their channels")
    widths = [p.layout.shape[-1] for p in parts]
    order = None
    if any(p.layout.order is not None for p in parts):
        starts = np.cumsum([0, *widths[:-1]])
        order = np.concatenate([s + (np.arange(w) if p.layout.order is None else p.layout.order)
                                for p, s, w in zip(parts, starts, widths, strict=True)])
    layout = Layout((*first.shape[:-1], sum(widths)), (1, sum(widths), *first.onnx[2:]), order)
    return Pending(operator.output, Node("concat", tuple(p.tensor for p in parts), operator.output), None, layout)


def reshape(work: Lowering, operator: Operator) -> Value:
    here = work.layout(operator)
    wanted = _extents(work, operator, here)
    if math.prod(wanted) != math.prod(here.onnx):
        raise operator.refuse(f"from {here.onnx} to {wanted}: not as many elements")
    flat = len(wanted) == 2 and wanted[0] == 1
    if here.is_vector and (flat or wanted == (1, here.count, 1, 1)):
        return _renamed(work.value(operator, 0), replace(here, onnx=wanted))
    if wanted == here.onnx:
        return work.value(operator, 0)
    if not flat:
        raise operator.refuse(f"from {here.onnx} to {wanted}; only to [1, n] is supported")
    height, width, channels = here.shape
    order = None if height * width == 1 or channels == 1 else flatten_permutation(here.shape)
    return work.keep(operator, Node("flatten", (), operator.output), Layout((here.count,), wanted, order))


def _renamed(value: Value, layout: Layout) -> Value:
    """The same vector under other ONNX extents."""
    match value:
        case Stored():
            return replace(value, layout=layout)
        case Pending(posts=()):
            return replace(value, made=layout)
        case Pending():
            return replace(value, posts=(*value.posts[:-1], (value.posts[-1][0], layout)))
    return value


def _extents(work: Lowering, operator: Operator, here: Layout) -> tuple[int, ...]:
    onnx = here.onnx
    if operator.op == "Flatten":
        axis = operator.integer("axis", 1) % (len(onnx) + 1)
        return math.prod(onnx[:axis]), math.prod(onnx[axis:])
    given = work.constant(operator, 1) if operator.input(1) else None
    if operator.op == "Reshape":
        if given is None:
            raise operator.refuse("its shape is absent")
        wanted = [onnx[i] if n == 0 and i < len(onnx) else int(n) for i, n in enumerate(given.reshape(-1))]
        known = math.prod(n for n in wanted if n != -1)
        return tuple(math.prod(onnx) // max(known, 1) if n == -1 else n for n in wanted)
    axes = operator.attributes.get("axes") if given is None else given.reshape(-1)
    if operator.op == "Squeeze":
        gone = {int(a) % len(onnx) for a in axes} if axes is not None else {  # type: ignore[union-attr]
            i for i, n in enumerate(onnx) if n == 1}
        return tuple(n for i, n in enumerate(onnx) if i not in gone)
    rank = len(onnx) + len(axes)  # type: ignore[arg-type]
    new = {int(a) % rank for a in axes}  # type: ignore[union-attr]
    rest = iter(onnx)
    return tuple(1 if i in new else next(rest) for i in range(rank))


def same(work: Lowering, operator: Operator) -> Value:
    return work.value(operator, 0)


def softmax(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if not isinstance(value, Stored | Pending):
        value = work.stored(operator)
    rank = len(value.layout.onnx)
    axis = operator.integer("axis", -1) % rank
    if math.prod(value.layout.onnx) != value.layout.onnx[axis] and axis != 1:
        raise operator.refuse(f"over axis {axis} of {value.layout.onnx}; only over the classes at an output")
    work.notes.append(f"{operator}: left out, the engine computes probabilities itself")
    return Probabilities(value, operator.input(0))


OPERATORS: Mapping[str, Translate] = {
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize, "Conv": conv, "Gemm": gemm, "MatMul": gemm,
    "Add": add, "MaxPool": max_pool, "AveragePool": average_pool, "GlobalAveragePool": global_average_pool,
    "ReduceMean": global_average_pool, "Relu": bounds, "Clip": bounds, "Concat": concat, "Flatten": reshape,
    "Reshape": reshape, "Squeeze": reshape, "Unsqueeze": reshape, "Identity": same, "Dropout": same,
    "Softmax": softmax,
}


def lower_onnx(graph: OnnxGraph, shapes: Mapping[str, Shape]) -> Lowering:
    """`shapes`: of every input, as its features give it."""
    work = Lowering(graph, shapes)
    work.run(OPERATORS)
    for name, _, _ in graph.inputs:
        if name not in work.tensors:
            raise ToolError(f"input '{name}': nothing quantizes it; the engine runs int8 only")
    return work

"""The ONNX operators that the importer knows, each as the engine's nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ToolError
from ..model.graphs import Node
from ..model.layers import NO_PADDING, Shape
from ..onnx_graph.graph import OnnxGraph, Operator
from ..quantize.ranges import Affine
from .arithmetic import ARITHMETIC, constant_value
from .channelwise import moved
from .codes import code
from .curved import CODES, CURVED, looked_up, rounded
from .lowering import Lowering, Translate
from .reductions import mean, reduce_max, reduce_sum
from .shapes import SHAPES
from .values import (
    CodesInput,
    Curve,
    Layout,
    Padded,
    Pending,
    Probabilities,
    QuantizedConstant,
    Spread,
    Stored,
    Value,
)
from .weights import (
    convolution,
    filters,
    fits,
    linear_layer,
    parts,
    pool_window,
    scales,
    sides,
    signed,
    window,
)

# Rounding


def quantize(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if isinstance(value, Probabilities):
        return value
    affine = work.affine(operator)
    if isinstance(value, Pending):
        return work.finish(operator, value, affine)
    if isinstance(value, Curve):
        here = rounded(work, operator, value, affine)
        return here if value.wide is None else Spread(here, value.wide)
    if isinstance(value, Padded | Spread) and value.affine == affine:
        return value
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
    if isinstance(value, Padded | Spread) and value.affine == affine:
        return value
    here = work.stored(operator)
    if here.affine != affine:
        raise operator.refuse("its scale or zero point is not that of the QuantizeLinear before it")
    return here


# Layers with weights


def conv(work: Lowering, operator: Operator) -> Value:
    given = work.value(operator, 2) if operator.input(2) else None
    constant = work.weight(operator, 1)
    codes = signed(constant, operator)
    layout = work.layout(operator)
    if layout.is_vector:
        single = math.prod(codes.shape[2:]) == 1 and all(n == 1 for n in layout.onnx[2:])
        if not single or operator.integer("group", 1) != 1 or any(sides(operator)):
            raise operator.refuse("its input is a vector here; give the network's input as image or spectrogram")
        rows = codes.reshape(codes.shape[:2])
        onnx = (1, len(rows), *layout.onnx[2:])
        return _dense(work, operator, work.stored(operator), rows, scales(constant, codes, 0, operator), given, onnx)
    height, width, _ = work.map(operator)
    found = filters(operator, codes, layout)
    if found.note:
        work.notes.append(f"{operator}: {found.note}")
    place = window(operator, found.kernel, height, width)
    value = work.value(operator, 0)
    if isinstance(value, Padded):
        both = tuple(a + b for a, b in zip(value.padding, place.padding, strict=True))
        joined = replace(place, padding=both)
        x, place = (value.inner, joined) if fits(joined) else (work.stored(operator), place)
    else:
        x = work.stored(operator)
    if not fits(place):
        top, left, bottom, right = place.padding
        wide = layout.resized((height + top + bottom, width + left + right), layout.shape[2])
        x, place = moved(work, operator, x, (top, left), (bottom, right), wide), replace(place, padding=NO_PADDING)
    pieces = parts(found.values)
    x = _repeated(work, operator, x, len(pieces))
    return convolution(operator, x, replace(found, values=np.concatenate(pieces, -1)), place,
                       scales(constant, codes, 0, operator), given)


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
    rows = codes if axis == 0 else codes.T
    return _dense(work, operator, x, rows, scales(constant, codes, axis, operator), given,
                  (*x.layout.onnx[:-1], len(rows)))


def _dense(work: Lowering, operator: Operator, x: Stored, rows: NDArray[np.int16], scale: NDArray[np.float32],
           given: object, onnx: tuple[int, ...]) -> Value:
    """`rows` [out, in] with its columns in ONNX's order."""
    if not x.layout.is_vector or x.layout.count != rows.shape[1]:
        raise operator.refuse(f"weights for {rows.shape[1]} inputs read a tensor of {list(x.layout.onnx)}")
    pieces = parts(rows if x.layout.order is None else rows[:, x.layout.order])
    x = _repeated(work, operator, x, len(pieces))
    return linear_layer(operator, x, np.concatenate(pieces, 1), scale, given, onnx)


def _repeated(work: Lowering, operator: Operator, x: Stored, times: int) -> Stored:
    """The tensor several times along its channels, for weights that are sums of the engine's."""
    if times == 1:
        return x
    work.notes.append(f"{operator}: weights beyond -127 to 127 became sums of {times}: {times} times its work "
                      "(quantize with QInt8 and WeightSymmetric to avoid it)")
    layout = Layout((*x.layout.shape[:-1], x.layout.shape[-1] * times), x.layout.onnx)
    return work.emit(Node("concat", (x.tensor,) * times, f"{operator.output}.repeated"), x.affine, layout)


# Pools and bounds


def max_pool(work: Lowering, operator: Operator) -> Value:
    height, width, channels = work.map(operator)
    place = pool_window(operator, height, width)
    node = Node("max_pool", (), operator.output, kernel=place.kernel, stride=place.stride, padding=place.padding)
    return work.keep(operator, node, work.layout(operator).resized(place.out, channels))


def average_pool(work: Lowering, operator: Operator) -> Value:
    height, width, channels = work.map(operator)
    x, layout = work.stored(operator), work.layout(operator)
    place = pool_window(operator, height, width)
    if operator.integer("count_include_pad", 0) and any(place.padding):
        # Zeros of a map's own count; those of the engine's padding do not.
        top, left, bottom, right = place.padding
        if operator.integer("ceil_mode", 0) and [top, left, bottom, right] != sides(operator):
            raise operator.refuse("ceil_mode with count_include_pad, where a window reaches beyond the padding; "
                                  "leave one of them out")
        wide = layout.resized((height + top + bottom, width + left + right), channels)
        x = moved(work, operator, x, (top, left), (bottom, right), wide)
        place = replace(place, padding=NO_PADDING)
    node = Node("average_pool", (x.tensor,), operator.output, kernel=place.kernel, stride=place.stride,
                padding=place.padding)
    return Pending(operator.output, node, None, layout.resized(place.out, channels))


def global_max_pool(work: Lowering, operator: Operator) -> Value:
    height, width, channels = work.map(operator)
    node = Node("max_pool", (), operator.output, kernel=(height, width))
    return work.keep(operator, node, work.layout(operator).resized((1, 1), channels))


def bounds(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if operator.input(0) in work.codes:
        return _coded_bounds(work, operator)
    low, high = (0.0, math.inf) if operator.op == "Relu" else _clip(work, operator)
    if isinstance(value, Pending | Curve):
        return value.clipped(low, high)
    return work.bounded(operator.output, work.stored(operator), low, high)


def _coded_bounds(work: Lowering, operator: Operator) -> Value:
    """Between codes, as Relu and Clip of int8 and uint8 have them."""
    x, unsigned = work.stored(operator), work.codes[operator.input(0)]
    low, high = (work.constant(operator, i) if operator.op == "Clip" else None for i in (1, 2))
    low = np.zeros(1) if operator.op == "Relu" else low
    bounds = (-128 if low is None else code(low, unsigned), 127 if high is None else code(high, unsigned))
    return looked_up(work, operator.output, x, np.clip(CODES, *bounds), x.affine)


def larger(work: Lowering, operator: Operator) -> Value:
    """Max and Min: a tensor between constants."""
    numbers = [constant_value(work, operator, i) for i in range(len(operator.inputs))]
    tensors = [i for i, n in enumerate(numbers) if n is None]
    if len(tensors) != 1 or any(n is not None and n.size != 1 for n in numbers):
        raise operator.refuse("the larger or smaller of two tensors, or of one and more than one number; the engine "
                              "has bounds of one number, Add, Concat and MaxPool")
    value = work.value(operator, tensors[0])
    for given in (float(n.reshape(-1)[0]) for n in numbers if n is not None):
        low, high = (given, math.inf) if operator.op == "Max" else (-math.inf, given)
        value = (value.clipped(low, high) if isinstance(value, Pending | Curve)
                 else work.bounded(operator.output, work.stored(operator, tensors[0]), low, high))
    return value


def _clip(work: Lowering, operator: Operator) -> tuple[float, float]:
    found = []
    for index, key, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        given = work.value(operator, index) if operator.input(index) else operator.attributes.get(key, default)
        if isinstance(given, QuantizedConstant):
            given = given.value
        if isinstance(given, Stored | Padded | Spread | Pending | Curve):
            raise operator.refuse("a bound that is computed; only constants are supported")
        found.append(float(np.asarray(given).reshape(-1)[0]))
    return found[0], found[1]


# What is left out


def same(work: Lowering, operator: Operator) -> Value:
    return work.value(operator, 0)


def cast(work: Lowering, operator: Operator) -> Value:
    """To float: of codes, numbers of scale 1."""
    value = work.value(operator, 0)
    if operator.integer("to", 1) != 1:
        raise operator.refuse("turns a tensor into another type; only float32 is supported")
    if isinstance(value, CodesInput):
        return work.input(operator, value, Affine(np.float32(1), -128 if value.unsigned else 0))
    if operator.input(0) in work.codes:
        raise operator.refuse("turns codes into numbers; a DequantizeLinear says what they mean")
    return value


def softmax(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if not isinstance(value, Stored | Pending):
        value = work.stored(operator)
    rank = len(value.layout.onnx)
    axis = operator.integer("axis", 0 if operator.op == "ArgMax" else -1) % rank
    if math.prod(value.layout.onnx) != value.layout.onnx[axis] and axis != 1:
        raise operator.refuse(f"over axis {axis} of {value.layout.onnx}; only over the classes at an output")
    work.notes.append(f"{operator}: left out, the engine computes probabilities itself")
    return Probabilities(value, operator.input(0))


OPERATORS: Mapping[str, Translate] = {
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize, "Conv": conv, "Gemm": gemm, "MatMul": gemm,
    "MaxPool": max_pool, "AveragePool": average_pool, "GlobalAveragePool": mean, "GlobalMaxPool": global_max_pool,
    "ReduceMean": mean, "ReduceMax": reduce_max, "ReduceSum": reduce_sum, "Relu": bounds, "Clip": bounds,
    "Max": larger, "Min": larger, "Cast": cast, "Identity": same, "Dropout": same, "Softmax": softmax,
    "LogSoftmax": softmax, "ArgMax": softmax, **ARITHMETIC, **CURVED, **SHAPES,
}


def lower_onnx(graph: OnnxGraph, shapes: Mapping[str, Shape]) -> Lowering:
    """`shapes`: of every input, as its features give it."""
    work = Lowering(graph, shapes)
    work.run(OPERATORS)
    for name, _, _ in graph.inputs:
        if name not in work.tensors:
            raise ToolError(f"input '{name}': nothing quantizes it; the engine runs int8 only")
    return work

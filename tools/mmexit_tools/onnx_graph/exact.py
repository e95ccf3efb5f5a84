"""Evaluates a graph of QuantizeLinear/DequantizeLinear pairs with exact sums, as the yardstick for what is imported.

It knows nothing of the engine or of the importer: values keep ONNX's layout, a dequantized value keeps its whole
numbers beside its scale, and a layer over two of them sums whole numbers (exact in float64). Where a sum is rounded,
its scales are multiplied in float32 as ONNX's integer operators do (QLinearConv: sum * (input scale * weight scale /
output scale)), or in float64 on demand. Layers over float values are computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import layers, moves
from .curves import CURVES
from .graph import OnnxGraph, Operator, along, fold_constant, rounded_type
from .values import Real, Term, plain


def evaluate(graph: OnnxGraph, feed: Mapping[str, NDArray],
             kind: DTypeLike = np.float32) -> dict[str, Real | NDArray]:
    """Every value of the graph: a `Real`, or the whole numbers of a quantized one.

    `feed`: inputs, batch first. `kind`: in which type scales are multiplied where a value is rounded.
    """
    values: dict[str, Real | NDArray] = {}
    for name, array in graph.constants.items():
        values[name] = plain(array) if array.dtype == np.float32 else array
    for name, given_kind, _ in graph.inputs:
        values[name] = plain(feed[name]) if given_kind == "float32" else feed[name]
    constants = dict(graph.constants)
    for operator in graph.operators:
        folded = fold_constant(operator, constants, graph.opset)
        given = [values[i] if i else None for i in operator.inputs]
        if operator.op == "Shape" and folded is None:
            folded = _extents(operator, given[0])
        if folded is not None:
            constants[operator.output] = folded
            values[operator.output] = plain(folded) if folded.dtype == np.float32 else folded
        elif operator.op == "QuantizeLinear":
            values[operator.output] = _quantize(operator, given, kind)
        elif operator.op == "Split":
            values.update(zip(operator.outputs, moves.split(operator, given), strict=True))
        else:
            values[operator.output] = EVALUATE[operator.op](operator, given)
    return values


def _extents(o: Operator, value: Real | NDArray) -> NDArray[np.int64]:
    shape = (value.value if isinstance(value, Real) else value).shape
    return np.array(shape[o.integer("start", 0) : o.integer("end", len(shape))], np.int64)


def _quantize(o: Operator, given: list, kind: DTypeLike) -> NDArray:
    zero = given[2] if len(given) > 2 and given[2] is not None else np.zeros((), rounded_type(o, None))
    bounds = np.iinfo(zero.dtype)
    q = np.rint(given[0].over(given[1].value, kind)).astype(np.float64) + zero.astype(np.float64)
    return np.clip(q, bounds.min, bounds.max).astype(zero.dtype)


def _dequantize(o: Operator, given: list) -> Real:
    q, scale = given[0], np.asarray(given[1].value)
    zero = given[2] if len(given) > 2 and given[2] is not None else np.zeros(())
    axis = o.integer("axis", 1)
    whole = q.astype(np.float64) - along(zero.astype(np.float64), q.ndim, axis)
    return Real((Term(whole, along(scale, q.ndim, axis)),))


def _softmax(o: Operator, given: list) -> Real:
    x, axis = given[0].value, o.integer("axis", -1)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    total = e.sum(axis=axis, keepdims=True)
    return plain(e / total if o.op == "Softmax" else np.log(e / total))


def _largest_place(o: Operator, given: list) -> NDArray:
    return np.argmax(given[0].value, axis=o.integer("axis", 0), keepdims=bool(o.integer("keepdims", 1)))


def _cast(o: Operator, given: list) -> Real:
    """To float; codes are numbers of scale 1."""
    x = given[0]
    return x if isinstance(x, Real) else Real((Term(x.astype(np.float64), np.ones(())),))


def _same(o: Operator, given: list) -> Real | NDArray:
    return given[0]


EVALUATE: Mapping[str, Callable[[Operator, list], Real | NDArray]] = {
    "DequantizeLinear": _dequantize, "Conv": layers.conv, "Gemm": layers.gemm, "MatMul": layers.gemm,
    "Add": layers.add, "Sub": layers.subtract, "Mul": layers.multiply, "Div": layers.multiply, "Neg": layers.negate,
    "BatchNormalization": layers.normalize, **dict.fromkeys((*CURVES, "PRelu", "Pow"), layers.curve),
    "MaxPool": layers.max_pool, "GlobalMaxPool": layers.max_pool, "AveragePool": layers.average_pool,
    "GlobalAveragePool": layers.mean, "ReduceMean": layers.mean, "Relu": layers.relu, "Clip": layers.clip,
    "Concat": moves.concat, "Pad": moves.pad, "Flatten": moves.shaped(moves.flatten),
    "Reshape": moves.shaped(moves.reshape), "Transpose": moves.shaped(moves.transpose),
    "Slice": moves.shaped(moves.cut), "Gather": moves.shaped(moves.gather),
    "Squeeze": moves.shaped(lambda o, x, g: x.squeeze(moves.axes(o, g) or None)),
    "Unsqueeze": moves.shaped(lambda o, x, g: np.expand_dims(x, moves.axes(o, g))),
    "ReduceMax": layers.reduce_max, "ReduceSum": layers.reduce_sum, "Max": layers.larger, "Min": layers.larger,
    "Sum": layers.add, "ArgMax": _largest_place, "Cast": _cast, "Expand": moves.shaped(moves.expand),
    "SpaceToDepth": moves.shaped(moves.space_to_depth),
    "Identity": _same, "Dropout": _same, "Softmax": _softmax, "LogSoftmax": _softmax,
}

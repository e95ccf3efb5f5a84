"""Functions of one code, which the engine looks up: Sigmoid, HardSwish and their like, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..onnx_graph.curves import CURVES
from ..onnx_graph.graph import Operator
from ..quantize.ranges import Affine
from .values import Curve, Pending, QuantizedConstant, Stored, Value

if TYPE_CHECKING:
    from .lowering import Lowering, Translate

CODES = np.arange(-128, 128)
AT_AN_OUTPUT = ("a probability of its own for each class, at an output; the engine's exits choose one of 2 to 1000 "
                "classes by softmax: train with a class for each answer (for one number: yes and no) and end the net "
                "with logits")


def plain(value: Stored) -> Curve:
    """Each code's own number, as DequantizeLinear gives it: float32."""
    steps = (CODES - value.affine.zero_point).astype(np.float32)
    return Curve(value, (steps * np.float32(value.affine.scale)).astype(np.float64))


def in_float(value: Value) -> Curve | None:
    """A value that is not rounded yet, where it is a function of one tensor's codes."""
    if isinstance(value, Curve):
        return value
    if not isinstance(value, Pending) or value.curve is None or value.posts:
        return None
    return value.curve.clipped(value.low, value.high)


def curve(work: Lowering, operator: Operator, index: int = 0) -> Curve:
    """An input as a function of a tensor's codes."""
    return in_float(work.value(operator, index)) or plain(work.stored(operator, index))


def constant_value(work: Lowering, operator: Operator, index: int) -> NDArray[np.float64] | None:
    """An input as real numbers where it is constant."""
    value = work.value(operator, index)
    if isinstance(value, QuantizedConstant):
        return value.value
    return value.astype(np.float64) if isinstance(value, np.ndarray) else None


Two = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def numbered(work: Lowering, operator: Operator, index: int, change: Two) -> Curve | None:
    """A curve in float and one constant number; None where it is not that."""
    given = constant_value(work, operator, 1 - index)
    found = in_float(work.value(operator, index))
    if given is None or given.size != 1 or found is None:
        return None
    return replace(found, real=change(found.real, given.reshape(())))


def together(work: Lowering, operator: Operator, change: Two) -> Curve | None:
    """Two functions of one tensor, one of them in float at least (SiLU: x * Sigmoid(x)); None where none is."""
    if not any(in_float(work.value(operator, i)) for i in (0, 1)):
        return None
    a, b = curve(work, operator, 0), curve(work, operator, 1)
    if (a.source.tensor, a.layout.onnx) != (b.source.tensor, b.layout.onnx):
        raise operator.refuse("takes together curves over two tensors, in float; the engine runs int8 only (quantize "
                              "this layer too)")
    return replace(a, real=change(a.real, b.real))


def curved(work: Lowering, operator: Operator) -> Value:
    if operator.op == "Sigmoid" and work.graph.ends_with(operator.output):
        raise operator.refuse(AT_AN_OUTPUT)
    x = curve(work, operator)
    return replace(x, real=CURVES[operator.op](operator, _float32(x.real)))


def leaky(work: Lowering, operator: Operator) -> Value:
    """PRelu of one slope."""
    given = work.value(operator, 1)
    slopes = given.value if isinstance(given, QuantizedConstant) else given
    if not isinstance(slopes, np.ndarray):
        raise operator.refuse("its slope is computed; only a constant is supported")
    slopes = np.unique(slopes.astype(np.float64))
    if len(slopes) != 1:
        raise operator.refuse(f"slopes from {slopes.min():g} to {slopes.max():g}; one slope is supported (PReLU with "
                              "num_parameters=1)")
    x = curve(work, operator)
    real = _float32(x.real)
    return replace(x, real=np.where(real < 0, real * slopes[0], real))


def power(work: Lowering, operator: Operator) -> Value:
    given = constant_value(work, operator, 1)
    if given is None or given.size != 1:
        raise operator.refuse("its exponent is computed, or more than one number")
    x = curve(work, operator)
    with np.errstate(all="ignore"):
        return replace(x, real=np.power(_float32(x.real), given.reshape(())))


def rounded(work: Lowering, operator: Operator, value: Curve, affine: Affine) -> Stored:
    """The table that a curve becomes where it is rounded."""
    steps = value.real.astype(np.float32) / np.float32(affine.scale)
    codes = np.clip(np.rint(steps).astype(np.float64) + affine.zero_point, -128, 127)
    return looked_up(work, operator.output, value.source, np.nan_to_num(codes, nan=affine.zero_point), affine)


def clamped(work: Lowering, name: str, x: Stored, low: float, high: float) -> Stored:
    """The tensor between bounds, which are rounded as it is."""
    steps = np.rint(np.clip(np.array([low, high]) / float(x.affine.scale), -1000, 1000)) + x.affine.zero_point
    return looked_up(work, name, x, np.clip(CODES, *np.clip(steps, -128, 127)), x.affine)


def looked_up(work: Lowering, name: str, x: Stored, codes: NDArray, affine: Affine) -> Stored:
    return work.emit(Node("table", (x.tensor,), name, table=codes.astype(np.int8)), affine, x.layout)


def _float32(real: NDArray[np.float64]) -> NDArray[np.float64]:
    return real.astype(np.float32).astype(np.float64)


CURVED: Mapping[str, Translate] = {**dict.fromkeys(CURVES, curved), "PRelu": leaky, "Pow": power}

"""Functions of one code, which the engine looks up: Sigmoid, HardSwish and their like, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..onnx_graph.curves import CURVES
from ..onnx_graph.graph import Operator
from ..quantize.ranges import Affine
from .values import Curve, QuantizedConstant, Stored, Value

if TYPE_CHECKING:
    from .lowering import Lowering, Translate

CODES = np.arange(-128, 128)


def plain(value: Stored) -> Curve:
    """Each code's own number, as DequantizeLinear gives it: float32."""
    steps = (CODES - value.affine.zero_point).astype(np.float32)
    return Curve(value, (steps * np.float32(value.affine.scale)).astype(np.float64))


def curve(work: Lowering, operator: Operator, index: int = 0) -> Curve:
    """An input as a function of a tensor's codes."""
    value = work.value(operator, index)
    return value if isinstance(value, Curve) else plain(work.stored(operator, index))


def curved(work: Lowering, operator: Operator) -> Value:
    x = curve(work, operator)
    return Curve(x.source, CURVES[operator.op](operator, _float32(x.real)))


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
    return Curve(x.source, np.where(real < 0, real * slopes[0], real))


def product(a: Curve, b: Curve) -> Curve | None:
    """Of two functions of one tensor (SiLU: x * Sigmoid(x)); None where they are of two."""
    return Curve(a.source, a.real * b.real) if a.source == b.source else None


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


CURVED: Mapping[str, Translate] = {**dict.fromkeys(CURVES, curved), "PRelu": leaky}

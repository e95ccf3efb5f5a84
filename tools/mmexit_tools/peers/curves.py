"""A table of 256 codes as an operator that LiteRT has: what its user would write. Which curve a table holds is found
from the table itself, since a model file says only the codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ToolError

if TYPE_CHECKING:
    from .models import Writer


@dataclass(frozen=True)
class Curve:
    """`parts`: the operators, each over the result of the one before; `product`: the input times the last result."""

    parts: tuple[str, ...]
    of: Callable[[NDArray], NDArray]
    product: bool = False


def logistic(x: NDArray) -> NDArray:
    return 1 / (1 + np.exp(-x))


CURVES = (
    Curve(("RELU",), lambda x: np.maximum(x, 0)),
    Curve(("RELU6",), lambda x: np.clip(x, 0, 6)),
    Curve(("LOGISTIC",), logistic),
    Curve(("TANH",), np.tanh),
    Curve(("HARD_SWISH",), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    Curve(("LOGISTIC",), lambda x: x * logistic(x), product=True),
)

FIXED = {"LOGISTIC": (np.float32(1 / 256), -128), "TANH": (np.float32(1 / 128), 0)}
"""LiteRT's int8 operators with a scale and zero point of their own."""


def curve_of(table: NDArray, source: dict, output: dict) -> Curve | None:
    """The curve that gives these codes within one; None where none does. `source`, `output`: scale and zero_point."""
    codes = np.arange(-128, 128)
    x = (codes - source["zero_point"]) * np.float64(source["scale"])
    for curve in CURVES:
        wanted = np.clip(np.rint(curve.of(x) / output["scale"]) + output["zero_point"], -128, 127)
        if np.abs(wanted - table.astype(np.int64)).max() <= 1:
            return curve
    return None


def write_table(writer: Writer, node: dict) -> None:
    """The operators of one `table` node."""
    source, output = node["inputs"][0], node["output"]
    a, b = writer.net.activations[source], writer.net.activations[output]
    table = writer.net.tensors[node["table"]]
    curve = curve_of(table, a, b)
    given, kinds = writer.activation(source), writer.schema.TensorType
    out = writer.activation(output, writer.shapes[source])
    if curve is None:
        look_up(writer, table, given, out, output)
        return
    last = given
    for i, part in enumerate(curve.parts):
        ends = i == len(curve.parts) - 1 and not curve.product
        fixed = FIXED.get(part) if writer.quantized else None
        made = out if ends and fixed in (None, (np.float32(b["scale"]), b["zero_point"])) else writer.tensor(
            f"{output}.{part}", (1, *writer.shapes[source]), kinds.INT8 if writer.quantized else kinds.FLOAT32, None,
            *((fixed or (np.float32(b["scale"]), b["zero_point"])) if writer.quantized else ()))
        writer.operator(part, [last], [made])
        last = made
    if curve.product:
        options = writer.schema.MulOptionsT()
        options.fusedActivationFunction = writer.schema.ActivationFunctionType.NONE
        writer.operator("MUL", [given, last], [out], options)
    elif last != out:
        writer.operator("QUANTIZE", [last], [out], writer.schema.QuantizeOptionsT())


def look_up(writer: Writer, table: NDArray, given: int, out: int, name: str) -> None:
    """A curve without an operator of its own: GATHER among the 256 codes."""
    if not writer.quantized:
        raise ToolError(f"{writer.net.name}: the table of '{name}' is no curve that LiteRT has in float32")
    s, shape, b = writer.schema, writer.shapes[name], writer.net.activations[name]
    wide, index = (writer.tensor(f"{name}.{what}", (1, *shape), s.TensorType.INT32) for what in ("codes", "index"))
    offset = writer.tensor(f"{name}.offset", (1,), s.TensorType.INT32, np.array([128], np.int32))
    codes = writer.tensor(f"{name}.table", (256,), s.TensorType.INT8, table, np.float32(b["scale"]), b["zero_point"])
    cast = s.CastOptionsT()
    cast.inDataType, cast.outDataType = s.TensorType.INT8, s.TensorType.INT32
    writer.operator("CAST", [given], [wide], cast)
    writer.operator("ADD", [wide, offset], [index], s.AddOptionsT())
    writer.operator("GATHER", [codes, index], [out], s.GatherOptionsT())

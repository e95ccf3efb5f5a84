"""Which values of the graph are codes: what stands between a QuantizeLinear and its DequantizeLinear."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..onnx_graph.graph import Operator, rounded_type

MOVES = {"Concat", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "Pad", "ReduceMax", "Reshape", "Slice",
         "SpaceToDepth", "Split", "Squeeze", "Transpose", "Unsqueeze"}
"""Say the same of codes as of the numbers behind them."""
BOUNDS = {"Relu", "Clip"}


def carried(operator: Operator, codes: Mapping[str, bool], values: Mapping[str, object]) -> dict[str, bool]:
    """The operator's outputs that are codes, and whether they are unsigned. Raises ToolError for arithmetic on codes,
    which means something else than on the numbers behind them."""
    if operator.op == "QuantizeLinear":
        zero = values.get(operator.input(2))
        return {operator.output: rounded_type(operator, zero if isinstance(zero, np.ndarray) else None) == np.uint8}
    given = [codes[i] for i in operator.inputs if i in codes]
    if not given or operator.op in ("DequantizeLinear", "Cast"):
        return {}
    if operator.op not in MOVES | BOUNDS:
        raise operator.refuse("computes with the codes themselves, between a QuantizeLinear and its "
                              "DequantizeLinear; put it behind the DequantizeLinear")
    return dict.fromkeys(operator.outputs, given[0])


def is_unsigned(operator: Operator, zero: NDArray | None, codes: Mapping[str, bool]) -> bool:
    """Whether a Quantize- or DequantizeLinear has uint8 on its integer side."""
    if operator.op == "DequantizeLinear" and zero is None and operator.input(0) in codes:
        return codes[operator.input(0)]
    kind = rounded_type(operator, zero)
    if kind not in (np.int8, np.uint8):
        raise operator.refuse(f"activations of {kind}; only int8 and uint8 are supported (quantize with "
                              "activation_type QInt8 or QUInt8)")
    return kind == np.uint8


def code(value: object, unsigned: bool) -> int:
    """A constant code as the engine has it: int8."""
    return int(np.asarray(value).reshape(-1)[0]) - (128 if unsigned else 0)

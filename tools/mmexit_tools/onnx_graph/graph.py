"""An ONNX file as the importer sees it: nodes in order, constants as arrays, inputs and outputs with shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.checker
import onnx.inliner
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ..base.errors import NO_INPUT, ToolError

DOMAINS = {"", "ai.onnx"}
QUANTIZERS = {"QuantizeLinear", "DequantizeLinear"}
"""Also taken from com.microsoft, where ONNX Runtime's quantizer may put them."""
LONGEST_INPUT = 200
FOLDED = {"Add", "Cast", "Ceil", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Floor", "Gather",
          "Mul", "Neg", "Pow", "Range", "ReduceProd", "Reshape", "Shape", "Slice", "Sqrt", "Squeeze", "Sub",
          "Unsqueeze", "Where"}
"""Operators over constants, as the arithmetic of shapes has them."""
FORWARD = {3: [0, 2, 1], 4: [0, 3, 1, 2]}
"""By number of extents: what brings the channels, or a sound's bands, from the last place to the front."""
INPUT_TYPES = {TensorProto.FLOAT: "float32", TensorProto.INT8: "int8", TensorProto.UINT8: "uint8"}


@dataclass(frozen=True)
class Operator:
    """One node of the ONNX graph; an absent optional input is the empty name."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, object]

    def __str__(self) -> str:
        return f"{self.op} '{self.name or self.output}'"

    @property
    def output(self) -> str:
        return self.outputs[0]

    def input(self, index: int) -> str:
        """The input's name, empty where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def integers(self, key: str, default: list[int]) -> list[int]:
        value = self.attributes.get(key, default)
        return [int(v) for v in value]  # type: ignore[union-attr]

    def integer(self, key: str, default: int) -> int:
        return int(self.attributes.get(key, default))  # type: ignore[call-overload]

    def refuse(self, why: str) -> ToolError:
        """An error in one line that names this node."""
        return ToolError(f"{self}: {why}")


@dataclass(frozen=True)
class OnnxGraph:
    """`inputs`: (name, element type, extents with a batch of 1); `constants`: initializers."""

    name: str
    operators: tuple[Operator, ...]
    constants: Mapping[str, NDArray]
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    channels_last: frozenset[str] = frozenset()
    """Inputs that are [1, height, width, channels] or [1, frames, bands] and go through a Transpose."""
    opset: int = 17

    def uses(self) -> dict[str, int]:
        """How often each value is read, by nodes or as an output of the graph."""
        count: dict[str, int] = {}
        for name in [i for o in self.operators for i in o.inputs] + list(self.outputs):
            count[name] = count.get(name, 0) + 1
        return count

    def ends_with(self, name: str) -> bool:
        """Whether a value becomes an output by rounding and other extents only."""
        here, passed = {name}, {*QUANTIZERS, "Identity", "Flatten", "Reshape", "Squeeze"}
        for operator in self.operators:
            if operator.input(0) in here and operator.op in passed:
                here.add(operator.output)
        return not here.isdisjoint(self.outputs)


def read_onnx(path: Path) -> OnnxGraph:
    """Raises ToolError for what is no ONNX graph, and for inputs whose shape is not known."""
    if not path.is_file():
        raise ToolError(f"{path}: no such file", NO_INPUT)
    try:
        return onnx_graph(onnx.load(str(path)), path.stem)
    except ToolError as error:
        raise ToolError(f"{path}: {error}") from None
    except Exception as error:  # protobuf's own errors share no base class
        if isinstance(error, OSError | onnx.checker.ValidationError) and _is_split(path):
            raise ToolError(f"{path}: its weights lie in a file of their own that is not beside it; copy both (or "
                            "write one with onnx.save(onnx.load(NET), OUT, save_as_external_data=False))",
                            NO_INPUT) from error
        raise ToolError(f"{path}: not an ONNX file ({type(error).__name__})") from error


def _is_split(path: Path) -> bool:
    try:
        found = onnx.load(str(path), load_external_data=False)
    except Exception:  # protobuf's own errors share no base class
        return False
    return any(t.data_location == TensorProto.EXTERNAL for t in found.graph.initializer)


def onnx_graph(model: onnx.ModelProto, name: str) -> OnnxGraph:
    """The graph of a model in memory; `name` where the graph has none of its own."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    graph = model.graph
    if not graph.node:
        raise ToolError("the graph has no nodes")
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    inputs = tuple(_input(i) for i in graph.input if i.name not in constants)
    operators = tuple(_operator(n) for n in graph.node)
    opset = max((o.version for o in model.opset_import if o.domain in DOMAINS), default=17)
    return OnnxGraph(name, operators, constants, inputs, tuple(o.name for o in graph.output),
                     _channels_last(operators, inputs), opset)


def _channels_last(operators: Sequence[Operator],
                   inputs: Iterable[tuple[str, str, tuple[int, ...]]]) -> frozenset[str]:
    """Inputs whose first operator, but for rounding, is the Transpose that brings the channels forward."""
    found = set()
    for name, _, extents in inputs:
        here = {name}
        for operator in operators:
            if operator.input(0) not in here:
                continue
            if operator.op in QUANTIZERS or operator.op in ("Identity", "Cast"):
                here.add(operator.output)
            elif operator.op == "Transpose" and operator.integers("perm", []) == FORWARD.get(len(extents)):
                found.add(name)
    return frozenset(found)


def _operator(node: onnx.NodeProto) -> Operator:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    here = Operator(node.op_type, node.name, tuple(node.input), tuple(node.output), attributes)
    if node.op_type.startswith("QLinear") or node.op_type in ("ConvInteger", "MatMulInteger", "QGemm"):
        raise here.refuse("integer operators (QOperator form) are not supported; quantize to the QDQ form "
                          "(QuantizeLinear/DequantizeLinear pairs)")
    if node.domain not in DOMAINS and node.op_type not in QUANTIZERS:
        raise here.refuse(f"an operator of {node.domain}; only standard operators can be imported")
    return here


def _input(value: onnx.ValueInfoProto) -> tuple[str, str, tuple[int, ...]]:
    kind = INPUT_TYPES.get(value.type.tensor_type.elem_type)
    if kind is None:
        raise ToolError(f"input '{value.name}': neither float32, int8 nor uint8")
    extents = []
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        known = dim.dim_value if dim.HasField("dim_value") else 0
        if axis == 0:
            if known > 1:
                raise ToolError(f"input '{value.name}': a batch of {known}; export the net with a batch of 1")
            known = 1
        elif known < 1:
            raise ToolError(f"input '{value.name}': extent {axis} ({dim.dim_param or 'unnamed'}) is not fixed; "
                            "export the net with fixed extents (only the batch may be open)")
        extents.append(known)
    if len(extents) not in (2, 3, 4):
        raise ToolError(f"input '{value.name}': {len(extents)} extents; expected [1, n], [1, bands, frames], "
                        "[1, channels, height, width] or [1, height, width, channels]")
    if not 1 <= len(value.name.encode()) <= LONGEST_INPUT:
        raise ToolError(f"input '{value.name[:40]}...': a name of {len(value.name.encode())} bytes; it becomes a "
                        f"modality's, which has 1 to {LONGEST_INPUT}: rename it")
    if value.name == "fusion":
        raise ToolError("input 'fusion': means the fusion of all modalities in the engine; rename it")
    return value.name, kind, tuple(extents)


def fold_constant(operator: Operator, constants: Mapping[str, NDArray], opset: int = 17) -> NDArray | None:
    """The value of a node whose inputs are all constants, for the operators that stand between weights and their
    layers and in the arithmetic of shapes; None for any other."""
    if operator.op == "Constant":
        value = operator.attributes.get("value")
        if value is None:
            value = operator.attributes.get("value_floats", operator.attributes.get("value_ints"))
            if value is None:
                value = operator.attributes.get("value_float", operator.attributes.get("value_int"))
            return np.array(value, np.float32 if isinstance(np.ravel(value)[0], float) else np.int64)
        return numpy_helper.to_array(value)  # type: ignore[arg-type]
    if not all(i in constants for i in operator.inputs if i):
        return None
    given = [constants[i] if i else None for i in operator.inputs]
    if operator.op == "Identity":
        return given[0]
    if operator.op == "Transpose" and given[0] is not None:
        return given[0].transpose(operator.integers("perm", list(range(given[0].ndim))[::-1]))
    if operator.op == "QuantizeLinear" and given[0] is not None and given[1] is not None:
        return _quantized_constant(operator, given[0], given[1], given[2] if len(given) > 2 else None)
    if operator.op in FOLDED:
        return _evaluated(operator, {i: constants[i] for i in operator.inputs if i}, opset)
    return None


def _evaluated(operator: Operator, given: Mapping[str, NDArray], opset: int) -> NDArray:
    """What ONNX's own reference gives."""
    node = helper.make_node(operator.op, list(operator.inputs), list(operator.outputs), **operator.attributes)
    try:
        found = ReferenceEvaluator(node, opsets={"": opset}).run(None, dict(given))[0]
    except Exception as error:  # the reference's errors share no base class
        raise operator.refuse(f"over constants that do not go together ({type(error).__name__})") from error
    return np.asarray(found)


def _quantized_constant(operator: Operator, x: NDArray, scale: NDArray, zero: NDArray | None) -> NDArray:
    kind = rounded_type(operator, zero)
    if kind not in (np.int8, np.uint8, np.int32):
        raise operator.refuse(f"quantizes to {kind}; int8 and uint8 can be imported")
    bounds = np.iinfo(kind)
    axis = operator.integer("axis", 1)
    q = np.rint(x / along(scale, x.ndim, axis)) + along(np.zeros(1) if zero is None else zero, x.ndim, axis)
    return np.clip(q, bounds.min, bounds.max).astype(kind)


def rounded_type(operator: Operator, zero: NDArray | None) -> np.dtype:
    """What a QuantizeLinear rounds to: its zero point's type, else `output_dtype` (operator set 21), else uint8."""
    if zero is not None:
        return zero.dtype
    given = operator.integer("output_dtype", 0)
    return np.dtype(helper.tensor_dtype_to_np_dtype(given)) if given else np.dtype(np.uint8)


def along(values: NDArray, rank: int, axis: int) -> NDArray:
    """A scalar, or one value for each place of `axis`, shaped to go with an array of that rank."""
    if values.size == 1:
        return values.reshape(())
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)

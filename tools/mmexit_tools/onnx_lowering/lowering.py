"""Brings a graph of QuantizeLinear/DequantizeLinear pairs over into the engine's nodes, operator by operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..model.layers import Shape
from ..onnx_graph.graph import OnnxGraph, Operator, fold_constant
from ..quantize.modelfile import ACTIVATED
from ..quantize.quantization import Weights
from ..quantize.ranges import Affine
from .channelwise import settled, spread
from .codes import carried, is_unsigned
from .curved import clamped
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
    short_name,
)

HINTS = {
    "Resize": "the engine enlarges no map; leave it out or train without it",
    "Upsample": "the engine enlarges no map; leave it out or train without it",
    "ConvTranspose": "the engine enlarges no map; leave it out or train without it",
    "LSTM": "the engine keeps nothing between windows; use convolutions over time",
    "GRU": "the engine keeps nothing between windows; use convolutions over time",
    "LayerNormalization": "the engine has none; train with BatchNormalization, which is folded",
    "GlobalLpPool": "the engine has the mean and the largest over a map (GlobalAveragePool, GlobalMaxPool)",
    "DepthToSpace": "the engine enlarges no map; leave it out or train without it",
    "TopK": "the engine finds the likeliest class itself; end the graph before it (onnx.utils.extract_model)",
    "InstanceNormalization": "its statistics are each window's; train with BatchNormalization, which is folded",
    "GroupNormalization": "its statistics are each window's; train with BatchNormalization, which is folded",
    "LRN": "the engine has none; train with BatchNormalization, which is folded",
    "Where": "a choice between tensors; the engine has none (a mask of zeros and ones is a Mul)",
    "Shape": "of a tensor whose extents are not known; run "
             "onnxruntime.quantization.shape_inference.quant_pre_process first, which folds the shapes",
}


@dataclass
class Lowering:
    """`nodes` in an order that can be run, by output; `relu` is an operation of ours that `simplify` takes away."""

    graph: OnnxGraph
    shapes: Mapping[str, Shape]
    """Of the inputs, in the engine's terms."""
    values: dict[str, Value] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    weights: dict[str, Weights] = field(default_factory=dict)
    tensors: dict[str, Stored] = field(default_factory=dict)
    rounded: dict[tuple[str, float, int], Stored | Padded] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    changes: dict[str, tuple[NDArray, NDArray] | None] = field(default_factory=dict)
    """What the graph does to its inputs before it quantizes them; the features do it instead."""

    codes: dict[str, bool] = field(default_factory=dict)
    """Values that are codes between a QuantizeLinear and its DequantizeLinear; true of uint8."""

    def __post_init__(self) -> None:
        self.read = frozenset(self.graph.uses())

    def run(self, operators: Mapping[str, Translate]) -> None:
        """Raises ToolError, which names the node, for what cannot be brought over."""
        self.values.update(self.graph.constants)
        for name, kind, extents in self.graph.inputs:
            layout = Layout(self.shapes[name], extents, last=name in self.graph.channels_last)
            self.values[name] = (Pending(name, None, None, layout) if kind == "float32"
                                 else CodesInput(name, kind == "uint8", layout))
            if kind != "float32":
                self.codes[name] = kind == "uint8"
        for operator in self.graph.operators:
            constants = {i: v for i in operator.inputs if isinstance(v := self.values.get(i), np.ndarray)}
            folded = fold_constant(operator, constants, self.graph.opset)
            if operator.op == "Shape" and folded is None:
                folded = self.extents(operator)
            if folded is not None:
                self.values[operator.output] = folded
                continue
            translate = operators.get(operator.op)
            if translate is None:
                raise operator.refuse(HINTS.get(operator.op, f"this operator is not supported; those that are: "
                                                             f"{', '.join(sorted(operators))}"))
            self.codes.update(carried(operator, self.codes, self.values))
            if operator.op == "Split":
                self.values.update(zip(operator.outputs, translate(self, operator), strict=True))
                continue
            if any(o in self.read for o in operator.outputs[1:]):
                raise operator.refuse("its second output is not supported")
            self.values[operator.output] = translate(self, operator)

    # What operators read

    def extents(self, operator: Operator) -> NDArray[np.int64]:
        """What a Shape gives: extents are fixed, the batch is 1."""
        value = self.value(operator, 0)
        if not isinstance(value, Pending | CodesInput | Padded | Spread | Curve | Stored):
            raise operator.refuse(HINTS["Shape"])
        onnx = value.layout.onnx
        return np.array(onnx[operator.integer("start", 0) : operator.integer("end", len(onnx))], np.int64)

    def value(self, operator: Operator, index: int) -> Value:
        name = operator.input(index)
        if name not in self.values:
            raise operator.refuse(f"reads '{name}', which nothing gives" if name else f"input {index} is absent")
        return self.values[name]

    def stored(self, operator: Operator, index: int = 0) -> Stored:
        """An input that must be int8."""
        value, name = self.value(operator, index), operator.input(index)
        match value:
            case Stored():
                return value
            case Padded():
                self.values[name] = here = settled(self, operator, value)
                return here
            case Spread(inner=inner, made=made):
                self.values[name] = here = spread(self, operator, inner, made)
                return here
            case Pending(make=None):
                raise operator.refuse(f"reads the input '{value.source}' in float; the engine runs int8 only "
                                      "(quantize this layer too)")
            case Pending():
                raise operator.refuse(f"reads '{name}' in float: no QuantizeLinear between '{value.source}' and it; "
                                      "the engine runs int8 only (quantize this layer too)")
            case Curve():
                raise operator.refuse(f"reads '{name}' in float: no QuantizeLinear between the curve over "
                                      f"'{value.source.tensor}' and it; the engine runs int8 only (quantize this "
                                      "layer too)")
            case CodesInput():
                raise operator.refuse(f"reads the input '{name}', which no DequantizeLinear follows")
            case Probabilities():
                raise operator.refuse(f"reads the Softmax or ArgMax over '{value.name}'; these may only stand at "
                                      "an output")
        raise operator.refuse(f"reads the constant '{name}' where a tensor is expected")

    def weight(self, operator: Operator, index: int) -> QuantizedConstant:
        value = self.value(operator, index)
        if isinstance(value, QuantizedConstant):
            return value
        if isinstance(value, np.ndarray):
            raise operator.refuse("its weights are float; the engine runs int8 only (quantize this layer too)")
        raise operator.refuse(f"its weights '{operator.input(index)}' are not constant")

    def constant(self, operator: Operator, index: int) -> NDArray | None:
        """None where it is absent."""
        if not operator.input(index):
            return None
        value = self.value(operator, index)
        if not isinstance(value, np.ndarray):
            raise operator.refuse(f"'{operator.input(index)}' is computed; only a constant is supported there")
        return value

    def affine(self, operator: Operator) -> Affine:
        """Scale and zero point of a Quantize- or DequantizeLinear over activations, uint8 moved by 128."""
        scale, zero = self.constant(operator, 1), self.constant(operator, 2)
        if operator.integer("block_size", 0):
            raise operator.refuse("scales an activation by blocks; only one scale a tensor is supported")
        if scale is None or scale.size != 1 or (zero is not None and zero.size != 1):
            raise operator.refuse("scales an activation by channel; only one scale a tensor is supported")
        unsigned = is_unsigned(operator, zero, self.codes)
        value = np.float32(scale.reshape(-1)[0])
        if not (np.isfinite(value) and value > 0):
            raise operator.refuse(f"its scale is {value}; scales are above 0 and finite")
        return Affine(value, int(0 if zero is None else zero.reshape(-1)[0]) - (128 if unsigned else 0))

    # What operators leave

    def name(self, wanted: str) -> str:
        """A name no other tensor has."""
        wanted = short_name(wanted)
        name, count = wanted, 2
        while name in self.tensors:
            name, count = f"{wanted}.{count}", count + 1
        return name

    def emit(self, node: Node, affine: Affine, layout: Layout, weights: Weights | None = None) -> Stored:
        name = self.name(node.output)
        self.nodes[name] = replace(node, output=name)
        if weights is not None:
            self.weights[name] = weights
        self.tensors[name] = Stored(name, affine, layout)
        return self.tensors[name]

    def finish(self, operator: Operator, value: Pending, affine: Affine) -> Stored | Padded:
        """The tensor that a result becomes where it is rounded."""
        key = (operator.input(0), float(affine.scale), affine.zero_point)
        if key in self.rounded:
            return self.rounded[key]
        low = value.low
        if value.make is None:
            here = self.input(operator, value, affine)
        else:
            takes = value.make.op in ACTIVATED and value.low == 0
            here = self.emit(replace(value.make, relu=takes), affine, value.made, value.weights)
            low = -math.inf if takes else low
        here = self.bounded(f"{value.source}.bounded", here, low, value.high)
        found: Stored | Padded = here
        for node, layout in value.posts:
            if isinstance(found, Padded):
                found = settled(self, operator, found)
            found = (Padded(found, node.padding, layout) if node.op == "pad"
                     else self.emit(replace(node, inputs=(found.tensor,)), affine, layout))
        self.rounded[key] = found
        return found

    def input(self, operator: Operator, value: Pending | CodesInput, affine: Affine) -> Stored:
        known = self.tensors.setdefault(value.source, Stored(value.source, affine, value.made))
        change = value.change if isinstance(value, Pending) else None
        first = self.changes.setdefault(value.source, change)
        alike = first is change or (first is not None and change is not None and np.array_equal(first, change))
        if known.affine != affine or not alike:
            raise operator.refuse(f"the input '{value.source}' is quantized in two ways")
        return known

    def bounded(self, name: str, x: Stored, low: float, high: float) -> Stored:
        """The tensor between bounds: as it is where they clamp nothing, a ReLU where that says it, else a table."""
        affine = x.affine
        above = high < (127 - affine.zero_point) * affine.scale - affine.scale / 2
        below = low > (-128 - affine.zero_point) * affine.scale + affine.scale / 2
        if not above and not below:
            return x
        if above or low != 0:
            return clamped(self, name, x, low, high)
        return self.emit(Node("relu", (x.tensor,), name), affine, x.layout)

    def keep(self, operator: Operator, node: Node, layout: Layout) -> Value:
        """An operation that keeps scale and zero point: done at once on int8, on a result once that is rounded."""
        value = self.value(operator, 0)
        if isinstance(value, Pending):
            return value.then(node, layout)
        here = self.stored(operator)
        return self.emit(replace(node, inputs=(here.tensor,)), here.affine, layout)

    def layout(self, operator: Operator) -> Layout:
        value = self.value(operator, 0)
        if isinstance(value, Pending | CodesInput | Padded | Spread | Curve):
            return value.layout
        return self.stored(operator).layout

    def map(self, operator: Operator) -> tuple[int, int, int]:
        layout = self.layout(operator)
        if layout.is_vector:
            raise operator.refuse("its input is a vector here; give the network's input as image or spectrogram")
        if layout.last:
            raise operator.refuse(f"reads a map as [1, height, width, channels] ({list(layout.onnx)}); a Transpose "
                                  "to [1, channels, height, width] is expected before it")
        height, width, channels = layout.shape
        if len(layout.onnx) not in (3, 4) or (len(layout.onnx) == 3 and width > 1 and not layout.bands):
            raise operator.refuse(f"reads a tensor of {list(layout.onnx)}; expected [1, channels, height, width], or "
                                  "[1, channels, frames] of convolutions over time")
        return height, width, channels


Translate = Callable[[Lowering, Operator], Value]
"""Brings one operator over."""

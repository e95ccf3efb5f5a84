"""Forms in which exporters, converters and quantizers write what the engine has: each in a net, exact or refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from qdq import Builder, imported
from test_onnx_operators import CHANNELS, ends, exact, stem

from mmexit_tools.base.errors import ToolError

AREA = 7 * 8
"""Cells of `stem`."""


def whole(b: Builder, name: str, value: object) -> str:
    return b.constant(name, value, np.int64)


def dense(b: Builder, value: str, count: int = CHANNELS) -> onnx.ModelProto:
    return b.model(b.gemm("y", value, count, 3))


def all_cells(b: Builder, value: str, channels: int = CHANNELS, cells: int = AREA) -> onnx.ModelProto:
    """As `ends`, for operators that shape inference of this operator set does not know."""
    flat = b.node("Flatten", [value], "flat")
    b.keep(flat, value)
    return dense(b, flat, channels * cells)


def behind(b: Builder, codes: str) -> str:
    """The DequantizeLinear of `stem` behind what moves its codes."""
    b.node("DequantizeLinear", [codes, "stem/scale", "stem/zero"], "late")
    b.scales["late"] = np.float32(0.1)
    return "late"


# Codes between the two halves of a rounding


def moved_codes(b: Builder) -> onnx.ModelProto:
    stem(b)
    pooled = b.node("MaxPool", ["stem/q"], "pool", kernel_shape=[2, 2])
    return dense(b, behind(b, b.node("Flatten", [pooled], "flat")), CHANNELS * 42)


def joined_codes(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    other = b.node("Relu", [b.conv("c", x, CHANNELS, CHANNELS)], "other")
    b.node("QuantizeLinear", [other, "stem/scale", "stem/zero"], "other/q")
    both = b.node("Concat", ["stem/q", "other/q"], "both", axis=1)
    return all_cells(b, behind(b, both), 2 * CHANNELS)


def padded_codes(b: Builder) -> onnx.ModelProto:
    stem(b)
    wide = b.node("Pad", ["stem/q", whole(b, "pads", [0, 0, 1, 1, 0, 0, 1, 1]), "stem/zero"], "wide")
    return ends(b, b.rounded(b.conv("c", behind(b, wide), CHANNELS, CHANNELS, pads=[0] * 4), 0.1, 2))


def bounded_codes(b: Builder) -> onnx.ModelProto:
    stem(b)
    kind = np.uint8 if b.unsigned else np.int8
    bounds = [b.constant("low", 90 if b.unsigned else -38, kind), b.constant("high", 205 if b.unsigned else 77, kind)]
    return ends(b, behind(b, b.node("Clip", ["stem/q", *bounds], "between")))


def no_zero_point(b: Builder) -> onnx.ModelProto:
    """uint8 by default; `output_dtype` of operator set 21 says int8."""
    c = b.node("Relu", [b.conv("c", stem(b), CHANNELS, CHANNELS)], "r")
    scale = b.constant("scale", 0.1)
    b.node("QuantizeLinear", [c, scale], "q", **({} if b.unsigned else {"output_dtype": int(TensorProto.INT8)}))
    b.node("DequantizeLinear", ["q", scale], "dq")
    b.scales["dq"] = np.float32(0.1)
    return ends(b, "dq")


# Reductions and bounds under other names


def largest_of_all(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    z = b.node("ReduceMax", [x, whole(b, "axes", [2, 3])], "z", keepdims=0)
    b.keep(z, x)
    return dense(b, z)


def largest_of_rows(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    z = b.node("ReduceMax", [x, whole(b, "axes", [-1])], "z")
    b.keep(z, x)
    return all_cells(b, z, cells=7)


def sum_of_all(b: Builder) -> onnx.ModelProto:
    return dense(b, b.rounded(b.node("ReduceSum", [stem(b), whole(b, "axes", [2, 3])], "z", keepdims=0), 2.0, 3))


def sum_of_columns(b: Builder) -> onnx.ModelProto:
    return ends(b, b.rounded(b.node("ReduceSum", [stem(b), whole(b, "axes", [2])], "z", keepdims=1), 0.7, 3))


def bounds_by_max_and_min(b: Builder) -> onnx.ModelProto:
    c = b.node("Max", [b.conv("c", stem(b), CHANNELS, CHANNELS), b.constant("zero", 0.0)], "low")
    return ends(b, b.rounded(b.node("Min", [b.constant("six", 6.0), c], "z"), 0.1, -20))


def mean_of_means(b: Builder) -> onnx.ModelProto:
    """x.mean(3).mean(2), with no rounding between."""
    rows = b.node("ReduceMean", [stem(b), whole(b, "w", [3])], "rows", keepdims=0)
    return dense(b, b.rounded(b.node("ReduceMean", [rows, whole(b, "h", [2])], "z", keepdims=0), 0.05, 1))


def mean_of_means_kept(b: Builder) -> onnx.ModelProto:
    rows = b.node("ReduceMean", [stem(b), whole(b, "h", [-2])], "rows", keepdims=1)
    return ends(b, b.rounded(b.node("ReduceMean", [rows, whole(b, "w", [-1])], "z", keepdims=1), 0.05, 1))


def one_number_a_cell(b: Builder) -> onnx.ModelProto:
    """Attention over places: a convolution to one channel, its sigmoid times every channel."""
    x = stem(b)
    gate = b.rounded(b.node("Sigmoid", [b.rounded(b.conv("h", x, CHANNELS, 1), 0.2, 2)], "g"), 1 / 255, -128)
    z = b.rounded(b.node("Mul", [gate, x], "m"), 0.06, 9)
    return ends(b, b.rounded(b.node("Add", [z, gate], "z"), 0.06, 9))


def sum_of_two(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    return ends(b, b.rounded(b.node("Sum", [x, b.rounded(b.node("Relu", [x], "r"), 0.07, -128)], "z"), 0.1, -12))


# Curves put together in float


def gelu(b: Builder) -> onnx.ModelProto:
    """As torch writes it before operator set 20."""
    x = stem(b)
    e = b.node("Erf", [b.node("Div", [x, b.constant("root", 2**0.5)], "d")], "e")
    a = b.node("Mul", [x, b.node("Add", [e, b.constant("one", 1.0)], "a")], "m")
    return ends(b, b.rounded(b.node("Mul", [a, b.constant("half", 0.5)], "z"), 0.1, -100))


def hard_swish(b: Builder) -> onnx.ModelProto:
    """x * relu6(x + 3) / 6."""
    x = stem(b)
    inner = b.node("Clip", [b.node("Add", [x, b.constant("three", 3.0)], "a"), b.constant("zero", 0.0),
                            b.constant("top", 6.0)], "c")
    z = b.node("Div", [b.node("Mul", [x, inner], "m"), b.constant("six", 6.0)], "z")
    return ends(b, b.rounded(z, 0.1, -100))


def one_minus(b: Builder) -> onnx.ModelProto:
    gate = b.node("Sigmoid", [stem(b)], "s")
    return ends(b, b.rounded(b.node("Sub", [b.constant("one", 1.0), gate], "z"), 1 / 255, -128))


def square(b: Builder) -> onnx.ModelProto:
    return ends(b, b.rounded(b.node("Pow", [stem(b), b.constant("two", 2.0)], "z"), 0.3, -120))


# Extents, types and weights


def gate_expanded(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    mean = b.rounded(b.node("GlobalAveragePool", [x], "m"), 0.03, 4)
    gate = b.rounded(b.node("Sigmoid", [mean], "g"), 1 / 255, -128)
    wide = b.node("Expand", [gate, whole(b, "extents", [1, CHANNELS, 7, 8])], "wide")
    b.keep(wide, gate)
    return ends(b, b.rounded(b.node("Mul", [x, wide], "z"), 0.06, 9))


def gate_of_dense_layers(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    mean = b.rounded(b.node("ReduceMean", [x, whole(b, "axes", [2, 3])], "m", keepdims=0), 0.03, 4)
    inner = b.rounded(b.node("Relu", [b.gemm("h", mean, CHANNELS, 4)], "hr"), 0.05, -128)
    gate = b.rounded(b.node("HardSigmoid", [b.rounded(b.gemm("o", inner, 4, CHANNELS), 0.1, 2)], "g"), 1 / 255, -128)
    cell = b.node("Reshape", [gate, whole(b, "cell", [-1, CHANNELS, 1, 1])], "cell4")
    b.keep(cell, gate)
    return ends(b, b.rounded(b.node("Mul", [cell, x], "z"), 0.06, 9))


def batch_squeezed_away(b: Builder) -> onnx.ModelProto:
    mean = b.rounded(b.node("GlobalAveragePool", [stem(b)], "m"), 0.03, 4)
    flat = b.node("Squeeze", [mean], "flat")
    b.keep(flat, mean)
    w = b.weight("mm", (CHANNELS, 3), 1, flat, bias=False)
    return b.model(b.node("MatMul", [flat, *w], "y"))


def every_other_cell(b: Builder) -> onnx.ModelProto:
    """As YOLO's first layer has it: cells of blocks of two by two as channels."""
    x, cells = stem(b), []
    for i, start in enumerate(([0, 0], [1, 0], [0, 1], [1, 1])):
        bounds = [whole(b, f"{n}{i}", v) for n, v in (("s", start), ("e", [6, 8]), ("a", [2, 3]), ("st", [2, 2]))]
        cells.append(b.node("Slice", [x, *bounds], f"z{i}"))
    return ends(b, b.rounded(b.node("Concat", cells, "z", axis=1), 0.1, 9))


def blocks_to_channels(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    even = b.node("Slice", [x, whole(b, "s", [0]), whole(b, "e", [6]), whole(b, "a", [2])], "even")
    z = b.node("SpaceToDepth", [even], "z", blocksize=2)
    b.keep(z, x)
    return all_cells(b, z, 4 * CHANNELS, 12)


def depthwise_of_tensorflow(b: Builder) -> onnx.ModelProto:
    """[1, height, width, channels] with a scale a channel, brought to ONNX's order behind the DequantizeLinear."""
    x = stem(b)
    w = b.constant("w", b.rng.integers(-127, 128, (1, 3, 3, CHANNELS)), np.int8)
    scales = b.constant("ws", b.rng.uniform(0.005, 0.02, CHANNELS))
    b.node("DequantizeLinear", [w, scales, b.constant("wz", np.zeros(CHANNELS), np.int8)], "wf", axis=-1)
    turned = b.node("Reshape", ["wf", whole(b, "extents", [3, 3, CHANNELS, 1])], "wr")
    turned = b.node("Transpose", [turned], "wt", perm=[2, 3, 0, 1])
    return ends(b, b.rounded(b.node("Conv", [x, turned], "c", group=CHANNELS, pads=[1] * 4), 0.1, 3))


def picture_cast_to_float(b: Builder) -> onnx.ModelProto:
    b.input("x", 3, 7, 8, kind=TensorProto.UINT8)
    x = b.node("Div", [b.node("Cast", ["x"], "f", to=TensorProto.FLOAT), b.constant("k", 255.0)], "d")
    return ends(b, b.rounded(b.conv("c", b.rounded(x, 1 / 255, -128), 3, CHANNELS), 0.1, 3))


def likeliest_class(b: Builder) -> onnx.ModelProto:
    b.gemm("l", b.rounded(b.input("x", 8), 0.05), 8, 3)
    b.node("ArgMax", ["l"], "y", axis=1, keepdims=0)
    proto = b.model("y")
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    return proto


def function_of_the_file(b: Builder) -> onnx.ModelProto:
    """torch's newer exporter writes modules as functions."""
    b.nodes.append(helper.make_node("Act", [stem(b)], ["z"], domain="torch.nn"))
    proto = all_cells(b, b.rounded("z", 0.1, -128))
    inner, opset = helper.make_node("Relu", ["i"], ["o"]), helper.make_opsetid("", 19)
    proto.functions.append(helper.make_function("torch.nn", "Act", ["i"], ["o"], [inner], [opset]))
    proto.opset_import.append(helper.make_opsetid("torch.nn", 1))
    return proto


def frames_first(b: Builder) -> onnx.ModelProto:
    """[1, frames, bands] and a Transpose, as Keras has sounds."""
    x = b.rounded(b.input("x", 20, 5), 0.05, 3)
    t = b.node("Transpose", [x], "t", perm=[0, 2, 1])
    b.keep(t, x)
    c = b.rounded(b.node("Conv", [t, *b.weight("c", (4, 5, 3), 0, t)], "c", pads=[1, 1]), 0.1, 2)
    return dense(b, b.rounded(b.node("ReduceMean", [c, whole(b, "axes", [2])], "z", keepdims=0), 0.05, 2), 4)


FORMS = [moved_codes, joined_codes, padded_codes, bounded_codes, no_zero_point, largest_of_all, largest_of_rows,
         sum_of_all, sum_of_columns, bounds_by_max_and_min, mean_of_means, mean_of_means_kept,
         one_number_a_cell, sum_of_two, gelu, hard_swish, one_minus, square,
         gate_expanded, gate_of_dense_layers, batch_squeezed_away, every_other_cell, blocks_to_channels,
         depthwise_of_tensorflow, picture_cast_to_float, likeliest_class, function_of_the_file, frames_first]
OPTIONS = {"frames_first": ("x=mel,frame=64,hop=32,fft=64",)}
OPSET = {"no_zero_point": (21, 10)}


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
def test_forms_of_exporters(tmp_path, bench, form, unsigned):
    b = Builder(unsigned)
    proto = form(b)
    proto.opset_import[0].version, proto.ir_version = OPSET.get(form.__name__, (19, 9))
    exact(proto, tmp_path, bench, OPTIONS.get(form.__name__, ()))


def sigmoid_output(b: Builder) -> onnx.ModelProto:
    x = b.rounded(b.gemm("l", b.rounded(b.input("x", 8), 0.05), 8, 3), 0.1)
    return b.model(b.rounded(b.node("Sigmoid", [x], "p"), 1 / 256, -128))


def larger_of_two(b: Builder) -> onnx.ModelProto:
    x = stem(b)
    return ends(b, b.rounded(b.node("Max", [x, b.rounded(b.node("Neg", [x], "n"), 0.1)], "z"), 0.1))


def enlarged(b: Builder) -> onnx.ModelProto:
    w = b.weight("up", (CHANNELS, CHANNELS, 2, 2), 0, stem(b), bias=False)
    return ends(b, b.rounded(b.node("ConvTranspose", ["stem/dq", *w], "z", strides=[2, 2]), 0.1))


def wide_codes(b: Builder) -> onnx.ModelProto:
    s, z = b.constant("s", 0.1), b.constant("z", 0, np.int16)
    b.node("QuantizeLinear", [b.input("x", 8), s, z], "q")
    return b.model(b.node("DequantizeLinear", ["q", s, z], "y"))


def sum_of_codes(b: Builder) -> onnx.ModelProto:
    stem(b)
    return ends(b, behind(b, b.node("Add", ["stem/q", "stem/q"], "twice")))


def codes_filled_with_others(b: Builder) -> onnx.ModelProto:
    """Code 0 is another number than 0 where the zero point is 9."""
    stem(b)
    wide = b.node("Pad", ["stem/q", whole(b, "pads", [0, 0, 1, 1, 0, 0, 1, 1])], "wide")
    return ends(b, behind(b, wide))


@pytest.mark.parametrize(("form", "said"), [
    (sigmoid_output, "Sigmoid 'p.node': a probability of its own for each class, at an output"),
    (larger_of_two, "Max 'z.node': the larger or smaller of two tensors"),
    (enlarged, "ConvTranspose 'z.node': the engine enlarges no map"),
    (wide_codes, "QuantizeLinear 'q.node': activations of int16; only int8 and uint8 are supported (quantize with"),
    (sum_of_codes, "Add 'twice.node': computes with the codes themselves"),
    (codes_filled_with_others, "Pad 'wide.node': fills codes with 0, which is not the zero point"),
])
def test_what_cannot_be_said_exactly_is_refused_by_name(form, said):
    with pytest.raises(ToolError) as error:
        imported(form(Builder()), ("x=vector",) if form is wide_codes else ())
    assert said in str(error.value)

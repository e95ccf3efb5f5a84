"""What the engine has no operation for and the importer says exactly by others: each in a net, in the engine."""

from __future__ import annotations

import importlib.util

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from qdq import Builder, imported, onnx_shape
from test_onnx_import import stored

from mmexit_tools.onnx_graph.curves import CURVES
from mmexit_tools.onnx_graph.graph import Operator, onnx_graph
from mmexit_tools.onnx_import.check import compare, drawn
from mmexit_tools.onnx_import.features import features
from mmexit_tools.onnx_import.model import import_onnx

RUNTIME = importlib.util.find_spec("onnxruntime") is not None
CHANNELS = 6
FLOAT = 1e-4
"""Of a step: what float32 logits lose. A code that is one too high anywhere moves them by more."""


def ends(b: Builder, value: str) -> onnx.ModelProto:
    """A linear layer over all cells, so that each counts."""
    flat = b.node("Flatten", [value], "flat")
    b.keep(flat, value)
    return b.model(b.gemm("y", flat, onnx_shape(b), 3))


def stem(b: Builder) -> str:
    """[1, CHANNELS, 7, 8] with values on both sides of 0."""
    return b.rounded(b.conv("stem", b.rounded(b.input("x", 3, 7, 8), 0.02, -11), 3, CHANNELS), 0.1, 9)


def one_slope(b: Builder, x: str) -> str:
    return b.rounded(b.node("PRelu", [x, b.constant("slope", np.full((CHANNELS, 1, 1), 0.25))], "z"), 0.08, -40)


def factor(b: Builder, x: str) -> str:
    return b.rounded(b.node("Mul", [x, b.constant("k", -0.4)], "z"), 0.04, 3)


def factors(b: Builder, x: str) -> str:
    given = np.linspace(-2, 2, CHANNELS).reshape(1, CHANNELS, 1, 1)
    return b.rounded(b.node("Div", [x, b.constant("k", given)], "z"), 0.2, 3)


def taken_away(b: Builder, x: str) -> str:
    other = b.rounded(b.node("Relu", [x], "r"), 0.07, -128)
    return b.rounded(b.node("Sub", [x, other], "z"), 0.1, 50)


def added_constant(b: Builder, x: str) -> str:
    given = b.rounded(b.constant("k", np.linspace(-3, 3, CHANNELS).reshape(CHANNELS, 1, 1)), 0.03, 2)
    return b.rounded(b.node("Add", [given, x], "z"), 0.11, 5)


def spread(b: Builder, x: str) -> str:
    mean = b.rounded(b.node("ReduceMean", [x], "m", axes=[2, 3]), 0.03, 4)
    return b.rounded(b.node("Add", [x, mean], "z"), 0.1, 5)


def parts_again(b: Builder, x: str) -> str:
    sizes = b.constant("sizes", [2, 4], np.int64)
    b.nodes.append(onnx.helper.make_node("Split", [x, sizes], ["s0", "s1"], "split", axis=1))
    return b.rounded(b.node("Concat", ["s1", "s0"], "z", axis=1), 0.1, 9)


def cut(b: Builder, x: str) -> str:
    bounds = [b.constant(f"c{i}", v, np.int64) for i, v in enumerate(([1, 0], [-2, 2**62], [2, 3]))]
    cut = b.node("Slice", [x, *bounds], "z")
    b.keep(cut, x)
    return cut


def zeros(b: Builder, x: str) -> str:
    wide = b.constant("wide", [0, 0, 3, 0, 0, 0, 1, 2], np.int64)
    z = b.node("Pad", [x, wide], "wider")
    b.keep(z, x)
    return b.rounded(b.node("MaxPool", [z], "z", kernel_shape=[2, 2], strides=[2, 2]), 0.1, 9)


def woven(b: Builder, x: str) -> str:
    first = b.constant("five", [0, 2, CHANNELS // 2, 7, 8], np.int64)
    again = b.constant("four", [0, CHANNELS, 7, 8], np.int64)
    x = b.node("Transpose", [b.node("Reshape", [x, first], "g")], "t", perm=[0, 2, 1, 3, 4])
    return b.rounded(b.node("Reshape", ["t", again], "z"), 0.1, 9)


def counted(b: Builder, x: str) -> str:
    return b.rounded(b.node("AveragePool", [x], "z", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1],
                            count_include_pad=1), 0.08, -2)


def one_row(b: Builder, x: str) -> str:
    return b.rounded(b.node("ReduceMean", [x], "z", axes=[2], keepdims=1), 0.08, -2)


def normalized(b: Builder, x: str) -> str:
    numbers = [b.constant(n, b.rng.uniform(0.5, 2, CHANNELS) * s) for n, s in zip("gomv", (-1, 1, 1, 1), strict=True)]
    return b.rounded(b.node("BatchNormalization", [x, *numbers], "z"), 0.1, -2)


def opposite(b: Builder, x: str) -> str:
    return b.rounded(b.node("Neg", [x], "z"), 0.1, 30)


def squared(b: Builder, x: str) -> str:
    return b.rounded(b.node("Mul", [x, x], "z"), 0.3, -120)


def gated(b: Builder, x: str) -> str:
    """Squeeze and excite, as MobileNetV3 has it."""
    mean = b.rounded(b.node("GlobalAveragePool", [x], "m"), 0.03, 4)
    inner = b.rounded(b.conv("inner", mean, CHANNELS, CHANNELS, 1), 0.1, 9)
    gate = b.rounded(b.node("HardSigmoid", [inner], "gate", alpha=1 / 6), 1 / 255, -128)
    return b.rounded(b.node("Mul", [gate, x], "z"), 0.05, 9)


def silu(b: Builder, x: str) -> str:
    """As quantize_static leaves it: a rounding between."""
    gate = b.rounded(b.node("Sigmoid", [x], "gate"), 1 / 256, -128)
    return b.rounded(b.node("Mul", [x, gate], "z"), 0.06, -100)


def silu_in_float(b: Builder, x: str) -> str:
    return b.rounded(b.node("Mul", [b.node("Sigmoid", [x], "gate"), x], "z"), 0.06, -100)


def product_and_relu(b: Builder, x: str) -> str:
    other = b.rounded(b.node("Tanh", [x], "t"), 1 / 127)
    return b.rounded(b.node("Relu", [b.node("Mul", [x, other], "p")], "z"), 0.05, -128)


def bounds_inside(b: Builder, x: str) -> str:
    bounds = [b.constant("low", -1.23), b.constant("high", 2.34)]
    return b.rounded(b.node("Clip", [x, *bounds], "z"), 0.1, 9)


def bounds_of_a_layer(b: Builder, x: str) -> str:
    c = b.conv("c", x, CHANNELS, CHANNELS)
    return b.rounded(b.node("Clip", [c, b.constant("low", 0.0), b.constant("high", 6.0)], "z"), 0.1, -20)


BETWEEN = [squared, gated, silu, silu_in_float, product_and_relu, bounds_inside, bounds_of_a_layer, one_slope, factor,
           factors, taken_away, added_constant, spread, parts_again, cut, zeros, woven, counted, one_row, normalized,
           opposite]
NEARLY = {"normalized"}
"""Whose offset is no whole number of steps: a value on a rounding edge may fall to the other side."""


def exact(proto: onnx.ModelProto, folder, bench, options: tuple[str, ...] = (), steps: float = FLOAT) -> None:
    source = onnx_graph(proto, "net")
    model = import_onnx(source, features(source.inputs, options, source.channels_last)[0])
    first, *runtime = compare(model, *stored(proto, model, folder), drawn(model, 4), bench, RUNTIME)
    assert first.largest <= steps, first
    # It sums floats, and every code on a rounding edge may fall to the other side: that moves a logit of hundreds of
    # codes by a few steps of 1/256 of the logits' spread. A wrong operator moves it by tens.
    assert all(r.largest <= 8 for r in runtime), runtime


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("between", BETWEEN, ids=lambda f: f.__name__)
def test_between_layers(tmp_path, bench, between, unsigned):
    b = Builder(unsigned)
    exact(ends(b, between(b, stem(b))), tmp_path, bench, steps=1 if between.__name__ in NEARLY else FLOAT)


CURVED = [("LeakyRelu", {"alpha": 0.13}), ("Sigmoid", {}), ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 0.4}),
          ("HardSwish", {}), ("Tanh", {}), ("Elu", {"alpha": 0.7}), ("Selu", {}), ("Celu", {"alpha": 0.5}),
          ("Erf", {}), ("Softplus", {}), ("Softsign", {}), ("Abs", {}), ("Exp", {})]


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize(("op", "attributes"), CURVED)
def test_curves_are_tables(tmp_path, bench, op, attributes, unsigned):
    b = Builder(unsigned)
    proto = ends(b, b.rounded(b.node(op, [stem(b)], "z", **attributes), 0.03, -30))
    exact(proto, tmp_path, bench)
    tables = [n for n in imported(proto).quantized.graph.nodes() if n.op == "table"]
    assert len(tables) == 1 and len(set(tables[0].table.tolist())) > 10


@pytest.mark.parametrize("op", sorted(set(CURVES) - {"Swish", "Gelu"}))
def test_curves_are_what_onnx_says(op):
    """Against ONNX's own reference, over numbers of both signs and far out."""
    x = np.concatenate([np.linspace(-8, 8, 401), [-80, 80]]).astype(np.float32)
    opset = 22 if op == "Mish" else 17
    node = onnx.helper.make_node(op, ["x"], ["y"])
    with np.errstate(all="ignore"):
        wanted = np.ravel(ReferenceEvaluator(node, opsets={"": opset}).run(None, {"x": x})[0])
    found = CURVES[op](Operator(op, op, ("x",), ("y",), {}), x.astype(np.float64))
    there = np.isfinite(wanted)  # a root or logarithm of a negative number is none
    assert there.sum() > 100 and np.isfinite(found).all()
    assert np.allclose(found[there], wanted[there], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_what_torch_says(approximate):
    """ONNX's reference cannot evaluate it."""
    x = np.linspace(-8, 8, 401)
    wanted = torch.nn.functional.gelu(torch.from_numpy(x), approximate=approximate).numpy()
    operator = Operator("Gelu", "Gelu", ("x",), ("y",), {"approximate": approximate.encode()})
    assert np.allclose(CURVES["Gelu"](operator, x), wanted, rtol=1e-9, atol=1e-9)


CONVOLUTIONS = {
    "groups": (2, {"group": 3}), "multiplier": (1, {"group": 6}),
    "dilated": (6, {"dilations": [2, 3], "pads": [2, 3, 2, 3]}),
    "wide-pads": (6, {"pads": [4, 3, 0, 5]}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_of_other_forms(tmp_path, bench, name):
    inputs, attributes = CONVOLUTIONS[name]
    b = Builder()
    outputs = 12 if name == "multiplier" else 6
    c = b.rounded(b.conv("c", stem(b), inputs, outputs, **{"group": 1, **attributes}), 0.3, 4)
    exact(ends(b, c), tmp_path, bench)


@pytest.mark.parametrize(("kind", "zero", "depthwise"), [
    (np.int8, 0, False), (np.int8, 3, False), (np.uint8, 128, False), (np.uint8, 0, False), (np.uint8, 255, True)])
def test_weights_beyond_the_engines_range(tmp_path, bench, kind, zero, depthwise):
    """-128, and asymmetric ones: up to 255 away from 0."""
    b = Builder()
    x = stem(b)
    info = np.iinfo(kind)
    codes = b.rng.integers(info.min, info.max + 1, (CHANNELS, 1 if depthwise else CHANNELS, 2, 2))
    codes[0, 0, 0] = info.min, info.max
    w = [b.constant("w", codes, kind), b.constant("ws", 0.01), b.constant("wz", zero, kind)]
    b.node("DequantizeLinear", w, "wf")
    c = b.rounded(b.node("Conv", [x, "wf"], "c", kernel_shape=[2, 2], group=CHANNELS if depthwise else 1), 0.3, 4)
    c = b.rounded(b.node("GlobalAveragePool", [c], "mean"), 0.1, 4)
    flat = b.node("Flatten", [c], "flat")
    rows = [b.constant("v", b.rng.integers(info.min, info.max + 1, (3, CHANNELS)), kind), b.constant("vs", 0.01),
            b.constant("vz", zero, kind)]
    b.node("DequantizeLinear", rows, "vf")
    exact(b.model(b.node("Gemm", [flat, "vf"], "y", transB=1)), tmp_path, bench)


@pytest.mark.parametrize("between", ["nothing", "rounding", "rounding of the constant"])
def test_a_bias_behind_a_product(tmp_path, bench, between):
    """MatMul and Add as quantize_static writes them have a rounding between and an int8 constant."""
    b = Builder()
    x = b.rounded(b.input("x", 8), 0.05)
    m = b.node("MatMul", [x, *b.weight("m", (8, 5), 1, x, bias=False)], "m")
    m = b.rounded(m, 0.06, 3) if between == "rounding" else m
    k = b.constant("k", b.rng.normal(size=5))
    k = b.rounded(k, 0.02, -7) if between != "nothing" else k
    exact(b.model(b.rounded(b.node("Add", [m, k], "y"), 0.05, 1)), tmp_path, bench)


def test_normalization_behind_a_dense_layer_is_folded(tmp_path, bench):
    b = Builder()
    x = b.rounded(b.input("x", 8), 0.05)
    numbers = [b.constant(n, b.rng.uniform(0.5, 2, 5) * s) for n, s in zip("gomv", (-1, 1, 1, 1), strict=True)]
    z = b.node("BatchNormalization", [b.gemm("h", x, 8, 5), *numbers], "z")
    proto = b.model(b.rounded(z, 0.05, 1))
    exact(proto, tmp_path, bench)
    assert [n.op for n in imported(proto).quantized.graph.nodes() if n.op == "linear"] == []  # the logits are it

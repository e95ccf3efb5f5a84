"""How a graph brings its inputs, layouts, extents and names, and what of it cannot be taken: each in a net."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from qdq import Builder, imported
from test_onnx_operators import CHANNELS, ends, exact, stem

from mmexit_tools.base.errors import ToolError
from mmexit_tools.onnx_graph.graph import onnx_graph
from mmexit_tools.onnx_import.features import features
from mmexit_tools.onnx_import.model import import_onnx


def test_channels_last_is_what_the_engine_has(tmp_path, bench):
    b = Builder()
    x = b.rounded(b.input("x", 7, 8, 3), 0.02, -11)
    t = b.node("Transpose", [x], "t", perm=[0, 3, 1, 2])
    b.keep(t, x)
    c = b.rounded(b.conv("c", t, 3, CHANNELS), 0.1, 9)
    back = b.node("Transpose", [c], "back", perm=[0, 2, 3, 1])
    flat = b.node("Reshape", [back, b.constant("shape", [-1, 7 * 8 * CHANNELS], np.int64)], "flat")
    b.keep(flat, c)
    proto = b.model(b.gemm("y", flat, 7 * 8 * CHANNELS, 3))
    exact(proto, tmp_path, bench)
    assert [n.op for s in imported_last(proto).quantized.graph.modalities[0].segments for n in s.nodes] == [
        "conv2d", "flatten"]


def imported_last(proto: onnx.ModelProto):
    source = onnx_graph(proto, "net")
    return import_onnx(source, features(source.inputs, (), source.channels_last)[0])


def test_channels_last_without_a_transpose_is_named():
    b = Builder()
    b.node("Relu", [b.input("x", 96, 96, 3)], "y")
    with pytest.raises(ToolError, match=r"looks like channels last, \[1, height, width, channels\]"):
        imported_last(b.model("y"))


@pytest.mark.parametrize("pads", [[0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 2, 1], [0, 0, 3, 0, 0, 0, 3, 0]])
def test_zeros_before_a_convolution_are_its_padding_where_they_fit(tmp_path, bench, pads):
    b = Builder()
    x = b.node("Pad", [stem(b), b.constant("pads", pads, np.int64)], "wide")
    b.scales["wide"] = np.float32(0.1)
    c = b.rounded(b.conv("c", x, CHANNELS, CHANNELS, pads=[0, 0, 0, 0]), 0.3, 4)
    proto = ends(b, c)
    exact(proto, tmp_path, bench)
    layers = sum(n.op in ("conv2d", "depthwise_conv2d") for n in imported(proto).quantized.graph.nodes())
    assert layers == (3 if max(pads) >= 3 else 2)


def test_layers_over_time(tmp_path, bench):
    """[1, bands, frames]: a sound's bands are the channels of the first convolution."""
    b = Builder()
    x = b.rounded(b.input("x", 5, 20), 0.05, 3)

    def conv(name, source, inputs, outputs, kernel, group=1, **attributes):
        return b.node("Conv", [source, *b.weight(name, (outputs, inputs // group, kernel), 0, source)], name,
                      group=group, kernel_shape=[kernel], **attributes)

    c = b.rounded(b.node("Relu", [conv("a", x, 5, 4, 3, strides=[2], pads=[1, 1])], "ar"), 0.1, -128)
    c = b.rounded(conv("d", c, 4, 4, 5, group=4, pads=[4, 4], dilations=[2]), 0.2, 3)
    c = b.node("MaxPool", [c], "p", kernel_shape=[2], strides=[2])
    b.scales["p"] = np.float32(0.2)
    c = b.rounded(conv("e", c, 4, 6, 1), 0.2, -9)
    m = b.rounded(b.node("GlobalAveragePool", [c], "m"), 0.05, -9)
    flat = b.node("Flatten", [m], "flat")
    b.keep(flat, m)
    exact(b.model(b.gemm("y", flat, 6, 3)), tmp_path, bench, ("x=mel,frame=64,hop=32,fft=64",))


@pytest.mark.parametrize("tail", ["Softmax", "LogSoftmax"])
def test_tails_that_the_engine_computes_are_left_out(tmp_path, bench, tail):
    b = Builder()
    b.node(tail, [b.rounded(b.gemm("l", b.rounded(b.input("x", 8), 0.05), 8, 4), 0.1, 3)], "y", axis=1)
    exact(b.model("y"), tmp_path, bench)


def test_extents_that_are_computed_from_a_tensors_own_are_fixed(tmp_path, bench):
    """x.view(x.size(0), -1)."""
    b = Builder()
    x = stem(b)
    size = b.node("Gather", [b.node("Shape", [x], "s"), b.constant("zero", 0, np.int64)], "n")
    first = b.node("Unsqueeze", [size, b.constant("axis", [0], np.int64)], "u")
    wanted = b.node("Concat", [first, b.constant("rest", [-1], np.int64)], "w", axis=0)
    flat = b.node("Reshape", [x, wanted], "flat")
    b.keep(flat, x)
    exact(b.model(b.gemm("y", flat, 7 * 8 * CHANNELS, 3)), tmp_path, bench)


def test_names_are_made_short(tmp_path, bench):
    """As tf2onnx joins those of fused tensors; the engine takes 256 bytes."""
    b = Builder()
    long = "functional_1/batch_normalization/FusedBatchNormV3;é" * 9
    c = b.rounded(b.conv(f"{long}/a", stem(b), CHANNELS, CHANNELS), 0.3, 4)
    c = b.rounded(b.conv(f"{long}/b", c, CHANNELS, CHANNELS), 0.3, 4)
    exact(ends(b, c), tmp_path, bench)


@pytest.mark.parametrize(("name", "said"), [("x" * 201, "a name of 201 bytes"), ("fusion", "means the fusion")])
def test_inputs_that_can_be_no_modality_are_named(name, said):
    b = Builder()
    with pytest.raises(ToolError, match=said):
        imported(b.model(b.gemm("y", b.rounded(b.input(name, 8), 0.05), 8, 3)))


def test_what_the_engine_refuses_is_not_written():
    b = Builder()
    x = b.rounded(b.input("x", 8), 1e-38)
    w = [b.constant("w", np.ones((3, 8)), np.int8), b.constant("ws", 1e-20), b.constant("wz", 0, np.int8)]
    b.node("DequantizeLinear", w, "wf")
    with pytest.raises(ToolError, match="their quotient is 0 or not finite"):
        imported(b.model(b.node("Gemm", [x, "wf"], "y", transB=1))).file()


def test_integer_inputs_may_be_channels_last(tmp_path, bench):
    b = Builder(unsigned=True)
    b.input("x", 4, 4, 3, kind=TensorProto.UINT8)
    t = b.node("Transpose", ["x"], "t", perm=[0, 3, 1, 2])
    b.node("DequantizeLinear", [t, b.constant("s", 0.1), b.constant("z", 7, np.uint8)], "x/dq")
    b.scales["x/dq"] = np.float32(0.1)
    exact(ends(b, b.rounded(b.conv("c", "x/dq", 3, CHANNELS), 0.3, 0)), tmp_path, bench)


def test_a_graph_that_normalizes_its_input_itself(tmp_path, bench):
    """(x / 255 - mean) / std in float, before the first rounding: the features take it over."""
    b = Builder()
    given = b.constant("mean", np.array([0.4, 0.5, 0.6]).reshape(1, 3, 1, 1))
    x = b.node("Div", [b.input("x", 3, 7, 8), b.constant("k", 255.0)], "x/255")
    x = b.node("Div", [b.node("Sub", [x, given], "x/centred"), b.constant("std", 0.25)], "x/normal")
    c = b.rounded(b.conv("c", b.rounded(x, 0.02, -11), 3, CHANNELS), 0.1, 9)
    proto = ends(b, c)
    exact(proto, tmp_path, bench, ("x=image,mean=0,std=0.00392156862745098",), steps=1)
    network = imported(proto, ("x=image,mean=0,std=0.00392156862745098",)).quantized.graph.network
    picture = network.modalities[0].features
    assert np.allclose(picture.mean, [0.4, 0.5, 0.6]) and np.allclose(picture.std, 0.25)

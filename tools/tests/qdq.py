"""Small graphs of QuantizeLinear/DequantizeLinear pairs, written by hand for the importer's tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mmexit_tools.onnx_graph.graph import onnx_graph
from mmexit_tools.onnx_import.features import features
from mmexit_tools.onnx_import.model import ImportedModel, import_onnx


@dataclass
class Builder:
    """Every method adds nodes and returns the name of a float value; `unsigned`: uint8 activations."""

    unsigned: bool = False
    per_channel: bool = True
    seed: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    scales: dict[str, np.float32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def constant(self, name: str, value: object, kind: type = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{output}.node", **attributes))
        return output

    def input(self, name: str, *extents: int | str, kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, [1, *extents]))
        return name

    def rounded(self, value: str, scale: float, zero: int = 0) -> str:
        """`zero`: as int8; for uint8 activations 128 is added."""
        s = self.constant(f"{value}/scale", scale)
        kind = np.uint8 if self.unsigned else np.int8
        z = self.constant(f"{value}/zero", zero + (128 if self.unsigned else 0), kind)
        self.node("QuantizeLinear", [value, s, z], f"{value}/q")
        self.node("DequantizeLinear", [f"{value}/q", s, z], f"{value}/dq")
        self.scales[f"{value}/dq"] = np.float32(scale)
        return f"{value}/dq"

    def keep(self, value: str, source: str) -> None:
        """The scale of `source` for an operation that keeps it."""
        self.scales[value] = self.scales[source]

    def weight(self, name: str, shape: tuple[int, ...], axis: int, source: str,
               bias: bool = True) -> list[str]:
        count = shape[axis]
        scale = self.rng.uniform(0.005, 0.02, count if self.per_channel else ()).astype(np.float32)
        w = self.constant(f"{name}/w", self.rng.integers(-127, 128, shape), np.int8)
        s = self.constant(f"{name}/ws", scale)
        z = self.constant(f"{name}/wz", np.zeros(scale.shape), np.int8)
        self.node("DequantizeLinear", [w, s, z], f"{name}/wf", axis=axis)
        if not bias:
            return [f"{name}/wf"]
        b = self.constant(f"{name}/b", self.rng.integers(-3000, 3000, count), np.int32)
        units = self.constant(f"{name}/bs", np.float32(self.scales[source]) * scale)
        zeros = self.constant(f"{name}/bz", np.zeros(scale.shape), np.int32)
        self.node("DequantizeLinear", [b, units, zeros], f"{name}/bf", axis=0)
        return [f"{name}/wf", f"{name}/bf"]

    def conv(self, name: str, source: str, inputs: int, outputs: int, kernel: int = 3, *, depthwise: bool = False,
             **attributes: object) -> str:
        shape = (outputs, 1 if depthwise else inputs, kernel, kernel)
        group = inputs if depthwise else 1
        attributes = {"pads": [kernel // 2] * 4, "group": group, **attributes}
        return self.node("Conv", [source, *self.weight(name, shape, 0, source)], name, **attributes)

    def gemm(self, name: str, source: str, inputs: int, outputs: int) -> str:
        return self.node("Gemm", [source, *self.weight(name, (outputs, inputs), 0, source)], name, transB=1)

    def matmul(self, name: str, source: str, inputs: int, outputs: int) -> str:
        """With a float bias behind it."""
        product = self.node("MatMul", [source, *self.weight(name, (inputs, outputs), 1, source, bias=False)],
                            f"{name}/product")
        bias = self.constant(f"{name}/bias", self.rng.normal(size=outputs))
        return self.node("Add", [product, bias], name)

    def model(self, *outputs: str) -> onnx.ModelProto:
        ends = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
        graph = helper.make_graph(self.nodes, "net", self.inputs, ends, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
        model.ir_version = 9
        return model


def picture_net(unsigned: bool, per_channel: bool, seed: int = 0) -> onnx.ModelProto:
    """Every operator that a map can meet: convolution, depthwise, both pools, ReLU before and after rounding, a clip,
    a residual addition, a concatenation, a flattened map, two linear layers, softmax."""
    b = Builder(unsigned, per_channel, seed)
    x = b.rounded(b.input("x", 3, 9, 11), 0.02, -11)
    a = b.conv("a", x, 3, 6, strides=[2, 1], pads=[1, 0, 1, 1])
    a = b.rounded(b.node("Relu", [a], "a/relu"), 0.05, -128)
    pooled = b.node("MaxPool", [a], "pool", kernel_shape=[2, 2], strides=[1, 2])
    b.keep(pooled, a)
    d = b.rounded(b.conv("d", pooled, 6, 6, depthwise=True), 0.06, 5)
    d = b.node("Relu", [d], "d/relu")  # behind the rounding, with a zero point that does not clamp
    b.keep(d, "d/dq")
    low, high = b.constant("zero", 0.0), b.constant("six", 600.0)
    e = b.node("Clip", [b.conv("e", d, 6, 6), low, high], "e/clip")
    e = b.rounded(e, 0.2, -20)
    s = b.rounded(b.node("Add", [d, e], "sum"), 0.21, -3)
    mean = b.node("AveragePool", [s], "mean", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    mean = b.rounded(mean, 0.18, -2)
    both = b.rounded(b.node("Concat", [mean, d], "both", axis=1), 0.2, -10)
    flat = b.node("Flatten", [both], "flat")
    b.keep(flat, both)
    shape = onnx_shape(b)
    h = b.rounded(b.node("Relu", [b.gemm("h", flat, shape, 7)], "h/relu"), 0.9, -128)
    y = b.rounded(b.matmul("y", h, 7, 4), 4.0, 3)
    b.node("Softmax", [y], "p", axis=1)
    return b.model("y/dq", "p")


def onnx_shape(builder: Builder) -> int:
    """Elements of the value that the last node gives, batch of 1."""
    model = builder.model(builder.nodes[-1].output[0])
    dims = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim
    return int(np.prod([d.dim_value for d in dims]))


def two_inputs(exits: bool = False) -> onnx.ModelProto:
    """Late fusion of a picture and a vector; `exits`: with an output of each by itself."""
    b = Builder(seed=2)
    ends = []
    x = b.rounded(b.input("image", 1, 6, 6), 0.02)
    x = b.rounded(b.node("Relu", [b.conv("i1", x, 1, 4)], "i1/relu"), 0.04, -128)
    flat = b.node("Flatten", [x], "i/flat")
    b.keep(flat, x)
    if exits:
        ends.append(b.gemm("image/early", flat, 144, 3))
    v = b.rounded(b.input("numbers", 5), 0.05)
    v = b.rounded(b.node("Relu", [b.gemm("n1", v, 5, 8)], "n1/relu"), 0.06, -128)
    if exits:
        ends.append(b.gemm("numbers/early", v, 8, 3))
    both = b.rounded(b.node("Concat", [flat, v], "both", axis=1), 0.06, -100)
    return b.model(*ends, b.gemm("y", both, 152, 3))


def halving() -> onnx.ModelProto:
    """Two convolutions of stride 2, padded by one cell on every side as PyTorch does: not LiteRT's SAME."""
    b = Builder(seed=5)
    x = b.rounded(b.input("x", 3, 8, 10), 0.02)
    for depth, (inputs, outputs) in enumerate([(3, 4), (4, 4)]):
        sums = b.conv(f"c{depth}", x, inputs, outputs, depthwise=depth == 1, strides=[2, 2])
        x = b.rounded(b.node("Relu", [sums], f"c{depth}/relu"), 0.05, -128)
    mean = b.rounded(b.node("GlobalAveragePool", [x], "m"), 0.02, -128)
    flat = b.node("Flatten", [mean], "f")
    b.keep(flat, mean)
    return b.model(b.gemm("y", flat, 4, 3))


def many_exits() -> onnx.ModelProto:
    """The outputs in another order than that of the network's depth; the second exit has a layer of its own."""
    b = Builder(seed=4)
    x = b.rounded(b.input("x", 1, 8, 8), 0.02)
    ends = {}
    for depth in (1, 2, 3, 4):
        sums = b.conv(f"c{depth}", x, 1 if depth == 1 else 4, 4)
        x = b.rounded(b.node("Relu", [sums], f"c{depth}/relu"), 0.05, -128)
        if depth == 3:
            continue
        side = x
        if depth == 2:
            side = b.rounded(b.conv("own", x, 4, 4), 0.06, 3)
        mean = b.rounded(b.node("GlobalAveragePool", [side], f"m{depth}"), 0.02, -128)
        flat = b.node("Flatten", [mean], f"f{depth}")
        b.keep(flat, mean)
        ends[depth] = b.gemm(f"y{depth}", flat, 4, 3)
    return b.model(ends[4], ends[1], ends[2])


def imported(proto: onnx.ModelProto, inputs: tuple[str, ...] = (), **options: object) -> ImportedModel:
    source = onnx_graph(proto, "net")
    return import_onnx(source, features(source.inputs, inputs)[0], **options)  # type: ignore[arg-type]

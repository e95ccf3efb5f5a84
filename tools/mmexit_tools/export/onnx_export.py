"""The same graph as ONNX: in float for comparison, and int8 as QuantizeLinear/DequantizeLinear pairs.

Inputs are the *features*, one per modality by its name (maps [N, C, H, W], vectors [N, n]), and `present`
[N, modalities], 1 or 0: a missing modality's feature is multiplied by 0. Outputs are the logits of every exit.

    python -m mmexit_tools.export.onnx_export --model M.safetensors --qdq M.qdq.onnx
    python -m mmexit_tools.export.onnx_export --checkpoint CHECKPOINT --task avmnist --data DIR --float M.onnx
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..base.errors import USAGE, ToolError, exit_with
from ..model.graphs import Graph, Node, lower
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import read_model
from ..quantize.quantization import QuantizedGraph
from ..quantize.ranges import Affine

OPSET, IR = 17, 9


@dataclass
class _Writer:
    graph: Graph
    quantized: QuantizedGraph | None
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)
    """The graph's tensor to the ONNX value that stands for it, in float."""

    def add(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: NDArray) -> str:
        self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def through_int8(self, name: str, value: str) -> str:
        """`value` rounded to the int8 of tensor `name`, as float again; `value` itself in the float graph."""
        if self.quantized is None:
            return value
        a: Affine = self.quantized.activations[name]
        scale = self.constant(f"{name}/scale", np.array(a.scale, np.float32))
        zero = self.constant(f"{name}/zero", np.array(a.zero_point, np.int8))
        q = self.add("QuantizeLinear", [value, scale, zero], f"{name}/q")
        return self.add("DequantizeLinear", [q, scale, zero], f"{name}/dq")

    def parameters(self, node: Node) -> tuple[str, str]:
        """Names of the weight (ONNX layout) and the bias, as float values."""
        assert node.weight is not None and node.bias is not None
        if self.quantized is None:
            return (self.constant(f"{node.output}/w", to_onnx_layout(node, node.weight)),
                    self.constant(f"{node.output}/b", node.bias))
        w = self.quantized.weights[node.output]
        scale = self.constant(f"{node.output}/ws", w.scale)
        zero = self.constant(f"{node.output}/wz", np.zeros(len(w.scale), np.int8))
        values = self.constant(f"{node.output}/w", to_onnx_layout(node, w.values))
        weight = self.add("DequantizeLinear", [values, scale, zero], f"{node.output}/wf", axis=0)
        here = self.quantized.activations[node.inputs[0]]
        bias_scale = self.constant(f"{node.output}/bs", (here.scale * w.scale).astype(np.float32))
        bias_zero = self.constant(f"{node.output}/bz", np.zeros(len(w.scale), np.int32))
        bias = self.constant(f"{node.output}/b", w.bias)
        return weight, self.add("DequantizeLinear", [bias, bias_scale, bias_zero], f"{node.output}/bf", axis=0)

    def write(self, node: Node) -> None:
        inputs = [self.current[i] for i in node.inputs]
        out = f"{node.output}/y" if node.op != "logits" else node.output
        pads = {"pads": list(node.padding), "strides": list(node.stride), "kernel_shape": list(node.kernel)}
        match node.op:
            case "conv2d" | "depthwise_conv2d":
                group = self.graph.shapes[node.output][2] if node.op == "depthwise_conv2d" else 1
                value = self.add("Conv", [*inputs, *self.parameters(node)], out, group=group, **pads)
            case "linear" | "logits":
                value = self.add("Gemm", [*inputs, *self.parameters(node)], out, transB=1)
            case "max_pool":
                value = self.add("MaxPool", inputs, out, **pads)
            case "average_pool":
                value = self.add("AveragePool", inputs, out, count_include_pad=0, **pads)
            case "global_average_pool":
                mean = self.add("GlobalAveragePool", inputs, f"{node.output}/m")
                value = self.add("Flatten", [mean], out, axis=1)
            case "flatten":
                turned = self.add("Transpose", inputs, f"{node.output}/t", perm=[0, 2, 3, 1])
                value = self.add("Flatten", [turned], out, axis=1)
            case "add":
                value = self.add("Add", inputs, out)
            case "multiply":
                inputs[1] = self._beside(node, inputs[1])
                value = self.add("Mul", inputs, out)
            case "concat":
                value = self._concat(inputs, out)
            case _:
                raise ValueError(f"no ONNX operation for {node.op}")
        if node.relu:
            value = self.add("Relu", [value], f"{node.output}/r")
        if node.top is not None and self.quantized is None:
            top = self.constant(f"{node.output}/top", np.array(node.top, np.float32))
            value = self.add("Min", [value, top], f"{node.output}/clip")
        self.current[node.output] = value if node.op == "logits" else self.through_int8(node.output, value)

    def _beside(self, node: Node, factor: str) -> str:
        """The second factor of a `multiply` as one cell of a map, where it is a vector and the first is a map."""
        if len(self.graph.shapes[node.inputs[0]]) == len(self.graph.shapes[node.inputs[1]]):
            return factor
        axes = self.constant("axes/cell", np.array([2, 3], np.int64))
        return self.add("Unsqueeze", [factor, axes], f"{node.output}/cell")

    def _concat(self, inputs: list[str], out: str) -> str:
        parts = []
        for i, (modality, value) in enumerate(zip(self.graph.modalities, inputs, strict=True)):
            column = self.constant(f"present/{i}", np.array([i], np.int64))
            here = self.add("Gather", ["present", column], f"present/{modality.name}", axis=1)
            parts.append(self.add("Mul", [value, here], f"{modality.feature}/kept"))
        return self.add("Concat", parts, out, axis=1)


def to_onnx_layout(node: Node, weight: NDArray) -> NDArray:
    if node.op == "conv2d":
        return weight.transpose(0, 3, 1, 2)
    if node.op == "depthwise_conv2d":
        return weight.transpose(2, 0, 1)[:, None]
    return weight


def build(graph: Graph, quantized: QuantizedGraph | None = None) -> onnx.ModelProto:
    """The float graph, or with `quantized` the QDQ graph."""
    writer = _Writer(graph, quantized)
    inputs = []
    for modality in graph.modalities:
        shape = graph.shapes[modality.input]
        dims = ["N", shape[2], shape[0], shape[1]] if len(shape) == 3 else ["N", *shape]
        inputs.append(helper.make_tensor_value_info(modality.name, TensorProto.FLOAT, dims))
        writer.current[modality.input] = writer.through_int8(modality.input, modality.name)
    inputs.append(helper.make_tensor_value_info("present", TensorProto.FLOAT, ["N", len(graph.modalities)]))
    for node in graph.nodes():
        if node.weight is not None and node.op in ("conv2d", "depthwise_conv2d"):
            node = _with_kernel(node)
        writer.write(node)
    classes = len(graph.network.classes)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", classes])
               for _, _, name in graph.exit_outputs()]
    body = helper.make_graph(writer.nodes, graph.network.name, inputs, outputs, list(writer.constants.values()))
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="mmexit_tools")
    model.ir_version = IR
    onnx.checker.check_model(model)
    return model


def _with_kernel(node: Node) -> Node:
    """The kernel of a convolution stands in its weight's shape only."""
    assert node.weight is not None
    shape = node.weight.shape
    kernel = (shape[1], shape[2]) if node.op == "conv2d" else (shape[0], shape[1])
    return dataclasses.replace(node, kernel=kernel)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a .safetensors model, for --qdq")
    parser.add_argument("--checkpoint", type=Path, help="a training checkpoint, for --float")
    parser.add_argument("--task", help="the checkpoint's task")
    parser.add_argument("--data", type=Path, help="the checkpoint's data folder")
    parser.add_argument("--float", type=Path, dest="plain")
    parser.add_argument("--qdq", type=Path)
    args = parser.parse_args()
    if not args.plain and not args.qdq:
        raise ToolError("nothing to write: give --float FILE, --qdq FILE or both", USAGE)
    if args.qdq:
        if not args.model:
            raise ToolError("--qdq needs --model FILE.safetensors", USAGE)
        stored = read_model(args.model)
        args.qdq.write_bytes(build(stored.quantized.graph, stored.quantized).SerializeToString(deterministic=True))
    if args.plain:
        if not (args.checkpoint and args.task and args.data):
            raise ToolError("--float needs --checkpoint, --task and --data", USAGE)
        graph = checkpoint_graph(args.checkpoint, args.task, args.data)
        args.plain.write_bytes(build(graph).SerializeToString(deterministic=True))


def checkpoint_graph(checkpoint: Path, task: str, data: Path) -> Graph:
    """The float graph of a training checkpoint."""
    from ..tasks import load
    from ..training.trainer import read_checkpoint

    state = read_checkpoint(checkpoint)
    model = MultiExitNetwork(load(task).network(data, state["options"].get("exits", 2)))
    model.load_state_dict(state["model"])
    return lower(model.eval())


if __name__ == "__main__":
    exit_with(main)

"""A model file of ours as a LiteRT (TensorFlow Lite) flat buffer, so that LiteRT runs the same net: int8 with the
same scales, or float32 with the weights dequantized. Needs numpy and the schema that ai-edge-litert brings along."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ToolError
from .curves import write_table

DTYPES = {"I8": np.dtype("i1"), "I32": np.dtype("<i4"), "F32": np.dtype("<f4")}


@dataclass(frozen=True)
class NetFile:
    """What is measured of a model file: the way from all inputs to the last answer, without the exits on it."""

    name: str
    inputs: dict[str, tuple[int, ...]]
    """By modality: the extents the engine takes."""
    activations: dict[str, dict]
    nodes: list[dict]
    tensors: dict[str, NDArray]
    sources: dict[str, str]
    """Modality to its activation."""

    @property
    def macs(self) -> int:
        total = 0
        for node in self.nodes:
            if "weight" in node:
                map_size = self.activations[node["output"]]["shape"][:2] if "conv" in node["op"] else [1]
                total += int(np.prod(map_size)) * self.tensors[node["weight"]].size
        return total


def read_net(path: Path) -> NetFile:
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    text = json.loads(header.pop("__metadata__")["mmexit"])
    body = memoryview(raw)[8 + length :]
    tensors = {n: np.frombuffer(body[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
               for n, t in header.items()}
    nodes = [n for m in text["modalities"] for s in m["segments"] for n in s["nodes"]]
    nodes += [*text["fusion"]["nodes"], *text["fusion"]["exit"]["nodes"]]
    sources = {m["name"]: m["input"] for m in text["modalities"]}
    inputs = {m: tuple(text["activations"][a]["shape"]) for m, a in sources.items()}
    return NetFile(text["name"], inputs, text["activations"], nodes, tensors, sources)


@dataclass
class Writer:
    """Builds the flat buffer's objects. `quantized`: int8 inside, float32 at both ends."""

    net: NetFile
    quantized: bool
    logit_scale: float
    schema: Any
    tensors: list = field(default_factory=list)
    buffers: list = field(default_factory=list)
    operators: list = field(default_factory=list)
    codes: list = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """By name; a convolution's map may be larger here than in the model, see `same_padding`."""

    def tensor(self, name: str, shape: tuple[int, ...], kind: int, data: NDArray | None = None,
               scale: NDArray | None = None, zero: int = 0, axis: int = 0) -> int:
        s = self.schema
        buffer = s.BufferT()
        if data is not None:
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        self.buffers.append(buffer)
        t = s.TensorT()
        t.name, t.shape, t.type, t.buffer = name.encode(), np.array(shape, np.int32), kind, len(self.buffers)
        if scale is not None:
            q = s.QuantizationParametersT()
            q.scale, q.zeroPoint = np.atleast_1d(scale).astype(np.float32), np.full(np.size(scale), zero, np.int64)
            q.quantizedDimension = axis
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def activation(self, name: str, shape: tuple[int, ...] | None = None) -> int:
        """The tensor of this name, with a batch of 1 in front."""
        if name not in self.place:
            a = self.net.activations[name]
            self.shapes[name] = tuple(shape or a["shape"])
            extents = (1, *self.shapes[name])
            if self.quantized:
                self.place[name] = self.tensor(name, extents, self.schema.TensorType.INT8, None,
                                               np.float32(a["scale"]), a["zero_point"])
            else:
                self.place[name] = self.tensor(name, extents, self.schema.TensorType.FLOAT32)
        return self.place[name]

    def operator(self, code: str, inputs: list[int], outputs: list[int], options: Any = None) -> None:
        s = self.schema
        number = getattr(s.BuiltinOperator, code)
        if number not in self.codes:
            self.codes.append(number)
        o = s.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs = self.codes.index(number), np.array(inputs, np.int32), np.array(
            outputs, np.int32)
        if options is not None:
            o.builtinOptions = options
            o.builtinOptionsType = getattr(s.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.operators.append(o)

    def parameters(self, node: dict, shape: tuple[int, ...], axis: int, source: str) -> list[int]:
        """Weight and bias."""
        kinds, t = self.schema.TensorType, self.net.tensors
        w, b, s = t[node["weight"]].reshape(shape), t[node["bias"]], t[node["weight_scale"]]
        units = np.float32(self.net.activations[source]["scale"]) * s
        if self.quantized:
            return [self.tensor(node["weight"], shape, kinds.INT8, w, s, 0, axis),
                    self.tensor(node["bias"], b.shape, kinds.INT32, b, units)]
        along = [1] * len(shape)
        along[axis] = -1
        return [self.tensor(node["weight"], shape, kinds.FLOAT32, (w * s.reshape(along)).astype(np.float32)),
                self.tensor(node["bias"], b.shape, kinds.FLOAT32, (b * units).astype(np.float32))]

    def node(self, node: dict) -> None:
        handlers = {"conv2d": self.convolution, "depthwise_conv2d": self.convolution, "linear": self.linear,
                    "logits": self.linear, "max_pool": self.pool, "average_pool": self.pool,
                    "global_average_pool": self.mean, "flatten": self.flatten, "concat": self.concat,
                    "add": self.add, "multiply": self.multiply, "table": self.table}
        if node["op"] not in handlers:
            raise ToolError(f"{self.net.name}: {node['op']} '{node['output']}' is not written for LiteRT")
        handlers[node["op"]](node)

    def relu(self, node: dict) -> int:
        kinds = self.schema.ActivationFunctionType
        return kinds.RELU if node.get("activation") == "relu" else kinds.NONE

    def same_padding(self, node: dict, kernel: tuple[int, int], source: str) -> tuple[int, tuple[int, int]] | None:
        """LiteRT's padding and the map it gives: SAME, whose end may be more than the model pads where a pool reads
        no further; VALID without padding; None where neither pads like the model."""
        height, width = self.shapes[source][:2]
        (top, left, bottom, right), stride = node["padding"], node["stride"]
        if not any(node["padding"]):
            return self.schema.Padding.VALID, tuple(
                (n - k) // s + 1 for n, k, s in zip((height, width), kernel, stride, strict=True))  # type: ignore
        out = tuple(-(-n // s) for n, s in zip((height, width), stride, strict=True))
        total = [max((o - 1) * s + k - n, 0) for o, s, k, n in zip(out, stride, kernel, (height, width), strict=True)]
        wanted = (total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2)
        pooled = any(n["op"] == "max_pool" and node["output"] in n["inputs"] for n in self.net.nodes)
        exact = (top, left, bottom, right) == wanted
        if not exact and not (pooled and (top, left) == wanted[:2] and bottom <= wanted[2] and right <= wanted[3]):
            return None
        return self.schema.Padding.SAME, out  # type: ignore[return-value]

    def padded(self, node: dict, kernel: tuple[int, int], source: str) -> tuple[int, int, tuple[int, int]]:
        """The input of a convolution, LiteRT's padding and the map it gives. A map padded in another way than LiteRT
        knows (PyTorch's at stride 2) goes through a PAD operator first, which pads with the zero point."""
        found = self.same_padding(node, kernel, source)
        if found is not None:
            return self.activation(source), *found
        (top, left, bottom, right), (height, width, channels) = node["padding"], self.shapes[source]
        extents = (height + top + bottom, width + left + right)
        a, kinds = self.net.activations[source], self.schema.TensorType
        name = f"{source}.for.{node['output']}"
        amounts = self.tensor(f"{name}.padding", (4, 2), kinds.INT32,
                              np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
        if self.quantized:
            out = self.tensor(name, (1, *extents, channels), kinds.INT8, None, np.float32(a["scale"]),
                              a["zero_point"])
        else:
            out = self.tensor(name, (1, *extents, channels), kinds.FLOAT32)
        self.operator("PAD", [self.activation(source), amounts], [out], self.schema.PadOptionsT())
        result = tuple((n - k) // s + 1 for n, k, s in zip(extents, kernel, node["stride"], strict=True))
        return out, self.schema.Padding.VALID, result  # type: ignore[return-value]

    def convolution(self, node: dict) -> None:
        source = node["inputs"][0]
        self.activation(source)
        shape = self.net.tensors[node["weight"]].shape
        depthwise = node["op"] == "depthwise_conv2d"
        kernel = shape[:2] if depthwise else shape[1:3]
        given, padding, extents = self.padded(node, kernel, source)  # type: ignore[arg-type]
        options = self.schema.DepthwiseConv2DOptionsT() if depthwise else self.schema.Conv2DOptionsT()
        options.padding, (options.strideH, options.strideW) = padding, node["stride"]
        options.fusedActivationFunction = self.relu(node)
        options.dilationHFactor = options.dilationWFactor = 1
        if depthwise:
            options.depthMultiplier = 1
        weights = self.parameters(node, (1, *shape) if depthwise else shape, 3 if depthwise else 0, source)
        channels = self.net.activations[node["output"]]["shape"][2]
        out = self.activation(node["output"], (*extents, channels))
        self.operator("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [given, *weights], [out], options)

    def linear(self, node: dict) -> None:
        source = node["inputs"][0]
        given = self.activation(source)
        weights = self.parameters(node, self.net.tensors[node["weight"]].shape, 0, source)
        options = self.schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = self.relu(node)
        if node["op"] == "logits":
            self.net.activations[node["output"]] = {"shape": [len(self.net.tensors[node["bias"]])],
                                                    "scale": self.logit_scale, "zero_point": 0}
        self.operator("FULLY_CONNECTED", [given, *weights], [self.activation(node["output"])], options)

    def pool(self, node: dict) -> None:
        source, output = node["inputs"][0], node["output"]
        given = self.activation(source)
        options = self.schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = node["kernel"]
        options.strideH, options.strideW = node["stride"]
        padding = self.same_padding(node, tuple(node["kernel"]), source)  # type: ignore[arg-type]
        if padding is None:  # a pool ignores what it pads, an operator before it would not
            raise ToolError(f"{self.net.name}: '{output}' pads {node['padding']}, LiteRT's pools not so")
        options.padding, extents = padding
        out = self.activation(output, (*extents, self.shapes[source][2]))
        if node["op"] == "max_pool":
            self.operator("MAX_POOL_2D", [given], [out], options)
            return
        # LiteRT's average keeps the scale of what it averages.
        a, b = self.net.activations[source], self.net.activations[output]
        kept = not self.quantized or (a["scale"], a["zero_point"]) == (b["scale"], b["zero_point"])
        mean = out if kept else self.tensor(f"{output}.mean", (1, *self.shapes[output]), self.schema.TensorType.INT8,
                                            None, np.float32(a["scale"]), a["zero_point"])
        self.operator("AVERAGE_POOL_2D", [given], [mean], options)
        if not kept:
            self.operator("QUANTIZE", [mean], [out], self.schema.QuantizeOptionsT())

    def mean(self, node: dict) -> None:
        axes = self.tensor(f"{node['output']}.axes", (2,), self.schema.TensorType.INT32, np.array([1, 2], np.int32))
        options = self.schema.ReducerOptionsT()
        options.keepDims = False
        self.operator("MEAN", [self.activation(node["inputs"][0]), axes], [self.activation(node["output"])], options)

    def flatten(self, node: dict) -> None:
        count = self.net.activations[node["output"]]["shape"][0]
        shape = self.tensor(f"{node['output']}.shape", (2,), self.schema.TensorType.INT32,
                            np.array([1, count], np.int32))
        options = self.schema.ReshapeOptionsT()
        options.newShape = np.array([1, count], np.int32)
        given, out = self.activation(node["inputs"][0]), self.activation(node["output"])
        self.operator("RESHAPE", [given, shape], [out], options)

    def concat(self, node: dict) -> None:
        """Parts of another scale are brought to the output's first."""
        parts = [self.alike(name, node["output"]) for name in node["inputs"]]
        if len(parts) == 1:
            self.place[node["output"]] = parts[0]
            self.shapes[node["output"]] = self.shapes[node["inputs"][0]]
            return
        options = self.schema.ConcatenationOptionsT()
        options.axis = len(self.shapes[node["inputs"][0]])
        self.operator("CONCATENATION", parts, [self.activation(node["output"])], options)

    def alike(self, name: str, output: str) -> int:
        given = self.activation(name)
        a, b = self.net.activations[name], self.net.activations[output]
        if not self.quantized or (a["scale"], a["zero_point"]) == (b["scale"], b["zero_point"]):
            return given
        moved = self.tensor(f"{name}.for.{output}", (1, *self.shapes[name]), self.schema.TensorType.INT8, None,
                            np.float32(b["scale"]), b["zero_point"])
        self.operator("QUANTIZE", [given], [moved], self.schema.QuantizeOptionsT())
        return moved

    def add(self, node: dict) -> None:
        options = self.schema.AddOptionsT()
        options.fusedActivationFunction = self.relu(node)
        self.operator("ADD", [self.activation(i) for i in node["inputs"]], [self.activation(node["output"])], options)

    def multiply(self, node: dict) -> None:
        """A factor of one cell stands for all of the map's, as LiteRT broadcasts."""
        options = self.schema.MulOptionsT()
        options.fusedActivationFunction = self.relu(node)
        self.operator("MUL", [self.activation(i) for i in node["inputs"]], [self.activation(node["output"])], options)

    def table(self, node: dict) -> None:
        write_table(self, node)

    def file(self) -> bytes:
        import flatbuffers

        s = self.schema
        ends = []
        for modality, source in self.net.sources.items():
            inside = self.activation(source)
            ends.append(inside)
            if self.quantized:
                ends[-1] = self.tensor(modality, (1, *self.shapes[source]), s.TensorType.FLOAT32)
                self.operator("QUANTIZE", [ends[-1]], [inside], s.QuantizeOptionsT())
        for node in self.net.nodes:
            self.node(node)
        last = self.place[self.net.nodes[-1]["output"]]
        if self.quantized:
            count = self.net.activations[self.net.nodes[-1]["output"]]["shape"][0]
            out = self.tensor("answer", (1, count), s.TensorType.FLOAT32)
            self.operator("DEQUANTIZE", [last], [out], s.DequantizeOptionsT())
            last = out
        return self.packed(flatbuffers.Builder(1 << 20), ends, last)

    def packed(self, builder: Any, inputs: list[int], output: int) -> bytes:
        s = self.schema
        graph = s.SubGraphT()
        graph.tensors, graph.operators, graph.name = self.tensors, self.operators, b"main"
        graph.inputs, graph.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        model = s.ModelT()
        model.version, model.description = 3, b"mmexit_tools.peers"
        model.subgraphs, model.buffers = [graph], [s.BufferT(), *self.buffers]
        model.operatorCodes = []
        for number in self.codes:
            code = s.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
            model.operatorCodes.append(code)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def litert_file(net: NetFile, quantized: bool, logit_scale: float) -> bytes:
    """The flat buffer. `logit_scale`: of the int8 logits."""
    from ai_edge_litert import schema_py_generated

    copy = NetFile(net.name, net.inputs, dict(net.activations), net.nodes, net.tensors, net.sources)
    return Writer(copy, quantized, logit_scale, schema_py_generated).file()

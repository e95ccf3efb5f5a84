"""The trained network as a flat list of operations in the engine's terms, and what runs it in float.

Weights are in the engine's layout (docs/model-format.md); tensors of maps are NCHW while they run in torch.
`quantization.py` turns the graph into int8, `export.py` and `onnx_export.py` write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .blocks import Block, average_pool, max_pool
from .layers import (
    NO_PADDING,
    Add,
    AveragePool,
    Conv,
    Depthwise,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Network,
    Padding,
    Pair,
    Shape,
    SqueezeExcite,
    layer_shape,
)
from .networks import MultiExitNetwork

FloatArray = NDArray[np.float32]
KIND_NAMES = {Conv: "conv", Depthwise: "depthwise", MaxPool: "max", AveragePool: "average",
              Add: "add", GlobalAveragePool: "mean", Flatten: "flat", Linear: "linear", SqueezeExcite: "excited"}


@dataclass(frozen=True)
class Node:
    """One operation; `op` is its name in the model file."""

    op: str
    inputs: tuple[str, ...]
    output: str
    weight: FloatArray | None = None
    bias: FloatArray | None = None
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    relu: bool = False
    top: float | None = None
    """Of a ReLU, the largest result; int8 ends there."""
    table: NDArray[np.int8] | None = None
    """Of a `table`: the output's code for each of the input's, from -128 on."""


@dataclass(frozen=True)
class GraphSegment:
    nodes: tuple[Node, ...]
    exit_nodes: tuple[Node, ...]


@dataclass(frozen=True)
class GraphModality:
    name: str
    input: str
    segments: tuple[GraphSegment, ...]

    @property
    def feature(self) -> str:
        """The tensor that fusion takes."""
        nodes = self.segments[-1].nodes
        return nodes[-1].output if nodes else self.input


@dataclass(frozen=True)
class Graph:
    """`shapes`: of every tensor but logits, (height, width, channels) or (n,)."""

    network: Network
    shapes: Mapping[str, Shape]
    modalities: tuple[GraphModality, ...]
    fusion_nodes: tuple[Node, ...]
    fusion_exit_nodes: tuple[Node, ...]

    def nodes(self) -> Iterator[Node]:
        """Every operation, in an order that can be run."""
        for modality in self.modalities:
            for segment in modality.segments:
                yield from segment.nodes
                yield from segment.exit_nodes
        yield from self.fusion_nodes
        yield from self.fusion_exit_nodes

    def exit_outputs(self) -> list[tuple[str, int, str]]:
        """(modality, exit from 1, name of the logits), fusion last as ("fusion", 0, name)."""
        rows = [(m.name, j + 1, s.exit_nodes[-1].output)
                for m in self.modalities for j, s in enumerate(m.segments)]
        return [*rows, ("fusion", 0, self.fusion_exit_nodes[-1].output)]


@dataclass
class _Lowering:
    shapes: dict[str, Shape] = field(default_factory=dict)
    orders: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """Of flattened tensors: for each place, its place in torch's (channel, row, column) order."""

    def columns(self, weight: FloatArray, source: str) -> FloatArray:
        """A linear layer's weight with its columns in the order in which `source` is flattened."""
        return np.ascontiguousarray(weight[:, self.orders[source]]) if source in self.orders else weight

    def concat(self, sources: Sequence[str], name: str) -> None:
        widths = [self.shapes[s][0] for s in sources]
        starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
        self.shapes[name] = (sum(widths),)
        self.orders[name] = np.concatenate([
            start + self.orders.get(s, np.arange(width))
            for s, start, width in zip(sources, starts, widths, strict=True)
        ])

    def chain(self, blocks: nn.Sequential, source: str, prefix: str) -> tuple[list[Node], str]:
        nodes: list[Node] = []
        taken: list[str] = []
        for block in blocks:
            assert isinstance(block, Block)
            taken.append(source)
            if isinstance(block.layer, Dropout):
                continue
            if isinstance(block.layer, Flatten) and len(self.shapes[source]) == 1:
                continue
            name = f"{prefix}.{KIND_NAMES[type(block.layer)]}{len(nodes) + 1}"
            if isinstance(block.layer, SqueezeExcite):
                *shares, node = lower_excited(block, source, name)
                nodes += shares
                channels = self.shapes[source][2]
                widths = (channels, block.layer.hidden, channels)
                self.shapes |= {n.output: (w,) for n, w in zip(shares, widths, strict=True)}
            elif isinstance(block.layer, Add):
                node = Node("add", (source, taken[len(taken) - 1 - block.layer.over]), name, relu=True)
            else:
                node = lower_block(block, source, name)
            if node.op == "linear":
                node = replace(node, weight=self.columns(node.weight, source))
            elif node.op == "flatten":
                self.orders[name] = flatten_permutation(self.shapes[source])
            nodes.append(node)
            self.shapes[name] = layer_shape(block.layer, self.shapes[source])
            source = name
        return nodes, source

    def logits(self, linear: nn.Linear, source: str, name: str) -> Node:
        return Node("logits", (source,), name, self.columns(_numpy(linear.weight), source), _numpy(linear.bias))


def lower(model: MultiExitNetwork) -> Graph:
    """The graph of a trained model, batch normalization folded. Raises ValueError for another than late fusion."""
    if model.fusion_kind != "lf":
        raise ValueError(f"the engine runs late fusion only, not {model.fusion_kind}")
    work = _Lowering()
    modalities = []
    for modality in model.network.modalities:
        source = f"{modality.name}.in"
        work.shapes[source] = modality.features.shape
        segments = []
        for j, (chain, head) in enumerate(
            zip(model.segments[modality.name], model.exits[modality.name], strict=True), 1  # type: ignore
        ):
            nodes, source = work.chain(chain, source, f"{modality.name}.{j}")
            before, end = work.chain(head[0], source, f"{modality.name}.exit{j}")
            segments.append(GraphSegment(
                tuple(nodes), (*before, work.logits(head[1], end, f"{modality.name}.exit{j}"))))
        modalities.append(GraphModality(modality.name, f"{modality.name}.in", tuple(segments)))
    features = tuple(m.feature for m in modalities)
    joined = "fusion.concat"
    work.concat(features, joined)
    nodes, end = work.chain(model.fusion, joined, "fusion")
    logits = work.logits(model.fusion_logits, end, "fusion.exit")
    return Graph(model.network, work.shapes, tuple(modalities),
                 (Node("concat", features, joined), *nodes), (logits,))


def lower_block(block: Block, source: str, name: str) -> Node:
    layer = block.layer
    match layer:
        case Conv():
            weight, bias = fold(block)
            return Node("conv2d", (source,), name, np.ascontiguousarray(weight.transpose(0, 2, 3, 1)), bias,
                        layer.kernel, layer.stride, layer.padding, layer.relu)
        case Depthwise():
            weight, bias = fold(block)
            return Node("depthwise_conv2d", (source,), name, np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0)),
                        bias, layer.kernel, layer.stride, layer.padding, layer.relu)
        case Linear():
            weight, bias = fold(block)
            return Node("linear", (source,), name, weight, bias, relu=layer.relu)
        case MaxPool():
            return Node("max_pool", (source,), name, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)
        case AveragePool():
            return Node("average_pool", (source,), name, kernel=layer.kernel, stride=layer.stride,
                        padding=layer.padding)
        case GlobalAveragePool():
            return Node("global_average_pool", (source,), name)
        case Flatten():
            return Node("flatten", (source,), name)
    raise ValueError(f"no operation for {layer}")


SLOPE, MIDDLE = 1 / 6, 0.5
"""A share is clip(SLOPE * y + MIDDLE, 0, 1)."""


def lower_excited(block: Block, source: str, name: str) -> list[Node]:
    """The shares of a `SqueezeExcite`, and the map times them; slope and clip are weights, ReLU and `top`."""
    assert isinstance(block.layer, SqueezeExcite)
    mean, squeezed, shares = (f"{name}.{part}" for part in ("mean", "squeezed", "shares"))
    one, two = block.squeeze, block.excite
    return [
        Node("global_average_pool", (source,), mean),
        Node("linear", (mean,), squeezed, _numpy(one.weight), _numpy(one.bias), relu=True),
        Node("linear", (squeezed,), shares, _numpy(two.weight * SLOPE), _numpy(two.bias * SLOPE + MIDDLE), relu=True,
             top=1.0),
        Node("multiply", (source, shares), name, relu=block.layer.relu),
    ]


def fold(block: Block) -> tuple[FloatArray, FloatArray]:
    """Weight (torch's layout) and bias with the batch normalization that follows multiplied in."""
    weighted, norm = block.weighted, block.norm
    weight = weighted.weight.detach().double()  # type: ignore[union-attr]
    bias = weighted.bias  # type: ignore[union-attr]
    bias = torch.zeros(len(weight), dtype=torch.float64) if bias is None else bias.detach().double()
    if norm is not None:
        gain = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)  # type: ignore
        weight = weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
        bias = (bias - norm.running_mean.double()) * gain + norm.bias.detach().double()  # type: ignore
    return weight.float().numpy(), bias.float().numpy()


def _numpy(parameter: Tensor) -> FloatArray:
    return parameter.detach().float().numpy().copy()


def flatten_permutation(shape: Shape) -> NDArray[np.int64]:
    """For each place in (row, column, channel) order, its place in torch's (channel, row, column) order."""
    h, w, c = shape
    return np.arange(h * w * c).reshape(c, h, w).transpose(1, 2, 0).reshape(-1)


def node_macs(node: Node, shapes: Mapping[str, Shape]) -> int:
    """Multiply-accumulates of convolutions and linear layers; pools count nothing."""
    if node.weight is None:
        return 0
    if node.op in ("linear", "logits"):
        return int(node.weight.size)
    height, width, _ = shapes[node.output]
    return height * width * int(node.weight.size)


def node_parameters(node: Node) -> int:
    return 0 if node.weight is None or node.bias is None else int(node.weight.size + node.bias.size)


@dataclass(frozen=True)
class Cost:
    macs: int
    parameters: int


def cost(nodes: Sequence[Node], shapes: Mapping[str, Shape]) -> Cost:
    return Cost(sum(node_macs(n, shapes) for n in nodes), sum(node_parameters(n) for n in nodes))


def exit_costs(graph: Graph) -> dict[tuple[str, int], Cost]:
    """Segment with its exit, for every exit; ("fusion", 0) is the fusion network with its exit."""
    rows = {
        (m.name, j + 1): cost([*s.nodes, *s.exit_nodes], graph.shapes)
        for m in graph.modalities for j, s in enumerate(m.segments)
    }
    return rows | {("fusion", 0): cost([*graph.fusion_nodes, *graph.fusion_exit_nodes], graph.shapes)}


Step = Callable[[Node, list[Tensor]], Tensor]
"""Runs one operation on its input tensors."""


def run(graph: Graph, inputs: Mapping[str, Tensor], step: Step,
        absent: Callable[[str, Tensor], Tensor] | None = None) -> dict[str, Tensor]:
    """Every tensor of the graph by name, from its inputs by modality name.

    `absent(modality, feature)` replaces a modality's feature where the modality is missing.
    """
    tensors = {m.input: inputs[m.name] for m in graph.modalities}
    features = {m.feature: m.name for m in graph.modalities}
    for node in graph.nodes():
        given = [tensors[i] for i in node.inputs]
        if node.op == "concat" and absent is not None:
            given = [absent(features[i], t) if i in features else t for i, t in zip(node.inputs, given, strict=True)]
        tensors[node.output] = step(node, given)
    return tensors


def float_step(node: Node, given: list[Tensor]) -> Tensor:
    """The operation in float32."""
    x = given[0]
    if node.weight is not None:
        weight, bias = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
        out = weighted_sum(node, x, weight) + bias.reshape(1, -1, *[1] * (x.ndim - 2))
        out = functional.relu(out) if node.relu else out
        return out if node.top is None else out.clamp(max=node.top)
    match node.op:
        case "max_pool":
            return max_pool(x, MaxPool(node.kernel, node.stride, node.padding))
        case "average_pool":
            return average_pool(x, AveragePool(node.kernel, node.stride, node.padding))
        case "global_average_pool":
            return x.mean((2, 3))
        case "flatten":
            return x.permute(0, 2, 3, 1).flatten(1)
        case "concat":
            return torch.cat(given, 1)
        case "add":
            return functional.relu(given[0] + given[1]) if node.relu else given[0] + given[1]
        case "multiply":
            product = given[0] * beside(given[0], given[1])
            return functional.relu(product) if node.relu else product
    raise ValueError(f"unknown operation {node.op}")


def beside(x: Tensor, factor: Tensor) -> Tensor:
    """The second factor of a `multiply`: of the first's shape, or one cell (of a map, or a vector) for all."""
    return factor if factor.ndim == x.ndim else factor[:, :, None, None]


def weighted_sum(node: Node, x: Tensor, weight: Tensor) -> Tensor:
    """The sum of products of a convolution or linear layer; weight in the engine's layout, no bias."""
    if node.op in ("linear", "logits"):
        return x @ weight.T
    t, le, b, r = node.padding
    x = functional.pad(x, (le, r, t, b))
    if node.op == "depthwise_conv2d":
        kernel = weight.permute(2, 0, 1).unsqueeze(1)
        return functional.conv2d(x, kernel, stride=node.stride, groups=x.shape[1])
    return functional.conv2d(x, weight.permute(0, 3, 1, 2), stride=node.stride)

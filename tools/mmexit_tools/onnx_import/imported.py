"""The imported nodes before they are cut into exits: simplified, and with the logits that end them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from ..base.errors import ToolError
from ..model.graphs import Node
from ..model.layers import NO_PADDING, Shape
from ..onnx_lowering.lowering import Lowering
from ..onnx_lowering.values import Pending, Probabilities, Stored, short_name
from ..quantize.modelfile import ACTIVATED, POOLS
from ..quantize.quantization import Weights
from ..quantize.ranges import Affine


@dataclass(frozen=True)
class Head:
    """An output of the graph: `before`, flattening nodes of its own in front of `logits`.

    `compared`: the ONNX value that the logits stand for, before a Softmax; `affine`: its scale and zero point where
    the graph rounds it, else None; `unrounded`: whether the logits leave that rounding out.
    """

    output: str
    before: tuple[Node, ...]
    logits: Node
    compared: str
    affine: Affine | None
    unrounded: bool = False

    @property
    def rounding(self) -> Affine | None:
        """What the graph does to these logits and the model does not."""
        return self.affine if self.unrounded else None


@dataclass
class Imported:
    """`nodes`: by output, in an order that can be run. `renamed`: tensors that stand under another name now."""

    inputs: list[str]
    nodes: dict[str, Node]
    shapes: dict[str, Shape]
    affines: dict[str, Affine]
    weights: dict[str, Weights]
    renamed: dict[str, str] = field(default_factory=dict)

    def fresh(self, wanted: str) -> str:
        wanted = short_name(wanted)
        name, count = wanted, 2
        while name in self.shapes or name in self.weights:
            name, count = f"{wanted}.{count}", count + 1
        return name

    def add(self, node: Node, like: str, shape: Shape | None = None) -> None:
        """Scale, zero point, weights and shape of `like` for a node that stands outside `nodes`."""
        if like in self.shapes:
            self.shapes[node.output] = shape or self.shapes[like]
            self.affines[node.output] = self.affines[like]
        if like in self.weights:
            self.weights[node.output] = self.weights[like]

    def vector(self, tensor: str, op: str) -> tuple[tuple[Node, ...], str]:
        """A map as a vector by `flatten` or `global_average_pool`; a vector as it is."""
        shape = self.shapes[tensor]
        if len(shape) == 1:
            return (), tensor
        node = Node(op, (tensor,), self.fresh(f"{tensor}.flat"))
        self.add(node, tensor, (shape[2] if op == "global_average_pool" else shape[0] * shape[1] * shape[2],))
        return (node,), node.output

    def logits(self, source: str, weights: Weights, wanted: str) -> Node:
        name = self.fresh(wanted)
        self.weights[name] = weights
        return Node("logits", (source,), name, weights.values * weights.scale[:, None],
                    (weights.bias * (self.affines[source].scale * weights.scale)).astype(np.float32))

    def needed(self, ends: Iterable[str]) -> dict[str, Node]:
        """The nodes that these tensors come from."""
        found: set[str] = set()
        waiting = list(ends)
        while waiting:
            name = waiting.pop()
            if name in self.nodes and name not in found:
                found.add(name)
                waiting += self.nodes[name].inputs
        return {name: node for name, node in self.nodes.items() if name in found}


def simplify(work: Lowering, outputs: Iterable[str]) -> Imported:
    """Keeps what the outputs need, and joins what is one node in the engine: a ReLU with the layer before it, a pool
    over a whole map with its flatten."""
    tensors = work.tensors
    imported = Imported([n for n, _, _ in work.graph.inputs], work.nodes,
                        {n: t.layout.shape for n, t in tensors.items()}, {n: t.affine for n, t in tensors.items()},
                        dict(work.weights))
    ends = [e for o in outputs for e in _ends(work, o)]
    imported.nodes = imported.needed(ends)
    readers = _readers(imported, ends)
    for name, node in list(imported.nodes.items()):
        if node.op == "relu":
            _join_relu(imported, name, readers[node.inputs[0]] == 1)
        elif node.op == "flatten" and readers[node.inputs[0]] == 1:
            _join_flatten(imported, name)
    readers = _readers(imported, ends)
    for node in list(imported.nodes.values()):
        if node.op in POOLS and readers[node.inputs[0]] == 1:
            _trim(imported, node)
    return imported


def _readers(imported: Imported, ends: Iterable[str]) -> Counter[str]:
    """How often each tensor is read, by nodes and by outputs."""
    return Counter([i for n in imported.nodes.values() for i in n.inputs]
                   + [imported.renamed.get(e, e) for e in ends])


def _ends(work: Lowering, output: str) -> list[str]:
    match work.values[output]:
        case Probabilities(logits=logits):
            value = logits
        case value:
            pass
    match value:
        case Stored(tensor=tensor):
            return [tensor]
        case Pending(make=Node(inputs=inputs)):
            return list(inputs)
    raise ToolError(f"output '{output}': nothing computes it")


def _join_relu(imported: Imported, name: str, alone: bool) -> None:
    node = imported.nodes.pop(name)
    source = imported.renamed.get(node.inputs[0], node.inputs[0])
    before = imported.nodes.get(source)
    if before is not None and before.op in ACTIVATED and alone:
        imported.nodes[source] = replace(before, relu=True)
        _rename(imported, name, source)
        return
    zero = imported.affines[name].zero_point
    table = np.maximum(np.arange(-128, 128), zero).astype(np.int8)
    _insert(imported, name, Node("table", (source,), name, table=table))


def _join_flatten(imported: Imported, name: str) -> None:
    source = imported.nodes[name].inputs[0]
    before = imported.nodes.get(source)
    if before is None or before.op != "average_pool" or before.padding != NO_PADDING:
        return
    if before.kernel == imported.shapes[before.inputs[0]][:2]:
        imported.nodes.pop(source)
        _insert(imported, name, Node("global_average_pool", before.inputs, name))


def _trim(imported: Imported, pool: Node) -> None:
    """Takes away rows and columns that a convolution computes and the pool after it never reads: less padding
    after the image gives a smaller map of the same values."""
    source = pool.inputs[0]
    layer = imported.nodes.get(source)
    if layer is None or layer.op not in ("conv2d", "depthwise_conv2d") or pool.padding != NO_PADDING:
        return
    padding, shape = list(layer.padding), list(imported.shapes[source])
    for axis in range(2):
        read = (imported.shapes[pool.output][axis] - 1) * pool.stride[axis] + pool.kernel[axis]
        extent = imported.shapes[layer.inputs[0]][axis]
        enough = (read - 1) * layer.stride[axis] + layer.kernel[axis] - extent - padding[axis]
        padding[axis + 2] = min(padding[axis + 2], max(enough, 0))
        shape[axis] = (extent + padding[axis] + padding[axis + 2] - layer.kernel[axis]) // layer.stride[axis] + 1
    imported.nodes[source] = replace(layer, padding=(padding[0], padding[1], padding[2], padding[3]))
    imported.shapes[source] = tuple(shape)


def _insert(imported: Imported, name: str, node: Node) -> None:
    """Puts a node where everything it reads has been computed and nothing that reads it has."""
    imported.nodes.pop(name, None)
    rows = list(imported.nodes.items())
    place = next((i for i, (_, n) in enumerate(rows) if name in n.inputs), len(rows))
    imported.nodes = dict([*rows[:place], (name, node), *rows[place:]])


def _rename(imported: Imported, old: str, new: str) -> None:
    imported.renamed[old] = new
    for name, node in imported.nodes.items():
        if old in node.inputs:
            imported.nodes[name] = replace(node, inputs=tuple(new if i == old else i for i in node.inputs))


def head(work: Lowering, imported: Imported, output: str, rounded: bool) -> Head:
    """The logits that an output stands for; `rounded`: with the rounding the graph gives them."""
    value, compared = work.values[output], output
    if isinstance(value, Probabilities):
        value, compared = value.logits, value.name
    if isinstance(value, Pending):
        return _float_head(imported, value, output, compared)
    assert isinstance(value, Stored)
    tensor = imported.renamed.get(value.tensor, value.tensor)
    affine = imported.affines[tensor]
    layer = imported.nodes.get(tensor)
    if layer is not None and layer.op == "flatten":
        layer = imported.nodes.get(layer.inputs[0])
    if not rounded and layer is not None and not layer.relu and _is_linear(imported, layer):
        before, source = imported.vector(layer.inputs[0], "flatten")
        logits = imported.logits(source, _rows(imported.weights[layer.output]), f"{output}.logits")
        return Head(output, before, logits, compared, affine, True)
    before, source = imported.vector(tensor, "flatten")
    order = value.layout.order
    count = value.layout.count
    values = np.eye(count, dtype=np.int8)[:, np.arange(count) if order is None else order]
    identity = Weights(values, np.zeros(count, np.int32), np.ones(count, np.float32))
    return Head(output, before, imported.logits(source, identity, f"{output}.logits"), compared, affine)


def _float_head(imported: Imported, value: Pending, output: str, compared: str) -> Head:
    layer = value.make
    if layer is None or value.weights is None or value.low == 0 or any(n.op != "flatten" for n, _ in value.posts):
        raise ToolError(f"output '{output}': float from no Gemm, MatMul or Conv; put a QuantizeLinear and "
                        "DequantizeLinear before it")
    if not _is_linear(imported, replace(layer, output="")):
        raise ToolError(f"output '{output}': a map; the classes must be a vector")
    before, source = imported.vector(layer.inputs[0], "flatten")
    return Head(output, before, imported.logits(source, _rows(value.weights), f"{output}.logits"), compared, None)


def _is_linear(imported: Imported, layer: Node) -> bool:
    """A linear layer, or a convolution of one cell over a map of one cell."""
    if layer.op == "linear":
        return True
    one = layer.op == "conv2d" and imported.shapes[layer.inputs[0]][:2] == (1, 1)
    return one and layer.kernel == (1, 1)


def _rows(weights: Weights) -> Weights:
    """As a linear layer's, [out, in]."""
    return replace(weights, values=weights.values.reshape(len(weights.bias), -1))

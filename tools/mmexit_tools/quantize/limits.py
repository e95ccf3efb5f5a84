"""What the engine refuses (Sources/Engine/ModelLimits.swift, docs/model-format.md), before a file is written."""

from __future__ import annotations

import math

import numpy as np

from ..base.errors import ToolError
from ..model.graphs import Graph, Node, node_macs
from ..model.layers import Shape
from .modelfile import POOLS
from .quantization import QuantizedGraph
from .ranges import Affine

FILE_BYTES, HEADER_BYTES = 256 << 20, 8 << 20
TENSORS, NODES, NAME_BYTES = 4096, 2048, 256
ELEMENTS, EXTENT = 1 << 24, 1 << 16
ARENA_BYTES = 64 << 20
MODALITIES, PLACES = 8, 24
WORK = 1 << 36


def check_limits(quantized: QuantizedGraph, content: bytes) -> None:
    """`content`: the whole model file. Raises ToolError for the first bound that it crosses."""
    graph = quantized.graph
    nodes = list(graph.nodes())
    exits = len(graph.exit_outputs())
    _at_most("modalities", len(graph.modalities), MODALITIES)
    _at_most("exits, modalities and fusion together", exits + len(graph.modalities), PLACES)
    _at_most("nodes", len(nodes), NODES)
    tensors = sum(3 * (n.weight is not None) + (n.table is not None) for n in nodes)
    _at_most("tensors of weights", tensors, TENSORS)
    _at_most("bytes of header", int.from_bytes(content[:8], "little"), HEADER_BYTES)
    _at_most("bytes", len(content), FILE_BYTES)
    for name, shape in graph.shapes.items():
        _at_most(f"elements of '{name}'", math.prod(shape), ELEMENTS)
        _at_most(f"extent of '{name}'", max(shape), EXTENT)
        _at_most(f"bytes of the name '{name[:40]}...'", len(name.encode()), NAME_BYTES)
    _at_most("bytes of activations alive together", _alive(graph, nodes), ARENA_BYTES)
    _at_most("steps of work a window", sum(_work(n, graph) for n in nodes), WORK)
    for node in nodes:
        _check_scales(node, quantized)


def _at_most(what: str, found: int, limit: int) -> None:
    if found > limit:
        raise ToolError(f"{found:,} {what}; the engine takes at most {limit:,}: import a smaller net")


def _work(node: Node, graph: Graph) -> int:
    source: Shape = graph.shapes[node.inputs[0]]
    if node.op == "logits":
        return 0 if node.weight is None else int(node.weight.size)
    if node.op in POOLS:
        return math.prod(graph.shapes[node.output]) * math.prod(node.kernel)
    return max(node_macs(node, graph.shapes), math.prod(source), math.prod(graph.shapes[node.output]))


def _alive(graph: Graph, nodes: list[Node]) -> int:
    """Bytes of the tensors that are still to be read, at the worst node."""
    last = {i: place for place, node in enumerate(nodes) for i in node.inputs}
    last |= {m.feature: len(nodes) for m in graph.modalities}
    held = {m.input: math.prod(graph.shapes[m.input]) for m in graph.modalities}
    worst = sum(held.values())
    for place, node in enumerate(nodes):
        if node.output in graph.shapes:
            held[node.output] = math.prod(graph.shapes[node.output])
        worst = max(worst, sum(held.values()))
        held = {n: size for n, size in held.items() if last.get(n, -1) > place}
    return worst


def _check_scales(node: Node, quantized: QuantizedGraph) -> None:
    """A quotient of scales is above 0 and finite as float32."""
    sources = [quantized.activations[i].scale for i in node.inputs]
    if node.op == "table":
        return
    out = quantized.activations.get(node.output, Affine(np.float32(1), 0)).scale
    with np.errstate(all="ignore"):
        if node.weight is not None:
            quotients = (sources[0] * quantized.weights[node.output].scale) / out
        elif node.op == "multiply":
            quotients = np.array([(sources[0] * sources[1]) / out], np.float32)
        else:
            quotients = np.array([s / out for s in sources], np.float32)
    if not (np.isfinite(quotients).all() and (quotients > 0).all()):
        raise ToolError(f"{node.op} '{node.output}': its scales differ so much that their quotient is 0 or not "
                        "finite; quantize with other calibration data")

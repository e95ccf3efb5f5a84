"""Channels of one tensor brought to like ranges before int8: an exact change of the float graph's scales.

One int8 scale serves all channels of an activation, so that a channel with a tenth of the range has a tenth of the
levels. ReLU, pools, flatten and concat commute with a positive factor per channel: the layer that makes the channel
is multiplied by it (its weights have a scale per output channel, which takes the factor up) and the layers that read
it are divided by it. Cross-layer equalization (Nagel et al., 2019), with the strength of SmoothQuant (Xiao et al.,
2023): at 1 all channels get the same range, and the readers' weights carry all of the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.datasets import Batch
from ..model.graphs import FloatArray, Graph, GraphModality, GraphSegment, Node, float_step, run

STRENGTHS = (0.0, 0.5, 0.75)
MOST = 64.0
"""The largest factor: a channel that hardly ever answers is not blown up without bound."""
Channels = NDArray[np.int64]
"""For each channel (or place of a vector) of a tensor, the producer's channel it comes from; -1 for none."""


def equalize(graph: Graph, batch: Batch, strength: float, size: int = 64) -> Graph:
    """The same function with each ReLU layer's channels multiplied by (largest range / own range) ^ strength.

    Ranges are those of the ReLU's output over the windows of `batch`."""
    if strength == 0:
        return graph
    largest = channel_ranges(graph, batch, size)
    nodes = {n.output: n for n in graph.nodes()}
    for name, top in largest.items():
        if is_combined(graph, name):
            continue
        factor = np.ones(len(top))
        alive = top > 0
        if alive.any():
            factor[alive] = np.minimum((top.max() / top[alive]) ** strength, MOST)
        _scale(nodes, graph, name, factor)
    return _with_nodes(graph, nodes)


def is_combined(graph: Graph, name: str) -> bool:
    """Whether the tensor is a term of a sum, or multiplied by another, through pools or not: its channels' scale is
    the other's too."""
    same = {name}
    for node in graph.nodes():
        if node.weight is None and any(i in same for i in node.inputs):
            if node.op in ("add", "multiply"):
                return True
            same.add(node.output)
    return False


def channel_ranges(graph: Graph, batch: Batch, size: int = 64) -> dict[str, NDArray[np.float64]]:
    """Largest value of every channel of every weighted layer with ReLU, by the layer's output."""
    found: dict[str, list[NDArray]] = {}
    wanted = {n.output for n in graph.nodes() if n.weight is not None and n.relu}
    inputs, present = batch.tensors()
    for i in range(0, len(batch), size):
        there = {m: p[i : i + size] for m, p in present.items()}
        tensors = run(graph, {m: x[i : i + size] for m, x in inputs.items()}, float_step,
                      lambda m, t, there=there: t * there[m].to(t.dtype).unsqueeze(1))
        for name in wanted:
            found.setdefault(name, []).append(tensors[name].transpose(0, 1).flatten(1).amax(1).numpy())
    return {n: np.max(found[n], axis=0).astype(np.float64) for n in (x.output for x in graph.nodes()) if n in wanted}


def readers(graph: Graph, name: str) -> dict[str, Channels]:
    """The weighted nodes that read tensor `name`, through pools, flatten and concat, by output: which channel of
    `name` each of their inputs is."""
    channels: dict[str, Channels] = {name: np.arange(graph.shapes[name][-1])}
    result = {}
    for node in graph.nodes():
        if not any(i in channels for i in node.inputs):
            continue
        if node.weight is not None:
            result[node.output] = channels[node.inputs[0]]
        elif node.op == "concat":
            parts = [channels.get(i, np.full(graph.shapes[i][0], -1)) for i in node.inputs]
            channels[node.output] = np.concatenate(parts)
        else:
            here = channels[node.inputs[0]]
            count = graph.shapes[node.output][-1] // len(here)  # flatten: rows and columns outside, channels inside
            channels[node.output] = np.tile(here, count)
    return result


def _scale(nodes: dict[str, Node], graph: Graph, name: str, factor: NDArray[np.float64]) -> None:
    node = nodes[name]
    assert node.weight is not None and node.bias is not None
    shape = [1] * node.weight.ndim
    shape[-1 if node.op == "depthwise_conv2d" else 0] = -1
    nodes[name] = replace(node, weight=_times(node.weight, factor.reshape(shape)), bias=_times(node.bias, factor))
    for reader, channels in readers(graph, name).items():
        weight = nodes[reader].weight
        assert weight is not None
        inverse = np.where(channels < 0, 1.0, 1 / factor[channels])
        # Input channels are the last axis of every weight, a depthwise one's too.
        nodes[reader] = replace(nodes[reader], weight=_times(weight, inverse))


def _times(values: FloatArray, factor: NDArray[np.float64]) -> FloatArray:
    return (values * factor).astype(np.float32)


def _with_nodes(graph: Graph, nodes: Mapping[str, Node]) -> Graph:
    def new(old: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(nodes[n.output] for n in old)

    modalities = tuple(
        GraphModality(m.name, m.input, tuple(GraphSegment(new(s.nodes), new(s.exit_nodes)) for s in m.segments))
        for m in graph.modalities
    )
    return replace(graph, modalities=modalities, fusion_nodes=new(graph.fusion_nodes),
                   fusion_exit_nodes=new(graph.fusion_exit_nodes))

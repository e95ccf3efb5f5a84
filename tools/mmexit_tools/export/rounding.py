"""Where int8 and float part: each tensor's and each layer's rounding alone, the rest in float, exit by exit.

    python -m mmexit_tools.export.rounding --task avmnist --data DIR --checkpoint CHECKPOINT --windows 1000

For every exit: the share of test windows with float's class, and the root mean square of the change of the logits
(what all of a window's logits share left out).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..base.errors import exit_with, say, text_out
from ..model.datasets import Batch, collect
from ..model.graphs import Graph, Node, float_step, run, weighted_sum
from ..quantize.quantization import KEEPS_SCALE, QuantizedGraph, channel_axis, predict_integer, quantize_best
from ..quantize.ranges import round_to
from ..tasks import load
from .onnx_export import checkpoint_graph
from .report import exit_name, table

Logits = dict[tuple[str, int], NDArray]
Chosen = Callable[[str], bool]
"""Whether the activation, or the weights of the layer, of this name are rounded."""


def nothing(name: str) -> bool:
    return False


def everything(name: str) -> bool:
    return True


def predict_rounded(quantized: QuantizedGraph, batch: Batch, activations: Chosen, weights: Chosen,
                    size: int = 64) -> Logits:
    """Logits of every exit in float arithmetic, with the chosen activations and weights rounded as int8 does. The
    corrected bias goes with its layer's weights."""
    graph = quantized.graph

    def step(node: Node, given: list[Tensor]) -> Tensor:
        if node.weight is None or not weights(node.output):
            y = float_step(node, given)
        else:
            weight, bias = rounded_parameters(quantized, node)
            y = weighted_sum(node, given[0], weight) + bias.reshape(1, -1, *[1] * (given[0].ndim - 2))
            y = y.relu() if node.relu else y
        if node.op != "logits" and node.op not in KEEPS_SCALE and activations(node.output):
            return round_to(y, quantized.activations[node.output])
        return y

    inputs, present = batch.tensors()
    parts: dict[tuple[str, int], list[NDArray]] = {}
    for i in range(0, len(batch), size):
        there = {m: p[i : i + size] for m, p in present.items()}
        given = {m.name: inputs[m.name][i : i + size] for m in graph.modalities}
        given = {m.name: round_to(given[m.name], quantized.activations[m.input]) if activations(m.input)
                 else given[m.name] for m in graph.modalities}
        with torch.no_grad():
            tensors = run(graph, given, step, lambda m, t, there=there: t * there[m].to(t.dtype).unsqueeze(1))
        for m, n, name in graph.exit_outputs():
            parts.setdefault((m, n), []).append(tensors[name].numpy())
    return {k: np.concatenate(v) for k, v in parts.items()}


def rounded_parameters(quantized: QuantizedGraph, node: Node) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer as the real numbers that int8 stands for."""
    assert node.weight is not None
    w = quantized.weights[node.output]
    shape = [1] * node.weight.ndim
    shape[channel_axis(node)] = -1
    unit = quantized.activations[node.inputs[0]].scale * w.scale
    return torch.from_numpy(w.values * w.scale.reshape(shape)), torch.from_numpy(w.bias * unit).float()


def row(name: str, plain: Mapping, found: Mapping) -> list[str]:
    cells = [name]
    for key, wanted in plain.items():
        change = found[key] - wanted
        change = change - change.mean(axis=1, keepdims=True)
        same = (found[key].argmax(1) == wanted.argmax(1)).mean()
        cells.append(f"{100 * same:.1f} % ({np.sqrt(np.square(change).mean()):.3f})")
    return cells


def sources(graph: Graph) -> tuple[list[str], list[str]]:
    """Names of the activations that are rounded, and of the layers with weights."""
    computed = [n.output for n in graph.nodes() if n.op != "logits" and n.op not in KEEPS_SCALE]
    weighted = [n.output for n in graph.nodes() if n.weight is not None]
    return [*(m.input for m in graph.modalities), *computed], weighted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    graph = checkpoint_graph(args.checkpoint, args.task, args.data)
    task, network = load(args.task), graph.network
    validation = collect(task.windows(args.data, "validation", 1024, args.seed), network)
    # The quantized graph is scaled another way than `graph`; without rounding it says the same.
    reference = predict_rounded(QuantizedGraph(graph, {}, {}), validation, nothing, nothing)
    quantized, way = quantize_best(graph, validation, reference)
    test = collect(task.windows(args.data, "test", args.windows, args.seed + 1), network)
    plain = predict_rounded(quantized, test, nothing, nothing)
    activations, weights = sources(quantized.graph)
    rows = [row("all, by integers", plain, predict_integer(quantized, test)),
            row("all activations", plain, predict_rounded(quantized, test, everything, nothing)),
            row("all weights", plain, predict_rounded(quantized, test, nothing, everything))]
    rows += [row(f"activation {n}", plain, predict_rounded(quantized, test, n.__eq__, nothing)) for n in activations]
    rows += [row(f"weights {n}", plain, predict_rounded(quantized, test, nothing, n.__eq__)) for n in weights]
    say(f"ranges: {way}; {args.windows} test windows", "")
    text_out(table(["rounded", *(exit_name(k) for k in plain)], rows))


if __name__ == "__main__":
    exit_with(main)

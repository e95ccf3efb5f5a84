"""Quantization-aware fine-tuning: the int8 network learns to say what the float network says.

The folded graph's weights are trained with the rounding of int8 in the forward pass (straight-through gradients), the
activations' ranges held fixed, to match the float network's probabilities at every exit. No labels are used, so the
float network stays the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .datasets import Batch
from .errors import ToolError
from .graphs import Graph, GraphModality, GraphSegment, Node, float_step, run, weighted_sum
from .networks import MultiExitNetwork
from .quantization import Affine, QuantizedGraph, Ranges, _zero_absent, quantize

Key = str


@dataclass(frozen=True)
class FineTuning:
    steps: int = 400
    rate: float = 3e-4


def straight_through(rounded: Tensor, x: Tensor) -> Tensor:
    """`rounded` forwards; backwards as if it were `x`."""
    return x + (rounded - x).detach()


def round_activation(x: Tensor, a: Affine) -> Tensor:
    """The value that int8 keeps of x; no gradient where it saturates."""
    low, high = float((-128 - a.zero_point) * a.scale), float((127 - a.zero_point) * a.scale)
    x = x.clamp(low, high)
    return straight_through(torch.round(x / float(a.scale)) * float(a.scale), x)


def round_weight(w: Tensor, channel_axis: int) -> Tensor:
    """Symmetric per output channel, as `quantization.quantize_weights` rounds."""
    others = [a for a in range(w.ndim) if a != channel_axis]
    scale = (w.detach().abs().amax(others, keepdim=True) / 127).clamp(min=1e-12)
    return straight_through(torch.round(w / scale) * scale, w)


class RoundedGraph(nn.Module):
    """The graph in float with int8's rounding wherever the engine rounds."""

    def __init__(self, quantized: QuantizedGraph) -> None:
        super().__init__()
        self.quantized = quantized
        self.weights = nn.ParameterDict()
        self.biases = nn.ParameterDict()
        for node in quantized.graph.nodes():
            if node.weight is not None and node.bias is not None:
                self.weights[_key(node)] = nn.Parameter(torch.from_numpy(node.weight.copy()))
                self.biases[_key(node)] = nn.Parameter(torch.from_numpy(node.bias.copy()))

    def step(self, node: Node, given: list[Tensor]) -> Tensor:
        if node.weight is None:
            out = float_step(node, given)
        else:
            axis = node.weight.ndim - 1 if node.op == "depthwise_conv2d" else 0
            weight = round_weight(self.weights[_key(node)], axis)
            bias = self.biases[_key(node)].reshape(1, -1, *[1] * (given[0].ndim - 2))
            out = weighted_sum(node, given[0], weight) + bias
            out = functional.relu(out) if node.relu else out
        if node.op in ("logits", "max_pool", "flatten"):
            return out
        return round_activation(out, self.quantized.activations[node.output])

    def forward(self, inputs: dict[str, Tensor], present: dict[str, Tensor]) -> dict[str, Tensor]:
        graph = self.quantized.graph
        ready = {m.name: round_activation(inputs[m.name], self.quantized.activations[m.input])
                 for m in graph.modalities}
        return run(graph, ready, self.step, _zero_absent(present))

    def trained_graph(self) -> Graph:
        """The graph with the weights as they are now."""
        def update(node: Node) -> Node:
            if node.weight is None:
                return node
            weight, bias = self.weights[_key(node)], self.biases[_key(node)]
            return replace(node, weight=weight.detach().numpy().copy(), bias=bias.detach().numpy().copy())

        graph = self.quantized.graph
        modalities = tuple(
            GraphModality(m.name, m.input, tuple(
                GraphSegment(tuple(map(update, s.nodes)), tuple(map(update, s.exit_nodes))) for s in m.segments))
            for m in graph.modalities
        )
        return replace(graph, modalities=modalities, fusion_nodes=tuple(map(update, graph.fusion_nodes)),
                       fusion_exit_nodes=tuple(map(update, graph.fusion_exit_nodes)))


def _key(node: Node) -> Key:
    return node.output.replace(".", "/")


def fine_tune(teacher: MultiExitNetwork, quantized: QuantizedGraph, ranges: Ranges, stream: Iterable[Batch],
              options: FineTuning) -> QuantizedGraph:
    """Trains on at most `options.steps` batches. Raises ToolError when the loss is not a number."""
    student = RoundedGraph(quantized)
    optimizer = torch.optim.Adam(student.parameters(), lr=options.rate)
    outputs = quantized.graph.exit_outputs()
    teacher.eval()
    for step, batch in enumerate(stream):
        if step >= options.steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = options.rate * 0.5 * (1 + float(np.cos(np.pi * step / options.steps)))
        inputs, present = batch.tensors()
        with torch.no_grad():
            wanted = {(m, n): t for m, n, t in teacher(inputs, present).named()}
        found = student(inputs, present)
        loss = torch.stack([
            functional.kl_div(found[name].log_softmax(1), wanted[(m, n)].log_softmax(1), log_target=True,
                              reduction="batchmean")
            for m, n, name in outputs
        ]).sum()
        if not bool(torch.isfinite(loss)):
            raise ToolError(f"fine-tuning, step {step + 1}: the loss is not a number; try a lower rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return quantize(student.trained_graph(), ranges)

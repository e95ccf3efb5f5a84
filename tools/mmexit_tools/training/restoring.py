"""Goes on from a model file where no checkpoint is left: its int8 weights become a network's float ones again.

Batch normalization is folded into them. It comes back as what changes nothing: `settle_norms` gives each
normalization the mean and variance of what goes into it, so that training begins at the same function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ..base.errors import ToolError
from ..model.blocks import Block, Shares
from ..model.graphs import MIDDLE, SLOPE, Graph, GraphModality, Node, lower
from ..model.layers import SqueezeExcite
from ..model.networks import MultiExitNetwork

Norm = nn.BatchNorm1d | nn.BatchNorm2d


def restore(model: MultiExitNetwork, stored: Graph, modality: str = "", exits_anew: bool = False,
            other_steps: bool = False) -> bool:
    """Puts the weights of a stored graph into a network of the same description, in place; with `modality` that
    encoder's and its exits' alone. With `exits_anew` only the layers up to the last exit have to be the same: an exit
    that the graph has in no such place stays as it is. With `other_steps` layers may have other strides and paddings,
    for a training that begins there: the answers are other ones then. Returns whether they have.

    Raises ToolError where the two differ in their operations, their strides and paddings, or the shapes of their
    weights."""
    values: dict[str, Node] = {}
    differ = False
    for own, theirs in _counterparts(lower(model), stored, modality, exits_anew):
        same = _alike(own, theirs)
        differ = differ or not same
        if not same and not (other_steps and _alike(own, theirs, other_steps)):
            raise ToolError(f"{stored.network.name}: the model's layers are not those of the network that is trained")
        values |= {o.output: t for o, t in zip(own, theirs, strict=True) if t.weight is not None}
    with torch.no_grad():
        modules = [(name, module) for name, module in _weighted(model) if name in values]
        orders = _column_orders(model, modules)
        for name, module in modules:
            node = values[name]
            assert node.weight is not None and node.bias is not None
            if name in orders:
                weight = np.empty_like(node.weight)
                weight[:, orders[name]] = node.weight
                node = replace(node, weight=weight)
            if isinstance(module, nn.Linear):
                _put(module, node.weight, node.bias)
            else:
                _put_block(module, node)
    return differ


def exits_lacking(model: MultiExitNetwork, stored: Graph, modality: str) -> list[int]:
    """Exits of the network, from 0, that the stored graph has in no such place."""
    found = {m.name: _places(m)[1] for m in stored.modalities}.get(modality, {})
    own = next(m for m in lower(model).modalities if m.name == modality)
    exits = _places(own)[1].items()
    return [j for j, (k, nodes) in enumerate(exits) if k not in found or not _alike(nodes, found[k])]


Part = tuple[list[Node], list[Node]]
"""Nodes of the network that is trained, and those of the stored one that stand for them."""


def _counterparts(own: Graph, theirs: Graph, modality: str, exits_anew: bool) -> list[Part]:
    begin = f"{modality}." if modality else ""
    if not exits_anew:
        named = [[n for n in g.nodes() if n.output.startswith(begin)] for g in (own, theirs)]
        same = [n.output for n in named[0]] == [n.output for n in named[1]]
        return [(named[0], named[1] if same else [])]
    parts: list[Part] = []
    stored = {m.name: _places(m) for m in theirs.modalities}
    for m in own.modalities:
        if modality and m.name != modality:
            continue
        trunk, exits = _places(m)
        old, old_exits = stored.get(m.name, ([], {}))
        parts.append((trunk, old))
        parts += [(exits[k], old_exits[k]) for k in exits if k in old_exits and _alike(exits[k], old_exits[k])]
    return parts


def _column_orders(
    model: MultiExitNetwork, modules: Sequence[tuple[str, Block | nn.Linear]]
) -> dict[str, np.ndarray]:
    """For each linear layer of the graph, which of torch's columns each of its columns is: maps are flattened in
    another order there. Found by lowering columns that hold their own number."""
    linears = [m.weighted if isinstance(m, Block) else m for _, m in modules]
    scaled = {name for name, m in modules if isinstance(m, Shares)}
    for module, linear in zip((m for _, m in modules), linears, strict=True):
        if isinstance(linear, nn.Linear):
            linear.weight.copy_(torch.arange(linear.in_features).expand_as(linear.weight))
            if isinstance(module, Block) and module.norm is not None:
                _neutral(module.norm)
    graph = lower(model)
    return {n.output: np.rint(n.weight[0]).astype(np.int64) for n in graph.nodes()
            if n.op in ("linear", "logits") and n.weight is not None and n.output not in scaled}


def _places(modality: GraphModality) -> tuple[list[Node], dict[int, list[Node]]]:
    """The nodes up to the last exit, and each exit's by how many of them stand before it."""
    trunk: list[Node] = []
    exits = {}
    for segment in modality.segments:
        trunk += segment.nodes
        exits[len(trunk)] = list(segment.exit_nodes)
    return trunk, exits


def _alike(a: Sequence[Node], b: Sequence[Node], other_steps: bool = False) -> bool:
    def known(nodes: Sequence[Node]) -> list[tuple]:
        return [(n.op, _shape(n), *(() if other_steps else (n.stride, n.padding))) for n in nodes]

    return known(a) == known(b)


def _neutral(norm: nn.Module) -> None:
    """A normalization that passes on what it is given, but for its bias."""
    assert isinstance(norm, Norm)
    norm.running_mean.zero_()  # type: ignore[union-attr]
    norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
    norm.weight.fill_(1)


def _shape(node: Node) -> tuple[int, ...] | None:
    return None if node.weight is None else node.weight.shape


def _weighted(model: MultiExitNetwork) -> list[tuple[str, Block | nn.Linear]]:
    """Every module with weights by the name that its operation has in the graph, as `lower` names them."""
    found: list[tuple[str, Block | nn.Linear]] = []
    graph = lower(model)
    modules: list[Block | nn.Linear] = []

    def of(blocks: nn.Module) -> list[Block | nn.Linear]:
        with_weights: list[Block | nn.Linear] = []
        for b in blocks.children():
            if isinstance(b, Block) and isinstance(b.layer, SqueezeExcite):
                with_weights += [b.squeeze, b.excite]
            elif isinstance(b, Block) and b.weighted is not None:
                with_weights.append(b)
        return with_weights

    for modality in model.network.modalities:
        for chain, head in zip(model.segments[modality.name], model.exits[modality.name], strict=True):  # type: ignore
            modules += [*of(chain), *of(head[0]), head[1]]
    modules += [*of(model.fusion), model.fusion_logits]
    names = [n.output for n in graph.nodes() if n.weight is not None]
    found += list(zip(names, modules, strict=True))
    return found


def _put_block(block: Block, node: Node) -> None:
    assert isinstance(block.weighted, nn.Conv2d | nn.Linear) and node.weight is not None and node.bias is not None
    weight = node.weight
    if node.op == "conv2d":
        weight = weight.transpose(0, 3, 1, 2)
    elif node.op == "depthwise_conv2d":
        weight = weight.transpose(2, 0, 1)[:, None]
    if block.norm is None:
        _put(block.weighted, weight, node.bias)
        return
    block.weighted.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
    _neutral(block.norm)
    block.norm.bias.copy_(torch.from_numpy(node.bias))  # type: ignore[operator, union-attr]


def _put(module: nn.Conv2d | nn.Linear, weight: np.ndarray, bias: np.ndarray) -> None:
    if isinstance(module, Shares):
        weight, bias = weight / np.float32(SLOPE), (bias - np.float32(MIDDLE)) / np.float32(SLOPE)
    module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
    assert module.bias is not None
    module.bias.copy_(torch.from_numpy(bias))


def settle_norms(model: MultiExitNetwork, modality: str, inputs: Sequence[Tensor]) -> None:
    """Sets one encoder's normalizations to the statistics of `inputs` (batches); what the network computes stays."""
    parts = list(zip(model.segments[modality], model.exits[modality], strict=True))  # type: ignore[arg-type]
    norms = [m for part in parts for module in part for m in module.modules() if isinstance(m, Norm)]
    sums = {m: torch.zeros(3, m.num_features, dtype=torch.float64) for m in norms}

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].double().transpose(0, 1).flatten(1)
        sums[module][0] += x.shape[1]  # type: ignore[index]
        sums[module][1] += x.sum(1)  # type: ignore[index]
        sums[module][2] += x.square().sum(1)  # type: ignore[index]

    hooks = [m.register_forward_pre_hook(note) for m in norms]
    model.eval()
    with torch.no_grad():
        for x in inputs:
            for chain, head in parts:
                x = chain(x)
                head(x)
        for hook in hooks:
            hook.remove()
        for norm in norms:
            count, total, squares = sums[norm]
            mean = total / count
            variance = (squares / count - mean.square()).clamp(min=1e-6)
            gain = (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps))  # type: ignore
            offset = norm.bias.double() - norm.running_mean.double() * gain  # type: ignore
            norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            norm.running_var.copy_(variance)  # type: ignore[union-attr]
            norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
            norm.bias.copy_(offset + mean * gain)

"""Encoders cut anew for any number of exits per modality."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ..base.errors import USAGE, ToolError
from .layers import (
    Add,
    AveragePool,
    Conv,
    Depthwise,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    Modality,
    Network,
    Segment,
    Shape,
    SqueezeExcite,
    chain_shape,
    layer_shape,
)

EXIT_SHARE = 0.0002
"""Largest share of the network's MACs that an exit's linear layer costs, where a grid can be made so small."""
GRIDS = (3, 2)
"""Cells a side that a map is pooled to before an exit, the finest that fits the share; else its global average."""


def layer_macs(layer: Layer, shape: Shape) -> int:
    """Multiply-accumulates of a layer whose input has `shape`; pools count nothing."""
    after = layer_shape(layer, shape)
    match layer:
        case Conv(out=out, kernel=(h, w)):
            return after[0] * after[1] * out * h * w * shape[2]
        case Depthwise(kernel=(h, w)):
            return after[0] * after[1] * shape[2] * h * w
        case Linear(out=out):
            return shape[0] * out
        case SqueezeExcite(hidden=hidden):
            return 2 * shape[2] * hidden
        case _:
            return 0


def layers_of(modality: Modality) -> list[Layer]:
    return [layer for segment in modality.segments for layer in segment.layers]


def places(layers: list[Layer]) -> list[int]:
    """Where an encoder can be cut: before a weighted layer, neither between a depthwise and its pointwise layer nor
    where something is added later that went in before."""
    spanned = {i for end, layer in enumerate(layers) if isinstance(layer, Add)
               for i in range(end - layer.over + 1, end + 1)}
    return [
        i for i in range(1, len(layers))
        if isinstance(layers[i], Conv | Depthwise | Linear) and not isinstance(layers[i - 1], Depthwise)
        and i not in spanned
    ]


EVERYWHERE = 0
"""As a number of exits: one behind every weighted layer (a depthwise and its pointwise layer count as one)."""


def with_exits(network: Network, exits: int) -> Network:
    """The same layers with `exits` exits per modality, the cuts at the places nearest to equal shares of its MACs;
    EVERYWHERE cuts at all places.

    Raises ToolError where an encoder has too few places.
    """
    if exits < 0:
        raise ToolError(f"--exits {exits}: at least 1 exit per modality, or 0 for one behind every layer", USAGE)
    total = sum(_macs(m) for m in network.modalities)
    limit = total * EXIT_SHARE / len(network.classes)
    return replace(network, modalities=tuple(
        _cut(m, exits or len(places(layers_of(m))) + 1, limit) for m in network.modalities))


def _macs(modality: Modality) -> int:
    total, shape = 0, modality.features.shape
    for layer in layers_of(modality):
        total, shape = total + layer_macs(layer, shape), layer_shape(layer, shape)
    return total


def _cut(modality: Modality, exits: int, limit: float) -> Modality:
    layers, where = layers_of(modality), places(layers_of(modality))
    if exits - 1 > len(where):
        raise ToolError(f"--exits {exits}: {modality.name} can be cut in {len(where)} places, so at most "
                        f"{len(where) + 1} exits", USAGE)
    spent, shape, done = {}, modality.features.shape, 0
    for i, layer in enumerate(layers):
        spent[i] = done
        done, shape = done + layer_macs(layer, shape), layer_shape(layer, shape)
    cuts: list[int] = []
    for k in range(1, exits):
        # Later cuts need a place each, so the last ones are out of reach for this one.
        free = [p for p in where if p > (cuts[-1] if cuts else 0)]
        free = free[: len(free) - (exits - 1 - k)]
        cuts.append(min(free, key=lambda p: abs(spent[p] - done * k / exits)))
    edges = [0, *cuts, len(layers)]
    segments = []
    for begin, end in pairwise(edges):
        piece = tuple(layers[begin:end])
        at = chain_shape(layers[:end], modality.features.shape)
        segments.append(Segment(piece, exit_layers(at, limit)))
    return replace(modality, segments=tuple(segments))


def exit_layers(shape: Shape, limit: float) -> tuple[Layer, ...]:
    """What stands between a map of `shape` and an exit's linear layer of at most `limit` inputs."""
    if len(shape) == 1:
        return ()
    height, width, channels = shape
    for cells in GRIDS:
        if min(height, width) >= cells and cells * cells * channels <= limit:
            stride = (height // cells, width // cells)
            kernel = (height - (cells - 1) * stride[0], width - (cells - 1) * stride[1])
            return (AveragePool(kernel, stride), Flatten())
    return (GlobalAveragePool(),)

"""One description of a multi-exit multi-modal network, and the torch module that trains it.

MACs, parameters, the int8 graph and ONNX are derived from the same description (`graphs.lower`).
Shapes are (height, width, channels) for maps and (n,) for vectors, without the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..signals.features import Features
from . import fusions

Shape = tuple[int, ...]
Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
"""(top, left, bottom, right), as in docs/model-format.md."""
NO_PADDING: Padding = (0, 0, 0, 0)


@dataclass(frozen=True)
class Conv:
    """2-D convolution, batch normalization (folded at export), ReLU."""

    out: int
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Padding = (1, 1, 1, 1)
    relu: bool = True
    batch_norm: bool = True


@dataclass(frozen=True)
class Depthwise:
    """Depthwise 2-D convolution, batch normalization, ReLU."""

    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Padding = (1, 1, 1, 1)
    relu: bool = True
    batch_norm: bool = True


@dataclass(frozen=True)
class MaxPool:
    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = NO_PADDING


@dataclass(frozen=True)
class AveragePool:
    """Average over the cells inside the image."""

    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = NO_PADDING


@dataclass(frozen=True)
class GlobalAveragePool:
    """Map to vector of its channels."""


@dataclass(frozen=True)
class Flatten:
    """Map to vector; the exported graph keeps (row, column, channel) order."""


@dataclass(frozen=True)
class Linear:
    out: int
    relu: bool = True
    batch_norm: bool = False


@dataclass(frozen=True)
class Dropout:
    """Training only; absent from every exported graph."""

    p: float = 0.2


Layer = Conv | Depthwise | MaxPool | AveragePool | GlobalAveragePool | Flatten | Linear | Dropout


@dataclass(frozen=True)
class Segment:
    """Layers of an encoder between two exits. `exit` stands before the exit's own linear layer."""

    layers: tuple[Layer, ...]
    exit: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Modality:
    name: str
    features: Features
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Network:
    """`fusion` takes the concatenation of all modalities' features; its logits layer is implied."""

    name: str
    classes: tuple[str, ...]
    none: str | None
    modalities: tuple[Modality, ...]
    fusion: tuple[Layer, ...] = field(default_factory=tuple)

    def feature_shapes(self) -> list[Shape]:
        """Shape of every modality's last feature."""
        return [
            chain_shape([la for s in m.segments for la in s.layers], m.features.shape)
            for m in self.modalities
        ]


def layer_shape(layer: Layer, shape: Shape) -> Shape:
    """Shape after `layer`. Raises ValueError where the layer does not fit."""
    match layer:
        case Dropout():
            return shape
        case Linear(out=out):
            if len(shape) != 1:
                raise ValueError(f"Linear needs a vector, got shape {shape}: flatten or pool first")
            return (out,)
        case Flatten():
            return (_count(shape),)
        case _ if len(shape) != 3:
            raise ValueError(f"{type(layer).__name__} needs a map, got shape {shape}")
        case GlobalAveragePool():
            return (shape[2],)
        case Conv() | Depthwise() | MaxPool() | AveragePool():
            t, le, b, r = layer.padding
            h = (shape[0] + t + b - layer.kernel[0]) // layer.stride[0] + 1
            w = (shape[1] + le + r - layer.kernel[1]) // layer.stride[1] + 1
            if h < 1 or w < 1:
                raise ValueError(f"{layer} does not fit in shape {shape}")
            return (h, w, layer.out if isinstance(layer, Conv) else shape[2])
    raise ValueError(f"unknown layer {layer}")


def chain_shape(layers: Sequence[Layer], shape: Shape) -> Shape:
    for layer in layers:
        shape = layer_shape(layer, shape)
    return shape


def _count(shape: Shape) -> int:
    n = 1
    for d in shape:
        n *= d
    return n


class Block(nn.Module):
    """One layer of the description as torch parameters; maps are NCHW here."""

    def __init__(self, layer: Layer, shape: Shape) -> None:
        super().__init__()
        self.layer = layer
        self.weighted: nn.Module | None = None
        self.norm: nn.Module | None = None
        self.rounding = False
        """Round weights and results as int8 will: quantization-aware training (`set_rounding`)."""
        self.pool: MaxPool | None = None
        """The max-pool that follows, taken before normalization and ReLU while all scales are positive: the same
        values (each is monotone in its channel) from a quarter of the work (`pool_early`)."""
        self.pooled = False
        """Of a max-pool: the layer before it has done it."""
        self.pad: Padding | None = None
        if isinstance(layer, Conv | Depthwise):
            t, le, b, r = layer.padding
            symmetric = t == b and le == r
            self.pad = None if symmetric else layer.padding
            out = layer.out if isinstance(layer, Conv) else shape[2]
            self.weighted = nn.Conv2d(
                shape[2], out, layer.kernel, layer.stride, (t, le) if symmetric else 0,
                groups=1 if isinstance(layer, Conv) else shape[2], bias=not layer.batch_norm,
            )
            self.norm = nn.BatchNorm2d(out) if layer.batch_norm else None
        elif isinstance(layer, Linear):
            self.weighted = nn.Linear(shape[0], layer.out, bias=not layer.batch_norm)
            self.norm = nn.BatchNorm1d(layer.out) if layer.batch_norm else None

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        match layer:
            case Conv() | Depthwise():
                if self.pad is not None:
                    x = pad_map(x, self.pad, 0.0)
                x = self._weigh(x)
            case Linear():
                x = self._weigh(x)
            case MaxPool():
                return x if self.pooled else max_pool(x, layer)
            case AveragePool():
                x = average_pool(x, layer)
                return round_values(x) if self.rounding else x
            case GlobalAveragePool():
                x = x.mean((2, 3))
                return round_values(x) if self.rounding else x
            case Flatten():
                return x.flatten(1)
            case Dropout():
                return functional.dropout(x, layer.p, self.training)
        if self.pool is not None:
            x = max_pool(x, self.pool)
        if self.norm is not None:
            x = self.norm(x)
        x = functional.relu(x) if layer.relu else x
        return round_values(x) if self.rounding else x

    def _weigh(self, x: Tensor) -> Tensor:
        assert isinstance(self.weighted, nn.Conv2d | nn.Linear)
        if not self.rounding:
            return self.weighted(x)
        # A normalization that follows scales whole channels, which leaves this rounding as it is.
        weight = round_weight(self.weighted.weight)
        if isinstance(self.weighted, nn.Linear):
            return functional.linear(x, weight, self.weighted.bias)
        return self.weighted._conv_forward(x, weight, self.weighted.bias)


SMALLEST_SCALE = 1e-3
"""Of a normalization that a max-pool may go before."""


def pool_early(model: nn.Module, early: bool) -> None:
    """Max-pools before batch normalization and ReLU, wherever one follows directly and every scale of the
    normalization is positive: max(s x + b) is s max(x) + b only then. `keep_scales` keeps them so in training."""
    for chain in model.modules():
        if not isinstance(chain, nn.Sequential):
            continue
        for block, after in pairwise(chain):
            if isinstance(block, Block) and isinstance(after, Block) and isinstance(after.layer, MaxPool):
                can = early and isinstance(block.norm, nn.BatchNorm2d) and bool((block.norm.weight > 0).all())
                block.pool, after.pooled = (after.layer if can else None), can


def keep_scales(model: nn.Module) -> None:
    """Scales of normalizations that a max-pool goes before stay positive."""
    with torch.no_grad():
        for block in model.modules():
            if isinstance(block, Block) and block.pool is not None:
                assert isinstance(block.norm, nn.BatchNorm2d)
                block.norm.weight.clamp_(min=SMALLEST_SCALE)


def set_rounding(model: nn.Module, rounding: bool) -> None:
    for module in model.modules():
        if isinstance(module, Block):
            module.rounding = rounding


def round_weight(weight: Tensor) -> Tensor:
    """Symmetric int8 per output channel; the gradient passes as if nothing were rounded."""
    scale = weight.detach().abs().flatten(1).amax(1).clamp(min=1e-12) / 127
    scale = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return weight + (torch.round(weight.detach() / scale) * scale - weight.detach())


def round_values(x: Tensor) -> Tensor:
    """Affine int8 over the batch's own range; the gradient passes as if nothing were rounded."""
    values = x.detach()
    low, high = values.amin().clamp(max=0), values.amax().clamp(min=0)
    scale = ((high - low) / 255).clamp(min=1e-8)
    return x + (torch.round(values / scale) * scale - values)


def pad_map(x: Tensor, padding: Padding, value: float) -> Tensor:
    t, le, b, r = padding
    return functional.pad(x, (le, r, t, b), value=value)


def max_pool(x: Tensor, layer: MaxPool) -> Tensor:
    if layer.padding != NO_PADDING:
        x = pad_map(x, layer.padding, float("-inf"))
    return functional.max_pool2d(x, layer.kernel, layer.stride)


def average_pool(x: Tensor, layer: AveragePool) -> Tensor:
    if layer.padding == NO_PADDING:
        return functional.avg_pool2d(x, layer.kernel, layer.stride)
    inside = pad_map(torch.ones_like(x[:1, :1]), layer.padding, 0.0)
    count = functional.avg_pool2d(inside, layer.kernel, layer.stride)
    total = functional.avg_pool2d(pad_map(x, layer.padding, 0.0), layer.kernel, layer.stride)
    return total / count


def build_chain(layers: Sequence[Layer], shape: Shape) -> tuple[nn.Sequential, Shape]:
    blocks = []
    for layer in layers:
        blocks.append(Block(layer, shape))
        shape = layer_shape(layer, shape)
    return nn.Sequential(*blocks), shape


@dataclass
class Outputs:
    """Logits [N, classes] of every exit: `exits[modality][j]`, and of fusion."""

    exits: dict[str, list[Tensor]]
    fusion: Tensor

    def named(self) -> list[tuple[str, int, Tensor]]:
        """(modality, exit from 1, logits) of every exit, then ("fusion", 0, logits)."""
        rows = [(m, j + 1, t) for m, ts in self.exits.items() for j, t in enumerate(ts)]
        return [*rows, ("fusion", 0, self.fusion)]


class MultiExitNetwork(nn.Module):
    """The description as a trainable module; `fusion` is one of `fusions.KINDS`."""

    def __init__(self, network: Network, fusion: str = "lf") -> None:
        super().__init__()
        self.network, self.fusion_kind = network, fusion
        classes = len(network.classes)
        self.segments = nn.ModuleDict()
        self.exits = nn.ModuleDict()
        widths = []
        for modality in network.modalities:
            shape = modality.features.shape
            chains, exits = nn.ModuleList(), nn.ModuleList()
            for segment in modality.segments:
                chain, shape = build_chain(segment.layers, shape)
                chains.append(chain)
                before, exit_shape = build_chain(segment.exit, shape)
                if len(exit_shape) != 1:
                    raise ValueError(f"{modality.name}: an exit must end as a vector, {exit_shape}")
                exits.append(nn.Sequential(before, nn.Linear(exit_shape[0], classes)))
            if len(shape) != 1:
                raise ValueError(f"{modality.name}: the last segment must end as a vector")
            self.segments[modality.name] = chains
            self.exits[modality.name] = exits
            widths.append(shape[0])
        first = next((la.out for la in network.fusion if isinstance(la, Linear)), max(widths))
        self.merge = fusions.build(fusion, widths, first)
        self.fusion, shape = build_chain(network.fusion, (self.merge.width,))
        self.fusion_logits = nn.Linear(shape[0], classes)

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None
    ) -> Outputs:
        """`inputs`: NCHW maps or [N, n] vectors; `present`: bool [N], False zeroes the feature."""
        exits: dict[str, list[Tensor]] = {}
        features = []
        for modality in self.network.modalities:
            name = modality.name
            x = inputs[name]
            logits = []
            for chain, head in zip(self.segments[name], self.exits[name], strict=True):  # type: ignore
                x = chain(x)
                logits.append(head(x))
            exits[name] = logits
            if present is not None and name in present:
                x = x * present[name].to(x.dtype).unsqueeze(1)
            features.append(x)
        return Outputs(exits, self.fusion_logits(self.fusion(self.merge(features))))

    def exit_inputs(self, inputs: Mapping[str, Tensor]) -> dict[tuple[str, int], Tensor]:
        """What every exit's linear layer takes, [N, n], by (modality, exit from 1)."""
        found: dict[tuple[str, int], Tensor] = {}
        for modality in self.network.modalities:
            x = inputs[modality.name]
            chains, heads = self.segments[modality.name], self.exits[modality.name]
            for j, (chain, head) in enumerate(zip(chains, heads, strict=True), 1):  # type: ignore
                x = chain(x)
                found[(modality.name, j)] = head[0](x)
        return found

    def early_logits(self, inputs: Mapping[str, Tensor]) -> dict[tuple[str, int], Tensor]:
        """Logits of all exits but each modality's last, by (modality, exit from 1); no last segment runs."""
        found: dict[tuple[str, int], Tensor] = {}
        for modality in self.network.modalities:
            x = inputs[modality.name]
            chains, heads = self.segments[modality.name], self.exits[modality.name]
            for j, (chain, head) in enumerate(zip(chains[:-1], heads[:-1], strict=True), 1):  # type: ignore
                x = chain(x)
                found[(modality.name, j)] = head(x)
        return found

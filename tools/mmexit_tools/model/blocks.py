"""Layers of the description as torch modules: convolutions with normalization and ReLU, pools, int8 rounding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import (
    NO_PADDING,
    Add,
    AveragePool,
    Conv,
    Depthwise,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    MaxPool,
    Padding,
    Shape,
    SqueezeExcite,
    chain_shape,
    layer_shape,
)


class Shares(nn.Linear):
    """The second linear layer of a `SqueezeExcite`, whose results become shares."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.hardsigmoid(super().forward(x))


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
        elif isinstance(layer, SqueezeExcite):
            self.squeeze, self.excite = nn.Linear(shape[2], layer.hidden), Shares(layer.hidden, shape[2])
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
            case SqueezeExcite():
                x = x * self._shares(x)[:, :, None, None]
            case Add():  # the chain has added
                x = functional.relu(x)
                return round_values(x) if self.rounding else x
        if self.pool is not None:
            x = max_pool(x, self.pool)
        if self.norm is not None:
            x = self.norm(x)
        x = functional.relu(x) if layer.relu else x
        return round_values(x) if self.rounding else x

    def _shares(self, x: Tensor) -> Tensor:
        if not self.rounding:
            return self.excite(functional.relu(self.squeeze(x.mean((2, 3)))))
        mean = round_values(x.mean((2, 3)))
        hidden = functional.relu(functional.linear(mean, round_weight(self.squeeze.weight), self.squeeze.bias))
        shares = functional.linear(round_values(hidden), round_weight(self.excite.weight), self.excite.bias)
        return round_values(functional.hardsigmoid(shares))

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


class Chain(nn.Sequential):
    """Blocks one behind the other; one whose layer is an `Add` is given the sum."""

    def forward(self, x: Tensor) -> Tensor:
        taken: list[Tensor] = []
        for block in self:
            assert isinstance(block, Block)
            taken.append(x)
            if isinstance(block.layer, Add):
                x = x + taken[len(taken) - 1 - block.layer.over]
            x = block(x)
        return x


def build_chain(layers: Sequence[Layer], shape: Shape) -> tuple[Chain, Shape]:
    after, blocks = chain_shape(layers, shape), []
    for layer in layers:
        blocks.append(Block(layer, shape))
        shape = layer_shape(layer, shape)
    return Chain(*blocks), after

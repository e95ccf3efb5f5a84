"""How the modalities' features become one vector before the fusion layers: late, tensor, low-rank and
multiplicative fusion.

Each is a module from features [N, width_m] to [N, `width`], and states its own MACs. The engine runs late fusion
(concatenation) only; the others are trained for the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

KINDS = ("lf", "tf", "lrtf", "mim")
RANK = 16
"""Rank of the low-rank tensor fusion (Liu et al. 2018 use 4 to 16)."""


class Fusion(nn.Module):
    """`macs`: multiply-accumulates per window, without the layers after it; `width`: of the result."""

    width: int
    macs: int

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())


class LateFusion(Fusion):
    """The features side by side (eq. 10)."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.width, self.macs = sum(widths), 0

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        return torch.cat(tuple(features), 1)


def with_one(feature: Tensor) -> Tensor:
    """[N, d] to [N, d + 1], so that products keep the lower orders."""
    return torch.cat([feature, feature.new_ones(len(feature), 1)], 1)


class TensorFusion(Fusion):
    """Outer product of (feature, 1) of all modalities, flattened (Zadeh et al. 2017)."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.width, self.macs = widths[0] + 1, 0
        for width in widths[1:]:
            self.width *= width + 1
            self.macs += self.width

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        product = with_one(features[0])
        for feature in features[1:]:
            product = (product.unsqueeze(2) * with_one(feature).unsqueeze(1)).flatten(1)
        return product


class LowRankFusion(Fusion):
    """Tensor fusion and the layer after it in one, the weight a sum of `rank` outer products (Liu et al. 2018)."""

    def __init__(self, widths: Sequence[int], out: int, rank: int = RANK) -> None:
        super().__init__()
        self.width = out
        self.macs = sum(rank * (w + 1) * out for w in widths) + len(widths) * rank * out
        self.factors = nn.ParameterList(nn.Parameter(torch.empty(rank, w + 1, out)) for w in widths)
        self.ranks = nn.Parameter(torch.empty(rank))
        self.bias = nn.Parameter(torch.zeros(out))
        for factor in self.factors:
            nn.init.xavier_normal_(factor)
        nn.init.normal_(self.ranks, std=rank**-0.5)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        product = torch.ones((), dtype=features[0].dtype)
        for feature, factor in zip(features, self.factors, strict=True):
            product = product * torch.einsum("nd,rdo->nro", with_one(feature), factor)
        return torch.einsum("nro,r->no", product, self.ranks) + self.bias


class MultiplicativeInteractions(Fusion):
    """z'Wx + Ux + Vz + b (Jayakumar et al. 2020); with more than two modalities the result meets the next one."""

    def __init__(self, widths: Sequence[int], out: int) -> None:
        super().__init__()
        self.width, self.macs = out, 0
        self.products, self.sums = nn.ParameterList(), nn.ModuleList()
        left = widths[0]
        for right in widths[1:]:
            weight = nn.Parameter(torch.empty(left, right, out))
            nn.init.normal_(weight, std=(left * right) ** -0.5)
            self.products.append(weight)
            self.sums.append(nn.Linear(left + right, out))
            self.macs += left * right * out + left * right + (left + right) * out
            left = out
        if len(widths) == 1:
            self.width = widths[0]

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        joined = features[0]
        for feature, weight, line in zip(features[1:], self.products, self.sums, strict=True):
            outer = (joined.unsqueeze(2) * feature.unsqueeze(1)).flatten(1)
            joined = outer @ weight.flatten(0, 1) + line(torch.cat([joined, feature], 1))
        return joined


def build(kind: str, widths: Sequence[int], out: int) -> Fusion:
    """The fusion of that name; `out`: width of the result where it is free. Raises ValueError for another name."""
    match kind:
        case "lf":
            return LateFusion(widths)
        case "tf":
            return TensorFusion(widths)
        case "lrtf":
            return LowRankFusion(widths, out)
        case "mim":
            return MultiplicativeInteractions(widths, out)
    raise ValueError(f"fusion {kind}: choose one of {', '.join(KINDS)}")

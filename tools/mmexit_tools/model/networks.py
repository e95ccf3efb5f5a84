"""The torch module that trains a described network: every exit and fusion at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from . import fusions
from .blocks import build_chain
from .layers import Linear, Network


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

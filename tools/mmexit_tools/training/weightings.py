"""What each exit's loss weighs in an epoch: the strategies that training and the comparison choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..base.exits import FUSION, ExitKey
from ..model.layers import Network

Gradients = Mapping[ExitKey, float]


class Weighting(Protocol):
    """`reading`: what the running gradient of eq. 15 is (`algorithm1.READINGS`)."""

    @property
    def reading(self) -> str: ...

    def stage(self, epoch: int) -> Sequence[ExitKey]:
        """The exits trained in this epoch (from 0), fusion among them where it is."""
        ...

    def weights(self, epoch: int, gradients: Gradients) -> dict[ExitKey, float]:
        """Weight of each of the stage's losses, from the running gradients."""
        ...


@dataclass(frozen=True)
class Static:
    """The same weights in every epoch."""

    fixed: Mapping[ExitKey, float]
    reading: str = "norm"

    def stage(self, epoch: int) -> Sequence[ExitKey]:
        return tuple(self.fixed)

    def weights(self, epoch: int, gradients: Gradients) -> dict[ExitKey, float]:
        return dict(self.fixed)


def exit_counts(network: Network) -> dict[str, int]:
    return {m.name: len(m.segments) for m in network.modalities}


def exit_keys(network: Network) -> list[ExitKey]:
    return [*((m, j + 1) for m, count in exit_counts(network).items() for j in range(count)), FUSION]


def fusion_only(network: Network) -> Static:
    """No exits: how LF, TF, LRTF, MIM and Uni_i are trained."""
    return Static({FUSION: 1.0})


def equal(network: Network) -> Static:
    """Eloss: every exit and fusion with the same weight."""
    return Static(dict.fromkeys(exit_keys(network), 1.0))


def increasing(network: Network) -> Static:
    """Sloss: exits grouped by their place in the encoder, static weights rising to fusion's 1."""
    counts = exit_counts(network)
    return Static({(m, j): j / (counts[m] + 1) if m in counts else 1.0 for m, j in exit_keys(network)})

"""How a network is trained: the options, and the weighting of the losses that they name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..base.errors import USAGE, ToolError
from ..model import fusions
from ..model.layers import Network
from . import weightings
from .algorithm1 import READINGS, Algorithm1
from .weightings import Weighting

METHODS = ("eloss", "sloss", "fusion", "mmexit", "mmexit-joint")
"""Eloss, Sloss, fusion alone (LF, TF, LRTF, MIM, Uni_i), Algorithm 1, and the same with both stages in every step."""


@dataclass(frozen=True)
class Options:
    epochs: int = 12
    windows: int = 30_000
    """Training windows drawn anew in every epoch."""
    batch: int = 64
    rate: float = 2e-3
    weight_decay: float = 1e-3
    warmup: float = 0.05
    dropout: float = 0.15
    """Share of windows of which one modality's feature is zeroed before fusion."""
    rounding: int = 0
    """Last epochs in which weights and results are rounded as int8 will (quantization-aware)."""
    validation: int = 2_000
    seed: int = 1
    method: str = "eloss"
    """One of METHODS."""
    reading: str = "norm"
    """What the gradient of eq. 15 is, for `mmexit` and `mmexit-joint`."""
    fusion: str = "lf"
    exits: int = 2
    """Per modality; 0: one behind every layer that an encoder can be cut at."""
    modalities: str = "all"
    alone: int = 0
    """Epochs in which every encoder and its exits are first trained alone; the whole network goes on from them."""
    slow: float = 0.15
    """After that: share of the rate at which the encoder and exits of the strongest modality move."""
    fresh: float = 0.05
    """After that: share of the run in which only what has no weights from before moves (fusion)."""


HELP = {
    "epochs": "passes over newly drawn windows", "windows": "training windows of an epoch",
    "batch": "windows of a step",
    "rate": "highest learning rate of AdamW", "weight_decay": "of AdamW",
    "warmup": "share of the run in which the rate rises",
    "dropout": "share of windows of which one modality is zeroed before fusion",
    "rounding": "last epochs with values rounded as int8 will", "validation": "windows measured after each epoch",
    "seed": "of weights, windows and order", "method": f"weights of the losses: {', '.join(METHODS)}",
    "reading": f"g of eq. 15, for mmexit and mmexit-joint: {', '.join(READINGS)}",
    "fusion": f"how features are joined: {', '.join(fusions.KINDS)}",
    "exits": "per modality; 0 for one behind every layer", "modalities": "train some only: names with commas, or all",
    "alone": "epochs in which each modality is first trained alone",
    "slow": "after --alone: share of the rate for the strongest modality's encoder and exits",
    "fresh": "after --alone: share of the run in which only fusion moves",
}


def check_options(options: Options) -> None:
    """Raises ToolError for a value that is none of the choices."""
    for name, choices in (("method", METHODS), ("fusion", fusions.KINDS), ("reading", READINGS)):
        if getattr(options, name) not in choices:
            raise ToolError(f"--{name} {getattr(options, name)}: choose one of {', '.join(choices)}", USAGE)


def weighting_of(network: Network, options: Options) -> Weighting:
    """The weighting that `options.method` names."""
    match options.method:
        case "sloss":
            return weightings.increasing(network)
        case "fusion":
            return weightings.fusion_only(network)
        case "mmexit" | "mmexit-joint":
            joint = options.method == "mmexit-joint"
            return Algorithm1(weightings.exit_counts(network), options.epochs, options.reading, joint)
        case _:
            return weightings.equal(network)


def reduced(network: Network, modalities: str) -> Network:
    """The network of some modalities only (`modalities`: names with commas, or `all`), as Uni_i is built."""
    if modalities == "all":
        return network
    names = modalities.split(",")
    unknown = [n for n in names if n not in [m.name for m in network.modalities]]
    if unknown:
        raise ToolError(f"--modalities {modalities}: {network.name} has no {unknown[0]}", USAGE)
    return replace(network, modalities=tuple(m for m in network.modalities if m.name in names))

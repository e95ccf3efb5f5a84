"""What a trained network says about the held-out windows, at what cost, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.arrays import write_arrays
from ..base.errors import ToolError
from ..base.exits import FUSION, ExitKey
from ..model.graphs import Cost, cost, exit_costs, lower
from ..model.layers import Network
from ..model.networks import MultiExitNetwork


@dataclass(frozen=True)
class Said:
    """What every exit of a trained network says: logits [N, classes] of the held-out windows, and costs.

    A network trained without exits has fusion only, at the cost of the whole."""

    modalities: tuple[str, ...]
    validation: Mapping[ExitKey, NDArray[np.float32]]
    test: Mapping[ExitKey, NDArray[np.float32]]
    labels: Mapping[str, NDArray[np.int64]]
    costs: Mapping[ExitKey, Cost]
    history: Sequence[dict]
    features: Mapping[str, Mapping[ExitKey, NDArray]] = field(default_factory=dict)
    """By split: what every exit's linear layer takes [N, n]; where a gain gate is to be taught."""
    looks: Mapping[str, Mapping[str, NDArray]] = field(default_factory=dict)
    """By split and modality: `gain.look` [N, n]."""
    look_macs: Mapping[str, int] = field(default_factory=dict)
    groups: NDArray[np.str_] | None = None
    """Of the validation windows, where some share a picture: heads are not asked about groups that taught them."""


def network_costs(network: Network, fusion: str) -> dict[ExitKey, Cost]:
    """Of every segment with its exit, and of fusion, batch normalization folded."""
    return exit_costs(lower(MultiExitNetwork(network))) | {FUSION: fusion_cost(network, fusion)}


def fusion_cost(network: Network, fusion: str) -> Cost:
    model = MultiExitNetwork(network, fusion)
    layers = [m for part in (model.fusion, model.fusion_logits) for m in part.modules()
              if isinstance(m, torch.nn.Linear)]
    return Cost(model.merge.macs + sum(m.weight.numel() for m in layers),
                model.merge.parameter_count() + sum(m.weight.numel() + m.out_features for m in layers))


def plain_cost(network: Network, fusion: str) -> Cost:
    """Of the network without exits."""
    graph = lower(MultiExitNetwork(network))
    parts = [cost(s.nodes, graph.shapes) for m in graph.modalities for s in m.segments]
    parts.append(fusion_cost(network, fusion))
    return Cost(sum(p.macs for p in parts), sum(p.parameters for p in parts))


def write(path: Path, said: Said) -> None:
    """Atomic; the same bytes for the same result."""
    arrays = {f"{split}/{m}.{n}": x for split in ("validation", "test") for (m, n), x in getattr(said, split).items()}
    arrays |= {f"{split}/labels": y for split, y in said.labels.items()}
    arrays |= {f"{split}/feature {m}.{n}": x for split, xs in said.features.items() for (m, n), x in xs.items()}
    arrays |= {f"{split}/look {m}": x for split, xs in said.looks.items() for m, x in xs.items()}
    arrays |= {} if said.groups is None else {"validation/groups": said.groups}
    about = {"modalities": said.modalities, "history": said.history, "look_macs": dict(said.look_macs),
             "costs": [[m, n, c.macs, c.parameters] for (m, n), c in said.costs.items()]}
    write_arrays(path, about=np.array(json.dumps(about)), **arrays)


def read(path: Path) -> Said:
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            costs = {(m, n): Cost(macs, held) for m, n, macs, held in about["costs"]}
            splits = {s: {(m, n): stored[f"{s}/{m}.{n}"] for m, n in costs} for s in ("validation", "test")}
            labels = {s: stored[f"{s}/labels"] for s in splits}
            features = {s: {k: stored[n] for k in costs if (n := f"{s}/feature {k[0]}.{k[1]}") in stored.files}
                        for s in splits}
            looks = {s: {m: stored[n] for m in about["modalities"] if (n := f"{s}/look {m}") in stored.files}
                     for s in splits}
            groups = stored["validation/groups"] if "validation/groups" in stored.files else None
    except Exception as error:
        raise ToolError(f"{path}: not a readable result ({type(error).__name__}); remove it, and it is trained "
                        "again") from error
    return Said(tuple(about["modalities"]), splits["validation"], splits["test"], labels, costs, about["history"],
                features, looks, about.get("look_macs", {}), groups)

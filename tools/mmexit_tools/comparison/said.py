"""What a trained network says about the held-out windows, at what cost, and the file that keeps it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.errors import ToolError
from ..base.exits import FUSION, ExitKey
from ..model.graphs import Cost, cost, exit_costs, lower
from ..model.networks import MultiExitNetwork, Network


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
    about = {"modalities": said.modalities, "history": said.history,
             "costs": [[m, n, c.macs, c.parameters] for (m, n), c in said.costs.items()]}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".part{os.getpid()}.npz")
    np.savez(part, about=np.array(json.dumps(about)), **arrays)
    os.replace(part, path)


def read(path: Path) -> Said:
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            costs = {(m, n): Cost(macs, held) for m, n, macs, held in about["costs"]}
            splits = {s: {(m, n): stored[f"{s}/{m}.{n}"] for m, n in costs} for s in ("validation", "test")}
            labels = {s: stored[f"{s}/labels"] for s in splits}
    except Exception as error:
        raise ToolError(f"{path}: not a readable result ({type(error).__name__}); remove it, and it is trained "
                        "again") from error
    return Said(tuple(about["modalities"]), splits["validation"], splits["test"], labels, costs, about["history"])

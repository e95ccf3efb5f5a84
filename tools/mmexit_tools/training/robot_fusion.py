"""Trains robot-command's fusion network on pairs of finished features.

The encoders stay as they are. Sounds and pictures of the chunks are paired anew in every epoch in the task's shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..model.networks import MultiExitNetwork
from ..sources.robot_data import CLASSES, COMMANDS, NONE
from ..tasks.robot_command import MIXES, settle
from .robot_encoders import run_encoder
from .robot_pools import MODALITIES, Chunk

CONFLICT = 0.10  # twice the task's share: the rule "stop wins, else the voice" has to be learned from them
DROPOUT = 0.20  # share of pairs from which one modality is taken away
EMPTY = CLASSES.index(NONE)
MEANT = np.array([[CLASSES.index(settle(v, h)) for h in CLASSES] for v in CLASSES])


@dataclass(frozen=True)
class Features:
    """Final features float32 [n, width] and labels of each modality, and where each class is found."""

    values: dict[str, np.ndarray]
    where: dict[str, list[np.ndarray]]


def features_of(model: MultiExitNetwork, chunks: Sequence[Chunk]) -> Features:
    values, where = {}, {}
    for m in MODALITIES:
        values[m] = np.concatenate([run_encoder(model, m, c.inputs[m])[1].numpy() for c in chunks])
        labels = np.concatenate([c.labels[m] for c in chunks])
        where[m] = [np.flatnonzero(labels == k) for k in range(len(CLASSES))]
    return Features(values, where)


def pair(rng: np.random.Generator, features: Features, count: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """`count` windows: rows into each modality's features, and what each says, [count, 2]."""
    shares = dict(MIXES["standard"], conflict=CONFLICT)
    weights = np.array(list(shares.values()))
    kind = np.array(list(shares))[rng.choice(len(shares), count, p=weights / weights.sum())]
    voice, hand = rng.integers(0, len(COMMANDS), count), rng.integers(0, len(COMMANDS), count)
    hand = np.where(kind == "conflict", (voice + 1 + hand % (len(COMMANDS) - 1)) % len(COMMANDS), hand)
    hand = np.where(kind == "both", voice, hand)
    voice = np.where(np.isin(kind, ("hand", "nothing")), EMPTY, voice)
    hand = np.where(np.isin(kind, ("voice", "nothing")), EMPTY, hand)
    rows = {m: np.zeros(count, np.int64) for m in MODALITIES}
    for m, said in zip(MODALITIES, (voice, hand), strict=True):
        for k in range(len(CLASSES)):
            here = np.flatnonzero(said == k)
            rows[m][here] = rng.choice(features.where[m][k], len(here))
    return rows, np.stack([voice, hand], 1)


def train_fusion(
    model: MultiExitNetwork,
    features: Features,
    epochs: int = 24,
    pairs: int = 60_000,
    batch: int = 256,
    rate: float = 3e-3,
    seed: int = 1,
) -> float:
    """Trains the fusion layers in place; returns the last epoch's mean loss."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    parts = [model.fusion, model.fusion_logits]
    optimizer = torch.optim.AdamW([p for m in parts for p in m.parameters()], lr=rate, weight_decay=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (pairs // batch))
    values = {m: torch.from_numpy(features.values[m]) for m in MODALITIES}
    model.train()
    losses: list[float] = []
    for _ in range(epochs):
        losses.clear()
        rows, said = pair(rng, features, pairs)
        gone = np.where(rng.random(pairs) < DROPOUT, rng.integers(0, 2, pairs), -1)
        said[np.arange(pairs)[gone >= 0], gone[gone >= 0]] = EMPTY  # what is meant, as far as the other one tells
        meant = torch.from_numpy(MEANT[said[:, 0], said[:, 1]])
        for i in range(0, pairs - batch + 1, batch):
            here = slice(i, i + batch)
            joined = torch.cat(
                [
                    values[m][rows[m][here]] * torch.from_numpy((gone[here] != j).astype(np.float32))[:, None]
                    for j, m in enumerate(MODALITIES)
                ],
                1,
            )
            loss = functional.cross_entropy(
                model.fusion_logits(model.fusion(joined)), meant[here], label_smoothing=0.02
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
    model.eval()
    return float(np.mean(losses))

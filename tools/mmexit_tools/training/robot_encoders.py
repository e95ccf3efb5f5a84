"""Trains the two encoders of robot-command and their exits, each alone, on what its own sensor can know."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..base.errors import DATA, ToolError
from ..model.graphs import Graph, GraphModality, float_step
from ..model.networks import MultiExitNetwork
from .robot_pools import Chunk, to_input

EARLY = 0.4
"""Weight of the loss of an exit before the last, which has 1."""
SMOOTHING = 0.03


@dataclass(frozen=True)
class Schedule:
    """`passes` over all chunks, one after the other; cosine learning rate after a short warm-up."""

    passes: int = 10
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 1e-3
    seed: int = 1


def forward(model: MultiExitNetwork, modality: str, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """(logits of every exit, final feature) of one encoder."""
    logits = []
    for segment, head in zip(model.segments[modality], model.exits[modality], strict=True):  # type: ignore[arg-type]
        x = segment(x)
        logits.append(head(x))
    return logits, x


class LastExit(nn.Module):
    """Logits [n, classes] of an encoder's last exit."""

    def __init__(self, model: MultiExitNetwork, modality: str) -> None:
        super().__init__()
        self.model, self.modality = model, modality

    def forward(self, x: Tensor) -> Tensor:
        return forward(self.model, self.modality, x)[0][-1]


class StoredExit(nn.Module):
    """The same of an encoder in a model file, whatever its layers are; its int8 weights in float."""

    def __init__(self, encoder: GraphModality) -> None:
        super().__init__()
        self.encoder, last = encoder, encoder.segments[-1].exit_nodes
        self.nodes = [*(n for s in encoder.segments for n in s.nodes), *last]
        weights = [n.weight.ravel() for n in self.nodes if n.weight is not None]
        self.register_buffer("weights", torch.from_numpy(np.concatenate(weights)))  # what a kept run is known by

    def forward(self, x: Tensor) -> Tensor:
        tensors = {self.encoder.input: x}
        for node in self.nodes:
            tensors[node.output] = float_step(node, [tensors[name] for name in node.inputs])
        return tensors[self.nodes[-1].output]


def stored_exit(graph: Graph, modality: str = "audio") -> StoredExit:
    """Of a model file's sounds, or pictures. Raises ToolError where it has none."""
    for encoder in graph.modalities:
        if encoder.name == modality:
            return StoredExit(encoder)
    does = {"audio": "hears", "image": "sees"}[modality]
    raise ToolError(f"{graph.network.name}: a model without {modality}; give one that {does}, as robot-command does",
                    DATA)


def last_logits(heard: StoredExit, values: np.ndarray) -> Tensor:
    """[n, classes] of a chunk's features [n, frames, bands], without gradients."""
    with torch.no_grad():
        return torch.cat([heard(to_input("audio", values[i : i + 256])) for i in range(0, len(values), 256)])


class Teachers(nn.Module):
    """The mean of several ones' logits."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([member(x) for member in self.members]).mean(0)


def weighted(losses: Sequence[Tensor]) -> Tensor:
    """The sum over an encoder's exits, the last one's counted in full."""
    return torch.stack([(1.0 if t is losses[-1] else EARLY) * t for t in losses]).sum()


def masked(modality: str, batch: Tensor, rng: np.random.Generator) -> Tensor:
    """SpecAugment in small: one strip of time and one of frequency set to the mean, for sounds only."""
    if modality == "audio" and rng.random() < 0.7:
        first, low = int(rng.integers(0, 44)), int(rng.integers(0, 36))
        batch[:, :, first : first + int(rng.integers(1, 6))] = batch.mean()
        batch[:, :, :, low : low + int(rng.integers(1, 6))] = batch.mean()
    return batch


def train_encoder(
    model: MultiExitNetwork,
    modality: str,
    chunks: Sequence[Callable[[], Chunk]],
    held_out: Chunk,
    schedule: Schedule,
    say: Callable[[str], None],
) -> None:
    """Trains in place. Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    parts = [model.segments[modality], model.exits[modality]]
    optimizer = torch.optim.AdamW(
        [p for m in parts for p in m.parameters()], lr=schedule.rate, weight_decay=schedule.weight_decay
    )
    rounds, start = schedule.passes * len(chunks), time.monotonic()
    for number in range(rounds):
        chunk = chunks[number % len(chunks)]()
        model.train()
        loss = _round(model, modality, chunk, optimizer, schedule, number / rounds, 1 / rounds, rng)
        if not math.isfinite(loss):
            raise ToolError(f"{modality}, round {number + 1}: the loss is not a number; try a lower rate")
        if (number + 1) % len(chunks) == 0 or number + 1 == rounds:
            found = " ".join(f"{a:.3f}" for a in exit_accuracies(model, modality, held_out))
            say(
                f"{modality} pass {(number + 1) // len(chunks)}/{schedule.passes} loss {loss:.3f} validation {found} "
                f"({time.monotonic() - start:.0f} s)"
            )


def _round(
    model: MultiExitNetwork,
    modality: str,
    chunk: Chunk,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    begin: float,
    width: float,
    rng: np.random.Generator,
) -> float:
    values, labels = chunk.inputs[modality], torch.from_numpy(chunk.labels[modality])
    order = rng.permutation(len(labels))
    steps = max(1, len(order) // schedule.batch)
    losses = []
    for step in range(steps):
        progress = begin + width * step / steps
        rate = schedule.rate * max(0.003, 0.5 * (1 + math.cos(math.pi * progress))) * min(1.0, progress * 40 + 0.05)
        for group in optimizer.param_groups:
            group["lr"] = rate
        pick = order[step * schedule.batch : (step + 1) * schedule.batch]
        logits, _ = forward(model, modality, masked(modality, to_input(modality, values[pick]), rng))
        target = labels[torch.from_numpy(pick)]
        loss = weighted([functional.cross_entropy(t, target, label_smoothing=SMOOTHING) for t in logits])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def run_encoder(model: MultiExitNetwork, modality: str, values: np.ndarray) -> tuple[list[Tensor], Tensor]:
    """Logits of every exit and final features of a chunk's inputs, without gradients."""
    model.eval()
    with torch.no_grad():
        parts = [
            forward(model, modality, to_input(modality, values[i : i + 256])) for i in range(0, len(values), 256)
        ]
    exits = [torch.cat([p[0][j] for p in parts]) for j in range(len(parts[0][0]))]
    return exits, torch.cat([p[1] for p in parts])


def exit_accuracies(model: MultiExitNetwork, modality: str, chunk: Chunk) -> list[float]:
    """Share of right answers of every exit on what its sensor can know."""
    logits, _ = run_encoder(model, modality, chunk.inputs[modality])
    return [float((t.argmax(1).numpy() == chunk.labels[modality]).mean()) for t in logits]

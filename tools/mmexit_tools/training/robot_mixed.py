"""Trains one encoder of robot-command on windows that are mixed anew for every step.

A share of each batch is stored material, whose parts know of each other (an echo of both word and noise, clipping).
The weights kept are the running mean over the last steps: the last ones alone are noisy. With a teacher, a wider
network trained in the same way, most of what is learned is its answers (Hinton et al., 2015): with words half under
noise they say more than the label does; where a room is made for a sound, it is asked without that room. A run that
is killed goes on from where it last was kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..model.networks import MultiExitNetwork
from .kept_run import Chance, MixedSchedule, Run
from .robot_encoders import SMOOTHING, exit_accuracies, forward, weighted
from .robot_pools import Chunk, to_input

STORED = 0.25
"""Share of a batch that is stored material."""
TAUGHT = 0.75
"""Of the loss, the share that the teacher's answers have; the rest is the labels'."""
SOFTNESS = 1.5
"""Temperature of both sides' answers in that share."""


class Mixer(Chance, Protocol):
    """Batches of windows, each new, and how they are covered in part; `bank`, a dataclass of arrays, is what they are
    put together from, and `settings` numbers that say how. Of a batch (the network's input, labels, what a teacher is
    asked in place of that input, or None where it is the same)."""

    bank: Any
    settings: tuple[float, ...]
    def batch(self, count: int) -> tuple[Tensor, Tensor, Tensor | None]: ...
    def covered(self, values: Tensor) -> Tensor: ...


def train_mixed(
    model: MultiExitNetwork,
    modality: str,
    mixer: Mixer,
    chunks: Sequence[Chunk],
    held_out: Chunk,
    schedule: MixedSchedule,
    say: Callable[[str], None],
    teacher: nn.Module | None = None,
    keep: Path | None = None,
    alone: Sequence[int] = (),
    untaught: int | None = None,
) -> None:
    """Trains in place; `keep` is a file of the state that a killed run goes on from, removed at the end.
    `teacher`: from the network's input to logits [n, classes]; of windows of the class `untaught` their labels alone
    are learned. `alone`: exits, from 0, that are trained while all else stays as it is; none: everything is.

    Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng([schedule.seed, 23])
    inputs = np.concatenate([c.inputs[modality] for c in chunks])
    labels = np.concatenate([c.labels[modality] for c in chunks])
    heads = [model.exits[modality][j] for j in alone]  # type: ignore[index]
    parts = heads or [model.segments[modality], model.exits[modality]]
    run = Run(model, parts, schedule, rng, material(modality, mixer, chunks), keep, mixer, teacher)
    old = round(schedule.batch * STORED)

    def found(mean: nn.Module) -> str:
        return " ".join(f"{a:.3f}" for a in exit_accuracies(mean, modality, held_out))  # type: ignore[arg-type]

    for step in run.steps():
        values, target, plain = mixer.batch(schedule.batch - old)
        pick = rng.integers(len(inputs), size=old)
        stored = to_input(modality, inputs[pick])
        values = torch.cat([values, stored])
        target = torch.cat([target, torch.from_numpy(labels[pick])])
        both = [values] if plain is None or teacher is None else [values, torch.cat([plain, stored])]
        # Side by side as channels: the same strips of both are covered.
        sides = mixer.covered(torch.cat(both, 1)).split(values.shape[1], 1)
        values, asked = (s.contiguous(memory_format=torch.channels_last) for s in (sides[0], sides[-1]))
        logits = _alone(model, modality, values, alone) if heads else forward(model, modality, values)[0]
        if teacher is None:
            losses = [functional.cross_entropy(t, target, label_smoothing=SMOOTHING) for t in logits]
        else:
            told, share = _answers(teacher, asked), torch.full(target.shape, TAUGHT)
            if untaught is not None:
                share[target == untaught] = 0
            losses = [_both(t, target, told, share) for t in logits]
        run.move(step, weighted(losses), modality, found, say)
    run.forget()
    model.load_state_dict(run.mean.state_dict())


def material(modality: str, mixer: Mixer, chunks: Sequence[Chunk]) -> Iterator[np.ndarray]:
    """All that such a training learns from, and how."""
    yield np.array(mixer.settings)
    for chunk in chunks:
        yield from (chunk.inputs[modality], chunk.labels[modality])
    yield from (getattr(mixer.bank, field.name) for field in dataclasses.fields(mixer.bank))


def _alone(model: MultiExitNetwork, modality: str, x: Tensor, alone: Sequence[int]) -> list[Tensor]:
    """Logits of these exits; no other layer learns, and no normalization but theirs follows the batch."""
    model.eval()
    logits = []
    for j in range(max(alone) + 1):
        with torch.no_grad():
            x = model.segments[modality][j](x)  # type: ignore[index]
        if j in alone:
            logits.append(model.exits[modality][j].train()(x))  # type: ignore[index]
    return logits


def _answers(teacher: nn.Module, values: Tensor) -> Tensor:
    """[n, classes], each sum 1."""
    with torch.no_grad():
        return torch.softmax(teacher(values) / SOFTNESS, 1)


def _both(logits: Tensor, target: Tensor, told: Tensor, share: Tensor) -> Tensor:
    """The teacher's answers have the share [n] of a window's loss, and its label has the rest."""
    own = functional.cross_entropy(logits, target, label_smoothing=SMOOTHING, reduction="none")
    return ((1 - share) * own + share * distances(logits, told)).mean()


def distance(logits: Tensor, told: Tensor) -> Tensor:
    """The mean of their `distances`."""
    return distances(logits, told).mean()


def distances(logits: Tensor, told: Tensor) -> Tensor:
    """[n]: Kullback-Leibler from the teacher's answers, at SOFTNESS, at the size of a loss at temperature 1."""
    return functional.kl_div(torch.log_softmax(logits / SOFTNESS, 1), told, reduction="none").sum(1) * SOFTNESS**2

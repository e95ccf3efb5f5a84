"""Trains one encoder of robot-command on windows that are mixed anew for every step.

A share of each batch is stored material, whose parts know of each other (an echo of both word and noise, clipping).
The weights kept are the running mean over the last steps: the last ones alone are noisy. With a teacher, a wider
network trained in the same way, most of what is learned is its answers (Hinton et al., 2015): with words half under
noise they say more than the label does. A run that is killed goes on from where it last was kept.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..base.errors import ToolError
from ..model.networks import MultiExitNetwork
from .robot_encoders import EXIT_WEIGHTS, SMOOTHING, exit_accuracies, forward
from .robot_pools import Chunk, to_input

STORED = 0.25
"""Share of a batch that is stored material."""
MEMORY = 0.998
"""Of the running mean; shorter at the start."""
REPORT = 500
TAUGHT = 0.75
"""Of the loss, the share that the teacher's answers have; the rest is the labels'."""
SOFTNESS = 1.5
"""Temperature of both sides' answers in that share."""


class Mixer(Protocol):
    """`chance` and `go_on` take and put back the state of what it draws with."""

    def chance(self) -> object: ...
    def go_on(self, chance: Any) -> None: ...
    def batch(self, count: int) -> tuple[Tensor, Tensor]: ...
    def covered(self, values: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class MixedSchedule:
    """Cosine learning rate after a warm-up of 200 steps."""

    steps: int
    batch: int = 128
    rate: float = 2e-3
    weight_decay: float = 2e-3
    seed: int = 1


def train_mixed(
    model: MultiExitNetwork,
    modality: str,
    mixer: Mixer,
    chunks: Sequence[Chunk],
    held_out: Chunk,
    schedule: MixedSchedule,
    say: Callable[[str], None],
    teacher: MultiExitNetwork | None = None,
    keep: Path | None = None,
) -> None:
    """Trains in place; `keep` is a file of the state that a killed run goes on from, removed at the end.

    Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng([schedule.seed, 23])
    inputs = np.concatenate([c.inputs[modality] for c in chunks])
    labels = np.concatenate([c.labels[modality] for c in chunks])
    parts = [model.segments[modality], model.exits[modality]]
    optimizer = torch.optim.AdamW(
        [p for m in parts for p in m.parameters()], lr=schedule.rate, weight_decay=schedule.weight_decay
    )
    mean, start, running = copy.deepcopy(model), time.monotonic(), 0.0
    old = round(schedule.batch * STORED)
    begin = 0
    if keep and keep.exists():
        kept = torch.load(keep, weights_only=False)
        begin, running = kept["step"], kept["loss"]
        model.load_state_dict(kept["model"])
        mean.load_state_dict(kept["mean"])
        optimizer.load_state_dict(kept["optimizer"])
        rng.bit_generator.state = kept["chance"]
        mixer.go_on(kept["mixer"])
        torch.set_rng_state(kept["torch"])
    for step in range(begin, schedule.steps):
        rate = max(0.002, 0.5 * (1 + math.cos(math.pi * step / schedule.steps))) * min(1.0, step / 200 + 0.05)
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate * rate
        values, target = mixer.batch(schedule.batch - old)
        pick = rng.integers(len(inputs), size=old)
        values = torch.cat([values, to_input(modality, inputs[pick])])
        target = torch.cat([target, torch.from_numpy(labels[pick])])
        values = mixer.covered(values).contiguous(memory_format=torch.channels_last)
        model.train()
        logits, _ = forward(model, modality, values)
        losses = [functional.cross_entropy(t, target, label_smoothing=SMOOTHING) for t in logits]
        if teacher is not None:
            told = _answers(teacher, modality, values)
            losses = [(1 - TAUGHT) * own + TAUGHT * _distance(t, told) for own, t in zip(losses, logits, strict=True)]
        loss = torch.stack([w * v for w, v in zip(EXIT_WEIGHTS, losses, strict=True)]).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        running = 0.98 * running + 0.02 * float(loss.detach())
        if not math.isfinite(running):
            raise ToolError(f"{modality}, step {step + 1}: the loss is not a number; try a lower rate")
        _follow(mean, model, min(MEMORY, step / (step + 50)))
        if (step + 1) % REPORT == 0 or step + 1 == schedule.steps:
            found = " ".join(f"{a:.3f}" for a in exit_accuracies(mean, modality, held_out))
            say(f"{modality} step {step + 1}/{schedule.steps} loss {running:.3f} validation {found} "
                f"({time.monotonic() - start:.0f} s)")
            if keep:
                torch.save({"step": step + 1, "loss": running, "model": model.state_dict(), "mean": mean.state_dict(),
                            "optimizer": optimizer.state_dict(), "torch": torch.get_rng_state(),
                            "chance": rng.bit_generator.state, "mixer": mixer.chance()},
                           keep.with_suffix(".part"))
                os.replace(keep.with_suffix(".part"), keep)
    if keep:
        keep.unlink(missing_ok=True)
    model.load_state_dict(mean.state_dict())


def _answers(teacher: MultiExitNetwork, modality: str, values: Tensor) -> Tensor:
    """Of its last exit, [n, classes], each sum 1."""
    with torch.no_grad():
        logits, _ = forward(teacher, modality, values)
        return torch.softmax(logits[-1] / SOFTNESS, 1)


def _distance(logits: Tensor, told: Tensor) -> Tensor:
    """Kullback-Leibler from the teacher's answers, at the size of a loss at temperature 1."""
    return functional.kl_div(torch.log_softmax(logits / SOFTNESS, 1), told, reduction="batchmean") * SOFTNESS**2


def _follow(mean: MultiExitNetwork, model: MultiExitNetwork, memory: float) -> None:
    with torch.no_grad():
        for kept, now in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.mul_(memory).add_(now, alpha=1 - memory)
            else:
                kept.copy_(now)

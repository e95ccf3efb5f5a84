"""Trains one encoder of robot-command on windows that are mixed anew for every step.

A share of each batch is stored material, whose parts know of each other (an echo of both word and noise, clipping).
The weights kept are the running mean over the last steps: the last ones alone are noisy.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Mixer(Protocol):
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
) -> None:
    """Trains in place. Raises ToolError when the loss is not a number."""
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
    for step in range(schedule.steps):
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
    model.load_state_dict(mean.state_dict())


def _follow(mean: MultiExitNetwork, model: MultiExitNetwork, memory: float) -> None:
    with torch.no_grad():
        for kept, now in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.mul_(memory).add_(now, alpha=1 - memory)
            else:
                kept.copy_(now)

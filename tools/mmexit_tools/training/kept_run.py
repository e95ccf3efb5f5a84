"""A training step by step: its rate, its loss, its weights' running mean, and a file that a killed one goes on from.

The file is of one training alone: of these steps and rate, these first weights, this teacher and this material. What
another training left is not gone on from.
"""

from __future__ import annotations

import copy
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..base.errors import ToolError, say

MEMORY = 0.998
"""Of the running mean; shorter at the start."""
REPORT = 500


class Chance(Protocol):
    """`chance` and `go_on` take and put back the state of what it draws with."""

    def chance(self) -> object: ...
    def go_on(self, chance: Any) -> None: ...


@dataclass(frozen=True)
class MixedSchedule:
    """Cosine learning rate after a warm-up of 200 steps."""

    steps: int
    batch: int = 128
    rate: float = 2e-3
    weight_decay: float = 2e-3
    seed: int = 1


class Run:
    """Moves the parameters of `parts` of a model; `mean` is the model at the running mean of its weights.

    `rng` and `drawn` are what the steps draw with; `learned`, arrays, and `teacher` what is learned; `keep` the
    file."""

    def __init__(self, model: nn.Module, parts: Sequence[nn.Module], schedule: MixedSchedule,
                 rng: np.random.Generator, learned: Iterable[np.ndarray], keep: Path | None,
                 drawn: Chance | None = None, teacher: nn.Module | None = None) -> None:
        self.model, self.schedule, self.rng, self.drawn, self.keep = model, schedule, rng, drawn, keep
        self.optimizer = torch.optim.AdamW([p for m in parts for p in m.parameters()], lr=schedule.rate,
                                           weight_decay=schedule.weight_decay)
        self.mean, self.loss, self.begin = copy.deepcopy(model), 0.0, 0
        self.start = time.monotonic()
        self.asked = _digest(schedule, [model, *([teacher] if teacher else [])], learned) if keep else ""
        if keep and keep.exists():
            self._go_on(torch.load(keep, weights_only=False))

    def steps(self) -> Iterator[int]:
        """The steps that are left, each at its rate."""
        steps = self.schedule.steps
        for step in range(self.begin, steps):
            rate = max(0.002, 0.5 * (1 + math.cos(math.pi * step / steps))) * min(1.0, step / 200 + 0.05)
            for group in self.optimizer.param_groups:
                group["lr"] = self.schedule.rate * rate
            self.model.train()
            yield step

    def move(self, step: int, loss: Tensor, what: str, found: Callable[[nn.Module], str],
             tell: Callable[[str], None] = say) -> None:
        """A step down this loss; every REPORT steps, and at the last, tells `found` of the mean and keeps all.

        Raises ToolError when the loss is not a number."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.loss = 0.98 * self.loss + 0.02 * float(loss.detach())
        if not math.isfinite(self.loss):
            raise ToolError(f"{what}, step {step + 1}: the loss is not a number; try a lower rate")
        _follow(self.mean, self.model, min(MEMORY, step / (step + 50)))
        if (step + 1) % REPORT == 0 or step + 1 == self.schedule.steps:
            tell(f"{what} step {step + 1}/{self.schedule.steps} loss {self.loss:.3f} validation {found(self.mean)} "
                 f"({time.monotonic() - self.start:.0f} s)")
            self._store(step + 1)

    def forget(self) -> None:
        """Removes the file."""
        if self.keep:
            self.keep.unlink(missing_ok=True)

    def _store(self, step: int) -> None:
        if self.keep is None:
            return
        part = self.keep.with_suffix(".part")
        torch.save({"asked": self.asked, "step": step, "loss": self.loss, "model": self.model.state_dict(),
                    "mean": self.mean.state_dict(), "optimizer": self.optimizer.state_dict(),
                    "torch": torch.get_rng_state(), "chance": self.rng.bit_generator.state,
                    "drawn": self.drawn.chance() if self.drawn else None}, part)
        os.replace(part, self.keep)

    def _go_on(self, kept: dict) -> None:
        if kept.get("asked") != self.asked:
            say(f"{self.keep}: of another training, begun anew")
            return
        self.begin, self.loss = kept["step"], kept["loss"]
        self.model.load_state_dict(kept["model"])
        self.mean.load_state_dict(kept["mean"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.rng.bit_generator.state = kept["chance"]
        if self.drawn:
            self.drawn.go_on(kept["drawn"])
        torch.set_rng_state(kept["torch"])


def material_digest(learned: Iterable[np.ndarray]) -> str:
    """What a training learns from, by its contents."""
    digest = hashlib.sha256()
    for array in learned:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


def _digest(schedule: MixedSchedule, models: Sequence[nn.Module], learned: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256((repr(schedule) + material_digest(learned)).encode())
    for model in models:
        for name, value in model.state_dict().items():
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _follow(mean: nn.Module, model: nn.Module, memory: float) -> None:
    with torch.no_grad():
        for kept, now in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.mul_(memory).add_(now, alpha=1 - memory)
            else:
                kept.copy_(now)

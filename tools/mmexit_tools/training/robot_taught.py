"""robot-command's sounds, taught by a network that begins with what others learned from very much speech.

Windows are drawn once, as sound, since teacher and pupil look at them differently, and kept in files of the work
folder. The teacher (`speech_trunk`) learns them from their labels; the pupil learns the teacher's answers on all of
them, those of which nobody can say what they hold included, and labels where there are some (Hinton et al., 2015;
Beyer et al., 2022: long, on the same windows as the teacher sees). At the end it meets what it took for a command in
hours of company, as often as a tenth of what it hears. Each file of windows, the teacher, its answers and
the pupil's last state are kept, so that a killed run goes on.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..base.errors import ToolError
from ..mixing.stored import stored
from ..model.networks import MultiExitNetwork
from ..sources.robot_data import CLASSES
from ..streams.windows import EMPTY, UNKNOWN, draw
from ..tasks import robot_command as task
from .robot_encoders import EXIT_WEIGHTS, SMOOTHING, exit_accuracies, forward
from .robot_mining import mine
from .robot_mixed import MEMORY, REPORT, TAUGHT, MixedSchedule
from .robot_pools import Chunk, to_input
from .speech_trunk import SpeechTeacher, spectrograms

FILE = 10_000
"""Windows of a file."""
VALIDATION = 4000
HARD = 0.1
SURE = 6.0
"""Logit of nothing where a window is known to hold nothing."""
SOFTNESS = 1.5
"""Temperature of both sides' answers."""


@dataclass(frozen=True)
class Windows:
    """`heard` float16 [n, 49, 40] for the pupil, `spoken` float16 [n, 97, 32] for the teacher, `labels` int64 [n]."""

    heard: np.ndarray
    spoken: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Plan:
    """How many windows there are, how teacher and pupil are trained on them, and the pupil's last steps with what it
    took for a command in so many hours of company."""

    windows: int
    teacher: MixedSchedule
    pupil: MixedSchedule
    hours: float = 0.0
    last: int = 0


def taught(model: MultiExitNetwork, work: Path, data: Path, plan: Plan, held_out: Chunk,
           say: Callable[[str], None]) -> None:
    """Trains the encoder of sounds and its exits in place, first the teacher; what is in the work folder stays."""
    known = windows(work, data, "train", plan.windows, plan.pupil.seed)
    of = f"{plan.windows}-{plan.pupil.seed}"
    told = stored(work / f"told-{of}-{plan.teacher.steps}-{plan.teacher.rate:g}.npz",
                  lambda: {"told": _told(known, work, data, plan, say)})["told"]
    train_pupil(model, Lesson(known.heard, known.labels, told), held_out, plan.pupil, say, work / "audio-pupil.state")
    if plan.last:
        hard = stored(work / f"hard-{of}-{plan.pupil.steps}-{plan.hours:g}.npz",
                      lambda: {"heard": _mined(model, data, plan, say)})["heard"]
        again = replace(plan.pupil, steps=plan.last, rate=plan.pupil.rate / 3)
        lesson = Lesson(known.heard, known.labels, told).with_hard(hard)
        train_pupil(model, lesson, held_out, again, say, work / "audio-last.state")


def _mined(model: MultiExitNetwork, data: Path, plan: Plan, say: Callable[[str], None]) -> np.ndarray:
    hard, searched = mine(model, data, plan.pupil.seed, plan.hours)
    say(f"mined {len(hard.labels['audio'])} hard windows of {searched}")
    return hard.inputs["audio"]


@dataclass(frozen=True)
class Lesson:
    """`heard` float16 [n, 49, 40], `labels` int64 [n], `told` float32 [n, classes]: a teacher's logits."""

    heard: np.ndarray
    labels: np.ndarray
    told: np.ndarray

    def with_hard(self, hard: np.ndarray) -> Lesson:
        """With windows of nothing, each so often that they are HARD of all; there the label teaches."""
        if not len(hard):
            return self
        count = round(len(self.labels) * HARD / (1 - HARD))
        more = hard[np.arange(count) % len(hard)]
        told = np.zeros((count, self.told.shape[1]), np.float32)
        told[:, EMPTY] = SURE
        return Lesson(np.concatenate([self.heard, more]), np.concatenate([self.labels, np.full(count, EMPTY)]),
                      np.concatenate([self.told, told]))


def _told(known: Windows, work: Path, data: Path, plan: Plan, say: Callable[[str], None]) -> np.ndarray:
    unseen = windows(work, data, "validation", VALIDATION, plan.pupil.seed)
    model = train_teacher(known, unseen, plan.teacher, say, work / "audio-tutor.state")
    softness, empty = settled(answers(model, unseen.spoken), unseen.labels)
    say(f"teacher: temperature {softness:.2f}, none {empty:+.2f}")
    told = answers(model, known.spoken) / np.float32(softness)
    told[:, EMPTY] += np.float32(empty)
    return told


def settled(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(temperature, what is then added to the logit of none) of the least cross-entropy on windows with a label.

    Dropout and covered strips leave a network unsure, and too quick to hear a word where nothing is covered."""
    sure = labels != UNKNOWN
    target, values = torch.from_numpy(labels[sure]), torch.from_numpy(logits[sure])
    softness, empty = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    column = functional.one_hot(torch.tensor(EMPTY), logits.shape[1]).float()
    optimizer = torch.optim.LBFGS([softness, empty], max_iter=60, line_search_fn="strong_wolfe")

    def distance() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(values / softness + empty * column, target)
        loss.backward()
        return loss

    optimizer.step(distance)  # type: ignore[arg-type]
    return float(softness.detach()), float(empty.detach())


def windows(work: Path, data: Path, split: str, count: int, seed: int) -> Windows:
    """`count` windows of a split, in files of FILE; some minutes where they are not there yet."""
    parts = [stored(work / f"heard-{split}-{min(FILE, count)}-{seed}-{k:03d}.npz",
                    lambda k=k: _drawn(data, split, min(FILE, count), seed * 1000 + k))  # type: ignore[misc]
             for k in range(max(1, count // FILE))]
    return Windows(*(np.concatenate([p[name] for p in parts]) for name in ("heard", "spoken", "labels")))


def _drawn(data: Path, split: str, count: int, seed: int) -> dict[str, np.ndarray]:
    pcm, labels = draw(data, split, count, seed)
    heard = np.concatenate([task.AUDIO.compute(list(pcm[i : i + 500]))[..., 0].astype(np.float16)
                            for i in range(0, count, 500)])
    return {"heard": heard, "spoken": spectrograms(pcm), "labels": labels}


def train_teacher(known: Windows, held_out: Windows, schedule: MixedSchedule, say: Callable[[str], None],
                  keep: Path) -> SpeechTeacher:
    """On windows with a label. Goes on from `keep`. Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng([schedule.seed, 41])
    model = SpeechTeacher(len(CLASSES)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # The trunk's weights know much already; the new layers' do not.
    optimizer = torch.optim.AdamW(model.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay)
    mean, rows, start = copy.deepcopy(model), np.flatnonzero(known.labels != UNKNOWN), time.monotonic()
    begin, running = _go_on(keep, model, mean, optimizer, rng)
    for step in range(begin, schedule.steps):
        _paced(optimizer, schedule, step)
        pick = rng.choice(rows, schedule.batch)
        model.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(covered(rng, _spoken(known.spoken[pick]), 14, 5)).float()
        loss = functional.cross_entropy(logits, torch.from_numpy(known.labels[pick]), label_smoothing=SMOOTHING)
        running = _moved(optimizer, loss, running, f"teacher, step {step + 1}")
        _follow(mean, model, min(MEMORY, step / (step + 50)))
        if (step + 1) % REPORT == 0 or step + 1 == schedule.steps:
            sure = np.flatnonzero(held_out.labels != UNKNOWN)
            right = answers(mean, held_out.spoken[sure]).argmax(1) == held_out.labels[sure]
            say(f"teacher step {step + 1}/{schedule.steps} loss {running:.3f} validation {right.mean():.3f} "
                f"({time.monotonic() - start:.0f} s)")
            _keep(keep, step + 1, running, model, mean, optimizer, rng)
    return mean


def answers(model: SpeechTeacher, spoken: np.ndarray) -> np.ndarray:
    """float32 logits [n, classes]."""
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        parts = [model(_spoken(spoken[i : i + 256])).float() for i in range(0, len(spoken), 256)]
    return torch.cat(parts).numpy()


def train_pupil(model: MultiExitNetwork, lesson: Lesson, held_out: Chunk, schedule: MixedSchedule,
                say: Callable[[str], None], keep: Path) -> None:
    """Trains the encoder of sounds and its exits in place; goes on from `keep`.

    Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng([schedule.seed, 43])
    parts = [model.segments["audio"], model.exits["audio"]]
    optimizer = torch.optim.AdamW(
        [p for m in parts for p in m.parameters()], lr=schedule.rate, weight_decay=schedule.weight_decay
    )
    soft = torch.softmax(torch.from_numpy(lesson.told) / SOFTNESS, 1)
    mean, labels, start = copy.deepcopy(model), torch.from_numpy(lesson.labels), time.monotonic()
    begin, running = _go_on(keep, model, mean, optimizer, rng)
    for step in range(begin, schedule.steps):
        _paced(optimizer, schedule, step)
        pick = rng.integers(len(lesson.labels), size=schedule.batch)
        model.train()
        logits, _ = forward(model, "audio", covered(rng, to_input("audio", lesson.heard[pick]), 6, 5))
        loss = torch.stack([w * _loss(t, soft[pick], labels[pick])
                            for w, t in zip(EXIT_WEIGHTS, logits, strict=True)]).sum()
        running = _moved(optimizer, loss, running, f"audio, step {step + 1}")
        _follow(mean, model, min(MEMORY, step / (step + 50)))
        if (step + 1) % REPORT == 0 or step + 1 == schedule.steps:
            found = " ".join(f"{a:.3f}" for a in exit_accuracies(mean, "audio", held_out))
            say(f"audio step {step + 1}/{schedule.steps} loss {running:.3f} validation {found} "
                f"({time.monotonic() - start:.0f} s)")
            _keep(keep, step + 1, running, model, mean, optimizer, rng)
    model.load_state_dict(mean.state_dict())


def _loss(logits: Tensor, told: Tensor, labels: Tensor) -> Tensor:
    """The teacher's answers everywhere, labels where there are some."""
    taught = functional.kl_div(torch.log_softmax(logits / SOFTNESS, 1), told, reduction="batchmean") * SOFTNESS**2
    own = functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING, ignore_index=UNKNOWN, reduction="sum")
    return TAUGHT * taught + (1 - TAUGHT) * own / max(1, int((labels != UNKNOWN).sum()))


def covered(rng: np.random.Generator, values: Tensor, frames: int, bands: int) -> Tensor:
    """[n, 1, frames, bands] with a strip of up to so many frames, and of bands, at the mean of its window."""
    mean = values.mean((2, 3), keepdim=True)
    for dim, longest in ((2, frames), (3, bands)):
        size = values.shape[dim]
        first = torch.from_numpy(rng.integers(0, size, len(values)))[:, None]
        length = torch.from_numpy(rng.integers(0, longest, len(values)))[:, None]
        place = torch.arange(size)[None]
        strip = (place >= first) & (place < first + length)
        values = torch.where(strip[:, None, :, None] if dim == 2 else strip[:, None, None, :], mean, values)
    return values.contiguous(memory_format=torch.channels_last)


def _spoken(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None].contiguous(memory_format=torch.channels_last)


def _paced(optimizer: torch.optim.Optimizer, schedule: MixedSchedule, step: int) -> None:
    rate = max(0.002, 0.5 * (1 + math.cos(math.pi * step / schedule.steps))) * min(1.0, step / 200 + 0.05)
    for group in optimizer.param_groups:
        group["lr"] = schedule.rate * rate


def _moved(optimizer: torch.optim.Optimizer, loss: Tensor, running: float, where: str) -> float:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    running = 0.98 * running + 0.02 * float(loss.detach())
    if not math.isfinite(running):
        raise ToolError(f"{where}: the loss is not a number; try a lower rate")
    return running


def _follow(mean: nn.Module, model: nn.Module, memory: float) -> None:
    with torch.no_grad():
        for kept, now in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.mul_(memory).add_(now, alpha=1 - memory)
            else:
                kept.copy_(now)


def _keep(path: Path, step: int, loss: float, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer,
          rng: np.random.Generator) -> None:
    torch.save({"step": step, "loss": loss, "model": model.state_dict(), "mean": mean.state_dict(),
                "optimizer": optimizer.state_dict(), "torch": torch.get_rng_state(),
                "chance": rng.bit_generator.state}, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def _go_on(path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer,
           rng: np.random.Generator) -> tuple[int, float]:
    """(the step to go on with, the running loss)."""
    if not path.exists():
        return 0, 0.0
    kept = torch.load(path, weights_only=False)
    model.load_state_dict(kept["model"])
    mean.load_state_dict(kept["mean"])
    optimizer.load_state_dict(kept["optimizer"])
    rng.bit_generator.state = kept["chance"]
    torch.set_rng_state(kept["torch"])
    return kept["step"], kept["loss"]

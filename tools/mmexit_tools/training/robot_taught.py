"""robot-command's sounds, taught by a network that begins with what others learned from very much speech.

Windows are drawn once, as sound, since teacher and pupil look at them differently, and kept in files of the work
folder. The teacher (`speech_trunk`) learns them from their labels; the pupil learns the teacher's answers on all of
them, those of which nobody can say what they hold included, and labels where there are some (Hinton et al., 2015;
Beyer et al., 2022: long, on the same windows as the teacher sees). At the end it meets what it took for a command in
hours of company, as often as a tenth of what it hears. Each file of windows, the teacher, its answers and
the pupil's last state are kept, so that a killed run goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..mixing.sounds import STRIPS, covered
from ..mixing.stored import stored
from ..model.networks import MultiExitNetwork
from ..sources.robot_data import CLASSES
from ..streams.windows import EMPTY, UNKNOWN, draw
from ..tasks import robot_command as task
from .kept_run import MixedSchedule, Run
from .robot_encoders import SMOOTHING, exit_accuracies, forward, weighted
from .robot_mining import mine
from .robot_mixed import SOFTNESS, TAUGHT, distance
from .robot_pools import Chunk, to_input
from .speech_trunk import BANDS, FRAMES, SpeechTeacher, spectrograms

FILE = 10_000
"""Windows of a file."""
VALIDATION = 4000
HARD = 0.1
SURE = 6.0
"""Logit of nothing where a window is known to hold nothing."""


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
    lesson = Lesson(known.heard, known.labels, told)
    train_pupil(model, lesson, held_out, plan.pupil, say, work / "audio-pupil.state")
    if plan.last:
        hard, searched = mine(model, data, plan.pupil.seed, plan.hours)
        say(f"mined {len(hard.labels['audio'])} hard windows of {searched}")
        again = replace(plan.pupil, steps=plan.last, rate=plan.pupil.rate / 3)
        train_pupil(model, lesson.with_hard(hard.inputs["audio"]), held_out, again, say, work / "audio-last.state")


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
    """On windows with a label; `keep` is the file that a killed run goes on from.

    Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng([schedule.seed, 41])
    model = SpeechTeacher(len(CLASSES)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rows, sure = np.flatnonzero(known.labels != UNKNOWN), np.flatnonzero(held_out.labels != UNKNOWN)
    run = Run(model, [model], schedule, rng, (known.labels,), keep)

    def found(mean: nn.Module) -> str:
        right = answers(mean, held_out.spoken[sure]).argmax(1) == held_out.labels[sure]
        return f"{right.mean():.3f}"

    for step in run.steps():
        pick = rng.choice(rows, schedule.batch)
        values = _spoken(known.spoken[pick])
        values = covered(rng, values, ((FRAMES, 14), (BANDS, 5)), 1, values.mean((2, 3), keepdim=True))
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(values.contiguous(memory_format=torch.channels_last)).float()
        loss = functional.cross_entropy(logits, torch.from_numpy(known.labels[pick]), label_smoothing=SMOOTHING)
        run.move(step, loss, "teacher", found, say)
    return run.mean  # type: ignore[return-value]


def answers(model: nn.Module, spoken: np.ndarray) -> np.ndarray:
    """float32 logits [n, classes]."""
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        parts = [model(_spoken(spoken[i : i + 256])).float() for i in range(0, len(spoken), 256)]
    return torch.cat(parts).numpy()


def train_pupil(model: MultiExitNetwork, lesson: Lesson, held_out: Chunk, schedule: MixedSchedule,
                say: Callable[[str], None], keep: Path) -> None:
    """Trains the encoder of sounds and its exits in place; `keep` is the file that a killed run goes on from.

    Raises ToolError when the loss is not a number."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng([schedule.seed, 43])
    soft = torch.softmax(torch.from_numpy(lesson.told) / SOFTNESS, 1)
    labels = torch.from_numpy(lesson.labels)
    run = Run(model, [model.segments["audio"], model.exits["audio"]], schedule, rng, (lesson.told,), keep)

    def found(mean: nn.Module) -> str:
        return " ".join(f"{a:.3f}" for a in exit_accuracies(mean, "audio", held_out))  # type: ignore[arg-type]

    for step in run.steps():
        pick = rng.integers(len(lesson.labels), size=schedule.batch)
        values = covered(rng, to_input("audio", lesson.heard[pick]), STRIPS, 1)
        logits, _ = forward(model, "audio", values.contiguous(memory_format=torch.channels_last))
        loss = weighted([_loss(t, soft[pick], labels[pick]) for t in logits])
        run.move(step, loss, "audio", found, say)
    model.load_state_dict(run.mean.state_dict())


def _loss(logits: Tensor, told: Tensor, labels: Tensor) -> Tensor:
    """The teacher's answers everywhere, labels where there are some."""
    own = functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING, ignore_index=UNKNOWN, reduction="sum")
    return TAUGHT * distance(logits, told) + (1 - TAUGHT) * own / max(1, int((labels != UNKNOWN).sum()))


def _spoken(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None].contiguous(memory_format=torch.channels_last)

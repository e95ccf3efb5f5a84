"""Windows drawn once, their features in memory-mapped files that all trainings of a comparison read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ToolError
from ..calibrate.exit_pool import Watched
from ..model.datasets import Batch, batches
from ..model.layers import Network
from ..tasks import Task

CHUNK = 256


@dataclass(frozen=True)
class Material:
    """Features of N windows with every modality: float16 maps [N, h, w, c], float32 vectors [N, n]."""

    inputs: dict[str, NDArray]
    labels: NDArray[np.int64]
    key: str
    groups: NDArray[np.str_] | None = None
    """What a window shares with others of the same draw (a picture that comes with several sounds): the group of the
    kind that has the most of them; None where windows have no groups, or were stored before groups were."""

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """These windows. Every exit is trained on the window's label (eq. 8), whatever its sensor can know."""
        labels, there = self.labels[rows], np.ones(len(rows), bool)
        inputs = {m: x[rows].astype(np.float32) for m, x in self.inputs.items()}
        return Batch(inputs, dict.fromkeys(inputs, there), labels, dict.fromkeys(inputs, labels))

    def stream(self, size: int, seed: list[int]) -> Iterator[Batch]:
        """All windows in an order drawn from the seed, in batches of `size`; a rest of one window is left out,
        which batch normalization could not take."""
        order = np.random.default_rng(seed).permutation(len(self))
        for i in range(0, len(order), size):
            if len(order) - i > 1:
                yield self.batch(order[i : i + size])


@dataclass(frozen=True)
class Draw:
    """Which windows: a split, how many (0: the length of the split), and which draw of them."""

    split: str
    count: int
    variant: int = 0


def drawn(task: Task, data: Path, draw: Draw) -> Iterator:
    """The windows: for training as the task wants them, otherwise the benchmark."""
    if draw.split == "train":
        return task.training_windows(data, draw.count, 101 + draw.variant)
    return task.windows(data, draw.split, draw.count, 1)


def digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()[:12]


def stored(work: Path, name: str, task: Task, network: Network, data: Path, draw: Draw,
           say: Callable[[str], None]) -> Material:
    """From the work folder, or made there: a folder that is there is whole."""
    features = [(m.name, m.features.describe()) for m in network.modalities]
    key = digest(name, features, repr(draw), task.PROVENANCE, str(data.resolve()))
    folder = work / "material" / f"{name}-{draw.split}{draw.variant}-{key}"
    if not folder.is_dir():
        say(f"material: {draw.count:,} windows of {name}, {draw.split}")
        _make(folder, network, drawn(task, data, draw), draw.count)
    try:
        inputs = {m.name: np.load(folder / f"{m.name}.npy", mmap_mode="r") for m in network.modalities}
        labels = np.load(folder / "labels.npy")
        groups = np.load(folder / "groups.npy") if (folder / "groups.npy").exists() else None
    except (OSError, ValueError, EOFError) as error:
        raise ToolError(f"{folder}: not readable ({error}); remove it, and it is made anew") from error
    check_classes(labels, network, f"{name}, {draw.split}")
    return Material(inputs, labels, key, groups)


def _make(folder: Path, network: Network, windows: Iterator, count: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f"part-{os.getpid()}-", dir=folder.parent))
    try:
        labels = np.zeros(count, np.int64)
        inputs = {
            m.name: np.lib.format.open_memmap(
                part / f"{m.name}.npy", "w+", np.float16 if len(m.features.shape) == 3 else np.float32,
                (count, *m.features.shape))
            for m in network.modalities
        }
        done = 0
        watched = Watched(windows)
        for batch in batches(iter(watched), network, CHUNK):
            here = slice(done, done + len(batch))
            labels[here] = batch.labels
            for m, x in batch.inputs.items():
                if not batch.present[m].all():
                    raise ToolError(f"window {done + int(batch.present[m].argmin()) + 1} has no {m}; the comparison "
                                    "needs windows with every modality")
                if not np.isfinite(x).all():
                    row = int(np.isfinite(x).reshape(len(x), -1).all(1).argmin())
                    raise ToolError(f"{m}: window {done + row + 1} holds a value that is not a number")
                inputs[m][here] = x
            done += len(batch)
        if done != count:
            raise ToolError(f"{folder.name}: {done} windows of {count}")
        for x in inputs.values():
            x.flush()
        np.save(part / "labels.npy", labels)
        shared = most_groups(watched.rows)
        if shared is not None:
            np.save(part / "groups.npy", shared)
        try:
            os.rename(part, folder)
        except OSError:
            if not folder.is_dir():  # else another process made the same in the meantime
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def most_groups(groups: Sequence[Mapping[str, str]]) -> NDArray[np.str_] | None:
    """[N]: the groups of the kind that has the most of them, of those that all windows have."""
    kinds = sorted(set.intersection(*(set(g) for g in groups))) if groups else []
    columns = [np.array([g[kind] for g in groups]) for kind in kinds]
    return max(columns, key=lambda c: len(np.unique(c)), default=None)


def check_classes(labels: NDArray[np.int64], network: Network, where: str) -> None:
    """Raises ToolError for a class with one window only: nothing is left to hold it against."""
    counts = np.bincount(labels, minlength=len(network.classes))
    for name, count in zip(network.classes, counts, strict=True):
        if count == 1:
            raise ToolError(f"{where}: class {name} has one window only; at least two are needed")
    if (counts > 0).sum() < 2:
        raise ToolError(f"{where}: all windows are of one class")

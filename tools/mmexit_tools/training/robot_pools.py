"""Augmented training material of the robot-command task as features, kept in a work folder.

Sounds and pictures are drawn independently and paired later: a few ten thousand of each give any number of windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..mixing.picture_bank import shrunk
from ..mixing.stored import stored
from ..sources import stream_windows
from ..sources.robot_data import CLASSES, COMMANDS, material
from ..sources.robot_sounds import to_pcm
from ..sources.surroundings import surroundings
from ..tasks import robot_command as task

EMPTY = 0.4  # share of a chunk's sounds, and of its pictures, that carry no command
IN_STREAM = 0.6
"""Share of the training sounds that are drawn as a stream brings them; the others are the task's own windows."""
IN_PLACE = 0.5
"""Share of the training pictures before, or of, real rooms, where the data have photos of them."""
MODALITIES = task.MODALITIES


@dataclass(frozen=True)
class Chunk:
    """`inputs`: audio float16 [n, frames, bands], image uint8 [n, height, width, 3]; `labels`: int64 [n] of each."""

    inputs: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


def make_chunk(data: Path, split: str, index: int, size: int, modalities: Sequence[str] = MODALITIES) -> Chunk:
    """Chunk number `index` of a split: the same for the same numbers. Training material is augmented."""
    inputs, labels = {}, {}
    for m in modalities:
        rng = np.random.default_rng([index, 99, *m.encode()])
        none = len(COMMANDS)
        labels[m] = np.where(rng.random(size) < EMPTY, none, rng.integers(0, none, size))
        draw = {"audio": _sounds, "image": _pictures}[m]
        inputs[m] = draw(rng, data, split, [CLASSES[c] for c in labels[m]])
    return Chunk(inputs, labels)


def _sounds(rng: np.random.Generator, data: Path, split: str, said: Sequence[str]) -> np.ndarray:
    source, around, augment = material(data, split), surroundings(data, split), split == "train"
    heard = np.zeros((len(said), *task.AUDIO.shape[:2]), np.float16)

    def one(label: str) -> np.ndarray:
        if rng.random() < IN_STREAM:
            return stream_windows.sound(rng, label, source, around)
        return task.sound(rng, source, label, task.OTHER_WORDS, augment)

    for i in range(0, len(said), 500):
        heard[i : i + 500] = task.AUDIO.compute([to_pcm(one(c)) for c in said[i : i + 500]])[..., 0]
    return heard


def _pictures(rng: np.random.Generator, data: Path, split: str, shown: Sequence[str]) -> np.ndarray:
    source, around, augment = material(data, split), surroundings(data, split), split == "train"

    def one(label: str) -> np.ndarray:
        if around.photos and rng.random() < IN_PLACE:
            return stream_windows.picture(rng, label, source, around)
        return task.picture(rng, source, label, augment)

    return np.stack([shrunk(one(c)) for c in shown])


def stored_chunk(
    work: Path, data: Path, split: str, index: int, size: int, modalities: Sequence[str] = MODALITIES
) -> Chunk:
    """The chunk from the work folder, made first where it is not there yet: a file for each modality, and for each
    size of picture."""
    inputs, labels = {}, {}
    for m in modalities:
        kind = f"image{task.IMAGE.width}" if m == "image" else m
        path = work / f"{split}-{kind}-{size}-{index:04d}.npz"
        arrays = stored(path, lambda m=m: _arrays(make_chunk(data, split, index, size, (m,)), m))  # type: ignore[misc]
        inputs[m], labels[m] = arrays["x"], arrays["y"]
    return Chunk(inputs, labels)


def _arrays(chunk: Chunk, modality: str) -> dict[str, np.ndarray]:
    return {"x": chunk.inputs[modality], "y": chunk.labels[modality]}


def to_input(modality: str, values: np.ndarray) -> Tensor:
    """A batch of a chunk as the network takes it: float32, NCHW, channels last in memory."""
    if modality == "audio":
        return torch.from_numpy(values.astype(np.float32))[:, None].contiguous(memory_format=torch.channels_last)
    mean, std = np.float32(task.IMAGE.mean), np.float32(task.IMAGE.std)
    return torch.from_numpy((values.astype(np.float32) / np.float32(255) - mean) / std).permute(0, 3, 1, 2)

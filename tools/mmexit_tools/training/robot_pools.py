"""Augmented training material of the robot-command task as features, kept in a work folder.

Sounds and pictures are drawn independently and paired later: a few ten thousand of each give any number of windows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..sources.robot_data import CLASSES, COMMANDS, material
from ..sources.robot_sounds import to_pcm
from ..tasks import robot_command as task

EMPTY = 0.4  # share of a chunk's sounds, and of its pictures, that carry no command
OTHER_WORDS = (
    1.3 * task.SPEECH
)  # of the sounds without a command: other words, more than in the task, they are the hard ones
MODALITIES = task.MODALITIES


@dataclass(frozen=True)
class Chunk:
    """`inputs`: audio float16 [n, frames, bands], image uint8 [n, 64, 64, 3]; `labels`: int64 [n] by modality."""

    inputs: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


def make_chunk(data: Path, split: str, index: int, size: int) -> Chunk:
    """Chunk number `index` of a split: the same for the same numbers. Training material is augmented."""
    source = material(data, split)
    rng = np.random.default_rng([index, 99])
    augment = split == "train"
    none = len(COMMANDS)
    labels = {m: np.where(rng.random(size) < EMPTY, none, rng.integers(0, none, size)) for m in MODALITIES}
    heard = np.zeros((size, *task.AUDIO.shape[:2]), np.float16)
    for i in range(0, size, 500):
        part = [
            to_pcm(task.sound(rng, source, CLASSES[c], OTHER_WORDS, augment)) for c in labels["audio"][i : i + 500]
        ]
        heard[i : i + 500] = task.AUDIO.compute(part)[..., 0]
    seen = np.stack([_shrunk(task.picture(rng, source, CLASSES[c], augment)) for c in labels["image"]])
    return Chunk({"audio": heard, "image": seen}, labels)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Like the engine's crop and area average, but for its rounding: training needs the speed, not the last bit."""
    height, width, _ = pixels.shape
    left = (width - height) // 2
    size = (task.IMAGE.width, task.IMAGE.height)
    picture = Image.fromarray(pixels)
    return np.asarray(picture.resize(size, Image.Resampling.BOX, box=(left, 0, left + height, height)))


def stored_chunk(work: Path, data: Path, split: str, index: int, size: int) -> Chunk:
    """The chunk from the work folder, made first where it is not there yet."""
    path = work / f"{split}-{size}-{index:04d}.npz"
    if not path.exists():
        made = make_chunk(data, split, index, size)
        work.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part.npz")
        np.savez(
            part, **{f"x_{m}": made.inputs[m] for m in MODALITIES}, **{f"y_{m}": made.labels[m] for m in MODALITIES}
        )
        os.replace(part, path)
    with np.load(path) as file:
        return Chunk({m: file[f"x_{m}"] for m in MODALITIES}, {m: file[f"y_{m}"] for m in MODALITIES})


def to_input(modality: str, values: np.ndarray) -> Tensor:
    """A batch of a chunk as the network takes it: float32, NCHW, channels last in memory."""
    if modality == "audio":
        return torch.from_numpy(values.astype(np.float32))[:, None].contiguous(memory_format=torch.channels_last)
    mean, std = np.float32(task.IMAGE.mean), np.float32(task.IMAGE.std)
    return torch.from_numpy((values.astype(np.float32) / np.float32(255) - mean) / std).permute(0, 3, 1, 2)

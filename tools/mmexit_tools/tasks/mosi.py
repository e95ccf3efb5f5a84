"""mosi: the sentiment of an utterance from vectors of its text, sound and picture; split by video."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import NO_INPUT, USAGE, ToolError
from ..model.layers import Dropout, Linear, Modality, Network, Segment
from ..signals.features import VectorFeatures
from ..signals.windows import Vector, Window

CLASSES = ("negative", "positive")
NONE = None
MODALITIES = ("text", "audio", "video")
SHARES = {"train": range(0, 6), "validation": range(6, 8), "test": range(8, 10), "all": range(0, 10)}
"""Tenths of the videos, by a hash of the video's name."""
HIDDEN = (64, 32)
"""Width of an encoder's first layer and of all that follow."""

PROVENANCE = {
    "split": "by video: SHA-256 of the name modulo 10: 0-5 training, 6-7 validation, 8-9 test",
    "note": "the text vectors were fitted on this corpus's labels, so accuracies of text are optimistic",
    "data": {"CMU-MOSI utterance features": "repository MIT; the corpus for research"},
}


@dataclass(frozen=True)
class Utterances:
    vectors: dict[str, NDArray[np.float32]]
    labels: NDArray[np.int64]


def tenth(video: str) -> int:
    return int.from_bytes(hashlib.sha256(video.encode()).digest()[:4], "big") % 10


@cache
def utterances(data: Path, split: str) -> Utterances:
    """All of a split; all there is where the folder has none of it."""
    folder = data / "cmu-mosi-utt"
    files = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    if not files:
        raise ToolError(f"{folder}: no .npz file of utterances there", NO_INPUT)
    parts: dict[str, list[NDArray]] = {}
    for path in files:
        for key, array in _read(path).items():
            parts.setdefault(key, []).append(array)
    try:
        joined = {k: np.concatenate(v) for k, v in parts.items()}
    except ValueError:
        raise ToolError(f"{folder}: its files have vectors of different lengths") from None
    chosen = np.array([tenth(str(v)) in SHARES[split] for v in joined["video_id"]])
    if not chosen.any():
        chosen[:] = True
    vectors = {m: np.nan_to_num(joined[m][chosen].astype(np.float32), posinf=0.0, neginf=0.0) for m in MODALITIES}
    return Utterances(vectors, (joined["label"][chosen] > 0).astype(np.int64))


def _read(path: Path) -> dict[str, NDArray]:
    keys = [*MODALITIES, "label", "video_id"]
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {k: stored[k] for k in keys}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ToolError(f"{path}: want arrays {', '.join(keys)} ({error})") from error
    if found["label"].dtype.kind not in "iuf" or not np.isfinite(found["label"]).all():
        raise ToolError(f"{path}: every label must be a number (above 0 is positive)")
    count = len(found["label"])
    if count == 0 or any(len(a) != count for a in found.values()) or any(found[m].ndim != 2 for m in MODALITIES):
        raise ToolError(f"{path}: arrays must be [utterances, length] with one label and video_id each")
    return found


def windows(data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
    """Utterances without repetition until all are used."""
    source = utterances(data, split)
    rng = np.random.default_rng([seed, 7201])
    while count > 0:
        order = rng.permutation(len(source.labels))[:count]
        for i in order.tolist():
            yield Window(CLASSES[source.labels[i]], {m: Vector(source.vectors[m][i]) for m in MODALITIES})
        count -= len(order)


def training_windows(data: Path, count: int, seed: int) -> Iterator[Window]:
    return windows(data, "train", count, seed)


def network(data: Path, exits: int = 2) -> Network:
    """An MLP per modality, an exit after each layer, late fusion; mean and spread of the vectors from the train
    split."""
    if exits < 0:
        raise ToolError(f"--exits {exits}: at least 1 exit per modality, or 0 for the usual two", USAGE)
    source = utterances(data, "train")
    modalities = []
    for m in MODALITIES:
        x = source.vectors[m].astype(np.float64)
        mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-3)
        features = VectorFeatures(tuple(np.float32(mean).tolist()), tuple(np.float32(std).tolist()))
        widths = (HIDDEN[0], *(HIDDEN[1:] * ((exits or 2) - 1)))
        modalities.append(Modality(m, features, tuple(Segment((Linear(w), Dropout(0.3))) for w in widths)))
    return Network("mosi", CLASSES, NONE, tuple(modalities), (Linear(32), Dropout(0.3)))

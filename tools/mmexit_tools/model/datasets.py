"""Windows to batches of features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.errors import ToolError
from ..signals.features import ImageFeatures, SpectrogramFeatures, VectorFeatures
from ..signals.windows import Picture, Signal, Sound, Vector, Window
from .layers import Modality, Network


@dataclass
class Batch:
    """Features of N windows, channels last; absent modalities are zeros with `present` False.

    `labels[i]` is the class; `seen[modality][i]` what that modality alone can know.
    """

    inputs: dict[str, NDArray[np.float32]]
    present: dict[str, NDArray[np.bool_]]
    labels: NDArray[np.int64]
    seen: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.labels)

    def tensors(self) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """(inputs NCHW, present) for torch."""
        return (
            {m: to_torch(x) for m, x in self.inputs.items()},
            {m: torch.from_numpy(p) for m, p in self.present.items()},
        )

    def part(self, which: NDArray[np.int64]) -> Batch:
        """The windows at these indices."""
        def cut(table: dict[str, NDArray]) -> dict[str, NDArray]:
            return {m: x[which] for m, x in table.items()}

        return Batch(cut(self.inputs), cut(self.present), self.labels[which], cut(self.seen))


def to_torch(x: NDArray[np.float32]) -> torch.Tensor:
    """[N, h, w, c] to NCHW; vectors stay as they are."""
    t = torch.from_numpy(x)
    return t.permute(0, 3, 1, 2).contiguous() if t.ndim == 4 else t


def featurize(windows: list[Window], network: Network) -> Batch:
    """Features of these windows. Raises ToolError for a label or a signal that does not fit."""
    index = {c: i for i, c in enumerate(network.classes)}
    try:
        labels = np.array([index[w.label] for w in windows], np.int64)
        seen = {
            m.name: np.array([index[w.seen.get(m.name, w.label)] for w in windows], np.int64)
            for m in network.modalities
        }
    except KeyError as error:
        raise ToolError(f"label {error} is not one of the network's classes") from None
    inputs, present = {}, {}
    for modality in network.modalities:
        name = modality.name
        there = np.array([name in w.inputs for w in windows])
        x = np.zeros((len(windows), *modality.features.shape), np.float32)
        if there.any():
            signals = [w.inputs[name] for w in windows if name in w.inputs]
            x[there] = compute_features(modality, signals)
        inputs[name], present[name] = x, there
    return Batch(inputs, present, labels, seen)


def compute_features(modality: Modality, signals: list[Signal]) -> NDArray[np.float32]:
    """Features of one modality's signals, each checked for its kind and size."""
    features = modality.features
    match features:
        case ImageFeatures():
            return features.compute([s.pixels for s in _all(modality, signals, Picture)])
        case SpectrogramFeatures():
            sounds = _all(modality, signals, Sound)
            for s in sounds:
                if s.rate != features.sample_rate:
                    raise ToolError(f"{modality.name}: a sound of {s.rate} Hz, want {features.sample_rate} Hz")
            return features.compute([s.pcm for s in sounds])
        case VectorFeatures():
            vectors = [s.values for s in _all(modality, signals, Vector)]
            for v in vectors:
                if v.shape != features.shape:
                    raise ToolError(f"{modality.name}: a vector of {v.shape}, want {features.shape}")
            return features.compute(vectors)


def _all(modality: Modality, signals: list[Signal], kind: type) -> list:
    for s in signals:
        if not isinstance(s, kind):
            raise ToolError(f"{modality.name}: got a {type(s).__name__}, want a {kind.__name__}")
    return signals


def batches(windows: Iterable[Window], network: Network, size: int) -> Iterator[Batch]:
    """Batches of at most `size` windows, in order."""
    stream = iter(windows)
    while chunk := list(islice(stream, size)):
        yield featurize(chunk, network)


def collect(windows: Iterable[Window], network: Network, size: int = 256) -> Batch:
    """All windows as one batch in memory."""
    parts = list(batches(windows, network, size))
    if not parts:
        raise ToolError("no windows at all")
    names = [m.name for m in network.modalities]
    return Batch(
        {m: np.concatenate([p.inputs[m] for p in parts]) for m in names},
        {m: np.concatenate([p.present[m] for p in parts]) for m in names},
        np.concatenate([p.labels for p in parts]),
        {m: np.concatenate([p.seen[m] for p in parts]) for m in names},
    )

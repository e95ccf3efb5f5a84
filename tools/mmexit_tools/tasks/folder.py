"""folder: a user's own windows, `<class>/<window>.<extension>` (docs/training.md, "Your own data").

What `folder_data` reads is trained on with mild changes (shift, loudness, light), and by small networks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import USAGE, ToolError
from ..model.layers import Conv, Depthwise, Dropout, GlobalAveragePool, Linear, Modality, Network, Segment
from ..signals.features import Features, ImageFeatures, SpectrogramFeatures, VectorFeatures
from ..signals.windows import Picture, Signal, Sound, Vector, Window
from ..sources.folder_data import KINDS, Folder, read_folder

CLASSES: tuple[str, ...] = ()
"""The folder's own, in the network's description."""
NONE = None
MODALITIES = tuple(KINDS)
"""Those that a folder may have."""
NOTHING = "none"
"""The class that means nothing."""
LONE = 0.30
"""Share of the training windows of other classes in which only one sensor has something to tell. In a user's windows
all sensors agree, so a network learns that a word without its sign is nothing; a daemon meets just that."""

PROVENANCE = {
    "windows": "a folder of the user's own, CLASS/WINDOW.EXTENSION",
    "split": "by group (a name's part before the first `_`) where there are three or more, else by window; in the "
             "order of a SHA-256 of the name, 0.15 validation, 0.15 test, the rest training",
    "training": "sounds are moved by up to a tenth of the window, made up to 6 dB louder or softer and given faint "
                "noise, pictures are cropped by up to a tenth and changed in light and contrast; where there is a "
                "class `none`, 0.30 of the windows of other classes keep one sensor's own signal and take those of "
                "the others from a window of `none`: the label stays, each sensor learns what it alone can know",
    "data": {"the user's folder": "as its owner says"},
}


def windows(data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
    """At most `count` windows of the split in random order, none of them twice."""
    source = read_folder(data)
    rng = np.random.default_rng([seed, 7301])
    for i in rng.permutation(source.splits[split])[:count].tolist():
        yield _window(source, i, {m: fit(s, source) for m, s in source.items[i].signals.items()})


def training_windows(data: Path, count: int, seed: int) -> Iterator[Window]:
    """Windows of the train split, changed a little, over and over; LONE of them with one sensor's signal only."""
    source = read_folder(data)
    rng = np.random.default_rng([seed, 7302])
    empty = [k for k in source.splits["train"] if source.items[k].label == NOTHING]
    while count > 0:
        order = rng.permutation(source.splits["train"])[:count]
        for i in order.tolist():
            window = _window(source, i, source.items[i].signals)
            if empty and rng.random() < LONE:
                window = lone(rng, window, source.items[empty[rng.integers(len(empty))]].signals)
            yield replace(window, inputs={m: vary(s, source, rng) for m, s in window.inputs.items()})
        count -= len(order)


def lone(rng: np.random.Generator, window: Window, nothing: Mapping[str, Signal]) -> Window:
    """The window with one of its signals, and the others from one in which there is nothing to tell; as it is where
    that has no signal to put in place, or is the window's own class."""
    others = [m for m in window.inputs if m in nothing]
    if window.label == NOTHING or len(window.inputs) < 2 or not others:
        return window
    kept = str(rng.choice(sorted(window.inputs)))
    gone = [m for m in others if m != kept]
    return replace(window, inputs={**window.inputs, **{m: nothing[m] for m in gone}},
                   seen={m: NOTHING if m in gone else window.label for m in window.inputs})


def _window(source: Folder, i: int, signals: Mapping[str, Signal]) -> Window:
    item = source.items[i]
    return Window(item.label, signals, groups={"group": item.group} if item.group else {})


def samples(source: Folder, rate: int) -> int:
    return round(source.settings.seconds * rate)


def fit(signal: Signal, source: Folder) -> Signal:
    """A long sound cut to the window around its middle; all else as it is."""
    if not isinstance(signal, Sound):
        return signal
    return Sound(_cut(signal.pcm, samples(source, signal.rate), 0), signal.rate)


def _cut(pcm: NDArray[np.int16], length: int, shift: int) -> NDArray[np.int16]:
    """`length` samples around the middle, moved by `shift`, silence where the sound has ended."""
    out = np.zeros(length, np.int16)
    start = (len(pcm) - length) // 2 + shift
    low, high = max(0, start), min(len(pcm), start + length)
    if low < high:
        out[low - start : high - start] = pcm[low:high]
    return out


def vary(signal: Signal, source: Folder, rng: np.random.Generator) -> Signal:
    """The signal as it might have been recorded another time."""
    match signal:
        case Sound(pcm, rate):
            length = samples(source, rate)
            reach = length // 10
            cut = _cut(pcm, length, int(rng.integers(-reach, reach + 1))).astype(np.float64)
            level = float(np.sqrt(np.mean(cut**2)))
            cut *= 10 ** (rng.uniform(-6, 6) / 20)
            cut += rng.standard_normal(length) * max(1.0, level * 10 ** (-rng.uniform(15, 40) / 20))
            return Sound(np.clip(np.rint(cut), -32768, 32767).astype(np.int16), rate)
        case Picture(pixels):
            height, width = pixels.shape[:2]
            top, left = (int(rng.integers(side // 10 + 1)) for side in (height, width))
            bottom, right = (int(rng.integers(side // 10 + 1)) for side in (height, width))
            part = pixels[top : height - bottom, left : width - right].astype(np.float64)
            part = (part - 128) * rng.uniform(0.8, 1.2) + 128 + rng.uniform(-25, 25)
            return Picture(np.clip(np.rint(part), 0, 255).astype(np.uint8))
        case Vector():
            return signal


def network(data: Path, exits: int = 2) -> Network:
    """Small depthwise-separable encoders (a hidden layer for vectors) with one or two exits each, and a small fusion.

    A class named `none` is the one that means nothing."""
    if exits not in (1, 2):
        raise ToolError(f"--exits {exits}: folder's networks have 1 or 2 exits a modality", USAGE)
    source = read_folder(data)
    parts = []
    for m in source.modalities:
        segments = _segments(m)
        if exits == 1:
            segments = (Segment(tuple(la for s in segments for la in s.layers)),)
        parts.append(Modality(m, features(source, m), segments))
    name = re.sub(r"[^a-z0-9]+", "-", data.resolve().name.lower()).strip("-") or "folder"
    none = NOTHING if NOTHING in source.classes else None
    return Network(name, source.classes, none, tuple(parts), (Linear(32), Dropout(0.2)))


def _separable(out: int, stride: int = 1) -> tuple[Depthwise, Conv]:
    return Depthwise(stride=(stride, stride)), Conv(out, kernel=(1, 1), padding=(0, 0, 0, 0))


def _segments(modality: str) -> tuple[Segment, ...]:
    pool = GlobalAveragePool()
    if modality == "vector":
        return Segment((Linear(48), Dropout(0.2))), Segment((Linear(32), Dropout(0.2)))
    first = Conv(16, kernel=(5, 5), stride=(2, 2), padding=(2, 2, 2, 2)) if modality == "audio" else \
        Conv(16, stride=(2, 2))
    return (Segment((first, *_separable(24, 2), *_separable(40)), (pool,)),
            Segment((*_separable(48, 2), *_separable(64), *_separable(64), pool)))


def features(source: Folder, modality: str) -> Features:
    """Chosen from the folder: sampling rate, picture size, colour, mean and spread of vectors."""
    signals = [s for i in source.items if (s := i.signals.get(modality)) is not None]
    train = [s for k in source.splits["train"] if (s := source.items[k].signals.get(modality)) is not None]
    if not train:
        raise ToolError(f"no window of the training split has {modality}; give more of it, or take it out")
    first = signals[0]
    if isinstance(first, Sound):
        rate, window = first.rate, samples(source, first.rate)
        frame, hop = round(0.03 * rate), round(0.02 * rate)
        fft = 1 << (frame - 1).bit_length()
        return SpectrogramFeatures(
            sample_rate=rate, window=window, frame=frame, hop=hop, fft=fft, frames=(window - frame) // hop + 1,
            bands=40, floor=1e-5, mean=0.0, std=2.5, center=True, mel=True, f_min=60.0, f_max=round(0.475 * rate, 1),
        )
    if isinstance(first, Picture):
        pictures = [s.pixels for s in signals if isinstance(s, Picture)]
        shortest = min(min(p.shape[:2]) for p in pictures)
        side = source.settings.image or (64 if shortest >= 64 else 32)
        channels = 3 if any(p.ndim == 3 for p in pictures) else 1
        return ImageFeatures(side, side, channels, (0.45,) * channels, (0.25,) * channels)
    x = np.stack([s.values for s in train if isinstance(s, Vector)]).astype(np.float64)
    mean, std = np.float32(x.mean(axis=0)), np.float32(np.maximum(x.std(axis=0), 1e-3))
    return VectorFeatures(tuple(mean.tolist()), tuple(std.tolist()))

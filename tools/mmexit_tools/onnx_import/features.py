"""What the engine makes of a sensor for every input of an imported net: `NAME=KIND[,KEY=VALUE...]`.

    image        the picture, (v / 255 - mean) / std      mean, std: one number, or one a channel as a/b/c
    spectrogram  log power of the FFT's bins              sample_rate, hop, frame, fft, window, floor, mean, std,
                                                          center
    mel          log power of mel bands                   the same, f_min, f_max
    vector       numbers as they come, (x - mean) / std   mean, std

The numbers are those the net was trained with; what is not given is a guess, and said so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import USAGE, ToolError
from ..signals.features import Features, ImageFeatures, SpectrogramFeatures, VectorFeatures

SOUND = {"sample_rate": 16000, "hop": 160, "frame": 400, "fft": 512, "window": 0, "floor": 1e-6, "mean": 0.0,
         "std": 1.0, "center": 0}
KEYS = {"image": {"mean", "std"}, "vector": {"mean", "std"}, "spectrogram": set(SOUND),
        "mel": {*SOUND, "f_min", "f_max"}}


def parse_inputs(options: Sequence[str]) -> dict[str, tuple[str, dict[str, list[float]]]]:
    """By input: kind, and the numbers given."""
    found: dict[str, tuple[str, dict[str, list[float]]]] = {}
    for option in options:
        name, _, text = option.partition("=")
        kind, *settings = text.split(",")
        if not name or kind not in KEYS:
            raise ToolError(f"--input {option}: expected NAME=KIND[,KEY=VALUE...] with KIND one of {', '.join(KEYS)}",
                            USAGE)
        numbers = {}
        for setting in settings:
            key, _, value = setting.partition("=")
            if key not in KEYS[kind]:
                raise ToolError(f"--input {option}: '{key}' is no setting of {kind}; there are "
                                f"{', '.join(sorted(KEYS[kind]))}", USAGE)
            try:
                numbers[key] = [float(v) for v in value.split("/")]
            except ValueError:
                raise ToolError(f"--input {option}: '{value}' is no number", USAGE) from None
        found[name] = (kind, numbers)
    return found


def features(inputs: Sequence[tuple[str, str, tuple[int, ...]]], options: Sequence[str],
             channels_last: frozenset[str] = frozenset()) -> tuple[dict[str, Features], list[str]]:
    """By input, and notes on what was guessed. `channels_last`: inputs that are [1, height, width, channels]."""
    given = parse_inputs(options)
    names = [n for n, _, _ in inputs]
    for name in given:
        if name not in names:
            raise ToolError(f"--input {name}: the graph has no such input; it has {', '.join(names)}", USAGE)
    found: dict[str, Features] = {}
    notes = []
    for name, _, shown in inputs:
        extents = shown
        if name in channels_last and len(extents) == 3:
            extents = (extents[0], extents[2], extents[1])
        elif name in channels_last:
            extents = (extents[0], extents[3], extents[1], extents[2])
        if len(extents) == 3:  # a sound, [1, bands, frames]
            extents = (1, 1, extents[2], extents[1])
            guess = "mel"
        else:
            guess = "image" if len(extents) == 4 and extents[2:] != (1, 1) else "vector"
        kind, numbers = given.get(name, (guess, {}))
        found[name] = _features(name, kind, extents, numbers)
        if kind in ("mel", "spectrogram") and len(extents) == 4 and len(shown) == 4:
            notes.append(f"input '{name}': {extents[2]} frames of {extents[3]} bands, [1, 1, frames, bands]; a net "
                         "that was trained on [1, 1, bands, frames] must be exported with both exchanged")
        missing = sorted(KEYS[kind] - set(numbers) - {"window"})
        if missing:
            notes.append(f"input '{name}': {kind} with guessed {', '.join(missing)}: give --input "
                         f"{name}={kind},{missing[0]}=... if the net was trained otherwise")
    return found, notes


def _features(name: str, kind: str, extents: tuple[int, ...], numbers: Mapping[str, list[float]]) -> Features:
    if kind == "vector":
        count = math.prod(extents)
        return VectorFeatures(_each(name, numbers, "mean", 0.0, count), _each(name, numbers, "std", 1.0, count))
    if len(extents) != 4:
        raise ToolError(f"input '{name}': {list(extents)} is no map; only a vector fits")
    _, channels, height, width = extents
    if kind == "image":
        if channels not in (1, 3) and width in (1, 3):
            raise ToolError(f"input '{name}': {list(extents)} looks like channels last, [1, height, width, channels] "
                            "(NHWC); a Transpose to [1, channels, height, width] must follow it (tf2onnx "
                            f"--inputs-as-nchw {name} makes it channels first)")
        if channels not in (1, 3):
            raise ToolError(f"input '{name}': a picture of {channels} channels; the engine makes 1 or 3")
        return ImageFeatures(width, height, channels, _each(name, numbers, "mean", 0.0, channels),
                             _each(name, numbers, "std", 1.0, channels))
    if channels != 1:
        raise ToolError(f"input '{name}': a spectrogram of {channels} channels; the engine makes 1")
    one = {k: numbers.get(k, [d])[0] for k, d in SOUND.items()}
    hop, frame, fft = int(one["hop"]), int(one["frame"]), int(one["fft"])
    rate = int(one["sample_rate"])
    window = int(one["window"]) or frame + (height - 1) * hop
    mel = kind == "mel"
    sound = not fft & (fft - 1) and 64 <= fft <= 4096 and frame <= fft
    if not sound or frame + (height - 1) * hop > window or width > fft // 2 + 1:
        raise ToolError(f"input '{name}': fft {fft} must be a power of two in 64...4096 and at least frame "
                        f"({frame}), {height} frames must fit the window ({window}), and {width} bands fft / 2 + 1")
    return SpectrogramFeatures(
        rate, window, frame, hop, fft, height, width, one["floor"], one["mean"], one["std"], bool(one["center"]), mel,
        numbers.get("f_min", [20.0])[0] if mel else 0.0, numbers.get("f_max", [rate / 2])[0] if mel else 0.0)


def changed(features: Features, gain: NDArray, offset: NDArray) -> Features:
    """Features that give gain * x + offset, one of each a channel, where these give x = (v - mean) / std."""
    many = isinstance(features.mean, tuple)
    mean = np.atleast_1d(np.asarray(features.mean, np.float64))
    std = np.atleast_1d(np.asarray(features.std, np.float64))
    mean, std = mean - offset * std / gain, std / gain
    if many:
        return replace(features, mean=tuple(map(float, mean)), std=tuple(map(float, std)))  # type: ignore[arg-type]
    return replace(features, mean=float(mean[0]), std=float(std[0]))  # type: ignore[arg-type]


def _each(name: str, numbers: Mapping[str, list[float]], key: str, default: float, count: int) -> tuple[float, ...]:
    values = numbers.get(key, [default])
    if len(values) not in (1, count):
        raise ToolError(f"input '{name}': {len(values)} numbers for {key}, expected 1 or {count}", USAGE)
    return tuple(values) if len(values) == count else tuple(values) * count

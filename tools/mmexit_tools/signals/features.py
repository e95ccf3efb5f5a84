"""Features of the engine in numpy: the arithmetic of mmx_kernels.h, vectorised over windows.

The engine computes in float32 with its own exp, log and FFT; here numpy's are used, so values agree to a
few units in the last place, far below one int8 step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class ImageFeatures:
    """Centre crop to the target's aspect, exact area average, grey; value = (v/255 - mean) / std.

    `mirrored`: what is seen in a mirror means the same, and is trained on; a daemon mirrors every other picture."""

    width: int
    height: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirrored: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.height, self.width, self.channels)

    def describe(self) -> dict:
        text = {"kind": "image", "width": self.width, "height": self.height,
                "channels": self.channels, "mean": list(self.mean), "std": list(self.std)}
        return text | ({"mirrored": True} if self.mirrored else {})

    def compute(self, pictures: list[NDArray[np.uint8]]) -> FloatArray:
        """[N, height, width, channels] from pictures [h, w] or [h, w, 3], uint8."""
        pixels = np.stack([resize(p, self.width, self.height, self.channels) for p in pictures])
        mean, std = np.float32(self.mean), np.float32(self.std)
        return (pixels.astype(np.float32) / np.float32(255) - mean) / std


@dataclass(frozen=True)
class SpectrogramFeatures:
    """Log spectrogram (`mel` False: FFT bins 0..<bands) or log mel spectrogram of 16-bit PCM."""

    sample_rate: int
    window: int
    frame: int
    hop: int
    fft: int
    frames: int
    bands: int
    floor: float
    mean: float
    std: float
    center: bool
    mel: bool = False
    f_min: float = 0.0
    f_max: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.frames, self.bands, 1)

    def describe(self) -> dict:
        text = {"kind": "log_mel" if self.mel else "log_spectrogram"}
        keys = ["sample_rate", "window", "frame", "hop", "fft", "frames", "bands"]
        keys += ["f_min", "f_max"] if self.mel else []
        return text | {k: getattr(self, k) for k in [*keys, "floor", "mean", "std", "center"]}

    def compute(self, sounds: list[NDArray[np.int16]]) -> FloatArray:
        """[N, frames, bands, 1] from PCM; each sound is first cut or centred to the window."""
        pcm = np.stack([fit_window(s, self.window) for s in sounds]).astype(np.float32)
        pcm *= np.float32(1 / 32768)
        starts = np.arange(self.frames) * self.hop
        view = np.lib.stride_tricks.sliding_window_view(pcm, self.frame, axis=1)[:, starts]
        framed = view * hann(self.frame)
        spectrum = scipy.fft.rfft(framed, self.fft, axis=2)
        power = spectrum.real**2 + spectrum.imag**2
        if self.mel:
            power = power @ mel_weights(self.sample_rate, self.fft, self.bands, self.f_min, self.f_max)
        else:
            power = power[:, :, : self.bands]
        logs = np.log(power + np.float32(self.floor))
        if self.center:
            logs = logs - logs.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
        value = (logs - np.float32(self.mean)) / np.float32(self.std)
        return value[..., None].astype(np.float32)


@dataclass(frozen=True)
class VectorFeatures:
    """value = (x - mean) / std, element by element."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.mean),)

    def describe(self) -> dict:
        return {"kind": "vector", "length": len(self.mean), "mean": list(self.mean),
                "std": list(self.std)}

    def compute(self, vectors: list[FloatArray]) -> FloatArray:
        x = np.stack(vectors).astype(np.float32)
        return (x - np.float32(self.mean)) / np.float32(self.std)


Features = ImageFeatures | SpectrogramFeatures | VectorFeatures


def fit_window(pcm: NDArray[np.int16], window: int) -> NDArray[np.int16]:
    """A shorter sound centred in silence, a longer one cut around its middle (docs/model-format.md)."""
    n = len(pcm)
    if n >= window:
        start = (n - window) // 2
        return pcm[start : start + window]
    out = np.zeros(window, np.int16)
    start = (window - n) // 2
    out[start : start + n] = pcm
    return out


@cache
def hann(frame: int) -> FloatArray:
    """Periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)


@cache
def mel_weights(rate: int, fft: int, bands: int, f_min: float, f_max: float) -> FloatArray:
    """[fft/2+1, bands] triangles of height 1, corners equally spaced on the HTK mel scale, linear in Hz."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (f_min, f_max))
    corners = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    hertz = np.arange(fft // 2 + 1)[:, None] * (rate / fft)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (hertz - left) / (centre - left)
    falling = (right - hertz) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def resize(picture: NDArray[np.uint8], width: int, height: int, channels: int) -> NDArray[np.uint8]:
    """[height, width, channels]: crop, exact area average with halves up, then grey or repetition.

    The crop is the largest centred one of the target's aspect ratio; its edges may cut through pixels.
    """
    if picture.ndim == 2:
        picture = picture[:, :, None]
    source_height, source_width, source_channels = picture.shape
    wide = source_width * height > source_height * width
    side = (source_height, height) if wide else (source_width, width)
    if side[0] == side[1] and (source_width - width) % 2 == 0 and (source_height - height) % 2 == 0:
        y, x = (source_height - height) // 2, (source_width - width) // 2
        pixels = picture[y : y + height, x : x + width].astype(np.int64)
    else:
        rows = _overlaps(source_height, height, *side)
        columns = _overlaps(source_width, width, *side)
        sums = np.einsum("iyc,jy->ijc", np.einsum("xyc,ix->iyc", picture.astype(np.int64), rows), columns)
        area = (2 * side[0]) ** 2
        pixels = (2 * sums + area) // (2 * area)
    if channels == 1 and source_channels == 3:
        pixels = (pixels @ np.array([77, 150, 29]) + 128)[:, :, None] >> 8
    elif channels == 3 and source_channels == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return pixels.astype(np.uint8)


@cache
def _overlaps(source: int, target: int, side: int, cells: int) -> NDArray[np.int64]:
    """[target, source]: how far each source pixel lies in each cell; `cells` cells are `side` pixels long.

    In units of which a pixel has 2 * cells and a cell 2 * side, so that every edge is a whole number.
    """
    pixel, cell = 2 * cells, 2 * side
    start = (source * cells - side * target) + np.arange(target)[:, None] * cell
    left = np.arange(source)[None] * pixel
    return np.maximum(0, np.minimum(start + cell, left + pixel) - np.maximum(start, left))

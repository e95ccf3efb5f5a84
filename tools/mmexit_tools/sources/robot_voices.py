"""Levels, the audible part and the room of a sound; float32 at 16 kHz throughout."""

from __future__ import annotations

import numpy as np
from scipy import signal

from .robot_sounds import RATE
from .surroundings import Clip, FloatArray

Random = np.random.Generator


def decibel(value: float) -> float:
    """As a factor of amplitude."""
    return float(10 ** (value / 20))


def loudness(sound: FloatArray) -> float:
    """Root mean square of the loudest quarter second."""
    frame = RATE // 4
    if len(sound) < frame:
        sound = np.pad(sound, (0, frame - len(sound)))
    power = np.convolve(np.add.reduceat(sound.astype(np.float64) ** 2, np.arange(0, len(sound), 400)), np.ones(10),
                        "valid")
    return float(np.sqrt(max(1e-12, power.max() / frame)))


def audible(word: FloatArray, below: float = 30.0) -> tuple[int, int]:
    """First and last sample of what is within `below` dB of the word's loudest part, in steps of 10 ms."""
    step = RATE // 100
    power = np.add.reduceat(word.astype(np.float64) ** 2, np.arange(0, len(word), step))
    smooth = np.convolve(power, np.ones(3) / 3, "same")
    # A noisy recording's own floor must not count as speech.
    limit = max(smooth.max() * 10 ** (-below / 10), 4 * float(np.percentile(smooth, 10)))
    loud = np.flatnonzero(smooth >= min(limit, smooth.max() / 2))
    return max(0, int(loud[0]) - 2) * step, min(len(word), (int(loud[-1]) + 3) * step)


def reverberant(sound: FloatArray, echo: Clip | None) -> FloatArray:
    """In the room of an impulse response, with its tail; as loud as before."""
    if echo is None:
        return sound
    out = signal.fftconvolve(sound, echo.values).astype(np.float32)
    return out * np.float32(loudness(sound) / loudness(out))

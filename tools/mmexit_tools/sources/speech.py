"""Digits spoken by espeak-ng."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from functools import cache

import numpy as np

from ..base.errors import UNAVAILABLE, ToolError
from ..base.readers import PCM, resample

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TRAINING_VOICES = ("en-us", "en-us+m1", "en-us+m2", "en-us+m4", "en-gb+m6", "en-us+f1", "en-us+f4",
                   "en-gb+f5", "en-gb", "en-gb-scotland+m8")
"""Voices that training may hear; the shipped recording is spoken by others (DEMO_VOICES)."""
DEMO_VOICES = ("en-us+m3", "en-us+m7", "en-gb+m5", "en-us+f2", "en-gb+f3")


def available() -> bool:
    return shutil.which("espeak-ng") is not None


def version() -> str:
    """First line of `espeak-ng --version`, without the data path."""
    if not available():
        raise ToolError("espeak-ng is not installed: apt install espeak-ng", UNAVAILABLE)
    text = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    return text.split("Data at")[0].strip()


@cache
def speak(word: str, voice: str, speed: int, pitch: int, rate: int) -> PCM:
    """The word as PCM, silence at both ends cut off. `speed` in words a minute, `pitch` 0...99."""
    if not available():
        raise ToolError("espeak-ng is not installed: apt install espeak-ng", UNAVAILABLE)
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), "-p", str(pitch), word]
    run = subprocess.run(command, capture_output=True, check=False)
    if run.returncode != 0 or len(run.stdout) <= 44:
        raise ToolError(f"espeak-ng -v {voice}: {run.stderr.decode(errors='replace').strip()}")
    with wave.open(io.BytesIO(run.stdout)) as reader:  # a streamed header states no true length
        source, start = reader.getframerate(), 44
    pcm = np.frombuffer(run.stdout[start : start + (len(run.stdout) - start) // 2 * 2], "<i2")
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 200)
    if len(loud) == 0:
        raise ToolError(f"espeak-ng -v {voice} spoke nothing for '{word}'")
    return resample(pcm[loud[0] : loud[-1] + 1], source, rate)


@cache
def training_bank(rate: int) -> tuple[tuple[PCM, ...], ...]:
    """Takes of every digit by the training voices; empty when espeak-ng is absent."""
    return takes(TRAINING_VOICES, rate)


def takes(voices: tuple[str, ...], rate: int) -> tuple[tuple[PCM, ...], ...]:
    """Three takes of every digit by each voice; empty when espeak-ng is absent."""
    if not available():
        return tuple(() for _ in WORDS)
    settings = ((130, 35), (160, 50), (190, 65))
    return tuple(tuple(speak(w, v, s, p, rate) for v in voices for s, p in settings) for w in WORDS)

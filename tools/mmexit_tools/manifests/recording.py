"""The recording that ships with the project: digits spoken by espeak-ng and written by this script, no data set.

    python -m mmexit_tools.manifests.recording --out ../config/recordings/demo

About a minute at 8 kHz and 4 pictures a second. An item lasts two seconds: the digit is shown throughout and spoken
in the middle of each second. Items go from easy to hard: clean picture and voice; energy removed from the picture
by avmnist's stored basis; noise in the sound; no picture; no word. The same seed and espeak-ng give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import USAGE, ToolError, exit_with, say
from ..base.readers import PCM, wav_bytes
from ..sources import drawing, speech
from ..tasks import avmnist

RATE = avmnist.RATE
ITEM_SECONDS = 2
FRAMES_PER_SECOND = 4
ZOOM = 2
"""A picture is 28x28 cells, each shown as ZOOM x ZOOM pixels, which the image feature averages back exactly."""


@dataclass(frozen=True)
class Difficulty:
    """`energy`: share of the picture's energy kept, None for a blank picture; `snr`: speech against noise in dB,
    None for noise without a word."""

    name: str
    energy: float | None
    snr: float | None


EASY = Difficulty("easy", 1.0, 30.0)
FADED = Difficulty("faded picture", 0.6, 25.0)
ERASED = Difficulty("erased picture", 0.25, 20.0)
NOISY = Difficulty("erased picture, some noise", 0.25, 0.0)
HARD = Difficulty("erased picture, loud noise", 0.25, -10.0)
BLIND = Difficulty("no picture", None, 25.0)
MUTE = Difficulty("no word", 0.5, None)
PLAN = (EASY, EASY, EASY, EASY, EASY, FADED, EASY, FADED, EASY, BLIND, FADED, EASY, ERASED, MUTE, ERASED, EASY,
        ERASED, BLIND, ERASED, ERASED, NOISY, EASY, NOISY, ERASED, BLIND, NOISY, MUTE, HARD, NOISY, HARD)


def noise(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Noise of root mean square 1 whose level wanders and whose power falls with frequency, like a room's."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum *= 1 / np.sqrt(1 + (np.arange(len(spectrum)) * (RATE / samples) / 400) ** 1.5)
    shaped = np.fft.irfft(spectrum, samples)
    return shaped / np.sqrt(np.mean(shaped**2))


def second_of_sound(digit: int, snr: float | None, voice: str, rng: np.random.Generator) -> PCM:
    """One second with the word in its middle, over noise."""
    background = noise(rng, RATE)
    speed, pitch = int(rng.integers(130, 185)), int(rng.integers(35, 70))
    if snr is None:
        return np.rint(0.02 * 32767 * background).astype(np.int16)
    word = speech.speak(speech.WORDS[digit], voice, speed, pitch, RATE).astype(np.float64)[:RATE]
    word /= np.sqrt(np.mean(word**2))
    total = background * 10 ** (-snr / 20)
    start = (RATE - len(word)) // 2
    total[start : start + len(word)] += word
    return np.rint(total * (0.6 * 32767 / np.abs(total).max())).astype(np.int16)


def picture(digit: int, energy: float | None, rng: np.random.Generator) -> NDArray[np.uint8]:
    """[28 * ZOOM, 28 * ZOOM] grey."""
    if energy is None:
        small = np.full((28, 28), 32, np.uint8)
    else:
        small = avmnist.picture(drawing.draw(digit, rng, jitter=0.7), energy).pixels
    return np.kron(small, np.ones((ZOOM, ZOOM), np.uint8))


@dataclass(frozen=True)
class Recorded:
    """The files of a recording by name."""

    files: dict[str, bytes]


def make(seed: int) -> Recorded:
    rng = np.random.default_rng([seed, 7301])
    sounds: list[PCM] = []
    frames: list[NDArray[np.uint8]] = []
    labels = io.StringIO()
    table = csv.writer(labels, lineterminator="\n")
    table.writerow(["start", "end", "label"])
    digits: list[int] = []
    while len(digits) < len(PLAN):
        digits += rng.permutation(10).tolist()
    for item, (difficulty, digit) in enumerate(zip(PLAN, digits, strict=False)):
        voice = speech.DEMO_VOICES[int(rng.integers(len(speech.DEMO_VOICES)))]
        shown = picture(digit, difficulty.energy, rng)
        for _ in range(ITEM_SECONDS):
            sounds.append(second_of_sound(digit, difficulty.snr, voice, rng))
        frames += [shown] * (ITEM_SECONDS * FRAMES_PER_SECOND)
        start = item * ITEM_SECONDS
        table.writerow([start, start + ITEM_SECONDS, avmnist.CLASSES[digit]])
    description = {
        "format": 1, "name": "demo", "sensors": [
            {"name": "audio", "kind": "sound", "file": "audio.wav"},
            {"name": "image", "kind": "image", "file": "image.y4m"}],
        "labels": "labels.csv",
    }
    return Recorded({
        "recording.json": (json.dumps(description, indent=2) + "\n").encode(),
        "audio.wav": wav_bytes(np.concatenate(sounds), RATE), "image.y4m": y4m_bytes(frames, FRAMES_PER_SECOND),
        "labels.csv": labels.getvalue().encode(),
    })


def y4m_bytes(frames: list[NDArray[np.uint8]], rate: int) -> bytes:
    """Grey YUV4MPEG2, full range."""
    height, width = frames[0].shape
    head = f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 Cmono XCOLORRANGE=FULL\n".encode()
    return head + b"".join(b"FRAME\n" + f.tobytes() for f in frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.seed < 0:
        raise ToolError("--seed must be at least 0", USAGE)
    made = make(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, content in made.files.items():
        (args.out / name).write_bytes(content)
    total = sum(len(c) for c in made.files.values())
    say(f"{args.out}: {len(PLAN)} items, {len(PLAN) * ITEM_SECONDS} s, {total:,} bytes, {speech.version()}")


if __name__ == "__main__":
    exit_with(main)

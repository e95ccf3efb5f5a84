"""The sound of a planned stream: a room's own hush, people who talk, noises, and the words of the commands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..sources.robot_data import Material
from ..sources.robot_sounds import RATE, to_pcm
from ..sources.robot_voices import audible, decibel, loudness, reverberant
from ..sources.surroundings import Clip, FloatArray, Surroundings
from .plans import HAND, Plan, Stretch

USUAL = 0.1
"""Level of a word spoken near by: root mean square of its loudest quarter second, of full scale."""
HUSH = (-72.0, -52.0)
"""dB of full scale: root mean square of a room in which nothing is heard."""
BURST = (-3.0, 6.0)
"""dB above a usual speaking level."""
FADE = RATE // 50


@dataclass(frozen=True)
class Heard:
    """`spans`: first and last audible second of each command's word (None where none is spoken); `above`: how loud
    its loudest quarter second is above that of all else in its span, dB; `names`: whose recordings were used."""

    pcm: NDArray[np.int16]
    spans: tuple[tuple[float, float] | None, ...]
    names: frozenset[str]
    above: tuple[float | None, ...] = ()


def render(rng: np.random.Generator, plan: Plan, source: Material, around: Surroundings) -> Heard:
    """The whole stream; a stretch for which the data have nothing stays silent."""
    total = round(plan.seconds * RATE)
    sound = hush(rng, total)
    names: set[str] = set()
    echo = _one(rng, around.echoes, names) if around.echoes and rng.random() < 0.7 else None
    low, high = plan.scene.below
    middle = USUAL * decibel((plan.scene.words[0] + plan.scene.words[1]) / 2)
    for stretch in plan.of("talk"):
        if around.talk:
            level = middle * decibel(-rng.uniform(low, high))
            _add(sound, stretch, _talk(rng, stretch, around, names), level)
    for stretch in plan.of("steady", "burst"):
        if around.noises:
            steady = stretch.kind == "steady"
            level = middle * decibel(-rng.uniform(low, high)) if steady else USUAL * decibel(rng.uniform(*BURST))
            _add(sound, stretch, _looped(rng, _one(rng, around.noises, names), length(stretch)), level)
    spans: list[tuple[float, float] | None] = []
    above: list[float | None] = []
    for command in plan.commands:
        if command.way == HAND or not (clips := words(command.label, source, around)):
            spans.append(None)
            above.append(None)
            continue
        word = clips[rng.integers(len(clips))]
        names.add(f"speaker {word.who}" if word.who else "speakers of the split")
        room = command.end - command.start
        at = command.start + (rng.uniform(0.0, max(0.0, room - 1.2)) if room > 1 else 0.0)
        said = word.values.astype(np.float32)
        first, last = audible(said)
        said = said[first:last] * (USUAL * decibel(rng.uniform(*plan.scene.words)) / loudness(said))
        begin, said = round(at * RATE), reverberant(said, echo)
        others = loudness(sound[begin : begin + last - first])
        above.append(round(float(20 * np.log10(loudness(said) / others)), 1))
        _put(sound, begin, said)
        spans.append((round(at, 2), round(at + (last - first) / RATE, 2)))
    return Heard(to_pcm(sound), tuple(spans), frozenset(names), tuple(above))


def words(label: str, source: Material, around: Surroundings) -> list[Clip]:
    """Everybody of the split who says it; clips of `Material` come without names."""
    return [*(Clip("", label, w) for w in source.words[label]), *around.words[label]]


def hush(rng: np.random.Generator, total: int) -> FloatArray:
    """Faint noise whose power falls with frequency; made in pieces, so that hours need little memory."""
    coefficients = signal.butter(1, rng.uniform(300, 3000) / (RATE / 2))
    white = rng.standard_normal(total, np.float32)
    low = signal.lfilter(*coefficients, white).astype(np.float32)
    low += np.float32(0.1) * white
    return low * np.float32(decibel(rng.uniform(*HUSH)) / (np.sqrt(np.mean(low**2)) + 1e-12))


def length(stretch: Stretch) -> int:
    return round((stretch.end - stretch.start) * RATE)


def _one(rng: np.random.Generator, clips: list[Clip], names: set[str]) -> Clip:
    clip = clips[rng.integers(len(clips))]
    names.add(f"{clip.kind} {clip.who}")
    return clip


def _talk(rng: np.random.Generator, stretch: Stretch, around: Surroundings, names: set[str]) -> FloatArray:
    """One talker, somewhere in a room, for the whole stretch."""
    clip = _one(rng, around.talk, names)
    cut = _looped(rng, clip, length(stretch))
    if around.echoes and rng.random() < 0.7:
        cut = reverberant(cut, _one(rng, around.echoes, names))[: len(cut)]
    return cut


def _looped(rng: np.random.Generator, clip: Clip, count: int) -> FloatArray:
    """`count` samples from a random place of the clip, over and over where it is shorter."""
    start = int(rng.integers(len(clip.values)))
    return np.take(clip.values, np.arange(start, start + count), mode="wrap").astype(np.float32)


def _add(sound: FloatArray, stretch: Stretch, cut: FloatArray, level: float) -> None:
    fade = min(FADE, len(cut) // 2)
    if fade:
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        cut[:fade] *= ramp
        cut[len(cut) - fade :] *= ramp[::-1]
    _put(sound, round(stretch.start * RATE), cut * np.float32(level / loudness(cut)))


def _put(sound: FloatArray, at: int, cut: FloatArray) -> None:
    end = min(len(sound), at + len(cut))
    sound[at:end] += cut[: end - at]

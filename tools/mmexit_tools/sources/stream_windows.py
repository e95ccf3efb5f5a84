"""Windows as a stream brings them, for training: words near a window's edge or cut by it, running talk, noises, rooms
with an echo; hands before real rooms, and real rooms without one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from .robot_data import COMMANDS, NONE, Material
from .robot_pictures import composite
from .robot_scenes import HEIGHT, WIDTH, camera, light
from .robot_sounds import WINDOW, made_noise, other_word, room
from .robot_voices import Random, audible, decibel, loudness, reverberant
from .surroundings import Clip, FloatArray, Surroundings

USUAL = 0.1
"""Level of a word spoken near by, root mean square of its loudest quarter second."""
WHOLE, CUT = 0.93, 0.5
"""A word of which at least WHOLE is in the window is said in it; one of which at most CUT is, is not. Between them
nobody can say, and nothing is learned."""
NOTHING = {"talk": 0.34, "word": 0.14, "cut": 0.16, "made": 0.06, "noise": 0.18, "hush": 0.12}
"""What is heard in windows without a command, as shares."""


def sound(rng: Random, voice: str, source: Material, around: Surroundings) -> FloatArray:
    """One second in which `voice` is said, or nothing of meaning where it is `none`."""
    if voice != NONE:
        return _said(rng, _any(rng, source.words[voice], around.words[voice]), around)
    kind = str(rng.choice(list(NOTHING), p=list(NOTHING.values())))
    commands = [c for c in COMMANDS if source.words[c] or around.words[c]]
    label = str(rng.choice(commands)) if commands else NONE
    match kind:
        case "talk" if around.talk:
            clip = around.talk[rng.integers(len(around.talk))].values
            cut = echoing(rng, _piece(rng, clip), around)[:WINDOW]
            sound = cut * (USUAL * decibel(rng.uniform(-30, 4)) / (loudness(cut) + 1e-9))
            return _captured(rng, _noisy(rng, sound, around, 0.3))
        case "word" if source.others or around.others:
            return _said(rng, _any(rng, source.others, around.others), around, (0.0, 1.0))
        case "cut" if label != NONE:
            return _said(rng, _any(rng, source.words[label], around.words[label]), around, (0.05, CUT))
        case "made" if label != NONE:
            words = [_any(rng, source.words[c], around.words[c]) for c in rng.choice(commands, 2)]
            return _said(rng, other_word(rng, words), around)
        case "noise":
            cut = _noise(rng, around)
            if rng.random() < 0.3:
                cut = cut + _noise(rng, around) * rng.uniform(0.1, 1)
            return _captured(rng, cut * np.float32(USUAL * decibel(rng.uniform(-34, 4))))
    return _captured(rng, made_noise(rng) * np.float32(decibel(rng.uniform(-85, -40))))


def placing(rng: Random, length: int, inside: tuple[float, float]) -> int:
    """Where a word of `length` samples begins so that a share between `inside`'s two of it is in the window."""
    low, high = inside
    share = float(rng.uniform(low, high))
    out = round((1 - share) * length)
    if rng.random() < 0.5:
        return -out if share < 1 else int(rng.integers(max(1, WINDOW - length)))
    return WINDOW - length + out


def _said(
    rng: Random, word: np.ndarray, around: Surroundings, inside: tuple[float, float] = (WHOLE, 1.0)
) -> FloatArray:
    word = paced(word.astype(np.float32), float(np.exp(rng.uniform(-0.15, 0.15))))
    first, last = audible(word)
    word = word[first:last]
    if inside[0] >= WHOLE:
        slack = round((1 - WHOLE) * len(word))
        # A word longer than the window fills it; its ends are lost on both sides.
        low, high = sorted((-slack, WINDOW - len(word) + slack))
        start = int(rng.integers(low, high + 1))
    else:
        start = placing(rng, len(word), inside)
    word = word * np.float32(USUAL * decibel(rng.uniform(-20, 5)) / (loudness(word) + 1e-9))
    word = echoing(rng, word, around)
    out = np.zeros(WINDOW, np.float32)
    low, high = max(0, start), min(WINDOW, start + len(word))
    if high > low:
        out[low:high] = word[low - start : high - start]
    return _captured(rng, _noisy(rng, out, around, 0.75))


def _noisy(rng: Random, sound: FloatArray, around: Surroundings, share: float) -> FloatArray:
    """With something else behind it: noise 0 to 28 dB below it, or talk 4 to 24; always with a room's hush."""
    hush = made_noise(rng) * np.float32(decibel(rng.uniform(-80, -55)))
    draw = rng.random()
    if draw >= share:
        return sound + hush
    level = loudness(sound)
    if around.talk and draw < share * 0.35:
        other = _piece(rng, around.talk[rng.integers(len(around.talk))].values)
        return sound + hush + other * np.float32(level * decibel(-rng.uniform(4, 24)) / (loudness(other) + 1e-9))
    return sound + hush + _noise(rng, around) * np.float32(level * decibel(-rng.uniform(0, 28)))


def _noise(rng: Random, around: Surroundings) -> FloatArray:
    """Root mean square 1."""
    if not around.noises or rng.random() < 0.2:
        return made_noise(rng)
    cut = _piece(rng, around.noises[rng.integers(len(around.noises))].values)
    size = float(np.sqrt(np.mean(cut**2)))
    return cut / np.float32(size) if size > 1e-5 else made_noise(rng)


def _piece(rng: Random, clip: np.ndarray) -> FloatArray:
    """One second from a random place, over and over where the clip is shorter."""
    start = int(rng.integers(max(1, len(clip) - WINDOW)))
    return np.take(clip, np.arange(start, start + WINDOW), mode="wrap").astype(np.float32)


def echoing(rng: Random, sound: FloatArray, around: Surroundings) -> FloatArray:
    """In a room of the data in half of all cases; a home or an office thrice as often as a hall."""
    if not around.echoes or rng.random() < 0.5:
        return sound
    small = [e for e in around.echoes if e.kind != "hall"]
    pick: Sequence[Clip] = small if small and rng.random() < 0.75 else around.echoes
    return reverberant(sound, pick[rng.integers(len(pick))])


def _captured(rng: Random, sound: FloatArray) -> FloatArray:
    """Through another microphone, in a made room now and then."""
    return room(rng, sound) if rng.random() < 0.4 else sound.astype(np.float32)


def paced(sound: FloatArray, speed: float) -> FloatArray:
    """`speed` times as fast, and as much higher."""
    return np.interp(np.arange(0, len(sound) - 1, speed), np.arange(len(sound)), sound).astype(np.float32)


def _any(rng: Random, own: list[np.ndarray], further: list[Clip]) -> np.ndarray:
    place = int(rng.integers(len(own) + len(further)))
    return own[place] if place < len(own) else further[place - len(own)].values


def picture(rng: Random, hand: str, source: Material, around: Surroundings) -> np.ndarray:
    """A real room, uint8 [HEIGHT, WIDTH, 3], with `hand` signed before it, or without a sign where it is `none`."""
    cut = [p.hand for p in source.photos[hand] if p.hand is not None] if hand != NONE else []
    strange = around.strange_hands if not cut and rng.random() < 0.15 else []
    clips = strange or around.photos
    background = _nearer(rng, clips[rng.integers(len(clips))].values)
    if cut:
        background = composite(rng, background, cut[rng.integers(len(cut))])  # type: ignore[arg-type]
    return camera(rng, light(rng, background))


def _nearer(rng: Random, pixels: np.ndarray) -> np.ndarray:
    """A part of a photo, mirrored now and then; float32 of the same size."""
    share = float(rng.uniform(0.6, 1.0))
    left, top = rng.uniform(0, 1 - share, 2) * (WIDTH, HEIGHT)
    box = (left, top, left + share * WIDTH, top + share * HEIGHT)
    part = np.asarray(Image.fromarray(pixels).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=box))
    return (part[:, ::-1] if rng.random() < 0.5 else part).astype(np.float32)

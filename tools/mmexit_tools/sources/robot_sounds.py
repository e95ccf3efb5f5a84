"""Microphone windows of the robot-command task: a word spoken in a noisy room, or a room without a command.

Every function returns float32 PCM in -1...1; `to_pcm` makes int16 of it.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

RATE = 16_000
WINDOW = 16_000
Random = np.random.Generator


def to_pcm(sound: np.ndarray) -> np.ndarray:
    """int16, clipped as a microphone clips."""
    return np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)


def spoken(rng: Random, word: np.ndarray, noises: list[np.ndarray], augment: bool = True) -> np.ndarray:
    """A window with `word` (PCM) in it: `augment` also changes its speed and brings it further aside."""
    word = word.astype(np.float32)
    if augment:
        word = _resampled(word, float(np.exp(rng.uniform(-0.12, 0.12))))
    reach = 2400 if augment else 1600
    sound = _placed(word, int(rng.integers(-reach, reach + 1)))
    if rng.random() < 0.6:
        sound = room(rng, sound)
    level = _loudness(sound)
    if rng.random() < 0.8:
        ratio = rng.uniform(-5, 30) if rng.random() < 0.5 else rng.uniform(5, 30)
        sound = sound + noise(rng, noises) * (level * 10 ** (-ratio / 20))
    return _gain(rng, sound, level, -20, 6)


def unspoken(
    rng: Random,
    words: list[np.ndarray],
    noises: list[np.ndarray],
    silences: list[np.ndarray],
    speech: float = 0.33,
    silence: float = 0.27,
) -> np.ndarray:
    """A window without a command: another word with probability `speech`, near silence with `silence`, else noise."""
    draw = rng.random()
    if words and draw < speech:
        return spoken(rng, words[rng.integers(len(words))], noises)
    if draw < speech + silence:
        if silences and rng.random() < 0.5:
            sound = _placed(silences[rng.integers(len(silences))].astype(np.float32), 0)
        else:
            sound = made_noise(rng)
        return sound / (np.sqrt(np.mean(sound**2)) + 1e-9) * 10 ** (rng.uniform(-85, -45) / 20)
    sound = noise(rng, noises)
    if rng.random() < 0.25:
        sound = sound + noise(rng, noises) * rng.uniform(0.1, 1)
    return _gain(rng, room(rng, sound) if rng.random() < 0.3 else sound, 1.0, -34, -6)


def noise(rng: Random, noises: list[np.ndarray]) -> np.ndarray:
    """One window of noise with a root mean square of 1: a recording's cut or, now and then, made noise."""
    if not noises or rng.random() < 0.2:
        cut = made_noise(rng)
    else:
        clip = noises[rng.integers(len(noises))]
        start = int(rng.integers(0, max(1, len(clip) - WINDOW)))
        cut = _placed(clip[start : start + WINDOW].astype(np.float32), 0)
        cut = cut * (1 if rng.random() < 0.5 else -1)
    size = float(np.sqrt(np.mean(cut**2)))
    if size < 1e-5:
        cut, size = made_noise(rng), 1.0
    return cut / size


def made_noise(rng: Random) -> np.ndarray:
    """Coloured noise, hum, clicks or a wandering tone (motors, fans, beeps), root mean square 1."""
    kind = rng.random()
    frequency = np.fft.rfftfreq(WINDOW, 1 / RATE)
    if kind < 0.6:
        slope = rng.uniform(-0.2, 1.3)
        spectrum = rng.normal(0, 1, len(frequency)) + 1j * rng.normal(0, 1, len(frequency))
        sound = np.fft.irfft(spectrum * _tilt(rng, frequency) / np.maximum(frequency, 30) ** slope, WINDOW)
        if rng.random() < 0.3:
            pulse = 1 + rng.uniform(0, 0.9) * np.sin(np.arange(WINDOW) / RATE * 2 * np.pi * rng.uniform(0.5, 30))
            sound = sound * pulse
    elif kind < 0.85:  # motor hum: harmonics of one pitch that drifts
        pitch = rng.uniform(45, 600) * np.exp(np.linspace(0, rng.normal(0, 0.15), WINDOW))
        phase = np.cumsum(pitch) / RATE * 2 * np.pi
        sound = sum(np.sin(k * phase + rng.uniform(0, 6)) * rng.uniform(0.1, 1) / k for k in range(1, 9))
        sound = sound + rng.normal(0, rng.uniform(0.01, 0.5), WINDOW)
    else:
        sound = np.zeros(WINDOW)
        for _ in range(int(rng.integers(1, 9))):
            at, length = int(rng.integers(WINDOW)), int(rng.integers(20, 2500))
            hit = rng.normal(0, 1, length) * np.exp(-np.arange(length) / length * 5)
            sound[at : at + length] += hit[: WINDOW - at]
        sound = sound + rng.normal(0, 0.01, WINDOW)
    return (sound / (np.sqrt(np.mean(np.square(sound))) + 1e-9)).astype(np.float32)


def room(rng: Random, sound: np.ndarray) -> np.ndarray:
    """A microphone's tilt and a room's decaying echo, as one filter in the frequency domain; level kept.

    At least WINDOW samples come back: a shorter sound goes on with its echo."""
    count = max(WINDOW, len(sound))
    size = 2 * count
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    response = _tilt(rng, frequency).astype(np.complex64)
    if rng.random() < 0.6:
        length = int(rng.uniform(0.03, 0.35) * RATE)
        tail = rng.normal(0, 1, length) * np.exp(-np.arange(length) / length * 6.9)
        tail *= rng.uniform(0.1, 1.0) / np.sqrt(np.sum(tail**2))
        tail[0] += 1
        response = response * np.fft.rfft(tail, size)
    out = np.fft.irfft(np.fft.rfft(sound, size) * response, size)[:count]
    before, after = np.sqrt(np.mean(sound**2)), np.sqrt(np.mean(out**2)) + 1e-12
    return (out * (before / after)).astype(np.float32)


def other_word(rng: Random, commands: list[np.ndarray]) -> np.ndarray:
    """A word that is none: a command backwards, or the first half of one and the second half of another."""
    first = commands[rng.integers(len(commands))]
    if rng.random() < 0.4:
        return first[::-1]
    second = commands[rng.integers(len(commands))]
    a, b = _middle(first), _middle(second)
    fade = np.linspace(1, 0, 400, dtype=np.float32)
    head, tail = first[: a + 200].astype(np.float32), second[b - 200 :].astype(np.float32)
    if len(head) < 400 or len(tail) < 400:
        return first[::-1]
    head[-400:] = head[-400:] * fade + tail[:400] * fade[::-1]
    return np.concatenate([head, tail[400:]])


def _middle(word: np.ndarray) -> int:
    """The sample that halves the word's energy."""
    energy = np.cumsum(np.square(word.astype(np.float32)))
    return int(np.clip(np.searchsorted(energy, energy[-1] / 2), 400, len(word) - 400))


def _tilt(rng: Random, frequency: np.ndarray) -> np.ndarray:
    """A smooth random gain curve over frequency, +-8 dB about, with a cheap microphone's low cut now and then."""
    knots = np.array([0, 150, 400, 1000, 2200, 4000, 8001])
    curve = 10 ** (np.interp(frequency, knots, rng.normal(0, 4, len(knots))) / 20)
    if rng.random() < 0.3:
        curve = curve / (1 + (rng.uniform(80, 300) / np.maximum(frequency, 1)) ** 2)
    if rng.random() < 0.15:
        curve = curve / (1 + (frequency / rng.uniform(3500, 7000)) ** 6)
    return curve


def _resampled(sound: np.ndarray, speed: float) -> np.ndarray:
    positions = np.arange(0, len(sound) - 1, speed)
    return np.interp(positions, np.arange(len(sound)), sound).astype(np.float32)


def _placed(sound: np.ndarray, shift: int) -> np.ndarray:
    """The sound's middle `shift` samples after the window's, cut or padded with silence."""
    out = np.zeros(WINDOW, np.float32)
    start = (WINDOW - len(sound)) // 2 + shift
    low, high = max(0, start), min(WINDOW, start + len(sound))
    if high > low:
        out[low:high] = sound[low - start : high - start]
    return out


def _loudness(sound: np.ndarray) -> float:
    """Root mean square of the loudest quarter second: what counts as the word's level."""
    power = signal.oaconvolve(np.square(sound), np.full(4000, 1 / 4000, np.float32), mode="valid")
    return float(np.sqrt(max(1e-10, power.max())))


def _gain(rng: Random, sound: np.ndarray, level: float, low: float, high: float) -> np.ndarray:
    """Brings a sound of the given level to `low`...`high` dB about a usual speaking level (0.1 of full scale)."""
    return sound / level * (0.1 if level != 1.0 else 1.0) * 10 ** (rng.uniform(low, high) / 20)

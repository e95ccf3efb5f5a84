"""Parts of sounds as mel power: words, talk, noises. Powers of sounds that know nothing of each other add up.

Everything is in frames of the task's spectrogram, before its logarithm: float16 [.., frames, bands], at the power
that a sound of level USUAL has. A batch scales and adds them (`sounds`), 100 times faster than filtering sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft

from ..base.arrays import told_apart
from ..signals.features import hann, mel_weights
from ..sources.robot_data import CLASSES, COMMANDS, NONE, material
from ..sources.robot_sounds import made_noise, room
from ..sources.robot_voices import Random, audible, loudness
from ..sources.stream_windows import USUAL, echoing, paced
from ..sources.surroundings import FloatArray, Surroundings, surroundings
from ..synthetic.speaking import TALK, Spoken, read
from ..tasks.robot_command import AUDIO
from .stored import stored

WORD_FRAMES = 80
"""Room for a slow word and its echo, 1.6 s."""
LARGEST = 60_000.0
"""float16 ends at 65,504."""
MADE = 1500
SPOKEN_COMMANDS, SPOKEN_OTHERS = 4, 2
"""Variants of a synthetic speaker's word, command or other."""


@dataclass(frozen=True)
class SoundBank:
    """`words` [n, WORD_FRAMES, bands] begin with one frame of hush; `labels` [n]; `lengths` [n] their audible frames.
    `talk` and `noise` [all frames, bands] are clips behind one another, which end at `talk_ends`, `noise_ends`;
    `made` [MADE, frames, bands]: coloured noise, hum, clicks."""

    words: np.ndarray
    labels: np.ndarray
    lengths: np.ndarray
    talk: np.ndarray
    talk_ends: np.ndarray
    noise: np.ndarray
    noise_ends: np.ndarray
    made: np.ndarray


def sound_bank(work: Path, data: Path, split: str, variants: int, seed: int,
               spoken: Sequence[Path] = ()) -> SoundBank:
    """From the work folder, made first where it is not there yet: `variants` of every word, a few minutes. `spoken`:
    files of synthetic speakers, whose words and talk are added."""
    clips = [clip for path in spoken for clip in read(path)]
    more = f"-{told_apart(spoken)}" if spoken else ""
    return SoundBank(**stored(work / f"sounds-{split}-{variants}-{seed}{more}.npz",
                              lambda: _made(data, split, variants, seed, clips)))


def mel_power(sound: FloatArray) -> FloatArray:
    """[frames, bands] of a sound of any length: `SpectrogramFeatures.compute` up to its logarithm."""
    frames = 1 + max(0, (len(sound) - AUDIO.frame) // AUDIO.hop)
    view = np.lib.stride_tricks.sliding_window_view(sound, AUDIO.frame)[:: AUDIO.hop][:frames]
    spectrum = scipy.fft.rfft(view * hann(AUDIO.frame), AUDIO.fft, axis=1)
    weights = mel_weights(AUDIO.sample_rate, AUDIO.fft, AUDIO.bands, AUDIO.f_min, AUDIO.f_max)
    return ((spectrum.real**2 + spectrum.imag**2) @ weights).astype(np.float32)


def _made(data: Path, split: str, variants: int, seed: int, spoken: Sequence[Spoken]) -> dict[str, np.ndarray]:
    source, around, rng = material(data, split), surroundings(data, split), np.random.default_rng([seed, 5])
    words: list[FloatArray] = []
    labels: list[int] = []
    lengths: list[int] = []
    said = {c: [*source.words[c], *(w.values for w in around.words[c])] for c in COMMANDS}
    said[NONE] = [*source.others, *(w.values for w in around.others)]
    each = [(label, recording, variants) for label, recordings in said.items() for recording in recordings]
    for clip in spoken:
        if clip.label != TALK:
            command = clip.label in COMMANDS
            each.append((clip.label if command else NONE, clip.sound, SPOKEN_COMMANDS if command else SPOKEN_OTHERS))
    for label, recording, times in each:
        for _ in range(times):
            power, length = _word(rng, recording, around)
            words.append(power)
            labels.append(CLASSES.index(label))
            lengths.append(length)
    people = [c.values for c in around.talk for _ in range(3)] + [c.sound for c in spoken if c.label == TALK]
    talk, talk_ends = _joined(_clip(rng, c, loudness, around) for c in people)
    noises = [*(c.values for c in around.noises), *source.noises]
    noise, noise_ends = _joined(_clip(rng, c, _size, None) for c in noises for _ in range(2))
    made = np.stack([_half(mel_power(np.pad(made_noise(rng), (0, 640), "wrap") * np.float32(USUAL)))[: AUDIO.frames]
                     for _ in range(MADE)])
    return {"words": np.stack(words), "labels": np.array(labels), "lengths": np.array(lengths), "talk": talk,
            "talk_ends": talk_ends, "noise": noise, "noise_ends": noise_ends, "made": made}


def _word(rng: Random, recording: np.ndarray, around: Surroundings) -> tuple[np.ndarray, int]:
    """The audible part at level USUAL, at another pace, in a room: (power, audible frames)."""
    word = paced(recording.astype(np.float32), float(np.exp(rng.uniform(-0.18, 0.18))))
    first, last = audible(word)
    word = word[first:last]
    length = len(word)
    word = word * np.float32(USUAL / (loudness(word) + 1e-9))
    # The echo's tail stays, 0.3 s of it; the hop's phase is by chance, as a window's is.
    before = AUDIO.frame + int(rng.integers(AUDIO.hop))
    word = np.pad(echoing(rng, word, around)[: length + 4800], (before, AUDIO.frame))
    power = mel_power(_captured(rng, word))[:WORD_FRAMES]
    padded = np.zeros((WORD_FRAMES, AUDIO.bands), np.float16)
    padded[: len(power)] = _half(power)
    return padded, min(WORD_FRAMES - 2, round(length / AUDIO.hop) + 1)


def _clip(rng: Random, clip: np.ndarray, level: Callable[[FloatArray], float],
          around: Surroundings | None) -> np.ndarray:
    sound = paced(clip.astype(np.float32), float(np.exp(rng.uniform(-0.15, 0.15))))
    sound = _captured(rng, echoing(rng, sound, around) if around else sound)
    if len(sound) < AUDIO.window + AUDIO.frame * 2:  # a window's frames must be in every clip
        sound = np.tile(sound, -(-(AUDIO.window + AUDIO.frame * 2) // len(sound)))
    return _half(mel_power(sound * np.float32(USUAL / (level(sound) + 1e-9))))


def _captured(rng: Random, sound: FloatArray) -> FloatArray:
    """Through another microphone, now and then."""
    return room(rng, sound).astype(np.float32) if rng.random() < 0.4 else sound


def _size(sound: FloatArray) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def _half(power: FloatArray) -> np.ndarray:
    return np.minimum(power, LARGEST).astype(np.float16)


def _joined(clips: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(all of them behind one another, where each ends); one silent clip where there is none."""
    parts = list(clips) or [np.zeros((AUDIO.frames + 1, AUDIO.bands), np.float16)]
    return np.concatenate(parts), np.cumsum([len(p) for p in parts])

"""Windows of avmnist as varied as a daemon's, of held-out material alone: to teach gain heads and choose thresholds.

The benchmark's windows are all hard. A daemon meets clean pictures and clear voices too, blank pictures, sound
without a word, and windows that lack a sensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from ..base.readers import PCM, read_sound
from ..signals.windows import Picture, Sound, Window
from ..sources import drawing, speech
from . import avmnist
from .avmnist import Bank

BENCHMARK = 0.35
"""Share of the pictures, and of the sounds, that are as hard as the benchmark's."""
NOTHING = 0.12
"""Share of the pictures that are blank, and of the sounds that hold no word."""
STEADY = 0.6
"""Share of the easier sounds whose noise is steady, as a room's is; the others have ESC-10's."""
MISSING = 0.12
"""Share of the windows that lack one of the two sensors."""
VOICES = {"validation": ("en-us+m8", "en-gb+m2", "en-gb+f1", "en-us+f5", "en-029"),
          "test": ("en-gb+m1", "en-us+m5", "en-gb+f4", "en-us+f3", "en-gb-x-rp")}
"""espeak-ng's, of which neither training nor the shipped recording has any."""
PROVENANCE = (f"of their pictures, and of their sounds, {BENCHMARK:.0%} are as hard as the benchmark's, "
              f"{NOTHING:.0%} blank or without a word; the others have 25-100 % of the energy kept and -18 to 25 dB "
              f"({STEADY:.0%} of those over steady noise), "
              "half of those digits drawn by the script, half of those words espeak-ng's or of Speech Commands' "
              f"speakers that training has not heard; {MISSING:.0%} of the windows lack a sensor")


def windows(data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
    """`count` windows of a held-out split (`validation`, `test`)."""
    source = avmnist.bank(data, split)
    others = other_words(data, split)
    rng = np.random.default_rng([seed, 7103])
    for i in avmnist.endless(len(source.labels), count, rng):
        window = _window(source, others, i, split, rng)
        if rng.random() < MISSING:
            del window.inputs[avmnist.MODALITIES[int(rng.integers(2))]]
        yield window


def teaching_windows(data: Path, count: int, seed: int) -> Iterator[Window]:
    """`count` windows as hard as the benchmark's that teach heads and judge nothing: validation's words with
    training's pictures and noises too, many more, which the network knows no better than new ones."""
    train, held_out = avmnist.bank(data, "train"), avmnist.bank(data, "validation")
    source = Bank(train.pictures, train.labels, held_out.words, train.noises + held_out.noises)
    rng = np.random.default_rng([seed, 7101])
    for i in avmnist.endless(len(source.labels), count, rng):
        yield avmnist.window(source, i, "train", "validation", rng)


def _window(source: Bank, others: tuple[tuple[PCM, ...], ...], i: int, split: str,
            rng: np.random.Generator) -> Window:
    label = int(source.labels[i])
    shown, picture = _picture(source, i, rng)
    sound, word = _sound(source, others[label], label, rng)
    groups = {k: f"{split} {v}" for k, v in (("picture", picture), ("word", word)) if v}
    return Window(avmnist.CLASSES[label], {"image": shown, "audio": sound}, groups=groups)


def _picture(source: Bank, i: int, rng: np.random.Generator) -> tuple[Picture, str]:
    """A picture, and of what it was made ("": of nothing that another window shares)."""
    kind = rng.random()
    if kind < NOTHING:
        return Picture(np.full((28, 28), 32, np.uint8)), ""
    pixels, name = source.pictures[i], str(i)
    if kind < NOTHING + BENCHMARK:
        return avmnist.picture(pixels, avmnist.ENERGY_KEPT), name
    if rng.random() < 0.5:
        pixels, name = drawing.draw(int(source.labels[i]), rng), ""
    energy = float(rng.uniform(avmnist.ENERGY_KEPT, 1.0)) if rng.random() < 0.6 else 1.0
    return avmnist.picture(pixels, energy), name


def _sound(source: Bank, others: tuple[PCM, ...], label: int, rng: np.random.Generator) -> tuple[Sound, str]:
    noise = avmnist.noise_cut(source.noises, rng)
    kind = rng.random()
    if kind < NOTHING:
        return avmnist.mix(None, noise, 0.0, rng), ""
    hard = kind < NOTHING + BENCHMARK
    own = source.words[label]
    take = int(rng.integers(len(own)))
    word, name = own[take], f"{label} {take}"
    if not hard and others and rng.random() < 0.5:
        which = int(rng.integers(len(others)))
        word, name = others[which], f"{label} other {which}"
    if not hard and rng.random() < STEADY:
        noise = coloured(rng)
    snr = avmnist.SNR_DECIBEL if hard else float(rng.uniform(-18, 25))
    return avmnist.mix(word, noise, snr, rng), name


def coloured(rng: np.random.Generator) -> np.ndarray:
    """One second of noise of root mean square 1 whose power falls with frequency, up to by its square."""
    spectrum = np.fft.rfft(rng.standard_normal(avmnist.RATE))
    bins = np.maximum(1, np.arange(len(spectrum)) / 50)
    sound = np.fft.irfft(spectrum * bins ** -float(rng.uniform(0, 1)), avmnist.RATE)
    return sound / np.sqrt(np.mean(sound**2))


@cache
def other_words(data: Path, split: str) -> tuple[tuple[PCM, ...], ...]:
    """Digits by voices and speakers that neither training nor the shipped recording has: of each ten, by split."""
    spoken = speech.takes(VOICES[split], avmnist.RATE)
    return tuple(a + b for a, b in zip(spoken, _commands(data, split), strict=True))


def _commands(data: Path, split: str) -> tuple[tuple[PCM, ...], ...]:
    """Speech Commands' digits in `gsc-more`, every second speaker for validation; none where the folder has none."""
    folder = data / "gsc-more"
    files = {w: sorted(folder.glob(f"{w}/*.flac")) for w in speech.WORDS}
    speakers = sorted({f.name.split("_")[0] for found in files.values() for f in found})
    mine = set(speakers[0 if split == "validation" else 1 :: 2])
    return tuple(tuple(avmnist.trim(read_sound(f, avmnist.RATE)) for f in files[w] if f.name.split("_")[0] in mine)
                 for w in speech.WORDS)

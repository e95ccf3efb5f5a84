"""avmnist, the paper's benchmark rebuilt: a spoken digit in noise and a handwritten one, mostly erased."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import NO_INPUT, ToolError, note
from ..base.readers import PCM, read_idx, read_sound
from ..model.cutting import with_exits
from ..model.layers import AveragePool, Conv, Flatten, Linear, MaxPool, Modality, Network, Segment
from ..signals.features import ImageFeatures, SpectrogramFeatures
from ..signals.windows import Picture, Sound, Window
from ..sources import drawing, pca, speech

CLASSES = tuple(str(d) for d in range(10))
NONE = None
MODALITIES = ("image", "audio")
RATE = 8000
ENERGY_KEPT = 0.25
SNR_DECIBEL = -22.0
"""Speech against noise, both by their root mean square: of the word's extent, of the whole window."""
EASIER = 0.25
"""Share of a training window's pictures, and of its sounds, that are easier than the benchmark's."""
BLANK = 0.03
"""Share of training pictures that are blank, and of training sounds that are noise only."""
RANGES = {"train": (0, 50_000), "validation": (50_000, 55_000), "test": (55_000, 60_000), "all": (0, 60_000)}
TAKES = {"train": (0, 35), "validation": (35, 40), "test": (40, 50), "all": (0, 10**9)}
FOLDS = {"train": (1, 2), "validation": (3,), "test": (4,), "all": (1, 2, 3, 4, 5)}
WORD_FILE = re.compile(r"^(\d)_(.+)_(\d+)\.(wav|flac|ogg)$", re.IGNORECASE)

PROVENANCE = {
    "image": "MNIST digit projected on the leading principal components of MNIST's first 50,000 pictures that "
             f"hold {ENERGY_KEPT:.0%} of their variance (the last one scaled to make the share exact: 75 % of the "
             "energy removed), rendered as round(32 + 0.75 v), 8 bits",
    "audio": "spoken digit of the same class (FSDD) at a random place in one second of 8 kHz sound, mixed with "
             f"ESC-10 noise at {SNR_DECIBEL:g} dB (rms of the word against rms of the noise), peak 0.7",
    "split": "MNIST 0-49,999 / 50,000-54,999 / 55,000-59,999; FSDD takes 0-34 / 35-39 / 40-49; ESC-10 folds "
             "1-2 / 3 / 4 for training / validation / test",
    "training": f"{EASIER:.0%} of training pictures and sounds are easier than the benchmark's (25-100 % of the "
                "energy kept; -6 to 25 dB), some of them digits spoken in Speech Commands or by espeak-ng and digits "
                f"drawn by the script; words are stretched by up to 15 %; {BLANK:.0%} are blank or noise only",
    "data": {
        "MNIST": "CC BY-SA 3.0 as commonly listed",
        "Free Spoken Digit Dataset": "CC BY-SA 4.0",
        "ESC-10 (part of ESC-50's ESC-10)": "CC BY 3.0, per clip",
        "Google Speech Commands v0.02 (spoken digits among _unknown_, training only)": "CC BY 4.0",
        "espeak-ng (synthetic speech, training only)": "output of GPL-3.0 software",
    },
}


@dataclass(frozen=True)
class Bank:
    """What one split of a folder offers."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    words: tuple[tuple[PCM, ...], ...]
    noises: tuple[PCM, ...]


@cache
def bank(data: Path, split: str) -> Bank:
    """Reads a split; where the folder has nothing of it (other people's data), all of that kind is used."""
    pictures, labels = _digits(data)
    low, high = RANGES[split]
    if len(pictures) > low and (len(pictures) >= RANGES["all"][1] or split == "train"):
        pictures, labels = pictures[low:high], labels[low:high]
    elif split != "all":
        _notice(f"mnist has {len(pictures)} pictures, fewer than the {split} range: all are used")
    return Bank(pictures, labels, _words(data, split), _noises(data, split))


def _notice(text: str) -> None:
    note(text)


def _digits(data: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    folder = data / "mnist"
    images = sorted(folder.glob("*images*idx3*")) if folder.is_dir() else []
    if not images:
        raise ToolError(f"{folder}: no MNIST pictures (*images-idx3-ubyte[.gz]) there", NO_INPUT)
    pictures, labels = [], []
    for path in images:
        p = read_idx(path)
        y = read_idx(path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1")))
        if p.ndim != 3 or p.shape[1:] != (28, 28) or y.shape != (len(p),) or len(p) == 0 or y.max() > 9:
            raise ToolError(f"{path}: want 28x28 pictures and one label 0-9 for each, got {p.shape}, {y.shape}")
        pictures.append(p)
        labels.append(y)
    return np.concatenate(pictures), np.concatenate(labels)


def _words(data: Path, split: str) -> tuple[tuple[PCM, ...], ...]:
    folder = data / "fsdd" / "recordings"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [(m, f) for f in files if (m := WORD_FILE.match(f.name))]
    if not found:
        raise ToolError(f"{folder}: no spoken digits named DIGIT_SPEAKER_INDEX.wav there", NO_INPUT)
    low, high = TAKES[split]
    chosen = [(m, f) for m, f in found if low <= int(m[3]) < high]
    missing = {str(d) for d in range(10)} - {m[1] for m, _ in chosen}
    if missing and len(chosen) < len(found):
        _notice(f"fsdd has no {split} takes of {', '.join(sorted(missing))}: all takes are used")
        chosen = found
    words: list[list[PCM]] = [[] for _ in range(10)]
    for m, f in chosen:
        words[int(m[1])].append(read_sound(f, RATE))
    empty = [str(d) for d in range(10) if not words[d]]
    if empty:
        raise ToolError(f"{folder}: nobody says {', '.join(empty)}", NO_INPUT)
    return tuple(tuple(w) for w in words)


def _noises(data: Path, split: str) -> tuple[PCM, ...]:
    folder = data / "esc10"
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in (".ogg", ".wav", ".flac"))
    if not files:
        raise ToolError(f"{folder}: no sounds (CLASS/FOLD-*.ogg) there", NO_INPUT)
    chosen = [f for f in files if f.name.split("-")[0] in {str(n) for n in FOLDS[split]}]
    if not chosen:
        _notice(f"esc10 has no {split} folds: all sounds are used")
        chosen = files
    return tuple(read_sound(f, RATE) for f in chosen)


def _training_words(data: Path) -> tuple[tuple[PCM, ...], ...]:
    """Other people's digits, for easier training sounds: Speech Commands' and espeak-ng's."""
    return tuple(a + b for a, b in zip(_commands(data), speech.training_bank(RATE), strict=True))


@cache
def _commands(data: Path) -> tuple[tuple[PCM, ...], ...]:
    folder = data / "gsc-commands" / "_unknown_"
    return tuple(
        tuple(trim(read_sound(f, RATE)) for f in sorted(folder.glob(f"{w}_*.flac"))) for w in speech.WORDS
    )


def trim(pcm: PCM) -> PCM:
    """The word in a one-second recording: the stretch that holds nearly all of its energy."""
    power = np.cumsum(pcm.astype(np.float64) ** 2)
    low, high = np.searchsorted(power, (0.004 * power[-1], 0.996 * power[-1]))
    return pcm[max(0, low - 200) : high + 200]


def render(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Grey levels (0...255 for a clean digit, beyond for one with energy removed) to 8 bits, fixed map."""
    return np.clip(np.rint(32 + 0.75 * levels), 0, 255).astype(np.uint8)


def picture(pixels: NDArray[np.uint8], energy: float) -> Picture:
    """A digit with that share of the energy kept; 1 keeps the picture itself."""
    levels = pixels.astype(np.float64) if energy >= 1 else pca.keep_energy(pixels[None], energy)[0]
    return Picture(render(levels))


def noise_cut(noises: tuple[PCM, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """One second of noise with root mean square 1, never digital silence."""
    for _ in range(50):
        clip = noises[rng.integers(len(noises))]
        start = int(rng.integers(max(1, len(clip) - RATE + 1)))
        cut = np.zeros(RATE)
        piece = clip[start : start + RATE]
        cut[: len(piece)] = piece
        rms = np.sqrt(np.mean(cut**2))
        if rms > 10:
            return cut / rms
    return rng.standard_normal(RATE)


def mix(word: NDArray | None, noise: NDArray[np.float64], snr: float, rng: np.random.Generator) -> Sound:
    """The word at a random place in one second of noise, scaled to a peak of 0.7."""
    total = noise * 10 ** (-snr / 20)
    if word is not None:
        w = np.asarray(word, np.float64)[:]
        if len(w) > RATE:
            start = (len(w) - RATE) // 2
            w = w[start : start + RATE]
        start = int(rng.integers(RATE - len(w) + 1))
        total = total.copy()
        total[start : start + len(w)] += w / max(1.0, float(np.sqrt(np.mean(w**2))))
    return Sound(np.rint(total * (0.7 * 32767 / np.abs(total).max())).astype(np.int16), RATE)


def windows(data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
    """The benchmark's windows: pictures without repetition until all are used, words and noises at random."""
    source = bank(data, split)
    rng = np.random.default_rng([seed, 7101])
    for i in endless(len(source.labels), count, rng):
        yield window(source, i, split, split, rng)


def window(source: Bank, i: int, seen: str, heard: str, rng: np.random.Generator) -> Window:
    """One of the benchmark's, of picture `i`. `seen`, `heard`: the splits that pictures and words come of."""
    label = int(source.labels[i])
    take = int(rng.integers(len(source.words[label])))
    sound = mix(source.words[label][take], noise_cut(source.noises, rng), SNR_DECIBEL, rng)
    return Window(CLASSES[label], {"image": picture(source.pictures[i], ENERGY_KEPT), "audio": sound},
                  groups={"word": f"{heard} {label} {take}", "picture": f"{seen} {i}"})


def endless(available: int, count: int, rng: np.random.Generator) -> Iterator[int]:
    while count > 0:
        order = rng.permutation(available)[:count]
        yield from order.tolist()
        count -= len(order)


def training_windows(data: Path, count: int, seed: int) -> Iterator[Window]:
    """Windows of the train split with augmentation and easier ones mixed in (PROVENANCE says how)."""
    source = bank(data, "train")
    others = _training_words(data)
    rng = np.random.default_rng([seed, 7102])
    for i in endless(len(source.labels), count, rng):
        label = int(source.labels[i])
        yield Window(CLASSES[label], {
            "image": _training_picture(source.pictures[i], label, rng),
            "audio": _training_sound(source, others[label], label, rng),
        })


def _training_picture(pixels: NDArray[np.uint8], label: int, rng: np.random.Generator) -> Picture:
    if rng.random() < BLANK:
        return Picture(np.full((28, 28), 32, np.uint8))
    if rng.random() >= EASIER:
        return picture(pixels, ENERGY_KEPT)
    if rng.random() < 0.25:
        pixels = drawing.draw(label, rng)
    return picture(pixels, float(rng.uniform(ENERGY_KEPT, 1.0)) if rng.random() < 0.5 else 1.0)


def _training_sound(source: Bank, others: tuple[PCM, ...], label: int, rng: np.random.Generator) -> Sound:
    noise = noise_cut(source.noises, rng)
    if rng.random() < BLANK:
        return mix(None, noise, 0.0, rng)
    easier = rng.random() < EASIER
    words = others if easier and others and rng.random() < 0.5 else source.words[label]
    word = stretch(words[rng.integers(len(words))], float(np.exp(rng.uniform(-0.15, 0.15))))
    snr = float(rng.uniform(-6, 25)) if easier else SNR_DECIBEL + float(rng.uniform(-2, 2))
    if easier and rng.random() < 0.3:
        noise = rng.standard_normal(RATE)
    return mix(word, noise, snr, rng)


def stretch(pcm: PCM, factor: float) -> NDArray[np.float64]:
    """The word made `factor` longer (and lower) by linear interpolation."""
    return np.interp(np.arange(int(len(pcm) * factor)) / factor, np.arange(len(pcm)), pcm)


SIDES = {112: (6, 12, 24, 48, 96, 192), 56: (6, 12, 24, 48, 96), 28: (6, 12, 24, 48)}
"""Channels of the sound's LeNet for a spectrogram of so many frames and bands."""


def network(data: Path | None = None, exits: int = 2, side: int = 112) -> Network:
    """MultiBench's LeNet pair with two exits per modality and fusion 240-100-10. `side`: of the spectrogram."""
    pool = MaxPool()
    image = ImageFeatures(28, 28, 1, (0.25,), (0.2,))
    audio = SpectrogramFeatures(
        sample_rate=RATE, window=RATE, frame=256, hop=69, fft=256, frames=112, bands=112, floor=1e-4,
        mean=0.0, std=2.5, center=True,
    )
    if side != 112:
        size = 256 * side // 112
        fft = 1 << (size - 1).bit_length()
        audio = replace(audio, frame=fft, hop=69 * 112 // side, fft=fft, frames=side, bands=side)
    first = Conv(6, (5, 5), padding=(2, 2, 2, 2))
    grid3, grid2 = AveragePool((3, 3), (2, 2)), AveragePool((4, 4), (3, 3))
    hear = [la for c in SIDES[side] for la in (first if c == 6 else Conv(c), pool)]
    described = Network("digits", CLASSES, NONE, (
        Modality("image", image, (
            Segment((first, pool, Conv(12), pool), (grid3, Flatten())),
            Segment((Conv(24), pool, Conv(48), pool, Flatten())),
        )),
        Modality("audio", audio, (
            Segment(tuple(hear[:-4]), (grid2, Flatten())),
            Segment((*hear[-4:], Flatten())),
        )),
    ), (Linear(100),))
    return described if exits == 2 else with_exits(described, exits)

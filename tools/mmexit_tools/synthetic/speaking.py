"""Has synthetic speakers say commands, other words and sentences: more training material for robot-command's sounds.

    python -m mmexit_tools.synthetic.speaking --text FILE ... --speakers 60 --seed 1 --out SPOKEN.npz

A speaker takes some 20 seconds of one core. Nothing of it is for validation or tests: there people speak.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.arrays import check_place, read_arrays, write_arrays
from ..base.errors import USAGE, ToolError, exit_with, say
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
MADE_BY = "synthetic-speakers"


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

    Raises ToolError where there is not text enough."""
    check_text(sentences, speakers)
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


def check_text(sentences: Sequence[str], speakers: int) -> None:
    wanted = speakers * SENTENCES * 2
    if len(sentences) < wanted:
        raise ToolError(f"--text has {len(sentences)} sentences, {wanted} are wanted: give more, or fewer --speakers")
    if not texts.frequent(sentences):
        raise ToolError("--text has no word of three letters that is no command: give more")


def _others(rng: np.random.Generator, common: Sequence[str], counts: tuple[int, int, int]) -> list[str]:
    pools = (texts.UNKNOWN, texts.ALIKE, common)
    return [str(w) for pool, n in zip(pools, counts, strict=True) for w in rng.choice(pool, n)]


def write(path: Path, clips: Sequence[Spoken]) -> None:
    """Atomic: a killed run leaves the file before it."""
    write_arrays(path, pcm=np.concatenate([c.pcm for c in clips]), ends=np.cumsum([len(c.pcm) for c in clips]),
                 labels=np.array([c.label for c in clips]))


def read(path: Path) -> list[Spoken]:
    """What `write` wrote. Raises ToolError for another file."""
    pcm, ends, labels = read_arrays(path, ("pcm", "ends", "labels"), MADE_BY)
    if not (pcm.ndim == ends.ndim == labels.ndim == 1 and pcm.dtype == np.int16 and ends.dtype.kind in "iu"
            and len(ends) == len(labels) > 0 and ends[-1] == len(pcm) and (np.diff(ends, prepend=0) > 0).all()):
        raise ToolError(f"{path}: {pcm.shape} samples in clips that end at {ends.shape} places, {labels.shape} "
                        f"labels: not what {MADE_BY} wrote")
    return [Spoken(str(label), pcm[a:b]) for label, a, b in zip(labels, [0, *ends[:-1]], ends, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="plain English text, or fortune's files")
    parser.add_argument("--speakers", type=int, default=60, help="six sentences of the text each")
    parser.add_argument("--seed", type=int, default=1, help="another one: other speakers, other sentences")
    parser.add_argument("--out", type=Path, required=True, help="for robot_train --audio-spoken")
    args = parser.parse_args()
    if args.speakers < 1 or args.seed < 0:
        raise ToolError(f"--speakers {args.speakers} --seed {args.seed}: one speaker at least, a seed of 0 or more",
                        USAGE)
    sentences = texts.passages(args.text)
    check_text(sentences, args.speakers)
    check_place(args.out)
    clips = speak(Voices(), sentences, args.speakers, args.seed,
                  lambda n: say(f"speaker {n}/{args.speakers}"))
    write(args.out, clips)
    say(f"{len(clips)} clips, {sum(len(c.pcm) for c in clips) / RATE / 60:.1f} minutes")


if __name__ == "__main__":
    exit_with(main)

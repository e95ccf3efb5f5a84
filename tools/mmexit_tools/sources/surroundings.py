"""What goes on around a robot beside commands: people who talk, noises, rooms' echoes, photos without a sign, and
more speakers of single words. Each split has its own people, authors, rooms and folders of photos.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..base.errors import DATA, ToolError
from ..base.readers import read_pcm, read_picture
from .robot_data import COMMANDS, FOLDS, SIGNS, split_of
from .robot_scenes import HEIGHT, WIDTH
from .robot_sounds import RATE

FloatArray = NDArray[np.float32]
ECHO_SECONDS = 0.8
"""Impulse responses are cut to this, fading out: what comes later is a quiet tail that costs time."""
ROOMY = ("room", "people", "object", "outdoor")


@dataclass(frozen=True)
class Clip:
    """A recording and whose it is (a speaker, an author, a room, a folder); `kind` as the set's index names it."""

    who: str
    kind: str
    values: np.ndarray


@dataclass(frozen=True)
class Surroundings:
    """Lists may be empty where a folder lacks them; a set nobody of the split is in is empty too.

    Sounds are float32 in -1...1 at 16 kHz; echoes have a direct sound of 1; photos are uint8 [HEIGHT, WIDTH, 3]."""

    words: dict[str, list[Clip]]
    others: list[Clip]
    talk: list[Clip]
    noises: list[Clip]
    echoes: list[Clip]
    photos: list[Clip]
    strange_hands: list[Clip]
    signs: list[Clip]
    """Photos of a sign in a real room, for training only; `kind` is the command."""

    def people(self) -> dict[str, int]:
        """How many there are of each, for cards."""
        said = [c for clips in self.words.values() for c in clips]
        counted = {"further speakers of words": [*said, *self.others], "talkers": self.talk,
                   "authors of noises": self.noises, "rooms": self.echoes,
                   "folders of photos": [*self.photos, *self.strange_hands, *self.signs]}
        return {name: len({c.who for c in clips}) for name, clips in counted.items()}


@lru_cache(maxsize=4)
def surroundings(data: Path, split: str) -> Surroundings:
    """Reads `gsc-more`, `speech`, `noise`, `esc10`, `rooms` and `rooms-photos` in `data`, as far as they are there.

    Who belongs to which split is a hash of the name, as in `robot_data`. Raises ToolError for what cannot be read."""
    words: dict[str, list[Clip]] = {c: [] for c in COMMANDS}
    others: list[Clip] = []
    for row in _rows(data / "gsc-more", split, lambda r: ("speaker", r["speaker"])):
        words.get(row["label"], others).append(_clip(data / "gsc-more", row, row["speaker"], row["label"]))
    meetings = acquainted(_all(data / "speech"))
    talk = [_clip(data / "speech", r, meetings[r["speaker"]], r["style"])
            for r in _rows(data / "speech", split, lambda r: ("talker", meetings[r["speaker"]]))]
    noises = [_clip(data / "noise", r, r["author"], r["kind"])
              for r in _rows(data / "noise", split, lambda r: ("noise", r["author"]))]
    noises += [_clip(data / "esc10", r, f"fold {r['fold']}", r["path"].split("/")[0])
               for r in _all(data / "esc10") if split == "all" or r["fold"] in FOLDS[split]]
    echoes = [Clip(r["space"], r["kind"], echo(_sound(data / "rooms" / r["path"])))
              for r in _rows(data / "rooms", split, lambda r: ("impulse-response", r["space"]))]
    photos, strange, signs = [], [], []
    for row in _rows(data / "rooms-photos", split, lambda r: ("pictures", r["path"].split("/")[0])):
        target = signs if row["sign"] else photos if row["kind"] in ROOMY else strange
        kind = SIGNS[int(row["sign"])] if row["sign"] else row["kind"]
        pixels = covering(read_picture(data / "rooms-photos" / row["path"]))
        target.append(Clip(row["path"].split("/")[0], kind, pixels))
    return Surroundings(words, others, talk, noises, echoes, photos, strange, signs)


def acquainted(rows: Iterable[dict[str, str]]) -> dict[str, str]:
    """For each `speaker` of running speech the name of the group it goes with: people of one meeting, joined by `+`,
    and of other meetings with one of them, stay in one split."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    names = sorted({r["speaker"] for r in rows})
    for name in names:
        first, *rest = name.split("+")
        for other in rest:
            low, high = sorted((find(first), find(other)))
            leader[high] = low
    return {name: find(name.split("+")[0]) for name in names}


def echo(response: FloatArray) -> FloatArray:
    """An impulse response that begins at its direct sound, which is made 1 in size, and fades out."""
    start = int(np.argmax(np.abs(response)))
    cut = response[start : start + int(ECHO_SECONDS * RATE)].astype(np.float32)
    fade = min(len(cut), RATE // 10)
    cut[len(cut) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut / (np.abs(cut[0]) + np.float32(1e-9))


def covering(pixels: np.ndarray) -> np.ndarray:
    """The largest middle part of a photo that has a scene's shape, at its size, uint8 [HEIGHT, WIDTH, 3]."""
    picture = Image.fromarray(pixels).convert("RGB")
    scale = max(WIDTH / picture.width, HEIGHT / picture.height)
    left, top = (max(0.0, side / 2) for side in (picture.width - WIDTH / scale, picture.height - HEIGHT / scale))
    box = (left, top, picture.width - left, picture.height - top)
    return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX, box=box))


def _all(folder: Path) -> list[dict[str, str]]:
    index = folder / "index.csv"
    if not index.exists():
        return []
    with index.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _rows(folder: Path, split: str, person: Callable[[dict[str, str]], tuple[str, str]]) -> list[dict[str, str]]:
    return [r for r in _all(folder) if split == "all" or split_of(*person(r)) == split]


def _clip(folder: Path, row: dict[str, str], who: str, kind: str) -> Clip:
    return Clip(who, kind, _sound(folder / row["path"]))


def _sound(path: Path) -> FloatArray:
    pcm, rate = read_pcm(path)
    if rate != RATE:
        raise ToolError(f"{path}: {rate} Hz; sound at {RATE} Hz is needed", DATA)
    return pcm.astype(np.float32) / np.float32(32768)

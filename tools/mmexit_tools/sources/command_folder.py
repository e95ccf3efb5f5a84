"""A folder as a user would bring it (docs/training.md, *Your own data*): a few hundred windows of spoken and signed
commands, and another of people who are not in it.

    python -m mmexit_tools.sources.command_folder --data DATA --out ../work/commands --unseen ../work/others

A signer and the speakers put to the signer are one group, the first part of a file's name: nobody is in two groups.
Files are the sets' own, copied. `none` is another word, before a room without a hand.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..base.errors import NO_INPUT, ToolError, exit_with, say

COUNTS = {"stop": 91, "go": 85, "left": 78, "none": 120}
SIGNS = {"stop": "5", "go": "4", "left": "3"}
WORDS = {"_unknown_": "none"} | {label: label for label in SIGNS}


class Pair(NamedTuple):
    """One window: a group, a label, a sound and a picture."""

    group: int
    label: str
    sound: Path
    picture: Path


def pairs(data: Path) -> Iterator[Pair]:
    """Every sound with a picture of its group, group by group."""
    words = _rows(data / "gsc-commands")
    photos = {(r["signer"], r["digit"]): data / "sign-digits" / r["path"] for r in _rows(data / "sign-digits")}
    rooms = sorted(data / "rooms-photos" / r["path"] for r in _rows(data / "rooms-photos") if not r["sign"])
    signers = _mixed({signer for signer, _ in photos})
    speakers = {s: i % len(signers) for i, s in enumerate(_mixed({r["speaker"] for r in words}))}
    if not rooms:
        raise ToolError(f"{data}/rooms-photos: no photo without a sign there", NO_INPUT)
    for row in sorted(words, key=lambda r: (speakers[r["speaker"]], r["path"])):
        label, group = WORDS.get(row["label"]), speakers[row["speaker"]]
        sign = photos.get((signers[group], SIGNS.get(label or "")))
        picture = rooms[group % len(rooms)] if label == "none" else sign
        if label is not None and picture is not None:
            yield Pair(group, label, data / "gsc-commands" / row["path"], picture)


def divided(found: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """The first windows of each label, COUNTS of them, and all windows of groups that are not among those."""
    taken: Counter[str] = Counter()
    mine = []
    for pair in found:
        if taken[pair.label] < COUNTS[pair.label]:
            taken[pair.label] += 1
            mine.append(pair)
    if taken != Counter(COUNTS):
        raise ToolError(f"want {COUNTS}, the sets have {dict(taken)}", NO_INPUT)
    groups = {p.group for p in mine}
    return mine, [p for p in found if p.group not in groups]


def write(windows: list[Pair], out: Path) -> None:
    """Raises ToolError where the folder is there already."""
    if out.exists():
        raise ToolError(f"{out}: is there already; name another folder")
    for number, pair in enumerate(windows):
        folder = out / pair.label
        folder.mkdir(parents=True, exist_ok=True)
        for source in (pair.sound, pair.picture):
            shutil.copyfile(source, folder / f"{pair.group:03d}_{number:04d}{source.suffix.lower()}")


def _mixed(names: set[str]) -> list[str]:
    """In an order that has nothing to do with the names."""
    return sorted(names, key=lambda n: hashlib.sha256(n.encode()).digest())


def _rows(folder: Path) -> list[dict[str, str]]:
    try:
        with (folder / "index.csv").open(newline="") as lines:
            return list(csv.DictReader(lines))
    except FileNotFoundError:
        raise ToolError(f"{folder}/index.csv: not there", NO_INPUT) from None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="with gsc-commands, sign-digits, rooms-photos")
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    parser.add_argument("--unseen", type=Path, help="another, of people who are not in it")
    args = parser.parse_args()
    mine, others = divided(list(pairs(args.data)))
    for windows, out in ((mine, args.out), (others, args.unseen)):
        if out is not None:
            write(windows, out)
            kinds = ", ".join(f"{n} {label}" for label, n in sorted(Counter(p.label for p in windows).items()))
            say(f"{out}: {len(windows)} windows of {len({p.group for p in windows})} groups ({kinds})")


if __name__ == "__main__":
    exit_with(main)

"""Who speaks and who signs in each window of robot-command: the task's own windows, with `Window.groups` filled in.

The lists of a split's material are replaced by ones that note whose recording was taken out last.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar, overload
from unittest import mock

from ..base.errors import ToolError
from ..signals.windows import Window
from ..sources.robot_data import COMMANDS, SIGNS, Material, material, split_of
from . import robot_command as task

T = TypeVar("T")
NOBODY = ""


class Noted(Sequence[T]):
    """A list whose items belong to people; `log[kind]` names the one whose item was asked for last."""

    def __init__(self, items: Sequence[T], people: Sequence[str], kind: str, log: dict[str, str]) -> None:
        if len(items) != len(people):
            raise ToolError(f"{kind}: {len(items)} recordings were read, index.csv names {len(people)}")
        self.items, self.people, self.kind, self.log = items, people, kind, log

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index):
        self.log[self.kind] = self.people[index]
        return self.items[index]


def noted(source: Material, data: Path, split: str, log: dict[str, str]) -> Material:
    """The material of a split with its people noted in `log` as windows are drawn from it."""
    spoken = _rows(data / "gsc-commands", "speaker", split)
    signed = _rows(data / "sign-digits", "signer", split)
    said = {c: [r["speaker"] for r in spoken if r["label"] == c] for c in COMMANDS}
    shown = {c: [r["signer"] for r in signed if SIGNS[int(r["digit"])] == c] for c in COMMANDS}
    rest = [r["speaker"] for r in spoken if r["label"] not in (*COMMANDS, "_silence_")]
    return dataclasses.replace(
        source,
        words={c: Noted(source.words[c], said[c], "speaker", log) for c in COMMANDS},
        others=Noted(source.others, rest, "speaker", log),
        photos={c: Noted(source.photos[c], shown[c], "signer", log) for c in COMMANDS},
    )


def windows(data: Path, split: str, count: int, seed: int, mix: str = "standard") -> Iterator[Window]:
    """The windows that the task draws, each with `groups` speaker and signer; a kind is absent where nobody is."""
    log: dict[str, str] = {}
    source = noted(material(data, split), data, split, log)
    with mock.patch.object(task, "material", lambda *_: source):
        # The generator reads `material` when it is first asked.
        stream = task.windows(data, split, count, seed, mix)
        first = next(stream, None)
    while first is not None:
        yield dataclasses.replace(first, groups=dict(log))
        log.clear()
        first = next(stream, None)


def _rows(folder: Path, kind: str, split: str) -> list[dict[str, str]]:
    path = folder / "index.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = rows if split == "all" else [r for r in rows if split_of(kind, r[kind]) == split]
    return found or rows

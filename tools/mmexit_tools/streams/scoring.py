"""Scores events against a stream's truth, by the rule of `mmexitctl evaluate --stream`.

A command is heard where an event of its label overlaps it, widened at its end by AFTER_VOICE, or by AFTER_HAND
where a hand was shown. An event that overlaps no widened command is false. Where the first event that overlaps a
command has another label, it was answered wrong first. Delays count from a command's start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .plans import VOICE
from .writing import Line

AFTER_VOICE, AFTER_HAND = 1.0, 1.5
"""Seconds."""


@dataclass(frozen=True)
class Event:
    """`start`: when it is given out, `end`: when it ends; seconds of stream time."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Score:
    """`heard_by`: (heard, all) by the sensors that could tell; `delays` in seconds, of the commands heard."""

    commands: int
    heard: int
    wrong_first: int
    repeats: int
    false: int
    seconds: float
    delays: tuple[float, ...]
    heard_by: dict[str, tuple[int, int]]

    @property
    def missed(self) -> int:
        return self.commands - self.heard

    @property
    def false_per_hour(self) -> float:
        return self.false / self.seconds * 3600

    def __add__(self, other: Score) -> Score:
        by = dict(self.heard_by)
        for way, (heard, among) in other.heard_by.items():
            before = by.get(way, (0, 0))
            by[way] = (before[0] + heard, before[1] + among)
        return Score(self.commands + other.commands, self.heard + other.heard, self.wrong_first + other.wrong_first,
                     self.repeats + other.repeats, self.false + other.false, self.seconds + other.seconds,
                     self.delays + other.delays, by)


def score(truth: Sequence[Line], events: Iterable[Event], seconds: float) -> Score:
    """Of a stream of `seconds`."""
    ordered = sorted(events, key=lambda e: e.start)
    used: set[int] = set()
    heard = wrong = repeats = 0
    delays: list[float] = []
    by: dict[str, tuple[int, int]] = {}
    for line in truth:
        end = line.end + (AFTER_VOICE if line.sensors == VOICE else AFTER_HAND)
        here = [i for i, e in enumerate(ordered) if e.start <= end and e.end >= line.start]
        used.update(here)
        right = [i for i in here if ordered[i].label == line.label]
        wrong += bool(here) and ordered[here[0]].label != line.label
        heard += bool(right)
        repeats += max(0, len(right) - 1)
        if right:
            delays.append(ordered[right[0]].start - line.start)
        before = by.get(line.sensors, (0, 0))
        by[line.sensors] = (before[0] + bool(right), before[1] + 1)
    return Score(len(truth), heard, wrong, repeats, len(ordered) - len(used), seconds, tuple(delays), by)

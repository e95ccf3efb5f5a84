"""What a scene came to: the course of its minutes, commands and changes of the order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FOLLOWS, FIXED = "follows", ("audio first", "image first")
RARE = "follows, a look a minute"
TRIED = ("follows, no closer looks", "follows, none kept awake")
"""What was tried where following falls short of a fixed order."""


@dataclass(frozen=True)
class Phase:
    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Sum:
    """Of some minutes: joules, windows whose truth is known and those right, all windows and those asked."""

    energy: float
    always_on: float
    seconds: float
    windows: int
    right: int
    event_windows: int
    event_right: int
    asked: dict[str, int]
    all: int

    def value(self, worth: float) -> float:
        """Joules a window: a right answer's worth less what was spent."""
        return worth * self.right / max(1, self.windows) - self.energy / max(1, self.all)

    @property
    def watts(self) -> float:
        return self.energy / self.seconds


@dataclass(frozen=True)
class Course:
    """A scene as it was played. `result` is what `mmexitctl evaluate --stream --minutes` printed."""

    scene: str
    prevalence: int
    seed: int
    worth: float
    variant: str
    phases: list[Phase]
    result: dict[str, Any]

    @property
    def key(self) -> tuple[str, int, int, float]:
        return (self.scene, self.prevalence, self.seed, self.worth)

    def sum(self, start: float, end: float) -> Sum:
        minutes = self.result["minutes"][round(start / 60) : round(end / 60)]
        total = {k: sum(m[k] for m in minutes) for k in minutes[0] if k != "asked"}
        asked = {n: sum(m["asked"][n] for m in minutes) for n in minutes[0]["asked"]}
        return Sum(total["energy_j"], total["always_on_j"], 60.0 * len(minutes), total["windows"], total["right"],
                   total["event_windows"], total["event_right"], asked, total["all"])

    def heard(self, start: float = 0, end: float = 1e9, sensors: str | None = None) -> tuple[int, int]:
        told = [t for t in self.result["score"]["outcomes"] if start <= t["start_s"] < end
                and sensors in (None, t["sensors"])]
        return sum(t["heard"] for t in told), len(told)

    def voice(self) -> tuple[int, int]:
        """Of the commands that can be heard, whether they are seen or not: those heard, and all."""
        told = [t for t in self.result["score"]["outcomes"] if "audio" in t["sensors"]]
        return sum(t["heard"] for t in told), len(told)

    @property
    def seconds(self) -> float:
        return self.result["score"]["seconds"]

    @property
    def joules(self) -> float:
        return sum(m["energy_j"] for m in self.result["minutes"])

    @property
    def always(self) -> float:
        """Joules of all sensors awake and everything run."""
        return sum(m["always_on_j"] for m in self.result["minutes"])

    def changes(self, start: float, end: float) -> list[dict[str, Any]]:
        return [c for c in self.result["changes"] if start <= c["at_s"] < end]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --- |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def grouped(courses: list[Course]) -> dict[tuple[str, int, int, float], dict[str, Course]]:
    found: dict[tuple[str, int, int, float], dict[str, Course]] = {}
    for course in courses:
        found.setdefault(course.key, {})[course.variant] = course
    return found

"""What sensors that take turns, and an oracle, come to in a scene: the tables that hold the gate against them.

`mmexitctl evaluate --stream --minutes --turns` replays them from what every exit said of every window. Between two
shares of the time energy and what is heard are taken as linear: a turn may have the one share now, the other then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .courses import FOLLOWS, RARE, Course, grouped, table

EVERYTHING = "always everything"
VOICE_KEPT = 0.95
"""Of the voice commands that always on hears: what has to be heard for a saving to count."""
WANTED = {1: 0.85, 10: 0.65, 50: 0.30}
"""Share of what can be avoided that is to be saved, by percent of the time in which a command is given."""
SENTINEL = 0.02
"""Watts of a microphone behind a microcontroller that wakes the board: assumed, not measured."""
GATES = {"random gate": ("random", ()), "fixed duty cycle": ("duty", ()),
         "camera by chance": ("random", ("audio",)), "camera by the clock": ("duty", ("audio",))}
"""Kind, and who is awake all the time."""


@dataclass(frozen=True)
class Point:
    """What turns with one share came to; commands in all, and those that can be heard."""

    joules: float
    heard: float
    voice: float
    right: float


def _point(row: dict[str, Any], course: Course) -> Point:
    outcomes = course.result["score"]["outcomes"]
    voice = sum(h for h, told in zip(row["heard"], outcomes, strict=True) if "audio" in told["sensors"])
    return Point(row["energy_j"], sum(row["heard"]), voice, row["right"] / max(1, row["windows"]))


def curves(full: Course, gate: str) -> list[list[Point]]:
    """One for each length of stretch, by energy."""
    kind, listening = GATES[gate]
    found: dict[float, list[Point]] = {}
    for row in full.result["turns"]:
        if row["kind"] == kind and tuple(row["listening"]) == listening:
            found.setdefault(row["stretch_s"], []).append(_point(row, full))
    return [sorted(points, key=lambda p: p.joules) for points in found.values()]


def single(full: Course, kind: str) -> Point:
    return _point(next(r for r in full.result["turns"] if r["kind"] == kind), full)


def _between(low: Point, high: Point, share: float) -> Point:
    def at(a: float, b: float) -> float:
        return a + (b - a) * share

    return Point(at(low.joules, high.joules), at(low.heard, high.heard), at(low.voice, high.voice),
                 at(low.right, high.right))


def at_energy(curves: Iterable[list[Point]], joules: float) -> Point | None:
    """The stretch that hears most for so much; nothing where all take more."""
    found: list[Point] = []
    for points in curves:
        if points[-1].joules <= joules:
            found.append(points[-1])
        for low, high in pairwise(points):
            if low.joules <= joules < high.joules:
                found.append(_between(low, high, (joules - low.joules) / (high.joules - low.joules)))
    return max(found, key=lambda p: p.heard, default=None)


def at_voice(curves: Iterable[list[Point]], voice: float) -> Point | None:
    """The least energy for which so many voice commands are heard; nothing where none hears as many."""
    found: list[Point] = []
    for points in curves:
        if points[0].voice >= voice:
            found.append(points[0])
            continue
        for low, high in pairwise(points):
            if low.voice < voice <= high.voice:
                found.append(_between(low, high, (voice - low.voice) / (high.voice - low.voice)))
                break
    return min(found, key=lambda p: p.joules, default=None)


def _cells(point: Point | None, seconds: float, told: int, spoken: int, course: Course) -> list[str]:
    if point is None:
        return ["cannot", "-", "-", "-", "-", "-"]
    always = course.always
    value = course.worth * point.right - point.joules / sum(m["all"] for m in course.result["minutes"])
    return [f"{point.joules / seconds:.3f}", f"{point.heard:.0f} of {told}", f"{point.voice:.0f} of {spoken}",
            f"{100 * point.right:.2f} %", f"{100 * (1 - point.joules / always):.1f} %", f"{1000 * value:.1f}"]


def beside(courses: list[Course]) -> str:
    """Each scene at the shipped worth: following, fixed orders, turns of the same energy, oracle."""
    rows = []
    for (scene, prevalence, _, _), by in grouped(courses).items():
        if EVERYTHING not in by:
            continue
        follows, full = by[FOLLOWS], by[EVERYTHING]
        seconds = follows.seconds
        told, spoken = follows.heard()[1], follows.voice()[1]

        def add(name: str, point: Point | None, head: tuple[str, str] = (scene, f"{prevalence} %"),
                of: tuple[float, int, int, Course] = (seconds, told, spoken, full)) -> None:
            rows.append([*head, name, *_cells(point, *of)])

        for name, course in by.items():
            if name.startswith("budget"):
                continue
            whole = course.sum(0, course.phases[-1].end)
            add(name, Point(whole.energy, course.heard()[0], course.voice()[0], whole.right / max(1, whole.windows)),
                of=(seconds, told, spoken, course))
        for gate in GATES:
            add(f"{gate}, energy of follows", at_energy(curves(full, gate), follows.joules))
        add("everything, replayed", single(full, "everything"))
        add("oracle, replayed", single(full, "oracle"))
    return table(["scene", "events", "way", "W", "commands heard", "of those with a voice", "windows right",
                  "energy saved", "value a window, mJ"], rows)


def _saving(follows: Course, full: Course, prevalence: int) -> list[str]:
    always, least = follows.always, follows.result["unavoidable_j"]
    voice, wanted = follows.voice()[0], full.voice()[0]

    def avoided(point: Point | None) -> str:
        return "cannot" if point is None else f"{100 * (always - point.joules) / (always - least):.1f} %"

    kept = voice / max(1, wanted)
    saved = (always - follows.joules) / (always - least)
    holds = "yes" if kept >= VOICE_KEPT and saved >= WANTED[prevalence] else "no"
    cheaper = follows.joules - least + SENTINEL * follows.seconds
    equal = min(voice, single(full, "everything").voice)
    return [f"{voice} of {wanted} ({100 * kept:.0f} %)", f"{100 * saved:.1f} %", f"{100 * WANTED[prevalence]:.0f} %",
            holds, *(avoided(at_voice(curves(full, gate), equal))
                     for gate in ("random gate", "fixed duty cycle", "camera by chance")),
            f"{always / follows.joules:.2f}", f"{always / least:.2f}", f"{always / cheaper:.1f}"]


def savings(courses: list[Course]) -> str:
    """What is saved of what can be, where nearly every voice command is heard that always on hears."""
    rows = []
    for (scene, prevalence, _, _), by in grouped(courses).items():
        if EVERYTHING not in by or scene not in ("steady", "long"):
            continue
        for way in (FOLLOWS, RARE):
            if way in by:
                rows.append([scene, f"{prevalence} %", way, *_saving(by[way], by[EVERYTHING], prevalence)])
    return table(["scene", "events", "way", "voice commands heard, of always on's", "saved of what can be",
                  "wanted", "holds", "random gate of equal recall", "duty cycle", "camera by chance",
                  "always on / follows", "its ceiling", "with a sentinel"],
                 rows)


def budgets(courses: list[Course]) -> str:
    rows = []
    full = {c.key: c for c in courses if c.variant == EVERYTHING}
    for course in courses:
        if not course.variant.startswith("budget"):
            continue
        everything = full[course.key]
        share = float(course.variant.split()[1])
        limit = round(share * everything.joules / everything.seconds, 4)
        minutes = [m["energy_j"] for m in course.result["minutes"]]
        highest = max(sum(minutes[i : i + 60]) for i in range(max(1, len(minutes) - 59))) / 3600
        heard, told = course.heard()
        beside = []
        for gate in ("random gate", "camera by chance"):
            point = at_energy(curves(everything, gate), course.joules)
            beside.append("cannot" if point is None
                          else f"{point.heard:.0f} ({100 * (heard - point.heard) / max(1, told):+.1f} points)")
        rows.append([f"{100 * share:.0f} %", f"{limit:.3f}", f"{course.joules / course.seconds:.3f}",
                     f"{highest:.3f}", "yes" if highest <= limit else "no", f"{heard} of {told}", *beside,
                     str(course.result["score"]["false"]), str(len(course.result["changes"]))])
    return table(["budget, of always everything", "W", "W taken", "W in the highest hour", "kept", "commands heard",
                  "random gate of the same energy", "camera by chance", "false events", "changes"], rows)

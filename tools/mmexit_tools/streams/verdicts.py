"""What was wanted of scenes that change, and whether it holds: the first table of docs/results/adaptation.md."""

from __future__ import annotations

from .courses import FIXED, FOLLOWS, Course, Phase, grouped, table
from .turns import EVERYTHING

SETTLED = 900.0
"""Seconds after a change of the scene that are reported apart."""
ABRUPT = {"covered": ("covered", "image"), "deaf": ("dead", "audio"), "faint": ("30 dB down", "audio"),
          "storm": ("windy night", "image")}
"""Phase in which a sensor is suddenly worth nothing."""
USELESS = ABRUPT | {"night": ("night", "image"), "wind": ("wind", "audio"), "storm": ("windy night", "audio")}
"""Phases in which a sensor is taken to be worth nothing, if it is (`still_worth`)."""
LISTENER = "audio"
REGRET, ENCODER = 0.05, 0.05


def still_worth(courses: list[Course]) -> dict[str, str]:
    """Scenes whose sensor is not worth nothing after all: in the phase always everything still gets half as many of
    that sensor's commands as before, and how many."""
    found = {}
    for course in courses:
        if course.variant != EVERYTHING or course.scene not in USELESS:
            continue
        name, sensor = USELESS[course.scene]
        number, phase = next((i, p) for i, p in enumerate(course.phases) if p.name == name)
        (before, told_before), (then, told) = (
            course.heard(0, course.phases[0].end, sensor), course.heard(phase.start, phase.end, sensor))
        if number and told and then * told_before >= 0.5 * before * told and then:
            found[course.scene] = (f"{course.scene}, {name}: always everything gets {then} of {told} of the commands "
                                   f"by {sensor} alone, {before} of {told_before} before: not worth nothing")
    return found


def regret_share(by: dict[str, Course], start: float, end: float, worth: float) -> float | None:
    """Of (best - worst fixed order), what following falls short of the best; below 0 where it beats both."""
    values = [by[v].sum(start, end).value(worth) for v in FIXED]
    spread = max(values) - min(values)
    return (max(values) - by[FOLLOWS].sum(start, end).value(worth)) / spread if spread > 1e-6 else None


def settled(phase: Phase, number: int) -> float:
    """When the first minutes after the change that began the phase are over."""
    return phase.start if number == 0 else min(phase.end, phase.start + SETTLED)


def _regret(courses: list[Course]) -> list[str]:
    found = []
    for (scene, prevalence, _, worth), by in grouped(courses).items():
        for number, phase in enumerate(by[FOLLOWS].phases):
            start = settled(phase, number)
            share = regret_share(by, start, phase.end, worth) if phase.end - start >= 60 else None
            if share is not None:
                found.append((share, f"{scene}, {prevalence} %, {worth:g} J, {phase.name}"))
    if not found:
        return ["-", "-", "-"]
    missed = sum(share > REGRET for share, _ in found)
    worst, where = max(found)
    return [f"{100 * worst:.1f} %", where, "yes" if not missed else f"no: in {missed} of {len(found)} phases"]


def _after(courses: list[Course]) -> list[str]:
    found, well = [], still_worth(courses)
    for course in courses:
        if course.variant != FOLLOWS or course.prevalence != 10 or course.scene not in ABRUPT.keys() - well:
            continue
        name, sensor = ABRUPT[course.scene]
        phase = next(p for p in course.phases if p.name == name)
        changes = course.changes(phase.start, phase.end)
        gone = next((c["at_s"] for c in changes if sensor not in c["asked"] or c["order"][0] != LISTENER), None)
        found.append((float("inf") if gone is None else (gone - phase.start) / 60,
                      f"{course.scene}, {course.worth:g} J"))
    if not found:
        return ["-", "-", "-"]
    worst, where = max(found)
    late = sum(after > SETTLED / 60 for after, _ in found)
    said = "never" if worst == float("inf") else f"{worst:.1f} min"
    return [said, where, "yes" if not late else f"no: in {late} of {len(found)}"]


def _encoder(courses: list[Course]) -> list[str]:
    found, well = [], still_worth(courses)
    for course in courses:
        if course.variant != FOLLOWS or course.scene not in USELESS.keys() - well:
            continue
        name, sensor = USELESS[course.scene]
        number, phase = next((i, p) for i, p in enumerate(course.phases) if p.name == name)
        part = course.sum(settled(phase, number), phase.end)
        found.append((part.asked[sensor] / part.all, f"{course.scene}, {course.prevalence} %, {course.worth:g} J"))
    if not found:
        return ["-", "-", "-"]
    worst, where = max(found)
    missed = sum(share > ENCODER for share, _ in found)
    return [f"{100 * worst:.1f} %", where, "yes" if not missed else f"no: in {missed} of {len(found)}"]


def verdicts(courses: list[Course]) -> str:
    return table(["wanted", "worst", "where", "holds"], [
        ["regret against the phase's better fixed order, from 15 minutes after a change: at most 5 %",
         *_regret(courses)],
        ["a sensor suddenly worth nothing, 10 % events: order or set follow within 15 minutes", *_after(courses)],
        ["its encoder, from 15 minutes after the change: in at most 5 % of windows", *_encoder(courses)]])

"""The tables of docs/results/adaptation.md, from what scenes came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SETTLED = 900.0
"""Seconds after a change of the scene that are reported apart."""
FOLLOWS, FIXED = "follows", ("audio first", "image first")
NAMED = ("audio", "image")


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

    def changes(self, start: float, end: float) -> list[dict[str, Any]]:
        return [c for c in self.result["changes"] if start <= c["at_s"] < end]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --- |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def regret(follows: Sum, fixed: list[Sum], worth: float) -> str:
    """Share of (best - worst fixed order) that following falls short of the best; below 0 where it beats both."""
    values = [f.value(worth) for f in fixed]
    spread = max(values) - min(values)
    lost = max(values) - follows.value(worth)
    return f"{100 * lost / spread:.1f} %" if spread > 1e-6 else "-"


def _grouped(courses: list[Course]) -> dict[tuple[str, int, int, float], dict[str, Course]]:
    found: dict[tuple[str, int, int, float], dict[str, Course]] = {}
    for course in courses:
        found.setdefault(course.key, {})[course.variant] = course
    return found


def regrets(courses: list[Course]) -> str:
    rows = []
    for (scene, prevalence, _, worth), by in _grouped(courses).items():
        for number, phase in enumerate(by[FOLLOWS].phases):
            settled = phase.start if number == 0 else min(phase.end, phase.start + SETTLED)
            cells = []
            for start, end in ((phase.start, settled), (settled, phase.end)):
                if end - start < 60:
                    cells.append("-")
                    continue
                cells.append(regret(by[FOLLOWS].sum(start, end), [by[v].sum(start, end) for v in FIXED], worth))
            values = [f"{1000 * by[v].sum(phase.start, phase.end).value(worth):.1f}" for v in (FOLLOWS, *FIXED)]
            rows.append([scene, f"{prevalence} %", f"{worth:g} J", phase.name, *values, *cells])
    return table(["scene", "events", "worth", "phase", "follows, mJ", "audio first, mJ", "image first, mJ",
                  "regret, first 15 min", "regret after"], rows)


def following(courses: list[Course]) -> str:
    rows = []
    for course in courses:
        if course.variant != FOLLOWS or course.scene == "steady":
            continue
        for phase in course.phases[1:]:
            changes = course.changes(phase.start, phase.end)
            first = changes[0] if changes else None
            what = f"{', '.join(first['order'])}; asked: {', '.join(first['asked'])}" if first else "nothing changed"
            after = f"{(first['at_s'] - phase.start) / 60:.1f} min" if first else "-"
            rows.append([course.scene, f"{course.prevalence} %", f"{course.worth:g} J", phase.name, after, what,
                         str(len(changes))])
    return table(["scene", "events", "worth", "phase", "first change after", "to", "changes in the phase"], rows)


def shares(courses: list[Course]) -> str:
    useless = {"night": ("night", "image"), "covered": ("covered", "image"), "deaf": ("dead", "audio"),
               "faint": ("30 dB down", "audio"), "wind": ("wind", "audio"), "storm": ("windy night", "audio")}
    rows = []
    for course in courses:
        if course.variant not in (FOLLOWS, FIXED[0]) or course.scene not in useless:
            continue
        name, sensor = useless[course.scene]
        phase = next(p for p in course.phases if p.name == name)
        cells = []
        for start, end in ((phase.start, phase.start + SETTLED), (phase.start + SETTLED, phase.end)):
            part = course.sum(start, end)
            cells.append(f"{100 * part.asked[sensor] / part.all:.1f} %")
        rows.append([course.scene, f"{course.prevalence} %", f"{course.worth:g} J", course.variant, sensor, *cells])
    return table(["scene", "events", "worth", "configuration", "useless sensor",
                  "its encoder in windows, first 15 min", "after"], rows)


def whole(courses: list[Course]) -> str:
    rows = []
    for course in courses:
        score, end = course.result["score"], course.phases[-1].end
        part = course.sum(0, end)
        heard, told = course.heard()
        voice = course.heard(sensors="audio")
        saved = score["avoidable_saved"]
        rows.append([course.scene, f"{course.prevalence} %", f"{course.worth:g} J", course.variant,
                     f"{part.watts:.3f}", f"{heard} of {told}", f"{voice[0]} of {voice[1]}", str(score["false"]),
                     f"{100 * part.right / max(1, part.windows):.2f} %",
                     f"{100 * part.event_right / max(1, part.event_windows):.1f} %",
                     f"{100 * score['energy_saved']:.1f} %", "-" if saved is None else f"{100 * saved:.1f} %",
                     f"{1000 * part.value(course.worth):.1f}"])
    return table(["scene", "events", "worth", "configuration", "W", "commands heard", "of voice alone",
                  "false events", "windows right", "of those with a command", "energy saved",
                  "of what can be avoided", "value a window, mJ"], rows)


def budgets(courses: list[Course]) -> str:
    rows = []
    full = {c.key: c for c in courses if c.variant == "always everything"}
    for course in courses:
        if not course.variant.startswith("budget"):
            continue
        share = float(course.variant.split()[1])
        minutes = [m["energy_j"] for m in course.result["minutes"]]
        limit = share * full[course.key].sum(0, course.phases[-1].end).watts
        hours = [sum(minutes[i : i + 60]) / 3600 for i in range(max(1, len(minutes) - 59))]
        heard, told = course.heard()
        rows.append([f"{100 * share:.0f} %", f"{limit:.3f}", f"{sum(minutes) / 60 / len(minutes):.3f}",
                     f"{max(hours):.3f}", f"{heard} of {told}", str(course.result["score"]["false"]),
                     str(len(course.result["changes"]))])
    return table(["budget, of always everything", "W", "W taken", "W in the highest hour", "commands heard",
                  "false events", "changes"], rows)


def report(courses: list[Course], benches: list[tuple[str, str]]) -> str:
    told = "\n\n".join(f"`{command}`:\n\n```\n{said.strip()}\n```" for command, said in benches)
    return f"""# How order and sensors follow the scene

Written by `tools/adaptation --data DATA --work WORK --audits AUDITS --out docs/results/adaptation.md`; every figure
was measured by it. Scenes are made of held-out people, hands and rooms (`tools/scenes`), and played through the
daemon's pipeline with `config/live.conf` and the changes that a row names. Energy is modelled, of a Raspberry Pi 4.

How to read it:
- *events*: share of the time in which a command is given. *worth*: of a right answer, a window
  (`value-of-right-answer`).
- *value*: a right answer's worth less what was spent, a window. A window is right where its answer is what was said
  or shown, `none` where nothing was; one that a command fills by less than half, and does not show in, is left out.
- *regret*: what following loses against the phase's better fixed order, as a share of (better - worse). It
  decides by audits, whose reference is fused answers, never by this truth.
- *follows*: `reorder = yes`. *audio first*, *image first*: a fixed order. *always everything*: both sensors awake,
  every exit run, fusion answers.

## Regret by phase

{regrets(courses)}

## How soon

{following(courses)}

## A sensor that tells nothing

{shares(courses)}

## Budgets

The steady scene of 10 %, two hours.

{budgets(courses)}

## Whole scenes

{whole(courses)}

## Resampled days and the time a plan takes

{told}
"""

"""What budgets come to on test windows, by what a model file's int8 exits say, and its section of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording
from ..calibrate.exit_pool import Pool
from ..calibrate.promise import fit_temperatures
from ..comparison.measured import BUDGETS
from ..export.report import exit_name, share_text, table
from .choosing import Known, Margin, Setting, paths, within
from .rivals import best_of, fixed_gate, random_gate, two_exits

WANTED = 0.05
"""Accuracy above the random gate that is wanted at half of the MACs."""


@dataclass(frozen=True)
class Line:
    """One budget, as a share of running everything, on test. `setting` is None where none keeps it on validation;
    `held`: MACs on validation with the margin; `error`: one standard error of `macs`. Shares are 0...1."""

    budget: float
    setting: Setting | None
    held: float = np.nan
    macs: float = np.nan
    error: float = np.nan
    accuracy: float = np.nan
    random: float | None = None
    drawn: float | None = None
    fixed: float | None = None

    @property
    def kept(self) -> bool:
        return self.macs <= self.budget


@dataclass(frozen=True)
class Found:
    """All lines by whether the sensors after the first sleep; `full`: accuracy of full fusion on test; `least`: of
    the cheapest setting that was found on validation the share of MACs, without the margin and with it."""

    lines: dict[bool, list[Line]]
    least: dict[bool, tuple[float, float]]
    full: float
    test: Recording
    none: int | None


def measure(validation: Pool, test: Pool, errors: float, none: int | None,
            stored: Mapping[ExitKey, float] | None = None) -> Found:
    """`none`: the class that means nothing; `stored`: temperatures, where they are not to be fitted. Settings from
    validation; test is measured only."""
    temperatures = fit_temperatures(validation) if stored is None else stored
    recording, held_out = validation.recording(temperatures), test.recording(temperatures)
    known = Known(recording, validation.seen, none, Margin(validation.groups, errors))
    total, one = recording.total_macs, Margin(test.groups, 1.0)
    rivals = fixed_gate(recording, held_out), random_gate(recording, held_out)
    lines, least = {}, {}
    for asleep in (False, True) if none is not None else (False,):
        found = paths(known, asleep)
        cheapest = min((s for p in found for s in p), key=lambda s: s.replay(recording, none).mean_macs)
        least[asleep] = (cheapest.replay(recording, none).mean_macs / total, known.at_most(cheapest) / total)
        lines[asleep] = []
        for budget in BUDGETS:
            fixed, random = (best_of(c, budget * total) for c in rivals)
            beside = {"random": random and random.accuracy, "fixed": fixed and fixed.accuracy,
                      "drawn": two_exits(recording, held_out, budget * total)}
            setting = within(known, found, budget * total)
            if setting is None:
                lines[asleep].append(Line(budget, None, **beside))
                continue
            outcome = setting.replay(held_out, none)
            lines[asleep].append(Line(budget, setting, known.at_most(setting) / total, outcome.mean_macs / total,
                                      one.of(outcome.macs) / total, outcome.accuracy, **beside))
    return Found(lines, least, float(held_out.correct(FUSION).mean()), held_out, none)


def rows(lines: Sequence[Line], full: float) -> str:
    head = ["budget", "validation, with the margin", "test", "kept", "accuracy", "against full fusion, points",
            "random gate", "between two exits", "fixed gate", "above the random gate, points"]

    def row(line: Line) -> list[str]:
        beside = [share_text(line.random), share_text(line.drawn), share_text(line.fixed)]
        if line.setting is None:
            return [share_text(line.budget), "-", "-", "no setting", "-", "-", *beside, "-"]
        above = "-" if line.random is None else f"{100 * (line.accuracy - line.random):+.1f}"
        return [share_text(line.budget), share_text(line.held), f"{share_text(line.macs)} ± {100 * line.error:.1f}",
                "yes" if line.kept else "no", share_text(line.accuracy), f"{100 * (line.accuracy - full):+.1f}",
                *beside, above]

    return table(head, [row(line) for line in lines])


def settings_table(lines: Sequence[Line], recording: Recording, none: int | None) -> str:
    """Thresholds; with a class that means nothing those for commands / for `none`; with one that overrides, from
    which probability on; what a command has to be at or below beside a sure `none`, of exits that have that."""
    keys = recording.keys(recording.modalities)
    asked = [(m, 1) for m in recording.modalities[1:]] if recording.overriding is not None else []
    beside = [k for k in keys if any(line.setting and k in line.setting.walk.beside_none for line in lines)]

    def limit(value: float | None) -> str:
        return "off" if value is None else f"{value:.4f}"

    found = [[share_text(line.budget), ", ".join(s.walk.order),
              *(limit(s.walk.commands.get(k)) + ("" if none is None else f" / {limit(s.walk.nones.get(k))}")
                for k in keys), *(limit(s.walk.overrides.get(k)) for k in asked),
              *(limit(s.walk.beside_none.get(k)) for k in beside)]
             for line in lines if (s := line.setting)]
    heads = ["budget", "order", *(exit_name(k) for k in keys), *(f"{exit_name(k)} overrides" for k in asked),
             *(f"{exit_name(k)} beside `none`" for k in beside)]
    return "" if not found else table(heads, found)


def shortfalls(found: Found) -> list[str]:
    """What is asked of it and is not met, in sentences; shares of full fusion's MACs."""
    result = []
    for asleep, lines in found.lines.items():
        name = "the others asleep" if asleep else "all awake"
        for line in lines:
            at = f"{name}, {share_text(line.budget)}"
            if line.setting is None:
                mean, held = map(share_text, found.least[asleep])
                result.append(f"{at}: no setting keeps this budget with the margin; the cheapest found takes {mean}, "
                              f"{held} with it")
            elif not line.kept:
                result.append(f"{at}: {share_text(line.macs)} on test")
            if line.budget == 0.5 and line.setting and line.random is not None \
                    and line.accuracy - line.random < WANTED:
                result.append(f"{at}: {100 * (line.accuracy - line.random):+.1f} points to the random gate, "
                              f"{100 * WANTED:.0f} wanted")
    return result


def floor_sentence(recording: Recording, none: int) -> str:
    """Why a small budget cannot be kept while every sensor is awake."""
    first = {m: recording.macs[(m, 1)] for m in recording.modalities}
    empty = float((recording.labels == none).mean())
    both = sum(first.values()) / recording.total_macs
    return (f"While every sensor is awake `none` needs the word of each, so a window of nothing costs at least the "
            f"first exit of each: {share_text(both)} of running everything, in {share_text(empty)} of the windows.")


def section(found: Found, title: str, about: Sequence[str]) -> str:
    parts = [f"## {title}\n", "\n".join(about) + "\n", f"Full fusion: {share_text(found.full)} right on test.\n"]
    names = {False: "All sensors awake", True: "The first sensor awake, the others woken by the gate"}
    for asleep, lines in found.lines.items():
        parts += [f"### {title}: {names[asleep].lower()}\n", rows(lines, found.full),
                  settings_table(lines, found.test, found.none)]
    short = shortfalls(found)
    parts.append(f"### {title}: where it falls short\n")
    if short and found.none is not None:
        parts.append(floor_sentence(found.test, found.none) + "\n")
    parts.append("\n".join(f"- {s}" for s in short) + "\n" if short else "Nowhere.\n")
    return "\n".join(p for p in parts if p)

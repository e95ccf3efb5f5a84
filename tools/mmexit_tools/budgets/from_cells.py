"""avmnist's budgets from the comparison's committed cells: the same gates, in float, seed by seed.

A cell keeps means, not windows; so the margin takes the largest spread that a mean between 0 and the dearest setting
allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import NO_INPUT, ToolError
from ..comparison.gates import Curve, Point
from ..comparison.measured import BUDGETS, OURS, OURS_ENTROPY, TaskResult, mixed_at_budget
from ..comparison.results import read_cells
from ..comparison.tables import spread
from ..export.report import share_text, table

METHODS = (OURS, OURS_ENTROPY, "MMExit", "MMExit+")


def widest(point: Point, dearest: float, windows: int) -> float:
    """The largest standard error of the mean MACs of so many windows, each between 0 and `dearest`."""
    return float(np.sqrt(max(0.0, point.macs * (dearest - point.macs)) / windows))


def chosen(curve: Curve, budget: float, windows: int, errors: float) -> tuple[Point, Point] | None:
    """On validation and on test, of the most accurate setting whose mean MACs on so many validation windows keep the
    budget with `errors` standard errors to spare."""
    dearest = max(p.macs for p in curve.validation)
    fit = [(-p.accuracy, p.macs, i) for i, p in enumerate(curve.validation)
           if p.macs + errors * widest(p, dearest, windows) <= budget]
    i = min(fit)[2] if fit else None
    return None if i is None else (curve.validation[i], curve.test[i])


def section(cells: Path, task: str, errors: float) -> str:
    result, _ = read_cells(cells, task)
    if result is None:
        raise ToolError(f"--cells {cells}: no cell of {task}", NO_INPUT)
    lines = [line for m in METHODS if m in result.curves for line in lines_of(result, m, errors)]
    seeds = max(len(c) for c in result.curves.values())
    head = ["method", "budget", "validation, mean", "test, mean", "dearest seed", "seeds that keep it", "accuracy",
            "random gate", "between two exits", "fixed gate", "above the random gate, points"]
    over = [f"- {line.method}, {share_text(line.budget)}: {share_text(line.test)} on test, "
            f"{100 * (line.test - line.validation):+.1f} points to validation"
            for line in lines if line.test > line.budget]
    parts = [
        f"## {task}, networks of the comparison\n",
        f"From the cells of {seeds} seeds, in float: settings chosen on {result.windows[0]:,} validation windows of",
        f"each (ours on what comparison.md says), with {errors:g} standard errors of margin; figures from",
        f"{result.windows[1]:,} test windows of each.",
        "Budgets are shares of LF's MACs. ± is the standard deviation over seeds.\n",
        table(head, [line.row() for line in lines])]
    if over:
        parts += ["In the mean over seeds the budget is exceeded by\n", *over, ""]
    if any(line.method == OURS for line in lines if line.test > line.budget):
        parts.append(HEADS)
    return "\n".join(parts)


HEADS = """On test the gain gate spends more than on validation, which a margin for chance cannot know. Windows
there share words and pictures, and what a head knows of those, it does not know on test. That this is the cause was
not shown.
"""


@dataclass(frozen=True)
class Line:
    """A method at a budget, means over seeds, in shares of LF's MACs; NaN where no seed has a setting. `beside`: what
    gates of the same network that look at nothing reach."""

    method: str
    budget: float
    validation: float
    test: float
    dearest: float
    kept: str
    accuracies: list[float]
    random: list[float]
    beside: list[str]

    def row(self) -> list[str]:
        above = "-"
        if self.accuracies and self.random:
            above = f"{100 * (np.mean(self.accuracies) - np.mean(self.random)):+.1f}"
        shares = [share_text(v) for v in (self.budget, self.validation, self.test, self.dearest)]
        return [self.method, *shares, self.kept, spread(self.accuracies), spread(self.random), *self.beside, above]


def lines_of(result: TaskResult, method: str, errors: float) -> list[Line]:
    own = "ours, " if method.startswith("ours") else ""
    lf, lines = result.lf.macs, []
    for budget in BUDGETS:
        found = [chosen(c, budget * lf, result.windows[0], errors) for c in result.curves[method].values()]
        pairs = [p for p in found if p is not None]
        validation, test = ([p[i].macs / lf for p in pairs] or [np.nan] for i in (0, 1))
        lines.append(Line(
            method, budget, float(np.mean(validation)), float(np.mean(test)), max(test),
            f"{sum(m <= budget for m in test)} of {len(found)}", [p[1].accuracy for p in pairs],
            result.at_budget(f"{own}random gate", budget),
            [spread(mixed_at_budget(result, f"{own}fixed gate", budget)),
             spread(result.at_budget(f"{own}fixed gate", budget))]))
    return lines

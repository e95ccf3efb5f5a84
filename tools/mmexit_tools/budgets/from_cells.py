"""avmnist's budgets from the comparison's committed cells: the same gates, in float, seed by seed.

A cell keeps means, not windows; so the margin takes the largest spread that a mean between 0 and the dearest setting
allows.
"""

from __future__ import annotations

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


def chosen(curve: Curve, budget: float, windows: int, errors: float) -> Point | None:
    """On test, of the most accurate setting whose mean MACs on so many validation windows keep the budget with
    `errors` standard errors to spare."""
    dearest = max(p.macs for p in curve.validation)
    fit = [(-p.accuracy, p.macs, i) for i, p in enumerate(curve.validation)
           if p.macs + errors * widest(p, dearest, windows) <= budget]
    return curve.test[min(fit)[2]] if fit else None


def section(cells: Path, task: str, errors: float) -> str:
    result, _ = read_cells(cells, task)
    if result is None:
        raise ToolError(f"--cells {cells}: no cell of {task}", NO_INPUT)
    rows = [row for m in METHODS if m in result.curves for row in rows_of(result, m, errors)]
    seeds = max(len(c) for c in result.curves.values())
    head = ["method", "budget", "test, mean", "dearest seed", "seeds that keep it", "accuracy", "random gate",
            "between two exits", "fixed gate", "above the random gate, points"]
    return "\n".join([
        f"## {task}, networks of the comparison\n",
        f"From the cells of {seeds} seeds, in float: settings chosen on {result.windows[0]:,} validation windows of",
        f"each, with {errors:g} standard errors of margin; figures from {result.windows[1]:,} test windows of each.",
        "Budgets are shares of LF's MACs. ± is the standard deviation over seeds.\n", table(head, rows)])


def rows_of(result: TaskResult, method: str, errors: float) -> list[list[str]]:
    """A line for each budget. Gates that look at nothing are of the same network."""
    own = "ours, " if method.startswith("ours") else ""
    lf, rows = result.lf.macs, []
    for budget in BUDGETS:
        found = {s: chosen(c, budget * lf, result.windows[0], errors) for s, c in result.curves[method].items()}
        points = [p for p in found.values() if p is not None]
        random = result.at_budget(f"{own}random gate", budget)
        beside = [spread(random), spread(mixed_at_budget(result, f"{own}fixed gate", budget)),
                  spread(result.at_budget(f"{own}fixed gate", budget))]
        if not points:
            rows.append([method, share_text(budget), "-", "-", "no setting", "-", *beside, "-"])
            continue
        macs = [p.macs / lf for p in points]
        above = 100 * (np.mean([p.accuracy for p in points]) - np.mean(random)) if random else np.nan
        kept = f"{sum(m <= budget for m in macs)} of {len(found)}"
        rows.append([method, share_text(budget), share_text(float(np.mean(macs))), share_text(max(macs)), kept,
                     spread([p.accuracy for p in points]), *beside,
                     "-" if np.isnan(above) else f"{above:+.1f}"])
    return rows

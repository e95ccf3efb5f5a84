"""The comparison's tables, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.stats

from ..export.report import table
from .gates import NEAR, choose_near
from .measured import (
    BUDGETS,
    FUSIONS,
    JOINT,
    OURS,
    OURS_ENTROPY,
    READINGS,
    Row,
    TaskResult,
    mixed_at_budget,
    plain_names,
)

ABSENT = "-"


def spread(values: Sequence[float], form: str = "{:.3f}", scale: float = 1.0) -> str:
    """Mean ± standard deviation over seeds; the mean alone of one seed."""
    if len(values) == 0:
        return ABSENT
    scaled = np.asarray(values) * scale
    mean = form.format(scaled.mean())
    return mean if len(scaled) == 1 else f"{mean} ± {form.format(scaled.std(ddof=1))}"


def _column(rows: Sequence[Row], name: str, form: str = "{:.3f}", scale: float = 1.0) -> str:
    return spread([getattr(r, name) for r in rows], form, scale)


def thousands(rows: Sequence[Row], name: str) -> str:
    return f"{np.mean([getattr(r, name) for r in rows]) / 1000:,.0f} k" if rows else ABSENT


def main_methods(result: TaskResult) -> list[str]:
    return [*plain_names(result.modalities).values(), "MMExit", "MMExit+", OURS_ENTROPY, OURS]


def accuracy_table(results: Sequence[TaskResult]) -> str:
    """The paper's Table 2 for these tasks."""
    head = ["method", *(f"{r.name} {what}" for r in results for what in ("accuracy", "F1"))]
    uni = [f"Uni{i}" for i in range(1, 1 + max(len(r.modalities) for r in results))]
    rows = []
    for name in [*uni, "TF", "LRTF", "MIM", "LF", "MMExit", "MMExit+", OURS]:
        row = [name]
        for result in results:
            own = next((m for m in result.methods() if m == name or m.startswith(f"{name} (")), None)
            found = result.of(own) if own else []
            label = f" ({own[6:-1]})" if own and own.startswith("Uni") else ""
            row += [_column(found, "accuracy") + label, _column(found, "f1")]
        rows.append(row)
    return table(head, rows)


def effort_table(result: TaskResult, methods: Sequence[str]) -> str:
    head = ["method", "accuracy", "F1", "against LF, points", "MACs", "MACs saved", "parameters touched",
            "parameters saved"]
    lf = {r.seed: r.accuracy for r in result.of("LF")}
    rows = []
    for method in methods:
        found = result.of(method)
        if found:
            gain = spread([r.accuracy - lf[r.seed] for r in found], "{:+.1f}", 100).replace("± +", "± ")
            rows.append([method, _column(found, "accuracy"), _column(found, "f1"), gain, thousands(found, "macs"),
                         _column(found, "saved", "{:.1f}", 100) + " %", thousands(found, "parameters"),
                         _column(found, "held_saved", "{:.1f}", 100) + " %"])
    return table(head, rows)


def budget_table(result: TaskResult, methods: Sequence[str]) -> str:
    head = ["method", *(f"at most {100 * b:.0f} % of LF's MACs" for b in BUDGETS)]
    rows = [[m, *(spread(result.at_budget(m, b)) for b in BUDGETS)] for m in methods if m in result.curves]
    for m in [m for m in ("ours, fixed gate", "fixed gate") if m in result.curves]:
        name = m.replace("fixed gate", "chance between two exits")
        rows.append([name, *(spread(mixed_at_budget(result, m, b)) for b in BUDGETS)])
    return table(head, rows)


def paired_interval(result: TaskResult, method: str, against: str) -> str:
    """Mean paired difference over seeds in points, with its 95 % interval by Student's t."""
    other = {r.seed: r.accuracy for r in result.of(against)}
    return interval([100 * (r.accuracy - other[r.seed]) for r in result.of(method) if r.seed in other])


def interval(differences: Sequence[float]) -> str:
    """Their mean with its 95 % interval by Student's t."""
    found = np.asarray(differences)
    if len(found) == 0:
        return ABSENT
    if len(found) == 1:
        return f"{found[0]:+.2f} (one seed)"
    half = float(scipy.stats.t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
    return f"{found.mean():+.2f} ({found.mean() - half:+.2f} to {found.mean() + half:+.2f})"


def ours_table(result: TaskResult) -> str:
    """Accuracy of ours against LF of the same epochs and against LF with the same starts."""
    names = [m for m in (OURS, OURS_ENTROPY, "ours, always fused", "LF, single starts", "MMExit", "MMExit+", "Eloss",
                         "Eloss, own thresholds") if result.of(m)]
    head = ["method", "seeds", "against LF, points (95 %)", "against LF, single starts", "MACs saved"]
    rows = [[m, str(len(result.of(m))), paired_interval(result, m, "LF"),
             paired_interval(result, m, "LF, single starts"), _column(result.of(m), "saved", "{:.1f}", 100) + " %"]
            for m in names]
    return table(head, rows)


MARGINS = (0.0, 0.0025, 0.005, 0.0075, 0.01, 0.015)


def margins_table(result: TaskResult) -> str:
    """The gain gate by how far below its own fusion validation may find it. NEAR is the rule; the others show how
    much hangs on it."""
    lf, own = ({r.seed: r for r in result.of(m)} for m in ("LF", "ours, always fused"))
    rows = []
    for margin in MARGINS:
        found = []
        for seed, curve in result.curves[OURS].items():
            if seed in lf and seed in own:
                i = choose_near(curve, np.array([lf[seed].validation]), np.array([own[seed].validation]), margin)
                found.append((100 * (curve.test[i].accuracy - lf[seed].accuracy),
                              100 * (1 - curve.test[i].macs / result.lf.macs)))
        chosen = " (the rule)" if margin == NEAR else ""
        rows.append([f"{100 * margin:g} points{chosen}", interval([f[0] for f in found]),
                     spread([f[1] for f in found], "{:.1f}") + " %"])
    return table(["below its own fusion", "against LF, points (95 %)", "MACs saved"], rows)


def margins_text(result: TaskResult) -> list[str]:
    if OURS not in result.curves or not result.of("ours, always fused"):
        return []
    return ["The gain gate by the margin, on validation, below its own fusion:\n", margins_table(result)]


def task_text(result: TaskResult) -> str:
    best = result.best_reading()
    present = [m for m in (OURS, OURS_ENTROPY, "ours, random gate", "ours, fixed gate", "ours, oracle",
                           "MMExit", "MMExit+", "RExit", "Eloss", "Sloss", "Eloss, own thresholds",
                           "Sloss, own thresholds", "random gate", "fixed gate", "oracle") if m in result.curves]
    parts = [
        f"## {result.name}\n",
        f"Modalities {', '.join(result.modalities)}; settings chosen on {result.windows[0]:,} "
        f"validation windows (where a method has others, that stands above), figures from {result.windows[1]:,} test "
        "windows.\n",
        "### Ours against late fusion\n", ours_table(result), *margins_text(result),
        "### Accuracy at a budget\n", "The most accurate setting on validation windows within the budget.\n",
        budget_table(result, present), "### Computation (the paper's Figure 7)\n",
        effort_table(result, main_methods(result)),
    ]
    if best is not None:
        parts += [
            f"MMExit is {best}, the reading of `g` with the highest validation accuracy here.\n",
            "### Serialization and losses (Figures 4 to 6)\n",
            effort_table(result, ["LF", "RExit", "Eloss", "Sloss", "MMExit", "MMExit+"]),
            "### Readings of `g` in eq. 15, and both stages in every step (J)\n",
            effort_table(result, [f"{m} {r}" for m in ("MMExit", "MMExit+") for r in (READINGS | JOINT).values()]),
        ]
        others = [m for f in FUSIONS for m in (f.upper(), f"MMExit over {f.upper()}")]
        if any(result.of(m) for m in others[1::2]):
            parts += ["### Other fusions\n", "Each setting is held against its own fusion, savings against LF.\n",
                      effort_table(result, others)]
    return "\n".join([*parts, f"![Accuracy against MACs](comparison-curves-{result.name}.svg)\n"])


def document(results: Sequence[TaskResult], stamp: Mapping[str, str], explained: str) -> str:
    figures = [("efforts", "Computation of the two exit schemes, as Figure 4"),
               ("schemes", "Performance of the two exit schemes, as Figure 5"),
               ("losses", "Training losses: gain over LF and MACs, as Figure 6"),
               ("methods", "Computation of all methods, as Figure 7")]
    parts = [
        "# The method against its baselines\n",
        "Written by `python -m mmexit_tools.comparison`; every figure was measured by it.\n",
        *(f"- {k}: {v}" for k, v in stamp.items()), "", explained,
        "## Accuracy and weighted F1 (the paper's Table 2)\n", accuracy_table(results),
        *(task_text(r) for r in results),
        "## Figures\n", *(f"![{text}](comparison-{name}.svg)\n" for name, text in figures),
    ]
    return "\n".join(parts)


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([f"{v:.6g}" if isinstance(v, float) else v for v in row] for row in rows)
    return out.getvalue()


def rows_csv(results: Sequence[TaskResult]) -> str:
    """One line per task, method and seed."""
    head = ["task", "method", "seed", "accuracy", "weighted_f1", "macs", "parameters", "macs_saved",
            "parameters_saved", "validation_accuracy", "order"]
    return _csv(head, [[t.name, r.method, r.seed, r.accuracy, r.f1, r.macs, r.parameters, r.saved, r.held_saved,
                        r.validation, r.setting] for t in results for r in t.rows])


def curves_csv(results: Sequence[TaskResult]) -> str:
    """Every setting of every gate, mean and spread over seeds, on test windows."""
    head = ["task", "method", "setting", "macs_share_of_lf", "accuracy", "accuracy_spread", "weighted_f1"]
    rows = []
    for t in results:
        for method, curves in t.curves.items():
            for i, points in enumerate(zip(*(c.test for c in curves.values()), strict=True)):
                rows.append([t.name, method, i, *mean_of(points, t.lf.macs)])
    return _csv(head, rows)


def mean_of(points: Sequence, lf_macs: float) -> tuple[float, float, float, float]:
    """(share of LF's MACs, accuracy, its spread, F1), means over seeds."""
    pick: Callable[[str], np.ndarray] = lambda name: np.array([getattr(p, name) for p in points])  # noqa: E731
    right = pick("accuracy")
    return (float(pick("macs").mean() / lf_macs), float(right.mean()),
            float(right.std(ddof=1)) if len(right) > 1 else 0.0, float(pick("f1").mean()))

"""The comparison's figures as SVG; the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .measured import TaskResult, plain_names
from .tables import mean_of

STYLE = {
    "svg.hashsalt": "mmexit", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"],
}
COLORS = {
    "LF": "#555555", "MMExit": "#0072b2", "MMExit+": "#d55e00", "RExit": "#cc79a7", "Eloss": "#009e73",
    "Sloss": "#e69f00", "random gate": "#999999", "fixed gate": "#000000", "oracle": "#56b4e9",
    "ours, gain gate": "#7a0177", "ours, entropy gate": "#c51b8a", "ours, random gate": "#bbbbbb",
    "ours, oracle": "#2b8cbe",
}
LINES = ("ours, gain gate", "ours, entropy gate", "ours, random gate",
         "MMExit", "MMExit+", "RExit", "Eloss", "Sloss", "random gate")


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    plt.close(figure)


def bars(axes: Axes, results: Sequence[TaskResult], methods: Sequence[str],
         value: Callable[[TaskResult, str], Sequence[float]], label: str) -> None:
    """Groups of bars, one group per task; whiskers are the spread over seeds."""
    width = 0.8 / len(methods)
    for k, method in enumerate(methods):
        found = [np.asarray(value(r, method)) for r in results]
        places = [i + (k - (len(methods) - 1) / 2) * width for i, v in enumerate(found) if len(v)]
        kept = [v for v in found if len(v)]
        axes.bar(places, [v.mean() for v in kept], width, label=method, color=COLORS.get(method),
                 yerr=[v.std(ddof=1) if len(v) > 1 else 0 for v in kept], error_kw={"elinewidth": 0.8})
    axes.set_xticks(range(len(results)), [r.name for r in results])
    axes.set_ylabel(label)
    axes.grid(axis="x", visible=False)


def column(name: str, scale: float = 1.0) -> Callable[[TaskResult, str], Sequence[float]]:
    return lambda result, method: [scale * getattr(r, name) for r in result.of(method)]


def gain(result: TaskResult, method: str) -> Sequence[float]:
    """Points of accuracy over LF, per seed."""
    lf = {r.seed: r.accuracy for r in result.of("LF")}
    return [100 * (r.accuracy - lf[r.seed]) for r in result.of(method)]


def share(result: TaskResult, method: str) -> Sequence[float]:
    return [100 * (1 - r.saved) for r in result.of(method)]


def held_share(result: TaskResult, method: str) -> Sequence[float]:
    return [100 * (1 - r.held_saved) for r in result.of(method)]


Panel = tuple[Callable[[TaskResult, str], Sequence[float]], str]
ABILITY: tuple[Panel, Panel] = ((column("accuracy"), "accuracy"), (column("f1"), "weighted F1"))
EFFORT: tuple[Panel, Panel] = ((share, "MACs, % of LF"), (held_share, "parameters touched, % of LF"))


def pair(results: Sequence[TaskResult], methods: Sequence[str], panels: tuple[Panel, Panel], path: Path) -> None:
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3))
        for ax, (value, label) in zip(axes, panels, strict=True):
            bars(ax, results, methods, value, label)
        axes[0].legend(fontsize=8)
        save(figure, path)


def methods_figure(results: Sequence[TaskResult], path: Path) -> None:
    """Figure 7: one row of panels per task, since the methods differ by its modalities."""
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(len(results), 2, figsize=(8, 2.6 * len(results)), squeeze=False)
        for row, result in zip(grid, results, strict=True):
            names = [m for m in [*plain_names(result.modalities).values(), "MMExit", "MMExit+"] if result.of(m)]
            for ax, (value, label) in zip(row, EFFORT, strict=True):
                colors = [COLORS.get(n, "#bbbbbb") for n in names]
                ax.bar(range(len(names)), [np.mean(value(result, n)) for n in names], color=colors)
                ax.set_xticks(range(len(names)), [n.replace(" ", "\n") for n in names], fontsize=7, rotation=30)
                ax.set_ylabel(f"{result.name}\n{label}", fontsize=8)
                ax.grid(axis="x", visible=False)
                if max(np.mean(value(result, n)) for n in names) > 300:
                    ax.set_yscale("log")
        figure.tight_layout()
        save(figure, path)


def curves_figure(result: TaskResult, path: Path) -> None:
    """Accuracy against the share of LF's MACs, means over seeds."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        for method in [m for m in (*LINES, "fixed gate", "oracle", "ours, oracle") if m in result.curves]:
            settings = zip(*(c.test for c in result.curves[method].values()), strict=True)
            points = np.array([mean_of(p, result.lf.macs)[:2] for p in settings])
            points = points[np.argsort(points[:, 0], kind="stable")]
            style = dict(marker=".", linewidth=1.2, markersize=3) if method in LINES else dict(marker="x", ls="none")
            axes.plot(100 * points[:, 0], points[:, 1], label=method, color=COLORS[method], **style)
        lf = float(np.mean([r.accuracy for r in result.of("LF")]))
        axes.axhline(lf, color=COLORS["LF"], linewidth=0.8, linestyle="--", label="LF")
        axes.set_xlabel("MACs, % of LF")
        axes.set_ylabel("accuracy")
        axes.set_title(f"{result.name}: test windows, mean over seeds", fontsize=9)
        axes.legend(fontsize=7, loc="lower right")
        save(figure, path)


def write_all(results: Sequence[TaskResult], folder: Path) -> list[Path]:
    """All figures of the comparison; returns their paths."""
    names = [folder / f"comparison-{n}.svg" for n in ("efforts", "schemes", "losses", "methods")]
    pair(results, ["RExit", "MMExit", "MMExit+"], EFFORT, names[0])
    pair(results, ["LF", "RExit", "MMExit", "MMExit+"], ABILITY, names[1])
    pair(results, ["Eloss", "Sloss", "MMExit", "MMExit+"], ((gain, "points over LF"), (share, "MACs, % of LF")),
         names[2])
    methods_figure(results, names[3])
    curves = [folder / f"comparison-curves-{r.name}.svg" for r in results]
    for result, path in zip(results, curves, strict=True):
        curves_figure(result, path)
    return [*names, *curves]

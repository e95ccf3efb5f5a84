"""What the comparison found: every method at the setting chosen on validation, and every gate's curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION
from ..export.report import weighted_f1
from . import gates
from .gates import Curve, Point
from .said import Said

READINGS = {"mmexit-norm": "A", "mmexit-signed": "B", "mmexit-shared": "C"}
"""Trainings by Algorithm 1 over late fusion, by the letter of their reading of `g`."""
JOINT = {"mmexit-joint": "J"}
"""Beyond the paper: reading B with both stages in every step; MMExit+ is this network where it was trained."""
FUSIONS = ("tf", "lrtf", "mim")
BUDGETS = (0.2, 0.3, 0.5, 0.7)
"""Shares of LF's MACs at which accuracies are compared."""


@dataclass(frozen=True)
class Row:
    """One method and seed on the test windows. `saved`, `held_saved`: MACs and parameters against LF, 0...1."""

    method: str
    seed: int
    accuracy: float
    f1: float
    macs: float
    parameters: float
    saved: float
    held_saved: float
    validation: float
    setting: str


@dataclass
class TaskResult:
    """All rows and curves of one task; `curves[method][seed]`."""

    name: str
    modalities: tuple[str, ...]
    windows: tuple[int, int]
    lf: Point
    rows: list[Row] = field(default_factory=list)
    curves: dict[str, dict[int, Curve]] = field(default_factory=dict)

    def methods(self) -> list[str]:
        return list(dict.fromkeys(r.method for r in self.rows))

    def of(self, method: str) -> list[Row]:
        return [r for r in self.rows if r.method == method]

    def best_reading(self) -> str | None:
        """The trained reading with the highest mean validation accuracy at its chosen setting."""
        means = {m: float(np.mean([r.validation for r in rows]))
                 for m in (f"MMExit {letter}" for letter in READINGS.values()) if (rows := self.of(m))}
        return max(means, key=lambda m: means[m]) if means else None

    def at_budget(self, method: str, share: float) -> list[float]:
        """Test accuracy of each seed at the setting that validation finds best within that share of LF's MACs."""
        found = []
        for curve in self.curves[method].values():
            i = gates.within(curve, share * self.lf.macs)
            if i is not None:
                found.append(curve.test[i].accuracy)
        return found


def plain_point(said: Said, split: str) -> Point:
    """A network without exits; it costs the same for every window."""
    logits, labels = getattr(said, split)[FUSION], said.labels[split]
    answers = logits.argmax(axis=1)
    cost = said.costs[FUSION]
    return Point((answers == labels).astype(np.float64), weighted_f1(answers, labels), cost.macs, cost.parameters)


def plain_names(modalities: Sequence[str]) -> dict[str, str]:
    """Trainings without exits, by the name that the tables give them."""
    alone = {f"uni-{m}": f"Uni{i} ({m})" for i, m in enumerate(modalities, 1)}
    return alone | {f: f.upper() for f in FUSIONS} | {"lf": "LF"}


def measure(name: str, modalities: tuple[str, ...], results: Mapping[int, Mapping[str, Said]]) -> TaskResult:
    """`results[seed][training]`; every seed has `lf`."""
    first = next(iter(results.values()))["lf"]
    windows = (len(first.labels["validation"]), len(first.labels["test"]))
    found = TaskResult(name, modalities, windows, plain_point(first, "test"))
    for seed, trained in results.items():
        _measure_seed(found, seed, trained)
    _name_the_method(found)
    return found


def _measure_seed(found: TaskResult, seed: int, trained: Mapping[str, Said]) -> None:
    for training, method in plain_names(found.modalities).items():
        if training in trained:
            point = plain_point(trained[training], "test")
            _add(found, method, seed, point, plain_point(trained[training], "validation").accuracy)
    reference = plain_point(trained["lf"], "validation").right.astype(bool)
    for training, letter in (READINGS | JOINT).items():
        if training in trained:
            bench = gates.bench(trained[training])
            for method, curve in _gates(bench, f" {letter}").items():
                _gate(found, method, seed, curve, reference)
    for training, method in (("eloss", "Eloss"), ("sloss", "Sloss")):
        if training in trained:
            bench = gates.bench(trained[training])
            _gate(found, method, seed, gates.single(bench), reference)
            _gate(found, f"{method}, own thresholds", seed, gates.priced(bench), reference)
    for fusion in FUSIONS:
        if f"mmexit-{fusion}" in trained and fusion in trained:
            own = plain_point(trained[fusion], "validation").right.astype(bool)
            bench = gates.bench(trained[f"mmexit-{fusion}"])
            _gate(found, f"MMExit over {fusion.upper()}", seed, gates.single(bench), own)


def _gates(bench: gates.Bench, suffix: str) -> dict[str, Curve]:
    return {
        f"MMExit{suffix}": gates.single(bench), f"MMExit+{suffix}": gates.priced(bench),
        f"RExit{suffix}": gates.unordered(bench), f"random gate{suffix}": gates.lots(bench),
        f"fixed gate{suffix}": gates.fixed(bench), f"oracle{suffix}": gates.oracle(bench),
    }


def _gate(found: TaskResult, method: str, seed: int, curve: Curve, reference: NDArray[np.bool_]) -> None:
    i = gates.choose(curve, reference)
    _add(found, method, seed, curve.test[i], curve.validation[i].accuracy)
    found.curves.setdefault(method, {})[seed] = curve


def _add(found: TaskResult, method: str, seed: int, point: Point, validation: float) -> None:
    found.rows.append(Row(method, seed, point.accuracy, point.f1, point.macs, point.parameters,
                          1 - point.macs / found.lf.macs, 1 - point.parameters / found.lf.parameters, validation,
                          point.setting))


def _name_the_method(found: TaskResult) -> None:
    """The better reading's rows and curves once more under the plain names; MMExit+ from the joint training."""
    best = found.best_reading()
    suffix = best.removeprefix("MMExit") if best else " J"
    joint = " J" if found.of("MMExit+ J") else suffix
    for method in list(found.curves):
        name = method.removesuffix(joint if method.startswith("MMExit+") else suffix)
        if name != method:
            found.curves[name] = found.curves[method]
            found.rows += [Row(name, *(getattr(r, f) for f in ROW_FIELDS)) for r in found.of(method)]


ROW_FIELDS = ("seed", "accuracy", "f1", "macs", "parameters", "saved", "held_saved", "validation", "setting")

"""What the comparison found: every method at the setting chosen on validation, and every gate's curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION
from ..export.report import weighted_f1
from . import gain_gate, gates
from .gates import Curve, Point
from .said import Said

READINGS = {"mmexit-norm": "A", "mmexit-signed": "B", "mmexit-shared": "C"}
"""Trainings by Algorithm 1 over late fusion, by the letter of their reading of `g`."""
JOINT = {"mmexit-joint": "J"}
"""Beyond the paper: reading B with both stages in every step; MMExit+ is this network where it was trained."""
FUSIONS = ("tf", "lrtf", "mim")
OURS, OURS_ENTROPY = "ours, gain gate", "ours, entropy gate"
"""Encoders and exits from single modalities, an exit behind every layer; the gate by the gain of going on, or by
entropy with a threshold per exit."""
BUDGETS = (0.25, 0.5, 0.75)
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


def mixed_at_budget(result: TaskResult, method: str, share: float) -> list[float]:
    """Test accuracy of each seed by `mixed` within that share of LF's MACs."""
    found = [mixed(curve, share * result.lf.macs) for curve in result.curves[method].values()]
    return [accuracy for accuracy in found if accuracy is not None]


def mixed(curve: Curve, budget: float) -> float | None:
    """Test accuracy when every window draws one of two fixed exits, those and the odds that validation finds best
    within so many MACs: the best that chance can do, exits that know nothing left out."""
    points = curve.validation
    best: tuple[float, int, int, float] | None = None
    for i, cheap in enumerate(points):
        for j, dear in enumerate(points):
            if cheap.macs <= budget and dear.macs >= cheap.macs:
                odds = min(1.0, (budget - cheap.macs) / max(1.0, dear.macs - cheap.macs))
                right = (1 - odds) * cheap.accuracy + odds * dear.accuracy
                best = max(best or (right, i, j, odds), (right, i, j, odds))
    if best is None:
        return None
    _, i, j, odds = best
    return (1 - odds) * curve.test[i].accuracy + odds * curve.test[j].accuracy


def plain_point(said: Said, split: str) -> Point:
    """A network without exits; it costs the same for every window."""
    logits, labels = getattr(said, split)[FUSION], said.labels[split]
    answers = logits.argmax(axis=1)
    cost = said.costs[FUSION]
    return Point((answers == labels).astype(np.float64), weighted_f1(answers, labels), cost.macs, cost.parameters)


def plain_names(modalities: Sequence[str]) -> dict[str, str]:
    """Trainings without exits, by the name that the tables give them."""
    alone = {f"uni-{m}": f"Uni{i} ({m})" for i, m in enumerate(modalities, 1)}
    return alone | {f: f.upper() for f in FUSIONS} | {"lf": "LF", "lf-alone": "LF, single starts"}


def empty(name: str, modalities: tuple[str, ...], lf: Said) -> TaskResult:
    windows = (len(lf.labels["validation"]), len(lf.labels["test"]))
    return TaskResult(name, modalities, windows, plain_point(lf, "test"))


def measure_cell(found: TaskResult, seed: int, training: str, said: Said, lf: Said, over: Said | None) -> None:
    """Adds what one training of a seed gives. `lf`: that seed's late fusion; `over`: the network without exits of the
    training's own fusion, where that is another."""
    plain = plain_names(found.modalities)
    if training in plain:
        _add(found, plain[training], seed, plain_point(said, "test"), plain_point(said, "validation").accuracy)
        return
    reference = plain_point(lf, "validation").right.astype(bool)
    letters = READINGS | JOINT
    bench = gates.bench(said) if said.costs.keys() != {FUSION} else None
    if bench is None or training.startswith("alone-"):
        return
    if training in letters:
        for method, curve in _gates(bench, f" {letters[training]}").items():
            _gate(found, method, seed, curve, reference)
    elif training in ("eloss", "sloss"):
        method = training.capitalize()
        _gate(found, method, seed, gates.single(bench), reference)
        _gate(found, f"{method}, own thresholds", seed, gates.priced(bench), reference)
    elif training == "ours":
        _measure_ours(found, seed, said, bench, reference)
    elif over is not None:
        own = plain_point(over, "validation").right.astype(bool)
        _gate(found, f"MMExit over {training.removeprefix('mmexit-').upper()}", seed, gates.single(bench), own)


def _measure_ours(found: TaskResult, seed: int, said: Said, bench: gates.Bench, reference: NDArray[np.bool_]) -> None:
    """The network with single starts: by entropy and by gain, and the gates that bound them."""
    own = bench.plain["validation"].correct(FUSION)
    entropy = gates.priced(bench, gates.STEPS)
    order = tuple(entropy.validation[gates.choose_near(entropy, reference, own)].setting.split())
    curves = {OURS_ENTROPY: entropy, OURS: gain_gate.curve(said, bench, order)}
    for method, curve in curves.items():
        i = gates.choose_near(curve, reference, own)
        _add(found, method, seed, curve.test[i], curve.validation[i].accuracy)
        found.curves.setdefault(method, {})[seed] = curve
    for method, curve in (("random gate", gates.lots(bench)), ("fixed gate", gates.fixed(bench)),
                          ("oracle", gates.oracle(bench))):
        _gate(found, f"ours, {method}", seed, curve, reference)
    whole = Point(bench.plain["test"].correct(FUSION).astype(float), plain_point(said, "test").f1,
                  float(sum(c.macs for c in bench.costs.values())),
                  float(sum(c.parameters for c in bench.costs.values())))
    _add(found, "ours, always fused", seed, whole, float(own.mean()))


def named(found: TaskResult) -> TaskResult:
    """With the better reading under the plain names."""
    _name_the_method(found)
    return found


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

"""The two trials of the guarantee: random splits of real windows, and draws from a synthetic population."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION
from ..calibrate.calibration import Recording
from ..calibrate.exit_pool import Pool
from ..calibrate.learn_then_test import Groups, Guarantee
from ..calibrate.promise import PLAIN_GATE, Gate, Prepared, Promise, calibration_parts, prepare, promise
from ..calibrate.settings_path import Setting, settings_path, split_by_groups
from .synthetic_windows import Population

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Outcome:
    """One calibration judged: true loss against full fusion (share of windows) and MACs saved."""

    holds: bool
    loss: float
    saved: float
    windows: int
    effective: float

    def exceeds(self, guarantee: Guarantee) -> bool:
        return self.loss > guarantee.loss + 1e-12


@dataclass(frozen=True)
class Trial:
    """Outcomes by (guarantee, whether groups were counted)."""

    outcomes: dict[tuple[Guarantee, bool], list[Outcome]]

    def add(self, key: tuple[Guarantee, bool], outcome: Outcome) -> None:
        self.outcomes.setdefault(key, []).append(outcome)


def judge(found: Promise, gate: Gate, truth: Recording) -> Outcome:
    outcome = gate.walk(truth, found.setting)
    evidence = found.choice.evidence[found.choice.index if found.choice.index is not None else -1:]
    effective = evidence[0].effective if evidence else 0.0
    windows = evidence[0].windows if evidence else 0
    return Outcome(found.holds, float(truth.correct(FUSION).mean() - outcome.accuracy),
                   1 - outcome.mean_macs / truth.total_macs, windows, effective)


def first_of_each(names: NDArray[np.str_], which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the windows `which`, one of each group."""
    return np.sort(which[np.unique(names[which], return_index=True)[1]])


def random_splits(pool: Pool, guarantees: Sequence[Guarantee], splits: int, gate: Gate, once: str | None,
                  progress: Progress) -> Trial:
    """Half of the groups calibrates, the other half is the truth; the two share no group.

    `once`: a kind of group of which a calibration takes one window only (pictures, as an export draws them)."""
    trial = Trial({})
    for number in range(splits):
        rng = np.random.default_rng([number, 7401])
        mine, others = split_by_groups(pool.groups, len(pool), 0.5, rng)
        calibration = pool.part(first_of_each(pool.groups[once], mine) if once else mine)
        prepared = prepare(calibration, calibration_parts(calibration.groups, len(calibration), number), gate)
        truth = pool.part(others).recording(prepared.temperatures)
        _judge_all(trial, prepared, guarantees, truth, gate)
        progress(number + 1)
    return trial


def synthetic_draws(whole: Population, guarantees: Sequence[Guarantee], draws: int, people: int | None, count: int,
                    progress: Progress, unequal: bool = False) -> Trial:
    """Calibrations of `count` windows drawn with replacement from the population, whose own loss is the truth.

    `people`: draw that many people with all their windows instead; `unequal`: with a share of their windows that is
    drawn too, most of it small."""
    trial = Trial({})
    everybody = np.unique(whole.person)
    each = len(whole.person) // len(everybody)
    for number in range(draws):
        rng = np.random.default_rng([number, 7402])
        if people is None:
            drawn, groups = whole.draw(rng.integers(len(whole.person), size=count)), None
        else:
            chosen = rng.integers(len(everybody), size=people)
            kept = np.full(people, each)
            if unequal:
                kept = np.maximum(2, np.rint(each * rng.random(people) ** 2)).astype(int)
            rows = [first * each + np.arange(k) for first, k in zip(chosen, kept, strict=True)]
            drawn = whole.draw(np.concatenate(rows))
            # One person drawn twice counts as two, as two draws of a larger population would.
            groups = {"person": np.repeat(np.arange(people), kept).astype(f"U{len(str(people))}")}
        prepared = _prepare_synthetic(drawn, groups, rng)
        _judge_all(trial, prepared, guarantees, whole.recording, PLAIN_GATE)
        progress(number + 1)
    return trial


def _prepare_synthetic(drawn: Population, groups: Groups | None, rng: np.random.Generator) -> Prepared:
    names = groups or {}
    first, second = split_by_groups(names, len(drawn.person), 0.4, rng)
    known, test = drawn.draw(first).recording, drawn.draw(second).recording
    path: list[Setting] = settings_path(known, prices=8, quantiles=16)
    return Prepared(drawn.recording, known, test, {k: v[second] for k, v in names.items()}, {}, path, PLAIN_GATE)


def _judge_all(trial: Trial, prepared: Prepared, guarantees: Sequence[Guarantee], truth: Recording,
               gate: Gate) -> None:
    for guarantee in guarantees:
        trial.add((guarantee, True), judge(promise(prepared, guarantee), gate, truth))
        if prepared.groups:
            trial.add((guarantee, False), judge(promise(prepared, guarantee, {}), gate, truth))

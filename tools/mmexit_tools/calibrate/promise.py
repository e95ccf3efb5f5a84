"""Calibration with a guarantee: temperatures and a path of settings from one part of the windows, Learn then Test on
the other. docs/calibration.md explains every choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ToolError, note
from ..base.exits import FUSION, ExitKey
from .calibration import Recording, Replay, fit_temperature, gate_order, replay
from .exit_pool import Pool
from .learn_then_test import LEAST_GROUPS, Choice, Groups, Guarantee, choose
from .settings_path import PATH_SHARE, Setting, settings_path, split_by_groups

SPLIT_SEED = 7301
DEFAULT = Guarantee(0.01, 0.95)


@dataclass(frozen=True)
class Gate:
    """How a task's gate walks: the path of settings on a pool's recording, what a setting does, the order that the
    stored figures lead to."""

    path: Callable[[Recording, Pool], list[Setting]]
    walk: Callable[[Recording, Setting], Replay]
    order: Callable[[Recording, Setting], tuple[str, ...]]


PLAIN_GATE = Gate(lambda recording, _: settings_path(recording), lambda r, s: replay(r, s.order, s.thresholds),
                  lambda r, s: gate_order(r, s.thresholds))


@dataclass(frozen=True)
class Promise:
    """The cheapest setting that passed (all exits off when none did: full fusion loses nothing against itself).

    `figures_from`: the calibration windows whose accuracies and hazards lead to the order that was tested."""

    guarantee: Guarantee
    temperatures: dict[ExitKey, float]
    setting: Setting
    choice: Choice
    path_windows: int
    path_settings: int
    figures_from: Recording

    @property
    def holds(self) -> bool:
        return self.choice.index is not None

    def provenance(self) -> dict:
        """What the model file keeps of it."""
        stored: dict = {
            "loss_points": round(100 * self.guarantee.loss, 6),
            "confidence": round(self.guarantee.confidence, 6), "holds": self.holds,
            "method": "Learn then Test, fixed sequence, exact paired test", "path_windows": self.path_windows,
        }
        if self.choice.evidence:
            found = self.choice.evidence[self.choice.index if self.choice.index is not None else -1]
            stored |= {"windows": found.windows, "effective_windows": int(found.effective),
                       "groups": dict(found.groups), "observed_loss_points": round(100 * found.loss, 4),
                       "p": round(found.p, 6), "settings_tested": len(self.choice.evidence)}
        return stored

    def sentence(self) -> str:
        """For the model card and the terminal."""
        if not self.choice.evidence:
            return f"{self.guarantee}: no setting was cheaper than full fusion, all exits are off"
        found = self.choice.evidence[self.choice.index if self.choice.index is not None else -1]
        groups = "".join(f", {n:,} groups by {k}" for k, n in found.groups.items())
        sample = (f"{found.windows:,} windows that count as {int(found.effective):,} independent ones{groups}; "
                  f"{self.path_windows:,} others chose the path")
        if found.refused:
            return (f"{self.guarantee} is not promised: the testing windows come from {found.groups_effective:.0f} "
                    f"groups that count, and below {LEAST_GROUPS} a few people who fail badly may all be missing "
                    f"({sample}); more people are needed, not more windows")
        if not self.holds:
            need = self.guarantee.least_windows()
            return (f"{self.guarantee} could not be shown for any setting ({sample}; even without a single loss "
                    f"it takes {need:,} independent windows)")
        return f"{self.guarantee}, by Learn then Test ({sample}; observed loss {100 * found.loss:.2f} points)"


def fit_temperatures(pool: Pool) -> dict[ExitKey, float]:
    """Of every exit, over the windows where its modality is there, against what that modality can know."""
    result = {}
    for key, logits in pool.logits.items():
        if key == FUSION:
            result[key] = round(fit_temperature(logits, pool.labels), 4)
        else:
            here = pool.present[key[0]]
            result[key] = round(fit_temperature(logits[here], pool.seen[key[0]][here]), 4)
    return result


@dataclass(frozen=True)
class Prepared:
    """The path, chosen on `known`; the windows `test` that have had no say in it, and their groups."""

    whole: Recording
    known: Recording
    test: Recording
    groups: Groups
    temperatures: dict[ExitKey, float]
    path: list[Setting]
    gate: Gate


def prepare(pool: Pool, parts: tuple[NDArray, NDArray], gate: Gate = PLAIN_GATE) -> Prepared:
    """`parts`: indices of the windows that choose the path and of those that test (`calibration_parts`)."""
    known, unseen = pool.part(parts[0]), pool.part(parts[1])
    temperatures = fit_temperatures(known)
    recording = known.recording(temperatures)
    return Prepared(pool.part(np.concatenate(parts)).recording(temperatures), recording,
                    unseen.recording(temperatures), unseen.groups, temperatures, gate.path(recording, known), gate)


def promise(prepared: Prepared, guarantee: Guarantee, groups: Groups | None = None) -> Promise:
    """`groups`: to count the effective sample by others than the windows' own (none at all: {})."""
    gate, recording, test = prepared.gate, prepared.known, prepared.test
    reference = test.correct(FUSION)

    def differences(setting: Setting) -> NDArray:
        return reference.astype(np.int64) - gate.walk(test, setting).right

    choice = choose(prepared.path, differences, prepared.groups if groups is None else groups, guarantee, ~reference)
    setting = all_off(gate, recording) if choice.index is None else prepared.path[choice.index]
    same = gate.order(prepared.whole, setting) == setting.order
    return Promise(guarantee, prepared.temperatures, setting, choice, len(recording), len(prepared.path),
                   prepared.whole if same else recording)


def all_off(gate: Gate, recording: Recording) -> Setting:
    """Full fusion, in the order that the gate then takes."""
    off = dict.fromkeys(recording.keys(recording.modalities))
    return Setting(off, gate.order(recording, Setting(off, recording.modalities)))


def calibration_parts(groups: Groups, count: int, seed: int = SPLIT_SEED,
                      share: float = PATH_SHARE) -> tuple[NDArray, NDArray]:
    """The part that chooses and the part that tests, sharing no group. Raises ToolError where one would be empty."""
    parts = split_by_groups(groups, count, share, np.random.default_rng([seed, count]))
    if min(len(p) for p in parts) == 0:
        names = ", ".join(f"{len(np.unique(v[v != '']))} by {k}" for k, v in groups.items()) or "no groups"
        raise ToolError(f"calibration: {count} windows ({names}) cannot be divided into a part that chooses "
                        "thresholds and one that tests them; give more windows or more people, or --guarantee off")
    return parts


@dataclass(frozen=True)
class Wish:
    """What `--guarantee` asks for. `only_if_it_holds`: where it cannot be shown, calibrate without one."""

    guarantee: Guarantee
    only_if_it_holds: bool = False

    @staticmethod
    def parse(text: str) -> Wish | None:
        """`auto`, `off` (None) or LOSS:CONFIDENCE."""
        if text == "off":
            return None
        return Wish(DEFAULT, True) if text == "auto" else Wish(Guarantee.parse(text))

    def parts(self, groups: Groups, count: int) -> tuple[NDArray, NDArray] | None:
        """As `calibration_parts`; None where that cannot be and need not be."""
        try:
            return calibration_parts(groups, count)
        except ToolError as error:
            if not self.only_if_it_holds:
                raise
            note(error)
            return None

    def grant(self, pool: Pool, parts: tuple[NDArray, NDArray], gate: Gate = PLAIN_GATE) -> Promise | None:
        """The promise; None where it does not hold and need not."""
        found = promise(prepare(pool, parts, gate), self.guarantee)
        if found.holds or not self.only_if_it_holds:
            return found
        note(f"no guarantee: {found.sentence()}; thresholds are chosen without one instead "
             "(--guarantee LOSS:CONFIDENCE asks for a weaker one)")
        return None

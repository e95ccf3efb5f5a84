"""Thresholds hold in every order and with the sensors that come later asleep, on each part of the windows."""

import dataclasses

import numpy as np
import pytest
from test_promise import pool

from mmexit_tools.base.errors import ToolError
from mmexit_tools.calibrate.calibration import Tolerance, gate_order
from mmexit_tools.calibrate.every_order import Part, cases, choose, figures_of
from mmexit_tools.calibrate.exit_pool import Pool
from mmexit_tools.calibrate.promise import fit_temperatures
from mmexit_tools.export.calibrating import parts_of
from mmexit_tools.tasks import mixture

Z = 1.645


def two_parts(count: int, losses: tuple[float, float] = (0.02, 0.03), asleep: float = 0.03) -> list[Part]:
    halves = np.array_split(np.arange(count), 2)
    return [Part(name, which, Tolerance(loss, Z), Tolerance(asleep, Z))
            for name, which, loss in zip(("benchmark", "varied"), halves, losses, strict=True)]


def with_alone(found: Pool, spoiled: str = "") -> Pool:
    """Doubts of heads: entropy, and the same without looks but for the modality whose exits are then always sure."""
    recording = found.recording(fit_temperatures(found))
    doubt = {k: recording.entropy[k] for k in recording.entropy if k[0] != "fusion"}
    alone = {k: np.where(np.isfinite(v), 0.0, v) if k[0] == spoiled else v for k, v in doubt.items()}
    return dataclasses.replace(found, doubt=doubt, alone=alone)


def test_thresholds_hold_in_every_case_and_save():
    known = with_alone(pool(4000, 2))
    parts, temperatures = two_parts(4000), fit_temperatures(known)
    setting = choose(known, temperatures, parts)
    every = cases(known, temperatures, parts)
    assert len(every) == 2 * 2 * 2 and all(c.holds(setting.thresholds) for c in every)
    first = next(c for c in every if c.order == setting.order and not c.asleep)
    assert first.replay(setting.thresholds).mean_macs < 0.8 * first.recording.total_macs
    # The figures that are stored lead the gate to the order that was counted.
    assert gate_order(figures_of(known, temperatures, parts), setting.thresholds) == setting.order
    assert f"{setting.order[0]} first" in first.says(setting.thresholds)


@pytest.mark.parametrize("modality", ["image", "audio"])
def test_what_is_sure_of_everything_alone_may_not_answer(modality):
    known = pool(4000, 2)
    if modality not in known.modalities:
        modality = known.modalities[0]
    spoiled = with_alone(known, modality)
    setting = choose(spoiled, fit_temperatures(known), two_parts(4000))
    assert all(t is None for k, t in setting.thresholds.items() if k[0] == modality)


def test_a_stricter_part_decides():
    known = with_alone(pool(4000, 2))
    temperatures = fit_temperatures(known)
    loose, strict = (choose(known, temperatures, two_parts(4000, (0.02, loss))) for loss in (0.03, 0.0001))
    assert any(t is not None for t in loose.thresholds.values())
    assert all(t is None for t in strict.thresholds.values())


def test_only_a_task_with_varied_windows_has_them():
    wanted = {"windows": 5, "test_windows": 0, "loss": 1, "varied": 3, "varied_loss": 2, "teaching": 4, "data": None}
    with pytest.raises(ToolError, match="mosi has no varied windows; avmnist has"):
        mixture.mixture(None, mixture.argparse.Namespace(task="mosi", **wanted))
    kinds = mixture.mixture(None, mixture.argparse.Namespace(task="avmnist", **wanted))
    assert [k.name for k in kinds] == ["benchmark", "varied", "teaching"]
    assert [p.which.tolist() for p in parts_of(kinds, Z)] == [[0, 1, 2, 3, 4], [5, 6, 7]]
    assert "1 points" in mixture.sentence(kinds, Z) and parts_of(kinds[:1], Z) == []

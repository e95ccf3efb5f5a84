"""Where every exit stays off, the sentence says so and what it advises works."""

import dataclasses
import re

import numpy as np
from test_promise import pool

from mmexit_tools.calibrate.calibration import Tolerance, calibrate
from mmexit_tools.calibrate.hints import advice, all_exits_off
from mmexit_tools.calibrate.promise import PLAIN_GATE, all_off, fit_temperatures
from mmexit_tools.calibrate.settings_path import Setting


def test_few_windows_leave_all_off_and_the_advice_saves() -> None:
    few = pool(41, 3)
    recording = few.recording(fit_temperatures(few))
    strict = Tolerance(0.005, 1.645)
    assert all_exits_off(Setting(*calibrate(recording, strict)))
    said = advice(recording, few, PLAIN_GATE, strict)
    assert said.startswith("no exit may answer alone yet: all sensors stay awake, nothing is saved; ")
    loss = float(re.search(r"--loss ([0-9.]+)", said)[1]) / 100
    looser = Tolerance(loss, 1.645)
    setting = Setting(*calibrate(recording, looser))
    outcome = PLAIN_GATE.walk(recording, setting)
    assert outcome.mean_macs < 0.7 * recording.total_macs
    assert looser.allows(outcome, np.asarray(recording.correct(("fusion", 0))))


def test_where_nothing_saves_it_says_that() -> None:
    drawn = pool(41, 3)
    gate = dataclasses.replace(PLAIN_GATE, path=lambda r, p: [all_off(PLAIN_GATE, r)])
    recording = drawn.recording(fit_temperatures(drawn))
    said = advice(recording, drawn, gate, Tolerance(0.005, 1.645))
    assert said.endswith("would save 30% of the MACs: train on more windows")

"""Thresholds of commands and of `none` together; class 0 is none."""

import dataclasses
from types import SimpleNamespace

import numpy as np
from test_robot_none import KEYS, recording

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import Recording, Tolerance, replay
from mmexit_tools.calibrate.robot_thresholds import MISSED, PRICES, choose_walk, without_none
from mmexit_tools.export.robot_deployment import EMPTY, override_section
from mmexit_tools.sources.robot_data import CLASSES

FEW = PRICES[::6]


def knowing(rng: np.random.Generator, n: int) -> tuple[Recording, dict]:
    """Exits that are right where their entropy is low; fusion is right nine times in ten."""
    r = recording(rng, n)
    labels = rng.integers(0, 3, n)
    answer = {}
    for k in KEYS:
        wrong = rng.random(n) < (0.1 if k == FUSION else np.where(np.isfinite(r.entropy[k]), r.entropy[k] ** 2, 1))
        answer[k] = np.where(wrong, rng.integers(0, 3, n), labels)
    present = {m: np.ones(n, bool) for m in ("a", "b")}
    entropy = {k: np.where(np.isfinite(v), v, 1.0) for k, v in r.entropy.items()}
    return Recording(r.modalities, r.exits, entropy, answer, labels, present, r.macs), {"a": labels, "b": labels}


def test_the_walk_saves_within_the_tolerance():
    saved = []
    for loss in (0.0, 0.01, 0.04):
        r, seen = knowing(np.random.default_rng(5), 1500)
        tolerance = Tolerance(loss, 1.645)
        found = choose_walk(r, seen, 0, tolerance, FEW)
        outcome = replay(r, found.order, found.commands, found.nones, 0)
        assert tolerance.allows(outcome, r.correct(FUSION))
        saved.append(1 - outcome.mean_macs / r.total_macs)
    assert saved[0] <= saved[1] <= saved[2]
    assert saved[2] > 0.2


def test_no_sensor_misses_more_of_its_commands_than_is_told():
    for seed, most in ((5, MISSED[0]), (8, MISSED[0]), (5, 0.015)):
        r, seen = knowing(np.random.default_rng(seed), 800)
        found = choose_walk(r, seen, 0, Tolerance(0.05, 0.0), FEW, missed=most)
        assert found.missed is not None and found.missed <= most and any(found.nones.values())
        for m in r.modalities:
            something, lost = seen[m] != 0, np.zeros(len(r), bool)
            for key in r.keys((m,)):
                limit = found.nones[key]
                if limit is not None:
                    lost |= (r.answer[key] == 0) & (r.entropy[key] <= limit)
            assert (lost & something).sum() <= found.missed * something.sum()


def test_a_second_sensor_is_asked_where_it_overrides():
    """Class 2 overrides: wherever the second sensor, which shows nothing else, shows it, it is what is meant."""
    r, seen = knowing(np.random.default_rng(5), 1500)
    r = dataclasses.replace(r, macs=r.macs | {("b", 1): 2})
    shows = np.random.default_rng(6).random(len(r)) < 0.1
    labels = np.where(shows, 2, r.labels)
    said = {k: v if k[0] == "a" else np.where(shows, 2, v if k == FUSION else 0) for k, v in r.answer.items()}
    told = {("a", 1): np.zeros(len(r)), ("b", 1): np.where(shows, 0.6, 0.04)}
    plain = dataclasses.replace(r, labels=labels, answer=said)
    asked = dataclasses.replace(plain, overriding=2, override=told)
    tolerance = Tolerance(0.02, 0.0)
    without, found = (choose_walk(x, seen, 0, tolerance, FEW) for x in (plain, asked))
    assert without.overrides == {} and 0.04 < found.overrides[("b", 1)] <= 0.6
    assert tolerance.allows(found.replay(asked, 0), asked.correct(FUSION))
    assert found.replay(asked, 0).mean_macs < without.replay(plain, 0).mean_macs
    # Without the rule the same thresholds would answer for the first sensor.
    assert found.replay(asked, 0).accuracy > dataclasses.replace(found, overrides={}).replay(asked, 0).accuracy


def test_a_sure_command_may_stand_beside_a_sure_none():
    """The first sensor is sure of nothing wherever it has nothing; the second is right wherever it is sure."""
    rng, n = np.random.default_rng(5), 1500
    first, second = (np.where(rng.random(n) < 0.5, rng.integers(1, 3, n), 0) for _ in "ab")
    labels = np.where(first == 0, second, first)
    low, high = 0.3 * rng.random(n), 0.7 + 0.3 * rng.random(n)
    entropy = {k: (high if k == ("a", 1) else low) if k[0] == "a" else np.where(rng.random(n) < 0.6, low, high)
               for k in KEYS[:-1]} | {FUSION: low}
    answer = {k: labels if k == FUSION else {"a": first, "b": second}[k[0]] for k in KEYS}
    present = {m: np.ones(n, bool) for m in "ab"}
    r = Recording(("a", "b"), {"a": 2, "b": 2}, entropy, answer, labels, present,
                  dict(zip(KEYS, [10, 20, 30, 40, 5], strict=True)))
    seen, tolerance = {"a": first, "b": second}, Tolerance(0.01, 0.0)
    without, found = (choose_walk(r, seen, 0, tolerance, FEW, beside=b) for b in (False, True))
    assert without.beside_none == {} and found.beside_none
    for key, limit in found.beside_none.items():
        assert key[0] == found.order[1] and 0 <= limit <= 1
    assert tolerance.allows(found.replay(r, 0), r.correct(FUSION))
    assert found.replay(r, 0).mean_macs < 0.95 * without.replay(r, 0).mean_macs
    assert dataclasses.replace(found, beside_none={}).replay(r, 0).mean_macs > found.replay(r, 0).mean_macs


def test_the_card_tells_what_asking_changes():
    """Three sure `go`: of one hand that says stop, of none and of another; and a window that is unsure."""
    go, stop = CLASSES.index("go"), CLASSES.index("stop")
    voice, hand = ("audio", 1), ("image", 1)
    labels = np.array([stop, go, go, go])
    answer = {voice: np.full(4, go), hand: np.array([stop, EMPTY, 4, EMPTY]), FUSION: labels}
    entropy = {voice: np.array([0.1, 0.1, 0.1, 0.9]), hand: np.full(4, 0.9), FUSION: np.zeros(4)}
    present = {m: np.ones(4, bool) for m in ("audio", "image")}
    r = Recording(("audio", "image"), {"audio": 1, "image": 1}, entropy, answer, labels, present,
                  {voice: 10, hand: 2, FUSION: 1}, overriding=stop, override={hand: np.array([0.9, 0.01, 0.1, 0.8])})
    asked = dataclasses.replace(r, overrides={hand: 0.2})
    without, outcome = (replay(x, r.modalities, {voice: 0.2, hand: None}, {}, EMPTY) for x in (r, asked))
    windows = SimpleNamespace(seen={"audio": np.full(4, go), "image": answer[hand]})
    text = override_section(windows, without, outcome, asked)[0]
    assert "| image says stop | 1 | 100.0 % | 0.0 % | 100.0 % |" in text
    assert "| all others | 2 | 0.0 % | 100.0 % | 100.0 % |" in text and "image 1 at 0.2" in text
    assert override_section(windows, without, without, r) == []


def test_useless_exits_stay_off():
    rng = np.random.default_rng(6)
    r = recording(rng, 800)
    answer = r.answer | {FUSION: r.labels}
    r = Recording(r.modalities, r.exits, r.entropy, answer, r.labels, r.present, r.macs)
    found = choose_walk(r, dict.fromkeys(r.modalities, r.labels), 0, Tolerance(0.0, 1.645), FEW)
    outcome = replay(r, found.order, found.commands, found.nones, 0)
    assert outcome.accuracy == 1.0


def test_without_none_only_commands_leave():
    r = recording(np.random.default_rng(7))
    cut = without_none(r, 0)
    for k in KEYS[:-1]:
        assert np.isinf(cut.entropy[k][r.answer[k] == 0]).all()
        others = r.answer[k] != 0
        assert (cut.entropy[k][others] == r.entropy[k][others]).all()
    assert (cut.entropy[FUSION] == r.entropy[FUSION]).all()

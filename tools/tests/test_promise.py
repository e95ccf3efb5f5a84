import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from test_calibration import synthetic

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import gate_order, replay
from mmexit_tools.calibrate.exit_pool import Pool, group_names, load_pool, save_pool
from mmexit_tools.calibrate.learn_then_test import Guarantee
from mmexit_tools.calibrate.promise import Wish, calibration_parts, prepare, promise
from mmexit_tools.calibrate.settings_path import settings_path, split_by_groups


def pool(count: int, seed: int, groups=None) -> Pool:
    labels, logits, present, macs = synthetic(count, seed)
    seen = dict.fromkeys(present, labels)
    return Pool({k: v.astype(np.float32) for k, v in logits.items()}, labels, present, seen, groups or {}, macs)


def test_the_path_goes_from_safe_to_cheap():
    found = pool(2000, 1)
    recording = found.recording(dict.fromkeys(found.logits, 1.0))
    path = settings_path(recording, prices=12, quantiles=16)
    outcomes = [replay(recording, s.order, s.thresholds) for s in path]
    assert len(path) > 5
    assert all(a.accuracy >= b.accuracy and a.mean_macs > b.mean_macs
               for a, b in pairwise(outcomes))
    assert all(gate_order(recording, s.thresholds) == s.order for s in path)


def test_a_promise_is_kept_on_unseen_windows_and_saves_work():
    known = pool(4000, 2)
    found = promise(prepare(known, calibration_parts({}, 4000)), Guarantee(0.02, 0.95))
    assert found.holds
    truth = pool(30000, 3).recording(found.temperatures)
    outcome = replay(truth, found.setting.order, found.setting.thresholds)
    assert truth.correct(FUSION).mean() - outcome.accuracy < 0.02
    assert outcome.mean_macs < 0.7 * truth.total_macs
    stored = found.provenance()
    assert stored["loss_points"] == 2 and stored["confidence"] == 0.95
    assert stored["windows"] + stored["path_windows"] == 4000
    assert stored["effective_windows"] == stored["windows"] and stored["p"] <= 0.05


def test_the_stored_figures_lead_to_the_order_that_was_tested():
    for seed in range(4, 8):
        found = promise(prepare(pool(1500, seed), calibration_parts({}, 1500)), Guarantee(0.03, 0.9))
        assert gate_order(found.figures_from, found.setting.thresholds) == found.setting.order


def test_what_cannot_be_shown_is_not_promised():
    few = pool(120, 9)
    found = promise(prepare(few, calibration_parts({}, 120)), Guarantee(0.005, 0.99))
    assert not found.holds and set(found.setting.thresholds.values()) == {None}
    assert "could not be shown" in found.sentence() and found.provenance()["holds"] is False


def test_an_unkept_default_gives_way_and_a_stated_one_does_not(capsys):
    few, parts = pool(60, 10), calibration_parts({}, 60)
    assert Wish.parse("auto").grant(few, parts) is None
    assert "no guarantee" in capsys.readouterr().err
    assert Wish.parse("1:95").grant(few, parts).holds is False
    assert Wish.parse("off") is None


def test_parts_share_no_group():
    rng = np.random.default_rng(11)
    groups = {"speaker": rng.integers(0, 20, 3000).astype(str), "signer": rng.integers(0, 15, 3000).astype(str)}
    groups["signer"][::3] = ""
    first, second = split_by_groups(groups, 3000, 0.4, rng)
    assert min(len(first), len(second)) > 400
    for names in groups.values():
        assert not (set(names[first]) & set(names[second])) - {""}


def test_a_group_of_one_window_binds_nobody():
    groups = {"picture": np.arange(500).astype(str), "word": np.repeat(np.arange(10), 50).astype(str)}
    first, second = split_by_groups(groups, 500, 0.4, np.random.default_rng(1))
    assert len(first) == 200 and len(second) == 300


def test_one_person_cannot_choose_and_test():
    groups = {"speaker": np.full(300, "anna")}
    with pytest.raises(ToolError, match="1 by speaker"):
        calibration_parts(groups, 300)
    assert Wish.parse("auto").parts(groups, 300) is None


def test_a_pool_is_kept_and_known_by_its_source(tmp_path):
    groups = group_names([{"speaker": "a"}, {}, {"speaker": "b"}] * 10)
    kept = pool(30, 12, groups)
    save_pool(kept, tmp_path / "p.npz", "digits 1")
    read = load_pool(tmp_path / "p.npz", "digits 1")
    assert read is not None and read.macs == kept.macs and read.modalities == kept.modalities
    assert (read.groups["speaker"] == kept.groups["speaker"]).all()
    assert all((read.logits[k] == kept.logits[k]).all() for k in kept.logits)
    assert load_pool(tmp_path / "p.npz", "digits 2") is None and load_pool(tmp_path / "q.npz", "") is None
    (tmp_path / "p.npz").write_bytes(b"no")
    with pytest.raises(ToolError, match="not a pool"):
        load_pool(tmp_path / "p.npz", "")


def test_groups_make_a_promise_dearer():
    rng = np.random.default_rng(13)
    known = pool(3000, 14)
    right = {k: known.logits[k].argmax(axis=1) == known.labels for k in (FUSION, ("cheap", 2))}
    hard = np.argsort(right[FUSION] * 1.0 - right[("cheap", 2)] + rng.normal(0, 0.3, 3000))  # some lose, some win
    names = np.empty(3000, dtype="<U4")
    names[hard] = np.repeat(np.arange(100), 30).astype(str)
    grouped = dataclasses.replace(known, groups={"person": names})
    prepared = prepare(grouped, calibration_parts(grouped.groups, 3000))
    counted, ignored = promise(prepared, Guarantee(0.02, 0.95)), promise(prepared, Guarantee(0.02, 0.95), {})
    assert min(e.effective for e in counted.choice.evidence) < 0.7 * len(prepared.test)
    assert {e.effective for e in ignored.choice.evidence} == {len(prepared.test)}
    assert (counted.choice.index or -1) <= (ignored.choice.index or -1)

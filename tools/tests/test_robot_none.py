"""The walk of a task with `none`, against a plain loop over windows; when one sensor may be sure of it."""

from dataclasses import replace

import numpy as np

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import Recording, replay
from mmexit_tools.calibrate.robot_none import none_thresholds

KEYS = [("a", 1), ("a", 2), ("b", 1), ("b", 2), FUSION]


def recording(rng, n=400):
    entropy = {k: rng.random(n) for k in KEYS}
    answer = {k: rng.integers(0, 3, n) for k in KEYS}
    present = {"a": rng.random(n) < 0.9, "b": rng.random(n) < 0.9}
    present["a"] |= ~present["b"]
    for k in KEYS[:-1]:
        entropy[k] = np.where(present[k[0]], entropy[k], np.inf)
    macs = dict(zip(KEYS, [10, 20, 30, 40, 5], strict=True))
    return Recording(("a", "b"), {"a": 2, "b": 2}, entropy, answer, rng.integers(0, 3, n), present, macs)


def walk(r, i, order, commands, nones, beside):
    """One window as the gate walks it; class 0 is none."""
    paid, held, agree = 0, None, True
    for m in order:
        if not r.present[m][i]:
            continue
        settled = False
        for j in (1, 2):
            k = (m, j)
            paid += r.macs[k]
            if r.answer[k][i] != 0 and held is not None and r.entropy[k][i] <= beside.get(k, -1):
                return k, paid
            limit = (nones if r.answer[k][i] == 0 else commands).get(k)
            if limit is None or r.entropy[k][i] > limit:
                continue
            if r.answer[k][i] != 0 and held is None:
                return k, paid
            agree = agree and r.answer[k][i] == 0
            held = held or k
            settled = True
            break
        agree = agree and settled
    if held is not None and agree:
        return held, paid
    return FUSION, sum(r.macs[k] for k in KEYS if k == FUSION or r.present[k[0]][i])


def test_walk_equals_a_plain_loop():
    rng = np.random.default_rng(3)
    for _ in range(20):
        r = recording(rng)
        limits = [{k: (None if rng.random() < 0.2 else rng.random()) for k in KEYS[:-1]} for _ in range(2)]
        order = ("a", "b") if rng.random() < 0.5 else ("b", "a")
        beside = {k: rng.random() for k in KEYS[:-1] if rng.random() < 0.5}
        outcome = replay(replace(r, beside_none=beside), order, *limits, 0)
        for i in range(len(r)):
            key, paid = walk(r, i, order, *limits, beside)
            assert outcome.keys[outcome.left_at[i]] == key
            assert outcome.macs[i] == paid
            assert outcome.right[i] == (r.answer[key][i] == r.labels[i])


def test_a_sensor_misses_no_more_than_its_share():
    rng = np.random.default_rng(4)
    r = recording(rng, 5000)
    seen = {m: rng.integers(0, 3, 5000) for m in ("a", "b")}
    for share in (0.0, 0.01, 0.05):
        limits = none_thresholds(r, seen, 0, share)
        for m in ("a", "b"):
            something = r.present[m] & (seen[m] != 0)
            lost = np.zeros(5000, bool)
            for j in (1, 2):
                lost |= (r.answer[(m, j)] == 0) & (r.entropy[(m, j)] <= limits[(m, j)])
            assert (lost & something).sum() <= share * something.sum()
            if share:
                assert (lost & something).sum() >= 0.8 * share * something.sum()

import dataclasses
from itertools import permutations

import numpy as np
import pytest

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import (
    Tolerance,
    calibrate,
    candidates,
    descend_prices,
    figures,
    fit_temperature,
    normalized_entropy,
    record,
    replay,
    softmax,
)
from mmexit_tools.calibrate.gate import Conditions, GatePolicy, Readings, is_fusion_nearly_free
from mmexit_tools.calibrate.ordering import ExitFigures, exact_order
from mmexit_tools.calibrate.walk import walk


def synthetic(count: int, seed: int):
    """Windows of differing difficulty seen by two modalities with two exits each; logits at every exit."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, count)
    logits = {}
    evidence = np.zeros((count, 5))
    for m, strength in (("cheap", 2.5), ("dear", 3.5)):
        ease = rng.gamma(1.2, 1.0, count)
        own = rng.normal(size=(count, 5))
        own[np.arange(count), labels] += strength * ease
        for j, blur in ((1, 1.0), (2, 0.3)):
            logits[(m, j)] = 1.7 * (own + blur * rng.normal(size=(count, 5)))
        evidence += own
    logits[FUSION] = evidence
    macs = {("cheap", 1): 1, ("cheap", 2): 2, ("dear", 1): 60, ("dear", 2): 30, FUSION: 1}
    present = {"cheap": np.ones(count, bool), "dear": rng.random(count) < 0.9}
    return labels, logits, present, macs


def recording(count: int, seed: int, temperatures=None):
    labels, logits, present, macs = synthetic(count, seed)
    temperatures = temperatures or {k: fit_temperature(v, labels) for k, v in logits.items()}
    return record(("dear", "cheap"), logits, labels, present, macs, temperatures), temperatures


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 4)) * 2
    labels = np.array([rng.choice(4, p=p) for p in softmax(logits)])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.05)
    assert fit_temperature(np.zeros((0, 4)), np.zeros(0, np.int64)) == 1.0


def test_entropy_is_normalized():
    h = normalized_entropy(np.array([[0.25] * 4, [1.0, 0, 0, 0]]))
    assert h[0] == pytest.approx(1) and h[1] == pytest.approx(0)


def test_thresholds_hold_on_unseen_windows_and_save_work():
    known, temperatures = recording(6000, 1)
    thresholds, order = calibrate(known, Tolerance(0.005, 1.645))
    assert order == ("cheap", "dear")
    fresh, _ = recording(20000, 2, temperatures)
    outcome = replay(fresh, order, thresholds)
    assert fresh.correct(FUSION).mean() - outcome.accuracy < 0.01
    assert outcome.mean_macs < 0.7 * fresh.total_macs


def test_nothing_is_promised_that_cannot_be_kept():
    known, _ = recording(200, 3)
    thresholds, order = calibrate(known, Tolerance(-1.0, 1.645))
    assert set(thresholds.values()) == {None}
    assert replay(known, order, thresholds).accuracy == known.correct(FUSION).mean()


def test_few_windows_without_a_loss_prove_little():
    known = all_awake(51, 3)
    outcome = replay(known, known.modalities, dict.fromkeys(known.keys(known.modalities)))
    reference = known.correct(FUSION)
    # 51 windows in which nothing is lost: up to 1.645^2 / 51, 5.3 points, may be lost all the same.
    assert Tolerance(0.054).allows(outcome, reference) and not Tolerance(0.052).allows(outcome, reference)
    assert Tolerance(0.0, 0.0).allows(outcome, reference)


def test_replay_walks_the_gate():
    known, _ = recording(400, 4)
    thresholds = {("cheap", 1): 0.2, ("cheap", 2): None, ("dear", 1): 0.3, ("dear", 2): 0.1}
    outcome = replay(known, ("cheap", "dear"), thresholds)
    for i in range(len(known)):
        paid, right = 0, None
        for key in known.keys(("cheap", "dear")):
            paid += known.macs[key] if known.present[key[0]][i] else 0
            limit = thresholds[key]
            if limit is not None and known.entropy[key][i] <= limit:
                right = known.answer[key][i] == known.labels[i]
                break
        if right is None:
            paid, right = paid + known.macs[FUSION], known.answer[FUSION][i] == known.labels[i]
        assert outcome.macs[i] == paid and outcome.right[i] == right


def all_awake(count: int, seed: int):
    known, _ = recording(count, seed)
    everywhere = np.ones(count, bool)
    entropy = {k: np.where(np.isfinite(v), v, 0.7) for k, v in known.entropy.items()}
    return dataclasses.replace(known, entropy=entropy, present=dict.fromkeys(known.present, everywhere))


def test_with_every_sensor_awake_the_short_way_is_the_walk():
    known = all_awake(600, 7)
    rng = np.random.default_rng(8)
    for order in permutations(known.modalities):
        keys = [*known.keys(order), FUSION]
        for yielding in [frozenset(), frozenset(keys[1:4:2])] * 4:
            known = dataclasses.replace(known, yielding=yielding)
            limits = {k: None if rng.random() < 0.2 else float(rng.random() ** 2) for k in keys[:-1]}
            limits[keys[0]] = float(known.entropy[keys[0]][3])  # an entropy at its threshold leaves
            of = {FUSION: np.nan} | {k: np.nan if v is None else v for k, v in limits.items()}
            long = walk(GatePolicy(keys[:-1], lambda k, labels, of=of: np.full(len(labels), of[k]), None,
                                   yielding=yielding),
                        Readings(known.entropy, known.answer, None, known.macs), Conditions(known.present, {}))
            short = replay(known, order, limits)
            assert np.array_equal(short.answer, long.answer) and np.array_equal(short.macs, long.macs)
            assert np.array_equal(short.left_at, long.exit)
            assert all(np.array_equal(short.woken[m], long.woken[m]) for m in order)


def test_the_last_exit_leaves_the_answer_to_a_fusion_that_is_nearly_free():
    known = all_awake(400, 3)
    limits = dict.fromkeys(known.keys(known.modalities), 1.0) | {("cheap", 1): None, ("dear", 1): None}
    headed = dataclasses.replace(known, yielding=frozenset({("cheap", 2)}))
    for order, last in ((("dear", "cheap"), True), (("cheap", "dear"), False)):
        without = limits | {(order[0], 2): None}
        assert (replay(known, order, without).left_at == 3).all()
        assert (replay(headed, order, without).left_at == (4 if last else 3)).all()
    # Alone it answers itself, and so it does while the other sensor sleeps.
    away = dataclasses.replace(headed, present={"dear": np.zeros(400, bool), "cheap": np.ones(400, bool)})
    assert (replay(away, ("dear", "cheap"), limits).left_at == 3).all()
    asleep = replay(headed, ("cheap", "dear"), limits, asleep=["dear"])
    assert (asleep.left_at == 1).all() and not asleep.woken["dear"].any()
    assert is_fusion_nearly_free({("a", 1): 49, FUSION: 1}) and not is_fusion_nearly_free({("a", 1): 48, FUSION: 1})


@pytest.mark.parametrize("yielding", [frozenset(), frozenset({("cheap", 2)})])
def test_descent_ends_where_no_single_threshold_helps(yielding):
    known = dataclasses.replace(all_awake(500, 9), yielding=yielding)
    order = known.modalities
    choices = {k: candidates(known, k, 12) for k in known.keys(order)}

    def cost(limits, price) -> float:
        outcome = replay(known, order, limits)
        return outcome.mean_macs + price * (known.correct(FUSION).mean() - outcome.accuracy)

    prices = np.geomspace(0.2, 300, 5) * known.total_macs
    for found, price in zip(descend_prices(known, order, choices, 5), prices, strict=True):
        reached = cost(found, price)
        assert reached <= cost(dict.fromkeys(found), price) + 1e-9
        for key, limits in choices.items():
            assert all(reached <= cost({**found, key: limit}, price) + 1e-6 for limit in limits)


def test_figures_count_only_who_gets_there():
    known, _ = recording(500, 5)
    thresholds = {("cheap", 1): 0.2, ("cheap", 2): 0.4, ("dear", 1): None, ("dear", 2): 0.5}
    found = figures(known, thresholds)
    first = known.entropy[("cheap", 1)] <= 0.2
    second = ~first & (known.entropy[("cheap", 2)] <= 0.4)
    assert found[("cheap", 2)][1] == pytest.approx(second.sum() / (~first).sum())
    assert found[("cheap", 2)][0] == pytest.approx(known.correct(("cheap", 2))[second].mean())
    assert found[("dear", 1)] == (None, 0.0)


def value(order, modalities, lam) -> float:
    """Eq. 6 without what a right answer of fusion is worth, which no order changes."""
    reach, paid, total = 1.0, 0.0, 0.0
    for m in order:
        for e in modalities[m]:
            paid += e.cost
            total += reach * e.hazard * (lam * e.accuracy - paid)
            reach *= 1 - e.hazard
    return total - reach * paid


def test_exact_order_beats_every_permutation():
    rng = np.random.default_rng(6)
    for _ in range(300):
        modalities = [
            [ExitFigures(rng.random(), rng.random() * 5, rng.random()) for _ in range(rng.integers(1, 4))]
            for _ in range(rng.integers(1, 5))
        ]
        lam = float(rng.random() * 20)
        best = max(value(p, modalities, lam) for p in permutations(range(len(modalities))))
        assert value(exact_order(modalities, lam), modalities, lam) == pytest.approx(best, abs=1e-9)

from itertools import product

import numpy as np
import pytest

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import Recording
from mmexit_tools.calibrate.settings_path import best_limit, descend
from mmexit_tools.comparison import gates
from mmexit_tools.comparison.gates import Curve, Point
from mmexit_tools.comparison.said import Said
from mmexit_tools.model.graphs import Cost

KEYS = [("image", 1), ("image", 2), ("audio", 1), ("audio", 2), FUSION]
COSTS = dict(zip(KEYS, (Cost(10, 1), Cost(8, 2), Cost(60, 3), Cost(40, 4), Cost(5, 5)), strict=True))


def said(count: int = 300, seed: int = 0) -> Said:
    """Later exits are right more often and surer when they are."""
    rng = np.random.default_rng(seed)
    labels = {s: rng.integers(0, 4, count) for s in ("validation", "test")}
    logits = {}
    for split, y in labels.items():
        logits[split] = {}
        for strength, key in enumerate(KEYS, 1):
            noise = rng.normal(size=(count, 4)) * rng.uniform(0.3, 2, (count, 1))
            logits[split][key] = (noise + 0.5 * strength * np.eye(4)[y]).astype(np.float32)
    return Said(("image", "audio"), logits["validation"], logits["test"], labels, COSTS, [])


@pytest.fixture(scope="module")
def bench() -> gates.Bench:
    return gates.bench(said())


def test_phi_is_equation_7():
    exits, p, lam = [(0.5, 3.0), (0.7, 2.0), (0.9, 4.0)], 0.3, 20.0
    q, e, costs = 0.7, 3, [c for _, c in exits]
    first = sum(q ** (j - 1) * p * (lam * exits[j - 1][0] - costs[j - 1] - sum(costs[: j - 1])) for j in (1, 2, 3))
    second = sum(q**e * q ** (j - 1) * p * sum(costs) for j in (1, 2, 3))
    assert gates.phi(exits, p, lam) == pytest.approx((1 - q**e) * first - second)


def test_best_limit_is_the_best_of_all():
    rng = np.random.default_rng(1)
    for _ in range(50):
        entropy = rng.integers(0, 6, 12) / 10
        change = rng.normal(size=12)
        sums = {None: 0.0} | {float(e): change[entropy <= e].sum() for e in entropy}
        found = best_limit(entropy, change)
        value = 0.0 if found is None else change[entropy <= found].sum()
        assert value == pytest.approx(min(sums.values()))


def test_descent_is_near_the_best_of_all_settings(bench):
    recording: Recording = bench.plain["validation"]
    order, price = ("image", "audio"), 150.0
    small = gates.bench(said(40, seed=3)).plain["validation"]

    def value(thresholds):
        point = gates.walk(small, COSTS, order, thresholds)
        return point.macs + price * (1 - point.accuracy)

    keys = small.keys(order)
    choices = [[None, *np.quantile(small.entropy[k], (0.1, 0.3, 0.5, 0.7, 0.9, 1.0))] for k in keys]
    best = min(value(dict(zip(keys, limits, strict=True))) for limits in product(*choices))
    assert value(descend(small, order, price)) <= best + 1e-9 + 0.02 * abs(best)
    assert len(descend(recording, order, 0.0)) == 4


def test_a_right_answer_without_price_leaves_at_once_and_a_dear_one_does_not(bench):
    recording = bench.plain["validation"]
    cheap = gates.walk(recording, COSTS, ("image", "audio"), descend(recording, ("image", "audio"), 0.0))
    dear = gates.walk(recording, COSTS, ("image", "audio"), descend(recording, ("image", "audio"), 1e6))
    assert cheap.macs == 10 and cheap.parameters == 1
    assert dear.accuracy > cheap.accuracy + 0.1


def test_the_single_threshold_sweeps_from_fusion_to_the_first_exit(bench):
    curve = gates.single(bench)
    off, all_leave = curve.test[0], curve.test[-1]
    assert off.macs == sum(c.macs for c in COSTS.values()) and off.parameters == 15
    assert off.accuracy == pytest.approx(bench.plain["test"].correct(FUSION).mean())
    assert all_leave.macs == 10  # image first: cheap
    assert len(curve.validation) == len(curve.test) == len(gates.LIMITS)


def test_the_order_without_serialization_is_the_mean_over_orders(bench):
    curve, t = gates.unordered(bench), len(gates.LIMITS) // 2
    thresholds = dict.fromkeys(KEYS[:-1], gates.LIMITS[t])
    both = [gates.walk(bench.plain["test"], COSTS, o, thresholds) for o in (("image", "audio"), ("audio", "image"))]
    assert curve.test[t].macs == pytest.approx((both[0].macs + both[1].macs) / 2)
    assert curve.test[t].accuracy == pytest.approx((both[0].accuracy + both[1].accuracy) / 2)


def test_the_random_gate_is_a_mean_of_fixed_ones(bench):
    fixed, random = gates.fixed(bench).test, gates.lots(bench).test
    assert [p.macs for p in fixed] == [10, 18, 78, 118, 123]
    assert random[0].accuracy == pytest.approx(fixed[-1].accuracy) and random[-1].macs == fixed[0].macs
    middle = random[len(random) // 2]  # leaves with a half
    assert middle.macs == pytest.approx(5 + 18 / 4 + 78 / 8 + 118 / 16 + 123 / 16)


def test_nothing_is_more_often_right_than_the_oracle(bench):
    limit = gates.oracle(bench).test[0].accuracy
    for gate in (gates.single, gates.priced, gates.unordered, gates.lots, gates.fixed):
        assert all(p.accuracy <= limit + 1e-12 for p in gate(bench).test)


def test_prices_trade_accuracy_for_macs_on_validation(bench):
    points = gates.priced(bench).validation
    assert points[0].macs < points[-1].macs and points[0].accuracy < points[-1].accuracy


def point(accuracy: float, macs: float) -> Point:
    return Point((np.arange(1000) < 1000 * accuracy).astype(float), 0.0, macs, 0.0)


def test_the_choice_is_the_cheapest_that_beats_the_reference_by_an_error():
    reference = np.arange(1000) < 700
    points = [point(0.69, 1), point(0.701, 2), point(0.705, 3), point(0.75, 4)]
    assert gates.choose(Curve(points, points), reference) == 1  # nested: one more right, none fewer
    noisy = [Point(np.roll(p.right, 350), 0.0, p.macs, 0.0) for p in points]
    assert gates.choose(Curve(noisy, noisy), reference) == 3
    worse = [point(0.5, 1), point(0.6, 2), point(0.6, 3)]
    assert gates.choose(Curve(worse, worse), reference) == 1


def test_a_reference_may_know_the_first_windows_only():
    cheap = Point(np.concatenate([np.zeros(50), np.ones(50)]), 0, 1, 0)
    dear = Point(np.concatenate([np.ones(50), np.zeros(50)]), 0, 9, 0)
    assert gates.choose(Curve([cheap, dear], []), np.ones(50, bool)) == 1


def test_a_budget_takes_the_most_accurate_that_it_pays():
    points = [point(0.5, 1), point(0.7, 2), point(0.9, 3)]
    curve = Curve(points, points)
    assert gates.within(curve, 2.5) == 1 and gates.within(curve, 0.5) is None


def test_settings_between_neighbours(bench):
    recording = bench.plain["validation"]
    keys = recording.keys(("image", "audio"))
    off = dict.fromkeys(keys)
    on = off | {("image", 2): 0.8}
    filled = gates.filled(recording, [(("image", "audio"), off), (("image", "audio"), on)], 3)
    limits = [t[("image", 2)] for _, t in filled]
    least = float(recording.entropy[("image", 2)].min())
    assert limits[0] is None
    assert limits[1:] == pytest.approx([least + (0.8 - least) * s for s in (0.25, 0.5, 0.75, 1)])
    assert all(t[("audio", 1)] is None for _, t in filled)
    other = gates.filled(recording, [(("image", "audio"), off), (("audio", "image"), on)], 3)
    assert [o for o, _ in other] == [("image", "audio")] * 4 + [("audio", "image")]
    macs = [p.macs for p in gates.priced(bench, 3).validation]
    assert len(macs) == 4 * (len(gates.PRICES) - 1) + 1

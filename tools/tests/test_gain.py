"""The gain of going on: heads learn it, cross-fitting does not flatter, looks see what is there, MACs are billed."""

import dataclasses

import numpy as np
import pytest

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate import gain
from mmexit_tools.comparison import gain_gate, gates
from mmexit_tools.comparison.said import Said
from mmexit_tools.model.graphs import Cost

N = 3000


def made_up(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Going on helps, with chance 0.6, where the second input is positive and the first negative."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 12))
    helps = (x[:, 1] > 0) & (x[:, 0] < 0) & (rng.random(count) < 0.6)
    return x, helps.astype(float)


def test_a_head_learns_the_gain_and_int8_changes_little() -> None:
    x, y = made_up(N, 1)
    new, truth = made_up(N, 2)
    said = gain.fit(x, y).predict(new)
    assert np.corrcoef(said, truth)[0, 1] > 0.5
    assert abs(said.mean() - truth.mean()) < 0.03
    assert gain.fit(x, y).macs == 32 * 12 + 32
    assert np.array_equal(gain.fit(x, y).predict(new), said)


def test_cross_fitting_does_not_flatter() -> None:
    """Of noise nothing can be learned: seen from outside, the error is that of knowing nothing."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(600, 40)), (rng.random(600) < 0.3).astype(float)
    found = gain.choose({("feature",): x}, y, gain.folds(None, 600))
    seen = float(((found.head.predict(x) - y) ** 2).mean())
    assert seen < found.variance * 0.95 < found.error


def test_windows_of_a_group_are_in_one_fold() -> None:
    groups = np.array([f"g{i // 3}" for i in range(90)])
    fold = gain.folds(groups, 90)
    assert all(len(set(fold[groups == g])) == 1 for g in groups) and len(set(fold)) == gain.FOLDS


def test_of_two_kinds_no_group_teaches_what_it_is_asked() -> None:
    rng = np.random.default_rng(5)
    groups = {"picture": np.array([f"p{i // 2}" if i % 7 else "" for i in range(400)]),
              "word": np.array([f"w{n}" for n in rng.integers(0, 40, 400)])}
    asked = np.zeros(400, int)
    for teach, ask in gain.apart(groups, 400):
        asked += ask
        assert teach.any() and not (teach & ask).any()
        for names in groups.values():
            assert not set(names[teach]) & set(names[ask]) - {""}
    assert (asked == 1).all()
    # One kind alone, or none: plain folds.
    assert len(gain.apart({"word": groups["word"]}, 400)) == len(gain.apart({}, 400)) == gain.FOLDS


def test_a_look_is_means_and_maxima_of_columns() -> None:
    maps = np.zeros((2, 28, 28, 1), np.float32)
    maps[1, 4:6, 10:12] = 1
    seen = gain.look(maps)
    assert seen.shape == (2, 28) and not seen[0].any()
    assert seen[1, 10] == pytest.approx(1 / 14) and seen[1, 11] == 1 and seen[1].sum() == pytest.approx(15 / 14)


def said_of(seed: int) -> Said:
    """An exit right in half of the windows, sure or not by chance; fusion right wherever the look is bright."""
    rng = np.random.default_rng(seed)
    labels = {s: rng.integers(0, 2, N) for s in ("validation", "test")}
    logits, looks, features = {}, {}, {}
    for split, y in labels.items():
        bright = rng.random(N) < 0.4
        right = rng.random(N) < 0.5

        def of(good: np.ndarray, y: np.ndarray = y) -> np.ndarray:
            answer = np.where(good, y, 1 - y)
            return np.eye(2)[answer] * rng.uniform(0.5, 2, (N, 1))

        logits[split] = {("eye", 1): of(right), ("ear", 1): of(right & bright), FUSION: of(right | bright)}
        looks[split] = {"ear": bright[:, None] + rng.normal(0, 0.1, (N, 4))}
        features[split] = {k: rng.normal(size=(N, 3)) for k in (("eye", 1), ("ear", 1))}
    costs = {("eye", 1): Cost(1_000, 1), ("ear", 1): Cost(98_000, 1), FUSION: Cost(1_000, 1)}
    return Said(("eye", "ear"), logits["validation"], logits["test"], labels, costs, (), features, looks, {"ear": 40})


def test_the_gain_gate_saves_where_entropy_cannot() -> None:
    said = said_of(5)
    bench = gates.bench(said)
    curve = gain_gate.curve(said, bench, ("eye", "ear"))
    own = bench.plain["validation"].correct(FUSION)
    by_gain = curve.test[gates.choose_near(curve, own & False, own)]
    entropy = gates.priced(bench)
    by_entropy = entropy.test[gates.choose_near(entropy, own & False, own)]
    full = float(bench.plain["test"].correct(FUSION).mean())
    assert by_gain.accuracy > full - 0.02 and by_gain.macs < 55_000 < by_entropy.macs
    heads, _ = gain_gate.teach(said, ("eye", "ear"))
    billed = gain_gate.billed(said, bench, heads, ("eye", "ear"), {("eye", 1): 0.0, ("ear", 1): None})
    assert billed.costs[("eye", 1)].macs == 1_000 + heads[("eye", 1)].head.macs + 40
    assert billed.costs[("ear", 1)].macs == 98_000


def test_heads_are_not_asked_about_a_picture_that_taught_them() -> None:
    said = said_of(5)
    once = np.arange(N // 4).astype(str)
    # Each picture four times, alike but for its number: a head that has seen it knows its gain.
    four = dataclasses.replace(
        said, validation={k: np.tile(x[: N // 4], (4, 1)) for k, x in said.validation.items()},
        labels={**said.labels, "validation": np.tile(said.labels["validation"][: N // 4], 4)},
        features={**said.features, "validation": {k: np.tile(x[: N // 4], (4, 1))
                                                  for k, x in said.features["validation"].items()}},
        looks={**said.looks, "validation": {"ear": np.tile(said.looks["validation"]["ear"][: N // 4], (4, 1))}})
    apart = dataclasses.replace(four, groups=np.tile(once, 4))
    flattered, honest = (gain_gate.teach(s, ("eye", "ear"))[0][("eye", 1)].error for s in (four, apart))
    assert honest > flattered


def test_near_its_own_fusion_and_not_below_the_reference() -> None:
    def point(right: float, macs: float) -> gates.Point:
        return gates.Point(np.arange(100) < right, 0, macs, 0)

    curve = gates.Curve([point(80, 10), point(79, 5), point(70, 1)], [])
    own, low, high = np.arange(100) < 80, np.zeros(100, bool), np.arange(100) < 85
    assert gates.choose_near(curve, low, own, 0.01) == 1
    assert gates.choose_near(curve, own, own, 0.01) == 0
    assert gates.choose_near(curve, high, own, 0.01) == 0
    assert dataclasses.is_dataclass(curve)

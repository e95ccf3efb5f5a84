from itertools import product

import numpy as np
import pytest
from scipy import stats

from mmexit_tools.base.errors import ToolError
from mmexit_tools.calibrate.learn_then_test import (
    Guarantee,
    choose,
    design_effect,
    effective_groups,
    group_numbers,
    jackknife,
    paired_p,
    tango_score,
    weigh,
    worst_group,
)

PROMISE = Guarantee(0.02, 0.95)


def exact_size(windows: int, loss: float, rate: float, level: float) -> float:
    """By brute force: how often the test is passed where the true loss is just the promised one."""
    worse, better = (rate + loss) / 2, (rate - loss) / 2
    total = 0.0
    for b, c in product(range(windows + 1), repeat=2):
        if b + c > windows:
            continue
        chance = stats.multinomial.pmf([b, c, windows - b - c], windows, [worse, better, 1 - rate])
        if chance > 1e-9 and paired_p(b, c, windows, loss) <= level:
            total += chance
    return total


@pytest.mark.parametrize(("windows", "loss", "rate"), [(40, 0.1, 0.1), (40, 0.1, 0.25), (30, 0.2, 0.7)])
def test_the_level_is_kept_exactly(windows, loss, rate):
    assert exact_size(windows, loss, rate, 0.05) <= 0.05


def test_it_is_nearly_as_sharp_as_the_normal_approximation():
    normal = stats.norm.cdf((60 - 50 - 30) / np.sqrt(110 - 100 / 3000))
    assert normal <= paired_p(60, 50, 3000, 0.01) <= normal + 0.005


def test_more_losses_and_fewer_windows_never_look_better():
    assert paired_p(10, 5, 1000, 0.02) <= paired_p(11, 5, 1000, 0.02) <= paired_p(11, 4, 1000, 0.02)
    assert paired_p(0, 0, 400, 0.02) < paired_p(0, 0, 300, 0.02)


def test_the_least_windows_are_just_enough():
    n = PROMISE.least_windows()
    assert paired_p(0, 0, n, PROMISE.loss) <= PROMISE.level < paired_p(0, 0, n - 2, PROMISE.loss)


def test_the_score_is_zero_at_the_promise():
    assert tango_score(30, 10, 1000, 0.02) == pytest.approx(0)


def test_testing_stops_at_the_first_setting_that_fails():
    n = 2000
    losses = [0, 5, 200, 0]  # the last would pass, but stands behind one that does not

    def differences(lost: int) -> np.ndarray:
        d = np.zeros(n, int)
        d[:lost] = 1
        return d

    found = choose(losses, differences, {}, PROMISE)
    assert found.index == 1 and len(found.evidence) == 3
    assert choose([200], differences, {}, PROMISE).index is None
    assert choose([], differences, {}, PROMISE).index is None


def people(groups: int, each: int, spread: float, seed: int):
    rng = np.random.default_rng(seed)
    names = np.repeat(np.arange(groups), each).astype(str)
    rate = np.clip(0.1 + spread * rng.normal(size=groups), 0, 1).repeat(each)
    return (rng.random(groups * each) < rate).astype(int), names


def test_windows_of_few_people_count_for_less():
    unlike, names = people(40, 50, 0.08, 1)
    alike = [design_effect(people(40, 50, 0.0, seed)[0], {"person": names}, 0.95) for seed in range(20)]
    assert np.mean(alike) < 1.4
    assert design_effect(unlike, {"person": names}, 0.95) > 3
    assert design_effect(unlike, {}, 0.95) == 1
    assert weigh(unlike, {"person": names}, PROMISE).effective < 2000 / 3


def test_one_window_a_person_is_the_plain_variance():
    values = np.random.default_rng(2).integers(-1, 2, 300).astype(float)
    own = jackknife(values, group_numbers(np.arange(300).astype(str)))
    assert own == pytest.approx(values.var(ddof=1) / 300)
    assert jackknife(values, group_numbers(np.full(300, ""))) == pytest.approx(own)


def test_a_setting_that_differs_nowhere_borrows_the_references_spread():
    zeros = np.zeros(2000, int)
    errors, names = people(40, 50, 0.08, 3)
    assert design_effect(zeros, {"person": names}, 0.95, errors) == design_effect(errors, {"person": names}, 0.95)
    assert design_effect(zeros, {"person": names}, 0.95) == 50  # a person counts as one window
    assert weigh(zeros, {"person": np.full(2000, "anna")}, PROMISE).p == pytest.approx(1, abs=0.03)


def test_promises_are_read_and_checked():
    assert Guarantee.parse("1:95") == Guarantee(0.01, 0.95)
    for text in ("1", "1:x", "0:95", "1:40", "1:99.9", "nan:95"):
        with pytest.raises(ToolError, match="--guarantee"):
            Guarantee.parse(text)


def test_few_groups_promise_nothing():
    """However well they do: the few who fail may all be missing."""
    zeros = np.zeros(6000, int)
    errors = np.random.default_rng(5).random(6000) < 0.1
    many, few = (np.repeat(np.arange(n), 6000 // n).astype(str) for n in (60, 40))
    assert weigh(zeros, {"person": many}, PROMISE, errors).p < 0.05
    refused = weigh(zeros, {"person": few}, PROMISE, errors)
    assert refused.refused and refused.p == 1
    uneven = np.concatenate([np.full(3000, "a"), np.arange(3000).astype(str)])
    assert effective_groups(uneven) == pytest.approx(6000**2 / (3000**2 + 3000))
    assert effective_groups(np.full(70, "")) == 70


def test_the_worst_group_counts_twice():
    names = np.array(["a"] * 4 + ["b"] * 4 + [""])
    difference = np.array([1, 1, -1, 0, 1, 1, 0, 0, 1])
    assert worst_group(difference, {"person": names}) == (2, 0, 4)
    assert worst_group(np.zeros(9, int), {"person": names}) == (0, 0, 0)
    assert worst_group(difference, {}) == (0, 0, 0)

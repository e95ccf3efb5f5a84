import numpy as np
import pytest
from test_promise import pool

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import Recording
from mmexit_tools.calibrate.learn_then_test import Guarantee
from mmexit_tools.calibrate.looking_path import looking_gate
from mmexit_tools.calibrate.promise import PLAIN_GATE, calibration_parts, prepare, promise
from mmexit_tools.guarantee.draws import first_of_each, random_splits, synthetic_draws
from mmexit_tools.guarantee.synthetic_windows import population
from mmexit_tools.guarantee.trials import replace_section

PROMISE = Guarantee(0.02, 0.9)


def silent(_: int) -> None:
    pass


def test_synthetic_draws_keep_the_promise():
    trial = synthetic_draws(population(1000, 20, 0.0, 3), [PROMISE], 20, None, 1500, silent)
    found = trial.outcomes[(PROMISE, True)]
    assert len(found) == 20 and sum(o.exceeds(PROMISE) for o in found) <= 5
    assert np.mean([o.saved for o in found]) > 0.1


def test_people_are_counted_in_draws_of_people():
    trial = synthetic_draws(population(500, 30, 0.8, 4), [PROMISE], 6, 90, 0, silent)
    counted, ignored = trial.outcomes[(PROMISE, True)], trial.outcomes[(PROMISE, False)]
    assert np.mean([o.effective for o in counted]) < 0.9 * np.mean([o.effective for o in ignored])


def test_few_people_are_refused_and_unequal_ones_drawn():
    whole = population(300, 20, 0.6, 6, failing=0.06)
    few = synthetic_draws(whole, [PROMISE], 3, 15, 0, silent).outcomes[(PROMISE, True)]
    assert not any(o.holds for o in few) and all(o.loss == 0 for o in few)
    unequal = synthetic_draws(whole, [PROMISE], 3, 120, 0, silent, unequal=True).outcomes[(PROMISE, True)]
    assert len({o.windows for o in unequal}) > 1


def test_the_synthetic_population_knows_more_with_every_exit():
    recording = population(400, 25, 0.0, 5).recording
    accuracy = {k: recording.correct(k).mean() for k in recording.answer}
    assert accuracy[("quick", 1)] < accuracy[("quick", 2)] < accuracy[("slow", 2)] < accuracy[FUSION]
    for key, h in recording.entropy.items():
        sure = h <= np.quantile(h, 0.3)
        assert recording.correct(key)[sure].mean() > recording.correct(key)[~sure].mean()


def test_random_splits_of_a_pool():
    names = np.repeat(np.arange(300), 10).astype(str)
    trial = random_splits(pool(3000, 6, {"person": names}), [PROMISE], 4, PLAIN_GATE, None, silent)
    assert set(trial.outcomes) == {(PROMISE, True), (PROMISE, False)}
    assert all(len(o) == 4 for o in trial.outcomes.values())


def test_one_window_of_each():
    names = np.array(["a", "b", "a", "c", "b"])
    assert first_of_each(names, np.array([0, 1, 2, 4])).tolist() == [0, 1]


def test_a_section_is_replaced_and_others_stay():
    text = "# T\n\n## a\n\none\n\n## b\n\ntwo\n"
    text = replace_section(text, "a", "## a\n\nthree")
    assert text == "# T\n\n## a\n\nthree\n\n## b\n\ntwo\n"
    text = replace_section(text, "b", "## b\n\nfour")
    assert replace_section(text, "c", "## c\nx") == "# T\n\n## a\n\nthree\n\n## b\n\nfour\n\n## c\nx\n"


@pytest.fixture
def empty_scenes():
    """A pool in which class 4 is `none`; a modality sees it where the other holds the answer."""
    found = pool(2500, 7)
    rng = np.random.default_rng(8)
    found.seen["cheap"] = np.where(rng.random(2500) < 0.1, 4, found.labels)
    return found


def test_nothing_is_an_answer_only_where_all_agree(empty_scenes):
    gate = looking_gate(4)
    found = promise(prepare(empty_scenes, calibration_parts({}, 2500), gate), Guarantee(0.03, 0.9))
    assert found.holds
    recording: Recording = found.figures_from
    assert gate.order(recording, found.setting) == found.setting.order
    outcome = gate.walk(recording, found.setting)
    said = np.stack([recording.answer[k] for k in outcome.keys])[outcome.left_at, np.arange(len(recording))]
    alone = (said == 4) & (outcome.left_at < len(outcome.keys) - 1)
    for modality in recording.modalities:
        keys = [(modality, j) for j in range(1, recording.exits[modality] + 1)]
        sure = np.any([(recording.answer[k] == 4) & (recording.entropy[k] <= (found.setting.nones.get(k) or -1.0))
                       for k in keys], axis=0)
        assert (sure | ~recording.present[modality])[alone].all()

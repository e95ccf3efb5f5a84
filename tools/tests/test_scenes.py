"""Scenes that change, and the tables of what came of them."""

from itertools import pairwise

import numpy as np
import pytest

from mmexit_tools.sources.robot_sounds import RATE
from mmexit_tools.streams.adaptation import changed
from mmexit_tools.streams.courses import Course, Phase
from mmexit_tools.streams.plans import BOTH, HAND, VOICE, plan
from mmexit_tools.streams.scenes import PREVALENCES, SCENES, WIND, heard, possible, seen
from mmexit_tools.streams.tables import following, regret, regrets, shares, whole
from mmexit_tools.streams.turns import Point, at_energy, at_voice
from mmexit_tools.streams.verdicts import still_worth
from mmexit_tools.streams.writing import Line


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_phases_follow_each_other(scene):
    phases = SCENES[scene]
    assert phases[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(phases))
    assert phases[-1].end >= 4800


@pytest.mark.parametrize("prevalence", sorted(PREVALENCES))
def test_commands_take_their_share_of_the_time(prevalence):
    per_minute, manner = PREVALENCES[prevalence]
    planned = plan(np.random.default_rng(3), "talk", 3600.0, per_minute, manner)
    share = 100 * sum(c.end - c.start for c in planned.commands) / 3600
    assert 0.9 * prevalence < share < 1.15 * prevalence


def test_sound_is_drowned_silenced_and_else_left_alone():
    rng = np.random.default_rng(1)
    pcm = rng.integers(-3000, 3000, 20 * RATE).astype(np.int16)

    def level(scene, start):
        out = heard(np.random.default_rng(2), pcm, start, SCENES[scene]).astype(float)
        return np.sqrt(np.mean(out**2)) / 32768

    assert np.array_equal(heard(rng, pcm, 60.0, SCENES["wind"]), pcm)
    assert level("deaf", 2000.0) == 0
    assert 0.5 * WIND < level("wind", 2000.0) < 1.2 * WIND
    assert level("wind", 1400.0) < 0.75 * level("wind", 2000.0)
    usual = np.sqrt(np.mean(pcm.astype(float) ** 2)) / 32768
    assert level("faint", 1300.0) == pytest.approx(usual * 10**-1.5, rel=0.02)


def test_light_goes_evenly_and_a_covered_lens_is_even():
    frame = np.full((90, 120, 3), 200, np.uint8)

    def shown(scene, start):
        return next(seen(np.random.default_rng(1), iter([frame]), 4, start, SCENES[scene])).astype(float)

    assert np.array_equal(shown("night", 0.0), frame)
    half = SCENES["night"][1]
    assert shown("night", (half.start + half.end) / 2).mean() == pytest.approx(200 * 0.015**0.5, rel=0.03)
    assert shown("night", 2400.0).mean() < 5
    covered = shown("covered", 2400.0)
    assert covered.mean() < 10 and np.abs(covered.mean((0, 1)) - covered.mean()).max() < 4


def test_the_truth_has_what_could_be_told():
    line = Line(2400.0, 2402.0, "stop", f"{VOICE}+{HAND}")
    assert possible(line, SCENES["covered"]).sensors == VOICE
    assert possible(line, SCENES["deaf"]).sensors == HAND
    assert possible(Line(2400.0, 2402.0, "stop", HAND), SCENES["covered"]) is None
    assert possible(line, SCENES["wind"]).sensors == BOTH


def test_a_configuration_is_changed_key_by_key():
    text = "[gate]\nmax-blind = 11s\nkept = 1\n\n[adaptation]\n# reorder = no\nreorder = yes\n"
    out = changed(text, {"gate": {"max-blind": "", "first": "audio"}, "adaptation": {"reorder": "no"},
                         "new": {"a": "b"}})
    assert "max-blind" not in out and "kept = 1" in out and "# reorder = no" in out
    assert out.index("first = audio") < out.index("[adaptation]") < out.index("\nreorder = no")
    assert "reorder = yes" not in out and out.endswith("[new]\na = b\n")


def course(variant, energy, right, changes=()):
    minute = {"energy_j": energy, "always_on_j": 80.0, "all": 240, "windows": 200, "right": right,
              "event_windows": 20, "event_right": right - 180, "asked": {"audio": 240, "image": 12}}
    told = [{"start_s": 10.0, "end_s": 11.0, "label": "go", "sensors": "audio", "heard": True, "delay_s": 0.5}]
    result = {"minutes": [minute] * 80, "changes": list(changes),
              "score": {"outcomes": told, "false": 0, "energy_saved": 0.5, "avoidable_saved": None}}
    phases = [Phase("clear", 0, 2400), Phase("covered", 2400, 4800)]
    return Course("covered", 10, 1, 0.5, variant, phases, result)


def test_tables_hold_following_against_the_fixed_orders():
    change = {"at_s": 2700.0, "order": ["audio", "image"], "asked": ["audio"]}
    played = [course("follows", 12.0, 190, [change]), course("audio first", 12.0, 190),
              course("image first", 72.0, 195)]
    # 0.05 J and 0.3 J a window; 0.95 and 0.975 right.
    sums = [c.sum(0, 600) for c in played]
    assert sums[0].value(0.5) == pytest.approx(0.425)
    assert regret(sums[0], sums[1:], 0.5) == "0.0 %"
    assert regret(sums[2], sums[1:], 0.5) == "100.0 %"
    assert "| covered | 10 % | 0.5 J | covered |" in regrets(played)
    assert "| 5.0 min | audio, image; asked: audio | 1 |" in following(played)
    assert "5.0 %" in shares(played)
    assert "1 of 1" in whole(played)


def test_turns_are_taken_at_the_energy_and_at_what_is_heard():
    low, high = Point(10, 20, 10, 0.5), Point(30, 60, 50, 0.7)
    other = Point(20, 30, 10, 0.4)
    at = at_energy([[low, high], [other]], 20)
    assert at is not None and at.heard == pytest.approx(40) and at.joules == pytest.approx(20)
    assert at_energy([[low, high]], 5) is None
    heard = at_voice([[low, high]], 30)
    assert heard is not None and heard.joules == pytest.approx(20)
    assert at_voice([[low, high]], 51) is None


def test_a_sensor_that_is_heard_as_before_is_not_worth_nothing():
    played = course("always everything", 80.0, 190)
    told = [dict(t, start_s=start, sensors="image", heard=heard) for t in played.result["score"]["outcomes"]
            for start, heard in ((20.0, True), (30.0, True), (3000.0, False), (3100.0, False))]
    played.result["score"]["outcomes"] = told
    assert still_worth([played]) == {}
    told[2]["heard"] = True
    assert "1 of 2" in still_worth([played])["covered"] and "2 of 2 before" in still_worth([played])["covered"]

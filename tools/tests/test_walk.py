"""The walk against the daemon's own gate: every window of gate-vectors.jsonl, which the Swift tests write and check.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.gate import NOBODY, REASONS, Conditions, ContinuationValue, GatePolicy, Readings
from mmexit_tools.calibrate.walk import walk
from mmexit_tools.quantize.stored_head import doubt

VECTORS = Path(os.environ.get("MMEXIT_GATE_VECTORS_FILE", Path(__file__).with_name("gate-vectors.jsonl")))
HEAD, *LINES = (json.loads(line) for line in VECTORS.read_text().splitlines())
ANSWERED = [line["answer"] for line in LINES]


def named(exit):
    return FUSION if exit == "fusion" else (str(exit[0]), exit[1])


def single(value) -> np.ndarray:
    """One Float of Swift's, in float64 as it is."""
    return np.array([np.nan if value is None else np.float32(value)], np.float64)


def policy_of(line) -> GatePolicy:
    limits = {(str(m), j + 1): row for m, exits in enumerate(line["limits"]) for j, row in enumerate(exits)}
    limits[FUSION] = line["fusion_limits"]
    table = {k: np.concatenate([single(v) for v in row]) for k, row in limits.items()}
    overrides = {(str(m), 1): float(single(v)[0]) for m, v in enumerate(line.get("overrides", [])) if v is not None}
    continuation = None
    if line["going_on"]:
        worth, wake, exits, fusion = line["going_on"]
        figures = {(str(m), j + 1): tuple(row) for m, rows in enumerate(exits) for j, row in enumerate(rows)}
        continuation = ContinuationValue(worth, figures | {FUSION: (*fusion, 1.0)},
                                         {str(m): c for m, c in enumerate(wake)})
    return GatePolicy([named(s) for s in line["steps"]], lambda key, label: table[key][label], line["none"],
                      len(line["fusion_limits"]), continuation, line["use_activity"],
                      float(single(line["activity_certainty"])[0]), line["always"],
                      frozenset((str(m), j + 1) for m, row in enumerate(line["yields"])
                                for j, yields in enumerate(row) if yields), line.get("overriding"), overrides,
                      {(str(m), j + 1): float(single(v)[0]) for m, row in enumerate(line.get("beside_none", []))
                       for j, v in enumerate(row) if v is not None})


def modalities(line) -> range:
    return range(len(line["limits"]))


def conditions_of(line) -> Conditions:
    sets = ({str(m): np.array([bool(line[name] >> m & 1)]) for m in modalities(line)}
            for name in ("present", "wakeable", "invalid", "inactive"))
    return Conditions(*sets, np.array([line["look_due"]]),
                      {str(m): np.array([line["wakes"][m]]) for m in modalities(line)},
                      np.array([line["skew_too_large"]]))


def readings_of(line) -> Readings:
    said = {(str(m), j + 1): r for m, rows in enumerate(line["readings"]) for j, r in enumerate(rows)}
    said[FUSION] = line["fusion"]
    return Readings({k: doubt(single(r[3]).astype(np.float32)) if len(r) > 3 and r[3] is not None else single(r[0])
                     for k, r in said.items()}, {k: np.array([r[1]]) for k, r in said.items()},
                    {k: single(r[2]) for k, r in said.items()}, dict.fromkeys(said, 1),
                    {(str(m), 1): single(v) for m, v in enumerate(line.get("says_overriding", []))})


def masks(line, table) -> int:
    return sum(int(table[str(m)][0]) << m for m in modalities(line))


def outcome(line) -> dict:
    """The same members as a line has, by our walk."""
    found = walk(policy_of(line), readings_of(line), conditions_of(line))
    place, label, limit = found.exit[0], int(found.answer[0]), found.threshold[0]
    exit = None if place == NOBODY else found.keys[place]
    exit = "fusion" if exit == FUSION else exit and [int(exit[0]), exit[1]]
    actions = [kind + modality for kind, modality, windows in found.actions if windows[0]]
    assert found.macs[0] == sum(a[0] != "w" for a in actions) - ("f" in actions and found.reason[0] == REASONS.index(
        "skewAboveLimit"))
    return {
        "actions": " ".join(actions),
        "answer": [None if label == NOBODY else label, exit, float(found.entropy[0]), float(found.certainty[0]),
                   None if np.isnan(limit) else float(limit), REASONS[found.reason[0]], bool(found.sure[0])],
        **{name: bool(getattr(found, name)[0]) for name in ("provisional", "all_looked", "look")},
        **{name: masks(line, getattr(found, name)) for name in ("asked", "woken", "missing", "wanted")},
    }


@pytest.mark.parametrize("i", range(len(LINES)))
def test_the_walk_does_what_the_gate_does(i):
    expected = {name: LINES[i][name] for name in outcome(LINES[i])}
    answer = expected["answer"]
    if isinstance(answer[1], list) and answer[1][1] > 0:
        # Our walk knows one number at an exit; the gate reports its entropy all the same.
        gain = LINES[i]["readings"][answer[1][0]][answer[1][1] - 1][3]
        if gain is not None:
            answer = [*answer[:2], float(doubt(single(gain).astype(np.float32))[0]), *answer[3:]]
    numbers = (None if v is None else float(np.float32(v)) for v in answer[2:5])
    expected["answer"] = [*answer[:2], *numbers, *answer[5:]]
    assert outcome(LINES[i]) == expected


def test_the_vectors_hold_every_branch():
    assert "swift test" in HEAD["made_by"]
    assert {a[5] for a in ANSWERED} == set(REASONS)
    assert {(a[5], a[6]) for a in ANSWERED} >= {("sure", True), ("fused", True), ("fusedUnsure", False),
                                               ("windowInvalid", False), ("modalityMissing", True),
                                               ("modalityMissing", False), ("wakePending", True)}
    met = {line["wakes"][int(step[1:])] for line in LINES for step in line["actions"].split() if step[0] == "w"}
    assert met == {"delivered", "pending", "deadlineMissed", "failed", "refused"}
    for name in ("always", "use_activity", "look_due", "look", "provisional", "going_on", "invalid", "inactive"):
        assert {bool(line[name]) for line in LINES} == {False, True}, name
    assert any(r[0] != r[0] for line in LINES for rows in line["readings"] for r in rows)  # not a number


def test_the_vectors_hold_a_class_that_overrides():
    asked = [line for line in LINES if line.get("overriding") is not None]
    assert len(asked) > 100
    plain = [{**line, "overriding": None} for line in asked]
    outcomes = [(outcome(line), outcome(before), line) for line, before in zip(asked, plain, strict=True)]
    changed = [(found, before, line) for found, before, line in outcomes if found["answer"] != before["answer"]]
    stood = [(found, before, line) for found, before, line in outcomes
             if found["answer"] == before["answer"] and found["actions"] != before["actions"]]
    assert {found["answer"][5] for found, _, _ in changed} >= {"fused", "fusedUnsure", "skewAboveLimit"}
    assert len(stood) > 5 and all(found["answer"][5] in ("sure", "windowInvalid") for found, _, _ in stood)
    for group in (changed, stood):
        assert any(len(found["actions"]) > len(before["actions"]) and len(line["limits"]) > 2
                   for found, before, line in group)
        assert any((found["asked"] & ~before["asked"]) & line["inactive"] for found, before, line in group)  # quiet
        assert any(line["going_on"] for _, _, line in group)
    for found, before, line in outcomes:
        assert not (found["asked"] & ~before["asked"]) & ~line["present"] & ~before["woken"]
        assert not found["asked"] & line["invalid"] & line["present"]
        if line["always"] or (before["answer"][0] in (line["none"], line["overriding"]) and before["answer"][6]):
            assert found == before


def test_the_vectors_hold_a_sure_command_beside_a_sure_none():
    asked = [line for line in LINES if "beside_none" in line]
    assert len(asked) > 80
    outcomes = [(outcome(line), outcome({**line, "beside_none": []}), line) for line in asked]
    changed = [(found, before, line) for found, before, line in outcomes if found != before]
    assert len(changed) > 30
    for found, before, line in changed:
        label, exit, *_, reason, sure = found["answer"]
        assert not line["always"] and line["none"] is not None
        if line.get("overriding") is None:
            assert label != line["none"] and reason in ("sure", "windowInvalid") and sure == (reason == "sure")
            assert before["actions"].startswith(found["actions"])
            gain = line["readings"][exit[0]][exit[1] - 1][3]
            said = doubt(single(gain).astype(np.float32)) if gain is not None else single(
                line["readings"][exit[0]][exit[1] - 1][0])
            assert said[0] <= single(line["beside_none"][exit[0]][exit[1] - 1])[0]
    # A look is due; a quiet sensor was asked; samples were lost; one slept; three modalities; a gain; what overrides
    # is asked, and answers stand and are overridden.
    assert {line["look_due"] for _, _, line in changed} == {False, True}
    assert any(found["asked"] & line["inactive"] for found, _, line in changed)
    assert any(found["answer"][5] == "windowInvalid" for found, _, line in changed)
    assert any(line["wakeable"] & ~found["woken"] for found, _, line in changed)
    assert any(found["asked"].bit_count() > 2 for found, _, line in changed)
    assert any(isinstance(e := found["answer"][1], list) and line["readings"][e[0]][e[1] - 1][3] is not None
               for found, _, line in changed)
    plain = [(found, outcome({**line, "overriding": None}), line) for found, _, line in changed
             if line.get("overriding") is not None]
    assert any(found["answer"] == before["answer"] and found["actions"] != before["actions"]
               for found, before, _ in plain)
    assert any(found["answer"] != before["answer"] and "f" in found["actions"] for found, before, _ in plain)


# Two sensors awake: the voice names 1 (go), 2 (stop) overrides, 0 is none.
def two(voice: int = 1, hand: float = 0.5, policy: dict | None = None, conditions: dict | None = None):
    def said(value) -> np.ndarray:
        return np.array([value])

    steps = [("voice", 1), ("voice", 2), ("hand", 1), ("hand", 2)]
    limits = {("voice", 1): 0.2, ("voice", 2): np.nan, ("hand", 1): 0.2, ("hand", 2): 0.2, FUSION: 0.2}
    entropy = {("voice", 1): 0.1, ("voice", 2): 0.9, ("hand", 1): 0.9, ("hand", 2): 0.9, FUSION: 0.1}
    certainty = {("voice", 1): 0.7, ("voice", 2): 0.3, ("hand", 1): 0.9, ("hand", 2): 0.4, FUSION: 0.8}
    settings = {"none": 0, "overriding": 2, "overrides": {("hand", 1): 0.3}, **(policy or {})}
    there = {"voice": np.array([True]), "hand": np.array([True])}
    found = walk(GatePolicy(steps, lambda k, label: np.full(len(label), limits[k]), **settings),
                 Readings({k: said(v) for k, v in entropy.items()},
                          {k: said(voice if k[0] == "voice" else 2) for k in entropy},
                          {k: said(v) for k, v in certainty.items()}, dict.fromkeys(entropy, 1),
                          {("hand", 1): said(hand)}),
                 Conditions(**{"present": there, **(conditions or {})}))
    steps_done = [kind + m for kind, m, windows in found.actions if windows[0]]
    return " ".join(steps_done), int(found.answer[0]), REASONS[found.reason[0]], bool(found.sure[0])


def test_a_class_overrides_from_its_threshold_on():
    assert two(hand=0.3) == ("avoice ahand avoice ahand f", 2, "fused", True)
    assert two(hand=0.29) == ("avoice ahand", 1, "sure", True)
    assert two(hand=np.nan) == ("avoice ahand", 1, "sure", True)
    assert two(voice=2) == ("avoice", 2, "sure", True)  # the overriding class itself
    assert two(policy={"overrides": {}}) == ("avoice", 1, "sure", True)
    assert two(policy={"overriding": None}) == ("avoice", 1, "sure", True)
    # A command that was overridden is the answer where the pair cannot be fused, not the most certain exit.
    assert two(conditions={"skew_too_large": np.array([True])}) == (
        "avoice ahand avoice ahand f", 1, "skewAboveLimit", False)


def test_only_who_is_awake_and_whole_may_override():
    yes, no = np.array([True]), np.array([False])
    asleep = {"present": {"voice": yes, "hand": no}, "wakeable": {"hand": yes}}
    assert two(conditions=asleep) == ("avoice", 1, "sure", True)
    assert two(conditions={"invalid": {"hand": yes}}) == ("avoice", 1, "sure", True)
    quiet = {"inactive": {"hand": yes}}
    assert two(conditions=quiet, policy={"use_activity": True}) == ("avoice ahand avoice ahand f", 2, "fused", True)
    assert two(policy={"always": True})[0] == "avoice avoice ahand ahand f"


# The voice is sure of nothing at its first exit, the hand of 1 at its first or second.
def beside(limits: dict, hand: tuple = (0.1, 0.9), policy: dict | None = None, conditions: dict | None = None):
    def said(value) -> np.ndarray:
        return np.array([value])

    steps = [("voice", 1), ("voice", 2), ("hand", 1), ("hand", 2)]
    entropy = dict(zip([*steps, FUSION], (0.1, 0.9, *hand, 0.1), strict=True))
    answer = dict(zip([*steps, FUSION], (0, 0, 1, 1, 2), strict=True))
    there = {"voice": np.array([True]), "hand": np.array([True])}
    found = walk(GatePolicy(steps, lambda k, label: np.full(len(label), 0.2),
                            **{"none": 0, "beside_none": limits, **(policy or {})}),
                 Readings({k: said(v) for k, v in entropy.items()}, {k: said(v) for k, v in answer.items()},
                          {k: said(1 - v) for k, v in entropy.items()}, dict.fromkeys(entropy, 1)),
                 Conditions(**{"present": there, **(conditions or {})}))
    steps_done = [kind + m for kind, m, windows in found.actions if windows[0]]
    return " ".join(steps_done), int(found.answer[0]), REASONS[found.reason[0]], bool(found.sure[0])


def test_a_sure_command_stands_beside_a_sure_none():
    stands, fused = ("avoice ahand", 1, "sure", True), ("avoice ahand avoice ahand f", 2, "fused", True)
    assert beside({}) == fused and beside({("voice", 1): 1.0, ("hand", 2): 1.0}) == fused
    assert beside({("hand", 1): 0.1}) == stands and beside({("hand", 1): 0.09}) == fused
    # Whatever its own threshold is; that one settles it as a contradiction.
    assert beside({("hand", 1): 0.21}, (0.21, 0.9)) == stands
    assert beside({("hand", 2): 0.3}, (0.21, 0.3)) == ("avoice ahand ahand", 1, "sure", True)
    assert beside({("hand", 1): 0.1, ("hand", 2): 0.3}, (0.2, 0.3)) == fused
    assert beside({("hand", 1): 1.0}, policy={"always": True})[0] == "avoice avoice ahand ahand f"
    yes, no = np.array([True]), np.array([False])
    asleep = {"present": {"voice": yes, "hand": no}, "wakeable": {"hand": yes}}
    assert beside({("hand", 1): 1.0}, conditions=asleep) == ("avoice", 0, "sure", True)
    due = asleep | {"look_due": yes}
    assert beside({("hand", 1): 1.0}, conditions=due) == ("avoice whand ahand", 1, "sure", True)


def rows(table, i):
    return {k: v[i : i + 1] for k, v in table.items()}


@pytest.mark.parametrize("seed", range(12))
def test_windows_that_go_together_go_as_each_alone(seed):
    rng, n = np.random.default_rng(seed), 300
    steps = [[("a", 1), ("b", 1), ("a", 2), ("c", 1), ("b", 2)], [("c", 1), ("a", 1), ("a", 2), ("b", 1), ("b", 2)]]
    keys = [*steps[seed % 2], FUSION]
    limits = {k: np.where(rng.random(3) < 0.2, np.nan, 0.7 * rng.random(3)) for k in keys}
    figures = {k: (0.7, 0.3 * rng.random(), rng.random()) for k in keys}
    policy = GatePolicy(steps[seed % 2], lambda k, label: limits[k][label], None if seed % 4 == 3 else 0, 3,
                        ContinuationValue(3.0, figures, dict.fromkeys("abc", 0.5)) if seed % 3 else None,
                        seed % 2 == 0, 0.9, yielding=frozenset(keys[1::2]), overriding=(None, 1, 2)[seed % 3],
                        overrides={("a", 1): 0.6, ("b", 1): 0.3, ("c", 1): 0.8},
                        beside_none={("a", 1): 0.3, ("b", 1): 0.5, ("b", 2): 0.4, ("c", 1): 0.2})
    readings = Readings({k: rng.random(n) for k in keys}, {k: rng.integers(0, 3, n) for k in keys},
                        {k: rng.random(n) for k in keys}, dict.fromkeys(keys, 1), {k: rng.random(n) for k in keys})
    present = {m: rng.random(n) < 0.6 for m in "abc"}
    conditions = Conditions(
        present, {m: ~present[m] & (rng.random(n) < 0.7) for m in "abc"}, {"b": rng.random(n) < 0.1},
        {m: rng.random(n) < 0.4 for m in "abc"}, rng.random(n) < 0.3,
        {m: rng.choice(["delivered", "pending", "deadlineMissed", "failed", "refused"], n) for m in "abc"},
        rng.random(n) < 0.1)
    together = walk(policy, readings, conditions)
    assert len(set(together.reason)) > 5
    for i in range(n):
        c, r = conditions, readings
        alone = walk(policy, Readings(rows(r.entropy, i), rows(r.answer, i), rows(r.certainty, i), r.macs,
                                       rows(r.override or {}, i)),
                     Conditions(rows(c.present, i), rows(c.wakeable, i), rows(c.invalid, i), rows(c.inactive, i),
                                c.look_due[i : i + 1], rows(c.wakes, i), c.skew_too_large[i : i + 1]))
        for name in ("exit", "answer", "entropy", "certainty", "threshold", "reason", "sure", "provisional", "look",
                     "all_looked", "macs"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[i], name)
        done = [(kind, m) for kind, m, windows in together.actions if windows[i]]
        assert [(kind, m) for kind, m, windows in alone.actions if windows[0]] == done

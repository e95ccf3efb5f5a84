"""The gate's walk over many windows at once: on this side the one implementation of the rules that
Sources/Scheduling/Gate.swift tells. `tests/gate-vectors.jsonl` holds the two together, action by action.

Windows go through the steps together, each in the state it is in; arrays are [N], one value a window.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from .gate import (
    DEADLINE,
    FUSED,
    FUSED_UNSURE,
    GAIN,
    INACTIVE,
    INVALID,
    MISSING,
    NO_DATA,
    NOBODY,
    PENDING,
    SKEW,
    SURE,
    Conditions,
    GatePolicy,
    Mask,
    Readings,
    Walked,
)


def walk(policy: GatePolicy, readings: Readings, conditions: Conditions) -> Walked:
    """Walks every window to its answer."""
    return _Walk(policy, readings, conditions).run()


class _Walk:
    def __init__(self, policy: GatePolicy, readings: Readings, conditions: Conditions) -> None:
        self.policy, self.readings, self.conditions = policy, readings, conditions
        self.names = tuple(dict.fromkeys(k[0] for k in policy.steps))
        self.counts = {m: sum(k[0] == m for k in policy.steps) for m in self.names}
        self.keys = [*policy.steps, FUSION, *((m, 0) for m in self.names)]
        self.place = {k: i for i, k in enumerate(self.keys)}
        n = self.n = len(next(iter(readings.answer.values())))
        self.nobody, self.everybody = np.zeros(n, bool), np.ones(n, bool)

        def masks(table: Mapping[str, Mask]) -> dict[str, Mask]:
            return {m: table.get(m, self.nobody).copy() for m in self.names}

        self.present, self.wakeable = masks(conditions.present), masks(conditions.wakeable)
        self.live = {m: self.present[m] | self.wakeable[m] for m in self.names}
        self.invalid = {m: v & self.present[m] for m, v in masks(conditions.invalid).items()}
        due = conditions.look_due
        self.look_due = self.nobody if due is None or policy.none is None else due
        # Changed in place, all but `alive`.
        self.quiet, self.sure, self.lost, self.looked, self.asked, self.woken, self.missing, self.wanted, \
            self.unopposing = (masks({}) for _ in range(9))
        self.done = {m: np.zeros(n, np.int64) for m in self.names}
        self.held, self.disagreement, self.missed, self.pending, self.refused, self.passed_invalid, \
            self.overridden = (np.zeros(n, bool) for _ in range(7))
        self.held_at, self.overridden_at, self.stood_at = (np.full(n, NOBODY) for _ in range(3))
        self.best_at, self.best = np.full(n, NOBODY), np.full(n, np.nan)
        self.alive = np.ones(n, bool)
        self.actions: list[tuple[str, str, Mask]] = []
        self.macs = np.zeros(n)
        self.exit, self.answer, self.reason = np.full(n, NOBODY), np.full(n, NOBODY), np.full(n, NO_DATA)
        self.entropy, self.certainty, self.threshold = np.ones(n), np.zeros(n), np.full(n, np.nan)
        self.is_sure, self.provisional = np.zeros(n, bool), np.zeros(n, bool)

    def run(self) -> Walked:
        self.inactivity()
        for second in (False, True):
            if second and not any(q.any() for q in self.quiet.values()):
                break
            for index in range(len(self.policy.steps)):
                if self.walking().any():
                    self.step(index, second)
        self.end_walk(any(q.any() for q in self.quiet.values()))
        self.fuse()
        looked = self.all_looked()
        return Walked(self.keys, self.exit, self.answer, self.entropy, self.certainty, self.threshold, self.reason,
                      self.is_sure, self.provisional, looked, self.look_due & looked, self.macs, self.asked,
                      self.woken, self.missing, self.wanted, self.unopposing, self.actions)

    # What the gate knows of a window.

    def walking(self) -> Mask:
        """Windows without an answer that nothing has sent to fusion."""
        return self.alive & ~self.overridden

    def all_looked(self) -> Mask:
        return np.logical_and.reduce([self.looked[m] | ~self.live[m] for m in self.names])

    def asked_are_sure(self) -> Mask:
        return np.logical_and.reduce([self.sure[m] | ~self.asked[m] for m in self.names])

    def settled(self) -> Mask:
        """Every sensor that was asked is sure of `none`, and no look is due."""
        if self.policy.none is None:
            return self.nobody
        return self.held & ~self.disagreement & ~self.look_due & self.asked_are_sure()

    def limits(self, reason: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """What kept a window from being answered with everything the plan wanted; `reason` where nothing did."""
        lacking = np.logical_or.reduce([self.missing[m] for m in self.names])
        return np.select([self.passed_invalid, self.missed, self.pending, lacking, self.refused],
                         [INVALID, DEADLINE, PENDING, MISSING, GAIN], reason)

    def standing(self, m: str, settled: Mask) -> tuple[Mask, Mask]:
        """Windows in which the modality can be asked, and in which it would have to be woken first."""
        free = ~(self.sure[m] | self.lost[m] | self.invalid[m])
        asleep = free & ~self.present[m] & self.wakeable[m] & ~settled
        return free & self.present[m], asleep & ~(self.missed | (self.passed_invalid & ~self.look_due))

    def left_to_fusion(self) -> Mask:
        """Windows of which two modalities or more have run to their ends, and no other can be had."""
        settled, complete, more = self.settled(), np.zeros(self.n, np.int64), np.zeros(self.n, bool)
        for m in self.names:
            whole, (ask, wake) = self.done[m] == self.counts[m], self.standing(m, settled)
            complete += whole
            more |= ~whole & (self.asked[m] | ask | wake)
        return (complete > 1) & ~more

    # The walk.

    def inactivity(self) -> None:
        """Answers where every present sensor is quiet; otherwise notes who is."""
        policy, inactive = self.policy, self.conditions.inactive
        if not policy.use_activity or policy.always or policy.none is None or not inactive:
            return
        silent = {m: inactive.get(m, self.nobody) & self.present[m] & ~self.invalid[m] for m in self.names}
        somebody = np.logical_or.reduce([self.present[m] for m in self.names])
        trusted = np.logical_and.reduce([silent[m] == (self.present[m] & ~self.invalid[m]) for m in self.names])
        whole = np.logical_and.reduce([silent[m] == self.present[m] for m in self.names])
        for m in self.names:
            self.quiet[m] = silent[m] & ~trusted
        answers = somebody & whole & ~self.look_due
        for m, number in policy.steps:
            if number == 1:
                here = answers & silent[m] & self.alive
                self.answer[here], self.exit[here], self.entropy[here] = policy.none, self.place[(m, 0)], 0
                self.certainty[here], self.reason[here] = policy.activity_certainty, INACTIVE
                self.is_sure |= here
                self.provisional |= here
                self.alive = self.alive & ~here

    def step(self, index: int, second: bool) -> None:
        m, number = self.policy.steps[index]
        turn = self.walking() & (self.quiet[m] == second) & (self.done[m] < number) & ~self.sure[m] & ~self.lost[m]
        settled = self.settled()
        ask, wake = (s & turn for s in self.standing(m, settled))
        damaged = turn & self.invalid[m]
        away = turn & ~self.present[m]
        self.lost[m] |= (damaged | away) & settled
        self.passed_invalid |= damaged & ~settled
        self.missing[m] |= (damaged | (away & ~self.wakeable[m])) & ~settled
        if wake.any():
            ask = ask | self.wake(m, self.worth_continuing(wake, index, second))
        ask = self.worth_continuing(ask, index, second)
        self.wanted[m] |= ask & ~settled
        self.advance((m, number), ask)
        if not self.policy.always:
            self.judge((m, number), ask)

    def wake(self, m: str, wake: Mask) -> Mask:
        """Wakes the modality's sensor; the windows for which it delivered."""
        self.actions.append(("w", m, wake))
        self.wanted[m] |= wake
        outcome = self.conditions.wakes.get(m)
        if outcome is None:
            outcome = np.full(self.n, "delivered")
        self.woken[m] |= wake & (outcome != "refused")
        delivered = wake & (outcome == "delivered")
        self.present[m] |= delivered
        self.lost[m] |= wake & ~delivered
        self.pending |= wake & (outcome == "pending")
        self.refused |= wake & (outcome == "refused")
        self.missing[m] |= wake & ~delivered & (outcome != "pending") & (outcome != "refused")
        self.missed |= wake & (outcome == "deadlineMissed")
        return delivered

    def advance(self, key: ExitKey, ask: Mask) -> None:
        """One exit is asked, and its reading entered."""
        m = key[0]
        self.actions.append(("a", m, ask))
        if self.readings.macs is not None:
            self.macs += self.readings.macs[key] * ask
        self.done[m] += ask
        self.asked[m] |= ask
        self.looked[m] |= ask & (self.done[m] == self.counts[m])
        if self.readings.certainty is not None:
            # The most certain is the best; of equals, the first.
            certainty = self.readings.certainty[key]
            better = ask & ((self.best_at == NOBODY) | (certainty > self.best) | np.isnan(self.best))
            self.best_at = np.where(better, self.place[key], self.best_at)
            self.best = np.where(better, certainty, self.best)

    def judge(self, key: ExitKey, ask: Mask) -> None:
        m, label = key[0], self.readings.answer[key]
        stands = ask & self.stands_beside_none(key)
        sure = stands | (ask & (self.readings.entropy[key] <= self.policy.limit(key, label)))
        if key in self.policy.yielding:
            sure = sure & ~self.left_to_fusion()
        if not sure.any():
            return
        self.sure[m] |= sure
        self.looked[m] |= sure
        nothing = sure & (label == self.policy.none) if self.policy.none is not None else self.nobody
        answers = sure & ~nothing & (stands | ~self.held)
        self.disagreement |= sure & ~nothing & ~answers
        self.stood_at = np.where(answers & stands, self.place[key], self.stood_at)
        self.held_at = np.where(nothing & ~self.held, self.place[key], self.held_at)
        self.held |= nothing
        answers = answers & ~self.override(key, answers & (label != self.policy.overriding))
        self.conclude(answers, self.place[key], SURE, True)

    def stands_beside_none(self, key: ExitKey) -> Mask:
        """Windows in which this exit is sure enough for its command to conclude beside the `none` that is held."""
        limit = self.policy.beside_none.get(key)
        if limit is None:
            return self.nobody
        command = self.readings.answer[key] != self.policy.none
        return self.held & ~self.disagreement & command & (self.readings.entropy[key] <= limit)

    def override(self, key: ExitKey, contested: Mask) -> Mask:
        """Asks others that are awake, for their first exits, whether they override this exit's sure answer; the
        windows where one does."""
        found = np.zeros(self.n, bool)
        if self.policy.overriding is None or not self.policy.overrides:
            return found
        assert self.readings.override is not None, "the policy asks for a class that overrides"
        for other in self.policy.steps:
            m = other[0]
            ask = contested & ~found & self.present[m] & ~self.invalid[m] & ~self.lost[m] & ~self.asked[m]
            if other[1] != 1 or other not in self.policy.overrides or not ask.any():
                continue
            self.advance(other, ask)
            overrides = ask & (self.readings.override[other] >= self.policy.overrides[other])
            self.wanted[m] |= overrides
            self.unopposing[m] |= ask & ~overrides
            found |= overrides
        self.overridden |= found
        self.overridden_at = np.where(found, self.place[key], self.overridden_at)
        return found

    def end_walk(self, second: bool) -> None:
        """Every exit that could be asked has been."""
        unasked = self.walking() & ~np.logical_or.reduce([self.asked[m] for m in self.names])
        if unasked.any():
            gone = ~np.logical_or.reduce([self.live[m] for m in self.names])
            self.conclude(unasked, self.best_at, np.where(gone, NO_DATA, self.limits(NO_DATA)), False)
        agreed = self.walking() & self.held & ~self.disagreement & self.asked_are_sure()
        if agreed.any():
            reason = np.where(self.look_due & ~self.all_looked(), self.limits(SURE), SURE)
            self.conclude(agreed, self.held_at, reason, True)
        self.worth_continuing(self.walking(), len(self.policy.steps), second)

    def fuse(self) -> None:
        """Runs what was asked to its end, in plan order, and fuses it."""
        if not self.alive.any():
            return
        for key in self.policy.steps:
            more = self.alive & self.asked[key[0]] & (self.done[key[0]] < key[1])
            if more.any():
                self.advance(key, more)
        self.actions.append(("f", "", self.alive))
        if self.conditions.skew_too_large is not None:
            at = np.where(self.overridden, self.overridden_at, self.best_at)
            self.conclude(self.alive & self.conditions.skew_too_large, at, SKEW, False)
        if self.readings.macs is not None:
            self.macs += self.readings.macs[FUSION] * self.alive
        entropy = self.readings.entropy[FUSION]
        limit = self.policy.limit(FUSION, self.readings.answer[FUSION])
        sure = np.where(np.isnan(limit), ~np.isnan(entropy), entropy <= limit)
        self.conclude(self.alive, self.place[FUSION], self.limits(np.where(sure, FUSED, FUSED_UNSURE)), sure)

    # Giving up, and the answer.

    def worth_continuing(self, mask: Mask, index: int, second: bool) -> Mask:
        """The windows of `mask` for which some way of going on from this step is expected to gain more than it costs;
        the others give up."""
        figures, classes = self.policy.continuation, np.arange(self.policy.classes)
        if figures is None or self.policy.always:
            return mask
        weighed = mask & ~self.look_due & ~self.held & (self.best_at != NOBODY)
        if not weighed.any():
            return mask
        worth = figures.worth
        certainty = np.where(np.isnan(self.best), 0.0, self.best.astype(np.float64))
        settled, good = self.settled(), ~weighed
        net, reached = np.zeros(self.n), np.ones(self.n)

        def add(where: Mask, hazard: float, accuracy: float, cost: NDArray | float) -> None:
            nonlocal net, reached, good
            net = np.where(where, net + reached * (hazard * worth * accuracy - cost), net)
            reached = np.where(where, reached * (1 - hazard), reached)
            good = good | (where & (net - (1 - reached) * worth * certainty > 0))

        for later in (True,) if second else (False, True):
            for key in self.policy.steps[index if later == second else 0 :]:
                ask, wake = self.standing(key[0], settled)
                ahead = (self.quiet[key[0]] == later) & (self.done[key[0]] < key[1]) & (ask | wake)
                accuracy, cost, hazard = figures.exits[key]
                if np.isnan(self.policy.limit(key, classes)).all():
                    hazard = 0.0  # it is off
                waking = np.where(wake & (key[1] == 1), figures.wake[key[0]], 0.0)
                add(ahead, hazard, accuracy, cost + waking)
        accuracy, cost, _ = figures.exits[FUSION]
        add(self.everybody, 1.0, accuracy, cost)
        given_up = mask & ~good
        reason = np.select([self.passed_invalid, self.missed], [INVALID, DEADLINE], GAIN)
        self.conclude(given_up, self.best_at, reason, False)
        return mask & good

    def conclude(self, mask: Mask, at: NDArray[np.int64] | int, reason: NDArray[np.int64] | int,
                 sure: Mask | bool) -> None:
        """Ends the windows of `mask` with the readings of the exits at these positions of `keys`."""
        if not mask.any():
            return
        self.alive = self.alive & ~mask
        places = [at] if isinstance(at, int) else np.unique(at[mask])
        for place in places:
            here = mask & (at == place)
            self.exit[here] = place
            if place != NOBODY:
                self.enter_answer(here, self.keys[place])
        reason = np.broadcast_to(reason, self.n)
        reason = np.where(self.passed_invalid & (reason != SKEW), INVALID, reason)
        self.reason = np.where(mask, reason, self.reason)
        self.is_sure |= mask & sure & ~self.passed_invalid
        if self.policy.none is not None:
            self.provisional |= mask & (self.answer == self.policy.none) & ~self.all_looked()

    def enter_answer(self, here: Mask, key: ExitKey) -> None:
        """What is not a number counts as knowing nothing: entropy 1, certainty 0."""
        label, entropy = self.readings.answer[key], self.readings.entropy[key]
        self.answer[here] = label[here]
        self.entropy[here] = np.where(np.isnan(entropy), 1, entropy)[here]
        beside = self.policy.beside_none.get(key, np.nan)
        limit = np.where(self.stood_at == self.place[key], beside, self.policy.limit(key, label))
        self.threshold[here] = limit[here]
        if self.readings.certainty is not None:
            certainty = self.readings.certainty[key]
            self.certainty[here] = np.where(np.isnan(certainty), 0, certainty)[here]

"""Synthetic windows with a known truth: a large population, its mean the truth, from which calibrations are drawn.

Two modalities with two exits each and fusion; a window is as hard as its person, its place and chance make it. Only
entropies and right or wrong are drawn, as a calibration sees them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording

MACS: dict[ExitKey, int] = {("quick", 1): 2, ("quick", 2): 3, ("slow", 1): 60, ("slow", 2): 30, FUSION: 1}
SKILL: dict[ExitKey, float] = {("quick", 1): 0.2, ("quick", 2): 0.7, ("slow", 1): 0.5, ("slow", 2): 1.0, FUSION: 1.9}


@dataclass(frozen=True)
class Population:
    """N windows; `person` names each window's group."""

    recording: Recording
    person: NDArray[np.str_]

    def draw(self, which: NDArray[np.int64]) -> Population:
        r = self.recording
        return Population(dataclasses.replace(
            r, entropy={k: v[which] for k, v in r.entropy.items()}, answer={k: v[which] for k, v in r.answer.items()},
            labels=r.labels[which], present={m: p[which] for m, p in r.present.items()}), self.person[which])


def population(people: int, windows_each: int, spread: float, seed: int, failing: float = 0.0) -> Population:
    """`spread`: how much people differ, against the differences of one person's windows (0: not at all).

    `failing`: share of the people whose exits are sure and know little: what a single sensor gets wrong of them."""
    rng = np.random.default_rng([seed, 7501])
    n = people * windows_each
    person = np.repeat(np.arange(people), windows_each)
    ease = rng.normal(size=n) + spread * rng.normal(size=people)[person]
    # What a person's exits claim beyond what they know: the loss itself differs between people.
    boast = spread * 1.5 * rng.normal(size=people)[person]
    fails = (rng.random(people) < failing)[person]
    entropy, answer = {}, {}
    for key, skill in SKILL.items():
        knows = 1.6 * skill + ease + 0.5 * rng.normal(size=n)
        if key != FUSION:
            knows = knows - 2.0 * fails
        right = rng.random(n) < 1 / (1 + np.exp(-1.5 * knows))
        answer[key] = np.where(right, 0, 1)
        entropy[key] = 1 / (1 + np.exp(0.9 * (knows + boast + 4.0 * fails + 0.4 * rng.normal(size=n))))
    everywhere = np.ones(n, bool)
    recording = Recording(("quick", "slow"), {"quick": 2, "slow": 2}, entropy, answer, np.zeros(n, np.int64),
                          {"quick": everywhere, "slow": everywhere}, MACS)
    return Population(recording, person.astype(str))

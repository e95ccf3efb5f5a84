"""Learn then Test: of a path of settings the cheapest that provably loses at most so much, with a stated confidence.

The path, from safest to cheapest, is chosen on one part of the calibration windows; here its settings are tested one
after the other on the other part, each at the whole level, up to the first that fails (fixed-sequence testing, which
keeps the family-wise error: Angelopoulos et al., "Learn then Test", 2021). docs/calibration.md says why these tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import NDArray

from ..base.errors import USAGE, ToolError

Groups = Mapping[str, NDArray[np.str_]]
"""By kind (speaker, signer) each window's group; an empty name is a window that shares nothing."""
NUISANCE = 0.001
"""Share of the level spent on the confidence interval of how often the two answers differ (Berger and Boos, 1994)."""
GRID = 41
LEAST_GROUPS = 50
"""Effective groups below which nothing is promised: of people of whom 6 % fail badly, 50 hold none with a chance of
0.94^50 = 4.5 %; fewer may all be fine by luck, and no test on them can know."""
S = TypeVar("S")


@dataclass(frozen=True)
class Guarantee:
    """At most `loss` (share of windows, 0.01 is one point) below full fusion, with probability `confidence`."""

    loss: float
    confidence: float

    @staticmethod
    def parse(text: str) -> Guarantee:
        """From `LOSS:CONFIDENCE` in points and per cent, as in `1:95`."""
        try:
            loss, confidence = (float(t) / 100 for t in text.split(":"))
        except ValueError:
            want = "LOSS:CONFIDENCE (points, per cent) as in 1:95"
            raise ToolError(f"--guarantee {text}: want {want}", USAGE) from None
        if not (0 < loss < 1 and 0.5 <= confidence <= 0.995):
            raise ToolError(f"--guarantee {text}: the loss must lie between 0 and 100 points, the confidence between "
                            "50 and 99.5 per cent", USAGE)
        return Guarantee(loss, confidence)

    @property
    def level(self) -> float:
        return 1 - self.confidence

    def least_windows(self) -> int:
        """Independent windows without a single loss that it takes to promise this."""
        return int(np.ceil(np.log(self.level - NUISANCE) / np.log1p(-self.loss)))

    def __str__(self) -> str:
        points = f"{100 * self.loss:g} point{'' if self.loss == 0.01 else 's'}"
        return f"at most {points} below full fusion with {100 * self.confidence:g} % confidence"


@dataclass(frozen=True)
class Evidence:
    """What one setting did on the test part: `worse` windows lost against full fusion, `better` windows won.

    `effective`: how many independent windows say as much; `groups` counts the groups by kind; `groups_effective`: of
    the kind with the fewest, sizes taken into account (None: windows share nothing)."""

    windows: int
    worse: int
    better: int
    effective: float
    groups: Mapping[str, int]
    p: float
    groups_effective: float | None = None

    @property
    def refused(self) -> bool:
        """Too few groups to promise anything, whatever they say."""
        return self.groups_effective is not None and self.groups_effective < LEAST_GROUPS

    @property
    def loss(self) -> float:
        return (self.worse - self.better) / max(1, self.windows)


@dataclass(frozen=True)
class Choice:
    """`index` into the path, None where not even the first setting passed; evidence of every setting tested."""

    index: int | None
    evidence: tuple[Evidence, ...]


def choose(path: Sequence[S], differences: Callable[[S], NDArray], groups: Groups, guarantee: Guarantee,
           reference: NDArray | None = None) -> Choice:
    """Fixed-sequence testing. `differences(setting)`: per window full fusion right (1, 0) less setting right.

    `reference`: full fusion's errors [N], for the effective sample of a setting that differs nowhere.
    """
    tested: list[Evidence] = []
    for setting in path:
        found = weigh(differences(setting), groups, guarantee, reference)
        tested.append(found)
        if found.p > guarantee.level:
            break
    passed = sum(e.p <= guarantee.level for e in tested)
    return Choice(passed - 1 if passed else None, tuple(tested))


def weigh(difference: NDArray, groups: Groups, guarantee: Guarantee, reference: NDArray | None = None) -> Evidence:
    """The p-value of "the loss is above the promise" for one setting, at its effective sample."""
    n = len(difference)
    worse, better = int((difference > 0).sum()), int((difference < 0).sum())
    counts = {k: len(np.unique(v[v != ""])) for k, v in groups.items()}
    effect = design_effect(difference, groups, guarantee.confidence, reference)
    lost, won, more = worst_group(difference, groups)
    # One more group as bad as the worst seen; then rounded against the setting: losses up, wins and windows down.
    fewer = (int(np.ceil((worse + lost) / effect)), int((better + won) / effect), int((n + more) / effect))
    p = paired_p(*fewer, guarantee.loss) if fewer[2] >= 1 else 1.0
    least = min((effective_groups(names) for names in groups.values()), default=None)
    found = Evidence(n, worse, better, n / effect, counts, p, least)
    return replace(found, p=1.0) if found.refused else found


def effective_groups(names: NDArray[np.str_]) -> float:
    """How many groups of one size say as much (Kish): (sum of sizes)^2 / sum of squares; a window without a name is a
    group of its own."""
    alone = int((names == "").sum())
    sizes = np.concatenate([np.unique(names[names != ""], return_counts=True)[1], np.ones(alone)]).astype(float)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def worst_group(difference: NDArray, groups: Groups) -> tuple[int, int, int]:
    """(losses, wins, windows) of the group that loses most; nothing where no group of several windows loses."""
    worst = (0, 0, 0)
    for names in groups.values():
        kinds, which = np.unique(names, return_inverse=True)
        sums = np.bincount(which, difference)
        sums[kinds == ""] = 0
        own = which == int(sums.argmax())
        if sums.max() > worst[0] - worst[1] and own.sum() > 1:
            worst = (int((difference[own] > 0).sum()), int((difference[own] < 0).sum()), int(own.sum()))
    return worst


def paired_p(worse: int, better: int, windows: int, loss: float) -> float:
    """Exact unconditional p-value of "the true loss is at least `loss`" from paired answers of independent windows.

    Outcomes are ordered by Tango's score; the chance of one as good or better is the largest over all rates of
    differing answers within their confidence interval, which NUISANCE pays for.
    """
    differing = worse + better
    low = scipy.stats.beta.ppf(NUISANCE / 2, differing, windows - differing + 1) if differing else 0.0
    high = scipy.stats.beta.ppf(1 - NUISANCE / 2, differing + 1, windows - differing) if differing < windows else 1.0
    if high < loss:  # differing so rarely, nothing can be lost so often
        return NUISANCE
    rates = np.linspace(max(low, loss), high, GRID)
    # The sum over the number of differing windows is cut where its tail is below 1e-9.
    first = int(scipy.stats.binom.ppf(1e-9, windows, rates[0]))
    last = int(scipy.stats.binom.ppf(1 - 1e-9, windows, rates[-1])) + 1
    m = np.arange(max(0, first), min(windows, last) + 1)
    most = _most_worse(m, windows, loss, tango_score(worse, better, windows, loss))
    weight = scipy.stats.binom.pmf(m[None], windows, rates[:, None])
    share = ((rates + loss) / (2 * rates)).clip(0, 1)[:, None]
    inside = np.where(most[None] < 0, 0.0, scipy.special.bdtr(np.maximum(most, 0.0)[None], m[None], share))
    return float(min(1.0, (weight * inside).sum(axis=1).max() + NUISANCE))


def tango_score(worse, better, windows: int, loss: float) -> NDArray[np.float64]:
    """(observed loss - `loss`) in standard errors estimated as if the loss were exactly that (Tango, 1998)."""
    b, c = np.asarray(worse, np.float64), np.asarray(better, np.float64)
    linear = (2 * windows - b + c) * loss - b - c
    root = np.sqrt(np.maximum(linear**2 + 8 * windows * c * loss * (1 - loss), 0))
    wins = (root - linear) / (4 * windows)
    spread = np.sqrt(np.maximum(windows * (2 * wins + loss * (1 - loss)), 1e-300))
    return (b - c - windows * loss) / spread


def _most_worse(differing: NDArray, windows: int, loss: float, score: NDArray) -> NDArray:
    """For each number of differing windows, the most of them that may be losses for a score no worse; -1: none."""
    low, high = np.full(len(differing), -1), differing.copy()
    while (low < high).any():
        middle = (low + high + 1) // 2
        fine = tango_score(middle, differing - middle, windows, loss) <= score + 1e-9
        low, high = np.where(fine, middle, low), np.where(fine, high, middle - 1)
    return low


def design_effect(difference: NDArray, groups: Groups, confidence: float, reference: NDArray | None = None) -> float:
    """How many windows count as one: the variance of the mean with groups against that of independent windows.

    Each kind's variance is the jackknife over its groups; excesses of several kinds add up (two-way clustering).
    Few groups know their own variance badly, which Student's t pays for. At least 1. A setting that differs nowhere
    has no variance of its own: the reference's errors stand in, and one group counts as one window where it has none.
    """
    if not groups:
        return 1.0
    least = min(_group_count(names) for names in groups.values())
    if least < 2:
        return float(len(difference))
    values = np.asarray(difference, np.float64)
    if values.min() == values.max() and reference is not None:
        values = np.asarray(reference, np.float64)
    if values.min() == values.max():
        return len(values) / least
    alone, excess = variance_of_mean(values, [group_numbers(names) for names in groups.values()])
    normal = scipy.stats.norm.ppf(confidence)
    few = (scipy.stats.t.ppf(confidence, least - 1) / normal) ** 2 if normal > 0 and excess > 0 else 1.0
    return float((1 + excess / alone) * few)


def variance_of_mean(values: NDArray[np.float64], kinds: Iterable[NDArray[np.int64]]) -> tuple[float, float]:
    """(of independent windows, what their groups add to it); `kinds`: each window's group as a number, by kind."""
    alone = float(values.var(ddof=1)) / len(values)
    return alone, sum(max(0.0, jackknife(values, numbers) - alone) for numbers in kinds)


def _group_count(names: NDArray[np.str_]) -> int:
    """Groups with a name; where no window has one, the windows."""
    return len(np.unique(names[names != ""])) or len(names)


def group_numbers(names: NDArray[np.str_]) -> NDArray[np.int64]:
    """Each window's group as a number; a window without a name is a group of its own."""
    labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
    alone = names == ""
    labels[alone] = labels.max() + 1 + np.arange(int(alone.sum()))
    return labels


def jackknife(values: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Variance of the mean, leaving out one of the numbered groups at a time."""
    sizes = np.bincount(labels)
    sums = np.bincount(labels, values)[sizes > 0]
    sizes = sizes[sizes > 0]
    if len(sizes) < 2:
        return float("inf")
    without = (values.sum() - sums) / (len(values) - sizes)
    return float((len(sizes) - 1) / len(sizes) * ((without - values.mean()) ** 2).sum())

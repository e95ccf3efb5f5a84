"""The kinds of windows that an export draws: the benchmark's and, with `--varied`, ones as varied as a daemon's."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..calibrate.calibration import Tolerance
from ..calibrate.every_order import Part
from ..signals.windows import Window
from ..tasks import Task, load_varied

VARIED_SEED = 10
"""Added to the seed of the benchmark's windows."""


@dataclass(frozen=True)
class Kind:
    """`counts`: windows by split; `loss`: points below full fusion that thresholds may lose on them."""

    name: str
    counts: dict[str, int]
    loss: float
    draw: Callable[[str, int, int], Iterator[Window]]

    def title(self, split: str) -> str:
        return split if self.name == "benchmark" else f"{split}, {self.name}"

    def windows(self, split: str, seed: int) -> Iterator[Window]:
        return self.draw(split, self.counts[split], seed)


def mixture(task: Task, args: argparse.Namespace) -> list[Kind]:
    """The benchmark's first. Raises ToolError where the task has no varied windows."""
    kinds = [Kind("benchmark", {"validation": args.windows, "test": args.test_windows or args.windows}, args.loss,
                  lambda split, count, seed: task.windows(args.data, split, count, seed))]
    if args.varied:
        varied = load_varied(args.task)
        kinds.append(Kind("varied", dict.fromkeys(("validation", "test"), args.varied), args.varied_loss,
                          lambda split, count, seed: varied.windows(args.data, split, count, seed + VARIED_SEED)))
    return kinds


def places(kinds: Sequence[Kind]) -> list[NDArray[np.int64]]:
    """Indices of each kind's validation windows, drawn one kind after the other."""
    edges = np.cumsum([0, *(k.counts["validation"] for k in kinds)])
    return [np.arange(a, b) for a, b in pairwise(edges)]


def parts_of(kinds: Sequence[Kind], z: float) -> list[Part]:
    """What thresholds have to hold on; nothing apart where all windows are of one kind."""
    if len(kinds) == 1:
        return []
    return [Part(k.name, w, Tolerance(k.loss / 100, z)) for k, w in zip(kinds, places(kinds), strict=True)]


def sentence(kinds: Sequence[Kind], z: float) -> str:
    """For the card and the terminal."""
    said = " and ".join(f"{k.loss:g} points on {k.name} ones" for k in kinds)
    return (f"at most {said} below full fusion on validation windows, whichever sensor is asked first and whether "
            f"the others sleep, with {z:g} standard errors to spare, at the fewest MACs found; no guarantee")

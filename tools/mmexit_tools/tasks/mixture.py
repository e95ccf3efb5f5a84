"""The kinds of windows that an export draws: the benchmark's and, with `--varied`, ones as varied as a daemon's."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..signals.windows import Window
from . import Task, load_varied

VARIED_SEED, TEACHING_SEED = 10, 30
"""Added to the seed of the benchmark's windows."""


@dataclass(frozen=True)
class Kind:
    """`counts`: windows by split; `loss`: points below full fusion that thresholds may lose on them, None for windows
    that teach heads alone."""

    name: str
    counts: dict[str, int]
    loss: float | None
    draw: Callable[[str, int, int], Iterator[Window]]

    def title(self, split: str) -> str:
        return split if self.name == "benchmark" else f"{split}, {self.name}"

    def windows(self, split: str, seed: int) -> Iterator[Window]:
        """As many as there are; `counts` then says how many that was."""
        count = 0
        for window in self.draw(split, self.counts[split], seed):
            count += 1
            yield window
        self.counts[split] = count


def mixture(task: Task, args: argparse.Namespace) -> list[Kind]:
    """The benchmark's first. Raises ToolError where the task has no varied windows."""
    kinds = [Kind("benchmark", {"validation": args.windows, "test": args.test_windows or args.windows}, args.loss,
                  lambda split, count, seed: task.windows(args.data, split, count, seed))]
    if args.varied:
        varied = load_varied(args.task)
        counts = {"validation": args.varied, "test": args.test_windows or args.varied}
        kinds.append(Kind("varied", counts, args.varied_loss,
                          lambda split, count, seed: varied.windows(args.data, split, count, seed + VARIED_SEED)))
    if args.teaching:
        teaching = load_varied(args.task).teaching_windows
        kinds.append(Kind("teaching", {"validation": args.teaching}, None,
                          lambda _, count, seed: teaching(args.data, count, seed + TEACHING_SEED)))
    return kinds


def judged(kinds: Sequence[Kind]) -> list[Kind]:
    """Those that thresholds are chosen on; they stand first."""
    return [k for k in kinds if k.loss is not None]


def places(kinds: Sequence[Kind]) -> list[NDArray[np.int64]]:
    """Indices of each kind's validation windows, drawn one kind after the other."""
    edges = np.cumsum([0, *(k.counts["validation"] for k in kinds)])
    return [np.arange(a, b) for a, b in pairwise(edges)]


def sentence(kinds: Sequence[Kind], z: float) -> str:
    """For the card and the terminal."""
    benchmark, varied = judged(kinds)
    return (f"at most {benchmark.loss:g} points below full fusion on the benchmark's validation windows, and "
            f"{varied.loss:g} on varied ones and while other sensors sleep, whichever is asked first, with {z:g} "
            "standard errors to spare, at the fewest MACs found; no guarantee")

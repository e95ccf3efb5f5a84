"""Shows what the guarantee of calibration is worth: how often the promised loss is exceeded, and what is saved.

    python -m mmexit_tools.guarantee --task avmnist --data DATA --checkpoint ../work/digits/checkpoint.pt \\
        --out ../docs/results/guarantee.md
    python -m mmexit_tools.guarantee --task synthetic --out ../docs/results/guarantee.md

The int8 network runs once over held-out windows (kept in --cache); every calibration after that is arithmetic.
Ends with status 1 when the loss that --promise names is exceeded in more than 10 of 100 splits or 7 of 100 draws, or
(avmnist) saves less than 30 % of the MACs. Other tasks' sections of --out stay as they are.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..base.errors import NO_INPUT, USAGE, ToolError, note, printable, say
from ..calibrate.exit_pool import Pool
from ..calibrate.learn_then_test import LEAST_GROUPS, Guarantee
from ..calibrate.looking_path import looking_gate
from ..calibrate.promise import PLAIN_GATE, Gate
from ..export.report import share_text, table
from ..sources.robot_data import CLASSES, NONE
from .draws import Outcome, Trial, random_splits, synthetic_draws
from .pools import read_pool
from .synthetic_windows import population

MOST_SPLITS, MOST_DRAWS, LEAST_SAVED = 0.10, 0.07, 0.30


@dataclass(frozen=True)
class Plan:
    """`windows` of each held-out split; `once`: a kind of group of which a calibration takes one window."""

    windows: int
    promise: str
    gate: Gate
    once: str | None = None
    least_saved: float = 0.0


PLANS = {
    "avmnist": Plan(20_000, "1:95", PLAIN_GATE, once="picture", least_saved=LEAST_SAVED),
    "robot-command": Plan(4_000, "3:95", looking_gate(CLASSES.index(NONE))),
}
OTHERS = ("0.5:95", "1:95", "2:95", "3:95", "5:95", "1:80")
SYNTHETIC = (Guarantee(0.01, 0.95), Guarantee(0.02, 0.95))
PEOPLE, EACH, DRAWN_WINDOWS, SPREAD = 4000, 50, 4000, 0.6


@dataclass(frozen=True)
class Draws:
    """A synthetic trial: `people` of whom a draw has so many (None: independent windows)."""

    title: str
    people: int | None = None
    spread: float = SPREAD
    unequal: bool = False
    failing: float = 0.0


HARD = (
    Draws(f"{DRAWN_WINDOWS:,} independent windows", spread=0.0),
    Draws(f"100 people, {EACH} windows each; people differ in what their windows lose", 100),
    Draws(f"100 people, unequal: 2 to {EACH} windows each, most with few", 100, unequal=True),
    Draws(f"100 people, {EACH} windows each, of whom 6 % fail badly", 100, failing=0.06),
    Draws(f"15 people, {EACH} windows each, of whom 6 % fail badly", 15, failing=0.06),
)


def exceeded(outcomes: Sequence[Outcome], guarantee: Guarantee) -> float:
    return float(np.mean([o.exceeds(guarantee) for o in outcomes]))


def rows(trial: Trial, names: dict[bool, str]) -> str:
    lines = []
    for (guarantee, counted), found in trial.outcomes.items():
        lost, saved = [100 * o.loss for o in found], [o.saved for o in found]
        lines.append([
            f"{100 * guarantee.loss:g} points, {100 * guarantee.confidence:g} %", names[counted],
            f"{sum(o.exceeds(guarantee) for o in found)} of {len(found):,}",
            f"{np.mean(lost):.2f} ({np.max(lost):.2f})", f"{share_text(float(np.mean(saved)))}",
            f"{share_text(float(np.quantile(saved, 0.1)))}", f"{sum(not o.holds for o in found)}",
            f"{np.mean([o.windows for o in found]):,.0f}", f"{np.mean([o.effective for o in found]):,.0f}",
        ])
    return table(["promise", "sample counted", "promise exceeded", "true loss, mean (worst), points",
                  "MACs saved, mean", "tenth percentile", "nothing could be shown", "testing windows", "count as"],
                 lines)


def splits_section(pool: Pool, plan: Plan, trial: Trial, splits: int) -> str:
    kinds = ", ".join(f"{len(np.unique(v[v != ''])):,} by {k}" for k, v in pool.groups.items())
    once = f"; a calibration takes one window of each {plan.once}" if plan.once else ""
    return "\n".join([
        f"### {splits} random splits\n",
        f"{len(pool):,} held-out windows (groups: {kinds}). In each split half of the groups of every kind",
        f"calibrate and the other half are the truth; a window whose groups fall to both sides is left out{once}.",
        "The truth is itself a sample, so its chance is in these counts too.\n",
        rows(trial, {True: "by groups", False: "by windows"}),
    ])


def synthetic_section(draws: int, trials: Sequence[tuple[Draws, Trial]]) -> str:
    return "\n".join([
        f"## Synthetic: {draws:,} draws with known truth\n",
        f"`python -m mmexit_tools.guarantee --task synthetic --draws {draws}`\n",
        f"Entropies and right or wrong of two modalities with two exits each, from a population of {PEOPLE * EACH:,}",
        "windows whose own loss is the truth (`guarantee/synthetic_windows.py`); thresholds, path and test",
        f"anew in each draw. Below {LEAST_GROUPS} effective groups in the testing part nothing is promised: all",
        'exits stay off, which keeps the promise; those draws are among "nothing could be shown".\n',
        *(f"{d.title}:\n\n" + rows(t, {True: "by windows" if d.people is None else "by groups",
                                       False: "by windows"}) for d, t in trials),
    ])


def replace_section(text: str, title: str, section: str) -> str:
    """The Markdown with the `## title` section replaced, or added at the end."""
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    block = section.strip("\n") + "\n"
    if pattern.search(text):
        return pattern.sub(lambda m: block + ("\n" if m.end() < len(text) else ""), text)
    return text.rstrip("\n") + "\n\n" + block


HEAD = """# What the guarantee is worth

Written by `python -m mmexit_tools.guarantee`, which measured every figure; docs/calibration.md explains the method.
"""


def progress(title: str, every: int) -> Callable[[int], None]:
    begun = time.monotonic()

    def said(count: int) -> None:
        if count % every == 0:
            note(f"{title} {count} ({time.monotonic() - begun:.0f} s)")

    return said


def synthetic(draws: int) -> list[tuple[Draws, Trial]]:
    found = []
    for number, plan in enumerate(HARD, 1):
        whole = population(PEOPLE, EACH, plan.spread, number, plan.failing)
        said = progress(f"draw of {plan.title}", 100)
        found.append((plan, synthetic_draws(whole, SYNTHETIC, draws, plan.people, DRAWN_WINDOWS, said, plan.unequal)))
    return found


def failures(trial: Trial, promise: Guarantee, most: float, least_saved: float, title: str) -> list[str]:
    """What does not keep the acceptance; groups counted."""
    found = trial.outcomes[(promise, True)]
    share, saved = exceeded(found, promise), float(np.mean([o.saved for o in found]))
    result = [f"{title}: the promise is exceeded in {share:.1%}, at most {most:.0%} is right"] * (share > most)
    return result + [f"{title}: {saved:.1%} of the MACs saved, want {least_saved:.0%}"] * (saved < least_saved)


def run(args: argparse.Namespace) -> list[str]:
    plan = PLANS[args.task]
    main_promise = Guarantee.parse(args.promise or plan.promise)
    promises = [main_promise, *(g for g in map(Guarantee.parse, OTHERS) if g != main_promise)]
    pool = read_pool(args.task, args.data, args.checkpoint, args.windows or plan.windows, args.cache)
    trial = random_splits(pool, promises, args.splits, plan.gate, plan.once, progress("split", 10))
    wrong = failures(trial, main_promise, MOST_SPLITS, plan.least_saved, f"{args.splits} splits")
    command = ["python", "-m", "mmexit_tools.guarantee", "--task", args.task, "--data", "DATA", "--checkpoint",
               args.checkpoint.name, "--splits", str(args.splits)]
    section = "\n".join([f"## {args.task}\n", f"`{shlex.join(command)}`, int8, full fusion right in "
                         f"{share_text(float((pool.logits[('fusion', 0)].argmax(1) == pool.labels).mean()))}.\n",
                         splits_section(pool, plan, trial, args.splits)])
    text = args.out.read_text() if args.out.exists() else HEAD
    text = replace_section(text, args.task, section)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text)
    found = trial.outcomes[(main_promise, True)]
    say(f"{args.out}: {args.task}, {main_promise}: exceeded in {sum(o.exceeds(main_promise) for o in found)} of "
          f"{args.splits} splits, {np.mean([o.saved for o in found]):.1%} of the MACs saved")
    return wrong


def run_synthetic(out: Path, draws: int) -> list[str]:
    """Replaces the section of the draws; returns what is not kept."""
    trials = synthetic(draws)
    text = out.read_text() if out.exists() else HEAD
    text = re.sub(r"^## Synthetic: .*?(?=^## |\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(replace_section(text, f"Synthetic: {draws:,} draws with known truth",
                                   synthetic_section(draws, trials)))
    return [w for d, t in trials for g in SYNTHETIC for w in failures(t, g, MOST_DRAWS, 0.0, d.title)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True, choices=[*sorted(PLANS), "synthetic"])
    parser.add_argument("--data", type=Path, help="the data folder; not for synthetic")
    parser.add_argument("--checkpoint", type=Path, help="of the trained network; not for synthetic")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--promise", help="LOSS:CONFIDENCE whose keeping decides the status (default by task)")
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--draws", type=int, default=1000, help="of each kind, for --task synthetic")
    parser.add_argument("--windows", type=int, help="of each of the splits validation and test")
    parser.add_argument("--cache", type=Path, help="where the pool is kept (default ../work/TASK-exits.npz)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.splits < 1 or args.draws < 1:
        raise ToolError("--splits and --draws must be at least 1", USAGE)
    if args.task != "synthetic" and (args.data is None or args.checkpoint is None):
        raise ToolError(f"--task {args.task}: needs --data and --checkpoint", USAGE)
    if args.task != "synthetic" and not args.checkpoint.is_file():
        raise ToolError(f"--checkpoint {args.checkpoint}: no such file; mmexit_tools.training writes it", NO_INPUT)
    args.cache = args.cache or Path("../work") / f"{args.task}-exits.npz"
    torch.set_num_threads(args.threads)
    wrong = run_synthetic(args.out, args.draws) if args.task == "synthetic" else run(args)
    for line in wrong:
        print(f"not kept: {printable(line)}", file=sys.stderr)
    if wrong:
        sys.exit(1)

"""The paper's method against its baselines: trains, measures, and writes tables and figures.

    python -m mmexit_tools.comparison --tasks avmnist,mosi --data DATA --seeds 5 --work ../work/comparison \\
        --out ../docs/results

Every training is a file in the work folder. A killed run goes on with --resume at the epoch it was in, with the same
result. `--part 1/2` and `--part 2/2` share the seeds between two processes.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import torch

from ..base.errors import USAGE, ToolError
from ..base.progress import Progress
from ..tasks import load
from . import figures
from .cells import Bench, Training, needed, plan
from .material import Draw, stored
from .measured import TaskResult, measure
from .said import Said, read
from .sizes import SIZES, Size, network_of
from .tables import curves_csv, document, rows_csv

EXPLAINED = """\
How to read it:
- LF is trained as long as every method: the trained late fusion that all methods start from goes on for as many
  epochs as they have. Uni, TF, LRTF and MIM have the same number of epochs in all.
- MMExit: Algorithm 1, one threshold for all exits on the entropy as it is, modalities ordered by eq. 7. MMExit+:
  trained with both stages of Algorithm 1 in every step (reading B) where that was asked for, temperatures per exit,
  thresholds per exit chosen for a price of a wrong answer, the `exact` order. "Own thresholds": that gate too.
- RExit: MMExit's network without serialization, the mean over all orders. Eloss and Sloss: all exits with the same
  weight, and with weights that rise to fusion's; the same gate as MMExit.
- The random gate leaves at every exit with one probability; the fixed gate always at the same exit; the oracle at the
  first exit that is right.
- The setting of each method is the cheapest that beats LF on validation windows by a standard error of the paired
  difference, or the most accurate where none does. Mean ± standard deviation over seeds.
- MACs and parameters touched are means per window; LF's are without exits.
"""


@dataclass(frozen=True)
class Request:
    tasks: tuple[str, ...]
    data: Path
    work: Path
    out: Path
    seeds: int
    size: str
    exits: int
    methods: tuple[str, ...]
    part: tuple[int, int]
    resume: bool

    def own_seeds(self) -> list[int]:
        """Seeds 1... that this process trains."""
        number, parts = self.part
        return [s for s in range(1, self.seeds + 1) if (s - number) % parts == 0]


def bench_of(request: Request, name: str, say: Callable[[str], None]) -> Bench:
    """The task with its windows, drawn now or earlier."""
    task, size = load(name), SIZES[request.size][name]
    network = network_of(task, request.data, request.exits, size)
    counts = {"train": size.train, "validation": size.validation, "test": size.test}
    if 0 in counts.values():
        counts = {split: split_length(name, request.data, split) for split in counts}

    def draw(split: str, variant: int = 0) -> Draw:
        return Draw(split, counts[split], variant)

    kept = partial(stored, request.work, f"{name}-{request.size}", task, network, request.data)
    train = [kept(draw("train", v), say) for v in range(size.variants)]
    return Bench(name, network, size, request.exits, train, kept(draw("validation"), say), kept(draw("test"), say),
                 request.work)


def split_length(name: str, data: Path, split: str) -> int:
    from ..tasks import mosi

    if name != "mosi":
        raise ToolError(f"{name}: its size states no number of windows")
    return len(mosi.utterances(data, split).labels)


@dataclass(frozen=True)
class Job:
    bench: Bench
    trainings: Sequence[Training]
    others: dict[str, Training]


def jobs_of(request: Request, say: Callable[[str], None]) -> list[Job]:
    plans = {name: plan(load(name).MODALITIES) for name in request.tasks}
    chosen = {name: needed(p, ("lf", *request.methods)) if request.methods else p for name, p in plans.items()}
    return [Job(bench_of(request, name, say), chosen[name], {t.name: t for t in plans[name]}) for name in plans]


def run(request: Request, say: Callable[[str], None]) -> list[Path]:
    """Trains what is missing and writes the results; returns what was written."""
    jobs = jobs_of(request, say)
    started = [p for j in jobs for p in (request.work / "runs" / j.bench.name, request.work / "cells" / j.bench.name)
               if p.is_dir() and any(p.iterdir())]
    if started and not request.resume:
        raise ToolError(f"{started[0]}: holds an earlier run; go on with --resume, or give another --work", USAGE)
    own = request.own_seeds()
    progress = Progress(sum(j.bench.effort(t, s) for j in jobs for t in j.trainings for s in own), say)
    for seed in own:
        for job in jobs:
            for training in job.trainings:
                job.bench.run(training, seed, job.others, progress)
    results = [collected(job, request.seeds) for job in jobs]
    found = [r for r in results if r is not None]
    if len(found) < len(results):
        say(f"part {request.part[0]}/{request.part[1]} is trained; when all parts are, run again with --resume")
        return []
    return write(request, found)


def collected(job: Job, seeds: int) -> TaskResult | None:
    """The task's figures from the files; None while other processes have not finished theirs."""
    said: dict[int, dict[str, Said]] = {}
    for seed in range(1, seeds + 1):
        paths = {t.name: job.bench.path(t, seed, job.others) for t in job.trainings}
        if not all(p.exists() for p in paths.values()):
            return None
        said[seed] = {name: read(path) for name, path in paths.items()}
    return measure(job.bench.name, tuple(m.name for m in job.bench.network.modalities), said)


def describe(size: Size) -> str:
    rows = f"{size.train:,} windows" if size.train else "all windows"
    draws = f" in {size.variants} draws" if size.variants > 1 else ""
    return (f"{rows} an epoch{draws}, {size.start} + {size.epochs} epochs, batch {size.batch}, rate {size.rate:g}, "
            f"weight decay {size.weight_decay:g}")


def stamp(request: Request) -> dict[str, str]:
    sizes = {t: SIZES[request.size][t] for t in request.tasks}
    command = (f"python -m mmexit_tools.comparison --tasks {','.join(request.tasks)} --data DATA "
               f"--seeds {request.seeds} --size {request.size} --exits {request.exits}"
               + (f" --methods {','.join(request.methods)}" if request.methods else "") + " --work WORK --out OUT")
    return {
        "Command": f"`{command}`", "Seeds": ", ".join(map(str, range(1, request.seeds + 1))),
        "Versions": f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}, "
                    f"matplotlib {matplotlib.__version__}",
        "Machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s)",
    } | {f"Size of {t}": describe(s) for t, s in sizes.items()}


def write(request: Request, results: Sequence[TaskResult]) -> list[Path]:
    request.out.mkdir(parents=True, exist_ok=True)
    texts = {
        "comparison.md": document(results, stamp(request), request.exits, EXPLAINED),
        "comparison.csv": rows_csv(results), "comparison-curves.csv": curves_csv(results),
    }
    for name, text in texts.items():
        part = request.out / f".{name}.part"
        part.write_text(text)
        os.replace(part, request.out / name)
    return [*(request.out / n for n in texts), *figures.write_all(results, request.out)]


def parse_part(text: str) -> tuple[int, int]:
    try:
        number, parts = (int(n) for n in text.split("/"))
    except ValueError:
        raise ToolError(f"--part {text}: want K/N, as 1/2", USAGE) from None
    if not 1 <= number <= parts:
        raise ToolError(f"--part {text}: K must be 1 to N", USAGE)
    return number, parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="avmnist,robot-command,mosi")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="windows, checkpoints, results: some GB")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5, help="how many; they are 1, 2, ...")
    parser.add_argument("--size", choices=tuple(SIZES), default="full")
    parser.add_argument("--exits", type=int, default=2, help="per modality")
    parser.add_argument("--methods", default="", help="trainings with commas (LF is always there); all without it")
    parser.add_argument("--part", default="1/1", help="K/N: train only every N-th seed, in one of N processes")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.seeds < 1:
        raise ToolError(f"--seeds {args.seeds}: at least 1", USAGE)
    tasks = tuple(t for t in args.tasks.split(",") if t)
    for name in tasks:
        load(name)
    torch.set_num_threads(args.threads)
    request = Request(tasks, args.data, args.work, args.out, args.seeds, args.size, args.exits,
                      tuple(m for m in args.methods.split(",") if m), parse_part(args.part), args.resume)
    for path in run(request, partial(print, flush=True, file=sys.stderr)):
        print(path)

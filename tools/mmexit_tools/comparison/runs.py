"""The paper's method against its baselines: trains, measures, and writes tables and figures.

    python -m mmexit_tools.comparison --tasks avmnist,mosi --data DATA --seeds 5 --work ../work/comparison \\
        --out ../docs/results

Every training is a file in the work folder. A killed run goes on with --resume at the epoch it was in, with the same
result. `--part 1/2` and `--part 2/2` share the seeds between two processes.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import torch

from ..base.errors import USAGE, ToolError, note, say
from ..base.progress import Progress, TimeUp, duration
from ..tasks import load
from . import figures
from .cells import Bench, Training, needed, plan
from .material import Draw, stored
from .measured import empty, measure_cell
from .results import name_of, read_cells, write_cell
from .said import Said
from .sizes import SIZES, Size, network_of, task_name
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
- The random gate leaves at every exit with one probability, also at those that know nothing; "chance between two
  exits" draws one of the two fixed exits, with the odds, that validation finds best within the budget. The fixed
  gate always leaves at the same exit; the oracle at the first exit that is right.
- Ours: each modality's encoder and exits are first trained alone, a cheap one for longer where the size says so, then
  all together with equal weights, the stronger encoder slowly; an exit behind every layer. Where gates are taught and
  chosen on more validation windows than the other methods have, the same pictures come again with other sounds.
  "Gain gate": an exit answers where the predicted gain of going on is at most its threshold, the next sensor looked
  at; heads and looks are billed. "Always fused": no exit answers. "LF, single starts" begins with the same encoders
  and has no exits. The paper's methods have its two exits.
- Ours takes the cheapest setting that on validation windows is at most 0.5 points below its own fusion and not below
  LF. Every other method takes the cheapest that beats LF there by a standard error of the paired difference, or the
  most accurate where none does. Mean ± standard deviation over seeds.
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
    exits: int | None
    methods: tuple[str, ...]
    part: tuple[int, int]
    resume: bool
    minutes: float = math.inf
    """Nothing is begun after so long; an epoch under way is finished."""

    @property
    def cells(self) -> Path:
        return self.out / "cells"

    def own_seeds(self) -> list[int]:
        """Seeds 1... that this process trains."""
        number, parts = self.part
        return [s for s in range(1, self.seeds + 1) if (s - number) % parts == 0]


def bench_of(request: Request, name: str, say: Callable[[str], None]) -> Bench:
    """The task with its windows, drawn now or earlier."""
    task, size = load(task_name(name)), SIZES[request.size][name]
    exits = size.exits_of(request.exits)
    network = network_of(task, request.data, exits, size)
    counts = {"train": size.train, "validation": size.validation, "test": size.test}
    if 0 in counts.values():
        counts = {split: split_length(name, request.data, split) for split in counts}

    def draw(split: str, variant: int = 0) -> Draw:
        return Draw(split, counts[split], variant)

    kept = partial(stored, request.work, f"{name}-{request.size}", task, network, request.data)
    train = [kept(draw("train", v), say) for v in range(size.variants)]
    taught = kept(Draw("validation", size.taught), say) if size.taught else None
    return Bench(name, network, size, exits, train, kept(draw("validation"), say), kept(draw("test"), say),
                 request.work, {2: network if request.exits is not None else network_of(task, request.data, 2, size)},
                 taught)


def split_length(name: str, data: Path, split: str) -> int:
    from ..tasks import mosi

    if name != "mosi":
        raise ToolError(f"{name}: its size states no number of windows")
    return len(mosi.utterances(data, split).labels)


def chosen(request: Request, name: str) -> tuple[list[Training], dict[str, Training]]:
    """The trainings of a task, and all that there are by name."""
    plans = plan(load(task_name(name)).MODALITIES)
    only = request.methods or SIZES[request.size][name].only
    return needed(plans, ("lf", *only)) if only else plans, {t.name: t for t in plans}


def run(request: Request, say: Callable[[str], None]) -> list[Path]:
    """Trains what is missing, writes each cell as it comes, then the results; returns what was written."""
    clear_parts(request.work)
    started = [p for t in request.tasks for p in (request.work / "runs" / t, request.work / "cells" / t)
               if p.is_dir() and any(p.iterdir())]
    if started and not request.resume:
        raise ToolError(f"{started[0]}: holds an earlier run; go on with --resume, or give another --work", USAGE)
    begun = time.monotonic()
    for name in request.tasks:
        chosen(request, name)  # an unknown method ends the command before windows are drawn
    benches = {name: bench_of(request, name, say) for name in request.tasks}
    own = request.own_seeds()
    progress = Progress(sum(benches[n].effort(t, s) for n in request.tasks for t in chosen(request, n)[0]
                            for s in own), say, limit=60 * request.minutes)
    try:
        for seed in own:
            for name in request.tasks:
                run_seed(request, benches[name], seed, progress)
    except TimeUp:
        say(f"--minutes {request.minutes:g} are over after {duration(time.monotonic() - begun)}; --resume goes on")
    return write(request, say)


def run_seed(request: Request, bench: Bench, seed: int, progress: Progress) -> None:
    """One seed of a task: every training, its cell written once it is measured."""
    trainings, others = chosen(request, bench.name)
    said: dict[str, Said] = {}
    for training in trainings:
        path = bench.path(training, seed, others)
        target = request.cells / name_of(bench.name, training.name, seed)
        if written(target, path.stem):
            progress.skip(bench.effort(training, seed))
        else:
            said[training.name] = bench.run(training, seed, others, progress)
            if is_start(training.name):
                continue  # no method; a result of its own would say nothing
            lf = said.get("lf") or bench.run(others["lf"], seed, others, progress)
            over = None
            if training.fusion != "lf" and training.method != "fusion":
                over = said.get(training.fusion) or bench.run(others[training.fusion], seed, others, progress)
            found = empty(bench.name, tuple(m.name for m in bench.network.modalities), lf)
            measure_cell(found, seed, training.name, said[training.name], lf, over)
            write_cell(request.cells, found, training.name, seed, {
                "size": describe(bench.size), "key": path.stem, "versions": versions(),
                "apart": bench.apart(training)})


def is_start(training: str) -> bool:
    """Whether a training is there for others to begin with, and is no method itself."""
    return training.endswith("-start") or training.startswith("alone-")


def written(path: Path, key: str) -> bool:
    """Whether the cell is there and was made by this very training."""
    return path.exists() and f'"key":"{key}"' in path.read_text()


def clear_parts(work: Path) -> None:
    """Removes what killed runs left behind half written: names with the number of a process that is no more."""
    for path in work.glob("*/**/*part*") if work.is_dir() else ():
        found = re.search(r"part-?(\d+)", path.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def versions() -> str:
    return f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}"


def describe(size: Size) -> str:
    rows = f"{size.train:,} windows" if size.train else "all windows"
    draws = f" in {size.variants} draws" if size.variants > 1 else ""
    return (f"{rows} an epoch{draws}, {size.start} + {size.epochs} epochs, batch {size.batch}, rate {size.rate:g}, "
            f"weight decay {size.weight_decay:g}")


def stamp(request: Request, found: Mapping[str, Mapping[tuple[str, int], dict]]) -> dict[str, str]:
    """What the document says about itself: the command, sizes and versions, and which cells are missing."""
    command = (f"python -m mmexit_tools.comparison --tasks {','.join(request.tasks)} --data DATA "
               f"--seeds {request.seeds} --size {request.size}"
               + (f" --exits {request.exits}" if request.exits is not None else "")
               + (f" --methods {','.join(request.methods)}" if request.methods else "") + " --work WORK --out OUT")
    lines = {"Command": f"`{command}`; `--tables` makes this document again from the cells alone"}
    kept = [a for cells in found.values() for a in cells.values()]
    lines["Versions"] = "; ".join(sorted({a["versions"] for a in kept})) + f"; matplotlib {matplotlib.__version__}"
    for name in request.tasks:
        sizes = sorted({a["size"] for a in found.get(name, {}).values()})
        lines[f"Size of {name}"] = "; ".join(sizes) or "nothing measured"
        apart = {t: a.get("apart") for (t, _), a in found.get(name, {}).items()}
        if any(apart.values()):
            lines[f"Apart from it, {name}"] = "; ".join(f"{t}: {text}" for t, text in sorted(apart.items()) if text)
        earlier = sorted({t for (t, _), a in found.get(name, {}).items() if a.get("apart") is None})
        if earlier and len(earlier) < len(apart):
            lines[f"Of an earlier state of the code, {name}"] = ", ".join(earlier)
        lines[f"Cells of {name}"] = missing(request, name, found.get(name, {}))
    return lines


def missing(request: Request, name: str, found: Mapping[tuple[str, int], dict]) -> str:
    """Which seeds of which trainings the folder holds not."""
    wanted = [(t.name, s) for t in chosen(request, name)[0] for s in range(1, request.seeds + 1)
              if not is_start(t.name)]
    lacking: dict[str, list[int]] = {}
    for training, seed in wanted:
        if (training, seed) not in found:
            lacking.setdefault(training, []).append(seed)
    have = f"{len(wanted) - sum(map(len, lacking.values()))} of {len(wanted)}"
    if not lacking:
        return f"{have}, none missing"
    return f"{have}; missing: " + ", ".join(f"{t} (seeds {', '.join(map(str, s))})" for t, s in lacking.items())


def write(request: Request, say: Callable[[str], None]) -> list[Path]:
    """The document, tables and figures, from the cells that are there."""
    read = {name: read_cells(request.cells, name) for name in request.tasks}
    results = [r for r, _ in read.values() if r is not None and r.of("LF")]
    about = {name: a for name, (_, a) in read.items()}
    for name in request.tasks:
        say(f"cells of {name}: {missing(request, name, about[name])}")
    if not results:
        say("no cell yet, so no document")
        return []
    request.out.mkdir(parents=True, exist_ok=True)
    texts = {
        "comparison.md": document(results, stamp(request, about), EXPLAINED),
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
    parser.add_argument("--tasks", default="", help="with commas; all that the size has without it")
    parser.add_argument("--data", type=Path, help="the data folder; not needed with --tables")
    parser.add_argument("--work", type=Path, help="windows, checkpoints, results: some GB; not needed with --tables")
    parser.add_argument("--out", type=Path, required=True, help="where the document goes, and the cells in OUT/cells")
    parser.add_argument("--seeds", type=int, default=5, help="how many; they are 1, 2, ...")
    parser.add_argument("--size", choices=tuple(SIZES), default="mixed")
    parser.add_argument("--exits", type=int, help="per modality, 0 for one behind every layer (default: the size's)")
    parser.add_argument("--methods", default="", help="trainings with commas (LF is always there); all without it")
    parser.add_argument("--part", default="1/1", help="K/N: train only every N-th seed, in one of N processes")
    parser.add_argument("--resume", action="store_true", help="go on where an earlier run in --work was")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing more after so long")
    parser.add_argument("--tables", action="store_true", help="train nothing: the document from the cells there are")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    args = parser.parse_args()
    if args.seeds < 1:
        raise ToolError(f"--seeds {args.seeds}: at least 1", USAGE)
    tasks = tuple(t for t in args.tasks.split(",") if t) or tuple(SIZES[args.size])
    for name in tasks:
        load(task_name(name))
        if name not in SIZES[args.size]:
            raise ToolError(f"--tasks {name}: size {args.size} has {', '.join(SIZES[args.size])}", USAGE)
    if not args.tables and (args.data is None or args.work is None):
        raise ToolError("--data and --work are needed to train; --tables makes the document from the cells", USAGE)
    torch.set_num_threads(args.threads)
    request = Request(tasks, args.data or Path(), args.work or Path(), args.out, args.seeds, args.size, args.exits,
                      tuple(m for m in args.methods.split(",") if m), parse_part(args.part), args.resume,
                      args.minutes)
    for path in write(request, note) if args.tables else run(request, note):
        say(path)

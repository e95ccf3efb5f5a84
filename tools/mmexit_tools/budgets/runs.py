"""Accuracy at budgets of 25, 50 and 75 % of the MACs, settings chosen on validation windows with a margin.

    python -m mmexit_tools.budgets --robot-command ../config/models/robot-command.safetensors \\
        --avmnist ../config/models/digits.safetensors --cells ../docs/results/cells \\
        --data DATA --work ../work/budgets --out ../docs/results/budgets.md

The int8 networks run once over each window; --work keeps what they said, and a run that was cut off goes on. Sections
of what is not named stay as they are in --out.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..base.errors import USAGE, ToolError, note, say
from ..calibrate.exit_pool import Pool, load_pool, save_pool
from ..calibrate.gain_heads import billed, doubts
from ..export.kept_network import answers, codes_arrays, load_codes, weights_digest
from ..export.report import exit_name
from ..export.robot_pieces import said_by_integers
from ..guarantee.trials import replace_section
from ..model.graphs import exit_costs
from ..quantize.modelfile import StoredModel, read_model
from ..tasks import load
from . import from_cells
from .measuring import Found, measure, section, shortfalls

HEAD = """# Accuracy at a budget of MACs

Written by `python -m mmexit_tools.budgets`, which measured every figure.

- A setting is the most accurate one found on validation windows whose mean MACs there, with the margin, keep the
  budget: thresholds of the exits, for commands, for `none` and for commands beside another sensor's sure `none`, and
  the order of the sensors, which has to be the one that the gate takes with them.
- The margin counts what windows of the same person, picture or word share: the spread between those adds to that
  between windows. Of the comparison's cells only means are known: there it is the largest that they allow.
- Test windows are of other people, words and pictures, and are measured only. In a model's tables ± is one standard
  error of the mean, groups counted.
- The random gate leaves at every exit with one probability, the fixed gate always at the same exit; "between two
  exits" draws one of two fixed exits. Exit, probability, odds and order are those that validation finds best within
  the whole budget, without a margin.
"""


def readings(task: str, stored: StoredModel, split: str, count: int, seed: int, args: argparse.Namespace) -> Pool:
    """What the int8 network says of `count` windows, from --work where it is there."""
    heads = stored.heads
    if task == "robot-command":
        if heads:
            raise ToolError(f"{args.robot_command}: has gain heads, which are read of avmnist only")
        return said_by_integers(stored, args.data, split, count, seed, args.work / task)
    source = f"{weights_digest(stored.quantized)} {task} {split} {count} {seed}"
    path = args.work / task / f"{split}-{seed}.npz"
    pool = load_pool(path, source)
    if pool is not None:
        codes = load_codes(path)
    else:
        note(f"{task}: {count:,} windows of {split}")
        pool, codes = answers(stored.quantized, load(task).windows(args.data, split, count, seed))
        save_pool(pool, path, source, codes_arrays(codes))
    costs = billed(exit_costs(stored.quantized.graph), heads, stored.network)
    return dataclasses.replace(pool, macs={k: c.macs for k, c in costs.items()},
                               doubt=doubts(heads, pool, codes, stored.temperatures))


def people(pool: Pool) -> str:
    kinds = [f"{len(np.unique(v[v != ''])):,} by {k}" for k, v in sorted(pool.groups.items())]
    return f"{len(pool):,} windows" + (f" ({', '.join(kinds)})" if kinds else "")


def of_model(task: str, path: Path, args: argparse.Namespace) -> tuple[str, Found]:
    """A model file's section."""
    stored = read_model(path)
    network = stored.network
    none = None if network.none is None else network.classes.index(network.none)
    validation = readings(task, stored, "validation", args.validation, args.seed, args)
    test = readings(task, stored, "test", args.test, args.seed + 1, args)
    found = measure(validation, test, args.z, none, stored.temperatures if validation.doubt else None)
    command = ["python", "-m", "mmexit_tools.budgets", f"--{task}", f"../config/models/{path.name}", "--data", "DATA",
               "--work", "WORK", "--out", "OUT", *options(args)]
    about = [f"- `{shlex.join(command)}`",
             f"- {path.name}, int8: {found.test.total_macs:,} MACs for everything",
             f"- Chosen on {people(validation)} of validation, with {args.z:g} standard errors of margin; measured "
             f"on {people(test)} of test",
             f"- The gate goes by {'entropy' if not validation.doubt else gain_at(validation)}"]
    return section(found, task, about), found


def gain_at(pool: Pool) -> str:
    return f"the predicted gain of going on at {', '.join(map(exit_name, pool.doubt))}, by entropy elsewhere"


def options(args: argparse.Namespace) -> Sequence[str]:
    return ["--validation", str(args.validation), "--test", str(args.test), "--seed", str(args.seed), "--z",
            f"{args.z:g}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--robot-command", type=Path, metavar="MODEL", help="a model file of robot-command")
    parser.add_argument("--avmnist", type=Path, metavar="MODEL", help="a model file of avmnist")
    parser.add_argument("--cells", type=Path, help="folder of the comparison's cells, for avmnist's networks there")
    parser.add_argument("--data", type=Path, help="the data folder; not needed for --cells")
    parser.add_argument("--work", type=Path, default=Path("../work/budgets"), help="where readings are kept")
    parser.add_argument("--out", type=Path, required=True, help="the document")
    parser.add_argument("--validation", type=int, default=8000, help="windows that choose")
    parser.add_argument("--test", type=int, default=10_000, help="windows that measure")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--z", type=float, default=2.5, help="standard errors of mean MACs kept in reserve")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    args = parser.parse_args()
    models = {t: p for t, p in (("robot-command", args.robot_command), ("avmnist", args.avmnist)) if p is not None}
    if not models and args.cells is None:
        raise ToolError("nothing to measure: give --robot-command, --avmnist or --cells", USAGE)
    if models and args.data is None:
        raise ToolError("--data is needed to draw windows", USAGE)
    if args.validation < 100 or args.test < 100 or not args.z >= 0:
        raise ToolError("--validation and --test: at least 100 windows; --z: not below 0", USAGE)
    torch.set_num_threads(args.threads)
    text = args.out.read_text() if args.out.exists() else HEAD
    for task, path in models.items():
        part, found = of_model(task, path, args)
        text = replace_section(text, task, part)
        for line in shortfalls(found):
            note(f"{task}: {line}")
    if args.cells is not None:
        part = from_cells.section(args.cells, "avmnist", args.z)
        text = replace_section(text, part.split("\n", 1)[0].removeprefix("## "), part)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text)
    say(args.out)

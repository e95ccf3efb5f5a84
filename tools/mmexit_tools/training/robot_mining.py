"""Hard negatives: windows of streams without a command that an encoder takes for one, as more training material.

    python -m mmexit_tools.training.robot_mining --model MODEL --data DATA --hours 3 --seed 101 --out HARD.npz

The streams are `company` of training people only, heard and not seen; a window begins every quarter second, as in the
daemon. With `--spoken FILES` of `synthetic.speaking`, synthetic speakers talk among them. What is found depends on
the network. By the command it is a model file's, whatever its layers are, in float: `robot_train --audio-hard` has
another network learn what the one before it did not know.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..base.arrays import check_place, read_arrays, write_arrays
from ..base.errors import DATA, USAGE, ToolError, exit_with, say
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import read_model
from ..sources.robot_data import material
from ..sources.robot_sounds import WINDOW
from ..sources.surroundings import Clip, Surroundings, surroundings
from ..streams.hearing import render
from ..streams.plans import plan
from ..streams.windows import EMPTY, PERIOD
from ..synthetic.speaking import TALK, read
from ..tasks import robot_command as task
from .robot_encoders import last_logits, run_encoder, stored_exit
from .robot_pools import Chunk

DOUBT = 0.25
"""A window is hard where its probability of some command is at least this."""
SOME_DOUBT = 0.1
"""By the command, at least this: what another network will take for one is not quite the same."""
MINUTES = 5.0


def stream_features(pcm: np.ndarray) -> np.ndarray:
    """Features float16 [windows, frames, bands] of every window of a recording, one each quarter second."""
    starts = range(0, len(pcm) - WINDOW + 1, PERIOD)
    parts = [task.AUDIO.compute([pcm[s : s + WINDOW] for s in starts[i : i + 500]])[..., 0].astype(np.float16)
             for i in range(0, len(starts), 500)]
    return np.concatenate(parts)


def mine(model: MultiExitNetwork, data: Path, seed: int, hours: float) -> tuple[Chunk, int]:
    """(the hard windows of `hours` of company, how many windows there were)."""
    return searched(lambda values: run_encoder(model, "audio", values)[0][-1], data, seed, hours, DOUBT)


def talking(around: Surroundings, spoken: Sequence[Path]) -> Surroundings:
    """With the running speech of synthetic speakers beside people's."""
    clips = [Clip(f"synthetic {i}", "synthetic", c.sound)
             for i, c in enumerate(c for path in spoken for c in read(path) if c.label == TALK)]
    return dataclasses.replace(around, talk=[*around.talk, *clips])


def searched(logits: Callable[[np.ndarray], Tensor], data: Path, seed: int, hours: float,
             doubt: float, spoken: Sequence[Path] = ()) -> tuple[Chunk, int]:
    """`mine`, by what tells the logits [n, classes] of features [n, frames, bands]."""
    source, around = material(data, "train"), talking(surroundings(data, "train"), spoken)
    found, total = [], 0
    for number in range(round(hours * 60 / MINUTES)):
        rng = np.random.default_rng([seed, number, 7307])
        pcm = render(rng, plan(rng, "company", MINUTES * 60, 0), source, around).pcm
        values = stream_features(pcm)
        command = 1 - torch.softmax(logits(values), 1)[:, EMPTY].numpy()
        found.append(values[command >= doubt])
        total += len(values)
    hard = np.concatenate(found)
    return Chunk({"audio": hard}, {"audio": np.full(len(hard), EMPTY)}), total


def read_hard(path: Path) -> np.ndarray:
    """float16 [n, frames, bands] of what the command found. Raises ToolError for another file and for none found."""
    windows = read_arrays(path, ("windows",), "robot_mining")[0]
    if windows.shape[1:] != task.AUDIO.shape[:2] or not len(windows):
        raise ToolError(f"{path}: {windows.shape}, not windows of {task.AUDIO.shape[:2]}; have robot_mining of this "
                        "version search, or more --hours", DATA)
    return windows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--spoken", type=Path, nargs="*", default=[], help="files of synthetic.speaking")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if round(args.hours * 60 / MINUTES) < 1:
        raise ToolError(f"--hours {args.hours:g}: streams of {MINUTES:g} minutes are searched, one at least", USAGE)
    check_place(args.out)
    if args.spoken:
        people, all_of_them = (len(talking(surroundings(args.data, "train"), s).talk) for s in ([], args.spoken))
        say(f"clips of talk: {people} of people, {all_of_them - people} of synthetic speakers; each is drawn alike")
    encoder = stored_exit(read_model(args.model).quantized.graph)
    hard, total = searched(lambda v: last_logits(encoder, v), args.data, args.seed, args.hours, SOME_DOUBT,
                           args.spoken)
    write_arrays(args.out, windows=hard.inputs["audio"])
    say(f"{len(hard.labels['audio'])} hard windows of {total}")


if __name__ == "__main__":
    exit_with(main)

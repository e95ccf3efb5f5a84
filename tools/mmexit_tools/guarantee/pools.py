"""The pools that the guarantee is tried on: held-out windows of a task, said by its int8 network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ..base.errors import note
from ..calibrate.exit_pool import Pool, load_pool, make_pool, save_pool
from ..export.exporter import load_model
from ..model.datasets import collect
from ..model.graphs import exit_costs, lower
from ..model.networks import MultiExitNetwork
from ..quantize.quantization import QuantizedGraph, quantize_best
from ..signals.windows import Window
from ..tasks import drawn_people, load
from ..training.robot_pools import task as robot_task
from ..training.trainer import predict, read_checkpoint

RANGE_WINDOWS = 1024
RANGE_SEED = 31
POOL_SEED = 41


def held_out(task_name: str, data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
    """Windows of a split with their groups named."""
    if task_name == "robot-command":
        return drawn_people.windows(data, split, count, seed)
    return load(task_name).windows(data, split, count, seed)


def read_network(task_name: str, data: Path, checkpoint: Path) -> MultiExitNetwork:
    if task_name == "robot-command":  # its checkpoint comes from a trainer of its own
        model = MultiExitNetwork(robot_task.network())
        model.load_state_dict(read_checkpoint(checkpoint)["model"])
        return model.eval()
    return load_model(load(task_name), data, checkpoint)[0]


def quantized_network(task_name: str, data: Path, checkpoint: Path) -> QuantizedGraph:
    """int8, its ranges from windows of the train split, so that no held-out window has a say."""
    model = read_network(task_name, data, checkpoint)
    batch = collect(load(task_name).windows(data, "train", RANGE_WINDOWS, RANGE_SEED), model.network)
    return quantize_best(lower(model), batch, predict(model, batch))[0]


def read_pool(task_name: str, data: Path, checkpoint: Path, windows: int, cache: Path) -> Pool:
    """`windows` of the validation split and as many of test; from the cache where it is the same network."""
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:16]
    source = f"{task_name} {digest} {windows} {POOL_SEED}"
    stored = load_pool(cache, source)
    if stored is not None:
        return stored
    quantized = quantized_network(task_name, data, checkpoint)
    macs = {k: c.macs for k, c in exit_costs(quantized.graph).items()}
    stream = chain.from_iterable(held_out(task_name, data, split, windows, POOL_SEED + i)
                                 for i, split in enumerate(("validation", "test")))

    def progress(count: int) -> None:
        if count % 1280 == 0:
            note(f"{count} of {2 * windows} windows")

    pool = make_pool(quantized, stream, macs, progress)
    save_pool(pool, cache, source)
    return pool

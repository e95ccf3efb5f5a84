"""A tiny network with every operation, and a tiny data folder laid out like the project's."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from mmexit_tools.base.errors import exit_with
from mmexit_tools.base.readers import wav_bytes
from mmexit_tools.model import graphs
from mmexit_tools.model.datasets import Batch
from mmexit_tools.model.layers import (
    AveragePool,
    Conv,
    Depthwise,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Modality,
    Network,
    Segment,
)
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.quantize.equalization import channel_ranges, equalize
from mmexit_tools.quantize.quantization import QuantizedGraph, predict_integer, quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.signals.features import ImageFeatures, VectorFeatures

torch.set_num_threads(1)


@pytest.fixture
def network() -> Network:
    """Asymmetric strides and padding, both flatten and global pooling, two modalities."""
    return Network("tiny", ("a", "b", "c"), None, (
        Modality("image", ImageFeatures(9, 8, 1, (0.5,), (0.25,)), (
            Segment((Conv(4, (3, 3), (2, 1), (1, 0, 1, 1)), Depthwise((3, 3), padding=(0, 1, 1, 0)),
                     MaxPool((3, 3), (2, 2), (1, 1, 1, 1))), (GlobalAveragePool(),)),
            Segment((Conv(6), AveragePool((3, 3), (1, 1), (1, 1, 0, 1)), Flatten(), Linear(7))),
        )),
        Modality("vector", VectorFeatures((0.0,) * 5, (1.0,) * 5), (Segment((Linear(8, batch_norm=True),)),)),
    ), (Linear(6),))


def make_batch(network: Network, count: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    names = [m.name for m in network.modalities]
    inputs = {m.name: rng.normal(size=(count, *m.features.shape)).astype(np.float32) for m in network.modalities}
    present = {n: rng.random(count) < 0.8 for n in names}
    present[names[-1]][:] = True
    labels = rng.integers(0, len(network.classes), count)
    return Batch(inputs, present, labels, dict.fromkeys(names, labels))


def seen(model: MultiExitNetwork) -> MultiExitNetwork:
    """With batch normalization statistics that are not the initial ones."""
    model.train()
    for seed in range(5):
        model(*make_batch(model.network, 64, seed).tensors())
    return model.eval()


@pytest.fixture
def trained(network: Network) -> MultiExitNetwork:
    """Random weights, that have seen windows."""
    torch.manual_seed(0)
    return seen(MultiExitNetwork(network))


def graph_logits(graph: graphs.Graph, batch: Batch) -> dict[tuple[str, int], np.ndarray]:
    """Logits [N, classes] of every exit of the float graph, all modalities there."""
    inputs, _ = batch.tensors()
    found = graphs.run(graph, inputs, graphs.float_step)
    return {(m, n): found[name].numpy() for m, n, name in graph.exit_outputs()}


def check_as_trained(model: MultiExitNetwork, batch: Batch) -> graphs.Graph:
    """The graph, whose logits are those of the network."""
    graph = graphs.lower(model)
    found = graph_logits(graph, batch)
    with torch.no_grad():
        for m, n, values in model(*batch.tensors()).named():
            np.testing.assert_allclose(found[(m, n)], values.numpy(), atol=1e-5)
    return graph


def check_equalized(graph: graphs.Graph, batch: Batch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Equalizing leaves the logits as they are; the channels' ranges before and after, by tensor."""
    other = equalize(graph, batch, 1.0)
    after = graph_logits(other, batch)
    for key, values in graph_logits(graph, batch).items():
        np.testing.assert_allclose(after[key], values, atol=2e-4 * np.abs(values).max())
    changed = channel_ranges(other, batch)
    return {name: (own, changed[name]) for name, own in channel_ranges(graph, batch).items()}


def check_near_in_int8(graph: graphs.Graph, batch: Batch) -> QuantizedGraph:
    """The int8 graph, whose logits are near the float ones."""
    quantized = quantize(graph, measure_ranges(graph, batch))
    found = predict_integer(quantized, batch)
    for key, values in graph_logits(graph, batch).items():
        assert np.abs(found[key] - values).max() < 0.15 * np.abs(values).max()
    return quantized


@dataclass
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_command(module: ModuleType, *arguments: object) -> Ended:
    """A tool's command in this process, as `python -m` runs it: starting Python anew would load torch each time."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", ["-", *map(str, arguments)]):
        try:
            exit_with(module.main)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """40 pictures, one speaker with two takes of each digit, two noises of fold 4."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "data"
    for name in ("mnist", "fsdd/recordings", "esc10/rain"):
        (folder / name).mkdir(parents=True)
    pictures = rng.integers(0, 256, (40, 28, 28)).astype(np.uint8)
    (folder / "mnist/train-images-idx3-ubyte").write_bytes(idx_bytes(pictures))
    (folder / "mnist/train-labels-idx1-ubyte").write_bytes(idx_bytes((np.arange(40) % 10).astype(np.uint8)))
    for digit in range(10):
        for take in range(2):
            tone = 8000 * np.sin(np.arange(3000 + 500 * take) * (0.05 + 0.02 * digit))
            (folder / f"fsdd/recordings/{digit}_anna_{take}.wav").write_bytes(wav_bytes(tone.astype(np.int16), 8000))
    for n in (1, 2):
        clip = rng.integers(-3000, 3000, 24000).astype(np.int16)
        (folder / f"esc10/rain/4-{n}-A.wav").write_bytes(wav_bytes(clip, 16000))
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The real data, where it is at hand."""
    root = Path(os.environ.get("MMEXIT_SHARED", Path(__file__).parents[2] / ".." / "shared"))
    if not (root / "data").is_dir():
        pytest.skip(f"no real data at {root}/data (set MMEXIT_SHARED)")
    return root / "data"


def _program(name: str, variable: str) -> Path:
    builds = [Path(__file__).parents[2] / ".build" / b / name for b in ("release", "debug")]
    named = [Path(os.environ[variable])] if variable in os.environ else []
    for program in [*named, *builds]:
        if program.is_file():
            return program
    pytest.skip(f"no {name} (swift build --product {name}, or set {variable})")


@pytest.fixture
def bench() -> Path:
    """The engine's program, where it has been built."""
    return _program("mmexit-bench", "MMEXIT_BENCH")


@pytest.fixture
def mmexitctl() -> Path:
    """The client, which evaluates files with the daemon's own readers, where it has been built."""
    return _program("mmexitctl", "MMEXITCTL")

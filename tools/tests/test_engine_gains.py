"""The engine with gain heads against this side's int8 arithmetic and gate: `mmexitctl evaluate --audit` on files."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import replay
from mmexit_tools.calibrate.exit_pool import batch_pool
from mmexit_tools.calibrate.gain_heads import billed, doubts
from mmexit_tools.manifests.windowfiles import read_manifest
from mmexit_tools.model import graphs
from mmexit_tools.model.datasets import collect
from mmexit_tools.quantize.head_codes import look_codes, predict_with_codes
from mmexit_tools.quantize.modelfile import ExitSettings, model_bytes, read_model
from mmexit_tools.quantize.quantization import quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.quantize.stored_head import Part, StoredHead

COUNT, HIDDEN, TEMPERATURE = 240, 6, 0.75


def random_head(rng, logits: int, feature: int, looks: dict[str, int]) -> StoredHead:
    """Its predictions are spread over much of -1...1."""
    def numbers(low, high):
        return rng.uniform(low, high, HIDDEN).astype(np.float32)

    def part(count: int, bias=False) -> Part:
        weight = rng.integers(-127, 128, (HIDDEN, count)).astype(np.int8)
        return Part(weight, numbers(5e-6, 2e-5), numbers(-0.1, 0.1) if bias else None)

    return StoredHead(part(logits), part(feature), {m: part(n, True) for m, n in looks.items()}, numbers(-0.1, 0.1),
                      numbers(-0.5, 0.5), float(np.float32(0.03)))


@pytest.fixture
def manifest(tmp_path):
    """Vectors everywhere, pictures in four windows of five."""
    rng = np.random.default_rng(11)
    lines = ["label,image,vector"]
    for i in range(COUNT):
        np.save(tmp_path / f"{i}.npy", rng.normal(size=5).astype(np.float32))
        pixels = rng.integers(0, 256, (8, 9)).astype(np.uint8)
        (tmp_path / f"{i}.pgm").write_bytes(b"P5 9 8 255\n" + pixels.tobytes())
        lines.append(f"{'abc'[i % 3]},{f'{i}.pgm' if i % 5 else ''},{i}.npy")
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_engine_predicts_and_leaves_as_the_tools_do(network, trained, manifest, mmexitctl, bench, tmp_path):
    graph = graphs.lower(trained)
    batch = collect(read_manifest(manifest, network), network)
    quantized = quantize(graph, measure_ranges(graph, batch))
    rng = np.random.default_rng(12)
    logits, codes = predict_with_codes(quantized, batch)
    look = look_codes(np.zeros((1, 8, 9, 1), np.int64)).shape[1]
    # One head takes all of the look, its neighbour in the file none; the picture's have nothing to look at.
    heads = {key: random_head(rng, 3, codes.features[key].shape[1], {"image": look} if key == ("vector", 1) else {})
             for key in codes.features}
    temperatures = dict.fromkeys(logits, TEMPERATURE)
    costs = billed(graphs.exit_costs(graph), heads, network)
    pool = batch_pool(batch, logits, {}, {k: c.macs for k, c in costs.items()})
    said = doubts(heads, pool, codes, temperatures)
    limits = {k: float(np.float32(np.quantile(v[np.isfinite(v)], 0.3))) for k, v in said.items()}
    settings = {k: ExitSettings(TEMPERATURE, limits.get(k), {}, 0.8, None if k == FUSION else 0.3, heads.get(k))
                for k in logits}
    path = tmp_path / "model.safetensors"
    path.write_bytes(model_bytes(quantized, settings, {"seed": 1}))
    assert {k for k, s in read_model(path).exits.items() if s.gain} == set(heads)

    command = [mmexitctl, "evaluate", "--model", path, "--manifest", manifest, "--audit", "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    recording = dataclasses.replace(pool, doubt=said).recording(temperatures)
    outcome = replay(recording, told["order"], limits)
    left = {}
    for i, window in enumerate(told["windows"]):
        for exit in window["exits"]:
            key = (exit["modality"], exit["exit"])
            assert (np.float32(1) + np.float32(exit["gain"])) / np.float32(2) == said[key][i], (i, key)
            plain = pool.recording(temperatures)
            assert exit["entropy"] == pytest.approx(plain.entropy[key][i], abs=1e-5)
        key = outcome.keys[outcome.left_at[i]]
        left[key] = left.get(key, 0) + 1
        wanted = "fusion" if key == FUSION else {"modality": key[0], "exit": key[1]}
        assert window["exit"] == wanted and window["macs"] == outcome.macs[i], i
        assert window["answer"] == network.classes[outcome.answer[i]]
    # None is cut off, and the windows leave everywhere.
    assert all(len(np.unique(v[np.isfinite(v)])) > COUNT // 3 for v in said.values())
    assert set(left) == {*heads, FUSION}

    # What the heads cost, and what they look at, is told by the bench.
    command = [bench, "run", "--model", path, "--rounds", "2"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for modality, number in heads:
        begin = f"{modality} exit {number}: predicts the gain of going on"
        [line] = [text for text in lines if text.startswith(begin)]
        assert ("image" in line.partition(":")[2]) == ((modality, number) == ("vector", 1))
    told = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    gains = told["gains"]
    assert len(gains) == len(heads) and all(g["macs"] > 0 for g in gains)

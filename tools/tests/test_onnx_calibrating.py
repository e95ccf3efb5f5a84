"""An imported net calibrated on windows that stand in files."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import run_command
from qdq import Builder, imported

from mmexit_tools.onnx_import import calibrating
from mmexit_tools.quantize.modelfile import read_model


def early_and_late():
    """Two exits over a vector: the early one sees the first half alone."""
    b = Builder(seed=3)
    x = b.rounded(b.input("x", 4), 0.05)
    whole = b.constant("whole", np.array([[90, 0], [0, 90], [40, 0], [0, 40]]), np.int8)
    b.node("DequantizeLinear", [whole, b.constant("ws", 0.01), b.constant("wz", 0, np.int8)], "whole/f")
    first = b.constant("first", np.array([[100, 0], [0, 100], [0, 0], [0, 0]]), np.int8)
    b.node("DequantizeLinear", [first, b.constant("fs", 0.01), b.constant("fz", 0, np.int8)], "first/f")
    return b.model(b.node("MatMul", [x, "first/f"], "y1"), b.node("MatMul", [b.rounded(x, 0.05), "whole/f"], "y2"))


@pytest.fixture
def windows(tmp_path):
    """400 windows of 20 people: most are clear in the first half, some need the second."""
    rng = np.random.default_rng(8)
    rows = ["label,x"]
    for i in range(400):
        label = i % 2
        values = rng.normal(0, 0.15, 4).astype(np.float32)
        values[label if i % 5 else 2 + label] += 3
        name = f"p{i % 20}_{i:03d}.npy"
        np.save(tmp_path / name, values)
        rows.append(f"{label},{name}")
    (tmp_path / "w.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "w.csv"


def test_an_imported_net_gets_temperatures_and_thresholds(tmp_path, windows):
    model, out = tmp_path / "m.safetensors", tmp_path / "c.safetensors"
    model.write_bytes(imported(early_and_late(), ("x=vector",)).file())
    ended = run_command(calibrating, model, "--manifest", windows, "--out", out, "--guarantee", "off", "--loss", 5)
    assert ended.returncode == 0, ended.stderr
    before, after = read_model(model), read_model(out)
    assert {k for k, e in before.exits.items() if e.threshold is not None} == set()
    first = after.exits[("x", 1)]
    assert first.threshold is not None and 0 < first.threshold < 1 and first.accuracy > 0.95
    assert 0.5 < first.hazard < 0.95  # a fifth of the windows is not clear there, and 5 points may be lost
    assert first.temperature != 1
    assert all((before.quantized.weights[n].values == w.values).all() for n, w in after.quantized.weights.items())
    assert after.provenance["imported"] == "net" and after.provenance["calibration"]["windows"] == 400
    assert "400 windows" in ended.stdout and "no guarantee" in ended.stdout
    again = run_command(calibrating, model, "--manifest", windows, "--out", tmp_path / "d", "--guarantee", "off",
                        "--loss", 5)
    assert again.returncode == 0 and (tmp_path / "d").read_bytes() == out.read_bytes()


def test_people_are_the_groups_of_a_guarantee(tmp_path, windows):
    model = tmp_path / "m.safetensors"
    model.write_bytes(imported(early_and_late(), ("x=vector",)).file())
    pool = calibrating.read_pool(read_model(model), windows)
    assert len(pool) == 400 and sorted(set(pool.groups["name"])) == sorted(f"p{i}" for i in range(20))


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["--loss", "-1"], 64, "--loss must be 0 to 100"), (["--guarantee", "5"], 64, "guarantee"),
    (["--manifest", "absent.csv"], 66, "absent.csv")])
def test_wrong_use_ends_in_one_line(tmp_path, windows, arguments, code, said):
    model = tmp_path / "m.safetensors"
    model.write_bytes(imported(early_and_late(), ("x=vector",)).file())
    ended = run_command(calibrating, model, "--manifest", windows, "--out", tmp_path / "c", *arguments)
    assert (ended.returncode, ended.stderr.count("error: ")) == (code, 1), ended.stderr
    assert said in ended.stderr

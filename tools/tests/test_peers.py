"""The comparison with other runtimes: what it measures and how it reports. Times themselves are no test."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import run_command
from qdq import Builder, halving, imported, many_exits, picture_net, two_inputs
from test_onnx_operators import bounds_inside, ends, gated, one_slope, product_and_relu, silu, silu_in_float, stem

from mmexit_tools.base.errors import ToolError
from mmexit_tools.model import graphs
from mmexit_tools.onnx_graph.graph import read_onnx
from mmexit_tools.onnx_import.check import simulate
from mmexit_tools.onnx_import.features import features
from mmexit_tools.onnx_import.model import import_onnx
from mmexit_tools.peers import nets
from mmexit_tools.peers import timing as peers
from mmexit_tools.peers.curves import CURVES, curve_of
from mmexit_tools.peers.models import litert_file, read_net
from mmexit_tools.peers.runtimes import (
    Absent,
    Candidate,
    engine,
    litert,
    onnx_feed,
    onnx_runtime,
    shaped_as,
    versions,
)


@pytest.fixture
def model():
    return imported(many_exits(), outputs=["y4"])


@pytest.fixture
def file(tmp_path, model) -> Path:
    path = tmp_path / "many.safetensors"
    path.write_bytes(model.file())
    return path


def scripted(name: str, form: str, times: list[int], log: list[str], answer: int = 0) -> Candidate:
    def run(rounds: int) -> list[int]:
        log.append(name)
        return times[:1] * rounds

    return Candidate(name, form, run, np.eye(3)[answer])


def test_candidates_take_turns_and_the_first_of_a_turn_changes():
    log: list[str] = []
    candidates = [scripted(n, "int8", [t], log) for n, t in (("a", 1000), ("b", 2000), ("c", 500))]
    times = peers.in_turns(candidates, 3, 4)
    assert log == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert [len(t) for t in times] == [12, 12, 12]
    found = peers.rows("net", candidates, times, True)
    assert [r.ratio for r in found] == [1.0, 2.0, 0.5]
    assert (found[1].median_us, found[1].rounds) == (2.0, 12)


def test_another_answer_is_said():
    candidates = [scripted("a", "int8", [1], []), scripted("b", "int8", [1], [], answer=2)]
    found = peers.rows("net", candidates, [[1], [1]], True)
    assert [r.same_answer for r in found] == [True, False]


def test_a_net_file_is_the_way_to_the_last_answer(file, model):
    net = read_net(file)
    assert [n["op"] for n in net.nodes] == ["conv2d"] * 4 + ["global_average_pool", "logits"]
    assert net.macs == 64 * (9 * 4 + 3 * 9 * 16) + 12
    assert net.inputs == {"x": (8, 8, 1)}


def test_windows_are_the_same_for_all(file):
    net = read_net(file)
    inputs = peers.window(net, 3)
    a = net.activations["x"]
    codes = onnx_feed(net, inputs, [("theirs", "uint8")])["theirs"]
    assert codes.shape == (1, 1, 8, 8)
    back = (codes.astype(np.float32) - 128 - a["zero_point"]) * np.float32(a["scale"])
    assert np.abs(back[0].transpose(1, 2, 0) - inputs["x"]).max() <= a["scale"] * 0.501
    assert (onnx_feed(net, inputs, [("theirs", "float32")])["theirs"][0, 0] == inputs["x"][..., 0]).all()


def test_the_engine_and_onnx_runtime_see_the_same_window(tmp_path, bench, file, model):
    pytest.importorskip("onnxruntime")
    graph = tmp_path / "many_int8.onnx"
    proto = many_exits()
    keep = [o for o in proto.graph.output if o.name == "y4"]
    del proto.graph.output[:]
    proto.graph.output.extend(keep)
    graph.write_bytes(proto.SerializeToString())
    net = read_net(file)
    inputs = peers.window(net, 1)
    ours, theirs = engine(bench, file, inputs, tmp_path, None), onnx_runtime(net, graph, inputs)
    assert np.abs(ours.answer - theirs.answer).max() < 0.05 * np.ptp(ours.answer) + 1e-3
    assert len(ours.times(7)) == len(theirs.times(7)) == 7


@pytest.mark.parametrize("proto", [many_exits, two_inputs, halving, lambda: picture_net(False, True)])
def test_litert_says_what_the_engine_says(tmp_path, proto):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (tools/requirements-peers.txt)")
    model = imported(proto(), outputs=[proto().graph.output[0].name])
    path = tmp_path / "net.safetensors"
    path.write_bytes(model.file())
    net = read_net(path)
    inputs = peers.window(net, 2)
    feed = {k: v.transpose(2, 0, 1)[None] if v.ndim == 3 else v[None] for k, v in inputs.items()}
    (ours,) = simulate(model, feed).values()
    theirs = litert(net, True, inputs, float(np.abs(ours).max()) / 120).answer
    assert np.abs(ours - theirs).max() < 0.05 * np.abs(ours).max()
    plain = graphs.run(model.quantized.graph, {k: torch.from_numpy(v) for k, v in feed.items()}, graphs.float_step)
    (wanted,) = (plain[h.logits.output].numpy()[0] for h in model.heads)
    assert np.allclose(litert(net, False, inputs, 1.0).answer, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("between", [bounds_inside, gated, one_slope, product_and_relu, silu, silu_in_float],
                         ids=lambda f: f.__name__)
def test_tables_and_products_are_litert_s_too(tmp_path, between):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (tools/requirements-peers.txt)")
    b = Builder(False)
    model = imported(ends(b, between(b, stem(b))))
    path = tmp_path / "net.safetensors"
    path.write_bytes(model.file())
    net = read_net(path)
    assert {n["op"] for n in net.nodes} & {"table", "multiply"}
    inputs = peers.window(net, 5)
    (ours,) = simulate(model, {k: v.transpose(2, 0, 1)[None] for k, v in inputs.items()}).values()
    theirs = litert(net, True, inputs, float(np.abs(ours).max()) / 120).answer
    assert np.abs(ours - theirs).max() < 0.05 * np.abs(ours).max()


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: f"{c.parts[0]}{'*x' if c.product else ''}")
def test_the_curve_of_a_table_is_found(curve):
    source, output = {"scale": 0.05, "zero_point": -7}, {"scale": 0.06, "zero_point": -20}
    x = (np.arange(-128, 128) + 7) * 0.05
    table = np.clip(np.rint(curve.of(x) / 0.06) - 20, -128, 127).astype(np.int8)
    found = curve_of(table, source, output)
    assert found is not None and np.abs(found.of(x) - curve.of(x)).max() <= 0.06
    table[90] += 3
    assert curve_of(table, source, output) is None


def test_what_litert_cannot_run_is_named(file):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (tools/requirements-peers.txt)")
    net = read_net(file)
    net.nodes[0]["op"] = "fold"
    with pytest.raises(ToolError, match=r"fold '.*' is not written for LiteRT"):
        litert_file(net, True, 0.1)


def test_a_runtime_that_is_absent_is_named_in_the_report(tmp_path, bench, file, monkeypatch):
    for name in ("onnxruntime", "openvino", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(peers, "versions", lambda: dict.fromkeys(versions()))
    ended = run_command(peers, "--bench", bench, "--models", file.parent, "--out", tmp_path / "o/report.avx2",
                        "--rounds", "3", "--blocks", "2")
    assert ended.returncode == 0, ended.stderr
    assert "Not measured: LiteRT: not installed" in ended.stdout
    assert (tmp_path / "o/report.avx2.md").read_text() == ended.stdout
    text = json.loads((tmp_path / "o/report.avx2.json").read_text())
    assert {a["what"] for a in text["absent"]} == {"ONNX Runtime", "OpenVINO", "LiteRT"}
    with (tmp_path / "o/report.avx2.csv").open() as table:
        assert [r["runtime"] for r in csv.DictReader(table)] == ["mmexit", "mmexit"]
    assert text["machine"]["cpu"] and text["rows"][0]["ratio"] == 1


def test_a_form_that_a_runtime_refuses_is_named(file, tmp_path):
    pytest.importorskip("onnxruntime")
    broken = tmp_path / "many_broken.onnx"
    broken.write_bytes(b"no graph")
    net = read_net(file)
    installed = {"ONNX Runtime": "1", "OpenVINO": None, "LiteRT": None}
    (found,) = peers.peers(net, [broken], peers.window(net, 0), 0.1, installed)
    assert isinstance(found, Absent) and found.what == "ONNX Runtime many_broken"


def test_nothing_to_measure_is_said(tmp_path):
    ended = run_command(peers, "--bench", tmp_path / "absent", "--models", tmp_path, "--out", tmp_path / "o")
    assert (ended.returncode, ended.stderr.count("\n")) == (66, 1)


def test_extents_a_graph_leaves_open_are_one() -> None:
    image = np.zeros((1, 3, 4, 5), np.float32)
    assert shaped_as(image, ["batch", 3, 4, 5]).shape == (1, 3, 4, 5)
    assert shaped_as(np.zeros((1, 7), np.float32), [None, 7, 1, 1]).shape == (1, 7, 1, 1)
    with pytest.raises(ValueError, match="reshape"):
        shaped_as(image, ["batch", 3, 4, 6])


def test_mlperf_tinys_nets_are_graphs_that_can_be_imported(tmp_path):
    nets.write("autoencoder", tmp_path)
    names = {f"autoencoder_{form}.onnx" for form in ("fp32", "int8_u8s8", "int8_s8s8")}
    assert {p.name for p in tmp_path.iterdir()} == names
    source = read_onnx(tmp_path / "autoencoder_int8_u8s8.onnx")
    model = import_onnx(source, features(source.inputs, [], source.channels_last)[0])
    path = tmp_path / "autoencoder.safetensors"
    path.write_bytes(model.file())
    assert read_net(path).macs == 264192


def test_mlperf_tinys_nets_have_their_size():
    weights = {name: sum(p.numel() for n, p in make().named_parameters() if n.endswith("weight") and p.dim() > 1)
               for name, (make, _) in nets.NETS.items()}
    assert weights == {"autoencoder": 264192, "resnet8": 77360, "kws": 22016, "vww": 208112}

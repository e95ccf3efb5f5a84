import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import run_command
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator
from qdq import Builder, imported, many_exits, picture_net, two_inputs

from mmexit_tools.base.errors import ToolError
from mmexit_tools.onnx_graph.exact import evaluate
from mmexit_tools.onnx_graph.graph import onnx_graph
from mmexit_tools.onnx_import import importing as onnx_import
from mmexit_tools.onnx_import.check import compare, drawn, engine_input, simulate
from mmexit_tools.onnx_import.model import ImportedModel
from mmexit_tools.quantize.modelfile import read_model

RUNTIME = importlib.util.find_spec("onnxruntime") is not None


def stored(proto: onnx.ModelProto, model: ImportedModel, folder: Path) -> tuple[Path, Path]:
    net, file = folder / "net.onnx", folder / "net.safetensors"
    net.write_bytes(proto.SerializeToString())
    file.write_bytes(model.file())
    return net, file


VARIANTS = [(unsigned, per_channel) for unsigned in (False, True) for per_channel in (False, True)]


@pytest.mark.parametrize(("unsigned", "per_channel"), VARIANTS)
def test_every_operator_gives_the_exact_evaluations_bits(tmp_path, unsigned, per_channel):
    proto = picture_net(unsigned, per_channel)
    model = imported(proto, outputs=["y/dq"])
    for row in compare(model, *stored(proto, model, tmp_path), drawn(model, 30), None, False):
        assert row.largest < 1e-6, row


@pytest.mark.skipif(not RUNTIME, reason="onnxruntime is not installed")
@pytest.mark.parametrize(("unsigned", "per_channel"), VARIANTS)
def test_onnx_runtime_without_saturation_is_at_most_a_step_away(tmp_path, unsigned, per_channel):
    proto = picture_net(unsigned, per_channel, seed=3)
    model = imported(proto, outputs=["y/dq"])
    rows = compare(model, *stored(proto, model, tmp_path), drawn(model, 30), None, True)
    assert [r.against for r in rows] == ["the exact evaluation", "ONNX Runtime"]
    assert rows[1].largest <= 1 + 1e-4, rows[1]


@pytest.mark.parametrize(("unsigned", "per_channel"), VARIANTS)
def test_the_engine_gives_the_exact_evaluations_bits(tmp_path, bench, unsigned, per_channel):
    proto = picture_net(unsigned, per_channel, seed=5)
    model = imported(proto, outputs=["y/dq"])
    for row in compare(model, *stored(proto, model, tmp_path), drawn(model, 5), bench, False):
        assert row.largest < 1e-6, row


def test_the_exact_evaluation_agrees_with_onnxs_own_in_float():
    """An evaluation of the same graph in float32 stays within rounding edges of it."""
    proto = picture_net(False, True, seed=7)
    graph = onnx_graph(proto, "net")
    reference = ReferenceEvaluator(proto)
    for feed in drawn(imported(proto, outputs=["y/dq"]), 5):
        exact = evaluate(graph, feed)
        (theirs,) = reference.run(["y/dq"], feed)
        assert np.abs(exact["y/dq"].value - theirs).max() <= 4.0 * 1.0001


def test_outputs_keep_their_rounding_on_demand():
    proto = picture_net(False, True)
    model = imported(proto, outputs=["y/dq"], rounded=True)
    for feed in drawn(model, 10):
        exact = evaluate(model.source, feed)["y/dq"].value.reshape(-1)
        assert (simulate(model, feed)["y/dq"] == exact.astype(np.float32)).all()


def test_a_softmax_is_left_to_the_engine():
    model = imported(picture_net(False, True), outputs=["p"])
    assert any("Softmax" in n for n in model.notes)
    feed = drawn(model, 1)[0]
    logits = evaluate(model.source, feed)["y/dq"].value.reshape(-1)
    assert np.abs(simulate(model, feed)["p"] - logits).max() <= 2.001  # half a step of 4: not rounded


def test_inputs_of_integers_are_taken(tmp_path):
    b = Builder(unsigned=True)
    b.input("x", 1, 4, 4, kind=TensorProto.UINT8)
    s, z = b.constant("s", 0.1), b.constant("z", 7, np.uint8)
    b.node("DequantizeLinear", ["x", s, z], "x/dq")
    b.scales["x/dq"] = np.float32(0.1)
    c = b.rounded(b.conv("c", "x/dq", 1, 2), 0.3, 0)
    flat = b.node("Flatten", [c], "flat")
    b.keep(flat, c)
    proto = b.model(b.gemm("y", flat, 32, 3))
    model = imported(proto)
    assert model.quantized.activations["x"].zero_point == 7 - 128
    for row in compare(model, *stored(proto, model, tmp_path), drawn(model, 10), None, RUNTIME):
        assert row.largest < 1e-2, row


def test_inputs_become_modalities_and_their_join_fusion(tmp_path, bench):
    proto = two_inputs()
    model = imported(proto, classes=["a", "b", "c"])
    graph = model.quantized.graph
    assert [m.name for m in graph.modalities] == ["image", "numbers"]
    assert model.exits == {"y": ("fusion", 0)}
    for modality in graph.modalities:  # an exit that never answers
        (segment,) = modality.segments
        assert not model.quantized.weights[segment.exit_nodes[-1].output].values.any()
    for row in compare(model, *stored(proto, model, tmp_path), drawn(model, 5), bench, RUNTIME):
        assert row.largest < 1e-2, row


def test_outputs_of_one_input_become_its_exits(tmp_path):
    proto = two_inputs(exits=True)
    model = imported(proto)
    assert model.exits == {"image/early": ("image", 1), "numbers/early": ("numbers", 1), "y": ("fusion", 0)}
    for row in compare(model, *stored(proto, model, tmp_path), drawn(model, 10), None, RUNTIME):
        assert row.largest < 1e-2, row


def test_a_threshold_is_for_the_exits_of_the_graph(tmp_path):
    two, many = tmp_path / "two", tmp_path / "many"
    two.write_bytes(imported(two_inputs()).file(0.3))
    many.write_bytes(imported(many_exits()).file(0.3))
    assert {k: e.threshold for k, e in read_model(two).exits.items()} == {
        ("image", 1): None, ("numbers", 1): None, ("fusion", 0): None}
    assert {k: e.threshold for k, e in read_model(many).exits.items()} == {
        ("x", 1): 0.3, ("x", 2): 0.3, ("x", 3): 0.3, ("fusion", 0): None}


def test_exits_stand_in_order_of_depth(tmp_path, bench):
    proto = many_exits()
    model = imported(proto)
    assert model.exits == {"y1": ("x", 1), "y2": ("x", 2), "y4": ("x", 3)}
    ops = [[n.op for n in s.nodes] for s in model.quantized.graph.modalities[0].segments]
    assert ops == [["conv2d"], ["conv2d"], ["conv2d", "conv2d", "global_average_pool"]]
    for row in compare(model, *stored(proto, model, tmp_path), drawn(model, 5), bench, RUNTIME):
        assert row.largest < 1e-2, row
    assert set(imported(proto, outputs=["y2"]).exits) == {"y2"}


def test_what_a_pool_never_reads_is_not_computed():
    b = Builder()
    x = b.rounded(b.input("x", 1, 7, 7), 0.02)
    c = b.rounded(b.conv("c", x, 1, 2), 0.1)
    p = b.node("MaxPool", [c], "p", kernel_shape=[2, 2], strides=[2, 2])
    b.keep(p, c)
    flat = b.node("Flatten", [p], "flat")
    b.keep(flat, p)
    model = imported(b.model(b.gemm("y", flat, 18, 2)))
    assert model.quantized.graph.shapes["c"] == (6, 6, 2)
    for feed in drawn(model, 5):
        exact = evaluate(model.source, feed)["y"].value.reshape(-1)
        assert np.allclose(simulate(model, feed)["y"], exact, rtol=1e-5)


def refused(case: str) -> onnx.ModelProto:
    """A sound net but for one thing."""
    b = Builder()
    if case == "extent":
        return b.model(b.gemm("y", b.rounded(b.input("x", "n"), 0.02), 4, 3))
    x = b.rounded(b.input("x", 3, 6, 6), 0.02)
    c = b.conv("c", x, 2 if case == "groups" else 3, 6, group=1)
    if case != "float":
        c = b.rounded(c, 0.1)
    if case == "operator":
        c = b.node("Resize", [c, "", b.constant("twice", [1.0, 1.0, 2.0, 2.0])], "larger")
    if case == "curve":
        c = b.node("Sigmoid", [c], "gate")
    if case == "integer":
        c = b.node("QLinearConv", [c], "q")
    if case == "product":
        row = b.rounded(b.node("ReduceMean", [c], "row", axes=[3]), 0.1)
        c = b.node("Mul", [c, row], "product")
    if case == "pool":
        c = b.node("MaxPool", [c], "pool", kernel_shape=[2, 2], dilations=[2, 2])
    if case == "filling":
        c = b.node("Pad", [c, b.constant("wide", [0, 0, 1, 1, 0, 0, 1, 1], np.int64), b.constant("fill", 1.0)], "pad")
    if case == "transpose":
        c = b.node("Transpose", [c], "turned", perm=[0, 1, 3, 2])
    if case == "last":
        c = b.node("Transpose", [c], "turned", perm=[0, 2, 3, 1])
    b.scales.setdefault(c, np.float32(0.1))
    c = b.rounded(b.conv("d", c, 6, 3, 1), 0.1)
    flat = b.node("Flatten", [c], "flat")
    b.keep(flat, c)
    if case == "weights":
        w = b.constant("plain", np.ones((3, 108)))
        return b.model(b.node("Gemm", [flat, w], "y", transB=1))
    return b.model(b.gemm("y", flat, 108, 3))


@pytest.mark.parametrize(("case", "said"), [
    ("extent", "input 'x': extent 1 (n) is not fixed"),
    ("groups", "Conv 'c.node': 1 groups of 2 channels to 6 do not fit a tensor of 3"),
    ("product", "Mul 'product.node': multiplies tensors of [1, 6, 6, 6] and [1, 6, 6, 1]"),
    ("pool", "MaxPool 'pool.node': dilations [2, 2]"),
    ("filling", "Pad 'pad.node': fills with 1; only zeros"),
    ("transpose", "Transpose 'turned.node': perm [0, 1, 3, 2] of [1, 6, 6, 6]"),
    ("last", "Conv 'd.node': reads a map as [1, height, width, channels]"),
    ("float", "Conv 'd.node': reads 'c' in float"),
    ("operator", "Resize 'larger.node': the engine enlarges no map"),
    ("curve", "Conv 'd.node': reads 'gate' in float: no QuantizeLinear between the curve over"),
    ("integer", "QLinearConv 'q.node': integer operators (QOperator form)"),
    ("weights", "Gemm 'y.node': its weights are float"),
])
def test_what_is_missing_is_named_with_its_node(case, said):
    with pytest.raises(ToolError) as error:
        imported(refused(case), ("x=vector",) if case == "extent" else ())
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_command_imports_and_checks(tmp_path):
    net, out = tmp_path / "net.onnx", tmp_path / "net.safetensors"
    net.write_bytes(picture_net(True, True).SerializeToString())
    ended = run_command(onnx_import, net, "--out", out, "--input", "x=image,mean=0.5/0.4/0.3,std=0.25", "--classes",
                        "a,b,c,none", "--none", "none", "--outputs", "y/dq", "--check", "--windows", "5")
    assert ended.returncode == 0, ended.stderr
    assert "100.00% of 20 values equal" in ended.stdout
    network = read_model(out).network
    assert (network.classes, network.none) == (("a", "b", "c", "none"), "none")
    assert network.modalities[0].features.describe()["mean"] == [0.5, 0.4, 0.3]


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["--input", "x=smell"], 64, "expected NAME=KIND"),
    (["--input", "z=image"], 64, "no such input"),
    (["--input", "x=image,mean=1/2"], 64, "2 numbers for mean, expected 1 or 3"),
    (["--threshold", "2"], 64, "--threshold 2: expected 0 to 1"),
    (["--classes", "a,b"], 64, "names 2, the graph's outputs have 4"),
    (["--outputs", "q"], 64, "no such output"),
    (["--input", "x=mel"], 65, "a spectrogram of 3 channels"),
])
def test_wrong_use_ends_in_one_line(tmp_path, arguments, code, said):
    net = tmp_path / "net.onnx"
    net.write_bytes(picture_net(True, True).SerializeToString())
    ended = run_command(onnx_import, net, "--out", tmp_path / "o", "--outputs", "y/dq", *arguments)
    assert (ended.returncode, ended.stderr.count("error: ")) == (code, 1)
    assert said in ended.stderr


def test_what_is_no_onnx_file_is_refused(tmp_path):
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"\x08 not a protobuf")
    assert run_command(onnx_import, junk, "--out", tmp_path / "o").returncode == 65
    assert run_command(onnx_import, tmp_path / "absent.onnx", "--out", tmp_path / "o").returncode == 66


def test_weights_in_a_file_of_their_own_are_read_or_named(tmp_path):
    net = tmp_path / "net.onnx"
    onnx.save(picture_net(True, True), net, save_as_external_data=True, location="net.data", size_threshold=0)
    given = [net, "--out", tmp_path / "o", "--outputs", "y/dq"]
    assert run_command(onnx_import, *given).returncode == 0
    (tmp_path / "net.data").unlink()
    ended = run_command(onnx_import, *given)
    assert ended.returncode == 66
    assert "its weights lie in a file of their own that is not beside it" in ended.stderr


def test_a_spectrogram_says_which_side_is_time(tmp_path):
    b = Builder()
    x = b.rounded(b.input("x", 1, 6, 9), 0.02)
    flat = b.node("Flatten", [x], "flat")
    b.keep(flat, x)
    (tmp_path / "net.onnx").write_bytes(b.model(b.gemm("y", flat, 54, 3)).SerializeToString())
    ended = run_command(onnx_import, tmp_path / "net.onnx", "--out", tmp_path / "o", "--input",
                        "x=mel,frame=64,hop=32,fft=64")
    assert ended.returncode == 0, ended.stderr
    assert "input 'x': 6 frames of 9 bands, [1, 1, frames, bands]" in ended.stderr


NETS = {"avmnist": ("audio=spectrogram",), "kws": ("mfcc=spectrogram",), "vww": (), "tiny": ()}


@pytest.mark.parametrize("form", ["s8s8", "u8s8", "s8s8_io", "u8s8_io"])
@pytest.mark.parametrize("net", NETS)
def test_the_shared_nets_give_the_exact_evaluations_bits(tmp_path, bench, net, form):
    root = Path(os.environ.get("MMEXIT_SHARED", Path(__file__).parents[2] / ".." / "shared")) / "bench/models"
    path = root / f"{net}_int8_{form}.onnx"
    if not path.is_file():
        pytest.skip(f"no {path} (set MMEXIT_SHARED)")
    proto = onnx.load(path)
    model = imported(proto, NETS[net])
    feed = {}
    for i, (name, kind, extents) in enumerate(model.source.inputs):
        plain = np.fromfile(root / f"in/{net}_{i}_{'f32' if kind == 'float32' else 'i8'}.bin",
                            np.float32 if kind == "float32" else np.int8).reshape(extents)
        feed[name] = (plain.astype(np.int16) + 128).astype(np.uint8) if kind == "uint8" else plain
    exact, *runtime = compare(model, *stored(proto, model, tmp_path), [feed], bench, RUNTIME)
    assert exact.largest < 1e-6, exact
    assert all(r.largest <= 1 + 1e-4 for r in runtime), runtime
    ours = simulate(model, feed)[model.heads[0].output]
    wanted = json.loads((root / "ref.json").read_text())[net]
    assert np.argmax(ours) == np.argmax(wanted)


def test_a_window_is_turned_into_the_engines_layout():
    model = imported(two_inputs())
    picture = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)
    assert (engine_input(model, "image", picture)[..., 0] == picture[0, 0]).all()

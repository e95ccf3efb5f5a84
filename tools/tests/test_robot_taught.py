"""robot-command's sounds taught by a network that knew speech before: its windows, the teacher, the pupil."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parent))
from test_streams import folder  # noqa: F401  (a fixture)

from mmexit_tools.base.errors import ToolError
from mmexit_tools.mixing.sounds import STRIPS, covered
from mmexit_tools.sources.robot_data import CLASSES
from mmexit_tools.sources.stream_windows import CUT, WHOLE
from mmexit_tools.streams.windows import EMPTY, UNKNOWN, draw, label_of
from mmexit_tools.training import kept_run, robot_taught, robot_train, speech_trunk
from mmexit_tools.training.kept_run import MixedSchedule
from mmexit_tools.training.robot_taught import HARD, Lesson, Windows, answers, train_pupil, train_teacher
from mmexit_tools.training.speech_trunk import BANDS, FRAMES, WIDTH


def constant(name: str, *shape: int) -> onnx.TensorProto:
    values = np.random.default_rng(sum(map(ord, name))).normal(0, 0.3, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the package's, with every operation of its network in small."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("BatchNormalization", ["b", "s", "o", "m", "v"], ["c"], epsilon=1e-3),
        helper.make_node("LeakyRelu", ["c"], ["d"], alpha=0.2),
        helper.make_node("Max", ["d", "floor"], ["e"]),
        helper.make_node("MaxPool", ["e"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["f", "w2", "b2"], ["g"], kernel_shape=[1, 15]),
        helper.make_node("LeakyRelu", ["g"], ["h"], alpha=0.2),
        helper.make_node("Conv", ["h", "w3"], ["y"], kernel_shape=[1, 1]),
    ]
    positive = numpy_helper.from_array(np.linspace(0.5, 2, 4, dtype=np.float32), "v")
    floor = numpy_helper.from_array(np.full((1, 1, 1, 1), -0.4, np.float32), "floor")
    values = [constant("w1", 4, 1, 3, 3), constant("s", 4), constant("o", 4), constant("m", 4), positive, floor,
              constant("w2", WIDTH, 4, 1, 15), constant("b2", WIDTH), constant("w3", 5, WIDTH, 1, 1)]
    save(tmp_path / "embedding_model.onnx", nodes, ["n", 1, "t", BANDS], ["n", 5, "u", 1], values)
    step, one = np.array([1], np.int64), np.array([1], np.int64)
    mel = [
        helper.make_node("Unsqueeze", ["x", "step"], ["a"]),
        helper.make_node("Conv", ["a", "w"], ["b"], kernel_shape=[160], strides=[165]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 1]),
        helper.make_node("Unsqueeze", ["c", "one"], ["y"]),
    ]
    save(tmp_path / "melspectrogram.onnx", mel, ["n", 16000], ["n", 1, FRAMES, BANDS],
         [constant("w", BANDS, 1, 160), numpy_helper.from_array(step, "step"), numpy_helper.from_array(one, "one")],
         "input")
    monkeypatch.setattr(speech_trunk, "package", lambda: tmp_path)
    speech_trunk._mel_session.cache_clear()
    return tmp_path


def save(path: Path, nodes: list, before: list, after: list, values: list, name: str = "x") -> None:
    for node in nodes:
        node.input[:] = [name if i == "x" else i for i in node.input]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(name, TensorProto.FLOAT, before)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, after)], values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def some_windows(count: int, seed: int = 3) -> Windows:
    """Each class has a level of its own, for teacher and pupil to learn."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CLASSES), count)
    own = labels[:, None, None]
    spoken = rng.normal(0, 1, (count, FRAMES, BANDS)) + 3 * (np.arange(BANDS)[None, None] // 3 == own)
    heard = rng.normal(0, 1, (count, 49, 40)) + 3 * (np.arange(40)[None, None] // 4 == own)
    return Windows(heard.astype(np.float16), spoken.astype(np.float16), labels)


def test_the_trunk_is_the_packages_network(package: Path) -> None:
    model = speech_trunk.SpeechTeacher(len(CLASSES)).eval()
    x = np.random.default_rng(1).normal(0, 1, (2, 1, 20, BANDS)).astype(np.float32)
    with torch.no_grad():
        own = model.trunk(torch.from_numpy(x))
    # Their network has no padding: of what is inside, the maps before the last layer have to be the same.
    graph = onnx.load(package / "embedding_model.onnx")
    graph.graph.output.append(helper.make_tensor_value_info("f", TensorProto.FLOAT, None))
    theirs = onnxruntime.InferenceSession(graph.SerializeToString()).run(["f"], {"x": x})[0]
    with torch.no_grad():
        before = torch.nn.functional.conv2d(torch.from_numpy(x), model.trunk[0].weight, model.trunk[0].bias)
        for layer in list(model.trunk)[1:6]:
            before = layer(before)
    assert np.allclose(before.numpy(), theirs, atol=1e-5)
    assert own.shape[:3] == (2, WIDTH, 10)
    assert len(model.trunk) == 8  # without the layer that makes the embedding


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    speech_trunk.package.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match="requirements-teacher"):
        speech_trunk.package()
    speech_trunk.package.cache_clear()


def test_labels_by_how_much_of_a_word_is_heard() -> None:
    rng = np.random.default_rng(7)
    for _ in range(2000):
        first = float(rng.uniform(0, 3))
        last = first + float(rng.uniform(0.1, 1.4))
        start = float(rng.uniform(-0.5, 3.5))
        heard = np.linspace(first, last, 4001)
        share = np.mean((heard >= start) & (heard <= start + 1)) * (last - first) / min(1.0, last - first)
        found = label_of(start, [(first, last, 4)])
        if abs(share - WHOLE) > 0.01 and abs(share - CUT) > 0.01:
            assert found == (4 if share >= WHOLE else UNKNOWN if share > CUT else EMPTY)
    assert label_of(0, []) == EMPTY
    assert label_of(1.0, [(0.2, 0.9, 1), (1.1, 1.6, 2)]) == 2


def test_windows_are_the_same_again_and_of_every_kind(folder: Path) -> None:  # noqa: F811
    pcm, labels = draw(folder, "test", 90, 5)
    again, same = draw(folder, "test", 90, 5)
    assert pcm.shape == (90, 16000) and (pcm == again).all() and (labels == same).all()
    assert set(labels) <= set(range(len(CLASSES))) | {UNKNOWN}
    assert (labels == EMPTY).any() and (labels < EMPTY).any()
    assert not (draw(folder, "test", 90, 6)[0] == pcm).all()


def test_strips_are_the_windows_mean() -> None:
    rng = np.random.default_rng(2)
    values = torch.randn(40, 1, 49, 40)
    means = values.mean((2, 3), keepdim=True)
    hidden = covered(rng, values, STRIPS, 1, means)
    changed = hidden != values
    assert torch.equal(hidden[changed], means.expand_as(values)[changed])
    assert 0.02 < changed.float().mean() < 0.3


def schedule(steps: int) -> MixedSchedule:
    return MixedSchedule(steps, batch=16, rate=1e-2, seed=2)


def test_a_teacher_learns_and_a_killed_one_goes_on(package: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept_run, "REPORT", 50)
    known, unseen, said = some_windows(400), some_windows(100, 4), []
    whole = train_teacher(known, unseen, schedule(150), said.append, tmp_path / "whole.state")
    sure = (answers(whole, unseen.spoken).argmax(1) == unseen.labels).mean()
    assert sure > 0.5 and len(said) == 3

    class Killed(Exception):
        pass

    def killing(line: str) -> None:
        if "step 150" in line:
            raise Killed

    with pytest.raises(Killed):
        train_teacher(known, unseen, schedule(150), killing, tmp_path / "cut.state")
    again = train_teacher(known, unseen, schedule(150), said.append, tmp_path / "cut.state")
    assert len(said) == 4  # the last third alone was trained again
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(),
                                                  strict=True))


def test_what_another_training_left_is_not_gone_on_from(package: Path, tmp_path: Path, capsys) -> None:
    known, unseen, kept = some_windows(200), some_windows(50, 4), tmp_path / "a.state"
    train_teacher(known, unseen, schedule(6), lambda _: None, kept)
    other = train_teacher(known, unseen, schedule(4), lambda _: None, kept)
    assert "of another training, begun anew" in capsys.readouterr().out
    fresh = train_teacher(known, unseen, schedule(4), lambda _: None, tmp_path / "b.state")
    pairs = zip(other.state_dict().values(), fresh.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    train_teacher(known, unseen, schedule(4), lambda _: None, kept)
    assert "begun anew" not in capsys.readouterr().out
    train_teacher(some_windows(200, 5), unseen, schedule(4), lambda _: None, kept)  # other labels
    assert "begun anew" in capsys.readouterr().out


def test_a_teacher_is_settled_on_windows_it_has_not_learned() -> None:
    """Answers that are twice too soft and too quick to hear a word come back as they were."""
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 3, (6000, len(CLASSES))).astype(np.float32)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    labels = np.array([rng.choice(len(CLASSES), p=o / o.sum()) for o in odds])
    labels[:500] = UNKNOWN
    spoiled = logits.copy()
    spoiled[:, EMPTY] -= 1.5
    softness, empty = robot_taught.settled(spoiled / 2, labels)
    assert softness == pytest.approx(0.5, rel=0.06) and empty == pytest.approx(1.5, abs=0.15)


def test_a_pupil_believes_its_teacher(tmp_path: Path) -> None:
    """Labels say nothing here, the teacher everything."""
    known = some_windows(300)
    told = 8 * np.eye(len(CLASSES), dtype=np.float32)[known.labels]
    silent = Lesson(known.heard, np.full(300, UNKNOWN), told)
    model = robot_train.new_model(3)
    held_out = robot_taught.Chunk({"audio": some_windows(80, 9).heard}, {"audio": some_windows(80, 9).labels})
    train_pupil(model, silent, held_out, schedule(100), lambda _: None, tmp_path / "a.state")
    assert robot_taught.exit_accuracies(model, "audio", held_out)[-1] > 0.5


def test_hard_windows_are_a_tenth_and_nothing() -> None:
    easy = Lesson(some_windows(90).heard, some_windows(90).labels, np.zeros((90, len(CLASSES)), np.float32))
    both = easy.with_hard(some_windows(4, 6).heard)
    assert len(both.labels) == 100 == round(90 / (1 - HARD))
    assert (both.labels[90:] == EMPTY).all() and (both.told[90:].argmax(1) == EMPTY).all()
    assert all((both.heard[90:] == w).all((1, 2)).any() for w in some_windows(4, 6).heard)
    assert easy.with_hard(some_windows(4).heard[:0]) is easy


def test_the_command_trains_teacher_and_pupil(folder: Path, tmp_path: Path, package: Path, monkeypatch,  # noqa: F811
                                              capsys) -> None:
    monkeypatch.setattr(robot_taught, "FILE", 60)
    monkeypatch.setattr(robot_taught, "VALIDATION", 20)
    options = robot_train.Options(chunks=1, chunk_size=20, validation=12, audio_passes=0, audio_windows=120,
                                  audio_tutor=3, audio_steps=3, audio_last=2, mined=0.09)
    work = tmp_path / "work"
    first = robot_train.encoder_stage("audio", work, folder, options)
    said = capsys.readouterr().out
    assert "teacher step 3/3" in said and "audio step 3/3" in said and "audio step 2/2" in said and "of 1197" in said
    assert len(list(work.glob("heard-train-60-1-*.npz"))) == 2
    assert all(torch.equal(v, first[k]) for k, v in robot_train.encoder_stage("audio", work, folder, options).items())
    assert "teacher" not in capsys.readouterr().out

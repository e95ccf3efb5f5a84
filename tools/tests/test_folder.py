import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command
from folder_set import PEOPLE, make_folder

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.exits import FUSION
from mmexit_tools.base.readers import wav_bytes
from mmexit_tools.export import exporter as export
from mmexit_tools.manifests import writing as manifests
from mmexit_tools.model.datasets import collect
from mmexit_tools.quantize.modelfile import read_model
from mmexit_tools.quantize.quantization import predict_integer
from mmexit_tools.signals.windows import Vector, Window
from mmexit_tools.sources.folder_data import read_folder
from mmexit_tools.sources.folder_splits import split_names
from mmexit_tools.tasks import folder
from mmexit_tools.training import trainer as training


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("sets") / "My Set")


@pytest.fixture
def copy(made, tmp_path):
    """A folder to spoil."""
    return shutil.copytree(made, tmp_path / "set")


def built_engine() -> Path | None:
    found = sorted((Path(__file__).parents[2] / ".build").glob("*/mmexitctl"))
    return found[0] if found else None


def test_from_a_folder_to_a_model(made, tmp_path):
    out, model = tmp_path / "run", tmp_path / "m.safetensors"
    trained = run_command(training, "--task", "folder", "--data", made, "--out", out, "--epochs", 2, "--windows", 200)
    assert trained.returncode == 0 and "epoch 2/2" in trained.stdout
    exported = run_command(export, "--task", "folder", "--data", made, "--checkpoint", out / "checkpoint.pt",
                           "--out", model, "--card", tmp_path / "m.md")
    assert exported.returncode == 0, exported.stderr
    read = read_model(model)
    assert read.network.name == "my-set" and read.network.classes == ("left", "none", "right")
    assert [m.name for m in read.network.modalities] == ["audio", "image"]
    assert read.provenance["calibration"]["guarantee"] is None  # 12 windows of one person promise nothing
    assert "no guarantee" in (tmp_path / "m.md").read_text()
    # The model file serves as a checkpoint too: its weights stay, all else is made anew.
    again = run_command(export, "--task", "folder", "--data", made, "--checkpoint", model, "--out", tmp_path / "n",
                        "--card", tmp_path / "n.md")
    assert again.returncode == 0, again.stderr
    assert same_answers(read, read_model(tmp_path / "n"), made) > 0.9
    assert "weights are those of the model file" in (tmp_path / "n.md").read_text()
    listed = run_command(manifests, "--task", "folder", "--data", made, "--split", "test", "--count", 99,
                         "--out", tmp_path / "test")
    assert "12 windows" in listed.stdout
    assert (tmp_path / "test/manifest.csv").read_text().startswith("label,audio,image\n")
    if engine := built_engine():
        manifest = tmp_path / "test/manifest.csv"
        command = [engine, "evaluate", "--model", model, "--manifest", manifest, "--audit", "--json"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(json.loads(run.stdout)["windows"]) == 12


def same_answers(one, other, made) -> float:
    """Share of test windows that fusion of both models answers alike."""
    batch = collect(folder.windows(made, "test", 99, 1), folder.network(made))
    first, second = (predict_integer(m.quantized, batch)[FUSION].argmax(axis=1) for m in (one, other))
    return float((first == second).mean())


def test_people_are_in_one_split_each(made):
    found = read_folder(made)
    by_split = [{found.items[k].group for k in found.splits[s]} for s in ("train", "validation", "test")]
    assert sorted(len(people) for people in by_split) == [1, 1, 3]
    assert set.union(*by_split) == set(PEOPLE)
    assert len({w.label for w in folder.windows(made, "test", 999, 1)}) == 3


def test_windows_come_once_and_training_windows_over_and_over(made):
    assert len(list(folder.windows(made, "validation", 999, 1))) == 12
    assert len(list(folder.training_windows(made, 100, 1))) == 100
    first, again = (next(folder.training_windows(made, 1, 5)) for _ in range(2))
    assert (first.inputs["audio"].pcm == again.inputs["audio"].pcm).all()


def test_some_training_windows_have_something_to_tell_in_one_sensor_only(made):
    """Tones are loud and `none` is not: what is heard in a window shows whose sound it is."""
    windows = list(folder.training_windows(made, 600, 2))
    lone = [w for w in windows if w.seen]
    commands = [w for w in windows if w.label != "none"]
    assert 0.2 < len(lone) / len(commands) < 0.4 and all(w.label != "none" for w in lone)
    heard = [w for w in lone if w.seen["audio"] == w.label]
    assert 0.3 < len(heard) / len(lone) < 0.7
    for w in lone:
        assert sorted(w.seen.values()) == sorted(["none", w.label])
        loud = np.abs(np.fft.rfft(w.inputs["audio"].pcm.astype(float))).max() > 1e6
        assert loud == (w.seen["audio"] == w.label)


def test_a_lone_window_keeps_one_signal_and_its_label():
    own, other = (Window(label, {m: Vector(np.full(2, i, np.float32)) for m in ("a", "b")})
                  for i, label in enumerate(("go", "none")))
    rng = np.random.default_rng(1)
    found = [folder.lone(rng, own, other.inputs) for _ in range(20)]
    assert {w.label for w in found} == {"go"} and {tuple(w.seen.values()) for w in found} == {
        ("go", "none"), ("none", "go")}
    assert all((w.inputs[m] is own.inputs[m]) == (w.seen[m] == "go") for w in found for m in w.inputs)
    assert folder.lone(rng, other, own.inputs) is other
    assert folder.lone(rng, own, {}) is own


def test_without_a_class_for_nothing_windows_stay_whole(made, tmp_path):
    two = shutil.copytree(made, tmp_path / "two", ignore=shutil.ignore_patterns("none"))
    assert not any(w.seen for w in folder.training_windows(two, 100, 2))


def test_without_groups_every_class_is_in_every_split(made, tmp_path):
    few = make_folder(tmp_path / "few", each=3, people=("anna",))
    found = read_folder(few)
    for split in ("train", "validation", "test"):
        assert {found.items[k].label for k in found.splits[split]} == {"left", "right", "none"}


def test_a_class_that_nobody_trains_on_is_named():
    windows = [("a", f"{who}_1", who) for who in PEOPLE]
    rare = windows[split_names(windows, "folder.toml")["test"][0]][2]
    with pytest.raises(ToolError, match="nobody in the training split has b"):
        split_names([*windows, ("b", f"{rare}_2", rare)], "folder.toml")


def test_features_are_chosen_from_the_files(made, tmp_path):
    audio, image = (m.features for m in folder.network(made).modalities)
    assert audio.sample_rate == 8000 and audio.frames == 49
    assert image.shape == (32, 32, 1)
    (tmp_path / "cd").mkdir()
    other = make_folder(tmp_path / "cd" / "set", each=2, rate=44_100)
    assert folder.network(other).modalities[0].features.sample_rate == 16_000
    assert next(folder.windows(other, "train", 1, 1)).inputs["audio"].pcm.shape == (16_000,)
    assert len(folder.network(made, 1).modalities[0].segments) == 1


def refused(data, text: str) -> None:
    with pytest.raises(ToolError, match=text):
        read_folder(data)


def test_an_unreadable_file_is_named(copy):
    (copy / "left/anna_000.wav").write_bytes(b"RIFFno")
    refused(copy, r"anna_000\.wav: not a RIFF/WAVE file")


def test_an_unreadable_picture_is_named(copy):
    (copy / "left/anna_001.png").write_bytes(b"\x89PNG\r\n")
    refused(copy, r"anna_001\.png: not a readable picture")


def test_a_class_with_one_window_is_named(copy):
    (copy / "stop").mkdir()
    shutil.copy(copy / "left/anna_000.wav", copy / "stop/anna_1.wav")
    refused(copy, "stop has 1 of the at least 3 windows")


def test_windows_without_a_picture_are_counted_and_can_be_allowed(copy, capsys):
    for name in ("anna_001.png", "anna_000.pgm"):
        (copy / "left" / name).unlink()
    refused(copy, r"2 of 60 windows have no image \(the first: .*anna_000.wav\).*missing = true")
    (copy / "folder.toml").write_text("missing = true\n")
    read_folder.cache_clear()
    found = read_folder(copy)
    assert sum("image" not in i.signals for i in found.items) == 2
    assert "2 of 60 windows have no image" in capsys.readouterr().err


def test_values_that_are_no_numbers_and_lengths_that_differ(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for n in range(6):
            np.save(tmp_path / label / f"{n}.npy", np.full(5, n, np.float32))
    assert isinstance(next(folder.windows(tmp_path, "train", 1, 1)).inputs["vector"], Vector)
    np.save(tmp_path / "a/1.npy", np.array([1, np.nan, 2, 3, np.inf]))
    read_folder.cache_clear()
    refused(tmp_path, r"1\.npy: 2 of 5 values are not finite")
    np.save(tmp_path / "a/1.npy", np.zeros(7))
    refused(tmp_path, r"11 of length 5, 1 of length 7")


@pytest.mark.parametrize(("text", "message"), [
    ("rate = 'fast'", "rate must be a int"), ("speed = 1", "speed is not a setting"),
    ("group = 'x'", "group must be"), ("seconds = 99", "seconds must be 0.1 to 10"), ("= 1", "not TOML"),
])
def test_bad_settings(copy, text, message):
    (copy / "folder.toml").write_text(text)
    refused(copy, message)


def test_what_is_no_data_at_all(tmp_path, copy):
    refused(tmp_path / "nowhere", "no such folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "no windows")
    shutil.rmtree(copy / "left")
    shutil.rmtree(copy / "none")
    refused(copy, "one class only")


def test_the_same_window_twice(copy):
    (copy / "left/anna_000.ogg").write_bytes(wav_bytes(np.zeros(10, np.int16), 8000))
    refused(copy, "same window's audio already")


def test_the_command_ends_in_one_line(copy):
    (copy / "left/anna_000.wav").write_bytes(b"")
    ended = run_command(training, "--task", "folder", "--data", copy, "--out", copy / "run")
    assert ended.returncode == 65 and ended.stderr.count("\n") == 1 and "anna_000.wav" in ended.stderr

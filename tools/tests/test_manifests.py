import csv
from pathlib import Path

import numpy as np
import pytest
from conftest import Ended, run_command

from mmexit_tools.base.errors import ToolError
from mmexit_tools.manifests import writing as manifests
from mmexit_tools.manifests.windowfiles import read_manifest
from mmexit_tools.manifests.writing import write_manifest
from mmexit_tools.model.datasets import featurize
from mmexit_tools.signals import features
from mmexit_tools.signals.windows import Picture, Vector, Window
from mmexit_tools.tasks import avmnist, load, mosi


def run(data: Path, out: Path, *extra: str) -> Ended:
    arguments = ("--task", "avmnist", "--data", data, "--split", "test", "--count", "12", "--out", out)
    return run_command(manifests, *arguments, *extra)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_from_other_peoples_data(data, tmp_path):
    first = run(data, tmp_path / "one", "--seed", "7")
    assert first.returncode == 0, first.stderr
    assert "all takes are used" in first.stderr
    write_manifest(avmnist.windows(data, "test", 12, 7), avmnist.MODALITIES, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    write_manifest(avmnist.windows(data, "test", 12, 8), avmnist.MODALITIES, tmp_path / "three")
    assert files(tmp_path / "one") != files(tmp_path / "three")
    rows = list(csv.reader((tmp_path / "one/manifest.csv").open()))
    assert rows[0] == ["label", "image", "audio"] and len(rows) == 13
    assert rows[1][1:] == ["image/000001.pgm", "audio/000001.wav"]


def test_files_read_back_are_the_windows(data, tmp_path):
    windows = list(avmnist.windows(data, "test", 5, 1))
    write_manifest(windows, avmnist.MODALITIES, tmp_path / "m")
    network = avmnist.network()
    a = featurize(windows, network)
    b = featurize(list(read_manifest(tmp_path / "m/manifest.csv", network)), network)
    assert all(np.array_equal(a.inputs[m], b.inputs[m]) for m in avmnist.MODALITIES)
    assert (a.labels == b.labels).all()


def test_missing_modalities_and_vectors(tmp_path):
    window = Window("positive", {"text": Vector(np.arange(3, dtype=np.float32))})
    write_manifest([window], ("text", "audio"), tmp_path / "m")
    assert (tmp_path / "m/manifest.csv").read_text() == "label,text,audio\npositive,text/000001.npy,\n"
    colour = Window("x", {"image": Picture(np.zeros((2, 3, 3), np.uint8))})
    write_manifest([colour], ("image",), tmp_path / "c")
    assert (tmp_path / "c/image/000001.ppm").read_bytes().startswith(b"P6\n3 2\n255\n")


@pytest.mark.parametrize(("spoil", "code", "words"), [
    (lambda d: (d / "mnist/train-images-idx3-ubyte").write_bytes(b"no"), 65, "not an idx file"),
    (lambda d: (d / "mnist/train-labels-idx1-ubyte").unlink(), 66, "no such file"),
    (lambda d: (d / "fsdd/recordings/3_anna_0.wav").write_bytes(b""), 65, "3_anna_0.wav: not a readable sound"),
    (lambda d: [f.unlink() for f in (d / "fsdd/recordings").glob("3_*")], 66, "nobody says 3"),
    (lambda d: [f.unlink() for f in (d / "esc10/rain").iterdir()], 66, "no sounds"),
])
def test_bad_data_ends_in_one_line(data, tmp_path, spoil, code, words):
    spoil(data)
    ended = run(data, tmp_path / "out")
    assert ended.returncode == code
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and words in errors[0]
    assert ended.stdout == ""


def test_bad_arguments(data, tmp_path):
    assert run(tmp_path / "absent", tmp_path / "out").returncode == 66
    assert run(data, tmp_path / "out", "--count", "0").returncode == 64
    with pytest.raises(ToolError, match="choose one of"):
        load("walking")


def test_bad_manifests_name_the_row(tmp_path):
    network = avmnist.network()
    path = tmp_path / "m.csv"
    for text, words in (("label,smell\n", "header must be"), ("label,image\n12,a.pgm\n", "line 2: label '12'"),
                        ("label,image\n1,a.pgm,b\n", "line 2: 3 cells"), ("label,image\n1,a.pgm\n", "no such file")):
        path.write_text(text)
        with pytest.raises(ToolError, match=words):
            list(read_manifest(path, network))


def test_mosi_is_split_by_video(tmp_path):
    (tmp_path / "cmu-mosi-utt").mkdir()
    rng = np.random.default_rng(1)
    videos = np.array([f"v{i // 4}" for i in range(200)])
    np.savez(tmp_path / "cmu-mosi-utt/x.npz", text=rng.normal(size=(200, 4)), audio=rng.normal(size=(200, 3)),
             video=np.full((200, 2), np.inf), label=np.arange(200) % 2, video_id=videos)
    kept = {s: mosi.utterances(tmp_path, s).vectors["text"] for s in ("train", "validation", "test")}
    assert sum(len(v) for v in kept.values()) == 200 and all(len(v) > 0 for v in kept.values())
    network = mosi.network(tmp_path)
    batch = featurize(list(mosi.windows(tmp_path, "test", 10, 1)), network)
    assert np.isfinite(batch.inputs["video"]).all()
    assert isinstance(network.modalities[0].features, features.VectorFeatures)


def test_the_benchmark_on_real_data(shared_data):
    windows = list(avmnist.windows(shared_data, "test", 20, 1))
    assert all(w.inputs["audio"].pcm.shape == (8000,) for w in windows)
    assert all(w.inputs["image"].pixels.min() >= 0 and w.inputs["image"].pixels.max() <= 255 for w in windows)
    batch = featurize(windows, avmnist.network())
    assert np.isfinite(batch.inputs["audio"]).all() and 0.5 < batch.inputs["audio"].std() < 2

"""Windows as varied as a daemon's: of held-out voices alone, the same for the same seed, some without a sensor."""

from pathlib import Path

import numpy as np
import pytest
from conftest import run_command

from mmexit_tools.export import exporter
from mmexit_tools.export.kept_network import weights_digest
from mmexit_tools.quantize.modelfile import read_model
from mmexit_tools.sources import speech
from mmexit_tools.tasks import avmnist, load_varied, varied_digits
from mmexit_tools.training import trainer


@pytest.fixture(autouse=True)
def fresh():
    """Banks are kept by folder, and every test has its own."""
    yield
    avmnist.bank.cache_clear()
    varied_digits.other_words.cache_clear()


def test_windows_are_varied_and_repeat(data):
    drawn = list(load_varied("avmnist").windows(data, "validation", 400, 3))
    again = list(varied_digits.windows(data, "validation", 400, 3))
    for a, b in zip(drawn, again, strict=True):
        assert a.groups == b.groups and a.inputs.keys() == b.inputs.keys()
        assert "image" not in a.inputs or np.array_equal(a.inputs["image"].pixels, b.inputs["image"].pixels)
    lacking = sum(len(w.inputs) == 1 for w in drawn)
    assert 20 < lacking < 90 and all(w.inputs for w in drawn)
    shown = [w.inputs["image"].pixels for w in drawn if "image" in w.inputs]
    blank = sum(int(p.min() == p.max()) for p in shown)
    assert 20 < blank < 90
    assert {k for w in drawn for k in w.groups} == {"picture", "word"}
    # Clean ones reach farther up than erased ones do.
    assert max(int(p.max()) for p in shown) > 200


def test_teaching_windows_hear_held_out_words(data):
    drawn = list(varied_digits.teaching_windows(data, 60, 3))
    assert all(w.groups.get("word", "validation").startswith("validation") for w in drawn)
    assert all(w.groups.get("picture", "train").startswith("train") for w in drawn)
    assert all(len(w.inputs) == 2 for w in drawn)


def test_no_voice_is_heard_twice():
    sets = [set(speech.TRAINING_VOICES), set(speech.DEMO_VOICES), *map(set, varied_digits.VOICES.values())]
    assert len(set().union(*sets)) == sum(len(s) for s in sets)


def test_an_export_tells_what_heads_were_taught_on(data, tmp_path):
    out, model, card = tmp_path / "run", tmp_path / "m.safetensors", tmp_path / "m.md"
    begun = run_command(trainer, "--task", "avmnist", "--data", data, "--out", out, "--epochs", 1, "--windows", 64,
                        "--validation", 20)
    assert begun.returncode == 0, begun.stderr
    asked = ("--task", "avmnist", "--data", data, "--checkpoint", out / "checkpoint.pt", "--out", model,
             "--card", card, "--windows", 60, "--varied", 50, "--teaching", 40, "--loss", 40, "--varied-loss", 60,
             "--z", 0)
    refused = run_command(exporter, *asked, "--guarantee", "1:95")
    assert refused.returncode != 0 and "--guarantee off" in refused.stderr
    ended = run_command(exporter, *asked, "--guarantee", "off", "--gate", "gain")
    assert ended.returncode == 0, ended.stderr
    text = card.read_text()
    assert "## Validation, varied: 50 windows" in text and "## Test, varied: 50 windows" in text
    assert "- varied, audio first:" in text and varied_digits.PROVENANCE in text
    assert "--varied 50 --varied-loss 60 --teaching 40" in text

    # From the model file: its network stays, and what it says is found again.
    kept, again = tmp_path / "kept.safetensors", tmp_path / "again.safetensors"
    asked = ("--task", "avmnist", "--data", data, "--checkpoint", model, "--windows", 60, "--varied", 50,
             "--teaching", 40, "--loss", 40, "--varied-loss", 60, "--z", 0, "--guarantee", "off", "--gate", "gain",
             "--said", tmp_path / "said")
    for out in (kept, again):
        ended = run_command(exporter, *asked, "--heads", "image.2", "--out", out)
        assert ended.returncode == 0, ended.stderr
    before, found = read_model(model), read_model(kept)
    assert weights_digest(before.quantized) == weights_digest(found.quantized)
    assert {k for k, e in found.exits.items() if e.gain} <= {("image", 2)}
    assert kept.read_bytes() == again.read_bytes() and len(list((tmp_path / "said").iterdir())) == 5
    wrong = run_command(exporter, *asked, "--heads", "image.3", "--out", again)
    assert wrong.returncode != 0 and "--heads image.3: the exits are image.1, image.2, audio.1" in wrong.stderr


@pytest.mark.parametrize("options, said", [
    (("--teaching", 50), "--teaching: with --varied"),
    (("--heads", "image.2"), "--heads: with --varied WINDOWS and a model file"),
    (("--said", "kept"), "--said: with --varied WINDOWS and a model file"),
])
def test_an_option_that_would_do_nothing_is_refused(options, said, data, tmp_path):
    shipped = Path(__file__).parents[2] / "config/models/digits.safetensors"
    ended = run_command(exporter, "--task", "avmnist", "--data", data, "--checkpoint", shipped,
                        "--out", tmp_path / "a.safetensors", *options)
    assert ended.returncode == 64 and said in ended.stderr and not (tmp_path / "a.safetensors").exists()

"""Training of robot-command: from a model file, on sounds and pictures of streams, with hard negatives."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from conftest import make_batch, run_command
from test_streams import folder, tone  # noqa: F401  (a fixture)

from mmexit_tools.base.errors import ToolError
from mmexit_tools.export import stream_listening
from mmexit_tools.model.cutting import layers_of
from mmexit_tools.model.graphs import lower
from mmexit_tools.model.layers import GlobalAveragePool
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.quantize.modelfile import read_model
from mmexit_tools.sources import stream_windows
from mmexit_tools.sources.robot_data import CLASSES, COMMANDS, NONE, material
from mmexit_tools.sources.robot_sounds import WINDOW
from mmexit_tools.sources.robot_voices import loudness
from mmexit_tools.sources.surroundings import Clip, surroundings
from mmexit_tools.streams import making
from mmexit_tools.tasks import robot_command as task
from mmexit_tools.training import robot_mining, robot_mixed, robot_train
from mmexit_tools.training.restoring import restore, settle_norms
from mmexit_tools.training.robot_encoders import LastExit, Teachers, run_encoder, stored_exit
from mmexit_tools.training.robot_mining import EMPTY, PERIOD, stream_features
from mmexit_tools.training.robot_pools import Chunk, make_chunk, stored_chunk, to_input

SHIPPED = Path(__file__).parents[2] / "config/models/robot-command.safetensors"


@pytest.fixture(scope="module")
def shipped() -> MultiExitNetwork:
    model = MultiExitNetwork(task.network())
    restore(model, read_model(SHIPPED).quantized.graph)
    return model.eval()


def features(count: int) -> np.ndarray:
    return np.random.default_rng(4).normal(0, 1, (count, *task.AUDIO.shape[:2])).astype(np.float16)


def test_a_model_file_comes_back_as_the_network_it_was(shipped: MultiExitNetwork) -> None:
    stored = {n.output: n for n in read_model(SHIPPED).quantized.graph.nodes()}
    for node in lower(shipped).nodes():
        if node.weight is not None:
            assert np.allclose(node.weight, stored[node.output].weight, rtol=1e-5, atol=1e-7)
            assert np.allclose(node.bias, stored[node.output].bias, rtol=1e-5, atol=1e-6)


def test_every_kind_of_layer_comes_back(network, trained) -> None:
    again = MultiExitNetwork(network)
    restore(again, lower(trained))
    inputs, present = make_batch(network, 16).tensors()
    want, got = (m.eval()(inputs, present) for m in (trained, again))
    for (_, _, a), (_, _, b) in zip(want.named(), got.named(), strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_another_network_is_refused(trained) -> None:
    with pytest.raises(ToolError, match="layers are not those"):
        restore(MultiExitNetwork(task.network()), lower(trained))


def finer(described):
    """The task with a first convolution of sounds that takes every place, in place of every second."""
    sound, image = described.modalities
    first, *rest = sound.segments
    conv, *layers = first.layers
    changed = replace(first, layers=(replace(conv, stride=(1, 1)), *layers))
    return replace(described, modalities=(replace(sound, segments=(changed, *rest)), image))


def test_other_strides_are_refused_where_nothing_is_trained() -> None:
    """The same weights would answer otherwise, and nobody would be told."""
    stored = read_model(SHIPPED).quantized.graph
    with pytest.raises(ToolError, match="layers are not those"):
        restore(MultiExitNetwork(finer(task.network())), stored, "audio", exits_anew=True)
    assert restore(MultiExitNetwork(finer(task.network())), stored, "audio", other_steps=True)
    assert not restore(MultiExitNetwork(task.network()), stored, "audio", other_steps=True)


def test_a_training_that_begins_with_other_strides_says_so(folder, tmp_path, monkeypatch, capsys) -> None:  # noqa: F811
    described = task.network()
    monkeypatch.setattr(task, "network", lambda *_, **__: finer(described))
    options = robot_train.Options(chunks=1, chunk_size=48, validation=32, audio_passes=0, image_passes=0,
                                  audio_steps=1, word_variants=1, start=str(SHIPPED))
    robot_train.encoder_stage("audio", tmp_path, folder, options)
    assert "strides or paddings are not those of" in "".join(capsys.readouterr())


def test_an_exit_elsewhere_begins_anew_and_the_others_come_back(network, trained) -> None:
    stored = lower(trained)
    one = network.modalities[0]
    fewer = replace(one, segments=(replace(one.segments[-1], layers=tuple(layers_of(one))),))
    other = replace(network, modalities=(fewer, *network.modalities[1:]))
    model = MultiExitNetwork(other)
    with pytest.raises(ToolError, match="layers are not those"):
        restore(model, stored, one.name)
    restore(model, stored, one.name, exits_anew=True)
    inputs, present = make_batch(network, 16).tensors()
    want, got = (m.eval()(inputs, present).exits[one.name][-1] for m in (trained, model))
    assert torch.allclose(want, got, atol=1e-4)
    back = MultiExitNetwork(network)
    fresh = {k: v.clone() for k, v in back.exits[one.name][0].state_dict().items()}
    restore(back, lower(model), one.name, exits_anew=True)
    assert all(torch.equal(v, fresh[k]) for k, v in back.exits[one.name][0].state_dict().items())
    assert torch.allclose(want, back.eval()(inputs, present).exits[one.name][-1], atol=1e-4)


def test_an_encoder_that_is_not_trained_gets_no_new_exit(folder, tmp_path, monkeypatch) -> None:  # noqa: F811
    """It would be shipped with weights by chance."""
    described = task.network()
    sound, image = described.modalities
    first, second, *rest = image.segments
    other = replace(image, segments=(replace(second, layers=(*first.layers, *second.layers)), *rest))
    monkeypatch.setattr(task, "network", lambda *_, **__: replace(described, modalities=(sound, other)))
    options = robot_train.Options(chunks=1, chunk_size=32, validation=32, audio_passes=0, image_passes=0,
                                  start=str(SHIPPED))
    with pytest.raises(ToolError, match="layers are not those"):
        robot_train.encoder_stage("image", tmp_path, folder, options)


def test_an_exit_that_the_start_lacks_is_trained_alone(folder, tmp_path, monkeypatch) -> None:  # noqa: F811
    """Everything else stays as the model file has it."""
    described = task.network()
    sound, image = described.modalities
    more = replace(image, segments=(replace(image.segments[0], exit=(GlobalAveragePool(),)), *image.segments[1:]))
    options = robot_train.Options(chunks=1, chunk_size=48, validation=16, audio_passes=0, image_passes=0,
                                  image_exits=3, hand_variants=1, scenes=24, start=str(SHIPPED))
    with pytest.raises(ToolError, match="has every exit"):
        robot_train.encoder_stage("image", tmp_path / "all", folder, options)
    monkeypatch.setattr(task, "network", lambda *_, **__: replace(described, modalities=(sound, more)))
    found = robot_train.encoder_stage("image", tmp_path, folder, options)
    fresh = MultiExitNetwork(task.network())
    restore(fresh, read_model(SHIPPED).quantized.graph, "image", exits_anew=True)
    before = {k: v for k, v in fresh.state_dict().items() if k in found}
    moved = {k for k, v in before.items() if not torch.equal(v, found[k])}
    assert moved and all(k.startswith("exits.image.0.") for k in moved)


def test_settled_normalizations_change_nothing_and_fit_the_batch(shipped: MultiExitNetwork) -> None:
    model = MultiExitNetwork(task.network())
    restore(model, read_model(SHIPPED).quantized.graph)
    values = torch.from_numpy(features(64).astype(np.float32))[:, None]
    before = run_encoder(model, "audio", features(64))[0][-1]
    assert not torch.allclose(in_training(model, values), before, atol=0.05)  # as it came: other statistics
    settle_norms(model, "audio", [values])
    after = run_encoder(model, "audio", features(64))[0][-1]
    assert torch.allclose(before, after, atol=1e-3)
    assert torch.allclose(in_training(model, values), before, atol=0.05)


def in_training(model: MultiExitNetwork, x: torch.Tensor) -> torch.Tensor:
    state = {k: v.clone() for k, v in model.state_dict().items()}
    model.train()
    with torch.no_grad():
        for chain in model.segments["audio"]:
            x = chain(x)
        out = model.exits["audio"][-1](x)
    model.load_state_dict(state)
    model.eval()
    return out


def test_windows_of_streams_are_whole_and_of_bounded_level(folder: Path) -> None:  # noqa: F811
    source, around = material(folder, "test"), surroundings(folder, "test")
    rng = np.random.default_rng(1)
    kinds = [CLASSES[i % len(CLASSES)] for i in range(120)]
    sounds = [stream_windows.sound(rng, k, source, around) for k in kinds]
    assert all(s.shape == (WINDOW,) and np.isfinite(s).all() for s in sounds)
    spoken = [loudness(s) for s, k in zip(sounds, kinds, strict=True) if k != NONE]
    assert min(spoken) > 0.1 * 10 ** (-27 / 20) and max(spoken) < 0.1 * 10 ** (16 / 20)
    pictures = [stream_windows.picture(rng, k, source, around) for k in kinds[:22]]
    assert all(p.shape == (90, 120, 3) and p.dtype == np.uint8 for p in pictures)


def test_a_cut_word_is_mostly_outside() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        start = stream_windows.placing(rng, 8000, (0.05, stream_windows.CUT))
        inside = min(WINDOW, start + 8000) - max(0, start)
        assert 0.04 * 8000 <= inside <= stream_windows.CUT * 8000 + 1


def test_a_chunk_has_each_modality_by_itself(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    both = make_chunk(folder, "test", 0, 12)
    sounds = stored_chunk(tmp_path, folder, "test", 0, 12, ("audio",))
    assert (sounds.inputs["audio"] == both.inputs["audio"]).all() and list(sounds.labels) == ["audio"]
    assert [f.name for f in tmp_path.iterdir()] == ["test-audio-12-0000.npz"]
    again = stored_chunk(tmp_path, folder, "test", 0, 12)
    assert (again.inputs["image"] == both.inputs["image"]).all()


def test_hard_windows_are_a_fifth_at_most() -> None:
    easy = Chunk({"audio": features(50)}, {"audio": np.zeros(50, np.int64)})
    hard = Chunk({"audio": features(40)}, {"audio": np.full(40, EMPTY)})
    mixed = robot_train.with_hard(lambda: easy, hard)
    assert len(mixed.labels["audio"]) == 60 and (mixed.labels["audio"] == EMPTY).sum() == 10


def test_a_share_of_a_batch_is_hard() -> None:
    part = robot_train.hard_part(features(7), 3400, 1)
    found = len(part.labels["audio"])
    assert found / (found + 3400) * robot_mixed.STORED == pytest.approx(robot_train.HARD, abs=1e-4)
    assert (part.labels["audio"] == EMPTY).all() and len(np.unique(part.inputs["audio"], axis=0)) == 7


def test_what_hard_negatives_cannot_be_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "none.npz", windows=features(0))
    np.savez(tmp_path / "other.npz", x=features(2))
    (tmp_path / "text.npz").write_text("no archive")
    for name, told in (("missing", "robot_mining --out"), ("none", "more --hours"),
                       ("other", "not what robot_mining"), ("text", "not what robot_mining")):
        with pytest.raises(ToolError, match=told):
            robot_mining.read_hard(tmp_path / f"{name}.npz")
    short = run_command(robot_mining, "--model", SHIPPED, "--data", tmp_path, "--hours", 0.01, "--out", tmp_path)
    assert short.returncode == 64 and "--hours 0.01" in short.stderr
    for more in ({"audio_hard": "h.npz"}, {"audio_spoken": "s.npz"}, {"audio_taught_by": str(SHIPPED)}):
        with pytest.raises(ToolError, match="for --audio-steps"):
            robot_train.run(tmp_path, tmp_path / "w", robot_train.Options(chunks=1, **more), "audio")  # type: ignore
    digits = read_model(SHIPPED.with_name("digits.safetensors")).quantized.graph
    with pytest.raises(ToolError, match="without audio; give one that hears"):
        stored_exit(replace(digits, modalities=digits.modalities[:1]))
    with pytest.raises(ToolError, match="without image; give one that sees"):
        stored_exit(replace(digits, modalities=digits.modalities[1:]), "image")
    with pytest.raises(ToolError, match="for --image-steps"):
        robot_train.Options(image_taught_by=str(SHIPPED))


def test_teachers_are_the_mean_of_what_they_say(shipped: MultiExitNetwork) -> None:
    values = to_input("audio", features(9))
    stored = stored_exit(read_model(SHIPPED).quantized.graph)
    with torch.no_grad():
        own = LastExit(shipped, "audio")(values)
        assert torch.allclose(stored(values), own, atol=1e-3)
        other = LastExit(MultiExitNetwork(task.network(width=1.5)).eval(), "audio")
        assert torch.allclose(Teachers([stored, other])(values), (own + other(values)) / 2, atol=1e-3)
    assert [n for n, _ in stored.state_dict().items()] == ["weights"]


def test_another_network_learns_what_a_model_file_took_for_a_command(
    folder: Path, tmp_path: Path, capsys, monkeypatch  # noqa: F811
) -> None:
    monkeypatch.setattr(robot_mining, "SOME_DOUBT", 1e-6)
    hard = tmp_path / "hard.npz"
    found = run_command(robot_mining, "--model", SHIPPED, "--data", folder, "--hours", 0.09, "--out", hard)
    assert found.returncode == 0 and "of 1197" in found.stdout and len(robot_mining.read_hard(hard)) > 0
    options = robot_train.Options(chunks=1, chunk_size=160, validation=12, audio_passes=0, image_passes=0,
                                  audio_steps=2, start=str(SHIPPED), anew="audio", word_variants=1,
                                  audio_hard=str(hard), audio_taught_by=f"{SHIPPED},{SHIPPED}")
    robot_train.run(folder, tmp_path / "work", options, "audio")
    assert "audio step 2/2" in capsys.readouterr().out
    assert (tmp_path / "work/audio.pt").exists()


def test_a_stream_has_four_windows_a_second() -> None:
    pcm = (tone(440, 3.1) * 32767).astype(np.int16)
    found = stream_features(pcm)
    assert len(found) == (len(pcm) - WINDOW) // PERIOD + 1 == 9
    third = task.AUDIO.compute([pcm[2 * PERIOD : 2 * PERIOD + WINDOW]])[0, ..., 0]
    assert (found[2] == third.astype(np.float16)).all()


def test_training_goes_on_from_a_model(folder: Path, tmp_path: Path, capsys, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setattr(robot_train, "train_fusion", partial(robot_train.train_fusion, epochs=1, pairs=512))
    options = robot_train.Options(chunks=1, chunk_size=160, validation=12, audio_passes=3, image_passes=0, mined=0.09,
                                  start=str(SHIPPED))
    robot_train.run(folder, tmp_path, options, "all")
    said = capsys.readouterr().out
    assert "audio before" in said and "mined" in said and "of 1197" in said and "image pass" not in said
    begun = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["started_from"]
    assert begun["sha256"] == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert any("robot_train" in c for c in begun["commands"])
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    fresh = MultiExitNetwork(task.network())
    restore(fresh, read_model(SHIPPED).quantized.graph)
    same = {k for k, v in fresh.state_dict().items() if torch.equal(v, checkpoint["model"][k])}
    assert "segments.image.1.0.weighted.weight" in same and "segments.audio.0.0.weighted.weight" not in same
    with pytest.raises(ToolError, match="needs --start"):
        robot_train.run(folder, tmp_path / "b", robot_train.Options(image_passes=0), "image")


def test_the_filter_finds_a_command_that_holds() -> None:
    logits = np.zeros((20, len(CLASSES)))
    logits[:, EMPTY] = 6
    logits[8:11, EMPTY], logits[8:11, 3] = 0, 6
    logits[15, EMPTY], logits[15, 4] = 2, 3  # one unsure window
    found = stream_listening.events(stream_listening.filtered(logits, EMPTY), CLASSES, EMPTY, 0.95)
    assert [e.label for e in found] == [COMMANDS[3]]
    assert 3.0 < found[0].start <= 3.5 and found[0].end > found[0].start


def test_listening_reports_a_curve(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    made = run_command(making, "--data", folder, "--split", "test", "--scene", "quiet", "--minutes", 0.5, "--fps", 1,
                       "--out", tmp_path / "s")
    assert made.returncode == 0
    said = run_command(stream_listening, "--model", SHIPPED, "--streams", tmp_path)
    assert said.returncode == 0 and said.stdout.count("limit") == len(stream_listening.LIMITS)
    assert run_command(stream_listening, "--model", SHIPPED, "--streams", tmp_path / "none").returncode != 0


def test_a_word_is_known_by_its_surest_window() -> None:
    class Deaf:
        """Hears this command in the third window, as surely as that."""

        def __init__(self, command: str, certainty: float) -> None:
            self.row = CLASSES.index(command), certainty

        def logits(self, values: np.ndarray) -> np.ndarray:
            likely = np.full((len(values), len(CLASSES)), 1e-9)
            likely[:, EMPTY] = 1
            likely[3] = (1 - self.row[1]) / 10
            likely[3, self.row[0]] = self.row[1]
            return np.log(likely)

    clips = [Clip("", c, tone(400, 0.4)) for c in ("yes", "yes", "go", "no")]
    assert stream_listening.words_known(Deaf("yes", 0.6), clips, None) == 0.5  # type: ignore[arg-type]
    assert stream_listening.words_known(Deaf("yes", 0.4), clips, None) == 0  # type: ignore[arg-type]
    assert stream_listening.words_known(Deaf("go", 0.9), clips, Clip("", "home", np.ones(3, np.float32))) == 0.25  # type: ignore[arg-type]


def test_words_are_counted_echo_by_echo(folder: Path) -> None:  # noqa: F811
    said = run_command(stream_listening, "--model", SHIPPED, "--echoes", folder)
    assert said.returncode == 0 and "10 words; known without an echo" in said.stdout and "home: " in said.stdout
    assert run_command(stream_listening, "--model", SHIPPED).returncode != 0

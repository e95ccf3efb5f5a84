"""Windows mixed for training: their parts, where words lie, the same seed the same windows, training on them."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from test_streams import folder, tone  # noqa: F401  (a fixture)

from mmexit_tools.base.arrays import write_arrays
from mmexit_tools.mixing import sounds
from mmexit_tools.mixing.picture_bank import CANVAS, PictureBank, picture_bank
from mmexit_tools.mixing.pictures import SIDE, PictureMixer
from mmexit_tools.mixing.sound_bank import WORD_FRAMES, SoundBank, mel_power, sound_bank
from mmexit_tools.mixing.sounds import COMMAND, EMPTY, PART, SoundMixer
from mmexit_tools.sources.robot_data import CLASSES
from mmexit_tools.tasks.robot_command import AUDIO, IMAGE
from mmexit_tools.training import kept_run, robot_mixed, robot_train

FRAMES, BANDS = AUDIO.frames, AUDIO.bands


def plain(length: int = 20) -> SoundBank:
    """Words of ones, `length` frames long after a frame of hush; everything else silent."""
    words = np.zeros((len(CLASSES) * 3, WORD_FRAMES, BANDS), np.float16)
    words[:, 1 : 1 + length] = 1
    hush = np.zeros((2 * FRAMES, BANDS), np.float16)
    return SoundBank(words, np.repeat(np.arange(len(CLASSES)), 3), np.full(len(words), length + 1), hush,
                     np.array([2 * FRAMES]), hush, np.array([2 * FRAMES]), np.zeros((3, FRAMES, BANDS), np.float16))


def test_mel_power_is_the_features_before_the_logarithm() -> None:
    pcm = np.random.default_rng(3).integers(-3000, 3000, AUDIO.window).astype(np.int16)
    logs = np.log(mel_power(pcm.astype(np.float32) / 32768) + AUDIO.floor)[:FRAMES]
    assert np.allclose((logs - logs.mean()) / AUDIO.std, AUDIO.compute([pcm])[0, ..., 0], atol=1e-4)


@pytest.mark.parametrize("length", [5, 20, 48, 70])
def test_a_word_is_in_the_window_and_a_cut_one_is_not(length: int) -> None:
    mixer = SoundMixer(plain(length), 1)
    labels = np.arange(200) % 10
    whole = mixer._words(labels, np.full(200, COMMAND))[0][:, :, 0].sum(1)
    assert (whole >= min(length, FRAMES) * 0.95 - 1.5).all()
    cut = mixer._words(np.full(200, EMPTY), np.full(200, PART))[0][:, :, 0]
    assert (cut.sum(1) <= (length + 1) * 0.5 + 1.5).all()
    inside = cut[cut.sum(1) > 0]
    assert ((inside[:, 0] > 0) | (inside[:, -1] > 0)).all()  # it reaches over an edge


def test_shares_and_repetition() -> None:
    first, again = SoundMixer(plain(), 5), SoundMixer(plain(), 5)
    values, labels, asked = first.batch(2000)
    assert torch.equal(asked, values)  # no room is made
    assert values.shape == (2000, 1, FRAMES, BANDS) and torch.isfinite(values).all()
    assert abs(values.mean()) < 1e-4
    assert abs((labels == EMPTY).float().mean() - sounds.WITHOUT) < 0.04
    assert {int(v) for v in labels} == set(range(len(CLASSES)))
    same, other = again.batch(2000), again.batch(2000)
    assert torch.equal(values, same[0]) and not torch.equal(values, other[0])


def test_strips_are_covered() -> None:
    covered = SoundMixer(plain(), 2).covered(torch.ones(64, 1, FRAMES, BANDS))
    assert 0.05 < (covered == 0).float().mean() < 0.6 and ((covered == 0) | (covered == 1)).all()


def test_banks_are_made_once_of_what_the_folder_has(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    bank = sound_bank(tmp_path, folder, "train", 2, 1)
    again = sound_bank(tmp_path, folder, "train", 2, 1)
    assert len(bank.words) == len(bank.labels) == len(bank.lengths) > 0 and (bank.words == again.words).all()
    assert bank.talk_ends[-1] == len(bank.talk) and (np.diff(bank.talk_ends, prepend=0) >= FRAMES).all()
    assert (np.diff(bank.noise_ends, prepend=0) >= FRAMES).all() and bank.made.shape[1:] == (FRAMES, BANDS)
    assert (bank.lengths >= 1).all() and (bank.lengths < WORD_FRAMES).all()
    pictures = picture_bank(tmp_path, folder, "train", 1, 6, 1)
    assert pictures.hands.shape[1:] == (CANVAS, CANVAS, 4) and len(pictures.hands) == len(pictures.hand_labels)
    assert pictures.scenes.shape == (6, IMAGE.height, IMAGE.width, 3)
    assert len(list(tmp_path.glob("*.npz"))) == len(list(tmp_path.iterdir())) == 2


def one_hand() -> PictureBank:
    """A white square as every hand, at the canvas's hand place, over black scenes."""
    hands = np.zeros((10, CANVAS, CANVAS, 4), np.uint8)
    hands[:, 20:100, 40:120] = 255
    photos = np.full((10, 100, 100, 3), 255, np.uint8)
    none = np.zeros((0, 90, 120, 3), np.uint8)
    return PictureBank(hands, np.arange(10), photos, np.arange(10), np.zeros((4, SIDE, SIDE, 3), np.uint8), none,
                       none, np.zeros(0, np.int64))


def test_a_hand_lies_before_its_background() -> None:
    mixer = PictureMixer(one_hand(), 1)
    laid = mixer._laid(torch.zeros(200, 3, SIDE, SIDE), mixer.bank.hands[np.arange(200) % 10])
    seen = (laid.mean(1) > 40).float().mean((1, 2))
    # A square of 45 to 108 % of the height, moved aside by little.
    assert (seen > 0.12).all() and seen.max() > 0.6
    values, labels, _ = mixer.batch(300)
    again, _, _ = PictureMixer(one_hand(), 1).batch(300)
    assert values.shape == (300, 3, SIDE, SIDE) and torch.isfinite(values).all()
    bright = values.mean((1, 2, 3))
    assert bright[labels < EMPTY].mean() > bright[labels == EMPTY].mean() + 0.3
    assert not torch.equal(values, again)  # `_laid` above drew from the first
    assert torch.equal(PictureMixer(one_hand(), 1).batch(300)[0], again)


def test_training_on_mixed_windows(folder: Path, tmp_path: Path, capsys) -> None:  # noqa: F811
    options = robot_train.Options(chunks=1, chunk_size=64, validation=12, audio_passes=0, image_passes=0,
                                  audio_steps=3, image_steps=2, word_variants=1, hand_variants=1, scenes=4)
    for modality in ("audio", "image"):
        robot_train.run(folder, tmp_path, options, modality)
    said = capsys.readouterr().out
    assert "audio step 3/3" in said and "image step 2/2" in said
    weights = torch.load(tmp_path / "audio.pt", weights_only=True)["model"]
    assert all(torch.isfinite(v).all() for v in weights.values())


@pytest.mark.parametrize("modality", ["audio", "image"])
def test_a_killed_training_goes_on_as_if_it_had_not_been(modality: str, folder: Path, tmp_path: Path,  # noqa: F811
                                                         monkeypatch) -> None:
    """With a teacher, killed in the teacher's training and in the encoder's own."""
    monkeypatch.setattr(kept_run, "REPORT", 2)
    steps = {f"{modality}_steps": 5, f"{modality}_teacher": 3}
    options = robot_train.Options(chunks=1, chunk_size=64, validation=12, audio_passes=0, image_passes=0,
                                  word_variants=1, hand_variants=1, scenes=4, **steps)
    robot_train.run(folder, tmp_path / "whole", options, modality)

    def killed(text: str, at: str) -> None:
        if f"step {at}" in text:
            raise KeyboardInterrupt

    # What is said before it is kept is done again; the second time the state is there.
    for at in ("2/3", "3/3", "4/5"):
        monkeypatch.setattr(robot_train, "say", partial(killed, at=at))
        with pytest.raises(KeyboardInterrupt):
            robot_train.run(folder, tmp_path / "killed", options, modality)
    monkeypatch.setattr(robot_train, "say", lambda text: None)
    robot_train.run(folder, tmp_path / "killed", options, modality)
    for name in (f"{modality}-teacher.pt", f"{modality}.pt"):
        whole, killed_one = (torch.load(tmp_path / k / name, weights_only=True)["model"] for k in ("whole", "killed"))
        assert all(torch.equal(v, killed_one[k]) for k, v in whole.items())
    assert not list((tmp_path / "killed").glob("*.state"))
    teacher = torch.load(tmp_path / "whole" / f"{modality}-teacher.pt", weights_only=True)["model"]
    own = torch.load(tmp_path / "whole" / f"{modality}.pt", weights_only=True)["model"]
    first = next(k for k in own if k.startswith("segments.") and k.endswith(".0.weighted.weight"))
    assert teacher[first].shape[0] == 2 * own[first].shape[0]


def test_what_was_learned_from_other_material_is_not_gone_on_from(folder: Path, tmp_path: Path, capsys,  # noqa: F811
                                                                  monkeypatch) -> None:
    """Neither a killed training's state, nor its teacher, nor what files of another content taught."""
    monkeypatch.setattr(kept_run, "REPORT", 2)
    hard = tmp_path / "hard.npz"
    write_arrays(hard, windows=np.zeros((4, FRAMES, BANDS), np.float16))
    options = robot_train.Options(chunks=1, chunk_size=64, validation=12, audio_passes=0, image_passes=0,
                                  audio_steps=5, audio_teacher=2, audio_hard=str(hard), word_variants=1)

    def killed(text: str) -> None:
        if "step 4/5" in text:
            raise KeyboardInterrupt

    def run(**changes: int) -> str:
        robot_train.run(folder, tmp_path / "work", dataclasses.replace(options, **changes), "audio")
        return capsys.readouterr().out

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(robot_train, "say", killed)
        run()
    assert list((tmp_path / "work").glob("*.state"))
    said = run(word_variants=2)
    assert "of another training, begun anew" in said and "a teacher of 2" in said
    assert run(word_variants=2) == ""
    write_arrays(hard, windows=np.ones((4, FRAMES, BANDS), np.float16))
    said = run(word_variants=2)
    assert "trained with other options" in said and "a teacher of 2" in said and "step 5/5" in said


def test_a_teacher_is_listened_to() -> None:
    """At its own answers the distance is least; an encoder that knows nothing is far away."""
    told = torch.softmax(torch.tensor([[3.0, 0, -1], [0, 1, 0]]) / robot_mixed.SOFTNESS, 1)
    same = robot_mixed.distance(torch.tensor([[3.0, 0, -1], [0, 1, 0]]), told)
    assert float(same) == pytest.approx(0, abs=1e-6) and float(robot_mixed.distance(torch.zeros(2, 3), told)) > 0.1


def test_where_a_teacher_teaches_nothing_the_label_has_the_whole_loss() -> None:
    logits, told = torch.tensor([[3.0, 0, -1], [0, 1, 0]]), torch.tensor([[0.0, 0, 1], [1, 0, 0]])
    target, share = torch.tensor([0, 2]), torch.tensor([0.0, 1.0])
    own = torch.nn.functional.cross_entropy(logits[:1], target[:1], label_smoothing=robot_mixed.SMOOTHING)
    found = robot_mixed._both(logits, target, told, share)
    assert float(found) == pytest.approx((float(own) + float(robot_mixed.distances(logits, told)[1])) / 2, rel=1e-5)


def test_bursts_are_short_and_as_loud_as_words() -> None:
    bank = plain()
    noise = np.random.default_rng(1).random(bank.noise.shape).astype(np.float16) + np.float16(0.01)
    mixer = SoundMixer(dataclasses.replace(bank, noise=noise, talk=noise), 3)
    bursts = mixer._bursts(200)
    sounding = (bursts.sum(2) > 0).sum(1)
    assert torch.isfinite(bursts).all() and bursts.shape == (200, FRAMES, BANDS)
    assert (sounding <= 3 * (sounds.SCRAP[1] - 1)).all() and (sounding > 0).all()
    loudest = bursts.sum(2).amax(1)
    assert torch.allclose(loudest, torch.full_like(loudest, mixer.loudest), rtol=1e-3)

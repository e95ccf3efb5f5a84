"""Rooms made for sounds: the echo against a sum written out, energies, shares, and what a teacher is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from test_mixing import plain

from mmexit_tools.base.errors import ToolError
from mmexit_tools.mixing import rooms
from mmexit_tools.mixing.rooms import coloured, colours, echoed
from mmexit_tools.mixing.sounds import SoundMixer
from mmexit_tools.tasks.robot_command import AUDIO
from mmexit_tools.training import robot_mixed, robot_train
from mmexit_tools.training.kept_run import MixedSchedule, material_digest
from mmexit_tools.training.robot_pools import Chunk

FRAMES, BANDS = AUDIO.frames, AUDIO.bands


def steady(monkeypatch: pytest.MonkeyPatch, seconds: float, ratio: float) -> None:
    """Every echo this long, and this many decibels above the sound, without chance."""
    monkeypatch.setattr(rooms, "DECAY", (seconds, seconds))
    monkeypatch.setattr(rooms, "DULLER", (0.0, 0.0))
    monkeypatch.setattr(rooms, "REVERBERANT", (ratio, ratio))
    monkeypatch.setattr(rooms, "FLUCTUATION", 1e9)


def test_the_echo_is_the_sum_of_what_went_before(monkeypatch: pytest.MonkeyPatch) -> None:
    steady(monkeypatch, 0.5, -3.0)
    rng = np.random.default_rng(1)
    power = torch.from_numpy(rng.random((3, 30, BANDS)).astype(np.float32))
    heard = echoed(rng, power, 1.0).numpy()
    fall = 10 ** (-6 * 0.02 / 0.5)
    gain = 10 ** (-3.0 / 10) * (1 - fall) / fall
    for frame in (0, 1, 7, 29):
        tail = sum(gain * fall**lag * power[:, frame - lag].numpy() for lag in range(1, frame + 1))
        assert np.allclose(heard[:, frame], power[:, frame].numpy() + tail, rtol=1e-3)


def test_an_echo_has_its_energy_and_falls_by_sixty_decibels(monkeypatch: pytest.MonkeyPatch) -> None:
    steady(monkeypatch, 0.4, 2.0)
    click = torch.zeros(1, 200, BANDS)
    click[:, 0] = 1
    heard = echoed(np.random.default_rng(2), click, 1.0)[0, :, 0].numpy()
    assert heard[0] == 1 and np.isclose(heard[1:].sum(), 10**0.2, rtol=1e-3)
    assert np.isclose(heard[21] / heard[1], 1e-6, rtol=1e-2)  # 20 hops of 20 ms


def test_shares_of_none_and_of_some() -> None:
    rng = np.random.default_rng(3)
    power = torch.from_numpy(rng.random((400, 12, BANDS)).astype(np.float32)) + 0.1
    for change in (echoed, coloured):
        assert torch.equal(change(rng, power, 0.0), power)
        changed = (change(rng, power, 0.3) != power).flatten(1).any(1).float().mean()
        assert 0.2 < changed < 0.4
    kept = coloured(rng, power, 1.0).sum((1, 2))
    assert torch.allclose(kept, power.sum((1, 2)), rtol=1e-3)
    assert (echoed(rng, power, 1.0) >= power).all()


def test_colours_lie_between_their_ends() -> None:
    drawn = colours(np.random.default_rng(4), 5000)
    assert drawn.shape == (5000, 1, BANDS)
    for place, (low, high) in ((0, rooms.LOW), (-1, rooms.HIGH)):
        ends = drawn[:, 0, place].numpy()
        assert abs(ends.mean() - (low + high) / 2) < 0.5
        assert ends.min() > low - 5 * rooms.UNEVEN and ends.max() < high + 5 * rooms.UNEVEN


def test_a_teacher_is_asked_without_the_rooms() -> None:
    values, labels, asked = SoundMixer(plain(), 5, 0.6).batch(600)
    assert asked.shape == values.shape == (600, 1, FRAMES, BANDS)
    assert torch.isfinite(values).all() and torch.isfinite(asked).all() and len(labels) == 600
    other = (values != asked).flatten(1).any(1).float().mean()
    assert 0.3 < other < 0.95
    again = SoundMixer(plain(), 5, 0.6).batch(600)
    assert torch.equal(values, again[0]) and torch.equal(asked, again[2])


class Told(torch.nn.Module):
    """A teacher that keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[torch.Tensor] = []

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        self.asked.append(values)
        return torch.zeros(len(values), 11)


def test_the_same_strips_are_covered_for_the_teacher() -> None:
    """What it is asked differs from what is learned by rooms alone: drawn again without a teacher, the covered
    places are the same."""
    mixer, told = SoundMixer(plain(), 5, 1.0), Told()
    model = robot_train.new_model(1)
    stored = Chunk({"audio": np.ones((4, FRAMES, BANDS), np.float16)}, {"audio": np.zeros(4, np.int64)})
    robot_mixed.train_mixed(model, "audio", mixer, [stored], stored, MixedSchedule(1, batch=64), lambda _: None, told)
    again = SoundMixer(plain(), 5, 1.0)
    heard, _, asked = again.batch(48)
    ones = torch.ones(64, 2, FRAMES, BANDS)
    strips = again.covered(ones)[:, 1:]
    assert not torch.equal(heard, asked)
    assert torch.allclose(told.asked[0], torch.cat([asked, torch.ones(16, 1, FRAMES, BANDS)]) * strips, atol=1e-3)


def test_a_share_outside_of_a_share_is_told_before_anything_is_done() -> None:
    with pytest.raises(ToolError, match=r"--audio-echoed 1\.5"):
        robot_train.Options(audio_echoed=1.5)


def test_another_share_is_another_training() -> None:
    def known(share: float) -> str:
        return material_digest(robot_mixed.material("audio", SoundMixer(plain(), 1, share), []))

    assert known(0.6) == known(0.6) != known(0.0)

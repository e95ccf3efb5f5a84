"""Hands that sign nothing, among the pictures that are mixed for training."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from test_mixing import one_hand
from test_streams import folder  # noqa: F401  (a fixture)

from mmexit_tools.base.errors import ToolError
from mmexit_tools.mixing import strange_hands
from mmexit_tools.mixing.picture_bank import CANVAS, MIDDLE
from mmexit_tools.mixing.pictures import EMPTY, PictureMixer
from mmexit_tools.mixing.strange_hands import strange_hand
from mmexit_tools.quantize.modelfile import read_model
from mmexit_tools.sources.robot_data import CLASSES, NONE
from mmexit_tools.training import robot_mixed, robot_train
from mmexit_tools.training.kept_run import material_digest
from mmexit_tools.training.robot_encoders import stored_exit
from mmexit_tools.training.robot_pools import to_input

SHIPPED = Path(__file__).parents[2] / "config/models/robot-command.safetensors"


def signs() -> np.ndarray:
    """Ten hands of a palm with one to ten fingers in rising greys, as on a bank's canvas."""
    hands = np.zeros((10, CANVAS, CANVAS, 4), np.uint8)
    for n, hand in enumerate(hands):
        hand[60:160, 60:100] = (n + 1) * 20
        for finger in range(n + 1):
            hand[20:60, 60 + 4 * finger : 62 + 4 * finger] = (n + 1) * 20
        hand[..., 3] = np.where(hand[..., 0] > 0, 255, 0)
    return hands


def test_no_strange_hand_is_one_of_the_signs() -> None:
    rng, hands = np.random.default_rng(1), signs()
    kept = hands.copy()
    made = [strange_hand(rng, hands) for _ in range(300)]
    assert np.array_equal(hands, kept)
    known = [h.tobytes() for h in hands] + [h[:, ::-1].tobytes() for h in hands]
    for hand in made:
        assert hand.shape == (CANVAS, CANVAS, 4) and hand.dtype == np.uint8
        assert hand.tobytes() not in known
        assert (hand[..., 3] > 128).sum() > 500, "there is a hand"
    assert len({h.tobytes() for h in made}) > 200
    again = np.random.default_rng(1)
    assert all(np.array_equal(strange_hand(again, hands), h) for h in made[:20])


def test_its_own_fingers_or_its_arm_are_missing_or_another_hand_is_there() -> None:
    """Every one differs from each sign, upright, in much of the rows where fingers are, or below the palm."""
    rng, hands = np.random.default_rng(2), signs()
    fingers = slice(MIDDLE - 40, MIDDLE)
    for _ in range(300):
        made = strange_hand(rng, hands)[..., 3] > 128
        for hand in hands[..., 3] > 128:
            missing = (hand[fingers] & ~made[fingers]).sum() / hand[fingers].sum()
            more = (made & ~hand).sum() / hand.sum()
            assert missing > 0.2 or more > 0.05


def test_what_leaves_the_canvas_is_gone() -> None:
    """An arm does not come in again at the other side."""
    rng = np.random.default_rng(3)
    layer = rng.integers(1, 255, (CANVAS, CANVAS, 4)).astype(np.uint8)
    for down, right in ((0, 0), (-40, 0), (7, -12), (-20, 39)):
        moved = strange_hands._moved(layer, down, right)
        y, x = np.mgrid[:CANVAS, :CANVAS]
        inside = (y - down >= 0) & (y - down < CANVAS) & (x - right >= 0) & (x - right < CANVAS)
        assert not moved[~inside].any()
        assert np.array_equal(moved[inside], np.roll(layer, (down, right), (0, 1))[inside])


def test_pictures_without_a_sign_hold_one() -> None:
    """Over black scenes: without one they are darker than any with one."""
    dark = -1.0
    for share, low, high in ((0.0, 0.0, 0.0), (0.5, 0.3, 0.65), (1.0, 0.9, 1.0)):
        mixer = PictureMixer(replace(one_hand(), hands=np.full((10, CANVAS, CANVAS, 4), 255, np.uint8)), 1, share)
        values, labels, _ = mixer.batch(400)
        bright = values[labels == EMPTY].mean((1, 2, 3))
        dark = float(bright.max()) if share == 0 else dark
        assert low <= (bright > dark).float().mean() <= high
        assert 0.3 < (labels == EMPTY).float().mean() < 0.5


def test_a_share_is_told_and_known() -> None:
    with pytest.raises(ToolError, match=r"--image-strange -0\.5"):
        robot_train.Options(image_strange=-0.5)

    def known(share: float) -> str:
        return material_digest(robot_mixed.material("image", PictureMixer(one_hand(), 1, share), []))

    assert known(0.3) == known(0.3) != known(0.0)


def test_pictures_are_taught_by_model_files_too(folder: Path, tmp_path: Path, capsys, monkeypatch) -> None:  # noqa: F811
    asked: list[tuple[object, int | None]] = []

    def seen(*args, teacher=None, untaught=None, **rest) -> None:
        asked.append((args[7] if len(args) > 7 else teacher, untaught))

    monkeypatch.setattr(robot_train, "train_mixed", seen)
    for files, untaught in ((f"{SHIPPED},{SHIPPED}", CLASSES.index(NONE)), ("", None)):
        options = robot_train.Options(chunks=1, chunk_size=160, validation=12, audio_passes=0, image_passes=0,
                                      image_steps=2, start=str(SHIPPED), hand_variants=1, scenes=8,
                                      image_taught_by=files)
        robot_train.run(folder, tmp_path / "work", options, "image")
        taught, silent = asked.pop()
        assert silent == untaught and bool(taught) == bool(files)
        if taught:
            values = to_input("image", np.zeros((2, 96, 96, 3), np.uint8))
            own = stored_exit(read_model(SHIPPED).quantized.graph, "image")(values)
            assert torch.allclose(taught(values), own, atol=1e-4)  # type: ignore[operator]

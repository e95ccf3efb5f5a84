"""The robot-command task: its parts on made-up input, its windows on the real data where that is at hand."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmexit_tools.base.errors import ToolError
from mmexit_tools.model.graphs import exit_costs, lower
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.sources.robot_data import CLASSES, COMMANDS, NONE, SHARES, material, split_of
from mmexit_tools.sources.robot_hands import cut_out, fit_background
from mmexit_tools.sources.robot_pictures import empty_picture, hand_picture
from mmexit_tools.sources.robot_sounds import WINDOW, noise, spoken, to_pcm, unspoken
from mmexit_tools.tasks import robot_command as task

DATA = Path(os.environ.get("MMEXIT_SHARED", Path(__file__).parents[3] / "shared")) / "data"
needs_data = pytest.mark.skipif(
    not (DATA / "gsc-commands/index.csv").exists() or not (DATA / "sign-digits/index.csv").exists(),
    reason=f"{DATA} has no gsc-commands and sign-digits",
)


def painted_hand() -> np.ndarray:
    """A skin-coloured palm with two fingers and a wrist before a wall that darkens to one side."""
    wall = np.linspace(225, 170, 100)[None, :, None] * np.array([0.98, 0.99, 1.0])
    photo = np.broadcast_to(wall, (100, 100, 3)).copy()
    for top, bottom, left, right in ((45, 75, 35, 65), (15, 50, 36, 44), (20, 50, 54, 62), (70, 100, 42, 58)):
        photo[top:bottom, left:right] = (205, 150, 120)
    return photo.astype(np.uint8)


def small_folder(root: Path, speakers: int = 2) -> Path:
    """A data folder with a word and a sign of two commands and one noise."""
    rng = np.random.default_rng(1)
    rows = []
    for label in ("go", "stop", "_unknown_"):
        for who in range(speakers):
            path = f"{label}/{who}.flac"
            (root / "gsc-commands" / label).mkdir(parents=True, exist_ok=True)
            soundfile.write(root / "gsc-commands" / path, rng.normal(0, 0.1, 15000).astype(np.float32), 16000)
            rows.append(f"{path},{label},{label},person{who}")
    (root / "gsc-commands/index.csv").write_text("path,label,spoken_word,speaker\n" + "\n".join(rows) + "\n")
    (root / "sign-digits/images").mkdir(parents=True)
    for digit in (4, 5):
        Image.fromarray(painted_hand()).save(root / f"sign-digits/images/{digit}.jpg", quality=95)
    (root / "sign-digits/index.csv").write_text("path,digit,signer\nimages/4.jpg,4,a\nimages/5.jpg,5,a\n")
    return root


def test_settle_follows_the_stated_rule():
    assert task.settle(NONE, NONE) == NONE
    assert task.settle("go", NONE) == "go"
    assert task.settle(NONE, "left") == "left"
    assert task.settle("go", "left") == "go"
    assert task.settle("go", "stop") == "stop"
    assert task.settle("stop", "go") == "stop"


def test_mixes_are_shares():
    for shares in task.MIXES.values():
        assert sum(shares.values()) == pytest.approx(1)
    assert task.MIXES["deployment"]["nothing"] == 0.98


def test_splits_cover_everybody_in_the_stated_shares():
    found = Counter(split_of("speaker", f"p{i}") for i in range(4000))
    for name, share in SHARES.items():
        assert found[name] / 4000 == pytest.approx(share, abs=0.03)
    assert split_of("speaker", "0c540988") == split_of("speaker", "0c540988")


def test_a_painted_hand_is_cut_out_of_its_wall():
    photo = painted_hand()
    hand = cut_out(photo)
    assert hand is not None and hand.wrist is not None
    truth = np.any(photo != np.broadcast_to(photo[:1], photo.shape), axis=2)
    assert hand.alpha.sum() == pytest.approx(truth.sum(), rel=0.12)
    wall = fit_background(photo)
    assert np.abs(wall[:10] - photo[:10]).mean() < 4


def test_a_wall_without_a_hand_gives_no_cut():
    wall = np.full((100, 100, 3), 200, np.uint8)
    assert cut_out(wall) is None


def test_pictures_are_the_same_for_the_same_seed_and_differ_by_seed():
    photo = painted_hand()
    hand = cut_out(photo)
    assert hand is not None
    plain = [fit_background(photo)]

    def draw(seed: int) -> np.ndarray:
        return hand_picture(np.random.default_rng(seed), photo, hand, [hand], plain)

    assert np.array_equal(draw(3), draw(3))
    assert any(draw(3).shape != draw(s).shape or not np.array_equal(draw(3), draw(s)) for s in (4, 5))
    for seed in range(30):
        for picture in (draw(seed), empty_picture(np.random.default_rng(seed), [hand], plain)):
            assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def test_scenes_need_no_photos():
    assert empty_picture(np.random.default_rng(1), [], []).shape == (90, 120, 3)


def test_sounds_are_whole_windows_without_bad_values():
    word = np.sin(np.arange(9000) * 0.2).astype(np.float32) * 0.3
    clips = [np.random.default_rng(0).normal(0, 0.1, 30000).astype(np.float32), np.zeros(20000, np.float32)]
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for sound in (spoken(rng, word, clips), unspoken(rng, [word], clips, [])):
            assert sound.shape == (WINDOW,) and np.isfinite(sound).all()
            assert to_pcm(sound).dtype == np.int16 and np.abs(to_pcm(sound)).max() > 0
        assert np.sqrt(np.mean(noise(rng, clips) ** 2)) == pytest.approx(1, rel=1e-3)


def test_network_is_small_and_first_exits_are_cheaper():
    model = MultiExitNetwork(task.network())
    costs = exit_costs(lower(model.eval()))
    total = sum(c.macs for c in costs.values())
    assert total < 28_000_000 and sum(c.parameters for c in costs.values()) < 320_000
    # The ear is open all day; the eye only where it pays.
    assert costs[("audio", 1)].macs + costs[("audio", 2)].macs < 2_500_000
    assert costs[("image", 1)].macs < total / 18
    assert costs[("image", 1)].macs + costs[("image", 2)].macs < 2 * total / 3
    assert len(CLASSES) == 11 and CLASSES[-1] == NONE


def test_a_small_folder_serves_every_split(tmp_path: Path):
    root = small_folder(tmp_path / "data")
    for split in ("train", "validation", "test", "all"):
        found = list(task.windows(root, split, 20, seed=2))
        assert len(found) == 20
        assert {w.label for w in found} <= {"go", "stop", NONE}
        assert Counter(w.label for w in found)[NONE] == 9
    first, second = (list(task.windows(root, "test", 20, seed=5)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.label == b.label
        assert np.array_equal(a.inputs["audio"].pcm, b.inputs["audio"].pcm)
        assert np.array_equal(a.inputs["image"].pixels, b.inputs["image"].pixels)


def test_a_folder_without_signs_gives_no_hands(tmp_path: Path):
    root = small_folder(tmp_path / "data")
    (root / "sign-digits/index.csv").unlink()
    found = list(task.windows(root, "all", 60, seed=2))
    assert {w.seen["image"] for w in found} == {NONE}
    assert {w.label for w in found} == {"go", "stop", NONE}


def test_bad_folders_end_in_one_line(tmp_path: Path):
    with pytest.raises(ToolError, match="gsc-commands"):
        list(task.windows(tmp_path, "test", 1, 1))
    root = small_folder(tmp_path / "data")
    (root / "gsc-commands/go/0.flac").write_bytes(b"not a sound")
    with pytest.raises(ToolError, match=r"0\.flac"):
        list(task.windows(root, "all", 1, 1))
    with pytest.raises(ToolError, match="--mix"):
        list(task.windows(root, "all", 1, 1, mix="party"))


@needs_data
def test_windows_of_the_real_data_keep_the_shares():
    found = list(task.windows(DATA, "validation", 60, seed=3))
    assert Counter(w.label for w in found)[NONE] == 27
    assert {w.label for w in found} <= set(CLASSES)
    assert all(w.label == task.settle(w.seen["audio"], w.seen["image"]) for w in found)
    held_out = material(DATA, "validation")
    assert held_out.people["speakers"] >= 10 and held_out.people["signers"] >= 10
    cut = [p.hand is not None for c in COMMANDS for p in held_out.photos[c]]
    assert np.mean(cut) > 0.95

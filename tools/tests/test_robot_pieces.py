"""Pieces of what a stored model says, settings read back from its file, what the card tells of sleeping sensors."""

import sys
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import run_command

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import replay
from mmexit_tools.calibrate.exit_pool import Pool
from mmexit_tools.calibrate.robot_thresholds import PRICES, choose_walk
from mmexit_tools.export import robot_pieces, robot_recalibration
from mmexit_tools.export.robot_deployment import asleep_section, kinds
from mmexit_tools.export.robot_recalibration import kept
from mmexit_tools.quantize.modelfile import read_model
from mmexit_tools.sources.robot_data import CLASSES, NONE

SHIPPED = Path(__file__).parents[2] / "config/models/robot-command.safetensors"
EMPTY = CLASSES.index(NONE)


@pytest.fixture(scope="module")
def stored():
    return read_model(SHIPPED)


def made_up(stored, count: int, seed: int) -> list[Pool]:
    rng = np.random.default_rng(seed)
    seen = {m: rng.choice([0, 1, EMPTY], count) for m in ("audio", "image")}
    labels = np.where(seen["audio"] == EMPTY, seen["image"], seen["audio"])
    logits = {k: rng.normal(size=(count, len(CLASSES))).astype(np.float32) for k in stored.exits}
    for key, values in logits.items():
        values[np.arange(count), labels if key == FUSION else seen[key[0]]] += 6
    pool = Pool(logits, labels, dict.fromkeys(seen, np.ones(count, bool)), seen,
                {"speaker": rng.integers(9, size=count).astype(str)}, dict.fromkeys(logits, 10))
    alone = {(m, 0): logits[(m, 2)] for m in seen}
    return [pool, pool, Pool(alone, labels, pool.present, seen, pool.groups, dict.fromkeys(alone, 0))]


def test_a_run_that_was_cut_off_goes_on(stored, tmp_path, monkeypatch):
    sizes, asked = [], []

    def windows(data, split, count, seed, mix):
        asked.append((split, count, seed, mix))
        return count

    def make(stored, plain, count):
        if len(sizes) == 2 and sizes[-1] != "killed":
            sizes.append("killed")
            raise KeyboardInterrupt
        sizes.append(count)
        return made_up(stored, count, len(sizes))

    monkeypatch.setattr(robot_pieces, "make", make)
    monkeypatch.setattr(robot_pieces.drawn_people, "windows", windows)
    with pytest.raises(KeyboardInterrupt):
        robot_pieces.said(stored, None, Path(), "test", 2500, 7, tmp_path)
    found = robot_pieces.said(stored, None, Path(), "test", 2500, 7, tmp_path)
    assert sizes == [1000, 1000, "killed", 500]
    assert len(found.pool) == len(found.plain[FUSION]) == len(found.alone["audio"]) == 2500
    again = robot_pieces.said(stored, None, Path(), "test", 2500, 7, tmp_path)
    assert len(sizes) == 4 and (again.pool.logits[FUSION] == found.pool.logits[FUSION]).all()
    assert asked[:2] == [("test", 1000, 7000, "standard"), ("test", 1000, 7001, "standard")]
    robot_pieces.said(stored, None, Path(), "test", 1000, 8, tmp_path)
    assert len(sizes) == 5  # another seed is another piece


def test_the_files_own_settings_are_read_back(stored):
    pools = made_up(stored, 50, 1)
    calibrated, nothing = kept(stored, robot_pieces.Said(pools[0], pools[1].logits, {}))
    assert sorted(calibrated.order) == ["audio", "image"]
    for key, exit in stored.exits.items():
        if key != FUSION:
            assert calibrated.thresholds[key] == exit.class_thresholds.get("go")
            assert nothing.thresholds[key] == exit.class_thresholds.get(NONE)
    assert calibrated.temperatures[FUSION] == stored.exits[FUSION].temperature
    assert nothing.beside == {}
    key = ("image", 1)
    standing = replace(stored, exits=stored.exits | {key: replace(stored.exits[key], threshold_beside_none=0.01)})
    assert kept(standing, robot_pieces.Said(pools[0], pools[1].logits, {}))[1].beside == {key: 0.01}


def test_thresholds_that_are_kept_are_told_as_they_were_chosen(stored, tmp_path, monkeypatch):
    def said(stored, plain, data, split, count, seed, work, mix="standard"):
        whole, plain, alone = made_up(stored, count, seed)
        return robot_pieces.Said(whole, plain.logits, {k[0]: v for k, v in alone.logits.items()})

    monkeypatch.setattr(robot_recalibration, "said", said)
    monkeypatch.setattr(robot_recalibration, "sections", lambda *_: "")
    monkeypatch.setattr(robot_recalibration, "choose_walk", partial(choose_walk, prices=PRICES[::9]))

    def card(model: Path, keep: bool, loss: float) -> str:
        args = Namespace(data=Path(), model=model, work=tmp_path, out=tmp_path / "m.safetensors",
                         card=tmp_path / "m.md", windows=200, seed=3, loss=loss, z=0.0, keep=keep, note="",
                         beside_none=True, missed=0.03)
        robot_recalibration.run(args)
        return args.card.read_text()

    assert "at most 0.75 points below full fusion" in card(SHIPPED, False, 0.75)
    assert "--missed 0.03" in read_model(tmp_path / "m.safetensors").provenance["commands"][-1]
    assert "at most 0.75 points below full fusion" in card(tmp_path / "m.safetensors", True, 0.5)


@pytest.mark.parametrize("asked", [("-0.1",), ("1.0",), ("0.01", "--keep")])
def test_a_share_that_is_none_or_is_not_heard_is_refused(tmp_path, asked):
    ended = run_command(robot_recalibration, "--data", tmp_path, "--model", SHIPPED, "--work", tmp_path, "--out",
                        tmp_path, "--card", tmp_path, "--missed", *asked)
    assert ended.returncode != 0 and "--missed" in ended.stderr and not list(tmp_path.iterdir())


def test_the_card_tells_what_a_sleeping_camera_costs(stored):
    pool = made_up(stored, 400, 2)[0]
    recording = pool.recording(dict.fromkeys(stored.exits, 1.0))
    limits = dict.fromkeys(recording.keys(("audio", "image")), 0.9)
    choice = (("audio", "image"), limits, limits, EMPTY)
    awake, asleep = replay(recording, *choice), replay(recording, *choice, ("image",))
    hand = kinds(pool)["hand"]
    # Sound that is sure of nothing wakes nobody: what a hand says is not seen.
    assert awake.right[hand].mean() > 0.9 and asleep.right[hand].mean() < 0.1
    assert not asleep.woken["image"][hand & (asleep.answer == EMPTY)].any()
    assert (awake.right == asleep.right)[~hand].mean() > 0.9
    text = asleep_section(pool, awake, asleep, recording)
    assert "only audio is awake" in text and text.count("| hand |") == 1

"""Budgets of MACs: settings keep them with a margin, gates that look at nothing stay below, sections are replaced."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.exits import FUSION
from mmexit_tools.budgets import choosing, from_cells, measuring, rivals, runs
from mmexit_tools.budgets.choosing import Known, Margin, paths, within
from mmexit_tools.budgets.measuring import Line, measure, section, settings_table, shortfalls
from mmexit_tools.calibrate.calibration import gate_order
from mmexit_tools.calibrate.exit_pool import Pool
from mmexit_tools.calibrate.gain_heads import billed, teach
from mmexit_tools.comparison.gates import Curve, Point
from mmexit_tools.export.kept_network import answers
from mmexit_tools.model.datasets import collect
from mmexit_tools.model.graphs import exit_costs, lower
from mmexit_tools.quantize.modelfile import ExitSettings, model_bytes
from mmexit_tools.quantize.quantization import quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.signals.windows import Picture, Vector, Window

NONE, CLASSES = 0, 4
MACS = {("a", 1): 10, ("a", 2): 10, ("b", 1): 20, ("b", 2): 30, ("b", 3): 25, FUSION: 5}
CELLS = Path(__file__).parents[2] / "docs/results/cells"


def pool(seed: int, count: int = 500) -> Pool:
    """Sensors that each hold a command in half of the windows or nothing; later exits know it better, and exits are
    the surer the more they know."""
    rng = np.random.default_rng(seed)
    seen = {m: np.where(rng.random(count) < 0.5, NONE, rng.integers(1, CLASSES, count)) for m in "ab"}
    labels = np.where(seen["a"] == NONE, seen["b"], seen["a"])
    logits = {}
    for key in MACS:
        known = labels if key == FUSION else seen[key[0]]
        strength = 7.0 if key == FUSION else 3.0 + key[1]
        noise = rng.normal(size=(count, CLASSES)) * rng.uniform(0.3, 5, (count, 1))
        logits[key] = (noise + strength * np.eye(CLASSES)[known]).astype(np.float32)
    people = rng.integers(40, size=count).astype(str)
    return Pool(logits, labels, dict.fromkeys(seen, np.ones(count, bool)), seen, {"speaker": people}, MACS)


@pytest.fixture(scope="module", autouse=True)
def few_prices():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "PRICES", (30.0, 1.0))
        yield


@pytest.fixture(scope="module")
def known() -> Known:
    found = pool(1)
    return Known(found.recording(dict.fromkeys(MACS, 1.0)), found.seen, NONE, Margin(found.groups, 2.5))


@pytest.fixture(scope="module")
def awake(known):
    return paths(known, asleep=False)


def test_budgets_are_kept_with_the_margin(known, awake):
    right = []
    for share in (0.6, 0.75, 0.9):
        setting = within(known, awake, share * known.recording.total_macs)
        outcome = setting.replay(known.recording, NONE)
        margin = known.margin.of(outcome.macs)
        assert margin > 0 and outcome.mean_macs + margin <= share * known.recording.total_macs
        assert gate_order(known.spoken(), setting.walk.commands) == setting.walk.order
        right.append(outcome.accuracy)
    assert right == sorted(right) and right[-1] > right[0]


def test_with_all_awake_nothing_costs_an_exit_of_each(known, awake):
    """`none` needs every sensor that is awake; where the second sleeps, the first alone may say it."""
    total = known.recording.total_macs
    assert within(known, awake, 0.2 * total) is None
    setting = within(known, paths(known, asleep=True), 0.2 * total)
    assert setting.asleep and known.at_most(setting) <= 0.2 * total


def test_commands_may_stand_beside_a_sure_none_where_all_are_awake(known, awake):
    total = known.recording.total_macs
    setting = within(known, awake, 0.5 * total)
    limits = setting.walk.beside_none
    assert limits and all(key[0] == setting.walk.order[1] for key in limits)
    plain = replace(setting, walk=replace(setting.walk, beside_none={}))
    assert plain.replay(known.recording, NONE).mean_macs > setting.replay(known.recording, NONE).mean_macs
    line = Line(0.5, setting)
    assert all(f"{name} {j} beside `none`" in settings_table([line], known.recording, NONE) for name, j in limits)
    assert "beside" not in settings_table([replace(line, setting=plain)], known.recording, NONE)
    assert not any(s.walk.beside_none for path in paths(known, asleep=True) for s in path)


def test_what_people_share_widens_the_margin():
    people = np.repeat(np.arange(20), 50).astype(str)
    rng = np.random.default_rng(2)
    alike, apart = rng.normal(size=20).repeat(50), rng.normal(size=1000)
    plain = Margin({}, 2.0)
    assert plain.of(apart) == pytest.approx(2 * apart.std(ddof=1) / np.sqrt(1000))
    assert Margin({"speaker": people}, 2.0).of(alike) > 5 * plain.of(alike)
    assert Margin({"speaker": people}, 2.0).of(apart) < 2 * plain.of(apart)


def test_gates_that_look_at_nothing():
    validation, test = (pool(s).recording(dict.fromkeys(MACS, 1.0)) for s in (1, 2))
    fixed = rivals.best_of(rivals.fixed_gate(validation, test), 50)
    assert fixed.macs <= 50 and fixed.accuracy == pytest.approx(test.correct(("a", 2)).mean(), abs=0.05)
    everything = rivals.best_of(rivals.fixed_gate(validation, test), 100)
    assert everything.accuracy == test.correct(FUSION).mean()
    drawn = rivals.best_of(rivals.random_gate(validation, test), 50)
    assert drawn.macs <= 50 and drawn.accuracy < rivals.two_exits(validation, test, 50) < everything.accuracy
    assert rivals.best_of(rivals.fixed_gate(validation, test), 5) is None


def test_the_section_says_what_falls_short(monkeypatch):
    monkeypatch.setattr(measuring, "BUDGETS", (0.2, 0.5, 0.75))
    found = measure(pool(1), pool(2), 2.5, NONE)
    text = section(found, "robot-command", ["- about"])
    assert found.lines[False][0].setting is None and found.lines[True][0].setting is not None
    assert any(s.startswith("all awake, 20.0 %: no setting") for s in shortfalls(found))
    assert "`none` needs the word of each" in text and "30.0 % of running everything" in text
    for asleep in (False, True):
        for line in found.lines[asleep]:
            if line.setting is not None:
                assert line.held <= line.budget and line.kept == (line.macs <= line.budget)
    above = {line.budget: line for line in found.lines[True]}[0.5]
    assert above.accuracy > above.random


def test_a_task_without_none_knows_no_sleep():
    found = measure(pool(1), pool(2), 2.5, None)
    assert " / " not in section(found, "digits", []).split("### digits: where")[0].split("| order |")[1]
    assert list(found.lines) == [False] and found.lines[False][0].setting is not None


def test_cells_keep_the_budget_by_their_widest_spread():
    def curve(macs: list[float]) -> Curve:
        points = [Point(np.array([0.1 * i]), 0.0, m, 0.0) for i, m in enumerate(macs)]
        return Curve(points, points)

    # 45 +- 2 * sqrt(45 * 55 / 100) is above 50; with 10,000 windows it is below.
    assert from_cells.chosen(curve([20, 45, 100]), 50, 100, 2.0)[1].macs == 20
    assert from_cells.chosen(curve([20, 45, 100]), 50, 10_000, 2.0)[1].macs == 45
    assert from_cells.chosen(curve([60, 100]), 50, 10_000, 2.0) is None


def test_sections_are_replaced_and_others_stay(tmp_path, monkeypatch, capsys):
    out = tmp_path / "budgets.md"
    out.write_text(runs.HEAD + "\n## robot-command\n\nkept\n")
    cells = tmp_path / "cells"
    cells.mkdir()
    for path in CELLS.glob("avmnist.*.json"):
        cell = json.loads(path.read_text())
        for point in cell["curves"].get("ours, gain gate", {}).get("test", []):
            point[2] *= 1.1  # MACs that validation did not foretell
        (cells / path.name).write_text(json.dumps(cell))
    monkeypatch.setattr(sys, "argv", ["budgets", "--cells", str(cells), "--out", str(out)])
    runs.main()
    first = out.read_text()
    assert "kept" in first and "| ours, gain gate | 50.0 % |" in first
    [over] = [line for line in first.splitlines() if line.startswith("- ours, gain gate, 50.0 %")]
    assert "points to validation" in over and "there share words and pictures, and" in " ".join(first.split())
    runs.main()
    assert out.read_text() == first and capsys.readouterr().out.count("budgets.md") == 2
    monkeypatch.setattr(sys, "argv", ["budgets", "--out", str(out)])
    with pytest.raises(ToolError, match="nothing to measure"):
        runs.main()
    monkeypatch.setattr(sys, "argv", ["budgets", "--cells", str(tmp_path), "--out", str(out)])
    with pytest.raises(ToolError, match="no cell of avmnist"):
        runs.main()


class Drawn:
    """A task of random windows; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []

    def windows(self, data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
        self.asked.append((split, count, seed))
        rng = np.random.default_rng(seed)
        for _ in range(count):
            label = int(rng.integers(3))
            pixels = rng.integers(80 * label, 80 * label + 90, (8, 9)).astype(np.uint8)
            vector = (np.arange(5) == label) + rng.normal(size=5) / 2
            yield Window("abc"[label], {"image": Picture(pixels), "vector": Vector(vector.astype(np.float32))},
                         groups={"word": str(rng.integers(30))})


def test_a_file_with_gain_heads_is_read_and_its_heads_are_billed(network, trained, tmp_path, monkeypatch):
    task = Drawn()
    graph = lower(trained)
    batch = collect(task.windows(tmp_path, "train", 120, 1), network)
    quantized = quantize(graph, measure_ranges(graph, batch))
    pool, codes = answers(quantized, task.windows(tmp_path, "train", 120, 1))
    heads = {("image", 1): teach(pool, codes, dict.fromkeys(pool.logits, 0.8))[("image", 1)].head}
    path, out = tmp_path / "tiny.safetensors", tmp_path / "budgets.md"
    path.write_bytes(model_bytes(quantized, {k: ExitSettings(0.8, gain=heads.get(k)) for k in pool.logits}, {}))
    task.asked.clear()
    monkeypatch.setattr(runs, "load", lambda name: task)
    command = ["budgets", "--avmnist", str(path), "--data", str(tmp_path), "--work", str(tmp_path / "work"), "--out",
               str(out), "--validation", "200", "--test", "150"]
    monkeypatch.setattr(sys, "argv", command)
    runs.main()
    assert task.asked == [("validation", 200, 21), ("test", 150, 22)]
    text = out.read_text()
    runs.main()
    assert len(task.asked) == 2 and out.read_text() == text
    assert "the predicted gain of going on at image 1, by entropy elsewhere" in text
    total = sum(c.macs for c in billed(exit_costs(graph), heads, network).values())
    assert f"{total:,} MACs for everything" in text and total > sum(c.macs for c in exit_costs(graph).values())
    assert "150 windows (30 by word) of test" in text and "## avmnist" in text

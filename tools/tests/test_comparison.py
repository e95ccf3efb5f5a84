"""Everything of the comparison at the tiny size, on made-up data of all three tasks."""

import csv
import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command
from test_robot_command import small_folder

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.progress import duration
from mmexit_tools.comparison import cells
from mmexit_tools.comparison import runs as comparison
from mmexit_tools.comparison.cells import needed, plan
from mmexit_tools.comparison.gates import Curve, Point
from mmexit_tools.comparison.measured import TaskResult, mixed_at_budget
from mmexit_tools.comparison.said import network_costs, plain_cost, read
from mmexit_tools.comparison.sizes import SIZES
from mmexit_tools.tasks import avmnist
from mmexit_tools.training.trainer import Trainer


@pytest.fixture
def folder(data: Path) -> Path:
    """The tiny data folder with all three tasks in it."""
    rng = np.random.default_rng(2)
    (data / "cmu-mosi-utt").mkdir()
    label = np.arange(200) % 2
    np.savez(data / "cmu-mosi-utt/x.npz", label=label, video_id=np.array([f"v{i // 4}" for i in range(200)]),
             **{m: rng.normal(label[:, None] * shift, 1, (200, 6)) for m, shift in
                (("text", 2), ("audio", 0.2), ("video", 0.5))})
    return small_folder(data)


def compare(folder: Path, root: Path, *more: object):
    return run_command(comparison, "--tasks", "mosi", "--data", folder, "--seeds", 1, "--size", "tiny",
                       "--work", root / "work", "--out", root / "out", *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_everything_at_the_tiny_size(folder, tmp_path):
    ended = compare(folder, tmp_path, "--tasks", "avmnist,robot-command,mosi")
    assert ended.returncode == 0, ended.stderr
    assert "100 % of the work, about 0 min left" in ended.stderr
    text = (tmp_path / "out/comparison.md").read_text()
    assert "nan" not in text and "/tmp" not in text
    for task in ("avmnist", "robot-command", "mosi"):
        assert f"## {task}\n" in text
        assert all(f"| {m} |" in text for m in ("LF", "TF", "LRTF", "MIM", "RExit", "Eloss", "Sloss", "MMExit",
                                              "ours, gain gate"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/comparison.csv").read_text())))
    assert {r["task"] for r in rows} == {"avmnist", "robot-command", "mosi"}
    assert all(0 <= float(r["accuracy"]) <= 1 and float(r["macs"]) > 0 for r in rows)
    settings = {(r["task"], r["method"]): r["validation_accuracy"] for r in rows}
    assert all(settings[(t, "MMExit+")] == settings[(t, "MMExit+ J")] for t in ("avmnist", "mosi"))
    figures = sorted((tmp_path / "out").glob("*.svg"))
    assert len(figures) == 4 + 3
    for figure in figures:
        ET.parse(figure)
    assert set(ended.stdout.split()) == {str(p) for p in (tmp_path / "out").iterdir() if p.is_file()}


class Killed(Exception):
    pass


def test_a_killed_run_resumes_with_the_same_bytes(folder, tmp_path, monkeypatch):
    methods = ("--methods", "mmexit-norm,mmexit-shared,eloss", "--seeds", 2)
    whole = compare(folder, tmp_path / "whole", *methods)
    assert whole.returncode == 0, whole.stderr
    real, epochs = Trainer.run_epoch, [0]

    def dies(self, stream):
        epochs[0] += 1
        if epochs[0] % 5 == 0:
            raise Killed
        return real(self, stream)

    monkeypatch.setattr(Trainer, "run_epoch", dies)
    deaths = 0
    while True:
        try:
            ended = compare(folder, tmp_path / "cut", *methods, *(["--resume"] if deaths else []))
        except Killed:
            deaths += 1
            continue
        break
    assert ended.returncode == 0 and deaths == 4
    assert contents(tmp_path / "whole/out") == contents(tmp_path / "cut/out")
    cut, straight = (sorted(tmp_path.glob(f"{n}/work/cells/mosi/*")) for n in ("cut", "whole"))
    assert [p.read_bytes() for p in cut] == [p.read_bytes() for p in straight] and len(cut) == 10


def test_two_parts_give_what_one_process_gives(folder, tmp_path):
    methods = ("--methods", "mmexit-norm", "--seeds", 2)
    assert compare(folder, tmp_path / "whole", *methods).returncode == 0
    first = compare(folder, tmp_path / "parts", *methods, "--part", "1/2")
    assert first.returncode == 0 and "missing: " in first.stderr and "seeds 2" in first.stderr
    second = compare(folder, tmp_path / "parts", *methods, "--part", "2/2", "--resume")
    assert second.returncode == 0
    assert contents(tmp_path / "whole/out") == contents(tmp_path / "parts/out")


def test_the_document_comes_from_the_cells_alone(folder, tmp_path):
    assert compare(folder, tmp_path, "--methods", "eloss").returncode == 0
    before = contents(tmp_path / "out")
    (tmp_path / "out/comparison.md").unlink()
    asked = ("--tasks", "mosi", "--size", "tiny", "--methods", "eloss", "--tables", "--out", tmp_path / "out")
    again = run_command(comparison, *asked, "--seeds", 1)
    assert again.returncode == 0 and contents(tmp_path / "out") == before
    more = run_command(comparison, *asked, "--seeds", 2)
    assert more.returncode == 0 and "2 of 4; missing: lf (seeds 2), eloss (seeds 2)" in more.stderr
    assert "missing: lf (seeds 2)" in (tmp_path / "out/comparison.md").read_text()
    assert "earlier state" not in (tmp_path / "out/comparison.md").read_text()
    cell = tmp_path / "out/cells/mosi.eloss.s1.json"
    cell.write_text(cell.read_text().replace(',"apart":""', ""))
    assert run_command(comparison, *asked, "--seeds", 1).returncode == 0
    assert "Of an earlier state of the code, mosi: eloss\n" in (tmp_path / "out/comparison.md").read_text()
    assert run_command(comparison, "--out", tmp_path / "out").returncode == 64


def test_nothing_is_begun_when_the_time_is_up_and_killed_parts_go(folder, tmp_path):
    left = tmp_path / "work/runs/mosi/lf-s1-x/checkpoint.part999999999"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    ended = compare(folder, tmp_path, "--methods", "lf", "--minutes", 0, "--resume")
    assert ended.returncode == 0 and "--resume goes on" in ended.stderr and "no cell yet" in ended.stderr
    assert not left.exists()
    assert compare(folder, tmp_path, "--methods", "lf", "--resume").stdout.count("comparison.md") == 1


def test_an_earlier_run_is_not_overwritten_silently(folder, tmp_path):
    assert compare(folder, tmp_path, "--methods", "lf").returncode == 0
    ended = compare(folder, tmp_path, "--methods", "lf")
    assert ended.returncode == 64 and "holds an earlier run; go on with --resume" in ended.stderr


def test_more_exits(folder, tmp_path):
    ended = compare(folder, tmp_path, "--methods", "mmexit-norm", "--exits", 3)
    assert ended.returncode == 0, ended.stderr
    file = next((tmp_path / "work/cells/mosi").glob("mmexit-norm-*"))
    assert {k for k in read(file).costs if k[0] == "text"} == {("text", 1), ("text", 2), ("text", 3)}


@pytest.mark.parametrize(("options", "code", "words"), [
    (("--methods", "best"), 64, "--methods best: choose from lf-start"),
    (("--tasks", "smell"), 64, "--task smell: choose one of"),
    (("--part", "3/2"), 64, "K must be 1 to N"),
    (("--part", "half"), 64, "want K/N"),
    (("--seeds", "0"), 64, "at least 1"),
    (("--exits", "-1"), 64, "at least 1 exit"),
])
def test_wrong_options_end_in_one_line(options, code, words, folder, tmp_path):
    ended = compare(folder, tmp_path, *options)
    assert ended.returncode == code and words in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("change", "words"), [
    ({"label": np.array([1.0] + [np.nan] * 199)}, "every label must be a number"),
    ({"text": np.zeros((199, 6))}, "one label and video_id each"),
    ({"text": None}, "want arrays text"),
], ids=["label", "mismatch", "absent"])
def test_bad_utterances_end_in_one_line(change, words, folder, tmp_path):
    path = folder / "cmu-mosi-utt/x.npz"
    with np.load(path) as stored:
        arrays = dict(stored) | change
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    ended = compare(folder, tmp_path)
    assert ended.returncode == 65 and words in ended.stderr and ended.stderr.count("error:") == 1


def test_a_loss_that_is_no_number_ends_in_one_line(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cells.Training, "options", lambda *a: real(*a, rate=1e38))
    real = lambda self, size, exits, seed, windows, rate: cells.Options(  # noqa: E731
        epochs=2, windows=windows, batch=32, rate=rate, dropout=0.0, seed=seed, method=self.method)
    ended = compare(folder, tmp_path, "--methods", "eloss")
    assert ended.returncode == 65 and "the loss is not a number" in ended.stderr


def test_a_spoiled_result_is_named(folder, tmp_path):
    assert compare(folder, tmp_path, "--methods", "lf").returncode == 0
    next((tmp_path / "work/cells/mosi").glob("lf-s1-*")).write_bytes(b"nothing")
    (tmp_path / "out/cells/mosi.lf.s1.json").unlink()
    ended = compare(folder, tmp_path, "--methods", "lf", "--resume")
    assert ended.returncode == 65 and "not a readable result" in ended.stderr and "trained again" in ended.stderr


def test_a_plan_has_each_start_before_what_begins_with_it():
    trainings = plan(["image", "audio"])
    names = [t.name for t in trainings]
    assert all(names.index(t.start) < names.index(t.name) for t in trainings if t.start)
    assert [t.name for t in needed(trainings, ["mmexit-mim"])] == ["mim-start", "mim", "mmexit-mim"]
    with pytest.raises(ToolError, match="choose from"):
        needed(trainings, ["best"])


def test_a_network_without_exits_costs_their_heads_less():
    network = avmnist.network()
    heads = 10 * (3 * 3 * 12 + 48 + 2 * 2 * 48 + 192)
    whole = network_costs(network, "lf")
    assert sum(c.macs for c in whole.values()) - plain_cost(network, "lf").macs == heads
    assert plain_cost(network, "tf").macs > plain_cost(network, "lf").macs


def test_durations():
    assert duration(50) == "1 min" and duration(3700) == "1 h 02 min"


def test_chance_between_two_exits_reaches_the_straight_line():
    def point(right, macs):
        return Point(np.array([right]), 0.0, macs, 0)

    points = [point(0.5, 10), point(0.1, 30), point(0.9, 90)]
    result = TaskResult("t", ("a",), (1, 1), point(0.9, 100), curves={"fixed gate": {1: Curve(points, points)}})
    assert mixed_at_budget(result, "fixed gate", 0.5) == pytest.approx([0.7])
    assert mixed_at_budget(result, "fixed gate", 1.0) == pytest.approx([0.9])
    assert mixed_at_budget(result, "fixed gate", 0.05) == []


def test_the_margins_table_has_the_rule_as_its_row():
    from mmexit_tools.comparison.results import read_cells
    from mmexit_tools.comparison.tables import interval, margins_table, paired_interval

    cells = Path(__file__).parents[2] / "docs/results/cells"
    result, _ = read_cells(cells, "avmnist")
    assert result is not None
    rows = {line.split(" | ")[0].strip("| "): line for line in margins_table(result).splitlines()}
    assert paired_interval(result, "ours, gain gate", "LF") in rows["0.5 points (the rule)"]
    saved = [float(line.split(" | ")[2].split()[0]) for line in list(rows.values())[2:]]
    assert saved == sorted(saved) and len(saved) == 6
    assert interval([1.0]) == "+1.00 (one seed)" and interval([]) == "-"


def test_cheap_modalities_alone_for_longer_and_more_windows_for_our_gates(folder, tmp_path, monkeypatch):
    plain = ("--tasks", "avmnist", "--methods", "ours")
    size = replace(SIZES["tiny"]["avmnist"], side=56)  # where the picture is cheaper than the sound
    monkeypatch.setitem(SIZES["tiny"], "avmnist", size)
    assert compare(folder, tmp_path / "plain", *plain).returncode == 0
    monkeypatch.setitem(SIZES["tiny"], "avmnist", replace(size, alone=5, taught=128))
    ended = compare(folder, tmp_path / "more", *plain)
    assert ended.returncode == 0, ended.stderr
    named = [{p.name.split("-s1")[0]: p for p in (tmp_path / n / "work/cells/avmnist").iterdir()}
             for n in ("plain", "more")]
    # The other trainings keep their keys: their cells stay valid.
    assert named[0].keys() == named[1].keys()
    assert {n for n in named[0] if named[0][n].name == named[1][n].name} == {"lf", "lf-start", "alone-audio"}
    assert [len(read(named[1][n]).history) for n in ("alone-image", "alone-audio")] == [5, 4]
    ours, lf = (read(named[1][n]) for n in ("ours", "lf"))
    assert len(ours.labels["validation"]) == 128 and len(lf.labels["validation"]) == 64
    assert np.array_equal(ours.labels["validation"][:64], lf.labels["validation"])
    text = (tmp_path / "more/out/comparison.md").read_text()
    assert "ours: image first alone for 5 epochs, gates taught and chosen on 128 validation windows" in text

"""Streams: planned, heard, seen and written; on material made here."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from conftest import run_command
from test_robot_command import painted_hand

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.readers import read_pcm
from mmexit_tools.sources.robot_data import COMMANDS, material, split_of
from mmexit_tools.sources.robot_voices import audible, loudness, reverberant
from mmexit_tools.sources.surroundings import Clip, acquainted, covering, echo, surroundings
from mmexit_tools.streams import curve, making
from mmexit_tools.streams.hearing import render
from mmexit_tools.streams.plans import BOTH, HAND, LEAD, SCENES, VOICE, plan
from mmexit_tools.streams.scoring import Event, score
from mmexit_tools.streams.seeing import raised
from mmexit_tools.streams.writing import Line, Request, make, planes, read_truth

RATE = 16_000


def tone(hertz: float, seconds: float) -> np.ndarray:
    return (0.2 * np.sin(np.arange(int(RATE * seconds)) / RATE * 2 * np.pi * hertz)).astype(np.float32)


def in_split(kind: str, split: str) -> str:
    return next(f"p{i}" for i in range(1000) if split_of(kind, f"p{i}") == split)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commands by one speaker and one signer of the test split, a talker, a noise, a room, a photo."""
    root = tmp_path_factory.mktemp("data")

    def sound(path: str, values: np.ndarray) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / path, values, RATE)

    speaker, signer = in_split("speaker", "test"), in_split("signer", "test")
    silence = np.zeros(4800, np.float32)
    rows = []
    for k, label in enumerate(COMMANDS):
        sound(f"gsc-commands/{label}/0.flac", np.concatenate([silence, tone(300 + 60 * k, 0.4), silence]))
        rows.append(f"{label}/0.flac,{label},{label},{speaker}")
    (root / "gsc-commands/index.csv").write_text("path,label,spoken_word,speaker\n" + "\n".join(rows) + "\n")
    (root / "sign-digits/images").mkdir(parents=True)
    for digit in range(10):
        Image.fromarray(painted_hand()).save(root / f"sign-digits/images/{digit}.jpg", quality=95)
    (root / "sign-digits/index.csv").write_text(
        "path,digit,signer\n" + "".join(f"images/{d}.jpg,{d},{signer}\n" for d in range(10)))
    rng = np.random.default_rng(3)
    sound("speech/a/0.flac", rng.normal(0, 0.1, RATE * 3).astype(np.float32))
    (root / "speech/index.csv").write_text(
        f"path,corpus,speaker,style\na/0.flac,a,{in_split('talker', 'test')},read\n")
    sound("noise/a/0.flac", rng.normal(0, 0.1, RATE * 3).astype(np.float32))
    (root / "noise/index.csv").write_text(f"path,kind,author\na/0.flac,rain,{in_split('noise', 'test')}\n")
    sound("rooms/0.flac", np.concatenate([np.zeros(40), [0.5], rng.normal(0, 0.02, 3000)]).astype(np.float32))
    (root / "rooms/index.csv").write_text(f"path,space,kind\n0.flac,{in_split('impulse-response', 'test')},home\n")
    name = in_split("pictures", "test")
    (root / f"rooms-photos/{name}").mkdir(parents=True)
    Image.fromarray(rng.integers(0, 255, (200, 320, 3)).astype(np.uint8)).save(root / f"rooms-photos/{name}/0.jpg")
    (root / "rooms-photos/index.csv").write_text(f"path,kind,sign\n{name}/0.jpg,room,\n")
    return root


def digest(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_commands_keep_apart_and_to_their_number(scene: str) -> None:
    for seed in range(5):
        made = plan(np.random.default_rng(seed), scene, 240, 3)
        assert len(made.commands) == (12 if SCENES[scene].commands else 0)
        for one, after in zip(made.commands, made.commands[1:], strict=False):
            assert after.start - one.end > 3.0
        gaps = np.diff([c.start for c in made.commands])
        assert not len(gaps) or gaps.std() > 3.0  # no rhythm that a look every ten seconds could fall in with
        if made.commands:
            assert made.commands[-1].end <= 238
            ways = [c.way for c in made.commands]
            assert (ways.count(VOICE), ways.count(BOTH), ways.count(HAND)) == (5, 4, 3)
        assert all(c.end - c.start >= 2.99 for c in made.commands if c.way == HAND)


def test_a_noise_ends_two_seconds_before_its_word() -> None:
    made = plan(np.random.default_rng(1), "after-noise", 240, 3)
    ends = [s.end for s in made.of("burst")]
    assert ends == [c.start - LEAD for c in made.commands[::2]]


def test_more_commands_than_fit_are_refused() -> None:
    plan(np.random.default_rng(1), "quiet", 60, 6)
    with pytest.raises(ToolError, match="commands fit"):
        plan(np.random.default_rng(1), "quiet", 60, 8)
    with pytest.raises(ToolError, match="choose one of"):
        plan(np.random.default_rng(1), "party", 60, 1)


def test_a_plain_stream_is_what_data_without_rooms_give(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for part in folder.iterdir():
        if part.name not in ("rooms", "rooms-photos"):
            (bare / part.name).symlink_to(part)
    request = Request("lively", "test", 4, minutes=0.7, per_minute=4, frames_per_second=4)
    make(request, bare, tmp_path / "without")
    make(replace(request, plain=True), folder, tmp_path / "plain")
    make(request, folder, tmp_path / "rooms")
    without, plain, rooms = (digest(tmp_path / n) for n in ("without", "plain", "rooms"))
    for file in ("audio.wav", "image.y4m"):
        assert plain[file] == without[file] != rooms[file]
    assert json.loads((tmp_path / "plain/recording.json").read_text())["name"] == "lively-plain-test-4"


def test_the_same_request_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    request = Request("lively", "test", 4, minutes=0.7, per_minute=4, frames_per_second=4)
    lines = make(request, folder, tmp_path / "a")
    make(request, folder, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    make(Request("lively", "test", 5, 0.7, 4, 4), folder, tmp_path / "c")
    assert digest(tmp_path / "a")["audio.wav"] != digest(tmp_path / "c")["audio.wav"]
    assert read_truth(tmp_path / "a/truth.csv") == lines and len(lines) == 3
    pcm, rate = read_pcm(tmp_path / "a/audio.wav")
    assert (len(pcm), rate) == (42 * RATE, RATE)
    video = (tmp_path / "a/image.y4m").read_bytes()
    assert len(video.split(b"\n", 1)[1]) == 42 * 4 * (6 + 120 * 90 * 3 // 2)
    about = json.loads((tmp_path / "a/stream.json").read_text())
    assert about["split"] == "test" and f"read {in_split('talker', 'test')}" in about["of"]


def test_the_word_is_where_the_truth_says(folder: Path, tmp_path: Path) -> None:
    lines = make(Request("quiet", "test", 2, 1.0, 3, 1), folder, tmp_path / "a")
    pcm, _ = read_pcm(tmp_path / "a/audio.wav")
    for line in (one for one in lines if one.sensors == VOICE):
        assert 0.35 < line.end - line.start < 0.5
        here = pcm[round(line.start * RATE) : round(line.end * RATE)].astype(np.float64)
        early = pcm[round((line.start - 1) * RATE) : round((line.start - 0.1) * RATE)].astype(np.float64)
        assert np.sqrt(np.mean(here**2)) > 10 * np.sqrt(np.mean(early**2))


def test_the_hand_is_where_the_truth_says(folder: Path, tmp_path: Path) -> None:
    lines = make(Request("quiet", "test", 2, 1.0, 3, 10), folder, tmp_path / "a")
    size = 6 + 120 * 90 * 3 // 2
    body = (tmp_path / "a/image.y4m").read_bytes().split(b"\n", 1)[1]
    luma = np.stack([np.frombuffer(body, np.uint8, 10800, i * size + 6) for i in range(600)]).astype(np.float64)
    for line in (one for one in lines if one.sensors == HAND):
        before, during = (luma[round(t * 10)] for t in (line.start - 1, line.start + 0.5))
        late, after = (luma[round(t * 10)] for t in (line.end - 0.2, line.end + 1))
        changed = [float((np.abs(a - b) > 12).mean()) for a, b in ((before, after), (during, late), (before, during))]
        assert max(changed[:2]) < 0.004 and changed[2] > 0.02


def test_nobody_of_another_split_is_in_it(folder: Path) -> None:
    assert surroundings(folder, "test").talk and not surroundings(folder, "train").talk
    assert not surroundings(folder, "validation").photos
    assert surroundings(folder, "all").people()["talkers"] == 1


def test_people_who_met_stay_together() -> None:
    rows = [{"speaker": s} for s in ("A+B", "C", "B+D", "E+F", "D")]
    found = acquainted(rows)
    assert found["A+B"] == found["B+D"] == found["D"] != found["C"] != found["E+F"]


def test_an_echo_keeps_its_direct_sound_and_the_level() -> None:
    response = np.concatenate([np.zeros(40), [-0.4], np.full(20000, 0.01)]).astype(np.float32)
    cut = echo(response)
    assert cut[0] == pytest.approx(-1) and len(cut) == int(0.8 * RATE) and abs(cut[-1]) < 1e-3
    word = tone(400, 0.5)
    assert loudness(reverberant(word, Clip("", "", cut))) == pytest.approx(loudness(word), rel=1e-3)


def test_the_audible_part_of_a_word() -> None:
    first, last = audible(np.concatenate([np.zeros(3200), tone(300, 0.5), np.zeros(4000)]).astype(np.float32))
    assert abs(first - 3200) <= 480 and abs(last - 11200) <= 640


def test_a_photo_covers_the_scene() -> None:
    for shape in ((100, 400, 3), (400, 100, 3), (90, 120), (7, 5, 3)):
        assert covering(np.full(shape, 9, np.uint8)).shape == (90, 120, 3)


def test_a_raised_hand_leaves_the_rest() -> None:
    without = np.full((90, 120, 3), 50, np.float32)
    hand = without.copy()
    hand[10:40, 20:60] = 200
    half = raised(without, hand, 0.5)
    assert (half[55:85, 20:60] == 200).all() and (half[:55] == 50).all()
    assert (raised(without, hand, 1.0) == hand).all()


def test_chroma_of_grey_is_neutral_and_of_red_is_not() -> None:
    grey = planes(np.full((4, 6, 3), 77, np.uint8))
    assert [p.shape for p in grey] == [(4, 6), (2, 3), (2, 3)]
    assert (grey[0] == 77).all() and (grey[1] == 128).all() and (grey[2] == 128).all()
    red = planes(np.full((4, 6, 3), (255, 0, 0), np.uint8))
    assert (red[0] == 76).all() and (red[1] == 85).all() and (red[2] == 255).all()


def test_the_command_makes_a_set_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(making.SETS, "lively", (("quiet", "talk"), 1, 0.4, 2))
    arguments = ("--data", folder, "--split", "test", "--set", "lively", "--out", tmp_path / "s")
    first = run_command(making, *arguments)
    assert first.returncode == 0 and "1 by audio" in first.stdout and "(was there)" not in first.stdout
    again = run_command(making, *arguments)
    assert again.stdout.count("(was there)") == 2
    other = run_command(making, "--data", folder, "--split", "test", "--scene", "noise", "--out",
                        tmp_path / "s/quiet-test-1")
    assert other.returncode == 64 and "holds another stream" in other.stderr
    one = ("--data", folder, "--split", "test", "--scene", "quiet", "--minutes", 0.4,
           "--out", tmp_path / "s/quiet-test-1")
    assert run_command(making, *one).returncode == 0
    plain = run_command(making, *one, "--plain")
    assert plain.returncode == 64 and "holds another stream" in plain.stderr
    assert run_command(making, *arguments, "--plain").returncode == 0
    assert (tmp_path / "s/quiet-plain-test-1/recording.json").exists()
    assert run_command(making, "--data", folder, "--split", "test", "--out", tmp_path).returncode == 64


TRUTH = [Line(10, 10.5, "go", VOICE), Line(20, 23, "stop", HAND), Line(30, 32, "left", BOTH)]


def test_events_are_scored_by_the_stated_rule() -> None:
    events = [Event(10.6, 11.0, "go"), Event(11.2, 11.4, "go"), Event(24.4, 25, "stop"), Event(31, 31.5, "up"),
              Event(31.6, 32, "left"), Event(50, 51, "no")]
    found = score(TRUTH, events, 3600)
    assert (found.heard, found.missed, found.wrong_first, found.repeats, found.false) == (3, 0, 1, 1, 1)
    assert found.delays == pytest.approx((0.6, 4.4, 1.6)) and found.false_per_hour == pytest.approx(1)
    late = score(TRUTH, [Event(11.51, 12, "go"), Event(24.51, 25, "stop")], 3600)
    assert (late.heard, late.false) == (0, 2)


def test_a_configuration_is_varied_in_place() -> None:
    text = "[daemon]\nmodel = models/a.safetensors\n[gate]\nmax-blind = 11s\nthreshold = 0.5\n[sensor audio]\n"
    made = curve.varied(text, Path("/etc/x"), {("gate", "threshold"): "0", ("events", "level"): "0.3"})
    assert "model = /etc/x/models/a.safetensors\n" in made and made.count("threshold") == 1
    gate = made[made.index("[gate]") : made.index("[sensor audio]")]
    assert "threshold = 0\n" in gate and "max-blind = 11s\n" in gate
    assert made.endswith("[events]\nlevel = 0.3\n")
    assert curve.varied(text, Path("/etc/x"), {("gate", "threshold"): "", ("events", "level"): ""}) == (
        text.replace("threshold = 0.5\n", "").replace("models/", "/etc/x/models/"))


def test_another_model_is_told_beside(tmp_path: Path) -> None:
    usual, model = curve.variants(), tmp_path / "old.safetensors"
    beside = {name: changes for name, changes in curve.variants(model).items() if name not in usual}
    assert list(beside) == ["old, everything on, each window", "old, everything on, 2 of 2 windows"]
    text = "[daemon]\nmodel = models/a.safetensors\n[events]\nfilter = hidden-markov\n"
    made = curve.varied(text, Path("/etc/x"), beside["old, everything on, 2 of 2 windows"])
    assert f"model = {model.resolve()}\n" in made and made.count("model =") == 1
    for line in ("votes = 2", "windows = 2", "filter = k-of-n", "threshold = 0", "wake-evidence = 0"):
        assert f"{line}\n" in made


def test_plain_streams_and_others_have_no_curve_together(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, plain in (("quiet-plain-test-1", True), ("quiet-test-1", False)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "truth.csv").write_text("start_s,end_s,label,sensors\n")
        (tmp_path / name / "stream.json").write_text(json.dumps({"plain": plain}))
    (tmp_path / "live.conf").write_text("")
    monkeypatch.setattr(sys, "argv", ["curve", "--config", str(tmp_path / "live.conf"), "--streams", str(tmp_path),
                                      "--out", str(tmp_path / "out")])
    with pytest.raises(ToolError, match="of one kind"):
        curve.main()


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_the_interval_of_a_count(count: int, low: float, high: float) -> None:
    assert curve.poisson(count) == pytest.approx((low, high), rel=1e-3, abs=1e-6)


def test_a_word_is_as_far_above_all_else_as_is_told(folder: Path, tmp_path: Path) -> None:
    """A tone of a tenth of full scale over hush, and the same in a louder room."""
    source, around = material(folder, "test"), surroundings(folder, "test")
    planned = plan(np.random.default_rng(3), "quiet", 60.0, 4.0)
    heard = render(np.random.default_rng(4), planned, source, around)
    for span, above in zip(heard.spans, heard.above, strict=True):
        assert (span is None) == (above is None)
        if span is not None:
            first, last = (round(x * 16_000) for x in span)
            word, rest = heard.pcm[first:last] / 32768, heard.pcm[first - 8000 : first - 4000] / 32768
            assert abs(20 * np.log10(loudness(word) / loudness(rest)) - above) < 3
    request = Request("quiet", "test", 2, 1.0, 4.0)
    lines = make(request, folder, tmp_path / "one")
    told = curve.words_of(tmp_path / "one")
    assert set(told) == {round(line.start, 2) for line in lines if "audio" in line.sensors} and told
    assert curve.words_of(tmp_path) == {}


def test_heard_is_told_by_level() -> None:
    outcome = {"sensors": "audio", "heard": True, "delay_s": 1.0, "start_s": 4.004}
    part = {"commands": 3, "heard": 2, "wrong_first": 0, "repeats": 0, "false": 0, "seconds": 60.0,
            "energy_saved": 0.5, "outcomes": [outcome, outcome | {"start_s": 9.5, "heard": False},
                                              outcome | {"start_s": 20.0}]}
    total = curve.Total()
    total.add(part, {4.0: 9.0, 9.5: 2.9, 20.0: 40.0})
    assert total.levels == {9.0: [1, 1], -math.inf: [0, 1], 21.0: [1, 1]}
    text = curve.document({"as it is": {"lively": total}}, "command", "live.conf", "picture.svg")
    assert "| as it is | 0/1 | 0/0 | 1/1 | 0/0 | 1/1 |" in text and "| under 3 dB | 3 to 9 dB |" in text
    assert text.startswith("# Commands in streams\n") and "--plain" not in text
    plain = curve.document({"as it is": {"lively": total}}, "command", "live.conf", "picture.svg", plain=True)
    assert plain.startswith("# Commands in plain streams\n") and "`tools/streams --plain`" in plain


def test_totals_add_up() -> None:
    total = curve.Total()
    outcome = {"sensors": "audio", "heard": True, "delay_s": 1.0, "start_s": 3.0}
    part = {"commands": 2, "heard": 1, "wrong_first": 1, "repeats": 0, "false": 1, "seconds": 1800,
            "energy_saved": 0.5, "outcomes": [outcome, outcome | {"heard": False, "delay_s": None}]}
    total.add(part, {})
    total.add(part | {"energy_saved": 0.7, "outcomes": [outcome | {"sensors": "image", "delay_s": 2.5}] * 2}, {})
    row = curve.row("x", total)
    assert row == "| x | 2/4 | 1/2 | 0/0 | 2/2 | 2 | 0 | 1.00 s | 2.50 s | 2.0 (0.2 to 7.2) | 60.0% | 50.0% |"

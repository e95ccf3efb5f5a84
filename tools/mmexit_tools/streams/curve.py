"""Heard against false events against energy, on streams, through the daemon's own pipeline.

    python -m mmexit_tools.streams.curve --config ../config/live.conf --streams STREAMS --out ../docs/results/streams

Runs `mmexitctl evaluate --stream` of the release build on every recording with a truth.csv in STREAMS, for the
configuration as it is and for variants of it, and writes OUT.md and OUT.svg. Streams whose name begins with `empty`
or `company` have no commands: the first are quiet, the second full of talk and noise.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..base.errors import DATA, NO_INPUT, ToolError, exit_with, say

ROOT = Path(__file__).parents[3]
POINTS = ((0.01, 0.8), (0.03, 0.6), (0.06, 0.5), (0.1, 0.3), (0.3, 0.2), (0.5, 0.1))
"""`begin` and `level` of [events], from few false events to many; the same long after an event and soon after one."""
EVERYTHING = {("gate", "threshold"): "0", ("gate", "give-up"): "no", ("gate", "activity-check"): "no",
              ("gate", "wake-evidence"): "0", ("sensor image", "linger"): "3600s"}
"""No exit is sure enough, no window is still, any doubt wakes the camera and it stays awake: every sensor answers
every window."""
LEVELS = (-math.inf, 3.0, 9.0, 15.0, 21.0)
"""Edges in dB of how far a word is above all else."""


def votes(count: int, windows: int) -> dict[tuple[str, str], str]:
    """So many of so many windows are an event."""
    return {("events", "filter"): "k-of-n", ("events", "votes"): str(count), ("events", "windows"): str(windows)}


VOTES = votes(2, 3)


@dataclass
class Total:
    """Sums over streams; `by` is (heard, told) by what a command could be known by, `delays` of what was heard."""

    commands: int = 0
    heard: int = 0
    wrong_first: int = 0
    repeats: int = 0
    false: int = 0
    seconds: float = 0.0
    saved: float = 0.0
    least: float = 1.0
    by: dict[str, list[int]] = field(default_factory=dict)
    delays: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    levels: dict[float, list[int]] = field(default_factory=dict)
    """(heard, told) by voice alone, by the least of LEVELS that the word is above all else."""

    def add(self, score: Mapping, words: Mapping[float, float]) -> None:
        """`words`: how far above all else it is, dB, by a command's start."""
        for name in ("commands", "heard", "wrong_first", "repeats", "false", "seconds"):
            setattr(self, name, getattr(self, name) + score[name])
        self.saved += score["energy_saved"] * score["seconds"]
        self.least = min(self.least, score["energy_saved"])
        for outcome in score["outcomes"]:
            told = self.by.setdefault(outcome["sensors"], [0, 0])
            told[0] += outcome["heard"]
            told[1] += 1
            if outcome["sensors"] == "audio" and (level := words.get(round(outcome["start_s"], 2))) is not None:
                placed = self.levels.setdefault(max((x for x in LEVELS if x <= level), default=-math.inf), [0, 0])
                placed[0] += outcome["heard"]
                placed[1] += 1
            if outcome["heard"]:
                self.delays["audio" in outcome["sensors"]].append(outcome["delay_s"])

    def delay(self, spoken: bool) -> str:
        """That nine of ten do not exceed."""
        ordered = sorted(self.delays[spoken])
        return f"{ordered[max(0, math.ceil(0.9 * len(ordered)) - 1)]:.2f} s" if ordered else "-"

    def hourly(self) -> str:
        low, high = poisson(self.false)
        hours = self.seconds / 3600
        return f"{self.false / hours:.1f} ({low / hours:.1f} to {high / hours:.1f})"


def poisson(count: int) -> tuple[float, float]:
    """Exact 95 % interval of a Poisson count's mean, by halving."""
    def tail(mean: float, upto: int) -> float:
        return sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(upto + 1))

    def root(upto: int, share: float) -> float:
        low, high = 1e-9, 10.0 * (count + 10)
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle, upto) > share else (low, middle)
        return low

    return (root(count - 1, 0.975) if count else 0.0), root(count, 0.025)


def varied(text: str, folder: Path, changes: Mapping[tuple[str, str], str]) -> str:
    """The configuration's text with values of [section] key replaced (an empty one takes the key out), its paths made
    absolute."""
    text = re.sub(r"(?m)^model = (?!/)(.*)$", lambda m: f"model = {folder / m[1]}", text)
    for (section, key), value in changes.items():
        head, found, rest = text.partition(f"[{section}]\n")
        line = f"{key} = {value}\n" if value else ""
        if not found:
            text += f"\n[{section}]\n{line}" if line else ""
            continue
        body, *others = re.split(r"(?m)^(?=\[)", rest, maxsplit=1)
        body = re.sub(rf"(?m)^{re.escape(key)} *=.*\n", "", body)
        text = f"{head}{found}{line}{body}{''.join(others)}"
    return text


def evaluated(program: Path, stream: Path, config: Path) -> dict:
    run = subprocess.run([program, "evaluate", "--stream", stream, "--config", config, "--json"], capture_output=True,
                         text=True, check=False)
    if run.returncode:
        raise ToolError(f"{stream}: {run.stderr.strip()}", DATA)
    return json.loads(run.stdout)


def measured(program: Path, streams: Sequence[Path], config: Path) -> dict[str, Total]:
    """By kind of stream: `lively`, `company`, `empty`."""
    totals: dict[str, Total] = {}
    with ThreadPoolExecutor(2) as pool:
        for stream, score in zip(streams, pool.map(lambda s: evaluated(program, s, config), streams), strict=True):
            totals.setdefault(kind_of(stream), Total()).add(score, words_of(stream))
    return totals


def words_of(stream: Path) -> dict[float, float]:
    """By a command's start, how far its word is above all else, dB; nothing where that is not noted."""
    return {w["start_s"]: w["above_db"] for w in about_of(stream).get("words", ())}


def about_of(stream: Path) -> dict:
    """How it was made, where that is noted."""
    path = stream / "stream.json"
    return json.loads(path.read_text()) if path.exists() else {}


def kind_of(stream: Path) -> str:
    return next((k for k in ("company", "empty") if stream.name.startswith(k)), "lively")


def variants(beside: Path | None = None) -> dict[str, dict[tuple[str, str], str]]:
    """What changes, by name. `beside`: another model file, whose windows are told by everything on alone."""
    found: dict[str, dict[tuple[str, str], str]] = {"as it is": {}}
    points = {f"begin {begin}, level {level}": {("events", "begin"): str(begin), ("events", "begin-after-event"): "",
                                                 ("events", "level"): str(level)} for begin, level in POINTS}
    found |= {"no begin-after-event": {("events", "begin-after-event"): ""}} | points
    found |= {"prominence 0dB": {("events", "prominence"): "0dB"}, "distinct 0": {("events", "distinct"): "0"},
              "no activity check": {("gate", "activity-check"): "no"},
              "2 of 3 windows": VOTES, "full checks every 2 s": {("gate", "max-blind"): "2s"},
              "full checks every 30 s": {("gate", "max-blind"): "30s"}, "everything on": EVERYTHING}
    found |= {f"everything on, {name}": EVERYTHING | changes for name, changes in points.items()}
    found |= {"everything on, 2 of 3 windows": EVERYTHING | VOTES}
    if beside:
        other = EVERYTHING | {("daemon", "model"): str(beside.resolve())}
        found |= {f"{beside.stem}, everything on, {name}": other | votes(n, n)
                  for n, name in ((1, "each window"), (2, "2 of 2 windows"))}
    return found


PLAIN = ("", "Plain (`tools/streams --plain`): nobody stands in a room. Words and talk are as they were recorded,",
         "and the camera is turned at drawn scenes.")
COLUMNS = ("variant", "heard", "voice", "both", "hand", "wrong first", "repeats", "delay p90, voice",
           "delay p90, hand", "false an hour", "saved", "least of a stream")


def row(name: str, total: Total) -> str:
    by = ["{}/{}".format(*total.by.get(k, (0, 0))) for k in ("audio", "audio+image", "image")]
    cells = [name, f"{total.heard}/{total.commands}", *by, str(total.wrong_first), str(total.repeats),
             total.delay(True), total.delay(False), total.hourly(), f"{total.saved / total.seconds:.1%}",
             f"{total.least:.1%}"]
    return "| " + " | ".join(cells) + " |"


def document(results: Mapping[str, Mapping[str, Total]], command: str, config: str, picture: str,
             plain: bool = False) -> str:
    """`plain`: the streams were made with `tools/streams --plain`."""
    lines = [f"# Commands in {'plain ' if plain else ''}streams", "",
             f"Written by `{command}`; every figure was measured by it.", "",
             f"`{config}` as it is and with single settings changed. False events an hour with an exact 95 %",
             "interval; energy saved is the share of keeping every sensor awake and running everything, over all",
             "streams and in the one with the least. `everything on` has every sensor answer every window, through",
             "the same filter.",
             *(PLAIN if plain else ()),
             "", f"![heard against false events]({picture})"]
    titles = {"lively": "With commands", "company": "Talk and noise, no command", "empty": "Quiet, no command"}
    for kind, title in titles.items():
        found = {name: totals[kind] for name, totals in results.items() if kind in totals}
        if not found:
            continue
        hours = next(iter(found.values())).seconds / 3600
        lines += ["", f"## {title}: {hours:.2f} hours", "", "| " + " | ".join(COLUMNS) + " |",
                  "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
        lines += [row(name, total) for name, total in found.items()]
    told = {name: totals["lively"].levels for name, totals in results.items()
            if name in ("as it is", "everything on", "2 of 3 windows") and "lively" in totals}
    if any(told.values()):
        edges = [*LEVELS[1:], None]
        heads = [f"under {edges[0]:g} dB", *(f"{a:g} dB and more" if b is None else f"{a:g} to {b:g} dB"
                                             for a, b in zip(LEVELS[1:], edges[1:], strict=True))]
        lines += ["", "## Commands by voice alone, by how far the word is above all else that is heard with it", "",
                  "Loudest quarter second of each, as it is heard.", "", "| variant | " + " | ".join(heads) + " |",
                  "| --- |" + " ---: |" * len(heads)]
        lines += [f"| {name} | " + " | ".join("{}/{}".format(*found.get(x, (0, 0))) for x in LEVELS) + " |"
                  for name, found in told.items()]
    return "\n".join(lines) + "\n"


def draw(results: Mapping[str, Mapping[str, Total]], path: Path) -> None:
    """Share heard over false events an hour of all streams with commands; a point's area grows with what it saves."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    with plt.rc_context({"svg.hashsalt": "mmexit", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(7, 4.4))
        curves = {"other begin and level": ("as it is", "begin"), "everything on": ("everything on",)}
        for label, starts in curves.items():
            points = sorted((t["lively"].false * 3600 / t["lively"].seconds, t["lively"].heard / t["lively"].commands,
                             t["lively"].saved / t["lively"].seconds) for name, t in results.items()
                            if name.startswith(starts) and "2 of 3" not in name)
            axes.plot([p[0] for p in points], [p[1] for p in points], "-", linewidth=1, label=label)
            axes.scatter([p[0] for p in points], [p[1] for p in points], [10 + 150 * max(0, p[2]) for p in points])
        for name, totals in results.items():
            if name == "as it is" or not name.startswith(("begin", "everything on, begin")):
                t = totals["lively"]
                axes.annotate(f"{name} ({t.saved / t.seconds:.0%} saved)", (t.false * 3600 / t.seconds,
                              t.heard / t.commands), xytext=(5, -10), textcoords="offset points", fontsize=7)
                axes.plot([t.false * 3600 / t.seconds], [t.heard / t.commands], "k.")
        axes.set_xscale("symlog", linthresh=5)
        axes.set_xticks([0, 1, 2, 5, 10, 20, 50, 100, 200], ["0", "1", "2", "5", "10", "20", "50", "100", "200"])
        axes.set_xlim(-0.3, 600)
        axes.set_xlabel("false events an hour, streams with commands")
        axes.set_ylabel("share of commands heard")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--streams", type=Path, required=True, help="as tools/streams makes them")
    parser.add_argument("--out", type=Path, required=True, help="OUT.md and OUT.svg are written")
    parser.add_argument("--beside", type=Path, help="another model file, to tell by how hard the streams are")
    parser.add_argument("--mmexitctl", type=Path, default=ROOT / ".build/release/mmexitctl")
    args = parser.parse_args()
    streams = sorted(p.parent for p in args.streams.glob("*/truth.csv"))
    if not any(kind_of(s) == "lively" for s in streams):
        raise ToolError(f"{args.streams}: no truth.csv with commands in any folder; tools/streams makes some", DATA)
    if args.beside and not args.beside.is_file():
        raise ToolError(f"--beside {args.beside}: no such file; give a model file", NO_INPUT)
    kinds = {about_of(s).get("plain", False) for s in streams}
    if len(kinds) > 1:
        raise ToolError(f"{args.streams}: plain streams and others; a curve is of one kind", DATA)
    text, results = args.config.read_text(), {}
    with tempfile.TemporaryDirectory() as folder:
        for name, changes in variants(args.beside).items():
            config = Path(folder) / "variant.conf"
            config.write_text(varied(text, args.config.parent.resolve(), changes))
            results[name] = measured(args.mmexitctl, streams, config)
            say(row(name, results[name]["lively"]))
    command = f"python -m mmexit_tools.streams.curve --config {args.config} --streams STREAMS --out {args.out}"
    command += f" --beside {args.beside.name}" if args.beside else ""
    picture = args.out.with_suffix(".svg")
    draw(results, picture)
    args.out.with_suffix(".md").write_text(document(results, shlex.join(shlex.split(command)), args.config.name,
                                                    picture.name, kinds == {True}))


if __name__ == "__main__":
    sys.argv[0] = "mmexit_tools.streams.curve"
    exit_with(main)

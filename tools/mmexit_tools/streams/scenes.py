"""Scenes that change for hours: dusk, a covered lens, wind, a dead microphone, and all back.

    tools/scenes --data DATA --split test --scene night --prevalence 10 --seed 1 --out FOLDER

A scene is made of chapters of ten minutes, each planned as a stream is (talk below the words, the camera turned
about once a minute); what its sensors give is then dimmed, covered, drowned or silenced as the scene goes.
`--prevalence` is the share of time, in percent, in which a command is given: 1, 10 or 50. For 50 most commands are
hands held for six seconds. Writes recording.json, audio.wav, image.y4m, truth.csv, and stream.json with the phases.
"""

from __future__ import annotations

import argparse
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..base.errors import NO_INPUT, USAGE, ToolError, exit_with, say
from ..sources.robot_data import SPLITS, Material, material
from ..sources.robot_sounds import RATE
from ..sources.surroundings import Surroundings, surroundings
from .hearing import render
from .plans import BOTH, HAND, HOLDS, VOICE, WAYS, Manner, plan
from .seeing import Seen
from .writing import Line, truth, truth_text, write_json, write_video

CHAPTER = 600.0
"""Seconds that are planned and rendered at a time."""
PREVALENCES: Mapping[int, tuple[float, Manner]] = {
    1: (0.33, Manner(WAYS, HOLDS)),
    10: (3.3, Manner(WAYS, HOLDS)),
    50: (6.0, Manner({VOICE: 2 / 12, BOTH: 5 / 12, HAND: 5 / 12}, {HAND: 6.0, BOTH: 6.0})),
}
"""By percent of time: commands a minute, and how they are given."""
NIGHT = 0.015
"""Light of a night, as a share of the day's: a white wall is four levels of 255 bright."""
COVER = (9.0, 5.0, 4.0)
"""Colour of a lens that something lies on."""
WIND = 0.35
"""Root mean square of the wind in a microphone, of full scale, in a gust; a word near by has 0.1."""


@dataclass(frozen=True)
class Phase:
    """What the sensors give from `start` to `end`, seconds; light, wind and hearing go evenly."""

    name: str
    start: float
    end: float
    light: tuple[float, float] = (1.0, 1.0)
    wind: tuple[float, float] = (0.0, 0.0)
    gain: tuple[float, float] = (1.0, 1.0)
    covered: bool = False

    def at(self, pair: tuple[float, float], time: float) -> float:
        share = min(1.0, max(0.0, (time - self.start) / (self.end - self.start)))
        low, high = pair
        # Light is felt by its ratio.
        return low * (high / low) ** share if min(pair) > 0 else low + (high - low) * share

    @property
    def blind(self) -> bool:
        """Nobody could see a hand in it."""
        return self.covered or max(self.light) < 0.05

    @property
    def deaf(self) -> bool:
        return max(self.gain) == 0.0


def _phases(*parts: tuple[str, float, dict]) -> tuple[Phase, ...]:
    found, at = [], 0.0
    for name, minutes, what in parts:
        found.append(Phase(name, at, at + minutes * 60, **what))
        at += minutes * 60
    return tuple(found)


DARK = {"light": (NIGHT, NIGHT)}
WINDY = {"wind": (WIND, WIND)}
SCENES: Mapping[str, tuple[Phase, ...]] = {
    "night": _phases(("day", 20, {}), ("dusk", 10, {"light": (1.0, NIGHT)}), ("night", 30, DARK),
                     ("dawn", 10, {"light": (NIGHT, 1.0)}), ("day again", 20, {})),
    "covered": _phases(("clear", 30, {}), ("covered", 30, {"covered": True}), ("clear again", 30, {})),
    "wind": _phases(("calm", 20, {}), ("rising", 10, {"wind": (0.0, WIND)}), ("wind", 30, WINDY),
                    ("calm again", 30, {})),
    "deaf": _phases(("hearing", 30, {}), ("dead", 30, {"gain": (0.0, 0.0)}), ("hearing again", 30, {})),
    "faint": _phases(("loud", 20, {}), ("30 dB down", 60, {"gain": (10**-1.5, 10**-1.5)})),
    "storm": _phases(("calm day", 30, {}), ("windy night", 30, {**DARK, **WINDY}), ("all back", 30, {})),
    "steady": _phases(("day", 120, {})),
    "long": _phases(("day", 240, {})),
}


def gusts(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Wind in a microphone: noise below some 200 Hz that swells and falls within seconds; 1 in a gust."""
    rumble = signal.lfilter(*signal.butter(2, 200 / (RATE / 2)), rng.standard_normal(count)).astype(np.float32)
    rumble /= np.sqrt(np.mean(rumble**2)) + 1e-12
    hiss = signal.lfilter(*signal.butter(1, 2500 / (RATE / 2)), rng.standard_normal(count)).astype(np.float32)
    hiss /= np.sqrt(np.mean(hiss**2)) + 1e-12
    points = max(2, count // RATE)
    swell = np.interp(np.arange(count), np.linspace(0, count, points), rng.uniform(0.35, 1.0, points))
    return ((rumble + np.float32(0.3) * hiss) * swell).astype(np.float32)


def heard(rng: np.random.Generator, pcm: NDArray[np.int16], start: float,
          phases: tuple[Phase, ...]) -> NDArray[np.int16]:
    """The chapter's sound that begins at `start`, as the scene lets it be."""
    times = start + np.arange(0, len(pcm), RATE) / RATE
    seconds = np.append(times, times[-1] + 1)
    gain = np.array([_value(phases, t, lambda p: p.gain) for t in seconds])
    wind = np.array([_value(phases, t, lambda p: p.wind) for t in seconds])
    if np.all(gain == 1) and np.all(wind == 0):
        return pcm
    at = np.minimum(np.arange(len(pcm)) // RATE, len(seconds) - 1)
    sound = pcm.astype(np.float32) / 32768 * gain[at].astype(np.float32)
    if np.any(wind > 0):
        sound += gusts(rng, len(pcm)) * (wind[at] * (gain[at] > 0)).astype(np.float32)
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def seen(rng: np.random.Generator, frames: Iterator[NDArray[np.uint8]], rate: int, start: float,
         phases: tuple[Phase, ...]) -> Iterator[NDArray[np.uint8]]:
    """The chapter's pictures, as the scene lets them be. A sensor's own noise stays when the light goes."""
    grain: list[NDArray[np.float32]] = []
    still: dict[int, tuple[NDArray[np.uint8], float, NDArray[np.uint8]]] = {}
    for number, frame in enumerate(frames):
        now = start + number / rate
        phase = _phase(phases, now)
        light = phase.at(phase.light, now)
        if light == 1 and not phase.covered:
            yield frame
            continue
        if not grain:
            grain = [rng.normal(0, 1.5, frame.shape).astype(np.float32) for _ in range(8)]
        place = number % len(grain)
        before = still.get(place)
        if before is None or before[1] != light or (before[0] is not frame and not phase.covered):
            picture = np.broadcast_to(np.float32(COVER), frame.shape) if phase.covered else frame * np.float32(light)
            before = (frame, light, np.clip(np.rint(picture + grain[place]), 0, 255).astype(np.uint8))
            still[place] = before
        yield before[2]


def _phase(phases: tuple[Phase, ...], time: float) -> Phase:
    return next((p for p in phases if time < p.end), phases[-1])


def _value(phases: tuple[Phase, ...], time: float, part: Callable[[Phase], tuple[float, float]]) -> float:
    phase = _phase(phases, time)
    return phase.at(part(phase), time)


def possible(line: Line, phases: tuple[Phase, ...]) -> Line | None:
    """The line with the sensors that could tell it; nothing where none could."""
    phase = _phase(phases, (line.start + line.end) / 2)
    lost = {HAND: phase.blind, VOICE: phase.deaf}
    sensors = "+".join(s for s in line.sensors.split("+") if not lost[s])
    return Line(line.start, line.end, line.label, sensors) if sensors else None


@cache
def _people(data: Path, split: str) -> tuple[Material, Surroundings]:
    return material(data, split), surroundings(data, split)


def make(scene: str, data: Path, split: str, prevalence: int, seed: int, rate: int, out: Path) -> list[Line]:
    """Makes the scene in the folder `out`, and returns its truth. The same request and data give the same bytes."""
    phases = SCENES[scene]
    per_minute, manner = PREVALENCES[prevalence]
    source, around = _people(data, split)
    out.mkdir(parents=True, exist_ok=True)
    lines: list[Line] = []
    starts = np.arange(0.0, phases[-1].end, CHAPTER)
    with wave.open(str(out / "audio.wav"), "wb") as sound, (out / "image.y4m").open("wb") as video:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        for number, start in enumerate(starts.tolist()):
            rng = np.random.default_rng([seed, 7307, prevalence, number, *scene.encode()])
            planned = plan(rng, "talk", min(CHAPTER, phases[-1].end - start), per_minute, manner)
            said = render(rng, planned, source, around)
            sound.writeframes(heard(rng, said.pcm, start, phases).astype("<i2").tobytes())
            pictures = Seen(planned, rate, source, around, rng).frames()
            write_video(video, seen(rng, pictures, rate, start, phases), rate, header=number == 0)
            told = truth(planned, said.spans, [bool(source.photos[c.label]) for c in planned.commands])
            moved = [Line(ln.start + start, ln.end + start, ln.label, ln.sensors) for ln in told]
            lines += [ln for ln in (possible(m, phases) for m in moved) if ln is not None]
    (out / "truth.csv").write_text(truth_text(lines))
    write_json(out / "stream.json", {
        "made_by": "mmexit_tools.streams.scenes", "scene": scene, "split": split, "seed": seed,
        "prevalence": prevalence, "seconds": phases[-1].end, "commands": len(lines),
        "phases": [{"name": p.name, "start_s": p.start, "end_s": p.end} for p in phases]})
    write_json(out / "recording.json", {
        "format": 1, "name": f"{scene}-{prevalence}-{split}-{seed}", "sensors": [
            {"name": "audio", "kind": "sound", "file": "audio.wav"},
            {"name": "image", "kind": "image", "file": "image.y4m"}],
        "labels": "truth.csv"})
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="scenes", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=(*SPLITS, "all"), required=True, help="whose voices, hands and rooms")
    parser.add_argument("--scene", choices=sorted(SCENES), required=True)
    parser.add_argument("--prevalence", type=int, choices=sorted(PREVALENCES), default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fps", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if not args.data.is_dir():
        raise ToolError(f"--data {args.data}: no such folder", NO_INPUT)
    if args.seed < 0 or not 1 <= args.fps <= 30:
        raise ToolError("--seed >= 0 and --fps in 1...30 are wanted", USAGE)
    if (args.out / "recording.json").exists():
        raise ToolError(f"{args.out}: holds a recording; choose another --out, or remove it", USAGE)
    lines = make(args.scene, args.data, args.split, args.prevalence, args.seed, args.fps, args.out)
    size = sum(f.stat().st_size for f in args.out.iterdir())
    minutes = SCENES[args.scene][-1].end / 60
    given = sum(ln.end - ln.start for ln in lines) / 60 / minutes
    say(f"{args.out}: {minutes:g} min, {len(lines)} commands, {100 * given:.1f} % of the time, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    exit_with(main, "scenes")

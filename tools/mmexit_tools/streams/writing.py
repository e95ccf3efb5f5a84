"""Writes a stream as the daemon replays it: `recording.json`, `audio.wav`, `image.y4m`, and beside them `truth.csv`
(what is to be heard and seen when) and `stream.json` (how it was made, and of whom).
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.readers import wav_bytes
from ..sources.robot_data import material
from ..sources.robot_scenes import HEIGHT, WIDTH
from ..sources.robot_sounds import RATE
from ..sources.surroundings import surroundings
from .hearing import Heard, render
from .plans import BOTH, HAND, VOICE, Plan, plan
from .seeing import Seen

RED, GREEN, BLUE = (0.299, 0.587, 0.114)
"""Luma of BT.601, which Y4M readers assume."""
TRUTH = ("start_s", "end_s", "label", "sensors")


@dataclass(frozen=True)
class Request:
    """A stream to be made. `split`: whose people are in it; `plain`: without echoes and photos of rooms.

    The same request and data give the same bytes."""

    scene: str
    split: str
    seed: int
    minutes: float = 4.0
    per_minute: float = 3.0
    frames_per_second: int = 10
    plain: bool = False

    @property
    def name(self) -> str:
        return f"{self.scene}{'-plain' if self.plain else ''}-{self.split}-{self.seed}"


@dataclass(frozen=True)
class Line:
    """A line of `truth.csv`: seconds, label, and the sensors that could tell, joined by `+`."""

    start: float
    end: float
    label: str
    sensors: str


def make(request: Request, data: Path, out: Path) -> list[Line]:
    """Makes the stream in the folder `out`, which is made too, and returns its truth."""
    rng = np.random.default_rng([request.seed, 7305, *request.scene.encode()])
    source, around = material(data, request.split), surroundings(data, request.split)
    if request.plain:
        around = replace(around, echoes=[], photos=[], strange_hands=[])
    planned = plan(rng, request.scene, request.minutes * 60, request.per_minute)
    heard = render(rng, planned, source, around)
    seen = Seen(planned, request.frames_per_second, source, around, rng)
    out.mkdir(parents=True, exist_ok=True)
    (out / "audio.wav").write_bytes(wav_bytes(heard.pcm, RATE))
    with (out / "image.y4m").open("wb") as file:
        write_video(file, seen.frames(), request.frames_per_second)
    lines = truth(planned, heard.spans, [bool(source.photos[c.label]) for c in planned.commands])
    (out / "truth.csv").write_text(truth_text(lines))
    about = {"made_by": "mmexit_tools.streams", **asdict(request), "seconds": planned.seconds,
             "commands": len(lines), "words": levels(lines, heard), "of": sorted(heard.names | seen.names)}
    write_json(out / "stream.json", about)
    # Last: a folder that has it is whole.
    write_json(out / "recording.json", {
        "format": 1, "name": request.name, "sensors": [
            {"name": "audio", "kind": "sound", "file": "audio.wav"},
            {"name": "image", "kind": "image", "file": "image.y4m"}],
        "labels": "truth.csv"})
    return lines


def truth(planned: Plan, spans: Iterable[tuple[float, float] | None], shown: Iterable[bool]) -> list[Line]:
    """What can be told of the plan: a word that nobody of the split says, a sign that nobody shows, is left out.

    A hand counts from when it is up until it goes down, and until the word's end where that is later."""
    lines = []
    for command, span, visible in zip(planned.commands, spans, shown, strict=True):
        signed = visible and command.way != VOICE
        if span is None and not signed:
            continue
        start, end = (command.start, command.end) if signed else span or (0.0, 0.0)
        if signed and span is not None:
            start, end = min(start, span[0]), max(end, span[1])
        way = HAND if span is None else BOTH if signed else VOICE
        lines.append(Line(start, end, command.label, way))
    return lines


def levels(lines: Iterable[Line], heard: Heard) -> list[dict[str, float]]:
    """Of each line with a word its start, and how far the word is above all else that is heard with it."""
    spoken = [(s, a) for s, a in zip(heard.spans, heard.above, strict=True) if s is not None]
    found = []
    for line in lines:
        inside = [a for (start, _), a in spoken if line.start <= start <= line.end]
        if VOICE in line.sensors.split("+") and inside and inside[0] is not None:
            found.append({"start_s": round(line.start, 2), "above_db": inside[0]})
    return found


def truth_text(lines: Iterable[Line]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(TRUTH)
    table.writerows([f"{line.start:.2f}", f"{line.end:.2f}", line.label, line.sensors] for line in lines)
    return text.getvalue()


def read_truth(path: Path) -> list[Line]:
    with path.open(newline="", encoding="utf-8") as file:
        return [Line(float(r["start_s"]), float(r["end_s"]), r["label"], r["sensors"]) for r in csv.DictReader(file)]


def write_json(path: Path, value: dict) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(part, path)


def write_video(file: io.BufferedIOBase, frames: Iterable[NDArray[np.uint8]], rate: int, header: bool = True) -> None:
    """Full-range 4:2:0 YUV4MPEG2, frame by frame; without `header` it goes on."""
    if header:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{rate}:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n".encode())
    # The frames written last, with their bytes: a picture that comes again is converted once.
    recent: dict[int, tuple[NDArray[np.uint8], bytes]] = {}
    for number, frame in enumerate(frames):
        known = next((data for other, data in recent.values() if other is frame), None)
        if known is None:
            known = b"".join(plane.tobytes() for plane in planes(frame))
            recent[number % 16] = (frame, known)
        file.write(b"FRAME\n")
        file.write(known)


def planes(frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Luma [h, w] and the two chromas [h/2, w/2] of an RGB picture of even sides."""
    red, green, blue = (frame[..., c].astype(np.float32) for c in range(3))
    luma = RED * red + GREEN * green + BLUE * blue
    small = [x.reshape(x.shape[0] // 2, 2, -1, 2).mean((1, 3)) for x in (luma, red, blue)]
    chroma = [128 + (small[2] - small[0]) / (2 - 2 * BLUE), 128 + (small[1] - small[0]) / (2 - 2 * RED)]
    first, second, third = (np.clip(np.rint(x), 0, 255).astype(np.uint8) for x in (luma, *chroma))
    return first, second, third

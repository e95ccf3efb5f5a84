"""Streams to measure the daemon with: one, or a set of them.

    tools/streams --data DATA --split test --scene talk --seed 3 --out FOLDER
    tools/streams --data DATA --split test --set lively --out FOLDER

A set is a folder of streams: `lively` nine of four minutes with 12 commands each, of three kinds; `changing` six
more (noise after which somebody speaks, scenes and lights that change, all at once); `empty` and `company` three
hours each in pieces of half an hour, silent, or with talk and noise, and without a command. With `--plain` nobody
stands in a room: words and talk are as they were recorded, and the camera is turned at drawn scenes, not at photos.
Streams that are there already are not made again.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from ..base.errors import NO_INPUT, USAGE, ToolError, exit_with, say
from ..sources.robot_data import SPLITS
from .plans import SCENES
from .writing import Request, make, read_truth

SETS: dict[str, tuple[tuple[str, ...], int, float, int]] = {
    "lively": (("quiet", "talk", "noise"), 3, 4.0, 10),
    "changing": (("after-noise", "lights", "lively"), 2, 4.0, 10),
    "empty": (("empty",), 6, 30.0, 4),
    "company": (("company",), 6, 30.0, 4),
}
"""Scenes, streams of each, minutes of each, frames a second."""


def requests(args: argparse.Namespace) -> list[Request]:
    """The streams that were asked for. Raises ToolError where neither a scene nor a set was, or both."""
    if (args.scene is None) == (args.set is None):
        raise ToolError("give either --scene or --set", USAGE)
    if args.seed < 0 or not 0 < args.minutes <= 600 or args.per_minute < 0 or not 1 <= args.fps <= 30:
        raise ToolError("--seed >= 0, --minutes in (0, 600], --per-minute >= 0 and --fps in 1...30 are wanted", USAGE)
    if args.scene:
        return [Request(args.scene, args.split, args.seed, args.minutes, args.per_minute, args.fps, args.plain)]
    scenes, count, minutes, rate = SETS[args.set]
    seeds = range(args.seed, args.seed + count)
    return [Request(s, args.split, seed, minutes, args.per_minute, rate, args.plain)
            for s in scenes for seed in seeds]


def main() -> None:
    parser = argparse.ArgumentParser(prog="streams", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=(*SPLITS, "all"), required=True, help="whose voices, hands and rooms")
    parser.add_argument("--scene", choices=sorted(SCENES))
    parser.add_argument("--set", choices=sorted(SETS))
    parser.add_argument("--seed", type=int, default=1, help="of the stream, or of a set's first")
    parser.add_argument("--minutes", type=float, default=4.0, help="of a single stream")
    parser.add_argument("--per-minute", type=float, default=3.0, help="commands a minute: how prevalent they are")
    parser.add_argument("--fps", type=int, default=10, help="pictures a second, of a single stream")
    parser.add_argument("--plain", action="store_true", help="no echoes, and no photos of rooms")
    parser.add_argument("--out", type=Path, required=True, help="the stream's folder; a set's, of streams")
    args = parser.parse_args()
    if not args.data.is_dir():
        raise ToolError(f"--data {args.data}: no such folder", NO_INPUT)
    for request in requests(args):
        folder = args.out / request.name if args.set else args.out
        if (folder / "recording.json").exists():
            made = json.loads((folder / "stream.json").read_text())
            wanted = {k: getattr(request, k) for k in ("scene", "split", "seed", "minutes", "per_minute", "plain")}
            if any(made.get(k, False) != v for k, v in wanted.items()):
                raise ToolError(f"{folder}: holds another stream; choose another --out, or remove it", USAGE)
            lines, note = read_truth(folder / "truth.csv"), " (was there)"
        else:
            lines, note = make(request, args.data, folder), ""
        ways = Counter(line.sensors for line in lines)
        size = sum(f.stat().st_size for f in folder.iterdir())
        given = ", ".join(f"{n} by {way}" for way, n in sorted(ways.items())) or "no command"
        say(f"{folder}: {request.minutes:g} min, {given}, {size / 1e6:.1f} MB{note}")


if __name__ == "__main__":
    exit_with(main)

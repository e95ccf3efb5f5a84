"""A manifest of robot-command windows in a chosen mix (`mmexit_tools.manifests` always takes the standard one).

python -m mmexit_tools.manifests.robot_manifest --data DIR --split test --mix deployment --count 1000 --out DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.errors import CANNOT_CREATE, NO_INPUT, USAGE, ToolError, exit_with, say
from ..signals.windows import SPLITS
from ..tasks import robot_command as task
from .writing import write_manifest


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", required=True, choices=SPLITS)
    parser.add_argument("--mix", choices=sorted(task.MIXES), default="standard")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.count < 1 or args.seed < 0:
        raise ToolError("--count must be at least 1 and --seed at least 0", USAGE)
    if not args.data.is_dir():
        raise ToolError(f"--data {args.data}: no such folder", NO_INPUT)
    if (args.out / "manifest.csv").exists():
        raise ToolError(f"--out {args.out}: has a manifest.csv already; choose another folder", CANNOT_CREATE)
    count = write_manifest(
        task.windows(args.data, args.split, args.count, args.seed, args.mix), task.MODALITIES, args.out
    )
    say(f"{args.out / 'manifest.csv'}: {count} windows, {args.mix} mix, {args.split}, seed {args.seed}")


if __name__ == "__main__":
    exit_with(_main)

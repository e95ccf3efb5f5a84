"""Evaluation manifests: labelled windows as files, for `mmexitctl evaluate`.

    python -m mmexit_tools.manifests --task avmnist --data DIR --split test --count 1000 --seed 1 --out DIR

DIR is laid out like the project's data folder (a smaller or a different one does: where a split has nothing in it,
all there is takes its place, said on stderr). Writes OUT/manifest.csv with header `label,<modality>,...`, one
window a row; WAV (PCM16 mono), PGM/PPM and .npy files lie beside it; the cell of a missing modality is empty.
The same arguments on the same data give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from ..base.errors import CANNOT_CREATE, NO_INPUT, USAGE, ToolError, say
from ..base.readers import picture_bytes, vector_bytes, wav_bytes
from ..signals.windows import SPLITS, Picture, Signal, Sound, Window
from ..tasks import MODULES, load


def write_manifest(windows: Iterable[Window], modalities: tuple[str, ...], out: Path) -> int:
    """Writes the windows under `out`; returns how many."""
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["label", *modalities])
    count = 0
    for m in modalities:
        (out / m).mkdir(parents=True, exist_ok=True)
    for count, window in enumerate(windows, 1):
        cells = [window.label]
        for m in modalities:
            if m not in window.inputs:
                cells.append("")
                continue
            suffix, content = encode(window.inputs[m])
            name = f"{m}/{count:06d}{suffix}"
            (out / name).write_bytes(content)
            cells.append(name)
        table.writerow(cells)
    if count == 0:
        raise ToolError("the task gave no windows for this split and count")
    (out / "manifest.csv").write_text(rows.getvalue())
    return count


def encode(signal: Signal) -> tuple[str, bytes]:
    """File suffix and content."""
    if isinstance(signal, Sound):
        return ".wav", wav_bytes(signal.pcm, signal.rate)
    if isinstance(signal, Picture):
        return (".pgm" if signal.pixels.ndim == 2 else ".ppm"), picture_bytes(signal.pixels)
    return ".npy", vector_bytes(signal.values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True, choices=sorted(MODULES))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", required=True, choices=SPLITS)
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
    task = load(args.task)
    modalities = tuple(m.name for m in task.network(args.data).modalities)
    count = write_manifest(task.windows(args.data, args.split, args.count, args.seed), modalities, args.out)
    say(f"{args.out / 'manifest.csv'}: {count} windows of {args.task} {args.split}, seed {args.seed}")

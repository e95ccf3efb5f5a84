"""What a cell of the comparison gave, as a small file that is kept: rows and curves of one training and seed.

The document is made from these files alone; windows and weights are not needed for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..base.errors import ToolError
from .gates import Curve, Point
from .measured import Row, TaskResult, named

FORM = 1
"""Of the files."""


def name_of(task: str, training: str, seed: int) -> str:
    return f"{task}.{training}.s{seed}.json"


def write_cell(folder: Path, found: TaskResult, training: str, seed: int, about: Mapping[str, object]) -> Path:
    """`found` holds this training's rows and curves only. Atomic; the same bytes for the same result."""
    lf = found.lf
    content = {
        "form": FORM, "task": found.name, "training": training, "seed": seed, **about,
        "modalities": found.modalities, "windows": found.windows, "lf": _numbers(lf),
        "rows": [{k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(r).items()} for r in found.rows],
        "curves": {m: {s: [_numbers(p) for p in getattr(c[seed], s)] for s in ("validation", "test")}
                   for m, c in found.curves.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(found.name, training, seed)
    part = folder / f".{path.name}.part{os.getpid()}"
    part.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    os.replace(part, path)
    return path


def _numbers(point: Point) -> list[float]:
    return [round(point.accuracy, 5), round(point.f1, 5), round(point.macs), round(point.parameters)]


def _point(numbers: Sequence[float]) -> Point:
    accuracy, f1, macs, parameters = numbers
    return Point(np.array([accuracy]), f1, macs, parameters)


def read_cells(folder: Path, task: str) -> tuple[TaskResult | None, dict[tuple[str, int], dict]]:
    """All cells of a task as one result, and by (training, seed) what each file says about itself."""
    result: TaskResult | None = None
    about = {}
    for path in sorted(folder.glob(f"{task}.*.json")):
        try:
            cell = json.loads(path.read_text())
            if cell["form"] != FORM:
                raise ValueError(f"form {cell['form']}")
            if result is None:
                result = TaskResult(task, tuple(cell["modalities"]), tuple(cell["windows"]), _point(cell["lf"]))
            result.rows += [Row(**r) for r in cell["rows"]]
            for method, splits in cell["curves"].items():
                curve = Curve(*([_point(n) for n in splits[s]] for s in ("validation", "test")))
                result.curves.setdefault(method, {})[cell["seed"]] = curve
        except (ValueError, KeyError, TypeError) as error:
            raise ToolError(f"{path}: not a cell of the comparison ({error}); remove it, and it is made "
                            "again") from error
        about[(cell["training"], cell["seed"])] = {k: cell.get(k) for k in ("size", "versions", "apart")}
    if result is not None:
        result.rows.sort(key=lambda r: (r.method, r.seed))
        result.curves = {m: dict(sorted(c.items())) for m, c in sorted(result.curves.items())}
        named(result)
    return result, about

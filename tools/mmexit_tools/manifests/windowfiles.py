"""Reading an evaluation manifest back into windows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import NO_INPUT, ToolError
from ..base.readers import read_picture, read_sound, read_vector
from ..model.layers import Network
from ..signals.features import ImageFeatures, SpectrogramFeatures
from ..signals.windows import Picture, Signal, Sound, Vector, Window


def read_manifest(path: Path, network: Network) -> Iterator[Window]:
    """The windows of a manifest, one row at a time. Raises ToolError naming the row that is wrong."""
    try:
        with path.open(newline="") as lines:
            yield from _rows(path, csv.reader(lines), network)
    except FileNotFoundError:
        raise ToolError(f"{path}: no such manifest", NO_INPUT) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ToolError(f"{path}: not a CSV file in UTF-8 ({error})") from error


def _rows(path: Path, rows: Iterator[list[str]], network: Network) -> Iterator[Window]:
    head = next(rows, [])
    names = {m.name: m for m in network.modalities}
    if head[:1] != ["label"] or not set(head[1:]) <= set(names):
        raise ToolError(f"{path}: header must be label,{','.join(names)}, is {','.join(head)}")
    for number, row in enumerate(rows, 2):
        if len(row) != len(head):
            raise ToolError(f"{path} line {number}: {len(row)} cells, the header has {len(head)}")
        if row[0] not in network.classes:
            raise ToolError(f"{path} line {number}: label {row[0]!r} is not one of the model's classes")
        cells = zip(head[1:], row[1:], strict=True)
        yield Window(row[0], {m: read_signal(path.parent / c, names[m].features) for m, c in cells if c})


def read_signal(path: Path, features: object) -> Signal:
    if isinstance(features, SpectrogramFeatures):
        return Sound(read_sound(path, features.sample_rate), features.sample_rate)
    if isinstance(features, ImageFeatures):
        return Picture(read_picture(path))
    return Vector(read_vector(path))

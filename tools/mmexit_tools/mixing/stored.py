"""Arrays that take minutes to make, kept in a work folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..base.arrays import write_arrays


def stored(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of `path`, made first where it is not there. Atomic: a killed run leaves no half file."""
    if not path.exists():
        write_arrays(path, **make())
    with np.load(path) as file:
        return {name: file[name] for name in file.files}

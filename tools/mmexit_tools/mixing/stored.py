"""Arrays that take minutes to make, kept in a work folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np


def stored(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of `path`, made first where it is not there. Atomic: a killed run leaves no half file."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part.npz")
        np.savez(part, **make())  # type: ignore[arg-type]
        os.replace(part, path)
    with np.load(path) as file:
        return {name: file[name] for name in file.files}

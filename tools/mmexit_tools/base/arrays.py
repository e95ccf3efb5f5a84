"""Files of arrays that take long to make: where they go is tried first, and a killed run leaves no half file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from .errors import CANNOT_CREATE, DATA, NO_INPUT, ToolError


def check_place(path: Path) -> None:
    """Makes the folder of a file that is to be written. Raises ToolError where no file can be there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _part(path)
        part.touch()
        part.unlink()
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder")
    except OSError as error:
        raise ToolError(f"{path}: cannot be written ({error}); name another file", CANNOT_CREATE) from None


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """An `.npz` under just this name, in place of what was there; its folder is made. Raises ToolError where it
    cannot be written."""
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        raise ToolError(f"{path}: cannot be written ({error})", CANNOT_CREATE) from None


def read_arrays(path: Path, names: tuple[str, ...], made_by: str) -> list[np.ndarray]:
    """These arrays of an `.npz`. Raises ToolError for another file, with the command that makes the right one."""
    try:
        with np.load(path) as file:
            return [file[name] for name in names]
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file; {made_by} --out writes it", NO_INPUT) from None
    except (KeyError, ValueError, TypeError, IndexError, EOFError, OSError, BadZipFile) as error:
        raise ToolError(f"{path}: not what {made_by} wrote ({error})", DATA) from None


def told_apart(paths: Iterable[Path]) -> str:
    """A short name for what these files hold. Raises ToolError where one cannot be read."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise ToolError(f"{path}: cannot be read ({error.strerror})", NO_INPUT) from None
    return digest.hexdigest()[:12]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")

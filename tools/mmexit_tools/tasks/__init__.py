"""What a task is, and the list of tasks.

A task is a module of this package that offers what the `Task` protocol names. It is imported only when it is
asked for, so that one task's needs are not another's.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from ..base.errors import USAGE, ToolError
from ..model.layers import Network
from ..signals.windows import Window

MODULES = {"avmnist": "avmnist", "robot-command": "robot_command", "mosi": "mosi", "folder": "folder"}
VARIED = {"avmnist": "varied_digits"}
"""Modules with a task's windows as varied as a daemon's, where there is one."""


class Task(Protocol):
    """The names every task module defines."""

    CLASSES: tuple[str, ...]
    NONE: str | None
    MODALITIES: tuple[str, ...]
    PROVENANCE: dict
    """Data sets, licences, splits, shares and levels, as the model card and the model file state them."""

    def windows(self, data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
        """`count` windows of a split, the benchmark itself; the same for the same seed."""
        ...

    def training_windows(self, data: Path, count: int, seed: int) -> Iterator[Window]:
        """`count` windows of the train split as training wants them (augmented, easier ones mixed in)."""
        ...

    def network(self, data: Path, exits: int = 2) -> Network:
        """The network trained for this task with so many exits per modality (`data`: for statistics of vectors
        only)."""
        ...


class Varied(Protocol):
    """Windows of held-out material as varied as a daemon's."""

    PROVENANCE: str
    """What they are, for the model card."""

    def windows(self, data: Path, split: str, count: int, seed: int) -> Iterator[Window]:
        """`count` windows of a split; the same for the same seed."""
        ...

    def teaching_windows(self, data: Path, count: int, seed: int) -> Iterator[Window]:
        """`count` windows that teach gain heads and judge nothing."""
        ...


def load_varied(name: str) -> Varied:
    """The varied windows of a task. Raises ToolError where it has none."""
    if name not in VARIED:
        raise ToolError(f"--varied: {name} has no varied windows; {', '.join(VARIED)} has", USAGE)
    return cast(Varied, importlib.import_module(f".{VARIED[name]}", __name__))


def load(name: str) -> Task:
    """The task of that name. Raises ToolError for an unknown one."""
    if name not in MODULES:
        raise ToolError(f"--task {name}: choose one of {', '.join(MODULES)}", USAGE)
    return cast(Task, importlib.import_module(f".{MODULES[name]}", __name__))

"""What a task is, and the list of tasks.

A task is a module of this package that offers what the `Task` protocol names. It is imported only when it is
asked for, so that one task's needs are not another's.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import USAGE, ToolError
from ..networks import Network

MODULES = {"avmnist": "avmnist", "robot-command": "robot_command", "mosi": "mosi", "folder": "folder"}
SPLITS = ("train", "validation", "test", "all")


@dataclass(frozen=True)
class Sound:
    """16-bit mono PCM."""

    pcm: NDArray[np.int16]
    rate: int


@dataclass(frozen=True)
class Picture:
    """uint8 [h, w] or [h, w, 3]."""

    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Vector:
    """float32 [n]."""

    values: NDArray[np.float32]


Signal = Sound | Picture | Vector


@dataclass(frozen=True)
class Window:
    """One labelled window. A modality without a signal is missing.

    `seen` states what one modality alone can know where that differs from the label (a hand that says
    nothing while the voice says `go`): the exits of that modality are trained on it.
    """

    label: str
    inputs: Mapping[str, Signal]
    seen: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    """What this window shares with others, by kind (the speaker, the recording of the word): windows of one group
    are not independent, and calibration counts its effective sample by them."""


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


def load(name: str) -> Task:
    """The task of that name. Raises ToolError for an unknown one."""
    if name not in MODULES:
        raise ToolError(f"--task {name}: choose one of {', '.join(MODULES)}", USAGE)
    return cast(Task, importlib.import_module(f".{MODULES[name]}", __name__))

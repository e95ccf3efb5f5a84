"""How much the comparison trains on, by size and task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..model.layers import Network
from ..tasks import Task, avmnist


@dataclass(frozen=True)
class Size:
    """`train`: windows of an epoch; `variants`: draws of them that take turns, two epochs each; `start`, `epochs`: of
    the trained network that Algorithm 1 begins with, and of each method after it (even: the last one trains fusion).

    `side`: of avmnist's spectrogram."""

    train: int
    validation: int
    test: int
    start: int
    epochs: int
    variants: int = 1
    batch: int = 64
    rate: float = 2e-3
    weight_decay: float = 1e-3
    side: int = 112
    exits: int | None = None
    """Per modality where --exits says nothing (0: behind every layer); None: two."""
    only: tuple[str, ...] = ()
    """The trainings of this row of the size; all without it."""
    alone: int = 0
    """Epochs alone of a cheap modality; as many as the others' where 0."""
    taught: int = 0
    """Validation windows that our gates are taught and chosen on, the first of them those that all methods have;
    where 0, those alone."""

    def exits_of(self, asked: int | None) -> int:
        return 2 if asked is None and self.exits is None else self.exits if asked is None else asked


SMALL_MOSI = Size(0, 0, 0, 12, 12, batch=32, rate=1e-3, weight_decay=1e-2)
SIZES: dict[str, dict[str, Size]] = {
    "mixed": {
        "avmnist": Size(6_000, 5_000, 6_000, 6, 6, variants=6, side=56, exits=0, alone=36, taught=20_000),
        "avmnist-112": Size(16_000, 5_000, 6_000, 6, 6, variants=3, exits=0, alone=36, taught=20_000,
                            only=("lf", "ours", "lf-alone", "mmexit-signed", "uni-image", "uni-audio")),
        "robot-command": Size(2_000, 1_000, 1_000, 4, 4),
        "mosi": SMALL_MOSI,
    },
    "full": {
        "avmnist": Size(20_000, 5_000, 5_000, 8, 8, variants=8),
        "robot-command": Size(12_000, 4_000, 4_000, 8, 8, variants=4),
        "mosi": Size(0, 0, 0, 12, 12, batch=32, rate=1e-3, weight_decay=1e-2),
    },
    "small": {
        "avmnist": Size(6_000, 2_000, 2_000, 6, 6, variants=6, side=56),
        "robot-command": Size(2_000, 1_000, 1_000, 4, 4),
        "mosi": Size(0, 0, 0, 12, 12, batch=32, rate=1e-3, weight_decay=1e-2),
    },
    "tiny": {
        "avmnist": Size(96, 64, 64, 2, 2, batch=32, side=28),
        "robot-command": Size(64, 48, 48, 2, 2, batch=32),
        "mosi": Size(96, 64, 64, 2, 2, batch=32),
    },
}
"""0 windows: all that the split has. `TASK-SIDE` is a second row of a task."""


def task_name(name: str) -> str:
    """The task of a row of a size."""
    return name.removesuffix("-112")


def network_of(task: Task, data: Path, exits: int, size: Size) -> Network:
    """The task's network at this size."""
    if task is avmnist:
        return avmnist.network(data, exits, size.side)
    return task.network(data, exits)

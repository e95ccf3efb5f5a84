"""A labelled window: what each sensor gave, as the data have it, before any features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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

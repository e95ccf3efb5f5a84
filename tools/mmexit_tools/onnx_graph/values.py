"""Values of the exact evaluation: whole numbers beside their scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """numbers * scale / count; without a scale, a real number as it is. The arrays go together. `sums`: what a layer
    with weights gives, to which a constant is added in its steps."""

    numbers: Array
    scale: Array | None = None
    count: Array = field(default_factory=lambda: np.ones(()))
    sums: bool = False

    @property
    def is_code(self) -> bool:
        """A whole tensor of codes: whole numbers of one scale."""
        return (self.scale is not None and self.scale.size == 1 and self.count.size == 1 and not self.sums
                and self.count.reshape(-1)[0] == 1)

    @property
    def value(self) -> Array:
        return self.numbers if self.scale is None else self.numbers * self.scale / self.count

    def over(self, scale: Array, kind: DTypeLike) -> NDArray:
        """The value in units of `scale`, in float32 or float64."""
        numbers, out = self.numbers.astype(kind), scale.astype(kind)
        if self.scale is None:
            return numbers / out
        return numbers * (self.scale.astype(kind) / out / self.count.astype(kind))

    def moved(self, change: Callable[[NDArray], NDArray]) -> Term:
        """Every array through a change of places."""
        full = [None if a is None else change(np.broadcast_to(a, self.numbers.shape))
                for a in (self.numbers, self.scale, self.count)]
        return Term(*full, self.sums)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Real:
    """The sum of its terms, between bounds."""

    terms: tuple[Term, ...]
    low: float = -np.inf
    high: float = np.inf

    @property
    def value(self) -> Array:
        return np.clip(sum(t.value for t in self.terms), self.low, self.high)

    def over(self, scale: Array, kind: DTypeLike) -> NDArray:
        parts = [t.over(scale, kind) for t in self.terms]
        total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return np.clip(total, self.low / scale, self.high / scale)

    @property
    def only(self) -> Term:
        """One term for the whole value."""
        free = self.low == -np.inf and self.high == np.inf
        return self.terms[0] if len(self.terms) == 1 and free else Term(self.value)


def plain(value: NDArray) -> Real:
    return Real((Term(np.asarray(value, np.float64)),))

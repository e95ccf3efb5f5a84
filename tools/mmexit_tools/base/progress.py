"""Where a long run stands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


class TimeUp(Exception):
    """The time that a run was given is over."""


@dataclass
class Progress:
    """Says where a run stands and about how long it still takes. `total`: work of all trainings, in MACs."""

    total: float
    say: Callable[[str], None]
    done: float = 0.0
    paid: float = 0.0
    """Work of this process; what was read from files took no time."""
    begun: float = field(default_factory=time.monotonic)
    limit: float = math.inf
    """Seconds; `check` says when they are over."""

    def check(self) -> None:
        """Raises TimeUp when no more is to be begun."""
        if time.monotonic() - self.begun > self.limit:
            raise TimeUp

    def add(self, work: float, text: str) -> None:
        self.done, self.paid = self.done + work, self.paid + work
        rest = (self.total - self.done) * (time.monotonic() - self.begun) / self.paid
        self.say(f"{text} | {100 * self.done / self.total:.0f} % of the work, about {duration(rest)} left")

    def skip(self, work: float) -> None:
        self.done += work


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"

"""What happens in a stream, and when: commands, what is heard around them, what the camera is turned at. No data yet.

A stream is planned in slots of equal length, one command in each, so that `per_minute` is kept exactly and commands
never overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..base.errors import USAGE, ToolError
from ..sources.robot_data import COMMANDS

VOICE, HAND, BOTH = "audio", "image", "audio+image"
WAYS = {VOICE: 5 / 12, BOTH: 4 / 12, HAND: 3 / 12}
"""How commands are given, as shares; the names are those of `truth.csv`."""
LEAD = 2.0
"""Seconds from a noise's end to the word that follows it."""
HOLDS = {HAND: 3.0, BOTH: 2.0}
"""Seconds that a hand is held up; with a voice, the word falls into them."""
SHORTEST_SLOT = 9.0
"""Seconds: a noise, the pause after it, a hand that is held and the time in which its event may still come."""


@dataclass(frozen=True)
class Scene:
    """What a kind of stream is like. Levels are in dB about a usual speaking level."""

    talk: bool = False
    """Other people talk, in turns of some seconds with pauses between them."""
    steady: bool = False
    """A noise that never stops."""
    bursts: bool = False
    """Loud noises of some seconds; those before a command end LEAD seconds before it."""
    views: float = 0.0
    """Times a minute that the camera is turned at something else or the light changes."""
    commands: bool = True
    below: tuple[float, float] = (6.0, 18.0)
    """How far talk and steady noise are below the words."""
    words: tuple[float, float] = (-14.0, 3.0)
    """Level of the words."""


SCENES: Mapping[str, Scene] = {
    "quiet": Scene(),
    "talk": Scene(talk=True, views=1),
    "noise": Scene(steady=True, views=1),
    "after-noise": Scene(bursts=True),
    "lights": Scene(views=6),
    "lively": Scene(talk=True, bursts=True, views=3),
    "empty": Scene(commands=False),
    "company": Scene(talk=True, steady=True, bursts=True, views=2, commands=False, below=(0.0, 18.0)),
}


@dataclass(frozen=True)
class Manner:
    """How commands are given: `ways` as shares, `holds` in seconds, of hands."""

    ways: Mapping[str, float]
    holds: Mapping[str, float]


@dataclass(frozen=True)
class Command:
    """`start` and `end` in seconds: of the hand where there is one, else the room kept for the word."""

    start: float
    end: float
    label: str
    way: str


@dataclass(frozen=True)
class Stretch:
    """A sound or a view from `start` to `end`, seconds. `kind`: `talk`, `steady`, `burst`, `view` or `light`."""

    kind: str
    start: float
    end: float


@dataclass(frozen=True)
class Plan:
    seconds: float
    scene: Scene
    commands: tuple[Command, ...]
    stretches: tuple[Stretch, ...]

    def of(self, *kinds: str) -> list[Stretch]:
        return [s for s in self.stretches if s.kind in kinds]


def plan(rng: np.random.Generator, name: str, seconds: float, per_minute: float,
         manner: Manner | None = None) -> Plan:
    """A stream of the scene `name`. Raises ToolError for an unknown one and for more commands than fit."""
    if name not in SCENES:
        raise ToolError(f"--scene {name}: choose one of {', '.join(SCENES)}", USAGE)
    scene = SCENES[name]
    commands = _commands(rng, scene, seconds, per_minute if scene.commands else 0, manner or Manner(WAYS, HOLDS))
    stretches: list[Stretch] = []
    if scene.talk:
        stretches += _turns(rng, "talk", seconds, (2.0, 9.0), (0.5, 6.0))
    if scene.steady:
        stretches.append(Stretch("steady", 0.0, seconds))
    if scene.bursts:
        stretches += _bursts(rng, commands, seconds)
    if scene.views:
        mean = 60 / scene.views
        stretches += [Stretch("view" if rng.random() < 0.5 else "light", s.start, s.end)
                      for s in _turns(rng, "view", seconds, (mean * 0.4, mean * 1.6), (0.0, 0.0))]
    return Plan(seconds, scene, commands, tuple(stretches))


def _commands(rng: np.random.Generator, scene: Scene, seconds: float, per_minute: float,
              manner: Manner) -> tuple[Command, ...]:
    count = round(seconds / 60 * per_minute)
    if count == 0:
        return ()
    slot = seconds / count
    if slot < SHORTEST_SLOT:
        raise ToolError(f"--per-minute {per_minute:g}: at most {60 / SHORTEST_SLOT:.1f} commands fit", USAGE)
    edges = np.rint(np.cumsum(list(manner.ways.values())) * count).astype(int)
    ways = np.repeat(list(manner.ways), np.diff(edges, prepend=0))
    labels = np.resize(rng.permutation(COMMANDS), count)
    rng.shuffle(ways)
    rng.shuffle(labels)
    found = []
    for i, (way, label) in enumerate(zip(ways.tolist(), labels.tolist(), strict=True)):
        length = manner.holds.get(way, 1.0)
        # The slot's last seconds stay free: an event may come late, and the next command must not be taken for it.
        start = i * slot + rng.uniform(3.5 if scene.bursts else 1.5, slot - length - 2.0)
        found.append(Command(round(start, 2), round(start + length, 2), label, way))
    return tuple(found)


def _turns(rng: np.random.Generator, kind: str, seconds: float, on: tuple[float, float],
           off: tuple[float, float]) -> list[Stretch]:
    found, at = [], float(rng.uniform(*off))
    while at < seconds:
        end = min(seconds, at + float(rng.uniform(*on)))
        found.append(Stretch(kind, at, end))
        at = end + float(rng.uniform(*off))
    return found


def _bursts(rng: np.random.Generator, commands: tuple[Command, ...], seconds: float) -> list[Stretch]:
    """Before every second command, and where there are none, one about every twenty seconds."""
    if not commands:
        return _turns(rng, "burst", seconds, (2.0, 6.0), (8.0, 26.0))
    return [Stretch("burst", max(0.0, c.start - LEAD - float(rng.uniform(2.0, 5.0))), c.start - LEAD)
            for c in commands[::2] if c.start > LEAD]

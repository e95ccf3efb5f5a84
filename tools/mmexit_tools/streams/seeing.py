"""The pictures of a planned stream: what the camera is turned at, its light, and hands that are raised and held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..sources.robot_data import Material
from ..sources.robot_pictures import composite
from ..sources.robot_scenes import HEIGHT, WIDTH, camera, light, scene
from ..sources.surroundings import Surroundings, covering
from .plans import VOICE, Command, Plan

Frame = NDArray[np.uint8]
GRAINS = 8
"""Noise patterns that the frames take turns with."""
RAISING = 0.25
"""Seconds in which a hand comes up, before its command begins, and goes down again after it."""
DIFFERS = 8.0
"""Of 255, in any colour: more than a blurred edge leaves."""
DARKEST, BRIGHTEST = 0.45, 1.2


@dataclass
class Seen:
    """Frames one after the other; `names` grows while they are drawn."""

    plan: Plan
    rate: int
    source: Material
    around: Surroundings
    rng: np.random.Generator
    names: set[str] = field(default_factory=set)

    def frames(self) -> Iterator[Frame]:
        """uint8 [HEIGHT, WIDTH, 3], `rate` a second, for as long as the plan is."""
        views = [0.0, *(s.start for s in self.plan.of("view"))]
        levels = ((s.start, float(self.rng.uniform(DARKEST, BRIGHTEST))) for s in self.plan.of("light"))
        lights = [(0.0, 1.0), *levels]
        shown = [c for c in self.plan.commands if c.way != VOICE and self.source.photos[c.label]]
        grain = [self.rng.normal(0, 2.5, (HEIGHT, WIDTH, 3)).astype(np.float32) for _ in range(GRAINS)]
        number, held, lamp = -1, None, 1.0
        # What does not change looks the same whenever its noise comes round: hours of it are made from few pictures.
        still: dict[int, Frame] = {}
        last: tuple[NDArray[np.float32] | None, float] = (None, 0.0)
        for i in range(round(self.plan.seconds * self.rate)):
            now = i / self.rate
            wanted = sum(1 for start in views if start <= now) - 1
            if wanted != number:
                number, (background, current, seed) = wanted, self._turned()
                held = None
            command = next((c for c in shown if c.start - RAISING <= now < c.end + RAISING), None)
            picture = current
            if command is not None:
                if command is not held:
                    held, hand = command, self._hand(command, background, seed)
                picture = raised(current, hand, up(command, now))
            # Light follows within half a second, as an eye or an automatic exposure does.
            goal = next(level for start, level in reversed(lights) if start <= now)
            lamp += (goal - lamp) * min(1.0, 4 / self.rate)
            if picture is not last[0] or lamp != last[1]:
                still, last = {}, (picture, lamp)
            if i % GRAINS not in still:
                made = np.clip(np.rint(picture * lamp + grain[i % GRAINS]), 0, 255)
                still[i % GRAINS] = made.astype(np.uint8)
            yield still[i % GRAINS]

    def _turned(self) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
        """(what stands there, how the camera shows it, the seed of its light and camera)."""
        draw = self.rng.random()
        # Hands that sign nothing pass only where the camera is turned about: they would be there for minutes else.
        strange = self.around.strange_hands if draw < 0.1 and self.plan.of("view") else []
        if clips := strange or (self.around.photos if draw < 0.75 else []):
            clip = clips[self.rng.integers(len(clips))]
            self.names.add(f"photos {clip.who}")
            background = clip.values.astype(np.float32)
        else:
            background = scene(self.rng, self.source.hands, self.source.plain)
        seed = int(self.rng.integers(2**31))
        return background, through(background, seed), seed

    def _hand(self, command: Command, background: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        photos = [p for p in self.source.photos[command.label] if p.hand is not None]
        if not photos:  # none could be cut out: a photo as it is
            photo = self.source.photos[command.label][0].pixels
            return through(covering(photo).astype(np.float32), seed)
        self.names.add("signers of the split")
        hand = photos[self.rng.integers(len(photos))].hand
        assert hand is not None
        return through(composite(self.rng, background, hand), seed)


def through(picture: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """As a camera shows it: the same light and settings for the same seed, whatever stands before it."""
    rng = np.random.default_rng([seed, 7306])
    return camera(rng, light(rng, picture), 0.7).astype(np.float32)


def up(command: Command, now: float) -> float:
    """How far the hand is up, 0 to 1."""
    return float(np.clip(min(now - command.start, command.end - now) / RAISING + 1, 0, 1))


def raised(without: NDArray[np.float32], hand: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The hand on its way up: what differs with it is laid lower over the picture by the share that is missing."""
    if share >= 1:
        return hand
    down = round((1 - share) * HEIGHT)
    differs = np.abs(hand - without).max(2, keepdims=True)[: HEIGHT - down] > DIFFERS
    moved = without.copy()
    moved[down:] = np.where(differs, hand[: HEIGHT - down], without[down:])
    return moved

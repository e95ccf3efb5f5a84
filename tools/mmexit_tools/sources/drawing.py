"""Digits written by a script: strokes with jitter, drawn with soft edges like scanned handwriting."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Control points in a unit square, y downwards. "c" strokes are smooth curves, "l" strokes straight lines.
STROKES: tuple[tuple[tuple[str, tuple[tuple[float, float], ...]], ...], ...] = (
    (("c", ((.5, .08), (.27, .2), (.18, .5), (.27, .8), (.5, .92), (.73, .8), (.82, .5), (.73, .2), (.5, .08))),),
    (("l", ((.52, .08), (.5, .92))),),
    (("c", ((.2, .3), (.3, .12), (.52, .08), (.74, .18), (.75, .36), (.6, .58), (.36, .78), (.18, .92))),
     ("l", ((.18, .92), (.84, .89)))),
    (("c", ((.2, .16), (.48, .08), (.74, .2), (.7, .38), (.44, .47))),
     ("c", ((.44, .47), (.74, .55), (.8, .74), (.6, .91), (.35, .92), (.16, .82)))),
    (("l", ((.28, .1), (.17, .55), (.83, .53))), ("l", ((.7, .2), (.64, .94)))),
    (("l", ((.78, .09), (.32, .11), (.27, .44))),
     ("c", ((.27, .44), (.5, .38), (.76, .5), (.79, .72), (.6, .9), (.36, .92), (.17, .83)))),
    (("c", ((.64, .08), (.4, .2), (.25, .45), (.21, .7), (.31, .87), (.5, .92), (.7, .84), (.74, .67), (.6, .54),
            (.4, .57), (.24, .72))),),
    (("l", ((.18, .12), (.8, .1))), ("c", ((.8, .1), (.62, .42), (.5, .66), (.42, .93)))),
    (("c", ((.52, .48), (.31, .36), (.28, .18), (.5, .07), (.71, .18), (.69, .35), (.48, .49), (.27, .64),
            (.25, .82), (.5, .93), (.75, .82), (.73, .63), (.52, .48))),),
    (("c", ((.76, .28), (.6, .47), (.38, .45), (.27, .28), (.38, .12), (.6, .08), (.75, .24), (.73, .6),
            (.62, .93))),),
)


@cache
def _outline(digit: int) -> Points:
    """Points along the digit's strokes."""
    parts = []
    for kind, corners in STROKES[digit]:
        p = np.array(corners)
        t = np.linspace(0, 1, 12, endpoint=False)[:, None]
        padded = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
        for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
            if kind == "l":
                parts.append(b + (c - b) * t)
            else:  # Catmull-Rom
                parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                                    + (3 * b - a - 3 * c + d) * t**3))
        parts.append(p[-1:])
    return np.vstack(parts)


def draw(digit: int, rng: np.random.Generator, jitter: float = 1.0) -> NDArray[np.uint8]:
    """[28, 28] grey levels, white on black, the digit about 20 cells high and centred by its mass."""
    points = _outline(digit) - 0.5
    angle, shear = rng.normal(0, 0.10 * jitter), rng.normal(0, 0.15 * jitter)
    width, height = 15.5 * np.exp(rng.normal(0, 0.13 * jitter)), 20 * np.exp(rng.normal(0, 0.05 * jitter))
    bend = rng.normal(0, 0.05 * jitter, (2, 2))
    x, y = points[:, 0], points[:, 1]
    wave = np.stack([bend[0, 0] * np.sin(5 * y) + bend[0, 1] * np.cos(4 * x),
                     bend[1, 0] * np.sin(5 * x) + bend[1, 1] * np.cos(4 * y)], 1)
    x, y = (points + wave).T
    x = (x + shear * -y) * width
    y = y * height
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], 1)
    turned += 14 - turned.mean(axis=0)
    radius = max(0.75, rng.normal(1.25, 0.28 * jitter))
    grid = np.stack(np.meshgrid(np.arange(28) + 0.5, np.arange(28) + 0.5), -1).reshape(-1, 1, 2)
    distance = np.sqrt(((grid - turned[None]) ** 2).sum(-1)).min(axis=1)
    level = np.clip((radius + 0.55 - distance) / 1.1, 0, 1) ** 0.9
    return np.rint(255 * level).astype(np.uint8).reshape(28, 28)

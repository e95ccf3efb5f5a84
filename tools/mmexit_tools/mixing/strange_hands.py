"""Hands that sign nothing, made of those that do: fists and stumps of fingers, other fingers put on, hands upside
down or lying, and two at once.

A network that has only seen hands that sign one of ten things takes any hand for one of them: people hold things,
rest, and sign other languages' letters. No photo of such a hand is needed.
"""

from __future__ import annotations

import numpy as np

from .picture_bank import CANVAS, MIDDLE

FINGERS, LYING = 0.50, 0.25
"""Shares of hands without their own fingers and of hands that are turned; the others are two at once."""
REPLACED = 0.5
"""Of hands without their own fingers, those that have another hand's, sideways."""


def strange_hand(rng: np.random.Generator, hands: np.ndarray) -> np.ndarray:
    """One like those of a `PictureBank`, uint8 [CANVAS, CANVAS, 4]; `hands`, n of them, stay as they are."""
    draw = rng.random()
    one, other = (hands[rng.integers(len(hands))] for _ in range(2))
    if draw < FINGERS:
        return _other_fingers(rng, one, other)
    if draw < FINGERS + LYING:
        quarters = int(rng.choice([1, 2, 2, 3]))
        turned = np.rot90(one, quarters)
        # Upside down its middle is as far below the canvas's as it was above.
        return _moved(turned, 2 * MIDDLE - CANVAS, 0) if quarters == 2 else turned.copy()
    return _two(rng, one, other)


def _other_fingers(rng: np.random.Generator, hand: np.ndarray, other: np.ndarray) -> np.ndarray:
    """All that is above a slanted line through the palm or the fingers is another hand's, lying, or nothing."""
    y, x = np.mgrid[:CANVAS, :CANVAS]
    above = y < MIDDLE + rng.uniform(-22, 6) + (x - CANVAS / 2) * rng.uniform(-0.6, 0.6)
    out = hand.copy()
    if rng.random() < REPLACED:
        lying = np.rot90(other, int(rng.choice([1, 3])))
        out[above] = _moved(lying, int(rng.integers(-25, 5)), int(rng.integers(-12, 13)))[above]
    else:
        out[above] = 0
    return out


def _two(rng: np.random.Generator, hand: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Another hand over or beside it, lying or upside down."""
    over = np.rot90(other, int(rng.integers(1, 4)))
    over = _moved(over, int(rng.integers(-20, 21)), int(rng.choice([-1, 1]) * rng.integers(12, 40)))
    share = over[..., 3:] / 255
    out = (hand * (1 - share) + over * share).astype(np.uint8)
    out[..., 3] = np.maximum(hand[..., 3], over[..., 3])
    return out


def _moved(layer: np.ndarray, down: int, right: int) -> np.ndarray:
    """By so many pixels, fewer than the canvas has; nothing comes in at the other side."""
    out = np.zeros_like(layer)
    rows, columns = (slice(max(0, by), CANVAS + min(0, by)) for by in (down, right))
    back_rows, back_columns = (slice(max(0, -by), CANVAS + min(0, -by)) for by in (down, right))
    out[rows, columns] = layer[back_rows, back_columns]
    return out

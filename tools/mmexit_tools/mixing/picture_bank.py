"""Parts of pictures: hands cut out of their photos, with a forearm; scenes and rooms without one; whole photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..sources.robot_data import CLASSES, COMMANDS, material
from ..sources.robot_hands import Hand
from ..sources.robot_pictures import bare_arm, forearm
from ..sources.robot_scenes import HEIGHT, WIDTH, Random, scene
from ..sources.surroundings import surroundings
from ..tasks.robot_command import IMAGE
from .stored import stored

CANVAS, HAND, MIDDLE = 160, 80, 60
"""Pixels: a cut-out's canvas, the hand's height on it, and the row of the hand's middle (below it comes the arm)."""
BARE_ARMS = 0.12
"""Share of the scenes with bare skin that is no sign."""


@dataclass(frozen=True)
class PictureBank:
    """`hands` [n, CANVAS, CANVAS, 4] and `photos` [n, 100, 100, 3] with `hand_labels`, `photo_labels`;
    `scenes` [n, 96, 96, 3]; `rooms` and `signs` [n, HEIGHT, WIDTH, 3] with `sign_labels`. Pixels are uint8."""

    hands: np.ndarray
    hand_labels: np.ndarray
    photos: np.ndarray
    photo_labels: np.ndarray
    scenes: np.ndarray
    rooms: np.ndarray
    signs: np.ndarray
    sign_labels: np.ndarray


def picture_bank(work: Path, data: Path, split: str, variants: int, scenes: int, seed: int) -> PictureBank:
    """From the work folder, made first where it is not there yet: `variants` of every hand's arm, some minutes."""
    return PictureBank(**stored(work / f"pictures{IMAGE.width}-{split}-{variants}-{scenes}-{seed}.npz",
                                lambda: _made(data, split, variants, scenes, seed)))


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """Like the engine's crop and area average, but for its rounding: training needs the speed, not the last bit."""
    height, width, _ = pixels.shape
    left = (width - height) // 2
    picture = Image.fromarray(pixels)
    return np.asarray(picture.resize((IMAGE.width, IMAGE.height), Image.Resampling.BOX,
                                     box=(left, 0, left + height, height)))


def _made(data: Path, split: str, variants: int, scenes: int, seed: int) -> dict[str, np.ndarray]:
    source, around, rng = material(data, split), surroundings(data, split), np.random.default_rng([seed, 9])
    photos = [(i, p) for i, c in enumerate(COMMANDS) for p in source.photos[c]]
    cut = [(i, p.hand) for i, p in photos if p.hand is not None for _ in range(variants)]
    drawn = (scene(rng, source.hands, source.plain) for _ in range(scenes))
    with_arms = (bare_arm(rng, s) if rng.random() < BARE_ARMS else s for s in drawn)
    wide = (0, HEIGHT, WIDTH, 3)
    return {
        "hands": _stacked([_on_canvas(rng, hand) for _, hand in cut], (0, CANVAS, CANVAS, 4)),
        "hand_labels": np.array([i for i, _ in cut], np.int64),
        "photos": _stacked([p.pixels for _, p in photos], (0, 100, 100, 3)),
        "photo_labels": np.array([i for i, _ in photos], np.int64),
        "scenes": _stacked([shrunk(np.clip(s, 0, 255).astype(np.uint8)) for s in with_arms],
                           (0, IMAGE.height, IMAGE.width, 3)),
        "rooms": _stacked([c.values for c in around.photos], wide),
        "signs": _stacked([c.values for c in around.signs], wide),
        "sign_labels": np.array([CLASSES.index(c.kind) for c in around.signs], np.int64),
    }


def _stacked(pictures: list[np.ndarray], empty: tuple[int, ...]) -> np.ndarray:
    return np.stack(pictures) if pictures else np.zeros(empty, np.uint8)


def _on_canvas(rng: Random, hand: Hand) -> np.ndarray:
    """The hand HAND pixels high about row MIDDLE, its arm as far below it as the canvas goes; uint8 RGBA."""
    h, w = hand.alpha.shape
    canvas = np.zeros((2 * h, w, 4), np.float32)
    canvas[:h] = np.dstack([np.clip(hand.pixels, 0, 255), hand.alpha * 255])
    if hand.wrist is not None:
        forearm(rng, canvas, h, hand.wrist)
    wide = np.pad(canvas, ((8, 8), (w // 2 + 8, w // 2 + 8), (0, 0)))
    factor = HAND / h
    size = (max(1, round(wide.shape[1] * factor)), max(1, round(wide.shape[0] * factor)))
    layer = Image.fromarray(wide.astype(np.uint8), "RGBA").resize(size, Image.Resampling.BILINEAR)
    out = Image.new("RGBA", (CANVAS, CANVAS))
    out.paste(layer, (round(CANVAS / 2 - size[0] / 2), round(MIDDLE - (8 + h / 2) * factor)))
    return np.asarray(out)

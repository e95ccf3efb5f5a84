"""A tiny folder of a user's data made by code: bright or dark pictures, high or low tones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mmexit_tools.base.readers import picture_bytes, wav_bytes

PEOPLE = ("anna", "ben", "cleo", "dan", "eva")


def make_folder(root: Path, each: int = 4, rate: int = 8000, people: tuple[str, ...] = PEOPLE) -> Path:
    """`each` windows of every person and class, pictures of mixed sizes and formats."""
    rng = np.random.default_rng(21)
    for label, tone, level in (("left", 400, 60), ("right", 1500, 190), ("none", 0, 125)):
        folder = root / label
        folder.mkdir(parents=True)
        for number, person in enumerate(np.repeat(people, each)):
            name = f"{person}_{number:03d}"
            t = np.arange(rate) / rate
            pcm = 4000 * np.sin(2 * np.pi * tone * t) + rng.normal(0, 200, rate)
            (folder / f"{name}.wav").write_bytes(wav_bytes(pcm.astype(np.int16), rate))
            size = (int(rng.integers(40, 70)), int(rng.integers(40, 90)))
            pixels = np.clip(rng.normal(level, 30, size), 0, 255).astype(np.uint8)
            if number % 2:
                Image.fromarray(pixels).save(folder / f"{name}.png")
            else:
                (folder / f"{name}.pgm").write_bytes(picture_bytes(pixels))
    return root

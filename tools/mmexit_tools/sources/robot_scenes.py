"""Procedural camera scenes without a hand: walls, rooms, clutter, faces and bare arms, in varied light.

A scene is float32 [HEIGHT, WIDTH, 3] in 0...255. They stand in for the rooms that the sign photos lack: a room, a
face or a bare arm must not become a command.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from .robot_hands import Hand

WIDTH, HEIGHT = 120, 90  # 4:3 like a camera; the feature crops the middle square
Random = np.random.Generator


def scene(rng: Random, hands: list[Hand], plain: list[np.ndarray], distract: bool = True) -> np.ndarray:
    """One scene. `hands`: where skin texture is taken from; `plain`: backgrounds of the photos, fitted."""
    kind = rng.choice(6, p=[0.16, 0.14, 0.12, 0.30, 0.20, 0.08])
    if kind == 0 and plain:
        picture = _crop_of(rng, plain[rng.integers(len(plain))])
    elif kind <= 1:
        picture = _gradient(rng)
    elif kind == 2:
        picture = _clouds(rng)
    elif kind == 3:
        picture = _room(rng)
    elif kind == 4:
        picture = _clutter(rng)
    else:
        picture = _stripes(rng)
    if rng.random() < 0.5:
        picture = picture + _octaves(rng, int(rng.integers(0, 4)))[..., None] * rng.uniform(2, 25)
    if distract and rng.random() < 0.45:
        picture = _distract(rng, picture, hands)
    return np.clip(picture, 0, 255).astype(np.float32)


def light(rng: Random, picture: np.ndarray) -> np.ndarray:
    """Light falling from one side: multiplies by a smooth ramp, now and then a hard shadow's edge."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * x + np.sin(angle) * y + rng.uniform(-0.5, 0.5)
    if rng.random() < 0.2:
        ramp = np.tanh(ramp * rng.uniform(3, 12))
    return picture * (1 + rng.uniform(0, 0.4) * ramp)[..., None]


def camera(rng: Random, picture: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """What a cheap camera does: white balance, gain, gamma, blur, vignette, noise. Returns uint8."""
    s = strength
    gains = 1 + s * np.clip(rng.normal(0, 0.09, 3), -0.25, 0.25)
    x = np.clip(picture / 255, 0, 1) ** np.exp(s * rng.uniform(-0.45, 0.45))
    x = x * gains * np.exp(s * rng.uniform(-0.55, 0.25))
    x = (x - 0.5) * (1 + s * rng.uniform(-0.3, 0.25)) + 0.5 + s * rng.uniform(-0.08, 0.08)
    if rng.random() < 0.12 * s:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    elif rng.random() < 0.4 * s:
        grey = x.mean(2, keepdims=True)
        x = grey + (x - grey) * rng.uniform(0.4, 1.4)
    if rng.random() < 0.45 * s:
        x = ndimage.gaussian_filter(x, (*(rng.uniform(0.3, 0.9, 1).repeat(2)), 0))
    if rng.random() < 0.1 * s:
        x = ndimage.uniform_filter1d(x, int(rng.integers(2, 4)), axis=int(rng.integers(2)))
    x = x + rng.normal(0, s * rng.uniform(0.002, 0.036), x.shape).astype(np.float32)
    return np.clip(np.rint(x * 255), 0, 255).astype(np.uint8)


def colour(rng: Random) -> np.ndarray:
    """An indoor colour: mostly muted, now and then strong, now and then like wood or skin."""
    kind = rng.random()
    if kind < 0.45:
        return np.clip(rng.uniform(20, 245) + rng.normal(0, 12, 3), 0, 255)
    if kind < 0.75:
        return rng.uniform(10, 250, 3)
    wood = np.array([1.0, rng.uniform(0.6, 0.85), rng.uniform(0.35, 0.75)])
    return np.clip(wood * rng.uniform(60, 240), 0, 255)


def _rgb(rng: Random) -> tuple[int, int, int]:
    r, g, b = colour(rng)
    return (int(r), int(g), int(b))


def _crop_of(rng: Random, picture: np.ndarray) -> np.ndarray:
    side = int(rng.integers(picture.shape[0] // 2, picture.shape[0] + 1))
    y, x = rng.integers(0, picture.shape[0] - side + 1), rng.integers(0, picture.shape[1] - side + 1)
    part = Image.fromarray(np.clip(picture[y : y + side, x : x + side], 0, 255).astype(np.uint8))
    return np.asarray(part.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float32)


def _gradient(rng: Random) -> np.ndarray:
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    mix = np.clip(rng.uniform(-1, 1) * x + rng.uniform(-1, 1) * y + rng.uniform(0, 1), 0, 1)[..., None]
    first = colour(rng)
    return first * mix + np.clip(first + rng.normal(0, 40, 3), 0, 255) * (1 - mix)


def _octaves(rng: Random, finest: int) -> np.ndarray:
    """Smooth noise [HEIGHT, WIDTH] with about unit spread; `finest` 0...4: how much detail."""
    total = np.zeros((HEIGHT, WIDTH))
    for octave in range(finest + 1):
        cells = 3 * 2**octave
        grid = rng.normal(0, 1, (cells + 1, cells + 1)).astype(np.float32)
        up = Image.fromarray(grid).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        total += np.asarray(up) * rng.uniform(0.5, 0.8) ** octave
    return total / (np.std(total) + 1e-6)


def _clouds(rng: Random) -> np.ndarray:
    base = colour(rng)
    picture = base + _octaves(rng, int(rng.integers(1, 5)))[..., None] * rng.normal(0, 25, 3)
    return picture + _octaves(rng, 4)[..., None] * rng.uniform(0, 20)


def _stripes(rng: Random) -> np.ndarray:
    """Blinds, panels, tiles, curtains."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    angle, pitch = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]), rng.uniform(4, 30)
    phase = (np.cos(angle) * x + np.sin(angle) * y) / pitch * 2 * np.pi
    wave = np.sin(phase)
    if rng.random() < 0.5:
        wave = np.clip(wave * rng.uniform(2, 10), -1, 1)
    if rng.random() < 0.4:
        wave = np.maximum(wave, np.sin((np.cos(angle) * y - np.sin(angle) * x) / pitch * 2 * np.pi))
    mix = (0.5 + 0.5 * wave)[..., None]
    return colour(rng) * mix + colour(rng) * (1 - mix)


def _finish(rng: Random, image: Image.Image) -> np.ndarray:
    if rng.random() < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.8))))
    return light(rng, np.asarray(image, np.float32))


def _room(rng: Random) -> np.ndarray:
    """Wall, floor and corner, with shelves, pictures, windows, doors, sofas and lamps."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _rgb(rng))
    draw = ImageDraw.Draw(image)
    floor = int(rng.uniform(0.5, 1.1) * HEIGHT)
    corner, tilt = int(rng.uniform(-0.3, 1.3) * WIDTH), int(rng.integers(-15, 16))
    draw.polygon([(corner, -5), (WIDTH + 5, -5), (WIDTH + 5, floor + tilt), (corner, floor)], fill=_rgb(rng))
    floor_shape = [(-5, floor - tilt), (corner, floor), (WIDTH + 5, floor + tilt), (WIDTH + 5, HEIGHT + 5)]
    draw.polygon([*floor_shape, (-5, HEIGHT + 5)], fill=_rgb(rng))
    for _ in range(int(rng.integers(1, 7))):
        rng.choice([_shelf, _frame, _box, _lamp, _plant])(rng, draw)  # type: ignore[arg-type, operator]
    return _finish(rng, image)


def _place(rng: Random, small: float, large: float) -> tuple[int, int, int, int]:
    w, h = int(rng.uniform(small, large) * WIDTH), int(rng.uniform(small, large) * HEIGHT)
    x, y = int(rng.uniform(-0.2, 1) * WIDTH), int(rng.uniform(-0.2, 1) * HEIGHT)
    return x, y, x + w, y + h


def _shelf(rng: Random, draw: ImageDraw.ImageDraw) -> None:
    left, top, right, bottom = _place(rng, 0.3, 0.9)
    draw.rectangle((left, top, right, bottom), fill=_rgb(rng))
    step = int(rng.integers(10, 28))
    for y in range(top, bottom, step):
        x = left + 1
        while x < right and rng.random() < 0.97:  # books
            width, height = int(rng.integers(2, 7)), int(rng.uniform(0.5, 0.95) * step)
            draw.rectangle((x, y + step - height, min(x + width, right), y + step - 2), fill=_rgb(rng))
            x += width + int(rng.random() < 0.2) * int(rng.integers(1, 10))
        draw.line((left, y + step - 1, right, y + step - 1), fill=_rgb(rng))


def _frame(rng: Random, draw: ImageDraw.ImageDraw) -> None:
    """A picture, window or door: bars across now and then."""
    left, top, right, bottom = _place(rng, 0.12, 0.6)
    draw.rectangle((left, top, right, bottom), fill=_rgb(rng), outline=_rgb(rng), width=int(rng.integers(1, 4)))
    line = _rgb(rng)
    for _ in range(int(rng.integers(0, 4))):
        x, y = int(rng.integers(left, right + 1)), int(rng.integers(top, bottom + 1))
        draw.line((x, top, x, bottom) if rng.random() < 0.5 else (left, y, right, y), fill=line, width=2)


def _box(rng: Random, draw: ImageDraw.ImageDraw) -> None:
    """A sofa, cupboard or table, rounded or sharp."""
    left, top, right, bottom = _place(rng, 0.2, 0.8)
    draw.rounded_rectangle((left, top, right, bottom), radius=int(rng.integers(0, 9)), fill=_rgb(rng))
    if rng.random() < 0.5:
        leg = _rgb(rng)
        for x in (left + 2, right - 4):
            draw.rectangle((x, bottom, x + 3, bottom + 20), fill=leg)


def _lamp(rng: Random, draw: ImageDraw.ImageDraw) -> None:
    x, y, _, _ = _place(rng, 0.1, 0.2)
    size = int(rng.integers(4, 18))
    bar = _rgb(rng)
    draw.line(
        (x, y, x + int(rng.integers(-4, 5)), y + int(rng.integers(20, 90))), fill=bar, width=int(rng.integers(1, 6))
    )
    draw.ellipse((x - size, y - size // 2, x + size, y + size // 2), fill=_rgb(rng))


def _plant(rng: Random, draw: ImageDraw.ImageDraw) -> None:
    """Blades from one foot: fingers of no hand. A radiator's or a chair's bars look alike."""
    x, y, _, _ = _place(rng, 0.1, 0.2)
    tint = _rgb(rng)
    for _ in range(int(rng.integers(1, 9))):
        dx, dy = int(rng.normal(0, 14)), -int(rng.integers(8, 45))
        draw.line((x, y + 20, x + dx, y + 20 + dy), fill=tint, width=int(rng.integers(1, 7)))


def _clutter(rng: Random) -> np.ndarray:
    """Polygons, ellipses and lines of all sizes over a base."""
    image = Image.fromarray(np.clip(_gradient(rng), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 30))):
        left, top, right, bottom = _place(rng, 0.03, rng.uniform(0.1, 0.6))
        kind = rng.integers(4)
        if kind == 0:
            draw.ellipse((left, top, right, bottom), fill=_rgb(rng))
        elif kind == 1:
            draw.line((left, top, right, bottom), fill=_rgb(rng), width=int(rng.integers(1, 10)))
        else:
            size = max(right - left, 6)
            points = np.array([left, top]) + rng.normal(0, size * 0.5, (int(rng.integers(3, 8)), 2))
            draw.polygon([tuple(p) for p in points], fill=_rgb(rng))
    return _finish(rng, image)


def _distract(rng: Random, picture: np.ndarray, hands: list[Hand]) -> np.ndarray:
    """A face, a bare arm or a skin-coloured blob, in real skin texture where `hands` are given."""
    shape = Image.new("L", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(shape)
    kind = rng.integers(3)
    x, y = rng.uniform(0.1, 0.9) * WIDTH, rng.uniform(0.1, 1.0) * HEIGHT
    size = rng.uniform(0.12, 0.4) * HEIGHT
    if kind == 0:
        draw.ellipse((x - size * 0.7, y - size, x + size * 0.7, y + size), fill=255)
    elif kind == 1:
        angle, wide = rng.uniform(-1.2, 1.2), int(rng.uniform(0.08, 0.35) * HEIGHT)
        end = (x + np.sin(angle) * 150, y + np.cos(angle) * 150)
        draw.line((x, y, *end), fill=255, width=wide)
        draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)
    else:
        for _ in range(int(rng.integers(1, 6))):
            dx, dy, r = rng.normal(0, size * 0.5), rng.normal(0, size * 0.5), size * rng.uniform(0.2, 0.8)
            draw.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=255)
    mask = np.asarray(shape.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.2)))), np.float32) / 255
    skin = skin_texture(rng, hands)
    if kind == 0:  # eyes, mouth and hair are what tells a face
        face = Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8))
        pen = ImageDraw.Draw(face)
        dark = tuple(int(v) for v in rng.uniform(10, 90, 3))
        for side in (-1, 1):
            ex, r = x + side * size * 0.28, size * 0.1
            pen.ellipse((ex - r, y - size * 0.25 - r / 2, ex + r, y - size * 0.25 + r / 2), fill=dark)
        pen.line((x - size * 0.25, y + size * 0.45, x + size * 0.25, y + size * 0.45), fill=(150, 60, 60), width=2)
        pen.ellipse((x - size * 0.75, y - size * 1.1, x + size * 0.75, y - size * 0.55), fill=dark)
        skin = np.asarray(face, np.float32)
    return picture * (1 - mask[..., None]) + light(rng, skin) * mask[..., None]


def skin_texture(rng: Random, hands: list[Hand]) -> np.ndarray:
    """[HEIGHT, WIDTH, 3] filled with skin: a real palm's patch enlarged, or a plain skin tone with grain."""
    if hands and rng.random() < 0.7:
        hand = hands[rng.integers(len(hands))]
        h, w, _ = hand.pixels.shape
        patch = hand.pixels[h // 2 : h // 2 + max(8, h // 3), w // 4 : w // 4 + max(8, w // 2)]
        image = Image.fromarray(np.clip(patch, 0, 255).astype(np.uint8))
        return np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32) * rng.uniform(0.4, 1.3)
    tone = np.array([1.0, rng.uniform(0.65, 0.82), rng.uniform(0.5, 0.7)]) * rng.uniform(60, 240)
    return tone + _octaves(rng, 3)[..., None] * rng.uniform(2, 14)

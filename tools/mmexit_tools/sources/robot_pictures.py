"""Camera pictures of the robot-command task: a signing hand before varied scenes, an untouched photo, or no hand."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .robot_hands import Hand
from .robot_scenes import HEIGHT, WIDTH, Random, camera, colour, light, scene, skin_texture

# The hand's height as a share of the picture's. Below about half, too few pixels show which finger the thumb meets.
SMALLEST, LARGEST = 0.45, 1.05
UNTOUCHED = 0.15  # share of hand pictures that are a photo as it was taken
RELIT = 0.10  # share that are the photo with its own background through another camera


def hand_picture(
    rng: Random,
    photo: np.ndarray,
    hand: Hand | None,
    hands: list[Hand],
    plain: list[np.ndarray],
    augment: bool = True,
) -> np.ndarray:
    """A picture, uint8 [h, w, 3], of the hand in `photo` (cut out as `hand`, None: uncut pictures only)."""
    draw = rng.random()
    if hand is None or draw < UNTOUCHED + RELIT:
        if augment and rng.random() < 0.6:
            photo = _shifted(rng, photo)
        if augment and rng.random() < 0.5:
            photo = photo[:, ::-1]
        return photo if draw < UNTOUCHED else camera(rng, photo.astype(np.float32), 0.7)
    background = scene(rng, hands, plain, distract=rng.random() < 0.5)
    return camera(rng, light(rng, composite(rng, background, hand)))


def empty_picture(rng: Random, hands: list[Hand], plain: list[np.ndarray]) -> np.ndarray:
    """A picture without a hand, uint8 [h, w, 3]."""
    if plain and rng.random() < 0.10:  # the photos' own wall, nobody there
        grain = rng.normal(0, rng.uniform(0.5, 3), (*plain[0].shape[:2], 1))
        wall = plain[rng.integers(len(plain))] + grain
        return np.clip(wall, 0, 255).astype(np.uint8)
    picture = scene(rng, hands, plain)
    if hands and rng.random() < 0.12:
        picture = bare_arm(rng, picture)
    return camera(rng, light(rng, picture))


def _shifted(rng: Random, photo: np.ndarray) -> np.ndarray:
    """The photo seen from a little nearer, further aside or turned: edge pixels continue outwards."""
    height, width, _ = photo.shape
    pad = height // 2
    wide = Image.fromarray(np.pad(photo, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    wide = wide.rotate(float(rng.uniform(-12, 12)), Image.Resampling.BILINEAR)
    zoom = rng.uniform(0.85, 1.25)
    middle = pad + height / 2 + rng.uniform(-0.08, 0.08, 2) * height
    half = height / 2 * zoom
    box = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    return np.asarray(wide.resize((width, height), Image.Resampling.BILINEAR, box=box))


def composite(rng: Random, background: np.ndarray, hand: Hand) -> np.ndarray:
    """Scales, turns, mirrors and places the hand, gives it a forearm where the photo ended, and lays it over."""
    h, w = hand.alpha.shape
    pixels, alpha = hand.pixels, hand.alpha
    tone = np.exp(rng.uniform(-0.75, 0.15)) if rng.random() < 0.35 else np.exp(rng.uniform(-0.25, 0.2))
    pixels = pixels * tone * (1 + rng.normal(0, 0.05, 3))
    layer = np.dstack([np.clip(pixels, 0, 255), alpha * 255])
    arm = max(8, h)  # the forearm goes on as far again below the hand
    canvas = np.zeros((h + arm, w, 4), np.float32)
    canvas[:h] = layer
    if hand.wrist is not None:
        forearm(rng, canvas, h, hand.wrist)
    wide = np.pad(canvas, ((8, 8), (w // 2 + 8, w // 2 + 8), (0, 0)))
    image = Image.fromarray(wide.astype(np.uint8), "RGBA")
    height = rng.uniform(SMALLEST, LARGEST) * HEIGHT
    factor = height / h
    width_factor = factor * np.exp(rng.uniform(-0.12, 0.12))
    centre = (wide.shape[1] / 2, 8 + h / 2)
    image = image.rotate(float(rng.uniform(-22, 22)), Image.Resampling.BICUBIC, center=centre)
    size = (max(1, round(wide.shape[1] * width_factor)), max(1, round(wide.shape[0] * factor)))
    image = image.resize(size, Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    # The hand's middle stays where the feature's square crop sees nearly all of it.
    slack_y = max(0.0, HEIGHT - height) / 2 + 0.06 * HEIGHT
    slack_x = max(0.0, HEIGHT - w * width_factor) / 2 + 0.04 * HEIGHT
    x = round(WIDTH / 2 + rng.uniform(-1, 1) * slack_x - size[0] / 2)
    y = round(HEIGHT / 2 + rng.uniform(-1, 1) * slack_y - centre[1] * factor)
    over = Image.new("RGBA", (WIDTH, HEIGHT))
    over.paste(image, (x, y))
    top = np.asarray(over, np.float32)
    mask = top[..., 3:] / 255
    if rng.random() < 0.3:  # a shadow on whatever stands close behind
        shade = np.roll(mask, (int(rng.integers(-4, 5)), int(rng.integers(-4, 5))), (0, 1))
        background = background * (1 - rng.uniform(0, 0.5) * shade)
    return background * (1 - mask) + top[..., :3] * mask


def forearm(rng: Random, canvas: np.ndarray, h: int, wrist: tuple[int, int]) -> None:
    """Draws what the photo cut off below row `h` of `canvas`, float32 [.., .., 4]: bare, a sleeve, or nothing."""
    left, right = wrist
    spread = int(rng.uniform(0, 0.35) * (right - left))
    mask = Image.new("L", (canvas.shape[1], canvas.shape[0]), 0)
    start = h - 2 - int(rng.uniform(0, 0.08) * h)
    bottom = canvas.shape[0]
    shape = [(left, start), (right - 1, start), (right + spread, bottom), (left - spread, bottom)]
    ImageDraw.Draw(mask).polygon(shape, fill=255)
    kind = rng.random()
    if kind < 0.45:  # bare: the wrist's own colour goes on
        row = canvas[max(0, h - 8) : h - 2, left:right, :3].mean((0, 1))
        fill = (
            np.broadcast_to(row, (*canvas.shape[:2], 3))
            * np.linspace(1, rng.uniform(0.8, 1.1), bottom)[:, None, None]
        )
    elif kind < 0.9:  # a sleeve
        fill = np.broadcast_to(colour(rng), (*canvas.shape[:2], 3))
        fill = fill * (1 + rng.uniform(0, 0.2) * np.sin(np.arange(bottom) * rng.uniform(0.1, 1.5)))[:, None, None]
    else:  # cut off by the photo's edge, as the source is
        return
    share = (np.asarray(mask, np.float32) / 255)[..., None]
    under = share * (1 - canvas[..., 3:] / 255) if kind < 0.45 else share
    canvas[..., :3] = canvas[..., :3] * (1 - under) + np.clip(fill, 0, 255) * under
    canvas[..., 3:] = np.maximum(canvas[..., 3:], share * 255)


def bare_arm(rng: Random, picture: np.ndarray) -> np.ndarray:
    """Fingers of nobody: one to three rounded skin bars that make no sign."""
    shape = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(shape)
    for _ in range(int(rng.integers(1, 4))):
        x, y, wide = rng.uniform(0.2, 0.8) * WIDTH, rng.uniform(0, 1) * HEIGHT, int(rng.integers(4, 26))
        angle, length = rng.uniform(0, np.pi), rng.uniform(20, 80)
        pen.line((x, y, x + np.cos(angle) * length, y + np.sin(angle) * length), fill=255, width=wide)
    mask = (np.asarray(shape, np.float32) / 255)[..., None]
    return picture * (1 - mask) + skin_texture(rng, []) * mask

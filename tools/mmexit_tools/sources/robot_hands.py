"""Cuts the signing hands out of the plain backgrounds of the sign-digits photos.

The background is modelled from the photo's own border (a smooth colour surface, fitted robustly, since wrist and
sleeve touch the lower edge), the hand is the largest connected thing that differs from it in colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# Photos whose hand covers less or more of the picture than this were not cut out well; they are used uncut only.
MIN_COVER, MAX_COVER = 0.06, 0.60


@dataclass(frozen=True)
class Hand:
    """A cut-out: `pixels` float32 [h, w, 3] in 0...255, `alpha` float32 [h, w] in 0...1, tight around the hand.

    `wrist` is the (left, right) column range of the lowest tenth of the hand, where a forearm continues; None if
    the hand does not reach the photo's lower edge."""

    pixels: np.ndarray
    alpha: np.ndarray
    wrist: tuple[int, int] | None


def fit_background(photo: np.ndarray) -> np.ndarray:
    """The photo's background as a smooth colour surface: float32 [h, w, 3], fitted to the border pixels."""
    height, width, _ = photo.shape
    y, x = np.mgrid[0:height, 0:width]
    y = (y / (height - 1) * 2 - 1).ravel()
    x = (x / (width - 1) * 2 - 1).ravel()
    basis = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], 1)
    edge = max(2, height // 16)
    border = np.zeros((height, width), bool)
    border[:edge] = True
    border[: height * 9 // 10, :edge] = border[: height * 9 // 10, -edge:] = True
    samples = photo.reshape(-1, 3).astype(np.float64)
    use = border.ravel().copy()
    for _ in range(4):
        solution, *_ = np.linalg.lstsq(basis[use], samples[use], rcond=None)
        distance = np.abs(samples - basis @ solution).sum(1)
        limit = max(20.0, 2.5 * float(np.median(distance[use])))
        # Grow into the picture where the surface already explains it: extrapolation from the rim alone overshoots.
        use = distance < limit
        if use.sum() < 100:
            break
    return np.clip((basis @ solution).reshape(height, width, 3), 0, 255).astype(np.float32)


def cut_out(photo: np.ndarray) -> Hand | None:
    """Cuts the hand out of `photo` (uint8 [h, w, 3]); None where no sound cut is found."""
    image = photo.astype(np.float32)
    background = fit_background(photo)
    total = image.sum(2) + 30
    chroma = (image[..., 0] - image[..., 2]) / total
    base = (background[..., 0] - background[..., 2]) / (background.sum(2) + 30)
    darker = np.clip((background.sum(2) - image.sum(2)) / 3, 0, 120) / 120
    # Skin is redder than a wall whatever the light; darkness alone may be a shadow, so it counts less.
    score = np.clip((chroma - base) / 0.25, 0, 1.5) + 0.35 * darker
    score = ndimage.gaussian_filter(score, 0.6)
    limit = _otsu(score)
    if limit is None:
        return None
    mask = ndimage.binary_opening(score > limit * 0.85, iterations=1)
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    sizes = ndimage.sum_labels(mask, labels, np.arange(1, count + 1))
    mask = labels == 1 + int(np.argmax(sizes))
    mask = _fill_small_holes(mask)
    cover = float(mask.mean())
    if not MIN_COVER <= cover <= MAX_COVER:
        return None
    alpha = np.clip(ndimage.gaussian_filter(mask.astype(np.float32), 0.8) * 2 - 0.75, 0, 1)
    pixels = _bleed_inwards(image, ndimage.binary_erosion(mask, iterations=1), alpha)
    rows, columns = np.where(alpha > 0.05)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    wrist = None
    if bottom >= photo.shape[0] - 3:
        low = np.where(mask[bottom - max(2, (bottom - top) // 20) : bottom].any(0))[0]
        if len(low) >= 4:
            wrist = (int(low[0] - left), int(low[-1] + 1 - left))
    return Hand(pixels[top:bottom, left:right], alpha[top:bottom, left:right], wrist)


def _otsu(score: np.ndarray) -> float | None:
    counts, edges = np.histogram(score, 128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts).astype(np.float64)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
        between = below * above * gap * gap
    between[~np.isfinite(between)] = -1
    best = int(np.argmax(between))
    return float(edges[best + 1]) if between[best] > 0 else None


def _fill_small_holes(mask: np.ndarray) -> np.ndarray:
    """Fills holes smaller than the ring of an "O" sign: those stay see-through."""
    holes, count = ndimage.label(~mask)
    if count:
        sizes = ndimage.sum_labels(~mask, holes, np.arange(1, count + 1))
        for index, size in enumerate(sizes, 1):
            if size < 12:
                mask = mask | (holes == index)
    return mask


def _bleed_inwards(image: np.ndarray, core: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Rim pixels mix hand and old background; they take the colour of the nearest pixel surely inside."""
    if not core.any():
        return image
    nearest = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    return np.where(core[..., None], image, image[nearest[0], nearest[1]]).astype(np.float32)

"""The gate's walk over single windows as an SVG: inputs, entropies against thresholds, what was skipped."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, ROW, TOP = 960, 206, 44
PANEL = 136
BARS, TRACK = 392, 200
INK, FAINT, GOES, LEAVES, LIMIT = "#1d2733", "#9aa5b1", "#6c8ebf", "#2a9d60", "#c0392b"


@dataclass(frozen=True)
class Asked:
    """One exit of the walk. `threshold`: None where the exit is off; `asked` False: never computed."""

    name: str
    entropy: float
    threshold: float | None
    answer: str
    macs_share: float
    asked: bool
    leaves: bool

    def verdict(self) -> str:
        if not self.asked:
            return f"skipped: {100 * self.macs_share:.1f} % of the MACs saved"
        says = f"{self.entropy:.3f}"
        if self.threshold is None:
            return f"{says}, answers {self.answer}" if self.leaves else f"{says}, exit is off: goes on"
        return f"{says} ≤ {self.threshold:.3f}: answers {self.answer}" if self.leaves else \
            f"{says} > {self.threshold:.3f}: goes on"


@dataclass(frozen=True)
class Walk:
    """`panels`: (modality, grey or RGB pixels, whether its sensor was asked), in the gate's order."""

    title: str
    panels: Sequence[tuple[str, NDArray[np.uint8], bool]]
    exits: Sequence[Asked]


def draw_walks(walks: Sequence[Walk], heading: str) -> str:
    height = TOP + ROW * len(walks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(16, 26, heading, size=15, weight="bold"),
        text(WIDTH - 16, 26, "bars: normalized entropy, 0 to 1; red: threshold", fill=FAINT, anchor="end"),
    ]
    for i, walk in enumerate(walks):
        parts += _row(walk, TOP + i * ROW)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(walk: Walk, y: int) -> list[str]:
    parts = [f'<line x1="16" x2="{WIDTH - 16}" y1="{y}" y2="{y}" stroke="#dde3ea"/>',
             text(16, y + 20, walk.title, weight="bold")]
    for i, (name, pixels, asked) in enumerate(walk.panels):
        x = 16 + i * (PANEL + 20)
        parts.append(f'<image x="{x}" y="{y + 32}" width="{PANEL}" height="{PANEL}" preserveAspectRatio="none" '
                     f'style="image-rendering:pixelated" opacity="{1 if asked else 0.25}" '
                     f'xlink:href="{data_uri(pixels)}" xmlns:xlink="http://www.w3.org/1999/xlink"/>')
        parts.append(f'<rect x="{x}" y="{y + 32}" width="{PANEL}" height="{PANEL}" fill="none" '
                     f'stroke="{INK if asked else FAINT}"/>')
        parts.append(text(x, y + 32 + PANEL + 16, name if asked else f"{name}: never asked",
                          fill=INK if asked else FAINT))
    step = PANEL / max(1, len(walk.exits))
    for i, e in enumerate(walk.exits):
        parts += _bar(e, y + 32 + i * step + step / 2)
    return parts


def _bar(e: Asked, y: float) -> list[str]:
    colour = FAINT if not e.asked else LEAVES if e.leaves else INK
    parts = [text(BARS - 8, y + 4, e.name, fill=colour, anchor="end"),
             f'<rect x="{BARS}" y="{y - 7:.1f}" width="{TRACK}" height="14" fill="none" stroke="#dde3ea"/>']
    if e.asked:
        width = max(1.0, TRACK * e.entropy)
        parts.append(f'<rect x="{BARS}" y="{y - 7:.1f}" width="{width:.1f}" height="14" '
                     f'fill="{LEAVES if e.leaves else GOES}"/>')
    if e.threshold is not None:
        x = BARS + TRACK * e.threshold
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 10:.1f}" y2="{y + 10:.1f}" stroke="{LIMIT}" '
                     'stroke-width="2"/>')
    return [*parts, text(BARS + TRACK + 12, y + 4, e.verdict(), fill=colour)]


def text(x: float, y: float, content: str, size: int = 12, weight: str = "normal", fill: str = INK,
         anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
            f'text-anchor="{anchor}">{escape(content)}</text>')


def data_uri(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def spectrogram_pixels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[frames, bands] to grey pixels: time to the right, frequency upwards, its own range from black to white."""
    low, high = np.quantile(values, [0.02, 0.995])
    scaled = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return np.ascontiguousarray(np.rint(255 * scaled).astype(np.uint8).T[::-1])

"""Picture files as 8-bit grey or RGB, upright, as a camera would have given them. What cannot be that is refused by
name: transparency, several pictures in one file, colour models without a plain way to RGB.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .errors import NO_INPUT, ToolError

Pixels = NDArray[np.uint8]

NETPBM = re.compile(rb"P([56])((?:\s|#[^\n]*\n)+\d{1,9}){3}\s")
PAM = re.compile(rb"P7\s*\n")
PAM_HEADER = 4_096
PAM_CHANNELS = {"BLACKANDWHITE": 1, "GRAYSCALE": 1, "RGB": 3,
                "BLACKANDWHITE_ALPHA": 2, "GRAYSCALE_ALPHA": 2, "RGB_ALPHA": 4}
COLOUR = {"RGB", "CMYK", "YCbCr", "P"}
DEEP = {"I", "I;16", "I;16B", "I;16L", "I;16N"}
DEEPEST = 65_535
ALPHA = {"RGBA", "LA", "PA", "RGBa", "La"}


def read_picture(path: Path) -> Pixels:
    """uint8 [h, w] or [h, w, 3] from PGM, PPM, PAM, JPEG, PNG or BMP. 16-bit grey is scaled, EXIF orientation
    applied. Raises ToolError, in one line."""
    try:
        raw = path.read_bytes()
        if NETPBM.match(raw[:4096]):
            return _netpbm(raw, path)
        if PAM.match(raw):
            return _pam(raw, path)
        with Image.open(path) as image:
            return _pixels(image, path)
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file", NO_INPUT) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ToolError(f"{path}: not a readable picture ({error})") from error


def _pixels(image: Image.Image, path: Path) -> Pixels:
    # A JPEG of several (MPO: phones put a depth map or a preview there) shows the first.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in ("MPO", "PPM"):
        raise ToolError(f"{path}: {frames} pictures in one file; a window is one picture (save them one by one)")
    image.load()
    _check_opaque(image, path)
    upright = ImageOps.exif_transpose(image)
    mode = upright.mode
    if mode in DEEP:
        return scaled(np.asarray(upright.convert("I")), DEEPEST, path)
    if mode in ("1", "L", "LA", "La"):
        return np.asarray(upright.convert("L"), np.uint8)
    if mode in COLOUR or mode in ALPHA:
        colour = np.asarray(upright.convert("RGB"), np.uint8)
        # A palette of greys, as many tools write grey pictures, is no colour.
        grey = mode in ("P", "PA") and bool((colour == colour[..., :1]).all())
        return np.ascontiguousarray(colour[..., 0]) if grey else colour
    raise ToolError(f"{path}: pixels of the kind {mode} are not read; save it as grey or RGB of 8 bits")


def _check_opaque(image: Image.Image, path: Path) -> None:
    if image.mode not in ALPHA and "transparency" not in image.info:
        return
    least = int(np.asarray(image.convert("RGBA"))[..., 3].min())
    if least < 255:
        raise _transparent(path)


def _transparent(path: Path) -> ToolError:
    return ToolError(f"{path}: has transparent pixels, and what stands behind them is not known; put it on a "
                     "background (magick IN -background black -flatten OUT)")


def scaled(values: NDArray, largest: int, path: Path) -> Pixels:
    """Numbers 0...largest as 0...255, rounded to the nearest."""
    if values.min() < 0 or values.max() > DEEPEST:
        raise ToolError(f"{path}: pixels from {values.min()} to {values.max()} are not 16 bits; scale it to 8 or 16")
    wide = np.minimum(values.astype(np.int64), largest)
    return ((wide * 255 + largest // 2) // largest).astype(np.uint8)


def _netpbm(raw: bytes, path: Path) -> Pixels:
    """Binary PGM and PPM with the rounding of Sources/Sensing/PNMReader.swift; two bytes a sample above 255."""
    head = NETPBM.match(raw[:4096])
    assert head is not None
    words = re.sub(rb"#[^\n]*\n", b" ", head.group(0)[2:]).split()
    width, height, largest = (int(w) for w in words)
    samples = _samples(raw, path, (height, width, 1 if head.group(1) == b"5" else 3), largest, head.end())
    return samples[..., 0] if samples.shape[2] == 1 else samples


def _pam(raw: bytes, path: Path) -> Pixels:
    """PAM (netpbm's pam(5)): lines of a word and a value, ENDHDR the last; as Sources/Sensing/PAMHeader.swift."""
    numbers: dict[bytes, int] = {}
    kinds: list[bytes] = []
    start, ended = raw.index(b"\n") + 1, False
    while not ended and (end := raw.find(b"\n", start, PAM_HEADER)) >= 0:
        word, *rest = raw[start:end].split() or [b"#"]
        start, ended = end + 1, word == b"ENDHDR"
        if word in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL") and re.fullmatch(rb"[0-9]{1,9}", b" ".join(rest)):
            numbers[word] = int(rest[0])
        elif word == b"TUPLTYPE":
            kinds += rest
        elif not ended and not word.startswith(b"#"):
            raise ToolError(f"{path}: damaged: picture header; convert it again")
    if not ended or len(numbers) < 4:
        raise ToolError(f"{path}: damaged: picture header; convert it again")
    kind, depth = b" ".join(kinds).decode(errors="replace"), numbers[b"DEPTH"]
    channels = PAM_CHANNELS.get(kind, depth if not kind and depth in (1, 3) else None)
    if channels is None:
        shown = kind[:40] or f"{depth} channels without a name"
        raise ToolError(f"{path}: a PAM of {shown} is not read; convert it to GRAYSCALE or RGB")
    if channels != depth:
        raise ToolError(f"{path}: damaged: {kind} of {depth} channels; convert it again")
    samples = _samples(raw, path, (numbers[b"HEIGHT"], numbers[b"WIDTH"], depth), numbers[b"MAXVAL"], start)
    if kind.endswith("_ALPHA"):
        if samples[..., -1].min() < 255:
            raise _transparent(path)
        samples = samples[..., :-1]
    return samples[..., 0] if samples.shape[2] == 1 else np.ascontiguousarray(samples)


def _samples(raw: bytes, path: Path, shape: tuple[int, int, int], largest: int, start: int) -> Pixels:
    """uint8 [h, w, channels] of netpbm's samples from byte `start`, scaled so that `largest` becomes 255."""
    height, width, _ = shape
    if width < 1 or height < 1 or not 1 <= largest <= DEEPEST:
        raise ToolError(f"{path}: damaged: a picture of {width} x {height} pixels up to {largest}")
    kind, count = np.dtype(np.uint8 if largest <= 255 else ">u2"), int(np.prod(shape, dtype=object))
    if len(raw) - start < count * kind.itemsize:
        raise ToolError(f"{path}: cut short: {count * kind.itemsize:,} bytes of pixels are promised, "
                        f"{len(raw) - start:,} are there")
    values = np.frombuffer(raw, kind, count, start)
    return (values if largest == 255 else scaled(values, largest, path)).reshape(shape)

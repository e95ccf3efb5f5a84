"""Sound files as 16-bit mono PCM, by the rules of the daemon (Sources/Sensing/WAVLayout.swift and WAVEncoding.swift):
integers lose their lowest bits, 8-bit ones gain eight zeros, numbers in -1...1 are scaled by 32,768, rounded half to
even and held to the range; two channels become their mean, rounded down. FLAC and OGG, which the daemon does not
read, follow the same rules.

What is no number (NaN, infinity) is refused here: a window of it would be learnt as silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from .errors import NO_INPUT, ToolError

PCM = NDArray[np.int16]

INTEGER, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
UNKNOWN_SIZE = 0x7FFF_F000
"""Lengths from here on are written by programs that could not know it: the data goes to the file's end."""
SIZE_IN_DS64 = 0xFFFF_FFFF
CHUNKS = 1024
RATES = range(1_000, 384_001)
NAMES = {2: "ADPCM", 17: "ADPCM", 6: "A-law", 7: "mu-law", 85: "MP3"}


@dataclass(frozen=True)
class Layout:
    """Where the samples of a WAV file lie and how they are held; `width` bytes each."""

    rate: int
    channels: int
    tag: int
    width: int
    offset: int = 0
    size: int = 0


def read_pcm(path: Path) -> tuple[PCM, int]:
    """Mono PCM and its rate in hertz. Raises ToolError, in one line, for what is no sound of one or two channels."""
    raw = _bytes(path)
    if raw[:4] in (b"RIFF", b"RF64", b"BW64"):
        layout = _wav_layout(raw, path)
        return _mono(_wav_samples(raw, layout, path)), layout.rate
    try:
        with soundfile.SoundFile(str(path)) as file:
            if file.channels > 2:
                raise _channels(path, file.channels)
            whole = file.subtype.startswith("PCM")
            samples = file.read(dtype="int32" if whole else "float64", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise _unreadable(path, raw, error) from error
    if len(samples) == 0:
        raise ToolError(f"{path}: the sound has no samples")
    return _mono((samples >> 16).astype(np.int16) if whole else _scaled(samples, path)), rate


def sound_rate(path: Path) -> int:
    """Samples a second, from the header."""
    raw = _bytes(path)
    if raw[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _wav_layout(raw, path).rate
    try:
        return soundfile.info(str(path)).samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise _unreadable(path, raw, error) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file", NO_INPUT) from None
    except OSError as error:
        raise ToolError(f"{path}: not a readable sound ({error.strerror})") from error


def _unreadable(path: Path, raw: bytes, error: Exception) -> ToolError:
    return ToolError(f"{path}: not a readable sound ({error if raw else 'the file is empty'})")


def _channels(path: Path, count: int) -> ToolError:
    return ToolError(f"{path}: sound with {count} channels; mono or stereo is read (choose two, or mix them down: "
                     "sox IN OUT channels 1)")


def _chunks(raw: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, offset of the content, stated size) one after another; padded to even lengths, but where a program left
    that out and the next chunk's name stands there."""
    offset = 12
    for _ in range(CHUNKS):
        if offset + 8 > len(raw):
            return
        size = int.from_bytes(raw[offset + 4 : offset + 8], "little")
        yield raw[offset : offset + 4], offset + 8, size
        offset += 8 + size
        offset += size & 1 and _is_padded(raw[offset : offset + 5])


def _is_padded(there: bytes) -> bool:
    def is_text(part: bytes) -> bool:
        return all(0x20 <= b <= 0x7E for b in part)

    return len(there) < 5 or there[0] == 0 or is_text(there[1:]) or not is_text(there[:4])


def _wav_layout(raw: bytes, path: Path) -> Layout:
    if len(raw) < 12 or raw[8:12] != b"WAVE":
        raise ToolError(f"{path}: not a RIFF/WAVE file")
    large = raw[:4] != b"RIFF"
    # Of a recorder that was killed before it closed the file, or of one that writes to a pipe.
    whole = int.from_bytes(raw[4:8], "little")
    unclosed = not large and (whole + 8 < len(raw) or whole >= UNKNOWN_SIZE)
    layout: Layout | None = None
    size64: int | None = None
    for name, offset, size in _chunks(raw):
        if large and name == b"ds64":
            field = raw[offset + 8 : offset + 16]
            # Zeros until the recorder closes the file.
            size64 = (int.from_bytes(field, "little") or None) if len(field) == 8 and field[7] < 128 else None
        elif name == b"fmt ":
            layout = _format(raw[offset : offset + min(size, 40)], path)
        elif name == b"data":
            if layout is None:
                raise ToolError(f"{path}: damaged: data before its format")
            if size == SIZE_IN_DS64 and size64 is not None:
                size = size64
            return _with_data(layout, offset, size, len(raw) - offset, unclosed, path)
    raise ToolError(f"{path}: damaged: no data chunk")


def _format(text: bytes, path: Path) -> Layout:
    if len(text) < 16:
        raise ToolError(f"{path}: damaged: format chunk of {len(text)} bytes")

    def word(at: int, count: int = 2) -> int:
        return int.from_bytes(text[at : at + count], "little")

    tag, channels, rate, block, bits = word(0), word(2), word(4, 4), word(12), word(14)
    if tag == EXTENSIBLE and len(text) >= 26:
        tag = word(24)  # the true one opens the subformat's GUID
    if channels not in (1, 2):
        raise _channels(path, channels)
    width = (bits + 7) // 8
    if not (tag == INTEGER and 1 <= width <= 4) and not (tag == FLOAT and width in (4, 8)):
        kind = {INTEGER: f"{bits}-bit PCM", FLOAT: f"{bits}-bit floating point"}.get(
            tag, NAMES.get(tag, f"WAV encoding {tag}"))
        raise ToolError(f"{path}: {kind} is not read; use PCM of 8 to 32 bits or floating point")
    if bits == 24 and block == 4 * channels:
        # Programs differ in where the 24 bits lie: ALSA below (S24_LE), others on top.
        raise ToolError(f"{path}: 24-bit PCM in 4 bytes is not read; use arecord -f S24_3LE or S32_LE, which every "
                        "program understands")
    if block != width * channels:
        raise ToolError(f"{path}: damaged: {block} bytes a sample for {channels} {bits}-bit channels")
    if rate not in RATES:
        raise ToolError(f"{path}: damaged: sample rate {rate}")
    return Layout(rate, channels, tag, width)


def _with_data(layout: Layout, offset: int, size: int, there: int, unclosed: bool, path: Path) -> Layout:
    if size == 0 and unclosed:
        size = there
    elif size > there and size < UNKNOWN_SIZE:
        raise ToolError(f"{path}: cut short: its header promises {offset + size:,} bytes, it has {offset + there:,}")
    size = min(size, there)
    if size < layout.width * layout.channels:
        raise ToolError(f"{path}: the sound has no samples")
    return Layout(layout.rate, layout.channels, layout.tag, layout.width, offset, size)


def _wav_samples(raw: bytes, layout: Layout, path: Path) -> PCM:
    """int16 [samples, channels]."""
    frame = layout.width * layout.channels
    count = layout.size // frame
    body = np.frombuffer(raw, np.uint8, count * frame, layout.offset).reshape(-1, layout.width)
    if layout.tag == FLOAT:
        samples = _scaled(body.view("<f4" if layout.width == 4 else "<f8").astype(np.float64), path)
    elif layout.width == 1:
        samples = (body.astype(np.int16) - 128) << 8
    else:
        samples = np.ascontiguousarray(body[:, layout.width - 2 :]).view("<i2").astype(np.int16)
    return samples.reshape(count, layout.channels)


def _scaled(values: NDArray[np.float64], path: Path) -> PCM:
    """Numbers in -1...1 as 16 bits; beyond, they saturate."""
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ToolError(f"{path}: {bad} of {values.size} samples are no finite numbers; mend or remove the file")
    return np.clip(np.rint(values * 32768), -32768, 32767).astype(np.int16)


def _mono(samples: PCM) -> PCM:
    if samples.shape[1] == 1:
        return np.ascontiguousarray(samples[:, 0])
    return ((samples[:, 0].astype(np.int32) + samples[:, 1]) >> 1).astype(np.int16)

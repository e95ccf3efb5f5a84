"""Reading of sounds, pictures and arrays from files, each failure one clear line."""

from __future__ import annotations

import gzip
import io
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from .errors import NO_INPUT, ToolError
from .pictures import Pixels, read_picture
from .sounds import PCM, read_pcm, sound_rate

__all__ = ["PCM", "Pixels", "picture_bytes", "read_idx", "read_pcm", "read_picture", "read_sound", "read_vector",
           "resample", "sound_rate", "to_pcm", "vector_bytes", "wav_bytes"]


def read_sound(path: Path, rate: int) -> PCM:
    """16-bit mono PCM at `rate` from a WAV, FLAC or OGG file; two channels become their mean."""
    return resample(*read_pcm(path), rate)


def resample(samples: NDArray, source: int, target: int) -> PCM:
    """Exact rational polyphase resampling, rounded and saturated to 16 bits."""
    if source != target:
        ratio = Fraction(target, source)
        samples = scipy.signal.resample_poly(
            np.asarray(samples, np.float64), ratio.numerator, ratio.denominator
        )
    return to_pcm(np.asarray(samples, np.float64))


def to_pcm(samples: NDArray) -> PCM:
    """Round half to even and saturate, in units of one 16-bit step."""
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An idx file of unsigned bytes (MNIST's format), gzip-compressed or not."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file", NO_INPUT) from None
    except (OSError, EOFError) as error:
        raise ToolError(f"{path}: not a readable gzip file ({error})") from error
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or len(raw) < 4 + 4 * raw[3]:
        raise ToolError(f"{path}: not an idx file of unsigned bytes")
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", raw[3], 4))
    body = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])
    if body.size != int(np.prod(shape, dtype=np.int64)):
        raise ToolError(f"{path}: the header says shape {shape}, the file holds {body.size} bytes")
    return body.reshape(shape)


def read_vector(path: Path) -> NDArray[np.float32]:
    """A `.npy` file of numbers in one row, as float32: what the evaluator takes (Sources/Engine/NumPyArray.swift)."""
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file", NO_INPUT) from None
    except (OSError, ValueError, EOFError) as error:
        raise ToolError(f"{path}: not a readable .npy file ({error})") from error
    if not isinstance(array, np.ndarray) or max(array.shape, default=1) != array.size or (
            array.dtype.kind not in "fiu" or array.dtype.itemsize > 8):
        raise ToolError(f"{path}: want a one-dimensional array of numbers")
    with np.errstate(over="ignore"):
        numbers = array.reshape(-1).astype(np.float32)
    bad = int((~np.isfinite(numbers)).sum())
    if bad:
        raise ToolError(f"{path}: {bad} of {numbers.size} values are not finite as float32; mend or remove the file")
    return numbers


def wav_bytes(pcm: PCM, rate: int) -> bytes:
    """A mono PCM16 WAV file with a canonical 44-byte header."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm.astype("<i2").tobytes())
    return buffer.getvalue()


def picture_bytes(pixels: Pixels) -> bytes:
    """A binary PGM (2-D) or PPM (3-D)."""
    kind = "P5" if pixels.ndim == 2 else "P6"
    head = f"{kind}\n{pixels.shape[1]} {pixels.shape[0]}\n255\n"
    return head.encode() + np.ascontiguousarray(pixels).tobytes()


def vector_bytes(values: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values.astype("<f4"), allow_pickle=False)
    return buffer.getvalue()

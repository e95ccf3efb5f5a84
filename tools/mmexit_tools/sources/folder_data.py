"""A user's own data: `<class>/<window>.<extension>`, files of one name and different kinds being one window.

Every file is read when the folder is opened, so that a bad one ends the command at once and not in an epoch.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from ..base.errors import NO_INPUT, ToolError
from ..base.readers import Pixels, read_picture, read_sound, read_vector, sound_rate
from ..signals.windows import Picture, Signal, Sound, Vector
from .folder_splits import LEAST, group_of, notice, split_names

KINDS = {"audio": (".wav", ".flac", ".ogg"), "image": (".png", ".pgm", ".ppm", ".pnm", ".pam", ".jpg", ".jpeg",
                                                       ".bmp"),
         "vector": (".npy",)}
MODALITY = {extension: m for m, extensions in KINDS.items() for extension in extensions}
SETTINGS_FILE = "folder.toml"
LARGEST = 256
"""Pixels of a picture's longer side that are kept in memory."""


@dataclass(frozen=True)
class Settings:
    """What `folder.toml` may say. `rate` (hertz) and `image` (pixels) are chosen from the files where 0."""

    missing: bool = False
    """Windows without one of the modalities are taken."""
    group: str = "prefix"
    """`prefix`: what stands before the first `_` of a name is the group (person, place) that splits keep whole;
    `none`: every window is its own."""
    seconds: float = 1.0
    rate: int = 0
    image: int = 0


@dataclass(frozen=True)
class Item:
    """One window: signals by modality, and the group that it shares with others (empty: none)."""

    label: str
    name: str
    group: str
    signals: Mapping[str, Signal]


@dataclass(frozen=True)
class Folder:
    settings: Settings
    classes: tuple[str, ...]
    modalities: tuple[str, ...]
    items: tuple[Item, ...]
    splits: Mapping[str, tuple[int, ...]]
    """Indices of items."""


@cache
def read_folder(data: Path) -> Folder:
    """Raises ToolError, in one line, for whatever cannot be trained on."""
    if not data.is_dir():
        raise ToolError(f"{data}: no such folder", NO_INPUT)
    settings = read_settings(data / SETTINGS_FILE)
    files = find_files(data)
    modalities = tuple(m for m in KINDS if any(m in f for f in files.values()))
    check_classes(data, files)
    check_pairs(data, files, modalities, settings)
    rate = settings.rate or common_rate([f["audio"] for f in files.values() if "audio" in f])
    items = tuple(
        Item(label, name, group_of(name) if settings.group == "prefix" else "",
             {m: read_signal(path, m, rate) for m, path in sorted(found.items())})
        for (label, name), found in files.items()
    )
    check_vectors(data, items)
    classes = tuple(sorted({label for label, _ in files}))
    splits = split_names([(i.label, i.name, i.group) for i in items], str(data / SETTINGS_FILE))
    return Folder(settings, classes, modalities, items, splits)


def read_settings(path: Path) -> Settings:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: not TOML ({error})") from error
    known = {k: type(v) for k, v in vars(Settings()).items()}
    for key, value in found.items():
        if key not in known:
            raise ToolError(f"{path}: {key} is not a setting; there are {', '.join(known)}")
        if known[key] is not type(value) and not (known[key] is float and type(value) is int):
            raise ToolError(f"{path}: {key} must be a {known[key].__name__}, is {value!r}")
    settings = Settings(**found)
    if settings.group not in ("prefix", "none"):
        raise ToolError(f"{path}: group must be prefix or none, is {settings.group}")
    if not 0.1 <= settings.seconds <= 10 or settings.rate not in (0, *range(4000, 48_001)) \
            or settings.image not in (0, *range(16, 225)):
        raise ToolError(f"{path}: seconds must be 0.1 to 10, rate 4000 to 48000, image 16 to 224")
    return settings


def find_files(data: Path) -> dict[tuple[str, str], dict[str, Path]]:
    """(class, window) to its file of each modality."""
    found: dict[tuple[str, str], dict[str, Path]] = {}
    other: list[Path] = []
    for path in sorted(p for p in data.glob("*/*") if p.is_file() and not p.name.startswith(".")):
        modality = MODALITY.get(path.suffix.lower())
        if modality is None:
            other.append(path)
            continue
        window = found.setdefault((path.parent.name, path.stem), {})
        if modality in window:
            raise ToolError(f"{path}: {window[modality].name} is the same window's {modality} already; remove one")
        window[modality] = path
    if other:
        notice(f"{len(other)} files of other kinds are not read (the first: {other[0]})")
    if not found:
        kinds = ", ".join(MODALITY)
        raise ToolError(f"{data}: no windows; want CLASS/WINDOW with one of the endings {kinds}", NO_INPUT)
    return found


def check_classes(data: Path, files: Mapping[tuple[str, str], object]) -> None:
    counts = Counter(label for label, _ in files)
    if len(counts) < 2:
        raise ToolError(f"{data}: one class only ({next(iter(counts))}); a second folder beside it is needed")
    few = [f"{label} has {n}" for label, n in sorted(counts.items()) if n < LEAST]
    if few:
        raise ToolError(f"{data}: {', '.join(few)} of the at least {LEAST} windows that a class needs (to train, to "
                        "validate, to test); record more, or remove the class")


def check_pairs(data: Path, files: Mapping[tuple[str, str], Mapping[str, Path]], modalities: Sequence[str],
                settings: Settings) -> None:
    for m in modalities:
        without = [next(iter(found.values())) for found in files.values() if m not in found]
        if not without:
            continue
        text = f"{len(without)} of {len(files)} windows have no {m} (the first: {without[0]})"
        if not settings.missing:
            raise ToolError(f"{data}: {text}; add the files of the same name, or write `missing = true` into "
                            f"{data / SETTINGS_FILE} to train with what is there")
        notice(text)


def common_rate(paths: Sequence[Path]) -> int:
    """8 or 16 kHz: what loses least of the sounds without making them more than they are."""
    rates = Counter(sound_rate(p) for p in paths)
    if not rates:
        return 0
    target = 8000 if max(rates) <= 11_025 else 16_000
    resampled = sum(n for r, n in rates.items() if r != target)
    if resampled:
        notice(f"{resampled} of {len(paths)} sounds are resampled to {target} Hz")
    return target


def read_signal(path: Path, modality: str, rate: int) -> Signal:
    if modality == "audio":
        return Sound(read_sound(path, rate), rate)
    if modality == "image":
        return Picture(_reduced(read_picture(path)))
    return Vector(read_vector(path))


def _reduced(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    if max(height, width) <= LARGEST:
        return pixels
    scale = LARGEST / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def check_vectors(data: Path, items: Sequence[Item]) -> None:
    lengths = Counter(len(v.values) for i in items if isinstance(v := i.signals.get("vector"), Vector))
    if len(lengths) > 1:
        text = ", ".join(f"{n} of length {length}" for length, n in lengths.most_common())
        raise ToolError(f"{data}: vectors of different lengths ({text}); all must have the same")

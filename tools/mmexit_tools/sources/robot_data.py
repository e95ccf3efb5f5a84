"""Reads the recordings and photos of the robot-command task and splits them by speaker, signer and fold."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ..base.errors import DATA, ToolError, note
from ..base.readers import read_pcm, read_picture
from .robot_hands import Hand, cut_out, fit_background
from .robot_sounds import RATE

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
NONE = "none"
CLASSES = (*COMMANDS, NONE)
SIGNS = ("off", "up", "right", "left", "go", "stop", "on", "yes", "no", "down")  # by digit signed
PHOTO = (100, 100)  # pixels; the set's own size, at which hands are cut out
SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}
FOLDS = {"train": ("1", "2"), "validation": ("3",), "test": ("4",)}


@dataclass(frozen=True)
class Photo:
    pixels: np.ndarray
    hand: Hand | None


@dataclass(frozen=True)
class Material:
    """What windows of one split are made of; lists may be empty where a folder lacks them."""

    words: dict[str, list[np.ndarray]]  # command -> PCM, float32
    others: list[np.ndarray]  # other words
    silences: list[np.ndarray]
    noises: list[np.ndarray]
    photos: dict[str, list[Photo]]  # command -> photos
    hands: list[Hand]
    plain: list[np.ndarray]
    people: dict[str, int]  # how many speakers, signers and noise recordings


def split_of(kind: str, person: str) -> str:
    """The split a person belongs to: a hash of the id, so that it holds for any folder and any subset of it."""
    place = int.from_bytes(hashlib.sha256(f"{kind}:{person}".encode()).digest()[:4], "big") / 2**32
    edge = 0.0
    for name in SPLITS:
        edge += SHARES[name]
        if place < edge:
            return name
    return SPLITS[-1]


@lru_cache(maxsize=4)
def material(data: Path, split: str) -> Material:
    """The split's material; "all" takes everybody.

    A source without anybody in the split gives all it has (a small folder)."""
    if split not in (*SPLITS, "all"):
        raise ToolError(f"--split {split}: choose one of {', '.join((*SPLITS, 'all'))}", DATA)
    spoken = _chosen(data / "gsc-commands", split, lambda r: split_of("speaker", r["speaker"]) == split)
    signed = _chosen(data / "sign-digits", split, lambda r: split_of("signer", r["signer"]) == split)
    clips = _chosen(data / "esc10", split, lambda r: r["fold"] in FOLDS.get(split, ()))
    if not spoken and not signed:
        raise ToolError(f"{data}: neither gsc-commands/index.csv nor sign-digits/index.csv; give a folder with one")
    words: dict[str, list[np.ndarray]] = {c: [] for c in COMMANDS}
    others: list[np.ndarray] = []
    silences: list[np.ndarray] = []
    for row in spoken:
        target = silences if row["label"] == "_silence_" else words.get(row["label"], others)
        target.append(_sound(data / "gsc-commands" / row["path"]))
    photos: dict[str, list[Photo]] = {c: [] for c in COMMANDS}
    plain = []
    for row in signed:
        pixels = _photo(data / "sign-digits" / row["path"])
        photos[SIGNS[int(row["digit"])]].append(Photo(pixels, cut_out(pixels)))
        if len(plain) < 150:
            plain.append(fit_background(pixels))
    return Material(
        words,
        others,
        silences,
        [_sound(data / "esc10" / row["path"]) for row in clips],
        photos,
        [p.hand for c in COMMANDS for p in photos[c] if p.hand is not None],
        plain,
        {
            "speakers": len({r["speaker"] for r in spoken}),
            "signers": len({r["signer"] for r in signed}),
            "recordings": len(spoken),
            "photos": len(signed),
            "noises": len(clips),
        },
    )


def _rows(folder: Path) -> list[dict[str, str]]:
    index = folder / "index.csv"
    if not index.exists():
        return []
    with index.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _chosen(folder: Path, split: str, belongs: Callable[[dict[str, str]], bool]) -> list[dict[str, str]]:
    """The folder's rows of the split; all of them where the split has none (other people, or few)."""
    rows = _rows(folder)
    found = rows if split == "all" else [r for r in rows if belongs(r)]
    if rows and not found:
        note(f"{folder}: nobody in the {split} split, all {len(rows)} rows are used")
    return found or rows


def _sound(path: Path) -> np.ndarray:
    pcm, rate = read_pcm(path)
    if rate != RATE:
        raise ToolError(f"{path}: {rate} Hz; sound at {RATE} Hz is needed", DATA)
    return pcm.astype(np.float32) / np.float32(32768)


def _photo(path: Path) -> np.ndarray:
    return np.asarray(Image.fromarray(read_picture(path)).convert("RGB").resize(PHOTO))

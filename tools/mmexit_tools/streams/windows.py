"""Windows of one second as a robot's microphone brings them, with what is said in them: drawn one by one, and cut out
of streams of training people.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..sources import stream_windows
from ..sources.robot_data import CLASSES, COMMANDS, NONE, material
from ..sources.robot_sounds import RATE, WINDOW, to_pcm
from ..sources.surroundings import surroundings
from ..tasks import robot_command as task
from .hearing import render
from .plans import plan

UNKNOWN = -1
"""Label of a window in which a part of a word is heard: nobody can say."""
EMPTY = CLASSES.index(NONE)
WITHOUT = 0.40
KINDS = {"window": 0.50, "task": 0.15, "stream": 0.35}
SCENES = {"talk": 6.0, "lively": 6.0, "noise": 6.0, "company": 0.0}
"""Streams that windows are cut from, and commands a minute."""
SECONDS = 120.0
PERIOD = RATE // 4
"""Samples between the beginnings of a daemon's windows."""


def draw(data: Path, split: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(int16 [count, WINDOW], labels [count] of which some are UNKNOWN), the same for the same arguments."""
    rng = np.random.default_rng([seed, 31])
    kinds = rng.choice(list(KINDS), count, p=list(KINDS.values()))
    labels = np.where(rng.random(count) < WITHOUT, EMPTY, rng.integers(0, len(COMMANDS), count))
    source, around, augment = material(data, split), surroundings(data, split), split == "train"
    pcm = np.zeros((count, WINDOW), np.int16)
    for i in np.flatnonzero(kinds == "window"):
        pcm[i] = to_pcm(stream_windows.sound(rng, CLASSES[labels[i]], source, around))
    for i in np.flatnonzero(kinds == "task"):
        pcm[i] = to_pcm(task.sound(rng, source, CLASSES[labels[i]], task.OTHER_WORDS, augment))
    left = list(np.flatnonzero(kinds == "stream"))
    while left:
        cut, said = stream(rng, data, split)
        here = [left.pop() for _ in range(min(len(left), len(cut)))]
        pcm[here], labels[here] = cut[: len(here)], said[: len(here)]
    return pcm, labels


def stream(rng: np.random.Generator, data: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Windows of one stream, every quarter of a second: all with some of a word, and a third of the others."""
    name = str(rng.choice(list(SCENES)))
    planned = plan(rng, name, SECONDS, SCENES[name])
    heard = render(rng, planned, material(data, split), surroundings(data, split))
    spans = [(*span, CLASSES.index(c.label)) for c, span in zip(planned.commands, heard.spans, strict=True) if span]
    starts = np.arange(0, len(heard.pcm) - WINDOW + 1, PERIOD) + int(rng.integers(PERIOD))
    starts = starts[starts + WINDOW <= len(heard.pcm)]
    labels = np.array([label_of(s / RATE, spans) for s in starts])
    chosen = rng.permutation(np.flatnonzero((labels != EMPTY) | (rng.random(len(labels)) < 1 / 3)))
    return heard.pcm[starts[chosen][:, None] + np.arange(WINDOW)[None]], labels[chosen]


def label_of(start: float, spans: list[tuple[float, float, int]]) -> int:
    """What is said in the second from `start` on, by the words' first and last audible second."""
    found = EMPTY
    for first, last, label in spans:
        length = max(last - first, 1e-6)
        inside = max(0.0, min(last, start + 1) - max(first, start))
        # A word longer than the window is heard where it fills it.
        share = inside / min(length, 1.0)
        if share >= stream_windows.WHOLE:
            return label
        if share > stream_windows.CUT:
            found = UNKNOWN
    return found

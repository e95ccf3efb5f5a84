"""The gate of a task with `none`, for Learn then Test: commands' thresholds first, then when one sensor may be sure
of nothing (`robot_none`)."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..base.exits import FUSION
from .calibration import Recording, Replay, Thresholds, gate_order, replay
from .exit_pool import Pool
from .promise import Gate
from .robot_none import none_thresholds
from .settings_path import Ranked, Setting, cheaper_and_cheaper, settings_path

MISSED = (0.0, 0.002, 0.005, 0.01, 0.02)
"""Shares of a sensor's own commands that it may take for nothing, tried with every setting of the commands."""


def looking_gate(none: int) -> Gate:
    """`none`: the class that means nothing."""

    def walk(recording: Recording, setting: Setting) -> Replay:
        return replay(recording, setting.order, setting.thresholds, setting.nones, none)

    def path(recording: Recording, pool: Pool) -> list[Setting]:
        reference = recording.correct(FUSION).mean()
        off: Thresholds = dict.fromkeys(recording.keys(recording.modalities))
        nones = [off, *(none_thresholds(recording, pool.seen, none, m) for m in MISSED)]
        found: list[Ranked] = []
        for setting in settings_path(as_left(recording, off, off, none)[0]):
            for limits in nones:
                tried = Setting(setting.thresholds, setting.order, limits)
                outcome = walk(recording, tried)
                found.append((float(reference - outcome.accuracy), outcome.mean_macs, tried))
        return [s for _, _, s in cheaper_and_cheaper(found) if order(recording, s) == s.order]

    def order(recording: Recording, setting: Setting) -> tuple[str, ...]:
        return gate_order(*as_left(recording, setting.thresholds, setting.nones, none))

    return Gate(path, walk, order)


def as_left(recording: Recording, commands: Thresholds, nones: Thresholds, none: int) -> tuple[Recording, Thresholds]:
    """Recording and thresholds from which the stored figures come: `none` leaves at entropy 0 where its own threshold
    lets it, and never where that does not."""
    entropy = dict(recording.entropy)
    for key, values in recording.entropy.items():
        if key != FUSION:
            limit = nones.get(key)
            leaves = values <= (-1 if limit is None else limit)
            entropy[key] = np.where(recording.answer[key] == none, np.where(leaves, 0.0, np.inf), values)
    limits = {k: 0.0 if t is None and nones.get(k) is not None else t for k, t in commands.items()}
    return dataclasses.replace(recording, entropy=entropy), limits

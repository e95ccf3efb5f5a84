"""Hard negatives: windows of streams without a command that an encoder takes for one, as more training material.

The streams are `company` of training people only, heard and not seen; a window begins every quarter second, as in the
daemon. What is found depends on the network, so it is kept with the number of its round.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..model.networks import MultiExitNetwork
from ..sources.robot_data import material
from ..sources.robot_sounds import WINDOW
from ..sources.surroundings import surroundings
from ..streams.hearing import render
from ..streams.plans import plan
from ..streams.windows import EMPTY, PERIOD
from ..tasks import robot_command as task
from .robot_encoders import run_encoder
from .robot_pools import Chunk

DOUBT = 0.25
"""A window is hard where its probability of some command is at least this."""
MINUTES = 5.0


def stream_features(pcm: np.ndarray) -> np.ndarray:
    """Features float16 [windows, frames, bands] of every window of a recording, one each quarter second."""
    starts = range(0, len(pcm) - WINDOW + 1, PERIOD)
    parts = [task.AUDIO.compute([pcm[s : s + WINDOW] for s in starts[i : i + 500]])[..., 0].astype(np.float16)
             for i in range(0, len(starts), 500)]
    return np.concatenate(parts)


def mine(model: MultiExitNetwork, data: Path, seed: int, hours: float) -> tuple[Chunk, int]:
    """(the hard windows of `hours` of company, how many windows there were)."""
    source, around = material(data, "train"), surroundings(data, "train")
    found, total = [], 0
    for number in range(round(hours * 60 / MINUTES)):
        rng = np.random.default_rng([seed, number, 7307])
        pcm = render(rng, plan(rng, "company", MINUTES * 60, 0), source, around).pcm
        values = stream_features(pcm)
        logits, _ = run_encoder(model, "audio", values)
        command = 1 - torch.softmax(logits[-1], 1)[:, EMPTY].numpy()
        found.append(values[command >= DOUBT])
        total += len(values)
    hard = np.concatenate(found)
    return Chunk({"audio": hard}, {"audio": np.full(len(hard), EMPTY)}), total

"""Rooms and microphones made anew for every sound, on mel power: a late echo, and a colour.

The data's rooms are few, and most are halls or nearly without an echo. Late sound in a room decays exponentially and
knows nothing of the phases of what caused it (Polack, 1988), so in bands its power is that of the sound, smeared over
time, and fluctuating. A colour, a curve over the bands, is what a microphone, a case or a wall does to all of it.
`sources.robot_sounds.room` does both to sound, once for each that a bank holds; these are for every step.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..tasks.robot_command import AUDIO

DECAY = (0.2, 1.1)
"""Seconds to -60 dB, from a furnished room to a bare one; evenly in their logarithm."""
DULLER = (-0.1, 0.5)
"""By how much of itself it is shorter in the highest band."""
REVERBERANT = (-8.0, 8.0)
"""Decibels of all the echo's energy against the sound's own: from a step away to across the room."""
FLUCTUATION = 4.0
"""Of the echo's power in a band, in frames: the shape of a gamma distribution of mean 1."""
LOW, HIGH = (-22.0, 6.0), (-14.0, 10.0)
"""Decibels of a colour in the lowest and in the highest band."""
BEND, UNEVEN, NODES = 1.0, 2.5, 8
"""How far a colour's middle may lie from the straight line (a power of e), and its nodes' own decibels."""


def echoed(rng: np.random.Generator, power: Tensor, share: float) -> Tensor:
    """[n, frames, bands], a share of them with a late echo of all that is in it."""
    here = np.flatnonzero(rng.random(len(power)) < share)
    count, frames = len(here), power.shape[1]
    if not count:
        return power
    seconds = np.exp(rng.uniform(*np.log(DECAY), count))[:, None]
    seconds = seconds * (1 - rng.uniform(*DULLER, count)[:, None] * np.linspace(0, 1, AUDIO.bands))
    fall = 10 ** (-6 * AUDIO.hop / AUDIO.sample_rate / seconds)
    size = 10 ** (rng.uniform(*REVERBERANT, count)[:, None] / 10) * (1 - fall) / fall
    decay, gain = (torch.from_numpy(v.astype(np.float32)) for v in (fall, size))
    sound, tail = power[here], torch.zeros(count, AUDIO.bands)
    tails = []
    for frame in range(frames):
        tails.append(tail)
        tail = decay * (tail + gain * sound[:, frame])
    uneven = rng.gamma(FLUCTUATION, 1 / FLUCTUATION, (count, frames, AUDIO.bands)).astype(np.float32)
    out = power.clone()
    out[here] = sound + torch.stack(tails, 1) * torch.from_numpy(uneven)
    return out


def coloured(rng: np.random.Generator, power: Tensor, share: float) -> Tensor:
    """[n, frames, bands], a share of them through a colour that keeps their energy."""
    here = torch.from_numpy(rng.random(len(power)) < share)
    changed = power * torch.pow(10.0, colours(rng, len(power)) / 10)
    changed = changed * (power.sum((1, 2), keepdim=True) / (changed.sum((1, 2), keepdim=True) + 1e-9))
    return torch.where(here[:, None, None], changed, power)


def colours(rng: np.random.Generator, count: int) -> Tensor:
    """Decibels [count, 1, bands]: a line from LOW to HIGH, bent and uneven."""
    low, high, bend = (torch.from_numpy(v.astype(np.float32))[:, None, None] for v in (
        rng.uniform(*LOW, count), rng.uniform(*HIGH, count), np.exp(rng.uniform(-BEND, BEND, count))))
    place = torch.linspace(0, 1, NODES)[None, None]
    own = torch.from_numpy(rng.standard_normal((count, 1, NODES)).astype(np.float32))
    return functional.interpolate(low + (high - low) * place**bend + own * UNEVEN, size=AUDIO.bands, mode="linear",
                                  align_corners=True)

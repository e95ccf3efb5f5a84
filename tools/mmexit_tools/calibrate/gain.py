"""The gain of going on: a tiny network at an exit that predicts how much more often fusion would be right.

Entropy says how unsure an exit is, not whether hearing the next sensor would help. A head regresses
`fusion right - this exit right` (-1, 0 or 1) from the exit's sorted log-probabilities, the feature that its linear
layer takes, and a nearly free look at the raw data of the modalities that have not run yet. Its prediction takes the
place of entropy: an exit answers where the gain of going on is at most its threshold. A threshold of
(cost of going on) / lambda is the rule "gain x lambda exceeds its cost"; others are found by descent on MACs and
errors.

Heads are taught on validation windows. What they say about those very windows comes from heads that have not seen
them (cross-fitting), so that thresholds chosen on it hold for new windows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .calibration import softmax

HIDDEN = 32
CELLS = 14
"""A look pools a map to at most so many cells a side, then takes each column's mean and maximum over the rows."""
LEAST_LOG = -14.0
"""Log-probabilities are cut off there."""
FOLDS = 5
CROSSED = 3
"""Folds of each of two kinds of groups."""
EPOCHS = 20
MOST_STEPS = 1000
"""Beyond them, fewer epochs: many windows need not be seen as often."""
LEAST_EPOCHS = 6
RATE = 3e-3
WEIGHT_DECAY = 0.05
BATCH = 256
DROPOUT = 0.2
"""Of inputs: a few thousand windows overfit without it (correlation with the true gain .19, with it .23)."""


def look(maps: NDArray) -> NDArray[np.float32]:
    """[N, h, w, c] features before any network to [N, columns x 2c]: of every column of a map pooled to at most
    CELLS x CELLS cells its mean over the rows, by channel, then its maximum."""
    n, height, width, channels = maps.shape
    rows, columns = (max(1, math.ceil(side / CELLS)) for side in (height, width))
    kept = maps[:, : height // rows * rows, : width // columns * columns].astype(np.float32)
    cells = kept.reshape(n, height // rows, rows, width // columns, columns, channels).mean(axis=(2, 4))
    return np.concatenate([cells.mean(axis=1), cells.max(axis=1)], axis=2).reshape(n, -1)


def look_macs(shape: Sequence[int]) -> int:
    """Additions of a look at a map of this shape, billed as if they were multiply-accumulates."""
    return math.prod(shape)


def sorted_logs(logits: NDArray, temperature: float) -> NDArray[np.float32]:
    """Log-probabilities in falling order, [N, classes]."""
    found = -np.sort(-softmax(logits, temperature), axis=1)
    return np.maximum(np.log(np.maximum(found, 1e-30)), LEAST_LOG).astype(np.float32)


@dataclass(frozen=True)
class GainHead:
    """Two layers with ReLU between; inputs are normalized by the first. Weights are int8 with a scale per row."""

    first: NDArray[np.int8]
    first_scale: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    second: NDArray[np.int8]
    second_scale: float
    second_bias: float

    @property
    def macs(self) -> int:
        return int(self.first.size + self.second.size)

    def predict(self, inputs: NDArray) -> NDArray[np.float64]:
        """Gain of every window, [N], from [N, inputs]."""
        hidden = inputs.astype(np.float32) @ (self.first * self.first_scale[:, None]).T + self.first_bias
        weight = self.second * np.float32(self.second_scale)
        return (np.maximum(hidden, 0) @ weight + self.second_bias).astype(np.float64)


def to_int8(weight: NDArray) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scale = np.maximum(np.abs(weight).max(axis=-1, keepdims=True), 1e-12) / 127
    return np.rint(weight / scale).astype(np.int8), scale[..., 0].astype(np.float32)


@dataclass(frozen=True)
class Learned:
    """Float weights over normalized inputs: `first` [hidden, inputs], `bias`, `second` [hidden], `second_bias`."""

    first: NDArray[np.float32]
    bias: NDArray[np.float32]
    second: NDArray[np.float32]
    second_bias: float


def learn(inputs: NDArray, gain: NDArray, seed: int = 1, together: Sequence[slice] = (),
          hidden: int = HIDDEN) -> Learned:
    """Weights with the least squared error on these windows, regularized; the same for the same seed.

    `inputs`: mean 0, spread 1. `together`: columns that are also left out as a whole, as where a sensor sleeps."""
    x = torch.from_numpy(inputs.astype(np.float32))
    y = torch.from_numpy(gain.astype(np.float32))
    generator = torch.Generator().manual_seed(seed)

    def weights(*shape: int) -> torch.Tensor:
        bound = 1 / math.sqrt(shape[-1])
        return ((torch.rand(*shape, generator=generator) * 2 - 1) * bound).requires_grad_()

    a, a0, b, b0 = weights(hidden, x.shape[1]), torch.zeros(hidden), weights(hidden), torch.tensor(float(y.mean()))
    parameters = [a, a0.requires_grad_(), b, b0.requires_grad_()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=WEIGHT_DECAY)
    a_pass = math.ceil(len(x) / BATCH)
    epochs = min(EPOCHS, max(LEAST_EPOCHS, MOST_STEPS // a_pass))
    steps, step = epochs * a_pass, 0
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for i in range(0, len(x), BATCH):
            rows = order[i : i + BATCH]
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
            kept = (torch.rand(len(rows), x.shape[1], generator=generator) >= DROPOUT) / (1 - DROPOUT)
            for columns in together:
                kept[:, columns] *= torch.rand(len(rows), 1, generator=generator) >= DROPOUT
            said = functional.relu(functional.linear(x[rows] * kept, a, a0)) @ b + b0
            loss = ((said - y[rows]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    return Learned(a.detach().numpy(), a0.detach().numpy(), b.detach().numpy(), float(b0.detach()))


def fit(inputs: NDArray, gain: NDArray, seed: int = 1) -> GainHead:
    """The head with the least squared error on these windows."""
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3
    found = learn((inputs - mean) / spread, gain, seed)
    first, bias = found.first / spread, found.bias
    rounded, scale = to_int8(first)
    # The mean goes through the rounded weights, so that rounding moves nothing on average.
    bias = bias - (rounded * scale[:, None]) @ mean
    second, second_scale = to_int8(found.second)
    return GainHead(rounded, scale, bias.astype(np.float32), second, float(second_scale), found.second_bias)


def folds(groups: NDArray | None, count: int, seed: int = 1, parts: int = FOLDS) -> NDArray[np.int64]:
    """The fold of each window; windows of one group are in one."""
    rng = np.random.default_rng([seed, count])
    if groups is None:
        return rng.permutation(count) % parts
    names, which = np.unique(groups, return_inverse=True)
    return (rng.permutation(len(names)) % parts)[which]


def apart(groups: Mapping[str, NDArray[np.str_]], count: int) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """(windows that teach, windows that are asked) of every fold; each window is asked once.

    No group of the two kinds with the fewest groups is on both sides: where a picture comes with several sounds, and
    a sound with several pictures, a head that knows either says too much. A window without a group is one."""
    kinds = sorted((v for v in (groups[k] for k in sorted(groups)) if len(np.unique(v)) >= FOLDS),
                   key=lambda v: len(np.unique(v)))[:2]
    if len(kinds) < 2:
        one = folds(_named(kinds[0]) if kinds else None, count)
        return [(one != f, one == f) for f in range(FOLDS)]
    a, b = (folds(_named(v), count, seed, CROSSED) for seed, v in enumerate(kinds, 1))
    return [((a != i) & (b != j), (a == i) & (b == j)) for i in range(CROSSED) for j in range(CROSSED)]


def _named(groups: NDArray[np.str_]) -> NDArray:
    """Windows without a group get one each."""
    return np.array([g or f"~{i}" for i, g in enumerate(groups)])


@dataclass(frozen=True)
class Fitted:
    """`head`: taught on all windows; `held_out`: the gain of each of them from a head that has not seen it;
    `inputs`: names of what it takes, in order; `error`: mean square of `held_out`, `variance` without a head."""

    head: GainHead
    inputs: tuple[str, ...]
    held_out: NDArray[np.float64]
    error: float
    variance: float


def choose(candidates: Mapping[tuple[str, ...], NDArray], gain: NDArray, fold: NDArray[np.int64]) -> Fitted:
    """Of several sets of inputs the one with the least error on one fold, cross-fitted. `candidates`: by names."""
    apart = fold == 0
    errors = {names: float(((fit(x[~apart], gain[~apart]).predict(x[apart]) - gain[apart]) ** 2).mean())
              for names, x in candidates.items()} if len(candidates) > 1 else dict.fromkeys(candidates, 0.0)
    best = min(errors, key=lambda n: errors[n])
    x = candidates[best]
    held_out = np.zeros(len(gain))
    for f in np.unique(fold):
        held_out[fold == f] = fit(x[fold != f], gain[fold != f]).predict(x[fold == f])
    return Fitted(fit(x, gain), best, held_out, float(((held_out - gain) ** 2).mean()), float(gain.var()))

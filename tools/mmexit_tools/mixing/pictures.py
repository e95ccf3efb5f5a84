"""Batches of pictures put together from a bank: hands turned, bent, lit and laid over rooms, seen by other cameras.

What is done to each picture is that of `sources.robot_pictures` and `sources.robot_scenes`, on whole batches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..sources.robot_data import CLASSES, COMMANDS, NONE
from ..tasks.robot_command import IMAGE
from .picture_bank import CANVAS, HAND, MIDDLE, PictureBank
from .strange_hands import strange_hand

EMPTY = CLASSES.index(NONE)
SIDE = IMAGE.width
WITHOUT = 0.40
"""Share of the windows without a sign."""
AS_TAKEN, SIGNED = 0.09, 0.03
"""Share of the signs that are a photo as it was taken, and a photo of a sign in a real room."""
ROOMS = 0.60
"""Share of the backgrounds that are photos of real rooms; the others are drawn."""
FINE = 112
"""Pixels at which a hand is turned before it is averaged down: no finger is lost between samples."""
ERASED = 0.25


class PictureMixer:
    """Draws batches; the same seed gives the same ones. `strange`: share of the windows without a sign that hold a
    hand all the same."""

    def __init__(self, bank: PictureBank, seed: int, strange: float = 0.0) -> None:
        self.bank, self.strange = bank, strange
        self.settings = (strange,)
        self.rng = np.random.default_rng([seed, 22])
        self.torch = torch.Generator().manual_seed(seed)
        self.where = [np.flatnonzero(bank.hand_labels == c) for c in range(len(COMMANDS))]
        self.photo_where = [np.flatnonzero(bank.photo_labels == c) for c in range(len(COMMANDS))]

    def chance(self) -> object:
        return self.rng.bit_generator.state, self.torch.get_state()

    def go_on(self, chance: Any) -> None:
        self.rng.bit_generator.state, state = chance
        self.torch.set_state(state)

    def batch(self, count: int) -> tuple[Tensor, Tensor, None]:
        """(the network's input [count, 3, 96, 96], labels [count], none that is another's to see)."""
        rng = self.rng
        labels = np.where(rng.random(count) < WITHOUT, EMPTY, rng.integers(0, len(COMMANDS), count))
        pictures, draw = self._backgrounds(count), rng.random(count)
        signs = np.flatnonzero((labels < EMPTY) & (draw < SIGNED)) if len(self.bank.signs) else np.zeros(0, np.int64)
        taken = np.flatnonzero((labels < EMPTY) & (draw >= SIGNED) & (draw < SIGNED + AS_TAKEN))
        cut = np.flatnonzero((labels < EMPTY) & (draw >= SIGNED + AS_TAKEN))
        if len(signs):
            pick = rng.integers(len(self.bank.signs), size=len(signs))
            labels[signs] = self.bank.sign_labels[pick]
            pictures[signs] = self._crops(self.bank.signs, pick, 0.8, 1.0, 0.25)
        if len(taken):
            pick = np.array([rng.choice(self.photo_where[c]) for c in labels[taken]])
            pictures[taken] = self._crops(self.bank.photos, pick, 0.85, 1.1, 0.25)
        if len(cut):
            pick = np.array([rng.choice(self.where[c]) for c in labels[cut]])
            pictures[cut] = self._laid(pictures[cut], self.bank.hands[pick])
        odd = np.flatnonzero((labels == EMPTY) & (draw < self.strange))
        if len(odd):
            pictures[odd] = self._laid(pictures[odd], np.stack([strange_hand(rng, self.bank.hands) for _ in odd]))
        seen = self._erased(self._camera(self._lit(pictures)))
        mean, std = IMAGE.mean[0], IMAGE.std[0]
        return (seen / 255 - mean) / std, torch.from_numpy(labels), None

    def covered(self, values: Tensor) -> Tensor:
        """As they are: a batch has its patches already."""
        return values

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return torch.rand(count, generator=self.torch) * (high - low) + low

    def _chance(self, count: int, share: float) -> Tensor:
        return torch.rand(count, generator=self.torch) < share

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.torch)

    def _sides(self, count: int) -> Tensor:
        """1 or -1: mirrored."""
        return torch.where(self._chance(count, 0.5), -1.0, 1.0)

    def _crops(self, pool: np.ndarray, pick: np.ndarray, small: float, large: float, turn: float) -> Tensor:
        """Square parts of pictures [n, h, w, 3] whose side is a share of the height: [n, 3, SIDE, SIDE]."""
        pictures = torch.from_numpy(pool[pick]).permute(0, 3, 1, 2).float()
        count, (height, width) = len(pick), pictures.shape[2:]
        share, angle, side = self._uniform(count, small, large), self._uniform(count, -turn, turn), self._sides(count)
        shape = height / width
        theta = torch.zeros(count, 2, 3)
        theta[:, 0, 0] = share * shape * side * torch.cos(angle)
        theta[:, 0, 1] = -share * shape * torch.sin(angle)
        theta[:, 1, 0] = share * side * torch.sin(angle)
        theta[:, 1, 1] = share * torch.cos(angle)
        theta[:, 0, 2] = self._uniform(count, -1, 1) * (1 - share * shape).clamp(min=0)
        theta[:, 1, 2] = self._uniform(count, -1, 1) * (1 - share).clamp(min=0)
        grid = functional.affine_grid(theta, [count, 3, 96, 96], align_corners=False)
        seen = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
        return functional.interpolate(seen, size=SIDE, mode="area")

    def _backgrounds(self, count: int) -> Tensor:
        real = self._chance(count, ROOMS if len(self.bank.rooms) else 0.0)
        out, rooms = torch.empty(count, 3, SIDE, SIDE), int(real.sum())
        if rooms:
            pick = self.rng.integers(len(self.bank.rooms), size=rooms)
            out[real] = self._crops(self.bank.rooms, pick, 0.5, 1.0, 0.08)
        if count > rooms:
            pick = self.rng.integers(len(self.bank.scenes), size=count - rooms)
            drawn = torch.from_numpy(self.bank.scenes[pick]).permute(0, 3, 1, 2).float()
            mirrored = self._chance(count - rooms, 0.5)
            drawn[mirrored] = drawn[mirrored].flip(3)
            out[~real] = drawn
        return out

    def _laid(self, background: Tensor, hands: np.ndarray) -> Tensor:
        """Hands [n, CANVAS, CANVAS, 4] over backgrounds, with a shadow behind them now and then."""
        count = len(hands)
        layers = torch.from_numpy(hands).permute(0, 3, 1, 2).float()
        seen = functional.grid_sample(layers, self._placed(count), align_corners=False)
        seen = functional.interpolate(seen, size=SIDE, mode="area")
        alpha = seen[:, 3:] / 255
        dark = self._chance(count, 0.35)
        tone = torch.exp(torch.where(dark, self._uniform(count, -0.75, 0.15), self._uniform(count, -0.3, 0.25)))
        colours = seen[:, :3] * tone[:, None, None, None] * (1 + self._normal(count, 3, 1, 1) * 0.06)
        uneven = functional.interpolate(self._normal(count, 1, 3, 3), size=SIDE, mode="bicubic", align_corners=True)
        colours = (colours * (1 + 0.15 * uneven)).clamp(0, 255)
        shade = torch.where(self._chance(count, 0.3), self._uniform(count, 0, 0.5), torch.zeros(count))
        shift = (int(self.rng.integers(-3, 4)), int(self.rng.integers(-3, 4)))
        shadow = 1 - shade[:, None, None, None] * torch.roll(alpha, shift, (2, 3))
        return background * shadow * (1 - alpha) + colours * alpha

    def _placed(self, count: int) -> Tensor:
        """Where each pixel of the picture lies on the hand's canvas: scaled, turned, slanted, moved, bent."""
        height = self._uniform(count, 0.45, 1.08) * SIDE
        scale = HAND / height * SIDE / CANVAS
        narrow = torch.exp(self._uniform(count, -0.18, 0.18))
        angle, slant, side = self._uniform(count, -0.42, 0.42), self._uniform(count, -0.15, 0.15), self._sides(count)
        down = self._uniform(count, -1, 1) * ((SIDE - height).clamp(min=0) / 2 + 0.06 * SIDE)
        right = self._uniform(count, -1, 1) * ((SIDE - height * 0.8).clamp(min=0) / 2 + 0.06 * SIDE)
        theta = torch.zeros(count, 2, 3)
        theta[:, 0, 0] = scale * side * torch.cos(angle) * narrow
        theta[:, 0, 1] = scale * side * (slant - torch.sin(angle))
        theta[:, 1, 0] = scale * torch.sin(angle)
        theta[:, 1, 1] = scale * torch.cos(angle)
        half = SIDE / 2
        theta[:, 0, 2] = -(theta[:, 0, 0] * right + theta[:, 0, 1] * down) / half
        theta[:, 1, 2] = -(theta[:, 1, 0] * right + theta[:, 1, 1] * down) / half + MIDDLE / (CANVAS / 2) - 1
        grid = functional.affine_grid(theta, [count, 4, FINE, FINE], align_corners=False)
        bent = functional.interpolate(self._normal(count, 2, 5, 5), size=FINE, mode="bicubic", align_corners=True)
        return grid + bent.permute(0, 2, 3, 1) * (0.02 * scale * CANVAS / SIDE)[:, None, None, None]

    def _lit(self, pictures: Tensor) -> Tensor:
        """From one side, now and then with a hard edge."""
        count = len(pictures)
        y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")
        angle = self._uniform(count, 0, 2 * math.pi)[:, None, None]
        ramp = torch.cos(angle) * x + torch.sin(angle) * y + self._uniform(count, -0.5, 0.5)[:, None, None]
        hard = torch.tanh(ramp * self._uniform(count, 3, 12)[:, None, None])
        ramp = torch.where(self._chance(count, 0.2)[:, None, None], hard, ramp)
        return pictures * (1 + self._uniform(count, 0, 0.4)[:, None, None] * ramp)[:, None]

    def _camera(self, pictures: Tensor) -> Tensor:
        """Gamma, white balance, gain, contrast, saturation, blur and noise of a cheap camera; 0...255."""
        count = len(pictures)

        def each(low: float, high: float) -> Tensor:
            return self._uniform(count, low, high)[:, None, None, None]

        x = (pictures / 255).clamp(1e-4, 1) ** torch.exp(each(-0.45, 0.45))
        x = x * (1 + (self._normal(count, 3, 1, 1) * 0.09).clamp(-0.25, 0.25)) * torch.exp(each(-0.6, 0.3))
        x = (x - 0.5) * (1 + each(-0.3, 0.25)) + 0.5 + each(-0.08, 0.08)
        draw = torch.rand(count, generator=self.torch)
        colour = torch.where(draw < 0.12, torch.zeros(count),
                             torch.where(draw < 0.5, self._uniform(count, 0.4, 1.4), torch.ones(count)))
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * colour[:, None, None, None]
        blurred = self._chance(count, 0.45)
        padded = functional.pad(x[blurred], (1, 1, 1, 1), mode="replicate")
        x[blurred] = functional.avg_pool2d(padded, 3, 1) * 0.6 + x[blurred] * 0.4
        x = x + self._normal(*x.shape) * each(0.002, 0.036)
        return (x.clamp(0, 1) * 255).round()

    def _erased(self, pictures: Tensor) -> Tensor:
        """A patch of some is filled with the mean, so that no one finger decides."""
        for i in np.flatnonzero(self.rng.random(len(pictures)) < ERASED):
            top, left = (int(v) for v in self.rng.integers(0, SIDE - 8, 2))
            height, width = (int(v) for v in self.rng.integers(4, 14, 2))
            pictures[i, :, top : top + height, left : left + width] = pictures[i].mean()
        return pictures

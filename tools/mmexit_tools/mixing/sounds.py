"""Batches of sounds put together from a bank, each of its windows new: a word at another place and level, behind it
talk, noise and hush, another voice's length, another microphone; with `echoed`, in another room.

The kinds of window and their levels are those of `sources.stream_windows`, a little wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..sources.robot_data import CLASSES, COMMANDS, NONE
from ..sources.stream_windows import CUT, WHOLE
from ..tasks.robot_command import AUDIO
from .rooms import coloured, colours, echoed
from .sound_bank import SoundBank

EMPTY = CLASSES.index(NONE)
WITHOUT = 0.55
"""Share of the windows without a command."""
COMMAND, TALK, WORD, PART, NOISE, HUSH, BURST = range(7)
NOTHING = {TALK: 0.32, WORD: 0.18, PART: 0.17, NOISE: 0.11, HUSH: 0.06, BURST: 0.16}
"""What is heard in those; PART is a command cut by the window's edge, BURST a bark, a knock, a scrap of talk: as
short as a word, and alone."""
SCRAP = (3, 26)
"""Frames of a burst."""
TRACT = 0.10
"""Bands are stretched by up to this: a longer or shorter vocal tract."""
STRIPS = ((AUDIO.frames, 7), (AUDIO.bands, 6))
"""SpecAugment: along time and frequency a strip each, shorter than this, is set to the mean."""
COLOURED, MICROPHONE = 2 / 3, 0.4
"""Of as many as are echoed: words, talk and bursts with a colour of their own, and windows with one in all."""


class SoundMixer:
    """Draws batches; the same seed gives the same ones. `echoed`: the share of words and bursts that a room is
    made for, and half of it the share of talk and noises; 0 for none."""

    def __init__(self, bank: SoundBank, seed: int, echoed: float = 0.0) -> None:
        self.bank, self.echoed = bank, echoed
        self.settings = (echoed,)
        self.rng = np.random.default_rng([seed, 21])
        self.where = [np.flatnonzero(bank.labels == c) for c in range(len(CLASSES))]
        self.commands = np.concatenate(self.where[: len(COMMANDS)])
        some = self.commands[:: max(1, len(self.commands) // 500)]
        # Of a word's frames at its usual level; a burst is brought to that.
        self.loudest = float(np.median([bank.words[i].astype(np.float32).sum(1).max() for i in some]))

    def chance(self) -> object:
        return self.rng.bit_generator.state

    def go_on(self, chance: Any) -> None:
        self.rng.bit_generator.state = chance

    def batch(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """(the network's input [count, 1, frames, bands], labels [count], the input without rooms made for it)."""
        rng = self.rng
        labels = np.where(rng.random(count) < WITHOUT, EMPTY, rng.integers(0, len(COMMANDS), count))
        kinds = np.where(labels == EMPTY, rng.choice(list(NOTHING), count, p=list(NOTHING.values())), COMMAND)
        level = rng.uniform(-22, 6, count)
        dry = torch.zeros(count, AUDIO.frames, AUDIO.bands)
        heard = dry.clone()
        said = np.flatnonzero(np.isin(kinds, (COMMAND, WORD, PART)))
        for power, words in zip((dry, heard), self._words(labels[said], kinds[said]), strict=True):
            power[said] = words * _factor(level[said])
        for kind, clip, low in ((TALK, self._talk, -30.0), (NOISE, self._noise, -34.0)):
            here = np.flatnonzero(kinds == kind)
            dry[here] = clip(len(here)) * _factor(rng.uniform(low, 5, len(here)))
            heard[here] = self._in_a_room(dry[here], self.echoed / 2)
        here = np.flatnonzero(kinds == BURST)
        dry[here] = self._bursts(len(here)) * _factor(level[here])
        heard[here] = self._in_a_room(dry[here], self.echoed)
        heard, dry = self._stretched(torch.cat([heard, dry], 1)).split(AUDIO.frames, 1)
        rest = self._behind(kinds, level) + self._hush(kinds)
        curve = functional.interpolate(_normal(rng, count, 1, 6) * 3, size=AUDIO.bands, mode="linear",
                                       align_corners=True)
        strong = torch.from_numpy((rng.random(count) < MICROPHONE * self.echoed).astype(np.float32))[:, None, None]
        return (_input(heard + rest, curve + strong * colours(rng, count)), torch.from_numpy(labels),
                _input(dry + rest, curve))

    def covered(self, values: Tensor) -> Tensor:
        """With strips set to 0, the mean; in place of `robot_encoders.masked`."""
        return covered(self.rng, values, STRIPS, 1)

    def _in_a_room(self, power: Tensor, share: float) -> Tensor:
        return coloured(self.rng, echoed(self.rng, power, share), COLOURED * share)

    def _words(self, labels: np.ndarray, kinds: np.ndarray) -> tuple[Tensor, Tensor]:
        """Whole ones for commands, whole or cut ones of other words, cut ones of commands as nothing: (as banked,
        in rooms made for them)."""
        rng, count, frames = self.rng, len(labels), AUDIO.frames
        pick = np.zeros(count, np.int64)
        pools = [(labels == c, self.where[c]) for c in range(len(COMMANDS))]
        for here, pool in [*pools, (kinds == WORD, self.where[EMPTY]), (kinds == PART, self.commands)]:
            if here.any() and len(pool):
                pick[here] = rng.choice(pool, int(here.sum()))
        length = self.bank.lengths[pick].astype(np.float64)
        inside = np.select([kinds == COMMAND, kinds == WORD], [rng.uniform(WHOLE + 0.02, 1, count),
                                                               rng.uniform(0.2, 1, count)],
                           rng.uniform(0.05, CUT, count))
        outside = (1 - inside) * length
        slack = frames - length
        # A whole word lies anywhere; one that is longer than the window fills it; a cut one reaches over an edge.
        anywhere = np.where(slack >= 0, -outside + (np.maximum(slack, 0) + 2 * outside) * rng.random(count),
                            slack * rng.random(count))
        edge = np.where(rng.random(count) < 0.5, -outside, slack + outside)
        start = np.round(np.where(kinds == COMMAND, anywhere, edge)).astype(np.int64)
        place = np.arange(frames)[None] - start[:, None]
        room = self.bank.words.shape[1]
        words = torch.from_numpy(self.bank.words[pick]).float()
        inside_window = torch.from_numpy(((place >= 0) & (place < room))[:, :, None].astype(np.float32))
        index = torch.from_numpy(np.clip(place, 0, room - 1))[:, :, None].expand(-1, -1, AUDIO.bands)
        # The echo of what was said before the window begins is in it too.
        dry, heard = (w.gather(1, index) * inside_window for w in (words, self._in_a_room(words, self.echoed)))
        return dry, heard

    def _behind(self, kinds: np.ndarray, level: np.ndarray) -> Tensor:
        """Talk 4 to 24 dB below a word in a quarter of the windows, noise 28 below to 2 above in half of them."""
        rng, draw = self.rng, self.rng.random(len(kinds))
        power = torch.zeros(len(kinds), AUDIO.frames, AUDIO.bands)
        said = np.isin(kinds, (COMMAND, WORD, PART, BURST))
        parts = ((self._talk, (draw < 0.25) & said, 4, 24), (self._noise, (draw >= 0.25) & (draw < 0.6), -2, 28),
                 (self._made, (draw >= 0.6) & (draw < 0.75), -2, 28))
        for clip, chosen, low, high in parts:
            here = np.flatnonzero(chosen & (kinds != HUSH))
            power[here] = clip(len(here)) * _factor(level[here] - rng.uniform(low, high, len(here)))
        return power

    def _hush(self, kinds: np.ndarray) -> Tensor:
        count = len(kinds)
        level = np.where(kinds == HUSH, self.rng.uniform(-65, -20, count), self.rng.uniform(-62, -35, count))
        return self._made(count) * _factor(level)

    def _stretched(self, power: Tensor) -> Tensor:
        bands = AUDIO.bands
        stretch = np.exp(self.rng.uniform(-TRACT, TRACT, len(power)))
        place = np.clip(np.arange(bands)[None] * stretch[:, None], 0, bands - 1)
        low = np.minimum(place.astype(np.int64), bands - 2)
        part = torch.from_numpy((place - low).astype(np.float32))[:, None]
        index = torch.from_numpy(low)[:, None].expand(power.shape)
        return power.gather(2, index) * (1 - part) + power.gather(2, index + 1) * part

    def _talk(self, count: int) -> Tensor:
        return self._pieces(self.bank.talk, self.bank.talk_ends, count)

    def _bursts(self, count: int) -> Tensor:
        """Scraps about the loudest frame of a window of noise or talk, at the level of a word, up to three alike."""
        rng, frames = self.rng, AUDIO.frames
        noisy = torch.from_numpy(rng.random(count) < 0.6)[:, None, None]
        power = torch.where(noisy, self._noise(count), self._talk(count))
        loud = power.sum(2)
        peak = loud.argmax(1).numpy()
        length = rng.integers(*SCRAP, count)
        first = peak - np.round(length * rng.uniform(0.1, 0.6, count)).astype(np.int64)
        begin = rng.integers(-2, frames - 3, count)
        every = np.where(rng.random(count) < 0.35, np.maximum(length + 2, rng.integers(8, 45, count)), 10 * frames)
        place = np.arange(frames)[None] - begin[:, None]
        repeat = np.where(place >= 0, place // every[:, None], 0)
        place = place - repeat * every[:, None]
        inside = (place >= 0) & (place < length[:, None]) & (repeat < 3)
        source = torch.from_numpy(np.clip(place + first[:, None], 0, frames - 1))
        scrap = power.gather(1, source[:, :, None].expand(power.shape)) * torch.from_numpy(inside)[:, :, None]
        return scrap * (self.loudest / (scrap.sum(2).amax(1) + 1e-9))[:, None, None]

    def _noise(self, count: int) -> Tensor:
        return self._pieces(self.bank.noise, self.bank.noise_ends, count)

    def _made(self, count: int) -> Tensor:
        return torch.from_numpy(self.bank.made[self.rng.integers(len(self.bank.made), size=count)]).float()

    def _pieces(self, clips: np.ndarray, ends: np.ndarray, count: int) -> Tensor:
        """A window's frames from a random place of a random clip."""
        pick = self.rng.integers(len(ends), size=count)
        begin = np.where(pick > 0, ends[pick - 1], 0)
        start = begin + (self.rng.random(count) * (ends[pick] - begin - AUDIO.frames + 1)).astype(np.int64)
        return torch.from_numpy(clips[start[:, None] + np.arange(AUDIO.frames)[None]]).float()


def covered(rng: np.random.Generator, values: Tensor, strips: Sequence[tuple[int, int]], times: int,
            level: Tensor | float = 0.0) -> Tensor:
    """[n, channels, frames, bands] with strips along time and along frequency at a level, each `times`, alike in all
    channels. `strips`: of either, how many places there are, and what a strip is shorter than."""
    for dim, (size, longest) in enumerate(strips):
        for _ in range(times):
            first = torch.from_numpy(rng.integers(0, size, len(values)))[:, None]
            length = torch.from_numpy(rng.integers(0, longest, len(values)))[:, None]
            place = torch.arange(size)[None]
            strip = (place >= first) & (place < first + length)
            values = torch.where(strip[:, None, :, None] if dim == 0 else strip[:, None, None, :], level, values)
    return values


def _input(power: Tensor, curve: Tensor) -> Tensor:
    """Of the power that a microphone of this curve, decibels [n, 1, bands], hears: [n, 1, frames, bands]."""
    logs = torch.log(power * torch.pow(10.0, curve / 10) + AUDIO.floor)
    return ((logs - logs.mean((1, 2), keepdim=True)) / AUDIO.std)[:, None]


def _factor(decibel: np.ndarray) -> Tensor:
    """Of power, [n, 1, 1]."""
    return torch.from_numpy((10 ** (decibel / 10)).astype(np.float32))[:, None, None]


def _normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))

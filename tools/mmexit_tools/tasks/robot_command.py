"""robot-command: a robot is told what to do by voice, by hand sign, or by both; most of the time by neither.

Ten commands and `none`. A window is one second of sound and one camera picture, drawn with stated shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..base.errors import USAGE, ToolError
from ..model.cutting import with_exits
from ..model.layers import (
    Add,
    AveragePool,
    Conv,
    Depthwise,
    Dropout,
    GlobalAveragePool,
    Layer,
    Linear,
    Modality,
    Network,
    Pair,
    Segment,
    SqueezeExcite,
)
from ..signals.features import ImageFeatures, SpectrogramFeatures
from ..signals.windows import Picture, Sound, Window
from ..sources.robot_data import CLASSES, COMMANDS, NONE, Material, material
from ..sources.robot_pictures import empty_picture, hand_picture
from ..sources.robot_sounds import RATE, WINDOW, other_word, spoken, to_pcm, unspoken

__all__ = ["CLASSES", "MIXES", "MODALITIES", "NONE", "PROVENANCE", "network", "training_windows", "windows"]

MODALITIES = ("audio", "image")

# Shares of the kinds of window. `deployment`: 98 % nothing, the commands in the same proportions to each other.
MIXES = {
    "standard": {"both": 0.30, "voice": 0.10, "hand": 0.10, "nothing": 0.45, "conflict": 0.05},
    "deployment": {
        "both": 0.30 / 27.5,
        "voice": 0.10 / 27.5,
        "hand": 0.10 / 27.5,
        "nothing": 0.98,
        "conflict": 0.05 / 27.5,
    },
}
SPEECH = 0.33  # of the windows without a spoken command: another word
OTHER_WORDS = 1.3 * SPEECH  # in training more of them: they are the hard ones
SILENCE = 0.27  # near silence; the rest is background noise

PROVENANCE = {
    "task": "ten commands by voice, by hand sign or by both, and none; one second of sound and one picture a window",
    "windows": ", ".join(f"{k} {v:.2f}" for k, v in MIXES["standard"].items())
    + "; both agree in `both`; in `conflict` stop wins, else the voice",
    "sound without a command": f"another word {SPEECH:.2f}, near silence {SILENCE:.2f}, else noise; signed without a "
    "voice: never another word",
    "split": "by a hash of speaker and of signer, train 0.70, validation 0.15, test 0.15; ESC-10 folds 1-2, 3, 4",
    "training windows": "0.60 of the sounds as a stream brings them: words near a window's edge (at least 0.93 of "
    "them inside), and as nothing words cut by it (at most half), running talk, other words, noises, hush, in real "
    "rooms' echoes; 0.50 of the pictures before real rooms; in the last steps three quarters of a batch are "
    "mixed anew from parts of them (words, talk, noises; hands, rooms, photos of signs). Sounds and pictures are "
    "learned each alone, and paired at random for fusion: in 0.20 of the pairs, and in every window by voice or by "
    "hand, one sensor alone has something to tell",
    "pictures": "hands cut out of their photos onto procedural scenes, and a share of the photos as they are",
    "data": {
        "gsc-commands (from Google Speech Commands v0.02)": "CC BY 4.0",
        "sign-digits (Turkey Ankara Ayranci Anadolu High School, Mavi 2020)": "Apache-2.0",
        "gsc-more (Google Speech Commands v0.02, other speakers; training)": "CC BY 4.0",
        "speech (LibriSpeech, VCTK, AMI; LJSpeech; training)": "CC BY 4.0; LJSpeech public domain",
        "noise (sounds of many authors; training)": "CC0, public domain, CC BY, CC BY-SA, each in the set's "
        "ATTRIBUTION.md",
        "rooms (impulse responses; training)": "Apache-2.0, CC0, CC BY, CC BY-SA, public domain, each in the set's "
        "ATTRIBUTION.md",
        "synthetic speakers (Kokoro-82M and hibari, networks that speak; training)": "Apache-2.0",
        "rooms-photos (training)": "public domain, CC0, MIT, BSD, Apache-2.0, CC BY-SA 4.0, each in the "
        "set's LICENCES.md",
        "esc10 (ESC-10, folds 1-4)": "CC BY 3.0, each clip's source in the set's ATTRIBUTION.md",
    },
}


def windows(data: Path, split: str, count: int, seed: int, mix: str = "standard") -> Iterator[Window]:
    """`count` windows of `split` in the shares of `mix`; the same for the same seed and folder."""
    if mix not in MIXES:
        raise ToolError(f"--mix {mix}: choose one of {', '.join(MIXES)}", USAGE)
    source = material(Path(data), split)
    rng = np.random.default_rng([seed, 7])
    kinds, shares = list(MIXES[mix]), np.array(list(MIXES[mix].values()))
    # Exact shares in random order: a small manifest must not lack a kind by chance.
    edges = np.rint(np.cumsum(shares / shares.sum()) * count).astype(int)
    order = np.repeat(kinds, np.diff(edges, prepend=0))
    rng.shuffle(order)
    for kind in order:
        yield _window(rng, source, str(kind))


def training_windows(data: Path, count: int, seed: int) -> Iterator[Window]:
    """`count` augmented windows of the train split in the standard shares."""
    source = material(Path(data), "train")
    rng = np.random.default_rng([seed, 11])
    kinds, shares = list(MIXES["standard"]), list(MIXES["standard"].values())
    for _ in range(count):
        yield _window(rng, source, str(rng.choice(kinds, p=shares)), augment=True)


def _window(rng: np.random.Generator, source: Material, kind: str, augment: bool = False) -> Window:
    voice, hand = _said(rng, source, kind)
    inputs: dict[str, Sound | Picture] = {}
    # In windows signed without a voice the sound is background, not another word (the task's definition).
    inputs["audio"] = Sound(to_pcm(sound(rng, source, voice, SPEECH if kind == "nothing" else 0.0, augment)), RATE)
    inputs["image"] = Picture(picture(rng, source, hand, augment))
    return Window(settle(voice, hand), inputs, {"audio": voice, "image": hand})


def _said(rng: np.random.Generator, source: Material, kind: str) -> tuple[str, str]:
    """What the voice says and what the hand signs in a window of this kind.

    A folder without any words or photos of a command gives a poorer kind: `hand` for `both`, `nothing` for `hand`."""
    words = [c for c in COMMANDS if source.words[c]] if kind in ("both", "voice", "conflict") else []
    signs = [c for c in COMMANDS if source.photos[c]] if kind in ("both", "hand", "conflict") else []
    if kind == "both" and (agreed := [c for c in words if c in signs]):
        words = signs = [str(rng.choice(agreed))]
    voice = str(rng.choice(words)) if words else NONE
    if kind == "conflict":
        signs = [c for c in signs if c != voice]
    return voice, str(rng.choice(signs)) if signs else NONE


def settle(voice: str, hand: str) -> str:
    """What is meant: one alone is believed; of two that differ `stop` wins, else the voice."""
    if voice == NONE:
        return hand
    return "stop" if hand == "stop" else voice


def sound(
    rng: np.random.Generator, source: Material, voice: str, speech: float = SPEECH, augment: bool = False
) -> np.ndarray:
    """One second in which `voice` is said (or nothing of meaning)."""
    if voice != NONE and source.words[voice]:
        words = source.words[voice]
        return spoken(rng, words[rng.integers(len(words))], source.noises, augment)
    if augment and speech and rng.random() < 0.08:
        commands = [w for c in COMMANDS for w in source.words[c]]
        return spoken(rng, other_word(rng, commands), source.noises, augment)
    return unspoken(rng, source.others, source.noises, source.silences, speech, SILENCE)


def picture(rng: np.random.Generator, source: Material, hand: str, augment: bool = False) -> np.ndarray:
    """A camera picture in which `hand` is signed (or no hand is)."""
    if hand != NONE and source.photos[hand]:
        photo = source.photos[hand][rng.integers(len(source.photos[hand]))]
        return hand_picture(rng, photo.pixels, photo.hand, source.hands, source.plain, augment)
    return empty_picture(rng, source.hands, source.plain)


AUDIO = SpectrogramFeatures(
    sample_rate=RATE,
    window=WINDOW,
    frame=480,
    hop=320,
    fft=512,
    frames=49,
    bands=40,
    floor=1e-5,
    mean=0.0,
    std=2.5,
    center=True,
    mel=True,
    f_min=60.0,
    f_max=7600.0,
)
IMAGE = ImageFeatures(width=96, height=96, channels=3, mean=(0.45, 0.45, 0.45), std=(0.25, 0.25, 0.25),
                      mirrored=True)


def _separable(out: int, kernel: Pair = (3, 3), stride: Pair = (1, 1), residual: bool = False,
               hidden: int = 0) -> tuple[Layer, ...]:
    """A separable convolution over (frames, bands) or (rows, columns), around it what it is given where that is to be
    added; `hidden`: its channels squeezed to so many, and excited."""
    (h, w), none = kernel, (0, 0, 0, 0)
    excited = (SqueezeExcite(hidden, relu=not residual),) if hidden else ()
    added = (Add(2 + len(excited)),) if residual else ()
    return (Depthwise(kernel, stride, (h // 2, w // 2, h // 2, w // 2)),
            Conv(out, (1, 1), padding=none, relu=not (excited or added)), *excited, *added)


def network(data: Path | None = None, exits: int = 2, width: float = 1) -> Network:
    """Two depthwise-separable encoders, with two exits for sound and three for pictures, the first of these on the
    picture itself (or with as many each as asked, where that is not 2), and a small fusion network.

    Sound is taken over frames and bands first; when five bands are left they become one, and what follows looks along
    time alone, at 40 and 80 ms (after Choi et al., 2019; Kim et al., 2021); channels are weighed by what they hold in
    the whole second. `width` multiplies the encoders' channels: of a teacher, which is not shipped.
    """
    def wide(channels: int) -> int:
        return 8 * round(channels * width / 8)

    def hear(out: int, *rest: Pair, residual: bool = False) -> tuple[Layer, ...]:
        return _separable(wide(out), *rest, residual=residual, hidden=max(8, wide(out) // 4))

    def see(out: int, stride: int = 1, residual: bool = False) -> tuple[Layer, ...]:
        return _separable(wide(out), (3, 3), (stride, stride), residual)

    bands = Depthwise((1, 5), padding=(0, 0, 0, 0)), Conv(wide(96), (1, 1), padding=(0, 0, 0, 0))
    flat, halved, long, along = (3, 3), (1, 2), (9, 1), (2, 1)
    # The first exit of sound stands where a cell has seen half a second: earlier it knew little. That of pictures
    # stands on the picture itself, halved, with layers of its own: it tells whether there is a hand, and whether that
    # says stop, at a tenth of what everything costs.
    audio = Modality(
        "audio",
        AUDIO,
        (
            Segment(
                (
                    Conv(wide(16), kernel=(5, 5), stride=(2, 2), padding=(2, 2, 2, 2)),
                    *hear(32, flat, halved),
                    *hear(32, residual=True),
                    *hear(48, flat, halved),
                    *bands,
                    *hear(96, long, residual=True),
                    *hear(96, long, residual=True),
                ),
                (GlobalAveragePool(),),
            ),
            Segment(
                (
                    *hear(128, long, along),
                    *hear(128, long, residual=True),
                    *hear(128, long, residual=True),
                    *hear(128, long, residual=True),
                    GlobalAveragePool(),
                )
            ),
        ),
    )
    image = Modality(
        "image",
        IMAGE,
        (
            Segment((), (AveragePool((2, 2)), Conv(wide(24), (3, 3), (2, 2)), *see(48, 2), *see(48, residual=True),
                         *see(96, 2), *see(96, residual=True), GlobalAveragePool())),
            Segment(
                (
                    Conv(wide(24), kernel=(5, 5), stride=(2, 2), padding=(2, 2, 2, 2)),
                    *see(32),
                    *see(32, residual=True),
                    *see(64, 2),
                    *see(64, residual=True),
                    *see(64, residual=True),
                ),
                (GlobalAveragePool(),),
            ),
            Segment((*see(96, 2), *see(96, residual=True), *see(96, residual=True), *see(96, residual=True),
                     *see(160, 2), *see(160, residual=True), *see(160, residual=True), GlobalAveragePool())),
        ),
    )
    fusion = (Linear(64), Dropout(0.2))
    described = Network("robot-command", CLASSES, NONE, (audio, image), fusion, overriding="stop")
    return described if exits == 2 else with_exits(described, exits)

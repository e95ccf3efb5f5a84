"""Trains robot-command, from the data folder to the checkpoint that `export.robot_export` makes the model of.

    python -m mmexit_tools.training.robot_train --data DIR --work ../work/robot-command

Every stage is kept in the work folder and not done twice: material, one encoder each, fusion. `--stage` runs one of
them, so that both encoders can train side by side. With `--start MODEL` they go on from a model file; one of no
passes stays as it is there, an exit that the file lacks begins anew, and so does all of the encoder named by
`--anew`. After `--mined` hours of streams without a command were searched for sounds that it takes for one, it is
trained on, with them. `--audio-steps` and `--image-steps` train last, on windows mixed anew for every step; with
`--audio-teacher` or `--image-teacher` steps a network of `--teacher-width` times the channels is trained before and
teaches them, together with the model files of `--audio-taught-by` or `--image-taught-by`; `--audio-hard` has sounds
learned with what `robot_mining` found, `--audio-spoken` with synthetic speakers (`synthetic.speaking`).
`--audio-exits` and `--image-exits` train the exits that the model file lacks alone. With `--audio-windows` the
teacher of sounds is one that has known speech before, trained on in `--audio-tutor` steps.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..base.allocation import keep_freed_memory
from ..base.arrays import told_apart
from ..base.errors import USAGE, ToolError, exit_with, say
from ..mixing.picture_bank import picture_bank
from ..mixing.pictures import PictureMixer
from ..mixing.sound_bank import sound_bank
from ..mixing.sounds import SoundMixer
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import read_model
from ..sources.robot_data import CLASSES, NONE
from ..tasks import robot_command as task
from .kept_run import MixedSchedule, material_digest
from .restoring import exits_lacking, restore, settle_norms
from .robot_encoders import LastExit, Schedule, Teachers, exit_accuracies, stored_exit, train_encoder
from .robot_fusion import features_of, train_fusion
from .robot_mining import mine, read_hard
from .robot_mixed import STORED, Mixer, material, train_mixed
from .robot_pools import MODALITIES, Chunk, stored_chunk, to_input
from .robot_taught import Plan, taught
from .trainer import read_checkpoint

HARD = 0.08
"""Share of a batch that is hard negatives, where there are some."""
STAGES = ("material", *MODALITIES, "fusion", "all")


@dataclasses.dataclass(frozen=True)
class Options:
    chunks: int = 13
    chunk_size: int = 6000
    validation: int = 4000
    audio_passes: int = 8
    image_passes: int = 6
    rate: float = 3e-3
    seed: int = 1
    mined: float = 0.0
    """Hours of streams searched for hard negatives; a third of the passes comes after that."""
    audio_hard: str = ""
    """Files of hard negatives, from `robot_mining`, with commas between: HARD of what is mixed for sounds."""
    audio_spoken: str = ""
    """Files of synthetic speakers, from `synthetic.speaking`, with commas between: more words and talk to mix."""
    start: str = ""
    """A model file that the encoders go on from."""
    anew: str = ""
    """The modality that does not: its network is another one."""
    audio_steps: int = 0
    image_steps: int = 0
    """Steps on windows that are mixed for them, after the passes."""
    audio_exits: int = 0
    image_exits: int = 0
    """Steps in which exits that `start` lacks are trained alone, all else as it is there."""
    audio_teacher: int = 0
    image_teacher: int = 0
    """Steps of a teacher, from nothing, on windows that are mixed for it; 0: none."""
    teacher_width: float = 2.0
    audio_taught_by: str = ""
    """Model files whose encoders of sound teach it as well, with commas between: the mean of all logits."""
    image_taught_by: str = ""
    """The same for pictures; then teachers teach signs alone: of hands that sign nothing they may know nothing."""
    audio_windows: int = 0
    """Windows on which a teacher that knew speech before teaches the sounds (`robot_taught`); 0: none does."""
    audio_tutor: int = 0
    """Its steps."""
    tutor_rate: float = 1e-3
    audio_last: int = 0
    """Steps after that, with what it took for a command in `mined` hours of streams without one."""
    mixed_rate: float = 1.5e-3
    audio_mixed_rate: float = 0.0
    """For the sounds another than mixed_rate; 0: the same."""
    word_variants: int = 8
    """How often the bank for mixing holds each spoken word: at other paces, in other rooms."""
    audio_echoed: float = 0.6
    """Share of what is mixed for sounds that further rooms are made for (`mixing.rooms`)."""
    hand_variants: int = 4
    image_strange: float = 0.3
    """Share of the mixed pictures without a sign that hold a hand which signs nothing (`mixing.strange_hands`)."""
    scenes: int = 8000

    def __post_init__(self) -> None:
        for name in ("audio_echoed", "image_strange"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise ToolError(f"--{name.replace('_', '-')} {share:g}: a share, 0 to 1; 0 for none", USAGE)
        if self.image_taught_by and not self.image_steps:
            raise ToolError("--image-taught-by is for --image-steps; give a number of them", USAGE)

    def schedule(self, modality: str) -> Schedule:
        passes = {"audio": self.audio_passes, "image": self.image_passes}[modality]
        return Schedule(passes=passes, rate=self.rate, seed=self.seed)

    def of(self, modality: str) -> dict:
        """What the encoder of a modality depends on. Raises ToolError where a file of it cannot be read."""
        others = {"audio": ("image_", "hand_", "scenes"), "image": ("audio_", "word_", "mined", "tutor_")}[modality]
        found = {k: v for k, v in dataclasses.asdict(self).items() if not k.startswith(others)}
        files = [*self.hard, *self.spoken] if modality == "audio" else []
        return found | {"heard": told_apart(files)} if files else found

    @property
    def hard(self) -> list[Path]:
        return _paths(self.audio_hard)

    @property
    def spoken(self) -> list[Path]:
        return _paths(self.audio_spoken)

    def mixed(self, modality: str) -> MixedSchedule:
        steps = {"audio": self.audio_steps, "image": self.image_steps}[modality]
        own = self.audio_mixed_rate if modality == "audio" else 0.0
        return MixedSchedule(steps, rate=own or self.mixed_rate, seed=self.seed)

    def exits_alone(self, modality: str) -> MixedSchedule:
        steps = {"audio": self.audio_exits, "image": self.image_exits}[modality]
        return MixedSchedule(steps, rate=self.rate, seed=self.seed)

    def mixer(self, modality: str, work: Path, data: Path) -> Mixer:
        if modality == "audio":
            bank = sound_bank(work, data, "train", self.word_variants, self.seed, self.spoken)
            return SoundMixer(bank, self.seed, self.audio_echoed)
        bank = picture_bank(work, data, "train", self.hand_variants, self.scenes, self.seed)
        return PictureMixer(bank, self.seed, self.image_strange)


def sources(
    work: Path, data: Path, options: Options, modalities: Sequence[str] = MODALITIES
) -> tuple[list[Callable[[], Chunk]], Callable[[], Chunk]]:
    """The training chunks and the held-out one, read (or made) when called."""
    def chunk(split: str, index: int, size: int) -> Callable[[], Chunk]:
        return partial(stored_chunk, work, data, split, index, size, modalities)

    return [chunk("train", i, options.chunk_size) for i in range(options.chunks)], chunk(
        "validation", 0, options.validation
    )


def new_model(seed: int, width: float = 1) -> MultiExitNetwork:
    torch.manual_seed(seed)
    return MultiExitNetwork(task.network(width=width)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def encoder_stage(modality: str, work: Path, data: Path, options: Options) -> dict:
    """The encoder's weights, from the work folder where they were trained with the same options."""
    path = work / f"{modality}.pt"
    if path.exists():
        stored = read_checkpoint(path)
        if stored["options"] == options.of(modality):
            return stored["model"]
        say(f"{path}: trained with other options, trained anew")
    train, held_out = sources(work, data, options, (modality,))
    model = new_model(options.seed)
    schedule, mixed, alone = options.schedule(modality), options.mixed(modality), options.exits_alone(modality)
    lacking: list[int] = []
    if modality == "audio" and (options.audio_hard or options.audio_taught_by or options.audio_spoken) and (
            options.audio_windows or not mixed.steps):
        raise ToolError("--audio-hard, --audio-spoken and --audio-taught-by are for --audio-steps without "
                        "--audio-windows", USAGE)
    if options.start and modality != options.anew:
        graph = read_model(Path(options.start)).quantized.graph
        trained = bool(schedule.passes or mixed.steps)
        if restore(model, graph, modality, trained or bool(alone.steps), other_steps=trained):
            say(f"{modality}: strides or paddings are not those of {options.start}; its weights begin a network that "
                "answers otherwise")
        lacking = exits_lacking(model, graph, modality)
        if trained:
            values = train[0]().inputs[modality]
            settle_norms(model, modality, [to_input(modality, values[i : i + 256]) for i in range(0, 2048, 256)])
    elif not schedule.passes and not mixed.steps:
        raise ToolError(f"--{modality}-passes 0: an encoder that is not trained needs --start MODEL", USAGE)
    if schedule.passes or mixed.steps:
        say(f"{modality} before: " + " ".join(f"{a:.3f}" for a in exit_accuracies(model, modality, held_out())))
    if schedule.passes:
        mined = options.mined if modality == "audio" else 0.0
        last = round(schedule.passes / 3) if mined else 0
        train_encoder(
            model, modality, train, held_out(), dataclasses.replace(schedule, passes=schedule.passes - last), say
        )
        if last:
            hard, searched = mine(model, data, options.seed, mined)
            say(f"mined {len(hard.labels['audio'])} hard windows of {searched}")
            spread = [partial(with_hard, chunk, hard) for chunk in train]
            again = dataclasses.replace(schedule, passes=last, rate=schedule.rate / 3)
            train_encoder(model, modality, spread, held_out(), again, say)
    if mixed.steps and modality == "audio" and options.audio_windows:
        tutor = MixedSchedule(options.audio_tutor, rate=options.tutor_rate, weight_decay=1e-2, seed=options.seed)
        taught(model, work, data, Plan(options.audio_windows, tutor, mixed, options.mined, options.audio_last),
               held_out(), say)
    elif mixed.steps:
        mixer = options.mixer(modality, work, data)
        parts = [chunk() for chunk in train]
        windows = [read_hard(path) for path in options.hard] if modality == "audio" else []
        if modality == "audio" and options.mined and not schedule.passes:
            hard, searched = mine(model, data, options.seed, options.mined)
            say(f"mined {len(hard.labels['audio'])} hard windows of {searched}")
            windows.append(hard.inputs["audio"])
        if sum(map(len, windows)):
            stored_windows = sum(len(p.labels[modality]) for p in parts)
            parts.append(hard_part(np.concatenate(windows), stored_windows, options.seed))
        teacher = teachers(modality, teacher_of(modality, work, options, mixer, parts, held_out()), options)
        train_mixed(model, modality, mixer, parts, held_out(), mixed, say, teacher, work / f"{modality}-mixed.state",
                    untaught=CLASSES.index(NONE) if modality == "image" and options.image_taught_by else None)
    if alone.steps:
        if not lacking:
            raise ToolError(f"--{modality}-exits {alone.steps}: --start MODEL has every exit; train none", USAGE)
        train_mixed(model, modality, options.mixer(modality, work, data), [c() for c in train], held_out(), alone,
                    say, keep=work / f"{modality}-exits.state", alone=lacking)
    weights = encoder_weights(model, modality)
    store(path, {"model": weights, "options": options.of(modality)})
    return weights


def _paths(names: str) -> list[Path]:
    return [Path(name) for name in names.split(",")] if names else []


def hard_part(hard: np.ndarray, stored: int, seed: int) -> Chunk:
    """Hard negatives, each so often that they are HARD of a batch beside `stored` windows of other material."""
    share = HARD / STORED
    pick = np.random.default_rng([seed, 51]).integers(len(hard), size=round(share * stored / (1 - share)))
    return Chunk({"audio": hard[pick]}, {"audio": np.full(len(pick), CLASSES.index(NONE))})


def encoder_weights(model: MultiExitNetwork, modality: str) -> dict:
    return {
        k: v for k, v in model.state_dict().items() if k.startswith((f"segments.{modality}.", f"exits.{modality}."))
    }


def teacher_of(modality: str, work: Path, options: Options, mixer: Mixer, parts: Sequence[Chunk],
               held_out: Chunk) -> MultiExitNetwork | None:
    """The wider network whose answers an encoder learns, from the work folder where it was trained with the same
    options; None without one."""
    steps = {"audio": options.audio_teacher, "image": options.image_teacher}[modality]
    if not steps:
        return None
    teacher = new_model(options.seed, options.teacher_width)
    schedule = MixedSchedule(steps, rate=options.rate, seed=options.seed)
    path, asked = work / f"{modality}-teacher.pt", {**dataclasses.asdict(schedule), "width": options.teacher_width,
                                                    "learned": material_digest(material(modality, mixer, parts))}
    stored = read_checkpoint(path) if path.exists() else None
    if stored and stored["options"] == asked:
        teacher.load_state_dict(stored["model"], strict=False)
    else:
        say(f"{modality}: a teacher of {options.teacher_width:g} times the channels")
        train_mixed(teacher, modality, mixer, parts, held_out, schedule, say,
                    keep=work / f"{modality}-teacher.state")
        store(path, {"model": encoder_weights(teacher, modality), "options": asked})
    return teacher.eval()


def teachers(modality: str, wider: MultiExitNetwork | None, options: Options) -> nn.Module | None:
    """All who teach an encoder; None where nobody does."""
    files = _paths({"audio": options.audio_taught_by, "image": options.image_taught_by}[modality])
    members: list[nn.Module] = [stored_exit(read_model(path).quantized.graph, modality) for path in files]
    members += [LastExit(wider, modality)] if wider else []
    return Teachers(members).eval() if members else None


def started_from(path: Path, anew: str) -> dict:
    """Which model file it was, how that was made (the file itself may be replaced by what is made of it), and which
    modality took nothing from it."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "commands": read_model(path).provenance.get("commands", []), "anew": anew}


def with_hard(chunk: Callable[[], Chunk], hard: Chunk) -> Chunk:
    """A chunk of sounds with the hard ones among them, at most a fifth of it."""
    part = chunk()
    count = min(len(hard.labels["audio"]), len(part.labels["audio"]) // 5)
    return Chunk(
        {"audio": np.concatenate([part.inputs["audio"], hard.inputs["audio"][:count]])},
        {"audio": np.concatenate([part.labels["audio"], hard.labels["audio"][:count]])},
    )


def store(path: Path, state: dict) -> None:
    """Atomic: a killed run leaves the file before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def run(data: Path, work: Path, options: Options, stage: str) -> None:
    train, held_out = sources(work, data, options)
    if stage == "material":
        for number, chunk in enumerate([*train, held_out], 1):
            chunk()
            say(f"material {number}/{len(train) + 1}")
        return
    weights: dict = {}
    for modality in MODALITIES:
        if stage in (modality, "fusion", "all"):
            weights |= encoder_stage(modality, work, data, options)
    if stage in MODALITIES:
        return
    model = new_model(options.seed)
    model.load_state_dict(weights, strict=False)
    loss = train_fusion(model, features_of(model, [chunk() for chunk in train]), seed=options.seed)
    say(f"fusion loss {loss:.3f}")
    begun = started_from(Path(options.start), options.anew) if options.start else None
    store(work / "checkpoint.pt", {"model": model.state_dict(), "options": dataclasses.asdict(options), "epoch": 1,
                                   "started_from": begun})


def _main() -> None:
    defaults = Options()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for material and checkpoints, some 1.5 GB")
    parser.add_argument("--stage", choices=STAGES, default="all")
    parser.add_argument("--threads", type=int, default=1)
    for name, value in dataclasses.asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    options = Options(**{name: getattr(args, name) for name in dataclasses.asdict(defaults)})
    run(args.data, args.work, options, args.stage)


if __name__ == "__main__":
    exit_with(_main)

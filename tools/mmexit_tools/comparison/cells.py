"""The trainings of the comparison: each is one file of what every exit says, made once and kept.

A killed run goes on at the epoch it was in: finished trainings are read, the one under way resumes from its
checkpoint.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..base.errors import USAGE, ToolError
from ..base.exits import FUSION
from ..base.progress import Progress
from ..calibrate.gain import look, look_macs
from ..model.datasets import Batch
from ..model.layers import Network
from ..training.options import Options, check_options, reduced
from ..training.trainer import Trainer, predict, run_epochs
from .material import Material, digest
from .said import Said, network_costs, plain_cost, read, write
from .sizes import Size

CHEAP = 0.25
"""Largest share of the network's MACs of a modality that is trained alone for longer, which costs little then."""
SHOWN = 1000
"""Validation windows measured after each epoch, for the progress line only."""


@dataclass(frozen=True)
class Training:
    """One network to train. `start`: the training whose weights it begins with; `epochs`: its own."""

    name: str
    method: str = "fusion"
    fusion: str = "lf"
    reading: str = "norm"
    modalities: str = "all"
    start: str | None = None
    whole: bool = False
    """Trained from scratch for as long as a start and a method together."""
    alone: bool = False
    """Begins with encoders and exits of the `alone-MODALITY` trainings."""
    exits: int | None = None
    """Per modality, where it is not the comparison's number."""
    gain: bool = False
    """What a gain gate is taught on is kept too."""

    def options(self, size: Size, exits: int, seed: int, windows: int) -> Options:
        later = self.start or self.alone
        epochs = size.start + size.epochs if self.whole else size.epochs if later else size.start
        return Options(epochs=epochs, windows=windows, batch=size.batch, rate=size.rate,
                       weight_decay=size.weight_decay, dropout=0.0, validation=SHOWN, seed=seed, method=self.method,
                       reading=self.reading, fusion=self.fusion,
                       exits=exits if self.exits is None else self.exits, modalities=self.modalities)


def plan(modalities: Sequence[str]) -> list[Training]:
    """All trainings for one task and seed, each after what it starts from."""
    alone = [Training(f"uni-{m}", modalities=m, whole=True) for m in modalities]
    late = [
        Training("lf-start"), Training("lf", start="lf-start"),
        *(Training(f"alone-{m}", "eloss", modalities=m, whole=True) for m in modalities),
        Training("ours", "eloss", alone=True, gain=True), Training("lf-alone", alone=True),
        *(Training(f"mmexit-{r}", "mmexit", reading=r, start="lf-start", exits=2)
          for r in ("signed", "norm", "shared")),
        Training("mmexit-joint", "mmexit-joint", reading="signed", start="lf-start"),
        Training("eloss", "eloss", start="lf-start"), Training("sloss", "sloss", start="lf-start"),
    ]
    others = [t for f in ("tf", "lrtf", "mim") for t in (
        Training(f"{f}-start", fusion=f), Training(f, fusion=f, start=f"{f}-start"),
        Training(f"mmexit-{f}", "mmexit", fusion=f, start=f"{f}-start"))]
    return [*late, *alone, *others]


def needed(trainings: Sequence[Training], names: Sequence[str]) -> list[Training]:
    """Those of that name, what they start from, and the network without exits that each is held against, in the
    plan's order. Raises ToolError for an unknown name."""
    by_name = {t.name: t for t in trainings}
    wanted: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in by_name:
            raise ToolError(f"--methods {name}: choose from {', '.join(by_name)}", USAGE)
        if name not in wanted:
            wanted.add(name)
            training = by_name[name]
            left += [n for n in (training.start, training.fusion) if n]
            left += [t.name for t in trainings if training.alone and t.name.startswith("alone-")]
    return [t for t in trainings if t.name in wanted]


@dataclass(frozen=True)
class Bench:
    """A task at a size, with its windows: where trainings are run and kept."""

    name: str
    network: Network
    size: Size
    exits: int
    train: Sequence[Material]
    validation: Material
    test: Material
    work: Path
    networks: Mapping[int, Network]
    """The same with other numbers of exits."""
    taught: Material | None = None
    """Validation windows of our gates, where the size has more for them."""

    def options(self, training: Training, seed: int) -> Options:
        found = training.options(self.size, self.exits, seed, len(self.train[0]))
        if self.size.alone and training.name.startswith("alone-") and self.cheap(training.modalities):
            return replace(found, epochs=self.size.alone)
        return found

    def cheap(self, modality: str) -> bool:
        """Whether the modality has at most CHEAP of the network's MACs."""
        part, whole = (plain_cost(n, "lf").macs for n in (reduced(self.network, modality), self.network))
        return part <= CHEAP * whole

    def apart(self, training: Training) -> str:
        """What the training has beside the size's line, for its cell."""
        cheap = [m.name for m in self.network.modalities if self.cheap(m.name)]
        said = [f"{' and '.join(cheap)} first alone for {self.size.alone} epochs"] * bool(
            self.size.alone and training.alone and cheap)
        if training.gain and self.taught:
            said.append(f"gates taught and chosen on {len(self.taught):,} validation windows")
        return ", ".join(said)

    def held_out(self, training: Training) -> dict[str, Material]:
        """The windows of both splits that the trained network is asked about."""
        more = self.taught if training.gain else None
        return {"validation": more or self.validation, "test": self.test}

    def key(self, training: Training, seed: int, others: Mapping[str, Training]) -> str:
        """Changes with everything that the result depends on."""
        start = [self.key(t, seed, others) for t in self.starts(training, others).values()]
        windows = [m.key for m in (*self.train, *self.held_out(training).values())]
        return digest(self.features(), repr(self.network_of(training)), asdict(self.options(training, seed)), windows,
                      start, torch.__version__)

    def features(self) -> str:
        """A version of what is trained that no option says."""
        return "pools before normalization, later draws after a start"

    def starts(self, training: Training, others: Mapping[str, Training]) -> dict[str, Training]:
        """What it begins with: the modalities' trainings by name, or one training under the empty name."""
        if training.alone:
            return {m.name: others[f"alone-{m.name}"] for m in self.network.modalities}
        return {"": others[training.start]} if training.start else {}

    def network_of(self, training: Training) -> Network:
        """With the training's own number of exits, where it has one."""
        return self.network if training.exits is None else self.networks[training.exits]

    def path(self, training: Training, seed: int, others: Mapping[str, Training]) -> Path:
        folder = self.work / "cells" / self.name
        return folder / f"{training.name}-s{seed}-{self.key(training, seed, others)}.npz"

    def effort(self, training: Training, seed: int) -> float:
        """MACs of a training, roughly: forward passes of its network."""
        o = self.options(training, seed)
        network = reduced(self.network_of(training), training.modalities)
        return float(o.epochs * o.windows * plain_cost(network, training.fusion).macs)

    def run(self, training: Training, seed: int, others: Mapping[str, Training], progress: Progress) -> Said:
        """The training's result, from its file or trained now."""
        path, effort = self.path(training, seed, others), self.effort(training, seed)
        if path.exists():
            progress.skip(effort)
            return read(path)
        options = self.options(training, seed)
        check_options(options)
        trainer = Trainer(self.network_of(training), options)
        runs = self.work / "runs" / self.name / path.stem
        runs.mkdir(parents=True, exist_ok=True)
        starts = {m: self.work / "runs" / self.name / self.path(t, seed, others).stem / "checkpoint.pt"
                  for m, t in self.starts(training, others).items()}
        if training.alone:
            trainer.start_alone(starts)
        elif starts:
            trainer.start_from(starts[""])
        checkpoint = runs / "checkpoint.pt"
        if checkpoint.exists():
            trainer.restore(checkpoint)
        step = effort / options.epochs
        progress.skip(trainer.epoch * step)
        label = f"{self.name} {training.name} seed {seed}"
        held_out = self.validation.batch(np.arange(min(SHOWN, len(self.validation))))

        def stream(epoch: int) -> Iterator[Batch]:
            progress.check()
            # What goes on from another training goes on in its draws too: LF sees as many windows as the rest.
            return self._stream(options, epoch + (self.size.start if starts else 0))

        run_epochs(trainer, stream, held_out, checkpoint, lambda text: progress.add(step, f"{label}: {text}"))
        said = self._say(trainer, training)
        write(path, said)
        if others and not any(training in self.starts(t, others).values() for t in others.values()):
            shutil.rmtree(runs)
        return said

    def _stream(self, options: Options, epoch: int) -> Iterator[Batch]:
        # Two epochs of each draw, so that both stages of Algorithm 1 see every one.
        source = self.train[epoch // 2 % len(self.train)]
        return source.stream(options.batch, [options.seed, epoch])

    def _say(self, trainer: Trainer, training: Training) -> Said:
        logits, sources = {}, self.held_out(training)
        for split, source in sources.items():
            parts = [predict(trainer.model, source.batch(np.arange(i, min(i + 256, len(source)))))
                     for i in range(0, len(source), 256)]
            logits[split] = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
        network = trainer.network
        costs = network_costs(network, training.fusion)
        if training.method == "fusion":
            logits = {split: {FUSION: found[FUSION]} for split, found in logits.items()}
            costs = {FUSION: plain_cost(network, training.fusion)}
        features, looks = self._known(trainer, sources) if training.gain else ({}, {})
        return Said(tuple(m.name for m in network.modalities), logits["validation"], logits["test"],
                    {split: source.labels for split, source in sources.items()},
                    costs, trainer.history, features, looks,
                    {m.name: look_macs(m.features.shape) for m in network.modalities if looks},
                    self.taught.groups if training.gain and self.taught else None)

    def _known(self, trainer: Trainer, sources: Mapping[str, Material]) -> tuple[dict, dict]:
        """Features of every exit and looks at every modality that has maps, by split."""
        features: dict[str, dict] = {}
        looks: dict[str, dict] = {}
        model = trainer.model.eval()
        for split, source in sources.items():
            rows: dict = {}
            with torch.no_grad():
                for i in range(0, len(source), 256):
                    inputs, _ = source.batch(np.arange(i, min(i + 256, len(source)))).tensors()
                    for key, x in model.exit_inputs(inputs).items():
                        rows.setdefault(key, []).append(x.numpy().astype(np.float16))
            features[split] = {k: np.concatenate(v) for k, v in rows.items()}
            looks[split] = {m: look(x) for m, x in source.inputs.items() if x.ndim == 4}
        return features, looks

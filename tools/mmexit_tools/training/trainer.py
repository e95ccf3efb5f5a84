"""Training: a weighted sum of cross-entropies at every exit and at fusion, with modality dropout.

`--method` says what each exit weighs, `--fusion` how the features are joined, `--modalities` trains one alone.
`python -m mmexit_tools.training --task avmnist --data DIR --out work/digits` writes `work/digits/checkpoint.pt`
after every epoch and goes on from it with `--resume`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..base.errors import ToolError, say
from ..base.exits import FUSION, ExitKey
from ..model.blocks import keep_scales, pool_early, set_rounding
from ..model.datasets import Batch, batches, collect
from ..model.layers import Network
from ..model.networks import MultiExitNetwork
from ..tasks import Task, load
from . import weightings
from .algorithm1 import SHARED_EVERY, logit_gradients, running, shared_gradients
from .options import HELP, Options, check_options, reduced, weighting_of


def drop_modalities(present: dict[str, Tensor], share: float, generator: torch.Generator) -> dict[str, Tensor]:
    """For a share of the windows, one modality drawn at random is taken out, if another one stays."""
    names = list(present)
    n = len(present[names[0]])
    hit = torch.rand(n, generator=generator) < share
    which = torch.randint(len(names), (n,), generator=generator)
    count = torch.stack(list(present.values())).sum(0)
    return {m: p & ~(hit & (which == i) & (count > 1)) for i, (m, p) in enumerate(present.items())}


def exit_losses(logits: Mapping[ExitKey, Tensor], labels: Mapping[ExitKey, Tensor],
                present: Mapping[str, Tensor]) -> dict[ExitKey, Tensor]:
    """Mean cross-entropy of every exit over the windows where its modality is there, and of fusion."""
    result: dict[ExitKey, Tensor] = {}
    for key, values in logits.items():
        if key == FUSION:
            result[key] = functional.cross_entropy(values, labels[key])
            continue
        each = functional.cross_entropy(values, labels[key], reduction="none")
        there = present[key[0]].to(each.dtype)
        result[key] = (each * there).sum() / there.sum().clamp(min=1)
    return result


class Trainer:
    """State of one training run: network, optimizer, schedule and running gradients."""

    def __init__(self, network: Network, options: Options) -> None:
        check_options(options)
        torch.manual_seed(options.seed)
        self.network, self.options = reduced(network, options.modalities), options
        self.weighting = weighting_of(self.network, options)
        self.model = MultiExitNetwork(self.network, options.fusion).to(memory_format=torch.channels_last)
        self.strongest: str | None = None
        """Of modalities that were trained alone, the one that was right most often: it moves slowly."""
        self.optimizer = self._new_optimizer()
        self.epoch = 0
        self.gradients: dict[ExitKey, float] = {}
        """Eq. 15's running mean of every exit seen so far."""
        self.history: list[dict] = []
        self.before: list[dict] = []
        """Earlier runs that these weights come from."""

    def _new_optimizer(self) -> torch.optim.AdamW:
        """A group of parameters per speed. `speed` multiplies the rate; `begun`: these weights come from before."""
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            part, _, rest = name.partition(".")
            encoder = self.strongest is not None and part in ("segments", "exits")
            slow = encoder and rest.partition(".")[0] == self.strongest
            groups.setdefault((self.options.slow if slow else 1.0, encoder), []).append(parameter)
        return torch.optim.AdamW(
            [{"params": ps, "speed": speed, "begun": begun} for (speed, begun), ps in groups.items()],
            lr=self.options.rate, weight_decay=self.options.weight_decay)

    def _set_rates(self, progress: float) -> None:
        rate = self.learning_rate(progress)
        for group in self.optimizer.param_groups:
            waits = group["begun"] and progress < self.options.fresh
            group["lr"] = 0.0 if waits else rate * group["speed"]

    def start_alone(self, paths: Mapping[str, Path]) -> None:
        """Encoders and exits of trainings of one modality each (`paths[modality]`: their checkpoints)."""
        right = {}
        for modality, path in paths.items():
            state = read_checkpoint(path)
            own = (f"segments.{modality}.", f"exits.{modality}.")
            wanted = {k for k in self.model.state_dict() if k.startswith(own)}
            weights = {k: v for k, v in state["model"].items() if k in wanted}
            if weights.keys() != wanted:
                raise ToolError(f"{path}: holds another network than {modality}'s")
            self.model.load_state_dict(weights, strict=False)
            found = state["history"][-1]["validation"]
            right[modality] = max(v for k, v in found.items() if k.partition(".")[0] == modality)
        self.strongest = max(right, key=lambda m: right[m])
        self.optimizer = self._new_optimizer()

    def trained(self) -> set[ExitKey]:
        """The exits that any epoch trains."""
        return {k for epoch in (0, 1) for k in self.weighting.stage(epoch)}

    def learning_rate(self, progress: float) -> float:
        """Warm-up, then a cosine to zero; `progress` 0...1 over the whole run."""
        o = self.options
        if progress < o.warmup:
            return o.rate * (progress + 1e-3) / o.warmup
        return o.rate * 0.5 * (1 + math.cos(math.pi * (progress - o.warmup) / (1 - o.warmup)))

    def run_epoch(self, stream: Iterable[Batch]) -> float:
        """One pass; returns the mean loss. Raises ToolError when the loss is not a number."""
        o = self.options
        generator = torch.Generator().manual_seed(o.seed * 100_003 + self.epoch)
        torch.manual_seed(o.seed * 200_003 + self.epoch)
        self.model.train()
        set_rounding(self.model, self.epoch >= o.epochs - o.rounding)
        pool_early(self.model, True)
        steps = math.ceil(o.windows / o.batch)
        stage = self.weighting.stage(self.epoch)
        total, count = 0.0, 0
        for step, batch in enumerate(stream):
            self._set_rates(min(1.0, (self.epoch + step / steps) / o.epochs))
            inputs, present = batch.tensors()
            logits = self._logits(inputs, drop_modalities(present, o.dropout, generator), stage)
            labels = {k: torch.from_numpy(batch.labels if k == FUSION else batch.seen[k[0]]) for k in logits}
            each = exit_losses({k: logits[k] for k in stage}, labels, present)
            self._observe(step, logits, labels, each)
            weights = self.weighting.weights(self.epoch, self.gradients)
            loss = torch.stack([each[k] * w for k, w in weights.items()]).sum()
            if not bool(torch.isfinite(loss)):
                raise ToolError(f"epoch {self.epoch + 1}, step {step + 1}: the loss is not a number; "
                                "try a lower --rate, or look for bad values in the data")
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            keep_scales(self.model)
            total, count = total + float(loss.detach()) * len(batch), count + len(batch)
        self.epoch += 1
        return total / max(1, count)

    def _logits(self, inputs: dict[str, Tensor], present: dict[str, Tensor],
                stage: Sequence[ExitKey]) -> dict[ExitKey, Tensor]:
        """Of every exit; only of the earlier ones where the stage has no others: no last segment runs then."""
        last = {FUSION, *weightings.exit_counts(self.network).items()}
        if not last & set(stage):
            return self.model.early_logits(inputs)
        return {(m, n): t for m, n, t in self.model(inputs, present).named()}

    def _observe(self, step: int, logits: dict[ExitKey, Tensor], labels: dict[ExitKey, Tensor],
                 each: dict[ExitKey, Tensor]) -> None:
        """Eq. 15: the running average of every exit's gradient."""
        if self.weighting.reading == "shared":
            exits = {k: v for k, v in each.items() if k != FUSION}
            if step % SHARED_EVERY and exits.keys() <= self.gradients.keys():
                return
            new = shared_gradients(exits, {k: self._shared(k[0]) for k in exits})
        else:
            new = logit_gradients(self.weighting.reading, logits, labels)
        self.gradients |= {k: running(self.gradients.get(k), g) for k, g in new.items()}

    def _shared(self, modality: str) -> list[nn.Parameter]:
        """Weights of the first segment that has any, which all exits of the modality behind it share."""
        found = (list(s.parameters()) for s in self.model.segments[modality])  # type: ignore[union-attr]
        return next(weights for weights in found if weights)

    def save(self, path: Path) -> None:
        """Atomic, so that a killed run leaves the checkpoint before it."""
        state = {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "epoch": self.epoch,
            "gradients": [(m, n, g) for (m, n), g in self.gradients.items()], "options": asdict(self.options),
            "history": self.history, "before": self.before, "strongest": self.strongest,
        }
        temporary = path.with_suffix(f".part{os.getpid()}")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def start_from(self, path: Path) -> None:
        """Weights of another run of the same network; how it was trained is kept for the model card."""
        state = read_checkpoint(path)
        try:
            self.model.load_state_dict(recut(state["model"], self.model))
        except RuntimeError as error:
            raise ToolError(f"{path}: holds another network") from error
        self.before = [*state.get("before", []), {"out": str(path.parent), "options": state["options"]}]

    def restore(self, path: Path) -> None:
        state = read_checkpoint(path)
        # Options that were added later had their defaults when the checkpoint was written.
        stored = asdict(Options()) | state["options"]
        wanted = asdict(self.options)
        if {**stored, "epochs": 0} != {**wanted, "epochs": 0} or stored["epochs"] > wanted["epochs"]:
            other = ", ".join(f"--{k} {stored[k]}" for k in wanted if stored[k] != wanted[k])
            raise ToolError(f"{path}: was trained with {other}; give the same options (or more --epochs), or "
                            "another --out")
        self.strongest = state.get("strongest")
        self.optimizer = self._new_optimizer()
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.history, self.before = state["epoch"], state["history"], state["before"]
        self.gradients = {(m, n): g for m, n, g in state["gradients"]}


def recut(state: Mapping[str, Tensor], model: MultiExitNetwork) -> dict[str, Tensor]:
    """The weights of a network with the same layers and other places for its exits, under this model's names; exits
    that stand elsewhere keep what this model has."""
    own = model.state_dict()
    if state.keys() == own.keys():
        return dict(state)

    def places(names: Iterable[str]) -> list[tuple[str, int, int]]:
        """(modality, segment, layer) of every layer with weights, in order."""
        parts = [n.split(".") for n in names if n.startswith("segments.")]
        return sorted({(p[1], int(p[2]), int(p[3])) for p in parts})

    old, new = places(state), places(own)
    if [p[0] for p in old] != [p[0] for p in new]:
        return dict(state)  # other layers: loading says so
    moved = dict(zip(old, new, strict=True))
    found = {k: v for k, v in own.items() if k.startswith("exits.")}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] == "segments":
            place = moved[(parts[1], int(parts[2]), int(parts[3]))]
            found[".".join(["segments", *map(str, place), *parts[4:]])] = value
        elif parts[0] != "exits":
            found[name] = value
    return found


def read_checkpoint(path: Path) -> dict:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ToolError(f"{path}: no such checkpoint; train first") from None
    except Exception as error:
        raise ToolError(f"{path}: not a readable checkpoint ({type(error).__name__})") from error


def accuracy(model: MultiExitNetwork, batch: Batch, size: int = 256) -> dict[ExitKey, float]:
    """Accuracy of every exit (against the window's label, where the modality is there) and of fusion."""
    right: dict[ExitKey, float] = {}
    logits = predict(model, batch, size)
    for key, values in logits.items():
        there = np.ones(len(batch), bool) if key[0] == "fusion" else batch.present[key[0]]
        labels = batch.labels if key[0] == "fusion" else batch.seen[key[0]]
        right[key] = float((values.argmax(1) == labels)[there].mean()) if there.any() else float("nan")
    return right


def predict(model: MultiExitNetwork, batch: Batch, size: int = 256) -> dict[ExitKey, np.ndarray]:
    """Logits [N, classes] of every exit."""
    set_rounding(model.eval(), False)
    inputs, present = batch.tensors()
    parts: dict[ExitKey, list[np.ndarray]] = {}
    with torch.no_grad():
        for i in range(0, len(batch), size):
            here = slice(i, i + size)
            out = model({m: x[here] for m, x in inputs.items()}, {m: p[here] for m, p in present.items()})
            for m, n, t in out.named():
                parts.setdefault((m, n), []).append(t.numpy())
    return {k: np.concatenate(v) for k, v in parts.items()}


def epoch_stream(task: Task, network: Network, data: Path, options: Options, epoch: int) -> Iterator[Batch]:
    seed = options.seed * 1000 + epoch
    return batches(task.training_windows(data, options.windows, seed), network, options.batch)


def format_accuracies(values: dict[ExitKey, float]) -> str:
    return " ".join(f"{m}.{n} {v:.3f}" if m != "fusion" else f"fusion {v:.3f}" for (m, n), v in values.items())


def run_epochs(trainer: Trainer, stream: Callable[[int], Iterable[Batch]], held_out: Batch, checkpoint: Path,
               progress: Callable[[str], None]) -> None:
    """The epochs that are left, one progress line and one checkpoint each."""
    while trainer.epoch < trainer.options.epochs:
        begun = time.monotonic()
        loss = trainer.run_epoch(stream(trainer.epoch))
        trained = trainer.trained()
        found = {k: a for k, a in accuracy(trainer.model, held_out).items() if k in trained}
        trainer.history.append({"epoch": trainer.epoch, "loss": loss,
                                "validation": {f"{m}.{n}": v for (m, n), v in found.items()}})
        trainer.save(checkpoint)
        progress(f"epoch {trainer.epoch}/{trainer.options.epochs} loss {loss:.3f} "
                 f"validation {format_accuracies(found)} ({time.monotonic() - begun:.0f} s)")


def train(task: Task, data: Path, options: Options, out: Path, resume: bool, start: Path | None = None) -> Trainer:
    """The whole run, a checkpoint after each epoch. `start`: weights to begin with."""
    out.mkdir(parents=True, exist_ok=True)
    described = task.network(data, options.exits)
    trainer = Trainer(described, options)
    network = trainer.network
    checkpoint = out / "checkpoint.pt"
    if start is not None:
        trainer.start_from(start)
    if options.alone > 0 and len(network.modalities) > 1:
        alone = replace(options, epochs=options.alone, alone=0, method="eloss", dropout=0.0)
        for modality in network.modalities:
            say(f"{modality.name} alone")
            train(task, data, replace(alone, modalities=modality.name), out / f"alone-{modality.name}", resume)
        trainer.start_alone({m.name: out / f"alone-{m.name}" / "checkpoint.pt" for m in network.modalities})
    if resume and checkpoint.exists():
        trainer.restore(checkpoint)
    held_out = collect(task.windows(data, "validation", options.validation, 1), network)
    run_epochs(trainer, lambda epoch: epoch_stream(task, network, data, options, epoch), held_out, checkpoint,
               say)
    (out / "history.json").write_text(json.dumps(trainer.history, indent=1) + "\n")
    return trainer


def main() -> None:
    defaults = Options()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a checkpoint whose weights to begin with")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value,
                            help=f"{HELP[name]} (default {value})")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    options = Options(**{name: getattr(args, name) for name in asdict(defaults)})
    train(load(args.task), args.data, options, args.out, args.resume, args.start)

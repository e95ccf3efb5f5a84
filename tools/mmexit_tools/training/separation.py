"""Fine-tuning that moves windows off the ties between classes, so that int8 rounding seldom changes an answer.

    python -m mmexit_tools.training.separation --task avmnist --data DIR --start work/digits/checkpoint.pt \\
        --out work/digits-apart

A window of which an exit knows nothing leaves its logits nearly alike, and any rounding picks another class. Beside
the cross-entropies, every exit here learns to give, with weights and results rounded as int8 will, the class that the
float network gives, by a margin. Where nothing is known the cheapest way to a margin is a class to fall back on,
which costs no accuracy: a guess is as good as another. Float and int8 graph come from the same weights afterwards.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ..base.errors import ToolError, exit_with, say
from ..base.exits import FUSION
from ..model.blocks import round_values, set_rounding
from ..model.datasets import Batch, collect
from ..model.networks import MultiExitNetwork, Outputs
from ..tasks import Task, load
from .trainer import accuracy, drop_modalities, epoch_stream, exit_losses, format_accuracies, read_checkpoint


@dataclass(frozen=True)
class Options:
    epochs: int = 5
    windows: int = 24_000
    """Training windows drawn anew in every epoch."""
    batch: int = 64
    rate: float = 5e-4
    weight_decay: float = 1e-3
    dropout: float = 0.15
    """Share of windows of which one modality's feature is zeroed before fusion."""
    push: float = 0.2
    """Weight of the margin's loss beside the cross-entropy, at every exit."""
    width: float = 0.1
    """Margin, in logits, over which the margin's loss falls."""
    validation: int = 2_000
    seed: int = 2


def margin_to(logits: Tensor, answer: Tensor) -> Tensor:
    """[N]: how far the logit of each window's `answer` lies above the best other one; negative where it is not."""
    chosen = logits.gather(1, answer.unsqueeze(1)).squeeze(1)
    others = logits.scatter(1, answer.unsqueeze(1), float("-inf"))
    return chosen - others.amax(1)


def separation(rounded: Outputs, plain: Outputs, present: dict[str, Tensor], width: float) -> Tensor:
    """Sum over the exits of the mean of softplus(-margin / width): small where the rounded network gives the plain
    one's class by more than `width`. An exit counts the windows in which its modality is there."""
    terms = []
    for (modality, _, logits), (_, _, reference) in zip(rounded.named(), plain.named(), strict=True):
        each = functional.softplus(-margin_to(logits, reference.argmax(1)) / width)
        if modality != "fusion":
            there = present[modality].to(each.dtype)
            each = each * there * (len(each) / there.sum().clamp(min=1))
        terms.append(each.mean())
    return torch.stack(terms).sum()


def step_loss(model: MultiExitNetwork, batch: Batch, options: Options, generator: torch.Generator) -> Tensor:
    """Cross-entropies and separation of one batch; the gradient goes through the rounded pass."""
    inputs, present = batch.tensors()
    shown = drop_modalities(present, options.dropout, generator)
    state = torch.get_rng_state()
    set_rounding(model, False)
    with torch.no_grad():
        plain = model(inputs, shown)
    torch.set_rng_state(state)  # the same units are dropped out in both passes
    set_rounding(model, True)
    rounded = model({m: round_values(x) for m, x in inputs.items()}, shown)
    logits = {(m, n): t for m, n, t in rounded.named()}
    labels = {k: torch.from_numpy(batch.labels if k == FUSION else batch.seen[k[0]]) for k in logits}
    cross_entropies = torch.stack(list(exit_losses(logits, labels, shown).values())).sum()
    return cross_entropies + options.push * separation(rounded, plain, present, options.width)


def fine_tune(task: Task, data: Path, options: Options, start: Path, out: Path) -> MultiExitNetwork:
    """One progress line an epoch, a checkpoint at the end. Raises ToolError when the loss is not a number."""
    network = task.network(data)
    state = read_checkpoint(start)
    torch.manual_seed(options.seed)
    model = MultiExitNetwork(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.load_state_dict(state["model"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=options.weight_decay)
    held_out = collect(task.windows(data, "validation", options.validation, 1), network)
    steps = math.ceil(options.windows / options.batch)
    generator = torch.Generator().manual_seed(options.seed)
    for epoch in range(options.epochs):
        begun, total = time.monotonic(), 0.0
        model.train()
        for step, batch in enumerate(epoch_stream(task, network, data, options, epoch)):  # type: ignore[arg-type]
            progress = (epoch + step / steps) / options.epochs
            for group in optimizer.param_groups:
                group["lr"] = options.rate * 0.5 * (1 + math.cos(math.pi * progress)) * min(1.0, progress * 20 + 0.01)
            loss = step_loss(model, batch, options, generator)
            if not bool(torch.isfinite(loss)):
                raise ToolError(f"epoch {epoch + 1}, step {step + 1}: the loss is not a number; try a lower --rate")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
        set_rounding(model, False)
        say(f"epoch {epoch + 1}/{options.epochs} loss {total / steps:.3f} validation "
            f"{format_accuracies(accuracy(model, held_out))} ({time.monotonic() - begun:.0f} s)")
        save(model, state, start, options, out / "checkpoint.pt", epoch + 1)
    return model


def save(model: MultiExitNetwork, before: dict, start: Path, options: Options, path: Path, epoch: int) -> None:
    """Atomic; with what the weights were trained with before, for the model card."""
    earlier = {"out": str(start.parent), "module": before.get("module", "training"), "options": before["options"]}
    state = {"model": model.state_dict(), "options": asdict(options), "epoch": epoch, "module": "training.separation",
             "before": [*before.get("before", []), earlier]}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, path)


def main() -> None:
    defaults = Options()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="the checkpoint to begin with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    options = Options(**{name: getattr(args, name) for name in asdict(defaults)})
    fine_tune(load(args.task), args.data, options, args.start, args.out)


if __name__ == "__main__":
    exit_with(main)

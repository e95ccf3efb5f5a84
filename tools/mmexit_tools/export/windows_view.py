"""What the gate does with an easy, a medium and a hard window (the paper's Figure 3), as a drawing and as Markdown.

    python -m mmexit_tools.export.windows_view --task avmnist --data DATA \\
        --model ../config/models/digits.safetensors --out ../docs/results/windows

Writes OUT.svg and OUT.md. Easy windows leave at the first exit, medium ones at a later exit of the first modality,
hard ones need every modality; of each kind the one of middling entropy, among those rightly answered, is shown.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.errors import ToolError, exit_with, say
from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Replay, gate_order, replay
from ..calibrate.exit_pool import batch_pool
from ..calibrate.gain_heads import billed, doubts
from ..model.datasets import Batch, featurize
from ..model.graphs import exit_costs
from ..quantize.head_codes import predict_with_codes
from ..quantize.modelfile import StoredModel, read_model
from ..signals.features import SpectrogramFeatures
from ..signals.windows import SPLITS, Picture, Window
from ..tasks import load
from .report import exit_name, share_text, table
from .window_drawing import Asked, Walk, draw_walks, spectrogram_pixels

KINDS = ("easy", "medium", "hard")


def recorded(model: StoredModel, batch: Batch) -> Recording:
    """What the stored int8 network, and its gain heads, say, at the stored temperatures."""
    temperatures, heads = model.temperatures, model.heads
    macs = {k: c.macs for k, c in billed(exit_costs(model.quantized.graph), heads, model.network).items()}
    logits, codes = predict_with_codes(model.quantized, batch)
    pool = batch_pool(batch, logits, {}, macs)
    return replace(pool, doubt=doubts(heads, pool, codes, temperatures)).recording(temperatures)


def choose_windows(recording: Recording, outcome: Replay) -> dict[str, int]:
    """Index of a window of each kind. Raises ToolError where the windows have none of a kind."""
    first = recording.exits[outcome.order[0]]
    kinds = {"easy": outcome.left_at == 0, "medium": (outcome.left_at > 0) & (outcome.left_at < first),
             "hard": outcome.left_at == len(outcome.keys) - 1}
    entropy = np.stack([recording.entropy[k] for k in outcome.keys])[outcome.left_at, np.arange(len(recording))]
    chosen = {}
    for kind, where in kinds.items():
        here = np.flatnonzero(where & outcome.right)
        if len(here) == 0:
            raise ToolError(f"none of the {len(recording)} windows is {kind} (and rightly answered); raise --count, "
                            "or the model's thresholds switch those exits off")
        chosen[kind] = int(here[np.argsort(entropy[here], kind="stable")[len(here) // 2]])
    return chosen


def threshold_of(model: StoredModel, key: ExitKey, answer: str) -> float | None:
    settings = model.exits[key]
    return settings.class_thresholds.get(answer, settings.threshold)


def walk_of(model: StoredModel, recording: Recording, outcome: Replay, i: int, kind: str, panels: dict) -> Walk:
    classes, total = model.network.classes, recording.total_macs
    exits = []
    for position, key in enumerate(outcome.keys):
        answer = classes[recording.answer[key][i]]
        exits.append(Asked(exit_name(key), float(recording.entropy[key][i]), threshold_of(model, key, answer), answer,
                           recording.macs[key] / total, position <= outcome.left_at[i],
                           bool(position == outcome.left_at[i])))
    asked = {k[0] for k, e in zip(outcome.keys, exits, strict=True) if e.asked}
    last = exits[outcome.left_at[i]]
    title = (f"{kind.capitalize()}: truth {classes[recording.labels[i]]}, answered {last.answer} at {last.name} with "
             f"{share_text(outcome.macs[i] / total)} of the MACs")
    return Walk(title, [(m, panels[m], m in asked) for m in outcome.order], exits)


def panels_of(window: Window, batch: Batch, model: StoredModel, i: int) -> dict[str, NDArray[np.uint8]]:
    """Pixels to show of each modality: the picture itself, the sound's spectrogram."""
    result = {}
    for m in model.network.modalities:
        signal = window.inputs.get(m.name)
        if isinstance(signal, Picture):
            result[m.name] = signal.pixels
        elif isinstance(m.features, SpectrogramFeatures):
            result[m.name] = spectrogram_pixels(batch.inputs[m.name][i, :, :, 0])
        else:  # a vector, or nothing: its values as one line of grey
            values = batch.inputs[m.name][i].reshape(1, -1)
            result[m.name] = np.clip(128 + 40 * values, 0, 255).astype(np.uint8)
    return result


def markdown(walks: list[Walk], image: str, intro: str) -> str:
    parts = [f"# Three windows and what was asked of them\n\n{intro}\n", f"![{', '.join(KINDS)} windows]({image})\n"]
    for walk in walks:
        rows = [[e.name, f"{e.entropy:.3f}" if e.asked else "-",
                 "-" if e.threshold is None else f"{e.threshold:.3f}", e.verdict()] for e in walk.exits]
        parts += [f"## {walk.title}\n", table(["exit", "entropy", "threshold", "what happened"], rows)]
    return "\n".join(parts)


def run(args: argparse.Namespace) -> None:
    model = read_model(args.model)
    limited = any(e.threshold is not None for k, e in model.exits.items() if k != FUSION)
    if any(e.class_thresholds for e in model.exits.values()) or (model.network.none is not None and limited):
        raise ToolError(f"{args.model}: has thresholds by class or for `none`, whose walk this drawing does not show")
    windows = list(load(args.task).windows(args.data, args.split, args.count, args.seed))
    batch = featurize(windows, model.network)
    recording = recorded(model, batch)
    thresholds = {k: e.threshold for k, e in model.exits.items() if k != FUSION}
    order = gate_order(recording, thresholds)
    outcome = replay(recording, order, thresholds)
    chosen = choose_windows(recording, outcome)
    walks = [walk_of(model, recording, outcome, i, kind, panels_of(windows[i], batch, model, i))
             for kind, i in chosen.items()]
    shares = ", ".join(f"{exit_name(k)} {share_text(v)}" for k, v in outcome.shares().items())
    command = ["python", "-m", "mmexit_tools.export.windows_view", "--task", args.task, "--data", "DATA", "--model",
               str(args.model), "--split", args.split, "--count", str(args.count), "--seed", str(args.seed), "--out",
               str(args.out)]
    intro = (f"Written by `{shlex.join(command)}`. Of {len(windows):,} windows of the {args.split} split, rightly "
             f"answered and of middling entropy among their kind. Left at: {shares}. Red marks are thresholds.")
    if heads := model.heads:
        intro += (f" Of {', '.join(map(exit_name, heads))} the figure is half of 1 + the predicted gain of going on, "
                  "in entropy's place.")
    svg, page = args.out.with_suffix(".svg"), args.out.with_suffix(".md")
    svg.parent.mkdir(parents=True, exist_ok=True)
    svg.write_text(draw_walks(walks, f"{model.network.name}: an easy, a medium and a hard window"))
    page.write_text(markdown(walks, svg.name, intro))
    say(f"{svg}, {page}", *(w.title for w in walks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="without an ending: OUT.svg and OUT.md are written")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run(args)


if __name__ == "__main__":
    exit_with(main)

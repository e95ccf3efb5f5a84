"""From robot-command's checkpoint to the daemon's model and its card: quantize, calibrate, measure, write.

    python -m mmexit_tools.robot_export --data DIR --work ../work/robot-command \\
        --out ../config/models/robot-command.safetensors --card ../config/models/robot-command.md

Temperatures and thresholds come from validation people; test people are only measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from .calibration import (
    FUSION,
    ExitKey,
    Recording,
    Thresholds,
    Tolerance,
    calibrate,
    figures,
    fit_temperature,
    replay,
)
from .datasets import Batch, collect
from .errors import exit_with
from .export import Calibrated, make_recording, summary, versions
from .graphs import exit_costs, lower
from .modelfile import ExitSettings, model_bytes
from .networks import MultiExitNetwork
from .quantization import predict_integer, quantize_best
from .report import Card, SplitReport, measure
from .robot_data import CLASSES, COMMANDS, NONE, material
from .robot_deployment import deployment_section, kinds_section, missing_section
from .tasks import robot_command as task
from .training import predict, read_checkpoint

EMPTY = CLASSES.index(NONE)


def without_none(recording: Recording) -> Recording:
    """The recording of a gate whose single-sensor exits may answer commands only.

    A sensor that is sure of "nothing" knows nothing of what another one would have shown: leaving there would lose
    every command given to the other sensor alone."""
    entropy = {
        k: h if k == FUSION else np.where(recording.answer[k] == EMPTY, np.inf, h)
        for k, h in recording.entropy.items()
    }
    return dataclasses.replace(recording, entropy=entropy)


def settings(
    recording: Recording, thresholds: Thresholds, temperatures: Mapping[ExitKey, float]
) -> dict[ExitKey, ExitSettings]:
    """What is stored: thresholds by class, so that `none` has none (docs/model-format.md: null switches off)."""
    result = {}
    for key, (accuracy, hazard) in figures(recording, thresholds).items():
        limit = thresholds.get(key)
        result[key] = ExitSettings(
            temperature=float(np.float32(temperatures[key])),
            threshold=None,
            class_thresholds={} if limit is None else dict.fromkeys(COMMANDS, limit),
            accuracy=None if accuracy is None else round(accuracy, 4),
            hazard=None if key == FUSION else round(hazard, 4),
        )
    return result


def calibrate_robot(model: MultiExitNetwork, validation: Batch, tolerance: Tolerance) -> tuple[Calibrated, dict]:
    """Quantizes and calibrates; the result's recording lets no single exit answer `none`."""
    graph = lower(model.eval())
    plain = predict(model, validation)
    quantized, percentile = quantize_best(graph, validation, plain)
    logits = predict_integer(quantized, validation)
    labels = {k: validation.labels if k == FUSION else validation.seen[k[0]] for k in logits}
    temperatures = {k: round(fit_temperature(v, labels[k]), 4) for k, v in logits.items()}
    costs = exit_costs(graph)
    recording = without_none(make_recording(model, validation, logits, temperatures, costs))
    thresholds, order = calibrate(recording, tolerance)
    return Calibrated(quantized, percentile, temperatures, thresholds, order, recording, costs), plain


@dataclasses.dataclass(frozen=True)
class Measured:
    """A split: the report, and the answers of full fusion and of the adaptive gate, int64 [N] each, all of int8."""

    report: SplitReport
    answers: tuple[np.ndarray, np.ndarray]


def measured(
    name: str, calibrated: Calibrated, model: MultiExitNetwork, batch: Batch, plain: Mapping | None = None
) -> Measured:
    logits = predict(model, batch) if plain is None else plain
    recording = without_none(
        make_recording(
            model, batch, predict_integer(calibrated.quantized, batch), calibrated.temperatures, calibrated.costs
        )
    )
    outcome = replay(recording, calibrated.order, calibrated.thresholds)
    table = np.stack([recording.answer[k] for k in outcome.keys])
    answers = (recording.answer[FUSION], table[outcome.left_at, np.arange(len(batch))])
    return Measured(measure(name, logits, recording, outcome), answers)


def commands(args: argparse.Namespace, trained: Mapping) -> Sequence[Sequence[str]]:
    train = ["python", "-m", "mmexit_tools.robot_train", "--data", "DATA", "--work", "../work/robot-command"]
    for name, value in trained.items():
        train += [f"--{name.replace('_', '-')}", str(value)]
    export = [
        "python",
        "-m",
        "mmexit_tools.robot_export",
        "--data",
        "DATA",
        "--work",
        "../work/robot-command",
        "--out",
        str(args.out),
        "--card",
        str(args.card),
        "--windows",
        str(args.windows),
        "--seed",
        str(args.seed),
        "--loss",
        f"{args.loss:g}",
        "--z",
        f"{args.z:g}",
    ]
    return [train, export]


LIMITS = """## Limits

- The signs come from one school's photos, all right hands before plain walls, mostly of light skin: other scenes,
  left hands, other skin tones and other light were made by compositing and colour changes, never photographed. No
  frame of a real room was available to measure false commands on.
- A hand must fill about half of the picture's height or more; smaller, 64 pixels do not show which finger the thumb
  meets.
- Any hand that happens to look like a digit sign is a command; nothing here knows intent.
- Words were recorded close to a microphone; rooms and distance are simulated by filters. English words only.
- Single-sensor exits may answer commands, never `none`: a window without a command always reaches fusion.
"""


def run(args: argparse.Namespace) -> None:
    state = read_checkpoint(args.work / "checkpoint.pt")
    model = MultiExitNetwork(task.network())
    model.load_state_dict(state["model"])
    tolerance = Tolerance(args.loss / 100, args.z)
    validation = collect(task.windows(args.data, "validation", args.windows, args.seed), model.network)
    calibrated, plain = calibrate_robot(model, validation, tolerance)
    print(f"order {calibrated.order} thresholds {calibrated.thresholds}", flush=True)
    total = calibrated.recording.total_macs
    results = [measured("validation", calibrated, model, validation, plain)]
    print(summary(results[0].report, total), flush=True)
    del validation, plain
    test = collect(task.windows(args.data, "test", args.windows, args.seed + 1), model.network)
    results.append(measured("test", calibrated, model, test))
    idle = collect(task.windows(args.data, "test", args.windows, args.seed + 2, mix="deployment"), model.network)
    at_rest = measured("deployment", calibrated, model, idle)
    extra = "\n".join(
        [
            people_section(args.data),
            kinds_section(test, results[1].answers),
            missing_section(model, test),
            deployment_section(test, results[1].answers, idle, at_rest.answers),
            LIMITS,
        ]
    )
    provenance = {
        "task": "robot-command",
        **task.PROVENANCE,
        "training_options": state["options"],
        "calibration": {
            "windows": args.windows,
            "seed": args.seed,
            "loss_points": args.loss,
            "z": args.z,
            "activation_percentile": calibrated.percentile,
        },
        "versions": versions(),
        "commands": [shlex.join(c) for c in commands(args, state["options"])],
    }
    content = model_bytes(
        calibrated.quantized,
        settings(calibrated.recording, calibrated.thresholds, calibrated.temperatures),
        provenance,
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(content)
    promise = (
        f"for the ten commands at most {args.loss:g} points below full fusion on validation windows, with {args.z:g} "
        "standard errors to spare, at the fewest MACs found; `none` is left to fusion"
    )
    card = Card(
        model.network,
        task.PROVENANCE,
        calibrated.costs,
        calibrated.temperatures,
        calibrated.thresholds,
        calibrated.order,
        promise,
        [r.report for r in results],
        commands(args, state["options"]),
        len(content),
        extra,
    )
    args.card.write_text(card.text().replace("mmexit_tools.export`", "mmexit_tools.robot_export`"))
    print("\n".join([str(args.out), *(summary(r.report, total) for r in results)]))


def people_section(data: Path) -> str:
    lines = ["## People\n"]
    for split in ("train", "validation", "test"):
        counts = material(data, split).people
        lines.append(f"- {split}: " + ", ".join(f"{n:,} {name}" for name, n in counts.items()))
    return "\n".join([*lines, ""])


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=3000, help="windows of each split, and of the deployment mix")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--loss", type=float, default=0.5, help="points of accuracy below full fusion")
    parser.add_argument("--z", type=float, default=1.645, help="standard errors kept in reserve")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run(args)


if __name__ == "__main__":
    exit_with(_main)

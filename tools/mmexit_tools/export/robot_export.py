"""From robot-command's checkpoint to the daemon's model and its card: quantize, calibrate, measure, write.

    python -m mmexit_tools.export.robot_export --data DIR --work ../work/robot-command \\
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

from ..base.errors import exit_with, say
from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Thresholds, Tolerance, fit_temperature, replay
from ..calibrate.exit_pool import Watched, batch_pool
from ..calibrate.learn_then_test import Groups
from ..calibrate.looking_path import looking_gate
from ..calibrate.promise import Wish
from ..calibrate.robot_thresholds import choose_walk
from ..calibrate.settings_path import Setting
from ..model.datasets import Batch, collect
from ..model.graphs import exit_costs, lower
from ..model.layers import Network
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import ExitSettings, model_bytes
from ..quantize.quantization import predict_integer, quantize_best
from ..sources.robot_data import CLASSES, NONE, material
from ..sources.surroundings import surroundings
from ..tasks import drawn_people
from ..tasks import robot_command as task
from ..training.trainer import predict, read_checkpoint
from .calibrated import Calibrated, exit_settings, float_part, make_recording
from .exporter import summary, versions
from .report import Card, SplitReport, exit_name, measure, share_text, table
from .robot_deployment import (
    Windows,
    alone,
    asleep_section,
    deployment_section,
    kinds_section,
    missing_section,
    override_section,
)

EMPTY = CLASSES.index(NONE)


@dataclasses.dataclass(frozen=True)
class Nothing:
    """When a single sensor may be sure of `none`."""

    thresholds: Thresholds
    missed: float | None
    """Share of a sensor's own commands that it may take for nothing; None when `none` is left to fusion."""
    overrides: Mapping[ExitKey, float] = dataclasses.field(default_factory=dict)
    """And from which probability of the overriding class on a first exit overrides another sensor's command."""
    beside: Mapping[ExitKey, float] = dataclasses.field(default_factory=dict)
    """And at or below which an exit's command stands beside another sensor's sure `none`."""


def calibrate_robot(
    model: MultiExitNetwork,
    validation: Batch,
    tolerance: Tolerance,
    wish: Wish | None = None,
    groups: Groups | None = None,
) -> tuple[Calibrated, Nothing, dict]:
    """Quantizes and calibrates: temperatures, then the thresholds of the commands and of `none`.

    With a `wish` that can be granted, by Learn then Test (docs/calibration.md)."""
    graph = lower(model.eval())
    plain = predict(model, validation)
    parts = wish.parts(groups or {}, len(validation)) if wish else None
    known = parts[0] if parts else np.arange(len(validation))
    quantized, ranges = quantize_best(graph, validation.part(known), float_part(plain, known))
    logits = predict_integer(quantized, validation)
    if wish and parts:
        macs = {k: c.macs for k, c in exit_costs(graph).items()}
        found = wish.grant(batch_pool(validation, logits, groups or {}, macs), parts, looking_gate(EMPTY))
        if found:
            setting = found.setting
            calibrated = Calibrated(quantized, ranges, found.temperatures, setting.thresholds, setting.order,
                                    found.figures_from, exit_costs(graph), found)
            return calibrated, Nothing(setting.nones, None), plain
    labels = {k: validation.labels if k == FUSION else validation.seen[k[0]] for k in logits}
    temperatures = {k: round(fit_temperature(v, labels[k]), 4) for k, v in logits.items()}
    costs = exit_costs(graph)
    recording = make_recording(model, validation, logits, temperatures, costs)
    walk = choose_walk(recording, validation.seen, EMPTY, tolerance)
    nothing = Nothing(walk.nones, walk.missed, walk.overrides)
    return Calibrated(quantized, ranges, temperatures, walk.commands, walk.order, recording, costs), nothing, plain


@dataclasses.dataclass(frozen=True)
class Measured:
    """A split: the report, and the answers of full fusion and of the adaptive gate, int64 [N] each, all of int8."""

    report: SplitReport
    answers: tuple[np.ndarray, np.ndarray]
    recording: Recording


def measured(
    name: str,
    calibrated: Calibrated,
    nothing: Nothing,
    model: MultiExitNetwork,
    batch: Batch,
    plain: Mapping | None = None,
) -> Measured:
    logits = predict(model, batch) if plain is None else plain
    recording = make_recording(
        model, batch, predict_integer(calibrated.quantized, batch), calibrated.temperatures, calibrated.costs
    )
    return measured_of(name, calibrated, nothing, recording, logits)


def measured_of(name: str, calibrated: Calibrated, nothing: Nothing, recording: Recording,
                plain: Mapping) -> Measured:
    recording = dataclasses.replace(recording, overrides=nothing.overrides, beside_none=nothing.beside)
    outcome = replay(recording, calibrated.order, calibrated.thresholds, nothing.thresholds, EMPTY)
    return Measured(measure(name, plain, recording, outcome), (recording.answer[FUSION], outcome.answer), recording)


def sections(data: Path, begun: Mapping | None, calibrated: Calibrated, nothing: Nothing,
             test: tuple[Windows, Measured], idle: tuple[Windows, Measured], left: Mapping[str, np.ndarray]) -> str:
    """Of the card, what its common parts do not have."""
    windows, found = test
    choice = (calibrated.order, calibrated.thresholds, nothing.thresholds, EMPTY)
    return "\n".join([
        people_section(data), start_section(begun), kinds_section(windows, found.answers),
        missing_section(left, windows.seen),
        asleep_section(windows, replay(found.recording, *choice),
                       replay(found.recording, *choice, calibrated.order[1:]), found.recording),
        nothing_section(nothing, windows, found.recording),
        *override_section(windows, replay(dataclasses.replace(found.recording, overrides={}), *choice),
                          replay(found.recording, *choice), found.recording),
        deployment_section(windows, found.answers, idle[0], idle[1].answers), LIMITS])


def nothing_section(nothing: Nothing, batch: Windows, recording: Recording) -> str:
    """What the daemon's first sensor may say alone, for the time being."""
    rows = []
    for modality in recording.modalities:
        calm = np.zeros(len(recording), bool)
        names = []
        for j in range(1, recording.exits[modality] + 1):
            limit = nothing.thresholds.get((modality, j))
            if limit is None:
                continue
            names.append(f"{exit_name((modality, j))} at {limit:g}")
            calm |= (recording.answer[(modality, j)] == EMPTY) & (recording.entropy[(modality, j)] <= limit)
        something = batch.seen[modality] != EMPTY
        empty = batch.labels == EMPTY
        rows.append(
            [
                modality,
                ", ".join(names) or "off",
                share_text(float(calm[empty].mean())) if empty.any() else "-",
                share_text(float(calm[something].mean())) if something.any() else "-",
            ]
        )
    head = ["sensor", "entropy at or below", "windows of nothing it settles alone", "own commands taken for nothing"]
    return "\n".join(
        [
            "## Nothing, from one sensor (test, int8)\n",
            "In the daemon a sure `none` of the first sensor is provisional: the others sleep on and look every",
            "`max-blind` seconds. Where all are awake, `none` counts only where all agree.\n",
            table(head, rows),
            *([beside_sentence(nothing)] if nothing.beside else []),
        ]
    )


def beside_sentence(nothing: Nothing) -> str:
    limits = ", ".join(f"{exit_name(k)} at {t:g}" for k, t in nothing.beside.items())
    return f"A command stands beside another sensor's sure `none` at an entropy at or below this: {limits}.\n"


def commands(args: argparse.Namespace, trained: Mapping) -> Sequence[Sequence[str]]:
    train = ["python", "-m", "mmexit_tools.training.robot_train", "--data", "DATA", "--work", "../work/robot-command"]
    for name, value in trained.items():
        train += [f"--{name.replace('_', '-')}", str(value)]
    export = [
        "python",
        "-m",
        "mmexit_tools.export.robot_export",
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
        "--guarantee",
        args.guarantee,
    ]
    return [train, export]


LIMITS = """## Limits

- The signs come from one school's photos, all right hands before plain walls, mostly of light skin: other scenes,
  left hands, other skin tones and other light were made by compositing and colour changes, never photographed.
- Real rooms, people and things without a sign come from few places (see the data set's own list).
- A hand must fill about half of the picture's height or more; smaller, so few pixels do not show which finger the
  thumb meets.
- Any hand that happens to look like a digit sign is a command; nothing here knows intent.
- Words were recorded close to a microphone; rooms and distance are simulated by filters. English words only.
- Between two looks a hand signed in silence goes unseen where the microphone is sure of nothing: hold a sign for
  longer than `max-blind`.
"""


def run(args: argparse.Namespace) -> None:
    state = read_checkpoint(args.work / "checkpoint.pt")
    model = MultiExitNetwork(task.network())
    model.load_state_dict(state["model"])
    tolerance = Tolerance(args.loss / 100, args.z)
    watched = Watched(drawn_people.windows(args.data, "validation", args.windows, args.seed))
    validation = collect(watched, model.network)
    wish = Wish.parse(args.guarantee)
    calibrated, nothing, plain = calibrate_robot(model, validation, tolerance, wish, watched.groups)
    say(f"order {calibrated.order} thresholds {calibrated.thresholds} none {nothing}")
    total = calibrated.recording.total_macs
    results = [measured("validation", calibrated, nothing, model, validation, plain)]
    say(summary(results[0].report, total))
    del validation, plain
    test = collect(task.windows(args.data, "test", args.windows, args.seed + 1), model.network)
    results.append(measured("test", calibrated, nothing, model, test))
    idle = collect(task.windows(args.data, "test", args.windows, args.seed + 2, mix="deployment"), model.network)
    at_rest = measured("deployment", calibrated, nothing, model, idle)
    extra = sections(args.data, state.get("started_from"), calibrated, nothing, (test, results[1]), (idle, at_rest),
                     alone(model, test))
    provenance = {
        "task": "robot-command",
        **stated(state["options"]),
        "training_options": state["options"],
        "started_from": state.get("started_from"),
        "calibration": {
            "windows": args.windows,
            "seed": args.seed,
            "loss_points": args.loss,
            "z": args.z,
            "activation_ranges": calibrated.ranges,
            "guarantee": calibrated.promise.provenance() if calibrated.promise else None,
        },
        "versions": versions(),
        "commands": [shlex.join(c) for c in commands(args, state["options"])],
    }
    finish(args, model.network, calibrated, nothing, provenance, results, extra, commands(args, state["options"]))


def finish(args: argparse.Namespace, network: Network, calibrated: Calibrated, nothing: Nothing, provenance: Mapping,
           results: Sequence[Measured], extra: str, made_by: Sequence[Sequence[str]], note: str = "",
           settings: Mapping[ExitKey, ExitSettings] | None = None, module: str = "robot_export") -> None:
    """Writes the model and its card. `settings`: what is stored at the exits, where it is given."""
    total = calibrated.recording.total_macs
    setting = Setting(calibrated.thresholds, calibrated.order, nothing.thresholds, nothing.overrides,
                      nothing.beside)
    settings = settings or exit_settings(network, calibrated.recording, setting, calibrated.temperatures)
    content = model_bytes(calibrated.quantized, settings, provenance)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(content)
    off = all(t is None for t in nothing.thresholds.values())
    empty = "`none` is left to fusion" if off else "those of `none` further below"
    if nothing.missed is not None:
        share = f"{100 * nothing.missed:g} %"
        empty = f"for `none` such that a sensor takes at most {share} of its own commands for nothing"
    promise = (
        f"at most {args.loss:g} points below full fusion on validation windows, with {args.z:g} standard errors to "
        f"spare, at the fewest MACs found; those of the ten commands are shown here, {empty}"
    )
    if calibrated.promise:
        promise = calibrated.promise.sentence()
    card = Card(network, stated(provenance["training_options"]), calibrated.costs, calibrated.temperatures,
                calibrated.thresholds, calibrated.order, promise + note, [r.report for r in results], made_by,
                len(content), extra)
    args.card.write_text(card.text().replace("mmexit_tools.export`", f"mmexit_tools.export.{module}`"))
    say(args.out, *(summary(r.report, total) for r in results))


def stated(options: Mapping) -> dict:
    """What is said about the data, a teacher that others began included."""
    if not options.get("audio_windows"):
        return dict(task.PROVENANCE)
    taught = {"speech_embedding (a network by Google; what the teacher of the sounds began as)": "Apache-2.0"}
    return {**task.PROVENANCE, "data": {**task.PROVENANCE["data"], **taught}}


def people_section(data: Path) -> str:
    lines = ["## People\n"]
    for split in ("train", "validation", "test"):
        counts = material(data, split).people
        lines.append(f"- {split}: " + ", ".join(f"{n:,} {name}" for name, n in counts.items()))
    around = ", ".join(f"{n:,} {name}" for name, n in surroundings(data, "train").people().items())
    return "\n".join([*lines, f"- around them, in training: {around}", ""])


def start_section(begun: Mapping | None) -> str:
    """What the training went on from, where it did not begin anew."""
    if not begun:
        return ""
    how = "\n".join(begun["commands"]) or "(not noted)"
    without = f" (all but {begun['anew']}, which began anew)" if begun.get("anew") else ""
    return (f"## Started from\n\nThe encoders{without} went on from the model file with SHA-256 "
            f"`{begun['sha256']}` (in this repository's history), which was made by\n\n```sh\n{how}\n```\n")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=3000, help="windows of each split, and of the deployment mix")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--guarantee", default="off", metavar="LOSS:CONFIDENCE", help="as mmexit_tools.export has it")
    parser.add_argument("--loss", type=float, default=0.5, help="points of accuracy below full fusion")
    parser.add_argument("--z", type=float, default=1.645, help="standard errors kept in reserve")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run(args)


if __name__ == "__main__":
    exit_with(_main)

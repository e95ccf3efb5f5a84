"""From a training checkpoint to the daemon's model: fold, quantize, calibrate, measure, write model and card.

    python -m mmexit_tools.export --task avmnist --data DIR --checkpoint work/digits/checkpoint.pt \\
        --out ../config/models/digits.safetensors --card ../config/models/digits.md

Temperatures and thresholds are chosen on validation windows by what the int8 network says; the test split is only
measured. `--onnx` and `--qdq` also write the float and the int8 graph as ONNX.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from ..base.errors import USAGE, ToolError, say
from ..calibrate.calibration import Recording, Tolerance
from ..calibrate.exit_pool import Watched, batch_pool
from ..calibrate.gain_heads import doubts
from ..calibrate.promise import Wish
from ..model.datasets import Batch, collect
from ..model.graphs import lower
from ..model.networks import MultiExitNetwork
from ..quantize.head_codes import predict_with_codes
from ..quantize.modelfile import model_bytes, read_model
from ..quantize.quantization import predict_integer
from ..tasks import Task, load, load_varied
from ..tasks.mixture import Kind, judged, mixture, places, sentence
from ..training.restoring import restore
from ..training.trainer import predict, read_checkpoint
from .calibrated import Calibrated, float_part, make_recording, stored_temperatures
from .calibrating import calibrate_model, parts_of
from .kept_network import KeptNetwork
from .onnx_export import build
from .report import Card, SplitReport, exit_name, measure


def measure_split(name: str, model: MultiExitNetwork, batch: Batch, calibrated: Calibrated,
                  float_logits: Mapping | None = None, recording: Recording | None = None) -> SplitReport:
    """Float against int8 on this split, and the gate with the calibrated thresholds replayed on it. `recording`: what
    int8 says, where that is known."""
    plain = predict(model, batch) if float_logits is None else float_logits
    known = recording or said_of(model, batch, calibrated)
    return measure(name, plain, known, calibrated.replay(known))


def said_of(model: MultiExitNetwork, batch: Batch, calibrated: Calibrated) -> Recording:
    """What the int8 network, and its gain heads, say of these windows."""
    if not calibrated.heads:
        return make_recording(model, batch, predict_integer(calibrated.quantized, batch), calibrated.temperatures,
                              calibrated.costs)
    logits, codes = predict_with_codes(calibrated.quantized, batch)
    pool = batch_pool(batch, logits, {}, {k: c.macs for k, c in calibrated.costs.items()})
    temperatures = stored_temperatures(calibrated.temperatures)
    pool = dataclasses.replace(pool, doubt=doubts(calibrated.heads, pool, codes, temperatures))
    return pool.recording(calibrated.temperatures)


def measure_validation(model: MultiExitNetwork, batch: Batch, kinds: Sequence[Kind], calibrated: Calibrated,
                       float_logits: Mapping) -> list[SplitReport]:
    """A report for each kind of the windows that calibrated: of heads, by what they say of windows not seen."""
    known = calibrated.held_out or (calibrated.recording,)
    found = []
    for kind, which, recording in zip(judged(kinds), places(judged(kinds)), known, strict=True):
        fits = len(recording) == len(which)  # with a guarantee, figures may come from some of the windows
        found.append(measure_split(kind.title("validation"), model, batch.part(which), calibrated,
                                   float_part(float_logits, which), recording if fits else None))
    return found


def training_commands(task: str, checkpoint: Path, state: Mapping) -> list[list[str]]:
    """The runs that led to this checkpoint, in order."""
    runs = [*state["before"], {"out": str(checkpoint.parent), **state}]
    commands: list[list[str]] = []
    for i, run in enumerate(runs):
        command = ["python", "-m", f"mmexit_tools.{run.get('module', 'training')}", "--task", task, "--data", "DATA",
                   "--out", run["out"]]
        if i > 0:
            command += ["--start", str(Path(runs[i - 1]["out"]) / "checkpoint.pt")]
        for key, value in run["options"].items():
            command += [f"--{key.replace('_', '-')}", str(value)]
        commands.append(command)
    return commands


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}


def load_model(task: Task, data: Path, checkpoint: Path) -> tuple[MultiExitNetwork, dict]:
    """The trained network and the options it was trained with; of a model file, the weights that it holds."""
    if checkpoint.suffix == ".safetensors":
        return stored_model(task, data, checkpoint)
    state = read_checkpoint(checkpoint)
    model = MultiExitNetwork(task.network(data, state["options"].get("exits", 2)))
    try:
        model.load_state_dict(state["model"])
    except RuntimeError:
        raise ToolError(f"{checkpoint}: holds another network than the engine runs (late fusion)") from None
    return model.eval(), {"options": state["options"], "epoch": state["epoch"],
                          "module": state.get("module", "training"), "before": state.get("before", [])}


def stored_model(task: Task, data: Path, path: Path) -> tuple[MultiExitNetwork, dict]:
    """As `load_model`, from a model file: its int8 weights stand for the float ones that are no longer there."""
    stored = read_model(path)
    *before, last = stored.provenance.get("training_options") or [{}]
    model = MultiExitNetwork(task.network(data, last.get("exits", 2)))
    restore(model, stored.quantized.graph)
    work = f"../work/{path.stem}"
    runs = [{"out": f"{work}-{i}", "options": options} for i, options in enumerate(before, 1)]
    return model.eval(), {"out": work, "options": last, "epoch": stored.provenance.get("epochs_done", 0),
                          "module": "training", "before": runs}


def remarks(calibrated: Calibrated, checkpoint: Path, varied: str = "") -> str:
    """What the card's tables need to be read by. `varied`: what the varied windows are."""
    said = []
    if calibrated.cases:
        said.append("## Varied windows and other orders\n\n"
                    "Temperatures, heads and thresholds come of the benchmark's validation windows and of varied "
                    f"ones: {varied}. Below full fusion on validation windows, with the other sensors awake, or "
                    "asleep until they are asked:\n\n"
                    + "".join(f"- {c.says(calibrated.thresholds)}\n" for c in calibrated.cases))
    if calibrated.heads:
        looks = "; ".join(f"{exit_name(k)} looks at {', '.join(h.looks)}"
                          for k, h in calibrated.heads.items() if h.looks)
        said.append("## Gain heads\n\n"
                    f"Thresholds of {', '.join(map(exit_name, calibrated.heads))} are held against half of 1 + the "
                    "predicted gain of going on, not against entropy. Heads were taught on the validation windows; "
                    "thresholds were chosen on what heads say of windows that they had not seen. "
                    f"{f'{looks}. ' if looks else ''}The exits' MACs hold the heads' and the looks'.\n")
    if checkpoint.suffix == ".safetensors":
        said.append("The weights are those of the model file that was exported from the training below; "
                    "\"accuracy float\" is that of these weights, without rounding of what lies between layers.\n")
    return "\n".join(said)


def summary(report: SplitReport, total: int) -> str:
    return (f"{report.name}: fusion {report.fusion:.4f} adaptive {report.adaptive:.4f} "
            f"MACs saved {1 - report.mean_macs / total:.3f}")


def fitting(args: argparse.Namespace) -> None:
    """Raises ToolError for an option that would do nothing."""
    if args.teaching and not args.varied:
        raise ToolError("--teaching: with --varied WINDOWS only", USAGE)
    for name in ("heads", "said"):
        if getattr(args, name) and not (args.varied and args.checkpoint.suffix == ".safetensors"):
            raise ToolError(f"--{name}: with --varied WINDOWS and a model file as --checkpoint only", USAGE)


def run(args: argparse.Namespace, commands_after: Sequence[Sequence[str]] = ()) -> None:
    task = load(args.task)
    model, trained = load_model(task, args.data, args.checkpoint)
    tolerance = Tolerance(args.loss / 100, args.z)
    wish = Wish.parse(args.guarantee)
    fitting(args)
    kinds = mixture(task, args)
    if args.checkpoint.suffix == ".safetensors" and args.varied:
        stored = read_model(args.checkpoint)
        ranges = stored.provenance.get("calibration", {}).get("activation_ranges", "")
        network = KeptNetwork(stored.quantized, ranges, model, args.said, args.task)
        calibrated, reports = network.calibrate(kinds, args)
        return write(args, task, model, trained, kinds, calibrated, reports, commands_after)
    watched = Watched(chain.from_iterable(k.windows("validation", args.seed) for k in kinds))
    validation = collect(watched, model.network)
    calibrated, float_logits = calibrate_model(model, validation, tolerance, wish, watched.groups,
                                               args.gate == "gain", parts_of(kinds, args.z))
    reports = measure_validation(model, validation, kinds, calibrated, float_logits)
    del validation, float_logits
    for kind in judged(kinds):
        test = collect(kind.windows("test", args.seed + 1), model.network)
        reports.append(measure_split(kind.title("test"), model, test, calibrated))
    write(args, task, model, trained, kinds, calibrated, reports, commands_after)


def write(args: argparse.Namespace, task: Task, model: MultiExitNetwork, trained: dict, kinds: Sequence[Kind],
          calibrated: Calibrated, reports: Sequence[SplitReport], commands_after: Sequence[Sequence[str]]) -> None:
    """Model file, card and whatever else is asked for."""
    export = ["python", "-m", "mmexit_tools.export", "--task", args.task, "--data", "DATA", "--checkpoint",
              str(args.checkpoint), "--out", str(args.out), "--windows", str(args.windows), "--seed", str(args.seed),
              "--loss", f"{args.loss:g}", "--z", f"{args.z:g}", "--guarantee", args.guarantee]
    if args.gate != "entropy":
        export += ["--gate", args.gate]
    if args.varied:
        export += ["--varied", str(args.varied), "--varied-loss", f"{args.varied_loss:g}",
                   "--teaching", str(args.teaching), *(["--heads", args.heads] if args.heads else [])]
    if args.test_windows:
        export += ["--test-windows", str(args.test_windows)]
    commands = [*training_commands(args.task, args.checkpoint, trained),
                [*export, *(["--card", str(args.card)] if args.card else [])], *commands_after]
    varied = {"varied_windows": args.varied, "varied_loss_points": args.varied_loss,
              "teaching_windows": args.teaching}
    runs = [*(b["options"] for b in trained["before"]), trained["options"]]
    provenance = {"task": args.task, **task.PROVENANCE, "training_options": runs,
                  "epochs_done": trained["epoch"], "calibration": {
                      "windows": args.windows, "seed": args.seed, "loss_points": args.loss, "z": args.z,
                      **(varied if args.varied else {}),
                      "activation_ranges": calibrated.ranges,
                      "guarantee": calibrated.promise.provenance() if calibrated.promise else None},
                  "versions": versions()}
    content = model_bytes(calibrated.quantized, calibrated.settings(), provenance)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(content)
    promise = (f"at most {args.loss:g} points below full fusion on validation windows, with {args.z:g} standard "
               "errors to spare, at the fewest MACs found; no guarantee")
    if args.varied:
        promise = sentence(kinds, args.z)
    if calibrated.promise:
        promise = calibrated.promise.sentence()
    elif calibrated.note:
        promise = f"no guarantee: {calibrated.note}"
    card = Card(model.network, task.PROVENANCE, calibrated.costs, calibrated.temperatures, calibrated.thresholds,
                calibrated.order, promise, reports, commands, len(content),
                remarks(calibrated, args.checkpoint, load_varied(args.task).PROVENANCE if args.varied else ""))
    if args.card:
        args.card.write_text(card.text())
    if args.metrics:
        args.metrics.write_text(json.dumps([_plain(r) for r in reports], indent=1) + "\n")
    if args.onnx:
        args.onnx.write_bytes(build(lower(model)).SerializeToString(deterministic=True))
    if args.qdq:
        graph = build(calibrated.quantized.graph, calibrated.quantized)
        args.qdq.write_bytes(graph.SerializeToString(deterministic=True))
    total = sum(c.macs for c in calibrated.costs.values())
    say(f"{args.out}: {promise}", *(summary(r, total) for r in reports))


def _plain(report: SplitReport) -> dict:
    """JSON of a report; exits by name."""
    return {f.name: ({f"{k[0]}.{k[1]}": v for k, v in value.items()} if isinstance(value, Mapping) else value)
            for f in dataclasses.fields(report) for value in [getattr(report, f.name)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True,
                        help="of a training; or a model file, whose weights get thresholds and heads anew")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path)
    parser.add_argument("--metrics", type=Path, help="the figures as JSON")
    parser.add_argument("--onnx", type=Path, help="the float graph")
    parser.add_argument("--qdq", type=Path, help="the int8 graph")
    parser.add_argument("--windows", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--guarantee", default="auto", metavar="LOSS:CONFIDENCE",
                        help="points below full fusion and per cent, as in 1:95; `off` for none; `auto` (default): "
                             "1:95 where it can be shown, else none")
    parser.add_argument("--gate", choices=["entropy", "gain"], default="entropy",
                        help="what thresholds are held against: entropy, or the predicted gain of going on, by heads "
                             "that are taught on validation windows and stored in the model")
    parser.add_argument("--loss", type=float, default=0.5, help="without a guarantee: points below full fusion")
    parser.add_argument("--z", type=float, default=1.645, help="standard errors kept in reserve")
    parser.add_argument("--varied", type=int, default=0, metavar="WINDOWS",
                        help="so many more validation windows as varied as a daemon's, where the task has such: they "
                             "teach too, and thresholds hold on either kind in every order of the sensors")
    parser.add_argument("--varied-loss", type=float, default=0.5, help="points below full fusion on varied windows")
    parser.add_argument("--teaching", type=int, default=0, metavar="WINDOWS",
                        help="with --varied: so many windows more that teach gain heads and judge nothing")
    parser.add_argument("--heads", default="", metavar="EXITS",
                        help="with --varied and a model file: the exits that get gain heads, as in image.2,audio.1; "
                             "entropy decides at the others (default: all get heads)")
    parser.add_argument("--said", type=Path, metavar="FOLDER",
                        help="with --varied and a model file: what its network says is kept and found there")
    parser.add_argument("--test-windows", type=int, default=0, help="of the benchmark (default: as --windows)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run(args)

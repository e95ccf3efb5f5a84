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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..base.errors import USAGE, ToolError, note, say
from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Replay, Thresholds, Tolerance, calibrate, figures, record
from ..calibrate.exit_pool import Pool, Watched, batch_pool
from ..calibrate.gain_heads import billed, doubts, teach
from ..calibrate.learn_then_test import Groups
from ..calibrate.looking_path import as_left, looking_gate
from ..calibrate.promise import PLAIN_GATE, Gate, Promise, Wish, all_off, fit_temperatures
from ..calibrate.settings_path import Setting
from ..model.datasets import Batch, collect
from ..model.graphs import Cost, exit_costs, lower
from ..model.layers import Network
from ..model.networks import MultiExitNetwork
from ..quantize.head_codes import predict_with_codes
from ..quantize.modelfile import ExitSettings, model_bytes
from ..quantize.quantization import QuantizedGraph, predict_integer, quantize_best
from ..quantize.stored_head import StoredHead
from ..tasks import Task, load
from ..training.trainer import predict, read_checkpoint
from .hints import advice, all_exits_off
from .onnx_export import build
from .report import Card, SplitReport, measure


@dataclass(frozen=True)
class Calibrated:
    """Everything that validation windows decided."""

    quantized: QuantizedGraph
    ranges: str
    temperatures: dict[ExitKey, float]
    thresholds: Thresholds
    order: tuple[str, ...]
    recording: Recording
    costs: Mapping[ExitKey, Cost]
    promise: Promise | None = None
    """The guarantee that the thresholds were chosen for, where there is one."""
    gate: Gate = PLAIN_GATE
    nones: Thresholds = dataclasses.field(default_factory=dict)
    """Of a network with `none`: when one sensor may be sure of it."""
    note: str = ""
    """Where every exit is off: that, and what would change it."""
    heads: Mapping[ExitKey, StoredHead] = dataclasses.field(default_factory=dict)
    """Of the exits whose thresholds are held against the gain of going on."""

    def replay(self, recording: Recording) -> Replay:
        return self.gate.walk(recording, Setting(self.thresholds, self.order, self.nones))

    def settings(self) -> dict[ExitKey, ExitSettings]:
        """What is stored at each exit."""
        setting = Setting(self.thresholds, self.order, self.nones)
        found = exit_settings(self.quantized.graph.network, self.recording, setting, self.temperatures)
        return {k: dataclasses.replace(s, gain=self.heads.get(k)) for k, s in found.items()}


def exit_settings(network: Network, recording: Recording, setting: Setting,
                  temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, ExitSettings]:
    """What is stored at each exit: thresholds, by class where there is a class that means nothing, and figures of
    these windows, rounded to what they can tell."""
    limits, none = setting.thresholds, network.none
    if none is not None:
        recording, limits = as_left(recording, limits, setting.nones, network.classes.index(none))
    result = {}
    for key, (accuracy, hazard) in figures(recording, limits).items():
        limit, by_class = setting.thresholds.get(key), {}
        if none is not None and key != FUSION:
            apart = {c: setting.nones.get(key) if c == none else limit for c in network.classes}
            limit, by_class = None, {c: t for c, t in apart.items() if t is not None}
        result[key] = ExitSettings(
            temperature=float(np.float32(temperatures[key])), threshold=limit, class_thresholds=by_class,
            accuracy=None if accuracy is None else round(accuracy, 4),
            hazard=None if key == FUSION else round(hazard, 4),
        )
    return result


def calibrate_model(model: MultiExitNetwork, validation: Batch, tolerance: Tolerance, wish: Wish | None = None,
                    groups: Groups | None = None, gain: bool = False) -> tuple[Calibrated, dict]:
    """Quantizes and calibrates on the validation windows; also their float logits.

    With a `wish`, the windows that test the promise have no say in anything else, the ranges of int8 included.
    `gain`: thresholds on the predicted gain of going on, where those save more on these windows than entropy's.
    """
    float_logits = predict(model.eval(), validation)
    found = _calibrate(model, validation, tolerance, wish, groups or {}, float_logits, gain=False)
    if not gain:
        return found, float_logits
    if model.network.none is not None:
        raise ToolError("--gate gain: not for networks with a class that means nothing", USAGE)
    other = _calibrate(model, validation, tolerance, wish, groups or {}, float_logits, gain=True)
    cheaper = other.replay(other.recording).mean_macs < found.replay(found.recording).mean_macs
    if not cheaper or (found.promise and not other.promise):
        note("--gate gain: the gain heads save no more than entropy on validation windows; entropy is kept")
        return found, float_logits
    return other, float_logits


def _calibrate(model: MultiExitNetwork, validation: Batch, tolerance: Tolerance, wish: Wish | None, groups: Groups,
               float_logits: dict, gain: bool) -> Calibrated:
    graph = lower(model)
    costs = exit_costs(graph)
    parts = wish.parts(groups, len(validation)) if wish else None
    if wish and parts:
        known = float_part(float_logits, parts[0])
        quantized, ranges = quantize_best(graph, validation.part(parts[0]), known)
    else:
        quantized, ranges = quantize_best(graph, validation, float_logits)
    pool, heads = _pool(quantized, validation, groups, costs, gain, parts[0] if parts else None)
    gate = gate_of(model.network)
    promise = wish.grant(pool, parts, gate) if wish and parts else None
    if promise:
        found = Calibrated(quantized, ranges, promise.temperatures, promise.setting.thresholds,
                           promise.setting.order, promise.figures_from, costs, promise, gate, promise.setting.nones)
        return _with_heads(found, heads)
    if parts:
        # Without a promise nothing needs to be kept apart: ranges and heads from all windows.
        quantized, ranges = quantize_best(graph, validation, float_logits)
        pool, heads = _pool(quantized, validation, groups, costs, gain, None)
    temperatures = fit_temperatures(pool)
    recording = pool.recording(temperatures)
    setting = chosen(model.network, recording, pool, tolerance)
    said = advice(recording, pool, gate, tolerance) if all_exits_off(setting) else ""
    found = Calibrated(quantized, ranges, temperatures, setting.thresholds, setting.order, recording, costs, None,
                       gate, setting.nones, said)
    return _with_heads(found, heads)


def _pool(quantized: QuantizedGraph, batch: Batch, groups: Groups, costs: Mapping[ExitKey, Cost], gain: bool,
          choosing: np.ndarray | None) -> tuple[Pool, dict[ExitKey, StoredHead]]:
    """What the int8 network says of these windows; with `gain` also heads, taught on the windows that choose (None:
    on all), and what they say."""
    macs = {k: c.macs for k, c in costs.items()}
    if not gain:
        return batch_pool(batch, predict_integer(quantized, batch), groups, macs), {}
    logits, codes = predict_with_codes(quantized, batch)
    pool = batch_pool(batch, logits, groups, macs)
    which = np.arange(len(pool)) if choosing is None else choosing
    temperatures = stored_temperatures(fit_temperatures(pool.part(which)))
    taught = teach(pool.part(which), codes.part(which), temperatures)
    heads = {k: t.head for k, t in taught.items()}
    said = doubts(heads, pool, codes, temperatures)
    for key, t in taught.items():
        said[key][which] = t.doubt
    dear = {k: c.macs for k, c in billed(costs, heads, quantized.graph.network).items()}
    return dataclasses.replace(pool, doubt=said, macs=dear), heads


def stored_temperatures(temperatures: Mapping[ExitKey, float]) -> dict[ExitKey, float]:
    """As the model file has them."""
    return {k: float(np.float32(t)) for k, t in temperatures.items()}


def _with_heads(found: Calibrated, heads: Mapping[ExitKey, StoredHead]) -> Calibrated:
    """With the heads of the exits that are on, and what everything costs then."""
    kept = {k: h for k, h in heads.items() if found.thresholds.get(k) is not None}
    costs = billed(found.costs, kept, found.quantized.graph.network)
    recording = dataclasses.replace(found.recording, macs={k: c.macs for k, c in costs.items()})
    return dataclasses.replace(found, heads=kept, costs=costs, recording=recording)


def gate_of(network: Network) -> Gate:
    return PLAIN_GATE if network.none is None else looking_gate(network.classes.index(network.none))


def chosen(network: Network, recording: Recording, pool: Pool, tolerance: Tolerance) -> Setting:
    """Without a guarantee: the cheapest setting found that the tolerance allows; all exits off if there is none."""
    if network.none is None:
        return Setting(*calibrate(recording, tolerance))
    gate, reference = gate_of(network), recording.correct(FUSION)
    good = [s for s in gate.path(recording, pool) if tolerance.allows(gate.walk(recording, s), reference)]
    return good[-1] if good else all_off(gate, recording)


def float_part(logits: Mapping[ExitKey, np.ndarray], which: np.ndarray) -> dict[ExitKey, np.ndarray]:
    return {k: v[which] for k, v in logits.items()}


def make_recording(model: MultiExitNetwork, batch: Batch, logits: Mapping, temperatures: Mapping[ExitKey, float],
                   costs: Mapping[ExitKey, Cost]) -> Recording:
    names = [m.name for m in model.network.modalities]
    macs = {k: c.macs for k, c in costs.items()}
    return record(names, logits, batch.labels, batch.present, macs, temperatures)


def measure_split(name: str, model: MultiExitNetwork, batch: Batch, calibrated: Calibrated,
                  float_logits: Mapping | None = None) -> SplitReport:
    """Float against int8 on this split, and the gate with the calibrated thresholds replayed on it."""
    plain = predict(model, batch) if float_logits is None else float_logits
    if not calibrated.heads:
        recording = make_recording(model, batch, predict_integer(calibrated.quantized, batch),
                                   calibrated.temperatures, calibrated.costs)
    else:
        logits, codes = predict_with_codes(calibrated.quantized, batch)
        pool = batch_pool(batch, logits, {}, {k: c.macs for k, c in calibrated.costs.items()})
        temperatures = stored_temperatures(calibrated.temperatures)
        pool = dataclasses.replace(pool, doubt=doubts(calibrated.heads, pool, codes, temperatures))
        recording = pool.recording(calibrated.temperatures)
    return measure(name, plain, recording, calibrated.replay(recording))


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
    """The trained network and the options it was trained with."""
    state = read_checkpoint(checkpoint)
    model = MultiExitNetwork(task.network(data, state["options"].get("exits", 2)))
    try:
        model.load_state_dict(state["model"])
    except RuntimeError:
        raise ToolError(f"{checkpoint}: holds another network than the engine runs (late fusion)") from None
    return model.eval(), {"options": state["options"], "epoch": state["epoch"],
                          "module": state.get("module", "training"), "before": state.get("before", [])}


def summary(report: SplitReport, total: int) -> str:
    return (f"{report.name}: fusion {report.fusion:.4f} adaptive {report.adaptive:.4f} "
            f"MACs saved {1 - report.mean_macs / total:.3f}")


def run(args: argparse.Namespace, commands_after: Sequence[Sequence[str]] = ()) -> None:
    task = load(args.task)
    model, trained = load_model(task, args.data, args.checkpoint)
    tolerance = Tolerance(args.loss / 100, args.z)
    wish = Wish.parse(args.guarantee)
    watched = Watched(task.windows(args.data, "validation", args.windows, args.seed))
    validation = collect(watched, model.network)
    calibrated, float_logits = calibrate_model(model, validation, tolerance, wish, watched.groups,
                                               args.gate == "gain")
    reports = [measure_split("validation", model, validation, calibrated, float_logits)]
    del validation, float_logits
    test = collect(task.windows(args.data, "test", args.windows, args.seed + 1), model.network)
    reports.append(measure_split("test", model, test, calibrated))

    export = ["python", "-m", "mmexit_tools.export", "--task", args.task, "--data", "DATA", "--checkpoint",
              str(args.checkpoint), "--out", str(args.out), "--windows", str(args.windows), "--seed", str(args.seed),
              "--loss", f"{args.loss:g}", "--z", f"{args.z:g}", "--guarantee", args.guarantee]
    if args.gate != "entropy":
        export += ["--gate", args.gate]
    commands = [*training_commands(args.task, args.checkpoint, trained),
                [*export, *(["--card", str(args.card)] if args.card else [])], *commands_after]
    runs = [*(b["options"] for b in trained["before"]), trained["options"]]
    provenance = {"task": args.task, **task.PROVENANCE, "training_options": runs,
                  "epochs_done": trained["epoch"], "calibration": {
                      "windows": args.windows, "seed": args.seed, "loss_points": args.loss, "z": args.z,
                      "activation_ranges": calibrated.ranges,
                      "guarantee": calibrated.promise.provenance() if calibrated.promise else None},
                  "versions": versions()}
    content = model_bytes(calibrated.quantized, calibrated.settings(), provenance)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(content)
    promise = (f"at most {args.loss:g} points below full fusion on validation windows, with {args.z:g} standard "
               "errors to spare, at the fewest MACs found; no guarantee")
    if calibrated.promise:
        promise = calibrated.promise.sentence()
    elif calibrated.note:
        promise = f"no guarantee: {calibrated.note}"
    card = Card(model.network, task.PROVENANCE, calibrated.costs, calibrated.temperatures, calibrated.thresholds,
                calibrated.order, promise, reports, commands, len(content))
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
    parser.add_argument("--checkpoint", type=Path, required=True)
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
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run(args)

"""Temperatures, thresholds and card of a robot-command model anew, from the model file: its weights stay as they are.

    python -m mmexit_tools.export.robot_recalibration --data DIR --model ../config/models/robot-command.safetensors \\
        --work ../work/robot-pieces --out NEW.safetensors --card NEW.md

Windows are drawn and answered in pieces that --work keeps; a run that was cut off goes on. `--keep`: the file's own
temperatures and thresholds, measured; nothing is chosen.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import torch

from ..base.errors import exit_with
from ..base.exits import FUSION
from ..calibrate.calibration import Recording, Tolerance
from ..calibrate.ordering import ExitFigures, exact_order
from ..calibrate.promise import fit_temperatures
from ..calibrate.robot_thresholds import MISSED, choose_walk
from ..model.graphs import exit_costs
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import StoredModel, read_model
from ..sources.robot_data import NONE
from ..tasks import robot_command as task
from ..training.restoring import restore
from .calibrated import Calibrated
from .exporter import versions
from .robot_export import EMPTY, Nothing, finish, measured_of, sections
from .robot_pieces import Said, said


def stored_order(model: StoredModel, recording: Recording) -> tuple[str, ...]:
    """The order that the gate takes by the figures in the file, a right answer worth the whole network's MACs."""
    figures = [[ExitFigures(e.accuracy or 0.0, recording.macs[k], e.hazard or 0.0)
                for k, e in model.exits.items() if k[0] == m] for m in recording.modalities]
    return tuple(recording.modalities[i] for i in exact_order(figures, recording.total_macs))


def kept(model: StoredModel, pool: Said) -> tuple[Calibrated, Nothing]:
    """The file's own settings."""
    temperatures = model.temperatures
    recording = pool.pool.recording(temperatures)
    exits = {k: e.class_thresholds for k, e in model.exits.items() if k != FUSION}
    spoken = {k: next((t for c, t in e.items() if c != NONE), None) for k, e in exits.items()}
    return (Calibrated(model.quantized, _ranges(model), temperatures, spoken, stored_order(model, recording),
                       recording, exit_costs(model.quantized.graph)),
            Nothing({k: e.get(NONE) for k, e in exits.items()}, None,
                    {k: e.override_threshold for k, e in model.exits.items() if e.override_threshold is not None},
                    {k: e.threshold_beside_none for k, e in model.exits.items()
                     if e.threshold_beside_none is not None}))


def chosen_anew(model: StoredModel, pool: Said, tolerance: Tolerance, beside: bool,
                missed: float) -> tuple[Calibrated, Nothing]:
    temperatures = fit_temperatures(pool.pool)
    recording = pool.pool.recording(temperatures)
    walk = choose_walk(recording, pool.pool.seen, EMPTY, tolerance, beside=beside, missed=missed)
    return (Calibrated(model.quantized, _ranges(model), temperatures, walk.commands, walk.order, recording,
                       exit_costs(model.quantized.graph)),
            Nothing(walk.nones, walk.missed, walk.overrides, walk.beside_none))


def _ranges(model: StoredModel) -> str:
    return model.provenance["calibration"]["activation_ranges"]


def run(args: argparse.Namespace) -> None:
    stored = read_model(args.model)
    plain = MultiExitNetwork(task.network())
    restore(plain, stored.quantized.graph)
    plain.eval()

    def windows(split: str, seed: int, mix: str = "standard") -> Said:
        return said(stored, plain, args.data, split, args.windows, seed, args.work, mix)

    validation, test, idle = (windows("validation", args.seed), windows("test", args.seed + 1),
                              windows("test", args.seed + 2, "deployment"))
    if args.keep:
        # The card tells what they were chosen for.
        args.loss, args.z = (stored.provenance["calibration"][k] for k in ("loss_points", "z"))
        calibrated, nothing = kept(stored, validation)
    else:
        calibrated, nothing = chosen_anew(stored, validation, Tolerance(args.loss / 100, args.z), args.beside_none,
                                          args.missed)
    results = [measured_of(name, calibrated, nothing, s.pool.recording(calibrated.temperatures), s.plain)
               for name, s in (("validation", validation), ("test", test), ("deployment", idle))]
    extra = sections(args.data, stored.provenance.get("started_from"), calibrated, nothing, (test.pool, results[1]),
                     (idle.pool, results[2]), {m: v.argmax(1) for m, v in test.alone.items()})
    command = ["python", "-m", "mmexit_tools.export.robot_recalibration", "--data", "DATA", "--model",
               str(args.model), "--work", "../work/robot-pieces", "--out", str(args.out), "--card", str(args.card),
               "--windows", str(args.windows), "--seed", str(args.seed)]
    command += ["--keep"] if args.keep else ["--loss", f"{args.loss:g}", "--z", f"{args.z:g}"]
    command += ["--missed", f"{args.missed:g}"] if not args.keep and args.missed != MISSED[0] else []
    command += ["--beside-none"] if args.beside_none else []
    command += ["--note", args.note] if args.note else []
    made_by = [*(shlex.split(c) for c in stored.provenance["commands"]), command]
    calibration = {**stored.provenance["calibration"], "windows": args.windows, "seed": args.seed,
                   "loss_points": args.loss, "z": args.z}
    provenance = {**stored.provenance, "calibration": calibration, "versions": versions(),
                  "commands": [shlex.join(c) for c in made_by]}
    note = "; the float figures are of the stored weights"
    if args.keep:
        windows_before = stored.provenance["calibration"]["windows"]
        note = f"; chosen on {windows_before:,} windows before, measured here as they are{note}"
        provenance = stored.provenance
    note += f". {args.note}" if args.note else ""
    finish(args, plain.network, calibrated, nothing, provenance, results[:2], extra, made_by, note,
           stored.exits if args.keep else None, "robot_recalibration")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where pieces are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=8000, help="windows of each split, and of the deployment mix")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--loss", type=float, default=0.5, help="points of accuracy below full fusion")
    parser.add_argument("--z", type=float, default=2.5, help="standard errors kept in reserve")
    parser.add_argument("--missed", type=float, default=MISSED[0],
                        help="share of its own commands that a sensor may take for nothing, at most")
    parser.add_argument("--keep", action="store_true", help="measure the file's own thresholds, choose none")
    parser.add_argument("--beside-none", action="store_true",
                        help="let commands stand beside another sensor's sure none")
    parser.add_argument("--note", default="", help="sentence for the card, after that about the thresholds")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if not 0 <= args.missed < 1:
        parser.error(f"--missed {args.missed:g}: a share, at least 0 and below 1")
    if args.keep and (args.beside_none or args.missed != MISSED[0]):
        parser.error("--keep measures the file's own thresholds; leave out --beside-none and --missed, or --keep to "
                     "choose anew")
    torch.set_num_threads(args.threads)
    run(args)


if __name__ == "__main__":
    exit_with(main)

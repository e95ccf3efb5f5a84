"""Temperatures and thresholds of a model, an imported one above all, on labelled windows of one's own.

    python -m mmexit_tools.onnx_import.calibrating MODEL.safetensors --manifest WINDOWS.csv --out NEW.safetensors

WINDOWS.csv is a manifest as `mmexitctl evaluate` reads it (`label,<modality>,...`). Weights stay as they are. What
stands before the first `_` of a file's name is its group (a person, a day), by which a guarantee counts its evidence.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..base.errors import USAGE, ToolError, exit_with, say
from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Tolerance
from ..calibrate.exit_pool import Pool, group_names, make_pool
from ..calibrate.promise import Promise, Wish, fit_temperatures
from ..calibrate.settings_path import Setting
from ..export.calibrated import chosen, exit_settings, gate_of
from ..manifests.windowfiles import read_manifest
from ..model.graphs import exit_costs
from ..model.layers import Network
from ..quantize.modelfile import ExitSettings, StoredModel, model_bytes, read_model
from ..sources.folder_splits import group_of


@dataclass(frozen=True)
class Calibrated:
    """`recording`: what the exits said about the windows, by these temperatures."""

    network: Network
    temperatures: dict[ExitKey, float]
    setting: Setting
    recording: Recording
    promise: Promise | None

    def settings(self) -> dict[ExitKey, ExitSettings]:
        source = self.promise.figures_from if self.promise else self.recording
        return exit_settings(self.network, source, self.setting, self.temperatures)


def calibrated(network: Network, pool: Pool, wish: Wish | None, tolerance: Tolerance) -> Calibrated:
    """With the guarantee that is wished for; without one, by the mean loss on these windows."""
    parts = wish.parts(pool.groups, len(pool)) if wish else None
    promise = wish.grant(pool, parts, gate_of(network)) if wish and parts else None
    if promise is not None:
        recording = pool.recording(promise.temperatures)
        return Calibrated(network, promise.temperatures, promise.setting, recording, promise)
    temperatures = fit_temperatures(pool)
    recording = pool.recording(temperatures)
    return Calibrated(network, temperatures, chosen(network, recording, pool, tolerance), recording, None)


def read_pool(model: StoredModel, manifest: Path) -> Pool:
    """What the exits say about the manifest's windows. Raises ToolError for one that cannot be read."""
    macs = {key: cost.macs for key, cost in exit_costs(model.quantized.graph).items()}
    pool = make_pool(model.quantized, read_manifest(manifest, model.network), macs)
    with manifest.open(newline="") as lines:
        names = [next((Path(c).stem for c in row[1:] if c), "") for row in list(csv.reader(lines))[1:]]
    groups = group_names([{"name": group_of(n)} for n in names])
    return replace(pool, groups=groups if any(groups["name"]) else {})


def summary(model: StoredModel, found: Calibrated) -> list[str]:
    recording, setting = found.recording, found.setting
    outcome = gate_of(model.network).walk(recording, setting)
    lines = []
    for (modality, number), share in outcome.shares().items():
        limit = setting.thresholds.get((modality, number))
        if (modality, number) != FUSION:
            said = "off" if limit is None else f"at most {limit:g}"
            empty = setting.nones.get((modality, number))
            said += "" if empty is None else f" (`none`: at most {empty:g})"
            lines.append(f"{modality} exit {number}: {said}, {share:.1%} leave there")
    full = float(recording.correct(FUSION).mean())
    lines.append(f"{len(recording)} windows: {outcome.accuracy:.2%} right (full fusion {full:.2%}) at "
                 f"{outcome.mean_macs / recording.total_macs:.1%} of the MACs, asked in the order "
                 f"{', '.join(setting.order)}")
    lines.append(found.promise.sentence() if found.promise else "no guarantee: measured on the windows that chose")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, metavar="MODEL.safetensors")
    parser.add_argument("--manifest", type=Path, required=True, metavar="WINDOWS.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="CALIBRATED.safetensors")
    parser.add_argument("--guarantee", default="auto", metavar="LOSS:CONFIDENCE",
                        help="points below full fusion and per cent, as in 1:95; `off` for none; `auto` (default): "
                             "1:95 where it can be shown, else none")
    parser.add_argument("--loss", type=float, default=0.5, help="without a guarantee: points below full fusion (0.5)")
    parser.add_argument("--z", type=float, default=1.645, help="without a guarantee: standard errors kept in reserve")
    args = parser.parse_args()
    if not 0 <= args.loss <= 100 or args.z < 0:
        raise ToolError("--loss must be 0 to 100 points and --z at least 0", USAGE)
    wish = Wish.parse(args.guarantee)
    torch.set_num_threads(1)
    model = read_model(args.model)
    found = calibrated(model.network, read_pool(model, args.manifest), wish, Tolerance(args.loss / 100, args.z))
    provenance = {**model.provenance, "calibration": {
        "windows": len(found.recording), "manifest": args.manifest.name,
        "guarantee": found.promise.provenance() if found.promise else None}}
    args.out.write_bytes(model_bytes(model.quantized, found.settings(), provenance))
    say(*summary(model, found))


if __name__ == "__main__":
    exit_with(main)

"""The console command `mmexit-tools`: one name for every command of this package."""

from __future__ import annotations

import importlib
import sys

from .base.errors import USAGE, ToolError, exit_with

COMMANDS = {
    "training": ("training.trainer", "train a network with an exit behind every segment"),
    "export": ("export.exporter", "make the daemon's model of a checkpoint, and its card"),
    "manifests": ("manifests.writing", "labelled windows as files, for mmexitctl evaluate"),
    "comparison": ("comparison.runs", "train and measure the method against its baselines"),
    "guarantee": ("guarantee.trials", "measure what the guarantee of calibration is worth"),
    "budgets": ("budgets.runs", "accuracy at budgets of MACs, beside random and fixed gates"),
    "onnx-import": ("onnx_import.importing", "make a model of a quantized ONNX net"),
    "onnx-calibrate": ("onnx_import.calibrating", "temperatures and thresholds of a model on windows of yours"),
    "onnx-export": ("export.onnx_export", "write a model's graph as ONNX"),
    "compare": ("export.compare", "hold the engine's answers against ONNX Runtime's"),
    "peers": ("peers.timing", "time the engine against other runtimes"),
    "peers-nets": ("peers.nets", "MLPerf Tiny's nets as graphs, for peers"),
    "rounding": ("export.rounding", "show where int8 and float part"),
    "separation": ("training.separation", "fine-tune windows off the ties between classes"),
    "windows-view": ("export.windows_view", "draw the gate's walk over three windows"),
    "recording": ("manifests.recording", "make the recording that ships with the project"),
    "streams": ("streams.making", "recordings with commands in a stream, and the truth about them"),
    "stream-listening": ("export.stream_listening", "what robot-command hears in streams by sound alone"),
    "pca": ("sources.pca", "make avmnist's basis of pictures"),
    "synthetic-speakers": ("synthetic.speaking", "have speakers that do not exist speak, to train robot-command"),
    "robot-train": ("training.robot_train", "train robot-command"),
    "robot-mining": ("training.robot_mining", "windows of nothing that a robot-command model takes for a command"),
    "robot-export": ("export.robot_export", "make robot-command's model and card"),
    "robot-recalibration": ("export.robot_recalibration", "robot-command's thresholds and card anew, from its file"),
    "robot-manifest": ("manifests.robot_manifest", "robot-command windows in a chosen mix, as files"),
}
"""By name: the module whose `main` it is, and what it is for."""


def usage() -> str:
    lines = [f"  {name:<21}{purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(["usage: mmexit-tools COMMAND ...", "", *lines, "",
                      "`mmexit-tools COMMAND --help` lists a command's options."])


def run() -> None:
    """Runs the command that the first argument names. Raises ToolError for an unknown one."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(usage())
        return
    if name not in COMMANDS:
        raise ToolError(f"mmexit-tools {name}: no such command; choose one of {', '.join(COMMANDS)}", USAGE)
    module = importlib.import_module(f".{COMMANDS[name][0]}", __package__)
    sys.argv = [f"mmexit-tools {name}", *sys.argv[2:]]
    (module.main if hasattr(module, "main") else module._main)()


def main() -> None:
    exit_with(run)

"""The engine's answers against ONNX Runtime's on the same files, exit by exit.

    python -m mmexit_tools.export.compare --model M.safetensors --onnx M.onnx --manifest OUT/manifest.csv \\
        --engine ../.build/release/mmexitctl

Features for ONNX Runtime are computed here from the manifest's files; the engine computes its own
(`mmexitctl evaluate --audit --json`, or an earlier run's output by --answers). Ends with status 1 when an exit agrees
on fewer than --minimum per cent of the windows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..base.errors import NO_INPUT, SOFTWARE, USAGE, ToolError, exit_with, text_out
from ..base.exits import ExitKey
from ..manifests.windowfiles import read_manifest
from ..model.datasets import Batch, featurize
from ..model.graphs import Graph
from ..quantize.modelfile import read_model
from .report import exit_name, share_text, table

NOBODY = -1
"""Stands for the answer of an exit that was not asked."""


def onnx_answers(session: onnxruntime.InferenceSession, graph: Graph, batch: Batch) -> dict[ExitKey, NDArray]:
    """Class index of every exit for every window; NOBODY where the modality is missing."""
    inputs, _ = batch.tensors()
    names = [m.name for m in graph.modalities]
    feed = {m: inputs[m].numpy() for m in names}
    feed["present"] = np.stack([batch.present[m] for m in names], 1).astype(np.float32)
    rows = graph.exit_outputs()
    found = session.run([name for _, _, name in rows], feed)
    result = {}
    for (modality, number, _), logits in zip(rows, found, strict=True):
        answer = logits.argmax(axis=1)
        if modality != "fusion":
            answer = np.where(batch.present[modality], answer, NOBODY)
        result[(modality, number)] = answer
    return result


def engine_output(args: argparse.Namespace) -> dict:
    """The JSON that `mmexitctl evaluate --audit --json` prints."""
    if args.answers:
        text = args.answers.read_text()
    else:
        command = [str(args.engine), "evaluate", "--model", str(args.model), "--manifest", str(args.manifest),
                   "--audit", "--json"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise ToolError(f"{args.engine}: status {run.returncode}: {run.stderr.strip()}", SOFTWARE)
        text = run.stdout
    try:
        found = json.loads(text)
        if not isinstance(found["windows"], list):
            raise TypeError("windows is not a list")
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"the engine's output is not the JSON of an audit ({error})") from error
    return found


def engine_answers(windows: list[dict], keys: list[ExitKey], classes: tuple[str, ...]) -> dict[ExitKey, NDArray]:
    """Class index of every exit for every window, NOBODY where the engine has none."""
    index = {c: i for i, c in enumerate(classes)}
    result = {k: np.full(len(windows), NOBODY) for k in keys}
    for i, window in enumerate(windows):
        for said in window.get("exits", []):
            result[(said["modality"], int(said["exit"]))][i] = index[said["answer"]]
        if window.get("fusion"):
            result[("fusion", 0)][i] = index[window["fusion"]["answer"]]
    return result


@dataclass(frozen=True)
class Agreement:
    key: ExitKey
    windows: int
    same: float
    engine: float
    onnx: float


def compare(engine: dict[ExitKey, NDArray], onnx: dict[ExitKey, NDArray], labels: NDArray) -> list[Agreement]:
    """Per exit, over the windows where both have an answer."""
    rows = []
    for key, theirs in onnx.items():
        both = (theirs != NOBODY) & (engine[key] != NOBODY)
        n = int(both.sum())
        if n == 0:
            rows.append(Agreement(key, 0, float("nan"), float("nan"), float("nan")))
            continue
        a, b, y = engine[key][both], theirs[both], labels[both]
        rows.append(Agreement(key, n, float((a == b).mean()), float((a == y).mean()), float((b == y).mean())))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--engine", type=Path, help="path of mmexitctl")
    parser.add_argument("--answers", type=Path, help="its output, instead of running it")
    parser.add_argument("--minimum", type=float, default=99.0)
    args = parser.parse_args()
    if bool(args.engine) == bool(args.answers):
        raise ToolError("give either --engine or --answers", USAGE)
    if not args.onnx.exists():
        raise ToolError(f"{args.onnx}: no such file; mmexit_tools.export --onnx writes it", NO_INPUT)
    stored = read_model(args.model)
    graph, network = stored.quantized.graph, stored.network
    session = onnxruntime.InferenceSession(str(args.onnx), providers=["CPUExecutionProvider"])
    theirs: dict[ExitKey, list[NDArray]] = {}
    labels: list[NDArray] = []
    windows = read_manifest(args.manifest, network)
    while chunk := list(islice(windows, 64)):
        batch = featurize(chunk, network)
        labels.append(batch.labels)
        for key, answer in onnx_answers(session, graph, batch).items():
            theirs.setdefault(key, []).append(answer)
    truth = np.concatenate(labels)
    said = engine_output(args)["windows"]
    if len(said) != len(truth):
        raise ToolError(f"the engine answered {len(said)} windows, the manifest has {len(truth)}")
    ours = engine_answers(said, list(theirs), network.classes)
    rows = compare(ours, {k: np.concatenate(v) for k, v in theirs.items()}, truth)
    text_out(table(["exit", "windows", "same class", "accuracy engine", "accuracy ONNX Runtime"], [
        [exit_name(r.key), str(r.windows), share_text(r.same), share_text(r.engine), share_text(r.onnx)] for r in rows
    ]))
    if any(r.same < args.minimum / 100 for r in rows):
        sys.exit(1)


if __name__ == "__main__":
    exit_with(main)

"""A quantized ONNX net (QuantizeLinear/DequantizeLinear pairs) as a model file of ours.

    python -m mmexit_tools.onnx_import NET.onnx --out MODEL.safetensors \\
        --input image=image,mean=0.5,std=0.25 --input audio=mel,sample_rate=16000 --classes yes,no --check

docs/onnx.md says what can be imported, and how outputs become exits.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from ..base.errors import USAGE, ToolError, note, say
from ..onnx_graph.graph import read_onnx
from .check import EXACT, compare, drawn
from .features import features
from .model import ImportedModel, import_onnx, summary

ALLOWED = 1.0
"""Largest distance that `--check` lets pass, in steps of the output's rounding."""
TOLERANCE = 1e-4


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", type=Path, metavar="NET.onnx")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL.safetensors")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=KIND[,KEY=VALUE...]",
                        help="image, spectrogram, mel or vector, with the numbers it was trained with")
    parser.add_argument("--classes", default="", help="names, separated by commas")
    parser.add_argument("--none", help="the class that means nothing is there")
    parser.add_argument("--outputs", default="", help="outputs of the graph that become exits, separated by commas")
    parser.add_argument("--threshold", type=float, metavar="H", help="normalized entropy, 0 to 1, at or below which "
                        "the graph's exits answer; without it they do not")
    parser.add_argument("--rounded", action="store_true", help="keep the rounding that the graph gives its outputs")
    parser.add_argument("--check", action="store_true", help="compare the model with the graph on drawn inputs")
    parser.add_argument("--windows", type=int, default=20, help="drawn inputs (20)")
    parser.add_argument("--bench", type=Path, metavar="PROGRAM", help="mmexit-bench, to run the model in the engine; "
                        "without it --check simulates the engine")
    return parser.parse_args()


def main() -> None:
    args = parse()
    source = read_onnx(args.net)
    kinds, guesses = features(source.inputs, args.input, source.channels_last)
    try:
        model = import_onnx(source, kinds, outputs=_names(args.outputs), classes=_names(args.classes), none=args.none,
                            rounded=args.rounded)
    except ToolError as error:
        raise ToolError(f"{args.net}: {error}", error.code) from None
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise ToolError(f"--threshold {args.threshold:g}: expected 0 to 1", USAGE)
    try:
        content = model.file(args.threshold)
    except ToolError as error:
        raise ToolError(f"{args.net}: {error}", error.code) from None
    args.out.write_bytes(content)
    for text in [*guesses, *model.notes]:
        note(text)
    say(*summary(model))
    if args.check:
        check(args, model)


def check(args: argparse.Namespace, model: ImportedModel) -> None:
    """Prints how far the model is from its graph; raises ToolError where that is more than a step."""
    with_runtime = importlib.util.find_spec("onnxruntime") is not None
    if not with_runtime:
        note("onnxruntime is not installed; compared with the exact evaluation only")
    notes: list[str] = []
    rows = compare(model, args.net, args.out, drawn(model, args.windows), args.bench, with_runtime, notes)
    for text in notes:
        note(text)
    for row in rows:
        say(row)
        if row.against != EXACT and row.largest > ALLOWED + TOLERANCE:
            note(f"{row.against} is more than a step away; it may compute layers in float that touch int8 inputs or "
                 "outputs, whose sums then round elsewhere")
    worst = max(row.largest for row in rows if row.against == EXACT)
    if worst > ALLOWED + TOLERANCE:
        raise ToolError(f"{args.out}: {worst:.3g} steps from its graph; at most {ALLOWED:g} is expected")


def _names(text: str) -> list[str]:
    return [n.strip() for n in text.split(",") if n.strip()]

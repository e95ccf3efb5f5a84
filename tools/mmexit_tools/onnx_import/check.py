"""Does an imported model say what its graph says? Compared on drawn inputs, or on given ones:

- with the exact evaluation of the graph (`onnx_import_exact`),
- with ONNX Runtime in the arithmetic that does not saturate (`session.x64quantprecision`), where it is installed.

The model runs in `mmexit-bench infer`, or in the tools' own simulation of the engine where there is no such program.
Distances are in steps of the output's rounding; where the graph does not round an output, in 1/256 of its spread.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.errors import DATA, UNAVAILABLE, ToolError
from ..onnx_graph.exact import Real, evaluate
from ..onnx_graph.graph import along
from ..quantize.quantization import run_integer
from .imported import Head
from .model import ImportedModel

EXACT = "the exact evaluation"
Feed = Mapping[str, NDArray]
"""One window: every input as ONNX takes it, batch first."""


@dataclass
class Agreement:
    """Over all values of one output on all windows; distances in steps."""

    output: str
    against: str
    distances: list[NDArray] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)

    def note(self, ours: NDArray, theirs: NDArray, step: float) -> None:
        self.distances.append(np.abs(ours - theirs) / step)
        self.answers.append(int(np.argmax(ours)) == int(np.argmax(theirs)))

    @property
    def largest(self) -> float:
        return float(np.max(self.distances))

    def __str__(self) -> str:
        d = np.concatenate(self.distances)
        return (f"{self.output} against {self.against}: {(d < 1e-3).mean():.2%} of {d.size} values equal, "
                f"largest distance {self.largest:.3g} steps, {np.mean(self.answers):.2%} of {len(self.answers)} "
                "answers equal")


def drawn(model: ImportedModel, count: int, seed: int = 0) -> list[Feed]:
    """Windows of noise around a level, which together cover the whole range of every input."""
    rng = np.random.default_rng(seed)
    feeds = []
    for _ in range(count):
        feed = {}
        for name, kind, extents in model.source.inputs:
            affine = model.quantized.activations[name]
            codes = np.clip(rng.uniform(-160, 160, extents) * 0.5 + rng.uniform(-160, 160) * 0.5, -128, 127)
            if kind == "float32":
                gain, offset = _change(model, name, extents)
                feed[name] = (((codes - affine.zero_point) * affine.scale - offset) / gain).astype(np.float32)
            else:
                feed[name] = np.rint(codes + (128 if kind == "uint8" else 0)).astype(kind)
        feeds.append(feed)
    return feeds


def engine_input(model: ImportedModel, name: str, array: NDArray) -> NDArray:
    """A window's input in the engine's layout: float32 features, or int8 codes."""
    shape = model.quantized.graph.shapes[name]
    if name in model.changes:
        gain, offset = _change(model, name, array.shape)
        array = (array * gain + offset).astype(np.float32)
    if array.dtype == np.uint8:
        array = (array.astype(np.int16) - 128).astype(np.int8)
    if len(shape) == 3 and name in model.source.channels_last:
        return np.ascontiguousarray(array.reshape(shape))
    if len(shape) == 3 and array.ndim == 3:  # [1, bands, frames]
        return np.ascontiguousarray(array[0].T[..., None])
    if len(shape) == 3:
        return np.ascontiguousarray(array.reshape(shape[2], shape[0], shape[1]).transpose(1, 2, 0))
    return array.reshape(shape)


def _change(model: ImportedModel, name: str, extents: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """What the features do in the graph's place, shaped to go with the graph's input."""
    if name not in model.changes:
        return np.ones(()), np.zeros(())
    gain, offset = model.changes[name]
    axis = len(extents) - 1 if name in model.source.channels_last else 1
    return along(gain, len(extents), axis), along(offset, len(extents), axis)


def simulate(model: ImportedModel, feed: Feed) -> dict[str, NDArray]:
    """Logits by ONNX output, in the tools' arithmetic."""
    inputs = {}
    for name, array in feed.items():
        here = engine_input(model, name, array)
        if here.dtype == np.int8:
            affine = model.quantized.activations[name]
            here = (here.astype(np.float32) - affine.zero_point) * affine.scale
        tensor = torch.from_numpy(np.ascontiguousarray(here)).unsqueeze(0)
        inputs[name] = tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor
    found = run_integer(model.quantized, inputs)
    return {h.output: found[h.logits.output].numpy()[0] for h in model.heads}


def infer(program: Path, file: Path, model: ImportedModel, feed: Feed) -> dict[str, NDArray]:
    """The same from `mmexit-bench infer`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "infer", "--model", str(file), "--json"]
        for name, array in feed.items():
            path = Path(folder) / f"{len(command)}.npy"
            np.save(path, engine_input(model, name, array))
            command += ["--input", f"{name}={path}"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ToolError(f"{program} infer: {ended.stderr.strip()}", DATA)
    found = {(e["modality"] or "fusion", e["exit"] or 0): e["logits"] for e in json.loads(ended.stdout)["exits"]}
    return {o: np.array(found[place], np.float32) for o, place in model.exits.items()}


def runtime(path: Path) -> tuple[object | None, str]:
    """ONNX Runtime on one thread, summing in 32 bits where it can load the graph so; without it where it cannot. And
    a note on what differs."""
    import onnxruntime

    tries, said = {"session.x64quantprecision": "1"}, ""
    for entries in (tries, {}):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        for key, value in entries.items():
            options.add_session_config_entry(key, value)
        try:
            session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base class
            said = said or f"ONNX Runtime does not load the graph with {next(iter(tries))} ({_first_line(error)})"
            continue
        return session, said and f"{said}; compared without it: its sums may saturate"
    return None, f"{said}, nor without it; compared with the exact evaluation only"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def rounded(head: Head, logits: NDArray) -> NDArray:
    """Logits with the rounding that the graph gives this output."""
    if head.rounding is None:
        return logits.astype(np.float64)
    a = head.rounding
    codes = np.clip(np.rint(logits.astype(np.float64) / a.scale) + a.zero_point, -128, 127)
    return (codes - a.zero_point) * np.float64(a.scale)


def compare(model: ImportedModel, net: Path, file: Path, feeds: Sequence[Feed], program: Path | None,
            with_runtime: bool, notes: list[str] | None = None) -> list[Agreement]:
    """The model in `file` against its graph, output by output. `notes`: what kept ONNX Runtime from being asked."""
    notes = [] if notes is None else notes
    if program is not None and not program.is_file():
        raise ToolError(f"--bench {program}: no such program", UNAVAILABLE)
    session, said = runtime(net) if with_runtime else (None, "")
    if said:
        notes.append(said)
    names = [EXACT, *(["ONNX Runtime"] if session else [])]
    found = {(h.output, n): Agreement(h.output, n) for h in model.heads for n in names}
    for feed in feeds:
        ours = infer(program, file, model, feed) if program else simulate(model, feed)
        exact = evaluate(model.source, feed)
        wanted = {(h.output, names[0]): real(model, h, exact) for h in model.heads}
        if session is not None:
            try:
                outputs = [o.name for o in session.get_outputs()]
                theirs = dict(zip(outputs, session.run(outputs, dict(feed)), strict=True))
            except Exception as error:  # its errors share no base class
                notes.append(f"ONNX Runtime does not run the graph ({_first_line(error)}); compared with the exact "
                             "evaluation only")
                session, theirs = None, {}
            for h in model.heads:
                if h.compared == h.output and h.output in theirs:
                    wanted[(h.output, names[1])] = real(model, h, theirs)
        for h in model.heads:
            for n in names:
                if (h.output, n) in wanted:
                    exactly = wanted[(h.output, n)]
                    found[(h.output, n)].note(rounded(h, ours[h.output]), exactly, step(model, h, exactly))
    return [a for a in found.values() if a.distances]


def real(model: ImportedModel, head: Head, values: Mapping[str, Real | NDArray]) -> NDArray:
    """The value that the head's logits stand for; codes of a quantized output as real numbers."""
    value = values[head.compared]
    if isinstance(value, Real):
        # A dequantized output is float32, as the engine's logits of it are.
        whole = head.affine is not None and head.rounding is None
        return value.value.reshape(-1).astype(np.float32 if whole else np.float64).astype(np.float64)
    if value.dtype in (np.int8, np.uint8):
        a = head.affine
        assert a is not None
        signed = value.reshape(-1).astype(np.float64) - (128 if value.dtype == np.uint8 else 0)
        return (signed - a.zero_point) * a.scale
    return value.reshape(-1).astype(np.float64)


def step(model: ImportedModel, head: Head, values: NDArray) -> float:
    if head.affine is not None:
        return float(head.affine.scale)
    return max(float(np.ptp(values)) / 256, 1e-9)

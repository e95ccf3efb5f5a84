"""The engine and the runtimes it is measured against, each ready to time one window: one thread, batch 1."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import SOFTWARE, ToolError
from .models import NetFile, litert_file

Inputs = Mapping[str, NDArray[np.float32]]
"""By modality, in the engine's layout."""


@dataclass(frozen=True)
class Candidate:
    """One runtime with one form of the net. `times(rounds)`: nanoseconds of that many windows, warmed up;
    `answer`: what it says of the inputs, one number a class."""

    runtime: str
    form: str
    times: Callable[[int], list[int]]
    answer: NDArray


@dataclass(frozen=True)
class Absent:
    """Why something was not measured."""

    what: str
    reason: str


def timed(call: Callable[[], object], rounds: int) -> list[int]:
    """After a tenth of the rounds."""
    for _ in range(rounds // 10 + 1):
        call()
    clock, times = time.perf_counter_ns, []
    for _ in range(rounds):
        before = clock()
        call()
        times.append(clock() - before)
    return times


def engine(program: Path, file: Path, inputs: Inputs, folder: Path, path: str | None) -> Candidate:
    """Ours: the times are taken inside `mmexit-bench`, from float features to the last answer. `path`: the set of
    instructions; None for the fastest here."""
    command = [str(program), "infer", "--model", str(file), "--json", *(["--isa", path] if path else [])]
    for name, array in inputs.items():
        path = folder / f"{name}.npy"
        np.save(path, array)
        command += ["--input", f"{name}={path}"]

    def run(*more: str) -> dict:
        ended = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise ToolError(f"{program} infer: {ended.stderr.strip()}", SOFTWARE)
        return json.loads(ended.stdout)

    return Candidate("mmexit", "int8", lambda rounds: run("--rounds", str(rounds))["times_ns"],
                     np.array(run()["exits"][-1]["logits"]))


def onnx_feed(net: NetFile, inputs: Inputs, wanted: Sequence[tuple[str, str]]) -> dict[str, NDArray]:
    """The same window as an ONNX graph takes it; `wanted`: its inputs, (name, element type)."""
    feed = {}
    for (name, array), (theirs, kind) in zip(inputs.items(), wanted, strict=True):
        a = net.activations[net.sources[name]]
        shaped = array.transpose(2, 0, 1)[None] if array.ndim == 3 else array[None]
        if kind != "float32":
            codes = np.clip(np.rint(shaped / np.float32(a["scale"])) + a["zero_point"], -128, 127)
            shaped = codes + (128 if kind == "uint8" else 0)
        feed[theirs] = np.ascontiguousarray(shaped.astype(kind))
    return feed


def shaped_as(array: NDArray, shape: Sequence[int | str | None]) -> NDArray:
    """A vector that their graph takes as a map of one cell or the like. Extents that a graph leaves open are 1."""
    fixed = [n if isinstance(n, int) else 1 for n in shape]
    return array if list(array.shape) == fixed else np.ascontiguousarray(array.reshape(fixed))


def onnx_runtime(net: NetFile, path: Path, inputs: Inputs) -> Candidate:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    kinds = {"tensor(float)": "float32", "tensor(int8)": "int8", "tensor(uint8)": "uint8"}
    feed = onnx_feed(net, inputs, [(i.name, kinds[i.type]) for i in session.get_inputs()])
    binding = session.io_binding()
    for given in session.get_inputs():
        binding.bind_cpu_input(given.name, shaped_as(feed[given.name], given.shape))
    binding.bind_output(session.get_outputs()[-1].name)
    session.run_with_iobinding(binding)
    answer = binding.copy_outputs_to_cpu()[0]

    def call() -> None:
        session.run_with_iobinding(binding)

    return Candidate("ONNX Runtime", path.stem, lambda rounds: timed(call, rounds), answer.reshape(-1))


def openvino(net: NetFile, path: Path, inputs: Inputs) -> Candidate:
    import openvino as ov

    core = ov.Core()
    graph = core.read_model(str(path))
    if graph.is_dynamic():
        graph.reshape({i: [d.get_length() if d.is_static else 1 for d in i.partial_shape] for i in graph.inputs})
    model = core.compile_model(graph, "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1,
                                                  "PERFORMANCE_HINT": "LATENCY"})
    request = model.create_infer_request()
    kinds = {"f32": "float32", "i8": "int8", "u8": "uint8"}
    feed = onnx_feed(net, inputs, [(i.any_name, kinds[i.element_type.get_type_name()]) for i in model.inputs])
    for given in model.inputs:
        request.set_tensor(given, ov.Tensor(shaped_as(feed[given.any_name], given.shape), shared_memory=True))
    request.infer()
    answer = np.array(request.get_output_tensor(len(model.outputs) - 1).data)
    return Candidate("OpenVINO", path.stem, lambda rounds: timed(request.infer, rounds), answer.reshape(-1))


def litert(net: NetFile, quantized: bool, inputs: Inputs, logit_scale: float) -> Candidate:
    from ai_edge_litert.interpreter import Interpreter

    # The interpreter says on stderr which delegate it takes; a failure comes as an exception.
    with silenced():
        interpreter = Interpreter(model_content=litert_file(net, quantized, logit_scale), num_threads=1)
        interpreter.allocate_tensors()
    for array, detail in zip(inputs.values(), interpreter.get_input_details(), strict=True):
        interpreter.set_tensor(detail["index"], array[None])
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return Candidate("LiteRT", "int8" if quantized else "fp32", lambda rounds: timed(interpreter.invoke, rounds),
                     answer.reshape(-1).copy())


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    kept = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


DISTRIBUTIONS = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "LiteRT": "ai-edge-litert"}


def versions() -> dict[str, str | None]:
    """Of every peer; None where it is not installed."""
    found: dict[str, str | None] = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def peers(net: NetFile, graphs: Sequence[Path], inputs: Inputs, logit_scale: float,
          installed: Mapping[str, str | None]) -> Iterator[Candidate | Absent]:
    """Every installed runtime with every form of the net that it takes."""
    made: list[tuple[str, str, Callable[[], Candidate]]] = []
    for path in graphs:
        made.append(("ONNX Runtime", path.stem, lambda p=path: onnx_runtime(net, p, inputs)))
        made.append(("OpenVINO", path.stem, lambda p=path: openvino(net, p, inputs)))
    for quantized in (True, False):
        form = "int8" if quantized else "fp32"
        made.append(("LiteRT", form, lambda q=quantized: litert(net, q, inputs, logit_scale)))
    for runtime, form, make in made:
        if installed[runtime] is None:
            continue
        try:
            yield make()
        except Exception as error:  # a runtime may refuse a form in its own ways; the others go on
            said = [line.strip() for line in str(error).splitlines() if line.strip()]
            yield Absent(f"{runtime} {form}", f"{type(error).__name__}: {said[-1] if said else ''}")

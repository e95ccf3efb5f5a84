"""The `.safetensors` model file of docs/model-format.md: written byte for byte the same, and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import NO_INPUT, ToolError
from ..base.exits import FUSION, ExitKey
from ..model.graphs import Graph, GraphModality, GraphSegment, Node
from ..model.layers import NO_PADDING, Modality, Network, Segment
from ..signals.features import Features, ImageFeatures, SpectrogramFeatures, VectorFeatures
from .quantization import QuantizedGraph, Weights
from .ranges import Affine
from .stored_head import Part, StoredHead

DTYPES = {"I8": np.dtype("i1"), "I32": np.dtype("<i4"), "F32": np.dtype("<f4")}
STRIDED = {"conv2d", "depthwise_conv2d", "max_pool", "average_pool"}
POOLS = {"max_pool", "average_pool"}
ACTIVATED = {"conv2d", "depthwise_conv2d", "linear", "add", "multiply"}


@dataclass(frozen=True)
class ExitSettings:
    """What is stored at an exit beside its nodes. `class_thresholds`: by class name."""

    temperature: float = 1.0
    threshold: float | None = None
    class_thresholds: Mapping[str, float] = field(default_factory=dict)
    accuracy: float | None = None
    hazard: float | None = None
    gain: StoredHead | None = None
    """Where there is one, the threshold is held against half of 1 + the gain that it predicts."""
    override_threshold: float | None = None
    """Of a modality's first exit: probability of the overriding class, 0...1, at or above which another sensor's sure
    answer does not conclude; None: it is not asked for that."""
    threshold_beside_none: float | None = None
    """Of an encoder's exit, in the threshold's unit, 0...1: at or below which it answers with a command though
    another sensor is sure of `none`, whatever its threshold; None: never."""


def model_bytes(quantized: QuantizedGraph, exits: Mapping[ExitKey, ExitSettings], provenance: Mapping) -> bytes:
    """The whole file."""
    graph = quantized.graph
    check_overriding(graph.network, exits)
    check_beside_none(graph.network, exits)
    tensors: dict[str, NDArray] = {}
    modalities = []
    for description, modality in zip(graph.network.modalities, graph.modalities, strict=True):
        segments = [
            {"nodes": [_node(n, quantized, tensors) for n in s.nodes],
             "exit": _exit(s.exit_nodes, exits[(modality.name, j)], quantized, tensors)}
            for j, s in enumerate(modality.segments, 1)
        ]
        modalities.append({"name": modality.name, "input": modality.input,
                           "features": description.features.describe(), "segments": segments})
    text = {
        "format": 1, "name": graph.network.name, "classes": list(graph.network.classes),
        "none": graph.network.none,
        **({} if graph.network.overriding is None else {"overriding_class": graph.network.overriding}),
        "activations": {
            n: {"shape": list(graph.shapes[n]), "scale": float(a.scale), "zero_point": a.zero_point}
            for n, a in sorted(quantized.activations.items())
        },
        "modalities": modalities,
        "fusion": {"inputs": [m.feature for m in graph.modalities],
                   "nodes": [_node(n, quantized, tensors) for n in graph.fusion_nodes],
                   "exit": _exit(graph.fusion_exit_nodes, exits[("fusion", 0)], quantized, tensors)},
        "provenance": provenance,
    }
    return safetensors_bytes(tensors, {"mmexit": json.dumps(text, separators=(",", ":"), allow_nan=False)})


def check_overriding(network: Network, exits: Mapping[ExitKey, ExitSettings]) -> None:
    """Raises ValueError where a class that overrides, or a threshold for it, stands where it may not."""
    overriding = network.overriding
    if overriding is not None and (overriding not in network.classes or overriding == network.none):
        raise ValueError(f"overriding_class {overriding!r}: it has to be a class, and not the one that means nothing")
    for (name, number), settings in exits.items():
        limit = settings.override_threshold
        if limit is None:
            continue
        if overriding is None:
            raise ValueError(f"{name}/{number}: override_threshold without an overriding_class")
        if name == FUSION[0] or number != 1:
            raise ValueError(f"{name}/{number}: only a modality's first exit has an override_threshold")
        if not 0 <= limit <= 1:
            raise ValueError(f"{name}/{number}: override_threshold {limit} is not a probability")


def check_beside_none(network: Network, exits: Mapping[ExitKey, ExitSettings]) -> None:
    """Raises ValueError where a threshold beside a sure `none` stands where it may not."""
    for (name, number), settings in exits.items():
        limit = settings.threshold_beside_none
        if limit is None:
            continue
        if network.none is None:
            raise ValueError(f"{name}/{number}: threshold_beside_none without a class that means nothing")
        if name == FUSION[0]:
            raise ValueError(f"{name}/{number}: only a modality's exits have a threshold_beside_none")
        if not 0 <= limit <= 1:
            raise ValueError(f"{name}/{number}: threshold_beside_none {limit} is not in 0...1")


def safetensors_bytes(tensors: Mapping[str, NDArray], metadata: Mapping[str, str]) -> bytes:
    """Tensors of 4 bytes first, then of 1, each by name, so that all are aligned; the header padded to 8 bytes."""
    codes = {dtype: code for code, dtype in DTYPES.items()}
    order = sorted(tensors, key=lambda n: (-tensors[n].dtype.itemsize, n))
    header: dict = {"__metadata__": dict(metadata)}
    body, offset = [], 0
    for name in order:
        array = np.ascontiguousarray(tensors[name])
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": codes[array.dtype.newbyteorder("<")], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
        body.append(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(body)


def _node(node: Node, quantized: QuantizedGraph, tensors: dict[str, NDArray]) -> dict:
    text: dict = {"op": node.op, "inputs": list(node.inputs), "output": node.output}
    if node.weight is not None:
        weights = quantized.weights[node.output]
        for key, suffix, array in (("weight", "w", weights.values), ("bias", "b", weights.bias),
                                   ("weight_scale", "s", weights.scale)):
            text[key] = f"{node.output}.{suffix}"
            tensors[text[key]] = array
    if node.table is not None:
        text["table"] = f"{node.output}.t"
        tensors[text["table"]] = node.table
    if node.op in POOLS:
        text["kernel"] = list(node.kernel)
    if node.op in STRIDED:
        text["stride"], text["padding"] = list(node.stride), list(node.padding)
    if node.op in ACTIVATED:
        text["activation"] = "relu" if node.relu else "none"
    return text


def _exit(nodes: tuple[Node, ...], settings: ExitSettings, quantized: QuantizedGraph,
          tensors: dict[str, NDArray]) -> dict:
    text: dict = {"nodes": [_node(n, quantized, tensors) for n in nodes], "temperature": settings.temperature,
                  "threshold": settings.threshold}
    if settings.class_thresholds:
        text["class_thresholds"] = dict(settings.class_thresholds)
    for key in ("accuracy", "hazard", "override_threshold", "threshold_beside_none"):
        if getattr(settings, key) is not None:
            text[key] = getattr(settings, key)
    if settings.gain is not None:
        text["gain"] = _gain(settings.gain, f"{nodes[-1].output}.gain", tensors)
    return text


def _gain(head: StoredHead, name: str, tensors: dict[str, NDArray]) -> dict:
    def part(part: Part, kind: str) -> dict:
        text = {"weight": f"{name}.{kind}.w", "weight_scale": f"{name}.{kind}.s"}
        tensors[text["weight"]], tensors[text["weight_scale"]] = part.weight, part.scale
        if part.bias is not None:
            text["bias"] = f"{name}.{kind}.b"
            tensors[text["bias"]] = part.bias
        return text

    text: dict = {"logits": part(head.logits, "logits")}
    if head.feature is not None:
        text["feature"] = part(head.feature, "feature")
    if head.looks:
        text["looks"] = [{"modality": m, **part(p, f"look.{m}")} for m, p in head.looks.items()]
    tensors[f"{name}.b"], tensors[f"{name}.o"] = head.bias, head.output
    return text | {"bias": f"{name}.b", "output": f"{name}.o", "output_bias": head.output_bias}


@dataclass(frozen=True)
class StoredModel:
    quantized: QuantizedGraph
    exits: Mapping[ExitKey, ExitSettings]
    provenance: Mapping

    @property
    def network(self) -> Network:
        return self.quantized.graph.network

    @property
    def temperatures(self) -> dict[ExitKey, float]:
        return {k: e.temperature for k, e in self.exits.items()}

    @property
    def heads(self) -> dict[ExitKey, StoredHead]:
        """Gain heads, of the exits that have one."""
        return {k: e.gain for k, e in self.exits.items() if e.gain is not None}


def read_model(path: Path) -> StoredModel:
    """The model as `model_bytes` wrote it. Raises ToolError for anything else."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ToolError(f"{path}: no such model", NO_INPUT) from None
    try:
        return _decode(raw)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ToolError(f"{path}: not a model of ours ({type(error).__name__}: {error})") from error


def _decode(raw: bytes) -> StoredModel:
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    text = json.loads(header.pop("__metadata__")["mmexit"])
    body = memoryview(raw)[8 + length :]
    tensors = {
        name: np.frombuffer(body[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"]).copy()
        for name, t in header.items()
    }
    activations = {n: Affine(np.float32(a["scale"]), int(a["zero_point"])) for n, a in text["activations"].items()}
    weights: dict[str, Weights] = {}

    def nodes(rows: list[dict]) -> tuple[Node, ...]:
        read = [_read_node(r, tensors, activations, weights) for r in rows]
        factors = {n.inputs[1] for n in read if n.op == "multiply"}
        # A share ends at 1 where its int8 ends; the file says no more of it.
        return tuple(replace(n, top=float(activations[n.output].scale) * 255)
                     if n.op == "linear" and n.relu and n.output in factors else n for n in read)

    exits: dict[ExitKey, ExitSettings] = {}
    modalities, descriptions = [], []
    for m in text["modalities"]:
        segments = []
        for j, s in enumerate(m["segments"], 1):
            segments.append(GraphSegment(nodes(s["nodes"]), nodes(s["exit"]["nodes"])))
            exits[(m["name"], j)] = _settings(s["exit"], tensors)
        modalities.append(GraphModality(m["name"], m["input"], tuple(segments)))
        layers = tuple(Segment(()) for _ in segments)  # layers live in the graph; the description is not rebuilt
        descriptions.append(Modality(m["name"], read_features(m["features"]), layers))
    exits[("fusion", 0)] = _settings(text["fusion"]["exit"], tensors)
    network = Network(text["name"], tuple(text["classes"]), text["none"], tuple(descriptions),
                      overriding=text.get("overriding_class"))
    check_overriding(network, exits)
    check_beside_none(network, exits)
    shapes = {n: tuple(a["shape"]) for n, a in text["activations"].items()}
    graph = Graph(network, shapes, tuple(modalities), nodes(text["fusion"]["nodes"]),
                  nodes(text["fusion"]["exit"]["nodes"]))
    return StoredModel(QuantizedGraph(graph, activations, weights), exits, text["provenance"])


def _settings(text: dict, tensors: Mapping[str, NDArray]) -> ExitSettings:
    return ExitSettings(text["temperature"], text["threshold"], text.get("class_thresholds", {}),
                        text.get("accuracy"), text.get("hazard"),
                        _read_gain(text["gain"], tensors) if "gain" in text else None, text.get("override_threshold"),
                        text.get("threshold_beside_none"))


def _read_gain(text: dict, tensors: Mapping[str, NDArray]) -> StoredHead:
    def part(row: dict) -> Part:
        bias = tensors[row["bias"]] if "bias" in row else None
        return Part(tensors[row["weight"]], tensors[row["weight_scale"]], bias)

    looks = {row["modality"]: part(row) for row in text.get("looks", [])}
    return StoredHead(part(text["logits"]), part(text["feature"]) if "feature" in text else None, looks,
                      tensors[text["bias"]], tensors[text["output"]], text["output_bias"])


def _read_node(row: dict, tensors: dict[str, NDArray], activations: dict[str, Affine],
               weights: dict[str, Weights]) -> Node:
    weight = bias = None
    if "weight" in row:
        stored = Weights(tensors[row["weight"]], tensors[row["bias"]], tensors[row["weight_scale"]])
        weights[row["output"]] = stored
        # A depthwise weight's channel is its last axis, every other one's its first.
        shape = [1] * stored.values.ndim
        shape[-1 if row["op"] == "depthwise_conv2d" else 0] = -1
        weight = stored.values * stored.scale.reshape(shape)
        bias = (stored.bias * (activations[row["inputs"][0]].scale * stored.scale)).astype(np.float32)
    return Node(row["op"], tuple(row["inputs"]), row["output"], weight, bias, tuple(row.get("kernel", (1, 1))),
                tuple(row.get("stride", (1, 1))), tuple(row.get("padding", NO_PADDING)),
                row.get("activation") == "relu",
                tensors[row["table"]] if "table" in row else None)


def read_features(text: dict) -> Features:
    """The description stored in the model file."""
    values = {k: v for k, v in text.items() if k not in ("kind", "length")}
    match text["kind"]:
        case "image":
            values["mean"], values["std"] = tuple(text["mean"]), tuple(text["std"])
            return ImageFeatures(**values)
        case "log_mel" | "log_spectrogram" as kind:
            return SpectrogramFeatures(**values, mel=kind == "log_mel")
        case "vector":
            return VectorFeatures(tuple(text["mean"]), tuple(text["std"]))
    raise ValueError(f"features of kind {text['kind']}")

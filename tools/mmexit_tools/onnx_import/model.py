"""The whole way from an ONNX graph to a model of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from numpy.typing import NDArray

from ..base.errors import USAGE, ToolError
from ..model.graphs import Graph, Node, node_macs
from ..model.layers import Modality, Network, Segment
from ..onnx_graph.graph import OnnxGraph
from ..onnx_lowering.operators import lower_onnx
from ..onnx_lowering.values import short_name
from ..quantize.limits import check_limits
from ..quantize.modelfile import ExitSettings, model_bytes
from ..quantize.quantization import QuantizedGraph
from ..signals.features import Features
from .exits import Cut, Cutting
from .features import changed
from .imported import Head, Imported, head, simplify

LONGEST_CLASS = 256


@dataclass(frozen=True)
class ImportedModel:
    """`exits`: by ONNX output, (modality, exit from 1) or ("fusion", 0); `heads` say what their logits stand for."""

    source: OnnxGraph
    quantized: QuantizedGraph
    exits: Mapping[str, tuple[str, int]]
    heads: Sequence[Head]
    notes: Sequence[str]
    changes: Mapping[str, tuple[NDArray, NDArray]]
    """By input that the graph itself normalizes: factor and offset a channel, which the features have taken over."""

    def file(self, threshold: float | None = None) -> bytes:
        """`threshold`: of the exits that are outputs of the graph; the others never answer."""
        graph = self.quantized.graph
        own = {place for place in self.exits.values() if place[0] != "fusion"}
        settings = {(m, n): ExitSettings(threshold=threshold if (m, n) in own else None)
                    for m, n, _ in graph.exit_outputs()}
        content = model_bytes(self.quantized, settings, {"imported": self.source.name})
        check_limits(self.quantized, content)
        return content


def import_onnx(source: OnnxGraph, kinds: Mapping[str, Features], *, outputs: Sequence[str] = (),
                classes: Sequence[str] = (), none: str | None = None, rounded: bool = False) -> ImportedModel:
    """Raises ToolError, which names the node, for what the engine cannot run.

    `outputs`: those of the graph that become exits, all by default. `rounded`: keeps the rounding of the outputs.
    """
    chosen = list(outputs) or list(source.outputs)
    for name in chosen:
        if name not in source.outputs:
            raise ToolError(f"--outputs {name}: the graph has no such output; it has {', '.join(source.outputs)}",
                            USAGE)
    work = lower_onnx(source, {n: f.shape for n, f in kinds.items()})
    imported = simplify(work, chosen)
    heads = [head(work, imported, name, rounded) for name in chosen]
    count = _class_count(heads)
    labels = tuple(classes) or tuple(str(i) for i in range(count))
    if len(labels) != count:
        raise ToolError(f"--classes names {len(labels)}, the graph's outputs have {count}", USAGE)
    if len(set(labels)) != count or not all(1 <= len(c.encode()) <= LONGEST_CLASS for c in labels):
        raise ToolError(f"--classes: names differ and have 1 to {LONGEST_CLASS} bytes", USAGE)
    if none is not None and none not in labels:
        raise ToolError(f"--none {none}: not among the classes", USAGE)
    imported.nodes = imported.needed([i for h in heads for n in (*h.before, h.logits) for i in n.inputs])
    changes = {name: change for name, change in work.changes.items() if change is not None}
    kinds = {n: changed(f, *changes[n]) if n in changes else f for n, f in kinds.items()}
    notes = [*work.notes, *(f"input '{n}': what the graph does to it in float became mean and std of its features"
                            for n in changes)]
    cut = Cutting(imported, heads, count).run()
    network = Network(short_name(source.name), labels, none, tuple(
        Modality(m.name, kinds[m.name], tuple(Segment(()) for _ in m.segments)) for m in cut.modalities))
    return ImportedModel(source, _quantized(network, imported, cut), cut.outputs, heads, notes, changes)


def _class_count(heads: Sequence[Head]) -> int:
    counts = {h.output: len(h.logits.bias) for h in heads if h.logits.bias is not None}
    if len(set(counts.values())) != 1:
        raise ToolError(f"the outputs differ in their number of classes: {counts} (choose with --outputs)")
    count = next(iter(counts.values()))
    if not 2 <= count <= 1000:
        raise ToolError(f"{count} classes; the engine takes 2 to 1000 (for yes or no: two, each with its logit)")
    return count


def _quantized(network: Network, imported: Imported, cut: Cut) -> QuantizedGraph:
    shapes = imported.shapes
    graph = Graph(network, shapes, tuple(cut.modalities), cut.fusion_nodes, cut.fusion_exit)
    names = [m.input for m in cut.modalities] + [n.output for n in graph.nodes() if n.op != "logits"]
    used = {n.output for n in graph.nodes() if n.weight is not None}
    return QuantizedGraph(Graph(network, {n: shapes[n] for n in names}, graph.modalities, graph.fusion_nodes,
                                graph.fusion_exit_nodes),
                          {n: imported.affines[n] for n in names},
                          {n: w for n, w in imported.weights.items() if n in used})


def summary(model: ImportedModel) -> list[str]:
    """Lines: every exit, its output, nodes and MACs."""
    graph = model.quantized.graph

    def macs(nodes: Sequence[Node]) -> int:
        return sum(node_macs(n, graph.shapes) for n in nodes)

    lines = []
    for m in graph.modalities:
        for j, s in enumerate(m.segments, 1):
            output = next((o for o, place in model.exits.items() if place == (m.name, j)), "none, never answers")
            both = macs(s.nodes) + macs(s.exit_nodes)
            lines.append(f"{m.name} exit {j}: {output}; {len(s.nodes)} nodes, {both} MACs")
    output = next((o for o, place in model.exits.items() if place == ("fusion", 0)), "as the last exit")
    nodes = (*graph.fusion_nodes, *graph.fusion_exit_nodes)
    return [*lines, f"fusion: {output}; {len(graph.fusion_nodes)} nodes, {macs(nodes)} MACs"]

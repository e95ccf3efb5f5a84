"""Which nodes of the imported graph make which exit: encoders cut into segments, exits, and fusion.

An output that reads one input is an exit of that modality, the one output that reads all inputs is fusion. A modality
without an output of its own gets a *mute* exit, whose logits are 0 and which never answers. With one input, its
last exit stands as fusion too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..base.errors import ToolError
from ..model.graphs import GraphModality, GraphSegment, Node
from ..quantize.quantization import Weights
from .imported import Head, Imported


@dataclass
class Cut:
    """The graph in the model file's parts."""

    modalities: list[GraphModality] = field(default_factory=list)
    fusion_nodes: tuple[Node, ...] = ()
    fusion_exit: tuple[Node, ...] = ()
    outputs: dict[str, tuple[str, int]] = field(default_factory=dict)
    """ONNX output to exit: (modality, exit from 1), or ("fusion", 0)."""


@dataclass
class Cutting:
    imported: Imported
    heads: Sequence[Head]
    classes: int

    def __post_init__(self) -> None:
        self.readers: dict[str, frozenset[str]] = {i: frozenset([i]) for i in self.imported.inputs}
        """Tensor to the inputs it depends on."""
        for name, node in self.imported.nodes.items():
            self.readers[name] = frozenset().union(*(self.readers[i] for i in node.inputs))

    def run(self) -> Cut:
        cut = Cut()
        owners = {h.output: self._inputs(h) for h in self.heads}
        fused = [h for h in self.heads if len(owners[h.output]) > 1]
        if len(self.imported.inputs) == 1:
            self._encoder(cut, self.imported.inputs[0], list(self.heads), None)
            self._copy_last(cut)
            return cut
        if len(fused) != 1 or len(owners[fused[0].output]) != len(self.imported.inputs):
            names = ", ".join(h.output for h in fused) or "none"
            raise ToolError(f"the graph has {len(self.imported.inputs)} inputs, and exactly one output must read all "
                            f"of them, as fusion; those that read several: {names} (choose with --outputs)")
        features = self._features(fused[0])
        kept = {}
        for name in self.imported.inputs:
            mine = [h for h in self.heads if owners[h.output] == {name}]
            kept[features[name]] = self._encoder(cut, name, mine, features[name])
        self._fusion(cut, fused[0], kept)
        return cut

    def _inputs(self, head: Head) -> frozenset[str]:
        first = head.before[0] if head.before else head.logits
        return frozenset().union(*(self.readers[i] for i in first.inputs))

    def _before(self, tensor: str) -> set[str]:
        """The nodes that give this tensor, by output."""
        found: set[str] = set()
        waiting = [tensor]
        while waiting:
            name = waiting.pop()
            if name in self.imported.nodes and name not in found:
                found.add(name)
                waiting += self.imported.nodes[name].inputs
        return found

    def _source(self, head: Head) -> str:
        return (head.before[0] if head.before else head.logits).inputs[0]

    def _ordered(self, names: set[str]) -> list[Node]:
        return [n for name, n in self.imported.nodes.items() if name in names]

    def _features(self, head: Head) -> dict[str, str]:
        """The one tensor of every modality that fusion reads."""
        found: dict[str, str] = {}
        first = head.before[0] if head.before else head.logits
        for node in [*self._ordered(self._before(self._source(head))), first]:
            if len(frozenset().union(*(self.readers[i] for i in node.inputs))) == 1:
                continue
            for tensor in node.inputs:
                if len(self.readers[tensor]) == 1:
                    (name,) = self.readers[tensor]
                    if found.setdefault(name, tensor) != tensor:
                        raise ToolError(f"fusion reads two tensors of input '{name}', {found[name]} and {tensor}; "
                                        "the engine keeps one a modality")
        return found

    def _encoder(self, cut: Cut, name: str, heads: list[Head], feature: str | None) -> str:
        """Appends the modality; returns its feature, which is the last segment's last tensor."""
        sources = {h.output: self._before(self._source(h)) for h in heads}
        if feature is None:
            # The last exit leaves the others last and has the longest way; all of it but the logits is encoder.
            heads = sorted(heads, key=lambda h: (self._together(h, heads, sources), len(sources[h.output])))
            feature = self._source(heads[-1])
        trunk = self._before(feature)

        def shared(head: Head) -> set[str]:
            others = trunk.union(*(sources[h.output] for h in heads if h is not head))
            return sources[head.output] & others

        heads = sorted(heads, key=lambda h: len(shared(h)))
        done: set[str] = set()
        segments: list[GraphSegment] = []
        for number, head in enumerate(heads, 1):
            later = trunk.union(*(sources[h.output] for h in heads[number:]))
            mine = (sources[head.output] & later) - done
            done |= mine
            own = self._ordered(sources[head.output] - done)
            segments.append(GraphSegment(tuple(self._ordered(mine)), (*own, *head.before, head.logits)))
            cut.outputs[head.output] = (name, number)
        rest = self._ordered(trunk - done)
        if rest or not segments:
            segments.append(GraphSegment(tuple(rest), ()))
        segments, feature = self._end(segments, feature)
        segments = [self._filled(s, feature, i) for i, s in enumerate(segments)]
        cut.modalities.append(GraphModality(name, name, tuple(segments)))
        return feature

    def _together(self, head: Head, heads: list[Head], sources: Mapping[str, set[str]]) -> int:
        """How many nodes an exit has in common with others."""
        others = set().union(*(sources[h.output] for h in heads if h is not head))
        return len(sources[head.output] & others)

    def _end(self, segments: list[GraphSegment], feature: str) -> tuple[list[GraphSegment], str]:
        """The feature as the last segment's last tensor: moved there, or copied."""
        last = segments[-1]
        nodes = [n for n in last.nodes if n.output != feature]
        moved = [n for n in last.nodes if n.output == feature]
        if not moved or any(feature in n.inputs for n in nodes):
            copy = self._copy(feature)
            nodes, moved, feature = list(last.nodes), [copy], copy.output
        return [*segments[:-1], replace(last, nodes=(*nodes, *moved))], feature

    def _filled(self, segment: GraphSegment, feature: str, index: int) -> GraphSegment:
        """A segment has at least one node and an exit."""
        nodes = segment.nodes or (self._copy(self._source_of(segment)),)
        exit_nodes = segment.exit_nodes or self._mute(feature)
        return GraphSegment(nodes, exit_nodes)

    def _source_of(self, segment: GraphSegment) -> str:
        return segment.exit_nodes[0].inputs[0]

    def _copy(self, tensor: str) -> Node:
        """The same tensor once more: a concat of one."""
        node = Node("concat", (tensor,), self.imported.fresh(f"{tensor}.copy"))
        self.imported.add(node, like=tensor)
        return node

    def _mute(self, feature: str) -> tuple[Node, ...]:
        before, source = self.imported.vector(feature, "global_average_pool")
        width = self.imported.shapes[source][0]
        weights = Weights(np.zeros((self.classes, width), np.int8), np.zeros(self.classes, np.int32),
                          np.ones(self.classes, np.float32))
        return (*before, self.imported.logits(source, weights, f"{feature}.mute"))

    def _fusion(self, cut: Cut, head: Head, kept: Mapping[str, str]) -> None:
        """`kept`: what the encoders end with, by the tensor that the graph's fusion reads."""
        nodes = self._ordered(self._before(self._source(head)))

        def renamed(node: Node) -> Node:
            return replace(node, inputs=tuple(kept.get(i, i) for i in node.inputs))

        cut.fusion_nodes = tuple(renamed(n) for n in nodes if len(self.readers[n.output]) > 1)
        cut.fusion_exit = tuple(renamed(n) for n in (*head.before, head.logits))
        cut.outputs[head.output] = ("fusion", 0)

    def _copy_last(self, cut: Cut) -> None:
        """One modality: fusion says what its last exit says, from the same feature."""
        modality = cut.modalities[0]
        copies: list[Node] = []
        source = modality.feature
        for node in modality.segments[-1].exit_nodes:
            copy = replace(node, inputs=(source,), output=self.imported.fresh(f"{node.output}.fusion"))
            self.imported.add(copy, like=node.output)
            copies.append(copy)
            source = copy.output
        cut.fusion_exit = tuple(copies)

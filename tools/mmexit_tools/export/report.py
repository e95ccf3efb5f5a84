"""What was measured of an exported model, and its card in Markdown: every figure comes from the measurement."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from ..calibrate.calibration import Recording, Replay, Thresholds
from ..model.graphs import Cost
from ..model.layers import Network


def weighted_f1(answers: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """F1 per class, weighted by the class's share of the labels."""
    total = 0.0
    for c in np.unique(labels):
        hit = float(((answers == c) & (labels == c)).sum())
        precision = hit / max(1, int((answers == c).sum()))
        recall = hit / max(1, int((labels == c).sum()))
        if hit:
            total += 2 * precision * recall / (precision + recall) * float((labels == c).mean())
    return total


@dataclass(frozen=True)
class SplitReport:
    """One split measured: accuracy of every exit in float and int8, and the gate replayed on int8."""

    name: str
    windows: int
    float_accuracy: Mapping[ExitKey, float]
    int8_accuracy: Mapping[ExitKey, float]
    agreement: Mapping[ExitKey, float]
    """Share of windows where float and int8 give the same class."""
    fusion: float
    adaptive: float
    adaptive_f1: float
    fusion_f1: float
    mean_macs: float
    shares: Mapping[ExitKey, float]
    leaving_accuracy: Mapping[ExitKey, float | None]
    compared: int
    """The first windows, of which the exits' accuracies and the agreement are."""


def measure(name: str, float_logits: Mapping[ExitKey, NDArray], recording: Recording,
            outcome: Replay) -> SplitReport:
    """`float_logits`: of the first windows, or of all; the exits' accuracies are of those."""
    labels = recording.labels
    here = {k: recording.present[k[0]] if k != FUSION else np.ones(len(labels), bool) for k in recording.answer}
    best = {k: v.argmax(axis=1) for k, v in float_logits.items()}

    def share(values: NDArray[np.bool_], key: ExitKey) -> float:
        there = here[key][: len(values)]
        return float(values[there].mean()) if there.any() else float("nan")

    leaving = {k: float(outcome.right[outcome.left_at == i].mean()) if (outcome.left_at == i).any() else None
               for i, k in enumerate(outcome.keys)}
    return SplitReport(
        name, len(labels),
        {k: share(best[k] == labels[: len(best[k])], k) for k in best},
        {k: share(recording.correct(k)[: len(best[k])], k) for k in best},
        {k: share(best[k] == recording.answer[k][: len(best[k])], k) for k in best},
        float(recording.correct(FUSION).mean()), outcome.accuracy, weighted_f1(outcome.answer, labels),
        weighted_f1(recording.answer[FUSION], labels), outcome.mean_macs, outcome.shares(), leaving,
        len(best[FUSION]),
    )


def exit_name(key: ExitKey) -> str:
    return "fusion" if key == FUSION else f"{key[0]} {key[1]}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return "\n".join([*lines, *(f"| {' | '.join(r)} |" for r in rows)]) + "\n"


def share_text(value: float | None) -> str:
    return "-" if value is None or np.isnan(value) else f"{100 * value:.1f} %"


@dataclass(frozen=True)
class Card:
    network: Network
    provenance: Mapping
    costs: Mapping[ExitKey, Cost]
    temperatures: Mapping[ExitKey, float]
    thresholds: Thresholds
    order: Sequence[str]
    tolerance: str
    splits: Sequence[SplitReport]
    commands: Sequence[Sequence[str]]
    file_bytes: int
    extra: str = ""
    """Further Markdown that a task's own command measured."""

    def text(self) -> str:
        n = self.network
        total = Cost(sum(c.macs for c in self.costs.values()), sum(c.parameters for c in self.costs.values()))
        parts = [
            f"# Model card: {n.name}\n",
            "Written by `python -m mmexit_tools.export`; every figure was measured by it.\n",
            f"- Classes: {', '.join(n.classes)}" + (f"; `{n.none}` means nothing" if n.none else ""),
            f"- Modalities: {', '.join(m.name for m in n.modalities)}; the gate asks {', then '.join(self.order)}",
            f"- Running everything: {total.macs:,} MACs, {total.parameters:,} parameters; "
            f"file {self.file_bytes:,} bytes",
            f"- Thresholds: {self.tolerance}\n",
            "## Task and data\n", *self._data(), "## Exits\n", self._exits(total),
            *(t for s in self.splits for t in self._split(s, total)), self.extra, "## Commands\n",
            "From `tools/`, with DATA the data folder:\n", "```sh",
            *(shlex.join(c) for c in self.commands), "```\n",
        ]
        return "\n".join("" if p == " " else p for p in parts if p != "")

    def _data(self) -> list[str]:
        lines = [f"- {k}: {v}" for k, v in self.provenance.items() if isinstance(v, str)]
        licences = self.provenance.get("data", {})
        return [*lines, " ", table(["data set", "licence"], [[k, v] for k, v in licences.items()])]

    def _exits(self, total: Cost) -> str:
        rows = []
        for key, cost in self.costs.items():
            limit = self.thresholds.get(key)
            rows.append([exit_name(key), f"{cost.macs:,}", f"{100 * cost.macs / total.macs:.1f} %",
                         f"{cost.parameters:,}", f"{self.temperatures[key]:.3f}",
                         "-" if limit is None else f"{limit:.4f}"])
        return table(["exit", "MACs (segment and exit)", "share", "parameters", "temperature", "threshold"], rows)

    def _split(self, s: SplitReport, total: Cost) -> list[str]:
        rows = [[exit_name(k), share_text(s.float_accuracy[k]), share_text(s.int8_accuracy[k]),
                 share_text(s.agreement[k]), share_text(s.shares.get(k)), share_text(s.leaving_accuracy.get(k))]
                for k in s.float_accuracy]
        first = f"Accuracies of the exits and \"same class\": of the first {s.compared:,}.\n"
        return [
            f"## {s.name.capitalize()}: {s.windows:,} windows\n",
            *([first] if s.compared < s.windows else []),
            table(["exit", "accuracy float", "accuracy int8", "same class", "leave here", "right among them"], rows),
            table(["", "accuracy", "weighted F1", "mean MACs", "MACs saved"], [
                ["full fusion", share_text(s.fusion), f"{s.fusion_f1:.3f}", f"{total.macs:,}", "-"],
                ["adaptive", share_text(s.adaptive), f"{s.adaptive_f1:.3f}", f"{s.mean_macs:,.0f}",
                 share_text(1 - s.mean_macs / total.macs)],
            ]),
        ]

"""Thresholds and heads for a model file whose int8 network stays as it is, byte for byte.

What the network says of a window does not change then. `--said FOLDER` keeps it, so that other losses or shares are
tried without running the network again.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ..base.errors import USAGE, ToolError
from ..base.exits import ExitKey
from ..calibrate.exit_pool import Pool, load_pool, save_pool
from ..calibrate.gain_heads import doubts
from ..model.datasets import featurize
from ..model.graphs import exit_costs
from ..model.networks import MultiExitNetwork
from ..quantize.head_codes import HeadCodes, predict_with_codes
from ..quantize.quantization import QuantizedGraph
from ..signals.windows import Window
from ..tasks.mixture import Kind, judged
from ..training.trainer import predict
from .calibrated import Calibrated, stored_temperatures
from .calibrating import Answered, in_every_order, parts_of
from .report import SplitReport, measure

FLOAT = 2000
"""Windows of each kind that the float network answers too, for the card."""
AT_ONCE = 256


@dataclass(frozen=True)
class KeptNetwork:
    """A network as its file has it. `model`: the same with float weights; `folder`: of what it said, if kept."""

    quantized: QuantizedGraph
    ranges: str
    model: MultiExitNetwork
    folder: Path | None
    task: str

    def calibrate(self, kinds: Sequence[Kind], args: argparse.Namespace) -> tuple[Calibrated, list[SplitReport]]:
        """What validation windows decide, and what is measured on either split."""
        pools, codes = zip(*(self.said(k, "validation", args.seed) for k in kinds), strict=True)
        costs = exit_costs(self.quantized.graph)
        known = joined_codes(codes)
        if args.heads:
            known = HeadCodes({k: known.features[k] for k in named_exits(args.heads, known)}, known.looks)
        answered = Answered(self.quantized, self.ranges, costs, joined(pools), known)
        found = in_every_order(answered, self.quantized.graph.network, parts_of(kinds, args.z), args.gate == "gain")
        reports = [self.report(k, "validation", args.seed, found, r) for k, r in
                   zip(judged(kinds), found.held_out, strict=True)]
        temperatures = stored_temperatures(found.temperatures)
        for kind in judged(kinds):
            pool, heard = self.said(kind, "test", args.seed + 1)
            pool = dataclasses.replace(pool, macs={k: c.macs for k, c in found.costs.items()},
                                       doubt=doubts(found.heads, pool, heard, temperatures))
            reports.append(self.report(kind, "test", args.seed + 1, found, pool.recording(found.temperatures)))
        return found, reports

    def report(self, kind: Kind, split: str, seed: int, found: Calibrated, recording) -> SplitReport:
        batch = featurize(list(islice(kind.windows(split, seed), FLOAT)), self.quantized.graph.network)
        plain = predict(self.model.eval(), batch)
        return measure(kind.title(split), plain, recording, found.replay(recording))

    def said(self, kind: Kind, split: str, seed: int) -> tuple[Pool, HeadCodes]:
        """What the network says of these windows, from the folder where it was kept."""
        source = f"{weights_digest(self.quantized)} {self.task} {kind.name} {split} {kind.counts[split]} {seed}"
        path = None if self.folder is None else self.folder / f"{kind.name}-{split}.npz"
        if path is not None and (kept := load_pool(path, source)) is not None:
            return kept, load_codes(path)
        pool, codes = answers(self.quantized, kind.windows(split, seed))
        if path is not None:
            save_pool(pool, path, source, codes_arrays(codes))
        return pool, codes


def named_exits(names: str, codes: HeadCodes) -> list[ExitKey]:
    """Exits as in `image.2,audio.1`. Raises ToolError for one that there is not."""
    found = {f"{m}.{n}": (m, n) for m, n in codes.features}
    unknown = [n for n in names.split(",") if n not in found]
    if unknown:
        raise ToolError(f"--heads {unknown[0]}: the exits are {', '.join(found)}", USAGE)
    return [found[n] for n in names.split(",")]


def weights_digest(quantized: QuantizedGraph) -> str:
    digest = hashlib.sha256()
    for name, w in sorted(quantized.weights.items()):
        digest.update(b"".join((name.encode(), w.values.tobytes(), w.bias.tobytes(), w.scale.tobytes())))
    for name, a in sorted(quantized.activations.items()):
        digest.update(f"{name} {float(a.scale)} {a.zero_point}".encode())
    return digest.hexdigest()[:16]


def answers(quantized: QuantizedGraph, windows: Iterator[Window]) -> tuple[Pool, HeadCodes]:
    """Runs the int8 network, some windows in memory at a time."""
    macs = {k: c.macs for k, c in exit_costs(quantized.graph).items()}
    pools, codes = [], []
    while chunk := list(islice(windows, AT_ONCE)):
        batch = featurize(chunk, quantized.graph.network)
        logits, heard = predict_with_codes(quantized, batch)
        kinds = sorted({k for w in chunk for k in w.groups})
        groups = {k: np.array([w.groups.get(k, "") for w in chunk]) for k in kinds}
        pools.append(Pool(logits, batch.labels, batch.present, batch.seen, groups, macs))
        codes.append(heard)
    return joined(pools), joined_codes(codes)


def joined(pools: Sequence[Pool]) -> Pool:
    """One after the other; a kind of groups that one lacks is empty there."""
    def join(name: str) -> dict:
        tables: list[Mapping] = [getattr(p, name) for p in pools]
        return {k: np.concatenate([t[k] for t in tables]) for k in tables[0]}

    kinds = sorted({k for p in pools for k in p.groups})
    groups = {k: np.concatenate([p.groups.get(k, np.full(len(p), "")) for p in pools]) for k in kinds}
    return Pool(join("logits"), np.concatenate([p.labels for p in pools]), join("present"), join("seen"), groups,
                pools[0].macs)


def joined_codes(codes: Sequence[HeadCodes]) -> HeadCodes:
    return HeadCodes({k: np.concatenate([c.features[k] for c in codes]) for k in codes[0].features},
                     {k: np.concatenate([c.looks[k] for c in codes]) for k in codes[0].looks})


def codes_arrays(codes: HeadCodes) -> dict[str, np.ndarray]:
    """By the names that the file has."""
    return ({f"feature {m} {n}": v for (m, n), v in codes.features.items()}
            | {f"look {m}": v for m, v in codes.looks.items()})


def load_codes(path: Path) -> HeadCodes:
    features: dict[ExitKey, np.ndarray] = {}
    looks = {}
    with np.load(path, allow_pickle=False) as stored:
        for name in stored.files:
            kind, _, rest = name.partition(" ")
            if kind == "feature":
                modality, _, exit_number = rest.rpartition(" ")
                features[(modality, int(exit_number))] = stored[name]
            elif kind == "look":
                looks[rest] = stored[name]
    return HeadCodes(features, looks)

"""What a stored robot-command model says about many windows, a piece at a time: each piece is a file, so that a run
that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import note
from ..base.exits import FUSION, ExitKey
from ..calibrate.exit_pool import Pool, Watched, batch_pool, load_pool, overriding_of, save_pool
from ..model.datasets import Batch, collect
from ..model.graphs import exit_costs
from ..model.networks import MultiExitNetwork
from ..quantize.modelfile import StoredModel
from ..quantize.quantization import predict_integer
from ..signals.windows import Window
from ..tasks import drawn_people
from ..training.trainer import predict

PIECE = 1000
"""Windows of a piece; each is drawn for itself, in the exact shares of its mix."""
KINDS = ("int8", "float", "alone")


@dataclass(frozen=True)
class Said:
    """`pool`: by the int8 network; `plain`: logits of the float one; `alone`: of float fusion with one modality only,
    by that modality. All [N], the same windows."""

    pool: Pool
    plain: Mapping[ExitKey, NDArray]
    alone: Mapping[str, NDArray]


def said(stored: StoredModel, plain: MultiExitNetwork, data: Path, split: str, count: int, seed: int, work: Path,
         mix: str = "standard") -> Said:
    """What the model says about `count` windows; `plain`: the same weights in float."""
    drawn = Drawn(data, split, count, seed, mix)
    whole, floats, alone = drawn.pools(stored, work, KINDS, lambda windows: make(stored, plain, windows))
    whole = replace(whole, overriding=overriding_of(stored.network))
    return Said(whole, floats.logits, {k[0]: v for k, v in alone.logits.items()})


def said_by_integers(stored: StoredModel, data: Path, split: str, count: int, seed: int, work: Path) -> Pool:
    """What the int8 network alone says about the same windows, from the same files."""
    drawn = Drawn(data, split, count, seed)
    pool = drawn.pools(stored, work, KINDS[:1], lambda w: [make_integer(stored, w)[1]])[0]
    return replace(pool, overriding=overriding_of(stored.network))


@dataclass(frozen=True)
class Drawn:
    """Which windows of the task."""

    data: Path
    split: str
    count: int
    seed: int
    mix: str = "standard"

    def pools(self, stored: StoredModel, work: Path, kinds: Sequence[str],
              made: Callable[[Iterable[Window]], list[Pool]]) -> list[Pool]:
        """One pool of each kind, from the files that are there; `made` answers a missing piece's windows."""
        split, mix, seed = self.split, self.mix, self.seed
        digest = hashlib.sha256()
        for name, weights in sorted(stored.quantized.weights.items()):
            digest.update(name.encode() + weights.values.tobytes())
        pieces = []
        for number, start in enumerate(range(0, self.count, PIECE)):
            size = min(PIECE, self.count - start)
            source = f"{digest.hexdigest()[:16]} {split} {mix} {size} {seed} {number}"
            files = [work / f"{split}-{mix}-{seed}-{number}-{kind}.npz" for kind in kinds]
            found = [load_pool(f, source) for f in files]
            if any(p is None for p in found):
                found = made(drawn_people.windows(self.data, split, size, 1000 * seed + number, mix))
                for pool, file in zip(found, files, strict=True):
                    save_pool(pool, file, source)
                note(f"{split} ({mix}): {start + size} of {self.count} windows")
            pieces.append(found)
        return [joined([piece[i] for piece in pieces]) for i in range(len(kinds))]


def make_integer(stored: StoredModel, windows: Iterable[Window]) -> tuple[Batch, Pool]:
    """The piece in memory, and the pool of what int8 says."""
    watched = Watched(windows)
    batch = collect(watched, stored.network)
    macs = {k: c.macs for k, c in exit_costs(stored.quantized.graph).items()}
    return batch, batch_pool(batch, predict_integer(stored.quantized, batch), watched.groups, macs)


def make(stored: StoredModel, plain: MultiExitNetwork, windows: Iterable[Window]) -> list[Pool]:
    """The piece: pools of what int8, float, and float fusion with one modality alone say."""
    batch, pool = make_integer(stored, windows)
    alone = {}
    for name in batch.present:
        present = {m: p if m == name else np.zeros(len(batch), bool) for m, p in batch.present.items()}
        alone[(name, 0)] = predict(plain, Batch(batch.inputs, present, batch.labels, batch.seen))[FUSION]
    return [pool, replace(pool, logits=predict(plain, batch)),
            replace(pool, logits=alone, macs=dict.fromkeys(alone, 0))]


def joined(pools: list[Pool]) -> Pool:
    def join(name: str) -> dict:
        tables = [getattr(p, name) for p in pools]
        return {k: np.concatenate([t[k] for t in tables]) for k in tables[0]}

    return Pool(join("logits"), np.concatenate([p.labels for p in pools]), join("present"), join("seen"),
                join("groups"), pools[0].macs)

"""What every exit of an int8 network says about a pool of windows, kept in one .npz file.

The network runs once; every split, temperature and threshold afterwards is arithmetic on what is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import write_arrays
from ..base.errors import ToolError
from ..base.exits import ExitKey
from ..model.datasets import Batch, featurize
from ..model.layers import Network
from ..quantize.quantization import QuantizedGraph, predict_integer
from ..signals.windows import Window
from .calibration import Recording, record
from .gate import is_fusion_nearly_free

NO_GROUP = ""


@dataclass(frozen=True)
class Pool:
    """N windows. `logits` by exit [N, classes]; `present`, `seen` by modality [N]; `groups` by kind, names [N],
    empty where a window belongs to no group of that kind; `macs` by exit."""

    logits: Mapping[ExitKey, NDArray[np.float32]]
    labels: NDArray[np.int64]
    present: Mapping[str, NDArray[np.bool_]]
    seen: Mapping[str, NDArray[np.int64]]
    groups: Mapping[str, NDArray[np.str_]]
    macs: Mapping[ExitKey, int]
    doubt: Mapping[ExitKey, NDArray[np.float64]] = field(default_factory=dict)
    """Of exits with gain heads: what stands in entropy's place, [N]."""
    alone: Mapping[ExitKey, NDArray[np.float64]] = field(default_factory=dict)
    """The same where the other sensors sleep and cannot be looked at."""
    overriding: int | None = None
    """The class that overrides what another sensor says."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.present)

    def part(self, which: NDArray) -> Pool:
        """The windows chosen by a mask or by indices."""
        def cut(table: Mapping) -> dict:
            return {k: v[which] for k, v in table.items()}

        return Pool(cut(self.logits), self.labels[which], cut(self.present), cut(self.seen), cut(self.groups),
                    self.macs, cut(self.doubt), cut(self.alone), self.overriding)

    def recording(self, temperatures: Mapping[ExitKey, float]) -> Recording:
        found = record(self.modalities, self.logits, self.labels, self.present, self.macs, temperatures,
                       self.overriding)
        if not self.doubt:
            return found
        yielding = frozenset(self.doubt) if is_fusion_nearly_free(self.macs) else frozenset()
        return replace(found, entropy={**found.entropy, **self.doubt}, yielding=yielding)

    def heard_alone(self, recording: Recording, modality: str) -> Recording:
        """The recording as it is while all other sensors than this modality's sleep: its exits have nothing to look
        at; by the time the others are asked, every sensor is awake."""
        own = {k: v for k, v in self.alone.items() if k[0] == modality}
        return replace(recording, entropy={**recording.entropy, **own})


def batch_pool(batch: Batch, logits: Mapping[ExitKey, NDArray], groups: Mapping[str, NDArray[np.str_]],
               macs: Mapping[ExitKey, int]) -> Pool:
    """The pool of windows that are in memory anyway."""
    return Pool(logits, batch.labels, batch.present, batch.seen, groups, macs)


def overriding_of(network: Network) -> int | None:
    """Index of the class that overrides what another sensor says."""
    return None if network.overriding is None else network.classes.index(network.overriding)


def group_names(windows: Sequence[Mapping[str, str]]) -> dict[str, NDArray[np.str_]]:
    """By kind the name of each window's group, NO_GROUP where it has none."""
    kinds = sorted({k for w in windows for k in w})
    return {k: np.array([w.get(k, NO_GROUP) for w in windows]) for k in kinds}


@dataclass
class Watched:
    """Windows passed on as they come, their groups noted on the way."""

    windows: Iterable[Window]

    def __post_init__(self) -> None:
        self.rows: list[Mapping[str, str]] = []

    def __iter__(self) -> Iterator[Window]:
        for window in self.windows:
            self.rows.append(window.groups)
            yield window

    @property
    def groups(self) -> dict[str, NDArray[np.str_]]:
        return group_names(self.rows)


def make_pool(quantized: QuantizedGraph, windows: Iterable[Window], macs: Mapping[ExitKey, int],
              progress: Callable[[int], None] = lambda _: None, size: int = 128) -> Pool:
    """Runs the int8 network over the windows, `size` of them in memory at a time."""
    watched = Watched(windows)
    stream = iter(watched)
    logits: dict[ExitKey, list[NDArray]] = {}
    batches = []
    count = 0
    while chunk := list(islice(stream, size)):
        batch = featurize(chunk, quantized.graph.network)
        for key, values in predict_integer(quantized, batch).items():
            logits.setdefault(key, []).append(values.astype(np.float32))
        batch.inputs = {}
        batches.append(batch)
        count += len(chunk)
        progress(count)
    if not batches:
        raise ToolError("no windows at all")
    names = list(batches[0].present)
    return Pool({k: np.concatenate(v) for k, v in logits.items()}, np.concatenate([b.labels for b in batches]),
                {m: np.concatenate([b.present[m] for b in batches]) for m in names},
                {m: np.concatenate([b.seen[m] for b in batches]) for m in names}, watched.groups, dict(macs),
                overriding=overriding_of(quantized.graph.network))


def save_pool(pool: Pool, path: Path, source: str, others: Mapping[str, NDArray] | None = None) -> None:
    """Atomic; `source` says what the pool was made of and must be given again to read it. `others`: what else is kept
    in the file, under names that do not begin as the pool's do."""
    arrays: dict[str, NDArray] = {**(others or {}), "labels": pool.labels, "source": np.array(source)}
    for key, values in pool.logits.items():
        arrays[f"logits {key[0]} {key[1]}"] = values
        arrays[f"macs {key[0]} {key[1]}"] = np.array(pool.macs[key])
    for title, table in (("present", pool.present), ("seen", pool.seen), ("groups", pool.groups)):
        arrays |= {f"{title} {k}": v for k, v in table.items()}
    write_arrays(path, **arrays)


def load_pool(path: Path, source: str) -> Pool | None:
    """The pool, or None where the file is not there or was made of something else."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {k: stored[k] for k in stored.files}
        if str(arrays["source"]) != source:
            return None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ToolError(f"{path}: not a pool of ours ({error}); remove it") from error

    def of(title: str) -> dict[str, NDArray]:
        return {k.split(" ", 1)[1]: v for k, v in arrays.items() if k.startswith(f"{title} ")}

    def by_exit(title: str) -> dict[ExitKey, NDArray]:
        return {(k.rsplit(" ", 1)[0], int(k.rsplit(" ", 1)[1])): v for k, v in of(title).items()}

    return Pool(by_exit("logits"), arrays["labels"], of("present"), of("seen"), of("groups"),
                {k: int(v) for k, v in by_exit("macs").items()})

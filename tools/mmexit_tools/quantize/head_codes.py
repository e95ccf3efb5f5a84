"""What gain heads take: int8 codes of the exits' features and looks at the raw maps, as the engine computes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from ..model.datasets import Batch
from ..model.graphs import Graph
from .quantization import QuantizedGraph, run_integer

LOOK_CELLS = 14
"""A look pools a map to cells, at most so many a side."""


@dataclass(frozen=True)
class HeadCodes:
    """Codes less their zero points, [N, n]: of what each exit's logits are computed from, and of the look at each
    modality that has maps."""

    features: Mapping[ExitKey, NDArray[np.int16]]
    looks: Mapping[str, NDArray[np.int16]]

    def part(self, which: NDArray) -> HeadCodes:
        """The windows chosen by a mask or by indices."""
        return HeadCodes({k: v[which] for k, v in self.features.items()},
                         {k: v[which] for k, v in self.looks.items()})


def look_extents(height: int, width: int) -> tuple[int, int, int, int]:
    """(rows, columns, cell height, cell width)."""
    cell_height, cell_width = (max(1, math.ceil(side / LOOK_CELLS)) for side in (height, width))
    return height // cell_height, width // cell_width, cell_height, cell_width


def look_additions(shape: tuple[int, ...]) -> int:
    """Of a look at a map of this shape, billed as if they were multiply-accumulates."""
    rows, columns, height, width = look_extents(shape[0], shape[1])
    return rows * height * columns * width * shape[2]


def look_codes(maps: NDArray[np.int64]) -> NDArray[np.int64]:
    """[N, h, w, c] codes to [N, (columns + rows) x 2c]: of every column of cells the mean over the rows by channel,
    then the largest cell's; then the same of the rows over the columns, each in rising order: where in the window
    something is heard says nothing. Means are of codes, rounded to the nearest, half up."""
    n, channels = maps.shape[0], maps.shape[3]
    rows, columns, height, width = look_extents(maps.shape[1], maps.shape[2])
    kept = maps[:, : rows * height, : columns * width]
    sums = kept.reshape(n, rows, height, columns, width, channels).sum(axis=(2, 4))
    cell = height * width
    by_column = np.concatenate([_mean(sums.sum(axis=1), cell * rows), _mean(sums.max(axis=1), cell)], axis=2)
    by_row = np.concatenate([_mean(sums.sum(axis=2), cell * columns), _mean(sums.max(axis=2), cell)], axis=2)
    return np.concatenate([by_column.reshape(n, -1), np.sort(by_row, axis=1).reshape(n, -1)], axis=1)


def _mean(sums: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return (2 * sums + count) // (2 * count)


def logit_inputs(graph: Graph) -> dict[ExitKey, str]:
    """The activation that each exit's logits are computed from; fusion's left out."""
    return {(m.name, j): s.exit_nodes[-1].inputs[0]
            for m in graph.modalities for j, s in enumerate(m.segments, 1)}


def predict_with_codes(quantized: QuantizedGraph, batch: Batch,
                       size: int = 64) -> tuple[dict[ExitKey, NDArray[np.float32]], HeadCodes]:
    """Logits [N, classes] of every exit by the int8 arithmetic, and what gain heads take."""
    inputs, present = batch.tensors()
    graph, zero = quantized.graph, {n: a.zero_point for n, a in quantized.activations.items()}
    logits: dict[ExitKey, list[NDArray]] = {}
    features: dict[ExitKey, list[NDArray]] = {}
    looks: dict[str, list[NDArray]] = {}
    for i in range(0, len(batch), size):
        here = slice(i, i + size)
        tensors = run_integer(quantized, {m: x[here] for m, x in inputs.items()},
                              {m: p[here] for m, p in present.items()})
        for m, n, name in graph.exit_outputs():
            logits.setdefault((m, n), []).append(tensors[name].numpy())
        for key, name in logit_inputs(graph).items():
            features.setdefault(key, []).append((tensors[name].numpy() - zero[name]).astype(np.int16))
        for m in graph.modalities:
            x = tensors[m.input]
            if x.ndim == 4:
                codes = look_codes(x.permute(0, 2, 3, 1).numpy().astype(np.int64))
                looks.setdefault(m.name, []).append((codes - zero[m.input]).astype(np.int16))
    assert FUSION in logits
    return ({k: np.concatenate(v) for k, v in logits.items()},
            HeadCodes({k: np.concatenate(v) for k, v in features.items()},
                      {k: np.concatenate(v) for k, v in looks.items()}))

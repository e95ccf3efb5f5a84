"""What a value of the ONNX graph is while it is brought over: a constant, an int8 tensor, or a result that still
waits for its QuantizeLinear.

Tensors of the engine are maps [height, width, channels] or vectors [n]; ONNX counts (channel, row, column). A
flattened map keeps the engine's order, and `order` says for each place its place in ONNX's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..model.layers import Shape
from ..quantize.quantization import Affine, Weights


@dataclass(frozen=True)
class QuantizedConstant:
    """Weights or a bias behind a DequantizeLinear: (codes - zero) * scale; one scale, or one a place of `axis`."""

    codes: NDArray
    scale: NDArray[np.float32]
    zero: NDArray
    axis: int


@dataclass(frozen=True)
class Layout:
    """`shape`: the engine's; `onnx`: the extents that ONNX sees, batch of 1 first; `order`: see above."""

    shape: Shape
    onnx: tuple[int, ...]
    order: NDArray[np.int64] | None = None

    @property
    def is_vector(self) -> bool:
        return len(self.shape) == 1

    @property
    def count(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Stored:
    """An int8 tensor of the model: the value is exactly scale * (q - zero point)."""

    tensor: str
    affine: Affine
    layout: Layout


@dataclass(frozen=True)
class CodesInput:
    """An input that the graph takes as int8 or, `unsigned`, as uint8: its DequantizeLinear says what it means."""

    source: str
    unsigned: bool
    made: Layout

    @property
    def layout(self) -> Layout:
        return self.made


@dataclass(frozen=True)
class Pending:
    """A result that is not rounded yet.

    `make`: the node that gives it, without the name of its output; None for an input of the network, named by
    `source`. `posts`: max pools and flattens after it, which commute with rounding. `layout`: after them.
    """

    source: str
    make: Node | None
    weights: Weights | None
    made: Layout
    posts: tuple[tuple[Node, Layout], ...] = ()
    low: float = -math.inf
    high: float = math.inf

    @property
    def layout(self) -> Layout:
        return self.posts[-1][1] if self.posts else self.made

    def then(self, node: Node, layout: Layout) -> Pending:
        return replace(self, posts=(*self.posts, (node, layout)))

    def clipped(self, low: float, high: float) -> Pending:
        return replace(self, low=min(max(self.low, low), high), high=max(min(self.high, high), low))


@dataclass(frozen=True)
class Probabilities:
    """Behind a Softmax, which the engine computes itself: `logits` is what went in."""

    logits: Stored | Pending
    name: str


Value = NDArray | QuantizedConstant | CodesInput | Stored | Pending | Probabilities


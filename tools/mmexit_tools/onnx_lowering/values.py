"""What a value of the ONNX graph is while it is brought over: a constant, an int8 tensor, or a result that still
waits for its QuantizeLinear.

Tensors of the engine are maps [height, width, channels] or vectors [n]; ONNX counts (channel, row, column). A
flattened map keeps the engine's order, and `order` says for each place its place in ONNX's.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..model.layers import Padding, Pair, Shape
from ..onnx_graph.graph import along
from ..quantize.quantization import Weights
from ..quantize.ranges import Affine

LONGEST_NAME = 200
"""Bytes of a tensor's name; the engine takes 256, and endings are added."""


def short_name(name: str) -> str:
    """The name, or its beginning and a mark of the whole where it is too long (as tf2onnx joins names)."""
    raw = name.encode()
    if len(raw) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(raw).hexdigest()[:8]
    return f"{raw[: LONGEST_NAME - 9].decode(errors='ignore')}~{mark}"


@dataclass(frozen=True)
class QuantizedConstant:
    """Weights or a bias behind a DequantizeLinear: (codes - zero) * scale; one scale, or one a place of `axis`."""

    codes: NDArray
    scale: NDArray[np.float32]
    zero: NDArray
    axis: int

    @property
    def value(self) -> NDArray[np.float64]:
        axis = self.axis % max(self.codes.ndim, 1)
        zero = along(self.zero.astype(np.float64), self.codes.ndim, axis)
        return (self.codes.astype(np.float64) - zero) * along(self.scale, self.codes.ndim, axis)


@dataclass(frozen=True)
class Layout:
    """`shape`: the engine's; `onnx`: the extents that ONNX sees, batch of 1 first; `order`: see above."""

    shape: Shape
    onnx: tuple[int, ...]
    order: NDArray[np.int64] | None = None
    last: bool = False
    """A map that ONNX sees as [1, height, width, channels], as the engine does."""

    @property
    def bands(self) -> bool:
        """A sound as [1, bands, frames]: in the engine a map of one channel, [frames, bands, 1]."""
        return not self.last and len(self.onnx) == 3 == len(self.shape) and self.shape[1] == self.onnx[1] > 1

    def resized(self, out: Pair, channels: int) -> Layout:
        """The layout of a map of this rank with other extents."""
        height, width = out
        if len(self.onnx) == 3:
            return Layout((height, width, channels), (1, width if self.bands else channels, height))
        return Layout((height, width, channels), (1, channels, height, width))

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
    `source`. `posts`: max pools, flattens and zeros around a map (`pad`), which commute with rounding.
    `layout`: after them.
    """

    source: str
    make: Node | None
    weights: Weights | None
    made: Layout
    posts: tuple[tuple[Node, Layout], ...] = ()
    low: float = -math.inf
    high: float = math.inf
    input_scale: float = 1.0
    """Of what a layer with weights reads."""
    curve: Curve | None = None
    """The same as a function of one tensor's codes, where it is one number times that tensor plus another."""
    change: tuple[NDArray, NDArray] | None = None
    """Of an input that the graph itself normalizes before it is quantized: factor and offset a channel."""

    @property
    def layout(self) -> Layout:
        return self.posts[-1][1] if self.posts else self.made

    def then(self, node: Node, layout: Layout) -> Pending:
        return replace(self, posts=(*self.posts, (node, layout)))

    def clipped(self, low: float, high: float) -> Pending:
        return replace(self, low=min(max(self.low, low), high), high=max(min(self.high, high), low))


@dataclass(frozen=True)
class Curve:
    """A function of a tensor's codes that is not rounded yet: `real[q + 128]` for the code q."""

    source: Stored
    real: NDArray[np.float64]
    wide: Layout | None = None
    """The map that it is spread over, where it is one cell."""

    @property
    def layout(self) -> Layout:
        return self.wide or self.source.layout

    def clipped(self, low: float, high: float) -> Curve:
        return replace(self, real=np.clip(self.real, low, high))


@dataclass(frozen=True)
class Padded:
    """A map with zeros around it, `padding` cells on each side, that nothing has computed yet: a convolution's own
    padding where it fits."""

    inner: Stored
    padding: Padding
    made: Layout

    @property
    def layout(self) -> Layout:
        return self.made

    @property
    def affine(self) -> Affine:
        return self.inner.affine


@dataclass(frozen=True)
class Spread:
    """One cell a channel, spread over a map by nothing yet: a product takes it as it is."""

    inner: Stored
    made: Layout

    @property
    def layout(self) -> Layout:
        return self.made

    @property
    def affine(self) -> Affine:
        return self.inner.affine


@dataclass(frozen=True)
class Probabilities:
    """Behind a Softmax or LogSoftmax, which the engine computes itself: `logits` is what went in."""

    logits: Stored | Pending
    name: str


Value = NDArray | QuantizedConstant | CodesInput | Stored | Padded | Spread | Pending | Curve | Probabilities

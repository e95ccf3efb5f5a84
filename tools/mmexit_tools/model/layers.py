"""The description of a multi-exit multi-modal network: layers, segments, modalities, and the shapes between them.

MACs, parameters, the int8 graph and ONNX are derived from it (`graphs.lower`). Shapes are (height, width, channels)
for maps and (n,) for vectors, without the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..signals.features import Features

Shape = tuple[int, ...]
Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
"""(top, left, bottom, right), as in docs/model-format.md."""
NO_PADDING: Padding = (0, 0, 0, 0)


@dataclass(frozen=True)
class Conv:
    """2-D convolution, batch normalization (folded at export), ReLU."""

    out: int
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Padding = (1, 1, 1, 1)
    relu: bool = True
    batch_norm: bool = True


@dataclass(frozen=True)
class Depthwise:
    """Depthwise 2-D convolution, batch normalization, ReLU."""

    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Padding = (1, 1, 1, 1)
    relu: bool = True
    batch_norm: bool = True


@dataclass(frozen=True)
class MaxPool:
    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = NO_PADDING


@dataclass(frozen=True)
class AveragePool:
    """Average over the cells inside the image."""

    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = NO_PADDING


@dataclass(frozen=True)
class GlobalAveragePool:
    """Map to vector of its channels."""


@dataclass(frozen=True)
class Flatten:
    """Map to vector; the exported graph keeps (row, column, channel) order."""


@dataclass(frozen=True)
class Linear:
    out: int
    relu: bool = True
    batch_norm: bool = False


@dataclass(frozen=True)
class Dropout:
    """Training only; absent from every exported graph."""

    p: float = 0.2


@dataclass(frozen=True)
class Add:
    """Adds what went into the layer `over` layers before this one, of the same shape and in the same segment; then
    ReLU. A residual connection (He et al., 2016): the layer before it commonly has no ReLU of its own."""

    over: int


@dataclass(frozen=True)
class SqueezeExcite:
    """Each channel times a share of it, 0 to 1, found from the means of all channels by two linear layers, the first
    of `hidden` outputs and ReLU (Hu et al., 2018); the share is a clipped line, clip(y / 6 + 1/2, 0, 1) (Howard et
    al., 2019). Then ReLU, unless something is to be added first."""

    hidden: int
    relu: bool = True


Layer = (Add | Conv | Depthwise | MaxPool | AveragePool | GlobalAveragePool | Flatten | Linear | Dropout
         | SqueezeExcite)


@dataclass(frozen=True)
class Segment:
    """Layers of an encoder between two exits. `exit` stands before the exit's own linear layer."""

    layers: tuple[Layer, ...]
    exit: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Modality:
    name: str
    features: Features
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Network:
    """`fusion` takes the concatenation of all modalities' features; its logits layer is implied.
    `overriding`: the class that overrides what another sensor is sure of (docs/model-format.md). It is no part of
    what is trained, so digests made of the text of a network leave it out."""

    name: str
    classes: tuple[str, ...]
    none: str | None
    modalities: tuple[Modality, ...]
    fusion: tuple[Layer, ...] = field(default_factory=tuple)
    overriding: str | None = field(default=None, repr=False)

    def feature_shapes(self) -> list[Shape]:
        """Shape of every modality's last feature."""
        return [
            chain_shape([la for s in m.segments for la in s.layers], m.features.shape)
            for m in self.modalities
        ]


def layer_shape(layer: Layer, shape: Shape) -> Shape:
    """Shape after `layer`. Raises ValueError where the layer does not fit."""
    match layer:
        case Dropout() | Add():
            return shape
        case Linear(out=out):
            if len(shape) != 1:
                raise ValueError(f"Linear needs a vector, got shape {shape}: flatten or pool first")
            return (out,)
        case Flatten():
            return (_count(shape),)
        case _ if len(shape) != 3:
            raise ValueError(f"{type(layer).__name__} needs a map, got shape {shape}")
        case GlobalAveragePool():
            return (shape[2],)
        case SqueezeExcite():
            return shape
        case Conv() | Depthwise() | MaxPool() | AveragePool():
            t, le, b, r = layer.padding
            h = (shape[0] + t + b - layer.kernel[0]) // layer.stride[0] + 1
            w = (shape[1] + le + r - layer.kernel[1]) // layer.stride[1] + 1
            if h < 1 or w < 1:
                raise ValueError(f"{layer} does not fit in shape {shape}")
            return (h, w, layer.out if isinstance(layer, Conv) else shape[2])
    raise ValueError(f"unknown layer {layer}")


def chain_shape(layers: Sequence[Layer], shape: Shape) -> Shape:
    """Shape after all of them. Raises ValueError where one does not fit."""
    shapes = [shape]
    for i, layer in enumerate(layers):
        shapes.append(layer_shape(layer, shapes[-1]))
        if isinstance(layer, Add) and (not 1 <= layer.over <= i or shapes[i - layer.over] != shapes[i]):
            raise ValueError(f"{layer} as layer {i + 1} of a segment does not fit: it takes shape {shapes[i]}, and "
                             f"so must the layer {layer.over} before it")
    return shapes[-1]


def _count(shape: Shape) -> int:
    n = 1
    for d in shape:
        n *= d
    return n

"""Convolutions and linear layers of an ONNX graph in the engine's terms: weights, biases, sliding windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..model.layers import Padding, Pair
from ..onnx_graph.graph import Operator, along
from ..quantize.quantization import Weights
from ..quantize.ranges import Affine
from .values import Layout, Pending, QuantizedConstant, Stored

MAX_TERMS, MAX_TERM = 65536, 32385
"""As in Sources/CKernels/include/mmx_kernels.h: no sum may leave 32 bits."""
MAX_WEIGHT = 127
LARGEST_SPREAD = 1 << 20
"""Weights of a convolution whose groups are told by zeros."""


@dataclass(frozen=True)
class Window:
    kernel: Pair
    stride: Pair
    padding: Padding
    out: Pair


def window(operator: Operator, kernel: Pair, height: int, width: int) -> Window:
    """The sliding window of a convolution or pool over a map of these extents; `kernel` as wide as it reaches."""
    stride, pads = pair(operator, "strides", 1), sides(operator)
    auto = operator.attributes.get("auto_pad", b"NOTSET")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        total = [max((math.ceil(n / s) - 1) * s + k - n, 0)
                 for n, s, k in zip((height, width), stride, kernel, strict=True)]
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = less + more if auto == b"SAME_UPPER" else more + less
    elif auto == b"VALID":
        pads = [0, 0, 0, 0]
    out = []
    for axis, extent in enumerate((height, width)):
        spare = extent + pads[axis] + pads[axis + 2] - kernel[axis]
        if spare < 0:
            raise operator.refuse(f"a kernel of {kernel[axis]} does not fit an extent of {extent}")
        count = spare // stride[axis] + 1
        if operator.integer("ceil_mode", 0) and spare % stride[axis] and count * stride[axis] < extent + pads[axis]:
            # One window more, over the edge: the same as padding there, since a pool looks at cells inside only.
            count += 1
            pads[axis + 2] += stride[axis] - spare % stride[axis]
        out.append(count)
    return Window(kernel, (stride[0], stride[1]), (pads[0], pads[1], pads[2], pads[3]), (out[0], out[1]))


def fits(place: Window) -> bool:
    """Padding is smaller than the kernel on each side."""
    return all(p < k for p, k in zip(place.padding, (*place.kernel, *place.kernel), strict=True))


def pool_window(operator: Operator, height: int, width: int) -> Window:
    if any(d != 1 for d in pair(operator, "dilations", 1)):
        raise operator.refuse(f"dilations {operator.integers('dilations', [])}; a pool without is supported")
    place = window(operator, pool_kernel(operator), height, width)
    if not fits(place):
        raise operator.refuse(f"pads {list(place.padding)} with a kernel of {list(place.kernel)}; each must be "
                              "smaller than the kernel")
    return place


def pair(operator: Operator, key: str, default: int) -> list[int]:
    """Two numbers, vertical and horizontal; of a one-dimensional layer along the height."""
    given = operator.integers(key, [default, default])
    return [given[0], 1] if len(given) == 1 else given


def sides(operator: Operator) -> list[int]:
    """Padding at the top, left, bottom and right."""
    given = operator.integers("pads", [0, 0, 0, 0])
    given = [given[0], 0, given[1], 0] if len(given) == 2 else given
    if any(p < 0 for p in given):
        raise operator.refuse(f"pads {given}; a layer that cuts is not supported (use Slice before it)")
    return given


def pool_kernel(operator: Operator) -> Pair:
    kernel = operator.integers("kernel_shape", [])
    if len(kernel) not in (1, 2):
        raise operator.refuse(f"a kernel of {len(kernel)} extents; one and two are supported")
    kernel = [*kernel, 1][:2]
    if math.prod(kernel) > MAX_TERMS:
        raise operator.refuse(f"a kernel of {math.prod(kernel)} cells; at most {MAX_TERMS} fit 32 bits")
    return kernel[0], kernel[1]


def signed(constant: QuantizedConstant, operator: Operator) -> NDArray[np.int16]:
    """Weights without their zero points: -255 to 255."""
    if constant.codes.dtype not in (np.int8, np.uint8):
        raise operator.refuse(f"weights of {constant.codes.dtype}; int8 and uint8 are supported (4 and 16 bits: "
                              "quantize with weight_type QInt8)")
    axis = constant.axis % max(constant.codes.ndim, 1)
    zero = along(constant.zero.astype(np.int16), constant.codes.ndim, axis)
    return (constant.codes.astype(np.int16) - zero).astype(np.int16)


def parts(codes: NDArray[np.int16]) -> list[NDArray[np.int8]]:
    """Weights of the engine, -127 to 127, that sum to these."""
    rest, found = codes, []
    while not found or rest.any():
        found.append(np.clip(rest, -MAX_WEIGHT, MAX_WEIGHT).astype(np.int8))
        rest = rest - found[-1]
    return found


def scales(constant: QuantizedConstant, values: NDArray, axis: int,
           operator: Operator) -> NDArray[np.float32]:
    """One weight scale an output channel, which `axis` counts."""
    count = values.shape[axis]
    if constant.scale.size > 1 and constant.axis % values.ndim != axis:
        raise operator.refuse(f"its weights have scales along axis {constant.axis}; expected one, "
                              f"or one an output channel (axis {axis})")
    scale = np.broadcast_to(constant.scale.reshape(-1), (count,)).astype(np.float32)
    empty = ~np.moveaxis(values, axis, 0).reshape(count, -1).any(axis=1)
    scale = np.where((scale == 0) & empty, np.float32(1), scale)  # a channel of zeros: any scale says the same
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise operator.refuse("a weight scale is not above 0 and finite")
    return scale


def bias(operator: Operator, given: object, count: int, scale: NDArray[np.float32], affine: Affine,
         terms: int) -> NDArray[np.int32]:
    """int32 in units of input scale x weight scale; a bias in other units is rounded to these."""
    if terms > MAX_TERMS:
        raise operator.refuse(f"a sum of {terms} terms; at most {MAX_TERMS} fit 32 bits")
    units = np.float64(affine.scale) * scale
    if given is None:
        whole = np.zeros(count)
    elif isinstance(given, QuantizedConstant):
        whole = (given.codes.astype(np.float64) - given.zero).reshape(-1)
        if not np.allclose(given.scale.reshape(-1), units, rtol=1e-4, atol=0):
            whole = np.rint(given.value.reshape(-1) / units)
    elif isinstance(given, np.ndarray) and np.issubdtype(given.dtype, np.floating):
        whole = np.rint(given.reshape(-1).astype(np.float64) / units)
    else:
        raise operator.refuse("its bias is not a constant")
    if whole.size not in (1, count):
        raise operator.refuse(f"a bias of {whole.size} values for {count} outputs")
    limit = 2**31 - 1 - terms * MAX_TERM
    if np.abs(whole).max(initial=0) > limit:
        raise operator.refuse(f"a bias of {np.abs(whole).max():.0f} steps; with {terms} terms at most {limit}")
    return np.broadcast_to(whole, (count,)).astype(np.int32)


@dataclass(frozen=True)
class Filters:
    """A convolution's weights in the engine's layout, [out, kh, kw, in], or [kh, kw, channels] where `depthwise`;
    `kernel` as wide as they reach."""

    values: NDArray[np.int16]
    kernel: Pair
    depthwise: bool
    note: str = ""


def filters(operator: Operator, codes: NDArray[np.int16], layout: Layout) -> Filters:
    """Dilation becomes zeros between the weights; groups that the engine has not become zeros beside them."""
    _, width, channels = layout.shape
    if codes.ndim == 3:  # over time: the height, or the height of a spectrogram whose bands are its channels
        bands = layout.bands
        codes = codes.transpose(0, 2, 1)[:, None] if bands else codes[..., None]
        if bands:  # [out, 1, k, bands]
            if operator.integer("group", 1) != 1 or codes.shape[3] != width:
                raise operator.refuse("groups over the bands of a sound; a first layer over all of them is supported")
            codes = _spread(codes, pair(operator, "dilations", 1))
            return Filters(codes.transpose(0, 2, 3, 1), (codes.shape[2], width), False)
    if codes.ndim != 4:
        raise operator.refuse(f"weights of {codes.ndim} extents; convolutions over one and two are supported")
    outputs, each = codes.shape[:2]
    group = operator.integer("group", 1)
    if each * group != channels or outputs % group:
        raise operator.refuse(f"{group} groups of {each} channels to {outputs} do not fit a tensor of {channels}")
    codes = _spread(codes, pair(operator, "dilations", 1))
    kernel = (codes.shape[2], codes.shape[3])
    if group == channels == outputs and channels > 1 and np.abs(codes).max() <= MAX_WEIGHT:
        return Filters(codes[:, 0].transpose(1, 2, 0), kernel, True)
    if group == 1:
        return Filters(codes.transpose(0, 2, 3, 1), kernel, False)
    whole = np.zeros((outputs, channels, *kernel), np.int16)
    if whole.size > LARGEST_SPREAD:
        raise operator.refuse(
            f"{group} groups over {channels} channels to {outputs} would become {whole.size:,} weights, most of them "
            f"0; at most {LARGEST_SPREAD:,}" + ("" if np.abs(codes).max() <= MAX_WEIGHT else " (one filter a channel "
            "runs as it is with weights of -127 to 127: quantize with QInt8, or WeightSymmetric and reduce_range)"))
    for o in range(outputs):
        first = o // (outputs // group) * each
        whole[o, first : first + each] = codes[o]
    return Filters(whole.transpose(0, 2, 3, 1), kernel, False,
                   f"{group} groups became one, with zeros between: {whole.size:,} weights instead of {codes.size:,}")


def _spread(codes: NDArray[np.int16], dilations: list[int]) -> NDArray[np.int16]:
    if dilations == [1, 1]:
        return codes
    extents = [(k - 1) * d + 1 for k, d in zip(codes.shape[2:], dilations, strict=True)]
    found = np.zeros((*codes.shape[:2], *extents), np.int16)
    found[:, :, :: dilations[0], :: dilations[1]] = codes
    return found


def convolution(operator: Operator, x: Stored, found: Filters, place: Window, scale: NDArray[np.float32],
                given_bias: object) -> Pending:
    """`x`: as often along its channels as `found.values` say."""
    outputs = len(scale)
    terms = found.values.size // outputs
    values = found.values.astype(np.int8)
    whole = bias(operator, given_bias, outputs, scale, x.affine, terms)
    weights = Weights(np.ascontiguousarray(values), whole, scale)
    node = Node("depthwise_conv2d" if found.depthwise else "conv2d", (x.tensor,), operator.output,
                *_real(weights, x.affine, -1 if found.depthwise else 0), place.kernel, place.stride, place.padding)
    return Pending(operator.output, node, weights, x.layout.resized(place.out, outputs),
                   input_scale=float(x.affine.scale))


def linear_layer(operator: Operator, x: Stored, codes: NDArray[np.int8], scale: NDArray[np.float32],
                 given_bias: object, onnx: tuple[int, ...]) -> Pending:
    """`codes` [out, in] with its columns in the engine's order."""
    outputs, terms = codes.shape
    whole = bias(operator, given_bias, outputs, scale, x.affine, terms)
    weights = Weights(np.ascontiguousarray(codes), whole, scale)
    node = Node("linear", (x.tensor,), operator.output, *_real(weights, x.affine, 0))
    return Pending(operator.output, node, weights, Layout((outputs,), onnx), input_scale=float(x.affine.scale))


def _real(weights: Weights, affine: Affine, axis: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias as float32, as `graphs.Node` has them."""
    return (weights.values * along(weights.scale, weights.values.ndim, axis),
            (weights.bias * (affine.scale * weights.scale)).astype(np.float32))

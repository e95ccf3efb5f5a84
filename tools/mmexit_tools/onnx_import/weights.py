"""Convolutions and linear layers of an ONNX graph in the engine's terms: weights, biases, sliding windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node
from ..model.layers import Padding, Pair
from ..quantize.quantization import Affine, Weights
from .graph import Operator, along
from .values import Layout, Pending, QuantizedConstant, Stored

MAX_TERMS, MAX_TERM = 65536, 32385
"""As in Sources/CKernels/include/mmx_kernels.h: no sum may leave 32 bits."""


@dataclass(frozen=True)
class Window:
    kernel: Pair
    stride: Pair
    padding: Padding
    out: Pair


def window(operator: Operator, kernel: Pair, height: int, width: int) -> Window:
    """The sliding window of a convolution or pool over a map of these extents."""
    if any(d != 1 for d in operator.integers("dilations", [1, 1])):
        raise operator.refuse(f"dilations {operator.integers('dilations', [])}; only 1 is supported")
    stride = operator.integers("strides", [1, 1])
    auto = operator.attributes.get("auto_pad", b"NOTSET")
    pads = operator.integers("pads", [0, 0, 0, 0])
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
    if any(p < 0 or p >= k for p, k in zip(pads, [*kernel, *kernel], strict=True)):
        raise operator.refuse(f"pads {pads} with a kernel of {list(kernel)}; each must be smaller than the kernel")
    return Window(kernel, (stride[0], stride[1]), (pads[0], pads[1], pads[2], pads[3]), (out[0], out[1]))


def pool_kernel(operator: Operator) -> Pair:
    kernel = operator.integers("kernel_shape", [])
    if len(kernel) != 2:
        raise operator.refuse(f"a kernel of {len(kernel)} extents; only two-dimensional pools are supported")
    if math.prod(kernel) > MAX_TERMS:
        raise operator.refuse(f"a kernel of {math.prod(kernel)} cells; at most {MAX_TERMS} fit 32 bits")
    return kernel[0], kernel[1]


def signed(constant: QuantizedConstant, operator: Operator) -> NDArray[np.int8]:
    """Symmetric int8 weights."""
    codes, zero = constant.codes.astype(np.int64), constant.zero.astype(np.int64)
    if constant.codes.dtype not in (np.int8, np.uint8):
        raise operator.refuse(f"weights of {constant.codes.dtype}; only int8 (and uint8 around 128) are supported")
    if constant.codes.dtype == np.uint8:
        codes, zero = codes - 128, zero - 128
    if zero.any():
        raise operator.refuse("its weights have a zero point; only symmetric weights are supported "
                              "(quantize with symmetric weights)")
    if codes.min() < -127:
        raise operator.refuse("a weight is -128; weights are -127 to 127 (quantize with symmetric weights)")
    return codes.astype(np.int8)


def scales(constant: QuantizedConstant, values: NDArray[np.int8], axis: int,
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
            whole = np.rint(whole * given.scale.reshape(-1) / units)
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


def convolution(operator: Operator, x: Stored, constant: QuantizedConstant, given_bias: object) -> Pending:
    codes = signed(constant, operator)
    if codes.ndim != 4:
        raise operator.refuse(f"weights of {codes.ndim} extents; only two-dimensional convolutions are supported")
    outputs, per_group, *kernel = codes.shape
    scale = scales(constant, codes, 0, operator)
    group = operator.integer("group", 1)
    if x.layout.is_vector:
        single = tuple(kernel) == (1, 1) and x.layout.onnx[2:] == (1, 1) and group == 1
        if not single or any(operator.integers("pads", [0])):
            raise operator.refuse("its input is a vector here; give the network's input as image or spectrogram")
        return linear_layer(operator, x, codes[:, :, 0, 0], scale, given_bias, (1, outputs, 1, 1))
    height, width, channels = x.layout.shape
    depthwise = group == channels == outputs and per_group == 1 and channels > 1
    if not depthwise and group != 1:
        raise operator.refuse(f"{group} groups over {channels} channels to {outputs}; only 1 group, or one filter a "
                              "channel (depthwise), is supported")
    place = window(operator, (kernel[0], kernel[1]), height, width)
    terms = kernel[0] * kernel[1] * (1 if depthwise else channels)
    values = codes[:, 0].transpose(1, 2, 0) if depthwise else codes.transpose(0, 2, 3, 1)
    whole = bias(operator, given_bias, outputs, scale, x.affine, terms)
    weights = Weights(np.ascontiguousarray(values), whole, scale)
    node = Node("depthwise_conv2d" if depthwise else "conv2d", (x.tensor,), operator.output,
                *_real(weights, x.affine, -1 if depthwise else 0), place.kernel, place.stride, place.padding)
    return Pending(operator.output, node, weights, Layout((*place.out, outputs), (1, outputs, *place.out)))


def linear_layer(operator: Operator, x: Stored, codes: NDArray[np.int8], scale: NDArray[np.float32],
                 given_bias: object, onnx: tuple[int, ...]) -> Pending:
    """`codes` [out, in] with its columns in ONNX's order."""
    outputs, terms = codes.shape
    if not x.layout.is_vector or x.layout.count != terms:
        raise operator.refuse(f"weights for {terms} inputs read a tensor of {x.layout.onnx[1:]}")
    values = codes if x.layout.order is None else codes[:, x.layout.order]
    whole = bias(operator, given_bias, outputs, scale, x.affine, terms)
    weights = Weights(np.ascontiguousarray(values), whole, scale)
    node = Node("linear", (x.tensor,), operator.output, *_real(weights, x.affine, 0))
    return Pending(operator.output, node, weights, Layout((outputs,), onnx))


def _real(weights: Weights, affine: Affine, axis: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias as float32, as `graphs.Node` has them."""
    return (weights.values * along(weights.scale, weights.values.ndim, axis),
            (weights.bias * (affine.scale * weights.scale)).astype(np.float32))

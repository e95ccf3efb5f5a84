"""Layers, pools, bounds and sums of the exact evaluation (`exact`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .curves import CURVES
from .graph import Operator
from .values import Array, Real, Term, plain


def _factors(x: Real, w: Real, axis: int) -> tuple[Array, Array, Array | None]:
    """What is summed, and the scale of the sums along the outputs (the weights' `axis`); None where one is float."""
    a, b = x.only, w.only
    if a.scale is None or b.scale is None or a.scale.size > 1 or a.count.size > 1:
        return x.value, w.value, None
    if a.scale.size == 1 and a.count.size == 1 and a.count.reshape(-1)[0] != 1:
        return x.value, w.value, None
    # The product of two float32 scales is rounded to float32, as the operators' own multiplier is.
    outputs, given = b.numbers.shape[axis], b.scale
    if given.size not in (1, outputs):  # spread over all weights by what moved them
        given = np.moveaxis(np.broadcast_to(given, b.numbers.shape), axis, 0).reshape(outputs, -1)[:, 0]
    scale = (a.scale.reshape(-1).astype(np.float32) * given.reshape(-1).astype(np.float32)).astype(np.float64)
    return a.numbers, b.numbers, np.broadcast_to(scale, (outputs,))


def _with_bias(sums: Array, scale: Array | None, bias: Real | None) -> Real:
    """A bias in the sum's units is added as a whole number, any other is rounded to them."""
    shape = (1, -1, *[1] * (sums.ndim - 2))
    if scale is None:
        return plain(sums if bias is None else sums + bias.value.reshape(shape))
    if bias is not None:
        term = bias.only
        units = np.ones(()) if term.scale is None else term.scale.reshape(-1)
        same = term.scale is not None and np.allclose(np.broadcast_to(units, scale.shape), scale, rtol=1e-4, atol=0)
        sums = sums + (term.numbers if same else np.rint(term.value.reshape(-1) / scale)).reshape(shape)
    return Real((Term(sums, scale.reshape(shape), sums=True),))


def conv(o: Operator, given: list) -> Real:
    x, w, scale = _factors(given[0], given[1], 0)
    bias = given[2] if len(given) > 2 else None
    if w.ndim == 3:  # over time: a map of width 1
        found = _conv_map(_in_two(o), x[..., None], w[..., None])
        return _with_bias(found[..., 0], scale, bias)
    return _with_bias(_conv_map(o, x, w), scale, bias)


def _in_two(o: Operator) -> Operator:
    """A one-dimensional layer's attributes for a map of width 1."""
    longer = {k: [*v, 1] for k, v in o.attributes.items() if k in ("strides", "dilations", "kernel_shape")}
    pads = o.integers("pads", [0, 0])
    return replace(o, attributes={**o.attributes, **longer, "pads": [pads[0], 0, pads[1], 0]})


def _conv_map(o: Operator, x: Array, w: Array) -> Array:
    group = o.integer("group", 1)
    windows = _windows(o, x, w.shape[2:], 0.0)  # [1, c, oh, ow, kh, kw]
    inputs, each = x.shape[1] // group, w.shape[0] // group
    parts = [np.einsum("bchwij,ocij->bohw", windows[:, g * inputs : (g + 1) * inputs], w[g * each : (g + 1) * each],
                       optimize=True) for g in range(group)]
    return np.concatenate(parts, 1)


def gemm(o: Operator, given: list) -> Real:
    axis = 0 if o.integer("transB", 0) else 1
    x, w, scale = _factors(given[0], given[1], axis)
    return _with_bias(x @ (w.T if axis == 0 else w), scale, given[2] if len(given) > 2 else None)


def _windows(o: Operator, x: Array, kernel: tuple[int, ...], fill: float) -> Array:
    stride, dilation = o.integers("strides", [1, 1]), o.integers("dilations", [1, 1])
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    before, after = _pads(o, x.shape[2:], reach, stride)
    padded = np.pad(x, ((0, 0), (0, 0), *zip(before, after, strict=True)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _pads(o: Operator, extents: tuple[int, ...], kernel: tuple[int, ...],
          stride: list[int]) -> tuple[list[int], list[int]]:
    pads = o.integers("pads", [0, 0, 0, 0])
    before, after = pads[:2], pads[2:]
    for axis in range(2):
        if o.attributes.get("auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER"):
            total = max((-(-extents[axis] // stride[axis]) - 1) * stride[axis] + kernel[axis] - extents[axis], 0)
            upper = o.attributes["auto_pad"] == b"SAME_UPPER"
            before[axis] = total // 2 if upper else total - total // 2
            after[axis] = total - before[axis]
        spare = extents[axis] + before[axis] + after[axis] - kernel[axis]
        over = -spare % stride[axis]
        # The last window of ceil_mode begins inside the image or the padding before it.
        begins = (spare + over) < extents[axis] + before[axis]
        if o.integer("ceil_mode", 0) and over and begins:
            after[axis] += over
    return before, after


def max_pool(o: Operator, given: list) -> Real | NDArray:
    x = given[0]
    kernel = tuple(o.integers("kernel_shape", []))
    if o.op == "GlobalMaxPool":
        kernel = (x.terms[0].numbers if isinstance(x, Real) else x).shape[2:]

    def largest(numbers: NDArray) -> Array:
        values = np.asarray(numbers, np.float64)
        if len(kernel) == 1:
            return _windows(_in_two(o), values[..., None], (*kernel, 1), -np.inf).max(axis=(4, 5))[..., 0]
        return _windows(o, values, kernel, -np.inf).max(axis=(4, 5))

    if not isinstance(x, Real):
        return largest(x).astype(x.dtype)
    # Scales go along channels here, so the largest number is the largest value.
    if len(x.terms) == 1 and x.terms[0].count.size == 1:
        return replace(x, terms=(replace(x.terms[0], numbers=largest(x.terms[0].numbers)),))
    return plain(largest(x.value))


def _mean_of(x: Real, change: Callable[[Array], Array], counted: Callable[[Array], Array] | None = None) -> Real:
    """`change` sums; the mean is the sum over the sum of ones (by `counted` where that differs)."""
    term = x.only
    count = (counted or change)(np.ones(term.value.shape))
    if term.scale is None or term.scale.size > 1:
        return plain(change(term.value) / count)
    if term.count.size > 1:
        return plain(change(term.value) / count)
    return Real((Term(change(term.numbers), term.scale.reshape(()), count * term.count.reshape(())),))


def average_pool(o: Operator, given: list) -> Real:
    kernel = tuple(o.integers("kernel_shape", []))
    if len(kernel) == 1:
        found = average_pool(_in_two(o), [_widened(given[0])])
        return Real((found.terms[0].moved(lambda a: a[..., 0]),))

    def total(x: Array) -> Array:
        return _windows(o, x, kernel, 0.0).sum(axis=(4, 5))

    def cells(x: Array) -> Array:
        return _windows(o, x, kernel, 1.0).sum(axis=(4, 5))

    return _mean_of(given[0], total, cells if o.integer("count_include_pad", 0) else None)


def _widened(x: Real) -> Real:
    term = x.only
    return Real((replace(term, numbers=term.numbers[..., None]),))


def mean(o: Operator, given: list) -> Real:
    axes: tuple[int, ...] = tuple(range(2, given[0].terms[0].numbers.ndim))
    if o.op == "ReduceMean":
        axes = _axes(o, given)
    keep = bool(o.integer("keepdims", 1)) or o.op == "GlobalAveragePool"
    return _mean_of(given[0], lambda x: x.sum(axis=axes, keepdims=keep))


def _axes(o: Operator, given: list) -> tuple[int, ...]:
    return tuple(int(a) for a in given[1].reshape(-1)) if len(given) > 1 else tuple(o.integers("axes", []))


def reduce_sum(o: Operator, given: list) -> Real:
    term, axes, keep = given[0].only, _axes(o, given), bool(o.integer("keepdims", 1))
    if not term.is_code:
        return plain(term.value.sum(axis=axes, keepdims=keep))
    return Real((Term(term.numbers.sum(axis=axes, keepdims=keep), term.scale, sums=True),))


def reduce_max(o: Operator, given: list) -> Real | NDArray:
    x, axes, keep = given[0], _axes(o, given), bool(o.integer("keepdims", 1))
    if not isinstance(x, Real):
        return x.max(axis=axes, keepdims=keep)
    if len(x.terms) == 1 and x.terms[0].count.size == 1 and (x.terms[0].scale is None or x.terms[0].scale.size == 1):
        return replace(x, terms=(replace(x.terms[0], numbers=x.terms[0].numbers.max(axis=axes, keepdims=keep)),))
    return plain(x.value.max(axis=axes, keepdims=keep))


def larger(o: Operator, given: list) -> Real:
    """Max and Min of a tensor and constants of one number."""
    found, *others = sorted(given, key=lambda g: -g.value.size)
    for number in (float(other.value.reshape(-1)[0]) for other in others):
        found = _bounded(found, *((number, np.inf) if o.op == "Max" else (-np.inf, number)))
    return found


def add(o: Operator, given: list) -> Real:
    """Two tensors; or a layer without bias and its bias."""
    for a, b in (given, given[::-1]):
        term = a.only
        if term.sums and term.scale is not None and b.value.size in (1, term.scale.size):
            return _with_bias(term.numbers, term.scale.reshape(-1), Real((b.only.moved(lambda v: v.reshape(-1)),)))
    shape = np.broadcast_shapes(*(g.value.shape for g in given))
    return Real(tuple(g.only.moved(lambda v: np.broadcast_to(v, shape)) for g in given))


def subtract(o: Operator, given: list) -> Real:
    term = given[1].only
    return add(o, [given[0], Real((replace(term, numbers=-term.numbers, sums=False),))])


def negate(o: Operator, given: list) -> Real:
    term = given[0].only
    return Real((replace(term, numbers=-term.numbers),))


def multiply(o: Operator, given: list) -> Real:
    """Two tensors; or one and a constant, whose product with a scale is rounded to float32 as the engine's own is."""
    a, b = given
    if o.op == "Mul" and a.only.is_code and b.only.is_code:
        x, y = a.only, b.only
        scale = x.scale.reshape(()).astype(np.float32) * y.scale.reshape(()).astype(np.float32)
        return Real((Term(x.numbers * y.numbers, scale.astype(np.float64)),))
    if a.value.ndim < b.value.ndim or a.value.size < b.value.size:
        a, b = b, a
    if a.value.shape != np.broadcast_shapes(a.value.shape, b.value.shape):
        return plain(a.value * (b.value if o.op == "Mul" else 1 / b.value))
    factor = b.value if o.op == "Mul" else 1 / b.value
    term = a.only
    if term.scale is None:
        return plain(a.value * factor)
    sign = np.where(factor < 0, -1.0, 1.0)
    scale = term.scale.astype(np.float32) * np.abs(factor).astype(np.float32)
    return Real((Term(term.numbers * sign, scale.astype(np.float64), term.count),))


def normalize(o: Operator, given: list) -> Real:
    x = given[0].value
    shape = (1, -1, *[1] * (x.ndim - 2))
    gain, offset, middle, variance = (g.value.reshape(shape) for g in given[1:5])
    gain = gain / np.sqrt(variance + float(o.attributes.get("epsilon", 1e-5)))
    gain = np.where(gain == 0, 1e-12, gain)
    term = given[0].only
    if not term.sums or term.scale is None:
        return plain(x * gain + (offset - middle * gain))
    # Folded into the layer: its scales take the factor, the offset is rounded to its steps.
    scale = (term.scale.astype(np.float32) * np.abs(gain).astype(np.float32)).astype(np.float64)
    numbers = term.numbers * np.sign(gain) + np.rint((offset - middle * gain) / scale)
    return Real((Term(numbers, scale),))


def curve(o: Operator, given: list) -> Real:
    """A function of one number, of the float32 that a DequantizeLinear gives."""
    x = given[0].value.astype(np.float32).astype(np.float64)
    if o.op == "Pow":
        return plain(np.power(x, given[1].value.reshape(())))
    if o.op == "PRelu":
        return plain(np.where(x < 0, x * given[1].value, x))
    return plain(CURVES[o.op](o, x))


def _bounded(x: Real, low: float, high: float) -> Real:
    if low == 0 and high == np.inf and len(x.terms) == 1 and x.low == -np.inf and x.high == np.inf:
        return Real((replace(x.terms[0], numbers=np.maximum(x.terms[0].numbers, 0)),))  # scales are above 0
    return replace(x, low=min(max(x.low, low), high), high=max(min(x.high, high), low))


def relu(o: Operator, given: list) -> Real | NDArray:
    return _bounded(given[0], 0.0, np.inf) if isinstance(given[0], Real) else np.maximum(given[0], 0)


def clip(o: Operator, given: list) -> Real | NDArray:
    if not isinstance(given[0], Real):
        low, high = [*given[1:], None, None][:2]
        return np.clip(given[0], low, high)
    found = []
    for index, key, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        there = len(given) > index and given[index] is not None
        found.append(float(given[index].value.reshape(-1)[0] if there else o.attributes.get(key, default)))
    return _bounded(given[0], found[0], found[1])

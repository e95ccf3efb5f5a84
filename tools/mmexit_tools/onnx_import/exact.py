"""Evaluates a graph of QuantizeLinear/DequantizeLinear pairs with exact sums, as the yardstick for what is imported.

It knows nothing of the engine or of the importer: values keep ONNX's layout, a dequantized value keeps its whole
numbers beside its scale, and a layer over two of them sums whole numbers (exact in float64). Where a sum is rounded,
its scales are multiplied in float32 as ONNX's integer operators do (QLinearConv: sum * (input scale * weight scale /
output scale)), or in float64 on demand. Layers over float values are computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .graph import OnnxGraph, Operator, along, fold_constant

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """numbers * scale / count; without a scale, a real number as it is. The arrays go together."""

    numbers: Array
    scale: Array | None = None
    count: Array = field(default_factory=lambda: np.ones(()))

    @property
    def value(self) -> Array:
        return self.numbers if self.scale is None else self.numbers * self.scale / self.count

    def over(self, scale: Array, kind: DTypeLike) -> NDArray:
        """The value in units of `scale`, in float32 or float64."""
        numbers, out = self.numbers.astype(kind), scale.astype(kind)
        if self.scale is None:
            return numbers / out
        return numbers * (self.scale.astype(kind) / out / self.count.astype(kind))

    def moved(self, change: Callable[[NDArray], NDArray]) -> Term:
        """Every array through a change of places."""
        full = [None if a is None else change(np.broadcast_to(a, self.numbers.shape))
                for a in (self.numbers, self.scale, self.count)]
        return Term(*full)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Real:
    """The sum of its terms, between bounds."""

    terms: tuple[Term, ...]
    low: float = -np.inf
    high: float = np.inf

    @property
    def value(self) -> Array:
        return np.clip(sum(t.value for t in self.terms), self.low, self.high)

    def over(self, scale: Array, kind: DTypeLike) -> NDArray:
        parts = [t.over(scale, kind) for t in self.terms]
        total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return np.clip(total, self.low / scale, self.high / scale)

    @property
    def only(self) -> Term:
        """One term for the whole value."""
        free = self.low == -np.inf and self.high == np.inf
        return self.terms[0] if len(self.terms) == 1 and free else Term(self.value)


def plain(value: NDArray) -> Real:
    return Real((Term(np.asarray(value, np.float64)),))


def evaluate(graph: OnnxGraph, feed: Mapping[str, NDArray],
             kind: DTypeLike = np.float32) -> dict[str, Real | NDArray]:
    """Every value of the graph: a `Real`, or the whole numbers of a quantized one.

    `feed`: inputs, batch first. `kind`: in which type scales are multiplied where a value is rounded.
    """
    values: dict[str, Real | NDArray] = {}
    for name, array in graph.constants.items():
        values[name] = plain(array) if array.dtype == np.float32 else array
    for name, given_kind, _ in graph.inputs:
        values[name] = plain(feed[name]) if given_kind == "float32" else feed[name]
    constants = dict(graph.constants)
    for operator in graph.operators:
        folded = fold_constant(operator, constants)
        given = [values[i] if i else None for i in operator.inputs]
        if folded is not None:
            constants[operator.output] = folded
            values[operator.output] = plain(folded) if folded.dtype == np.float32 else folded
        elif operator.op == "QuantizeLinear":
            values[operator.output] = _quantize(given, kind)
        else:
            values[operator.output] = EVALUATE[operator.op](operator, given)
    return values


def _quantize(given: list, kind: DTypeLike) -> NDArray:
    zero = given[2] if len(given) > 2 and given[2] is not None else np.zeros((), np.uint8)
    bounds = np.iinfo(zero.dtype)
    q = np.rint(given[0].over(given[1].value, kind)).astype(np.float64) + zero.astype(np.float64)
    return np.clip(q, bounds.min, bounds.max).astype(zero.dtype)


def _dequantize(o: Operator, given: list) -> Real:
    q, scale = given[0], np.asarray(given[1].value)
    zero = given[2] if len(given) > 2 and given[2] is not None else np.zeros(())
    axis = o.integer("axis", 1)
    whole = q.astype(np.float64) - along(zero.astype(np.float64), q.ndim, axis)
    return Real((Term(whole, along(scale, q.ndim, axis)),))


def _factors(x: Real, w: Real, outputs: int) -> tuple[Array, Array, Array | None]:
    """What is summed, and the scale of the sums along the outputs (weights: axis 0); None where one is float."""
    a, b = x.only, w.only
    if a.scale is None or b.scale is None or a.scale.size > 1 or a.count.size > 1:
        return x.value, w.value, None
    # The product of two float32 scales is rounded to float32, as the operators' own multiplier is.
    scale = (a.scale.astype(np.float32) * b.scale.astype(np.float32)).astype(np.float64)
    return a.numbers, b.numbers, np.broadcast_to(scale.reshape(-1), (outputs,))


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
    return Real((Term(sums, scale.reshape(shape)),))


def _conv(o: Operator, given: list) -> Real:
    outputs = given[1].value.shape[0]
    x, w, scale = _factors(given[0], given[1], outputs)
    group = o.integer("group", 1)
    windows = _windows(o, x, w.shape[2:], 0.0)  # [1, c, oh, ow, kh, kw]
    inputs, each = x.shape[1] // group, outputs // group
    parts = [np.einsum("bchwij,ocij->bohw", windows[:, g * inputs : (g + 1) * inputs], w[g * each : (g + 1) * each],
                       optimize=True) for g in range(group)]
    return _with_bias(np.concatenate(parts, 1), scale, given[2] if len(given) > 2 else None)


def _gemm(o: Operator, given: list) -> Real:
    axis = 0 if o.integer("transB", 0) else 1
    x, w, scale = _factors(given[0], given[1], given[1].value.shape[axis])
    return _with_bias(x @ (w.T if axis == 0 else w), scale, given[2] if len(given) > 2 else None)


def _windows(o: Operator, x: Array, kernel: tuple[int, ...], fill: float) -> Array:
    stride = o.integers("strides", [1, 1])
    before, after = _pads(o, x.shape[2:], kernel, stride)
    padded = np.pad(x, ((0, 0), (0, 0), *zip(before, after, strict=True)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1]]


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


def _max_pool(o: Operator, given: list) -> Real | NDArray:
    x = given[0]
    kernel = tuple(o.integers("kernel_shape", []))

    def largest(numbers: NDArray) -> Array:
        return _windows(o, np.asarray(numbers, np.float64), kernel, -np.inf).max(axis=(4, 5))

    if not isinstance(x, Real):
        return largest(x).astype(x.dtype)
    # Scales go along channels here, so the largest number is the largest value.
    if len(x.terms) == 1 and x.terms[0].count.size == 1:
        return replace(x, terms=(replace(x.terms[0], numbers=largest(x.terms[0].numbers)),))
    return plain(largest(x.value))


def _mean_of(x: Real, change: Callable[[Array], Array]) -> Real:
    """`change` sums; the mean is the sum over the sum of ones."""
    term = x.only
    count = change(np.ones(term.value.shape))
    if term.scale is None or term.scale.size > 1:
        return plain(change(term.value) / count)
    return Real((Term(change(term.numbers), term.scale.reshape(()), count),))


def _average_pool(o: Operator, given: list) -> Real:
    kernel = tuple(o.integers("kernel_shape", []))
    return _mean_of(given[0], lambda x: _windows(o, x, kernel, 0.0).sum(axis=(4, 5)))


def _mean(o: Operator, given: list) -> Real:
    keep = bool(o.integer("keepdims", 1)) or o.op == "GlobalAveragePool"
    return _mean_of(given[0], lambda x: x.sum(axis=(2, 3), keepdims=keep))


def _add(o: Operator, given: list) -> Real:
    """Two tensors; or a layer without bias and its bias."""
    a, b = given
    if b.value.size < a.value.size:
        term = a.only
        scale = None if term.scale is None else term.scale.reshape(-1)
        return _with_bias(term.numbers if scale is not None else a.value, scale, b)
    return Real((a.only, b.only))


def _bounded(x: Real, low: float, high: float) -> Real:
    if low == 0 and high == np.inf and len(x.terms) == 1 and x.low == -np.inf and x.high == np.inf:
        return Real((replace(x.terms[0], numbers=np.maximum(x.terms[0].numbers, 0)),))  # scales are above 0
    return replace(x, low=min(max(x.low, low), high), high=max(min(x.high, high), low))


def _relu(o: Operator, given: list) -> Real:
    return _bounded(given[0], 0.0, np.inf)


def _clip(o: Operator, given: list) -> Real:
    found = []
    for index, key, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        there = len(given) > index and given[index] is not None
        found.append(float(given[index].value.reshape(-1)[0] if there else o.attributes.get(key, default)))
    return _bounded(given[0], found[0], found[1])


def _concat(o: Operator, given: list) -> Real:
    axis = o.integer("axis", 1)
    terms = [g.only for g in given]
    if any(t.scale is None for t in terms):
        return plain(np.concatenate([t.value for t in terms], axis))
    full = [[np.broadcast_to(a, t.numbers.shape) for t in terms for a in [getattr(t, key)]]
            for key in ("numbers", "scale", "count")]
    return Real((Term(*(np.concatenate(f, axis) for f in full)),))


def _shaped(change: Callable[[Operator, NDArray, list], NDArray]) -> Callable:
    """An operator that moves values without changing them, on whole numbers and reals alike."""

    def apply(o: Operator, given: list) -> Real | NDArray:
        x = given[0]
        if not isinstance(x, Real):
            return change(o, x, given)
        moved = []
        for term in x.terms:
            one = term.scale is None or term.scale.size == 1
            if one and term.count.size == 1:
                scale = None if term.scale is None else term.scale.reshape(())
                moved.append(Term(change(o, term.numbers, given), scale, term.count.reshape(())))
            else:
                moved.append(term.moved(lambda a: change(o, a, given)))
        return replace(x, terms=tuple(moved))

    return apply


def _flatten(o: Operator, x: NDArray, given: list) -> NDArray:
    axis = o.integer("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _reshape(o: Operator, x: NDArray, given: list) -> NDArray:
    return x.reshape([x.shape[i] if n == 0 else int(n) for i, n in enumerate(given[1].reshape(-1))])


def _axes(o: Operator, given: list) -> tuple[int, ...]:
    given_axes = given[1].reshape(-1) if len(given) > 1 and given[1] is not None else o.integers("axes", [])
    return tuple(int(a) for a in given_axes)


def _softmax(o: Operator, given: list) -> Real:
    x = given[0].value
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return plain(e / e.sum(axis=1, keepdims=True))


def _same(o: Operator, given: list) -> Real | NDArray:
    return given[0]


EVALUATE: Mapping[str, Callable[[Operator, list], Real | NDArray]] = {
    "DequantizeLinear": _dequantize, "Conv": _conv, "Gemm": _gemm, "MatMul": _gemm,
    "Add": _add, "MaxPool": _max_pool, "AveragePool": _average_pool, "GlobalAveragePool": _mean, "ReduceMean": _mean,
    "Relu": _relu, "Clip": _clip, "Concat": _concat, "Flatten": _shaped(_flatten), "Reshape": _shaped(_reshape),
    "Squeeze": _shaped(lambda o, x, g: x.squeeze(_axes(o, g) or None)),
    "Unsqueeze": _shaped(lambda o, x, g: np.expand_dims(x, _axes(o, g))),
    "Identity": _same, "Dropout": _same, "Softmax": _softmax,
}

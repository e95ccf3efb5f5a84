"""What moves values without changing them in the exact evaluation (`exact`)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .graph import Operator
from .values import Real, Term, plain


def concat(o: Operator, given: list) -> Real | NDArray:
    axis = o.integer("axis", 1)
    if not all(isinstance(g, Real) for g in given):
        return np.concatenate(given, axis)
    terms = [g.only for g in given]
    if any(t.scale is None for t in terms):
        return plain(np.concatenate([t.value for t in terms], axis))
    full = [[np.broadcast_to(a, t.numbers.shape) for t in terms for a in [getattr(t, key)]]
            for key in ("numbers", "scale", "count")]
    return Real((Term(*(np.concatenate(f, axis) for f in full)),))


def shaped(change: Callable[[Operator, NDArray, list], NDArray]) -> Callable:
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


def flatten(o: Operator, x: NDArray, given: list) -> NDArray:
    axis = o.integer("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def reshape(o: Operator, x: NDArray, given: list) -> NDArray:
    return x.reshape([x.shape[i] if n == 0 else int(n) for i, n in enumerate(given[1].reshape(-1))])


def expand(o: Operator, x: NDArray, given: list) -> NDArray:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(int(n) for n in given[1].reshape(-1))))


def space_to_depth(o: Operator, x: NDArray, given: list) -> NDArray:
    size = o.integer("blocksize", 1)
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // size, size, w // size, size).transpose(0, 3, 5, 1, 2, 4)
    return blocks.reshape(n, c * size * size, h // size, w // size)


def axes(o: Operator, given: list) -> tuple[int, ...]:
    given_axes = given[1].reshape(-1) if len(given) > 1 and given[1] is not None else o.integers("axes", [])
    return tuple(int(a) for a in given_axes)


def transpose(o: Operator, x: NDArray, given: list) -> NDArray:
    return x.transpose(o.integers("perm", list(range(x.ndim))[::-1]))


def pad(o: Operator, given: list) -> Real | NDArray:
    """Zeros: of a quantized value the code that the graph gives."""
    x = given[0]
    shape = x.value.shape if isinstance(x, Real) else x.shape
    amounts = _whole(o, given, 1, "pads")
    axes = [a % len(shape) for a in _whole(o, given, 3, "axes")] or list(range(len(shape)))
    widths = [(0, 0)] * len(shape)
    for i, axis in enumerate(axes):
        widths[axis] = (amounts[i], amounts[i + len(axes)])
    bounds = tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(widths, shape, strict=True))
    wide = [(max(b, 0), max(a, 0)) for b, a in widths]
    filling = given[2] if len(given) > 2 and given[2] is not None else None
    if not isinstance(x, Real):
        return np.pad(x[bounds], wide, constant_values=0 if filling is None else filling.reshape(-1)[0])
    term = x.only
    if term.scale is not None and term.scale.size == 1 and term.count.size == 1:
        return Real((replace(term, numbers=np.pad(term.numbers[bounds], wide)),))
    return plain(np.pad(x.value[bounds], wide))


def cut(o: Operator, x: NDArray, given: list) -> NDArray:
    starts, ends = _whole(o, given, 1, "starts"), _whole(o, given, 2, "ends")
    axes, steps = _whole(o, given, 3, "axes") or list(range(len(starts))), _whole(o, given, 4, "steps")
    place = [slice(None)] * x.ndim
    for i, axis in enumerate(axes):
        place[axis] = slice(starts[i], None if ends[i] < -x.shape[axis] else ends[i], steps[i] if steps else 1)
    return x[tuple(place)]


def gather(o: Operator, x: NDArray, given: list) -> NDArray:
    return np.take(x, given[1].astype(np.int64), axis=o.integer("axis", 0))


def split(o: Operator, given: list) -> list[Real | NDArray]:
    axis, count = o.integer("axis", 0), len(o.outputs)
    extent = (given[0].value if isinstance(given[0], Real) else given[0]).shape[axis]
    each = -(-extent // count)
    sizes = _whole(o, given, 1, "split") or [min(each, extent - i * each) for i in range(count)]
    ends = np.cumsum([0, *sizes])
    return [shaped(lambda o, x, g, a=a, b=b: np.take(x, np.arange(a, b), axis))(o, given)
            for a, b in itertools.pairwise(ends)]


def _whole(o: Operator, given: list, index: int, key: str) -> list[int]:
    """Numbers from an input or, in older operator sets, from an attribute."""
    if len(given) > index and given[index] is not None:
        return [int(v) for v in np.ravel(given[index])]
    return o.integers(key, [])

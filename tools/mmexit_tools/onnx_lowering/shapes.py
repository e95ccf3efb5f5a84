"""Operators that move values without changing them: concatenation, reshapes, transposes, cuts, zeros around a map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.graphs import Node, flatten_permutation
from ..onnx_graph.graph import Operator
from ..quantize.quantization import Weights
from .channelwise import moved
from .codes import code
from .lowering import Lowering, Translate
from .values import CodesInput, Curve, Layout, Padded, Pending, Probabilities, QuantizedConstant, Stored, Value


def concat(work: Lowering, operator: Operator) -> Value:
    parts = [work.stored(operator, i) for i in range(len(operator.inputs))]
    first = parts[0].layout
    rank = len(first.onnx)
    wanted = rank - 1 if first.last else 1
    if operator.integer("axis", 1) % rank != wanted or any(p.layout.bands for p in parts):
        raise operator.refuse(f"joins along axis {operator.integer('axis', 1)}; only channels (axis {wanted}) "
                              "are supported")
    if len(parts) > 64 or any(p.layout.shape[:-1] != first.shape[:-1] or p.layout.last != first.last for p in parts):
        raise operator.refuse("joins more than 64 tensors, or some that differ in more than their channels")
    widths = [p.layout.shape[-1] for p in parts]
    order = None
    if any(p.layout.order is not None for p in parts):
        starts = np.cumsum([0, *widths[:-1]])
        order = np.concatenate([s + (np.arange(w) if p.layout.order is None else p.layout.order)
                                for p, s, w in zip(parts, starts, widths, strict=True)])
    onnx = tuple(sum(widths) if i == wanted else n for i, n in enumerate(first.onnx))
    layout = Layout((*first.shape[:-1], sum(widths)), onnx, order, first.last)
    node = Node("concat", tuple(p.tensor for p in parts), operator.output)
    if operator.output in work.codes:
        if any(p.affine != parts[0].affine for p in parts):
            raise operator.refuse("joins codes of different scales or zero points; join what DequantizeLinear gives")
        return work.emit(node, parts[0].affine, layout)
    return Pending(operator.output, node, None, layout)


# Other extents of the same values


def reshape(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if isinstance(value, Probabilities):
        return value
    if isinstance(value, QuantizedConstant):
        return _constant_extents(work, operator, value)
    here = work.layout(operator)
    wanted = _extents(work, operator, here)
    if math.prod(wanted) != math.prod(here.onnx):
        raise operator.refuse(f"from {list(here.onnx)} to {list(wanted)}: not as many elements")
    if wanted == here.onnx:
        return value
    if here.is_vector and max(wanted) == here.count:
        return _renamed(value, replace(here, onnx=wanted))
    if not here.is_vector and _woven(here, wanted):
        return _renamed(work.stored(operator), replace(here, onnx=wanted))
    if here.is_vector or max(wanted) != here.count:
        raise operator.refuse(f"from {list(here.onnx)} to {list(wanted)}; only to [1, n] is supported")
    node = Node("flatten", (), operator.output)
    return work.keep(operator, node, Layout((here.count,), wanted, _flat_order(here)))


def _woven(here: Layout, wanted: tuple[int, ...]) -> bool:
    """Between [1, channels, height, width] and [1, groups, channels of each, height, width]."""
    if here.last or here.bands or len(wanted) not in (4, 5):
        return False
    height, width, channels = here.shape
    grouped = (1, wanted[1], channels // max(wanted[1], 1), height, width)
    return wanted in (grouped, (1, channels, height, width)) and len(here.onnx) + len(wanted) in (9, 10)


def _flat_order(here: Layout) -> NDArray[np.int64] | None:
    height, width, channels = here.shape
    if here.bands:
        return np.arange(height * width).reshape(width, height).T.reshape(-1)
    return None if height * width == 1 or channels == 1 or here.last else flatten_permutation(here.shape)


def _renamed(value: Value, layout: Layout) -> Value:
    """The same values under other ONNX extents."""
    match value:
        case Stored():
            return replace(value, layout=layout)
        case Curve(source=source, wide=None):
            return replace(value, source=replace(source, layout=layout))
        case Pending(posts=()):
            return replace(value, made=layout)
        case Pending():
            return replace(value, posts=(*value.posts[:-1], (value.posts[-1][0], layout)))
    return value


def _extents(work: Lowering, operator: Operator, here: Layout) -> tuple[int, ...]:
    onnx = here.onnx
    if operator.op == "Flatten":
        axis = operator.integer("axis", 1) % (len(onnx) + 1)
        return math.prod(onnx[:axis]), math.prod(onnx[axis:])
    given = work.constant(operator, 1) if operator.input(1) else None
    if operator.op == "Reshape":
        if given is None:
            raise operator.refuse("its shape is absent")
        wanted = [onnx[i] if n == 0 and i < len(onnx) else int(n) for i, n in enumerate(given.reshape(-1))]
        known = math.prod(n for n in wanted if n != -1)
        return tuple(math.prod(onnx) // max(known, 1) if n == -1 else n for n in wanted)
    axes = operator.attributes.get("axes") if given is None else given.reshape(-1)
    if operator.op == "Squeeze":
        gone = {int(a) % len(onnx) for a in axes} if axes is not None else {  # type: ignore[union-attr]
            i for i, n in enumerate(onnx) if n == 1}
        return tuple(n for i, n in enumerate(onnx) if i not in gone)
    rank = len(onnx) + len(axes)  # type: ignore[arg-type]
    new = {int(a) % rank for a in axes}  # type: ignore[union-attr]
    rest = iter(onnx)
    return tuple(1 if i in new else next(rest) for i in range(rank))


def _constant_extents(work: Lowering, operator: Operator, value: QuantizedConstant) -> Value:
    here = value.codes.shape
    wanted = _extents(work, operator, Layout(here, here))
    if value.scale.size == 1 and value.zero.size == 1:
        return replace(value, codes=value.codes.reshape(wanted))
    # The axis that counts the scales is the one of as many places with as much behind it.
    old = value.axis % len(here)
    behind = math.prod(here[old + 1 :])
    axis = next((i for i, n in enumerate(wanted) if n == here[old] and math.prod(wanted[i + 1 :]) == behind), None)
    if axis is None:
        raise operator.refuse(f"reshapes weights from {list(here)} to {list(wanted)}, across the axis of their "
                              f"scales ({old}); reshape them before quantizing")
    return replace(value, codes=value.codes.reshape(wanted), axis=axis)


def transpose(work: Lowering, operator: Operator) -> Value:
    value = work.value(operator, 0)
    if isinstance(value, QuantizedConstant):
        perm = operator.integers("perm", list(range(value.codes.ndim))[::-1])
        axis = perm.index(value.axis % value.codes.ndim)
        return replace(value, codes=value.codes.transpose(perm), axis=axis)
    here = work.layout(operator)
    perm = operator.integers("perm", list(range(len(here.onnx)))[::-1])
    onnx = tuple(here.onnx[i] for i in perm)
    if len(perm) == 3 and perm == [0, 2, 1] and here.last:  # [1, frames, bands], as the engine has a sound
        return _turned(work, operator, value, replace(here, onnx=onnx, last=False))
    if perm == list(range(len(perm))) or here.is_vector:
        return value if onnx == here.onnx else _renamed(value, replace(here, onnx=onnx))
    if len(perm) == 4 and perm == ([0, 3, 1, 2] if here.last else [0, 2, 3, 1]):
        return _turned(work, operator, value, replace(here, onnx=onnx, last=not here.last))
    if len(perm) == 5 and perm == [0, 2, 1, 3, 4]:
        index = np.arange(here.shape[2]).reshape(here.onnx[1:3]).T.reshape(-1)
        return selected(work, operator, work.stored(operator), index, replace(here, onnx=onnx))
    raise operator.refuse(f"perm {perm} of {list(here.onnx)}; between [1, height, width, channels] (NHWC) and "
                          "[1, channels, height, width], and of groups of channels, is supported")


def _turned(work: Lowering, operator: Operator, value: Value, layout: Layout) -> Value:
    if isinstance(value, Padded):
        value = work.stored(operator)
    if isinstance(value, CodesInput):
        return replace(value, made=layout)
    return _renamed(value, layout)


# Parts


def selected(work: Lowering, operator: Operator, x: Stored, index: NDArray, layout: Layout, part: int = 0) -> Stored:
    """Channels by number: a layer of one weight of 1 an output, which keeps every code."""
    count = x.layout.shape[-1]
    values = np.zeros((len(index), count), np.int8)
    values[np.arange(len(index)), index] = 1
    weights = Weights(values, np.zeros(len(index), np.int32), np.ones(len(index), np.float32))
    name = f"{operator.outputs[part]}.selected"
    if x.layout.is_vector:
        node = Node("linear", (x.tensor,), name, values.astype(np.float32), weights.bias.astype(np.float32))
    else:
        weights = replace(weights, values=values[:, None, None, :])
        node = Node("conv2d", (x.tensor,), name, weights.values.astype(np.float32), weights.bias.astype(np.float32))
    return work.emit(node, x.affine, layout, weights)


def _channel_axis(layout: Layout) -> int:
    return len(layout.onnx) - 1 if layout.last else 1


def _narrowed(work: Lowering, operator: Operator, x: Stored, index: NDArray, part: int = 0) -> Stored:
    """`index`: of channels in ONNX's order."""
    layout = x.layout
    onnx = tuple(len(index) if i == _channel_axis(layout) else n for i, n in enumerate(layout.onnx))
    if layout.order is not None:
        index = np.argsort(layout.order)[index]
    return selected(work, operator, x, index, Layout((*layout.shape[:-1], len(index)), onnx, last=layout.last), part)


def cut(work: Lowering, operator: Operator) -> Value:
    """Slice along height, width and channels; channels backwards too."""
    x = work.stored(operator)
    rank = len(x.layout.onnx)
    parts = [work.constant(operator, i) if operator.input(i) else operator.attributes.get(key)
             for i, key in ((1, "starts"), (2, "ends"), (3, "axes"), (4, "steps"))]
    starts, ends, axes, steps = ([int(v) for v in np.ravel(p)] if p is not None else None for p in parts)
    if starts is None or ends is None:
        raise operator.refuse("its bounds are absent")
    cells = {a: list(range(n)) for a, n in enumerate(x.layout.onnx)}
    for i, axis in enumerate(axes or range(len(starts))):
        extent = x.layout.onnx[axis % rank]
        cells[axis % rank] = list(range(extent)[slice(starts[i], None if ends[i] < -extent else ends[i],
                                                      steps[i] if steps else 1)])
    if not all(cells.values()):
        raise operator.refuse("leaves nothing")
    channel = _channel_axis(x.layout)
    if len(cells[channel]) != x.layout.onnx[channel] or cells[channel][0] != 0:
        if x.layout.bands:
            raise operator.refuse("cuts bands of a sound; leave them out of the features")
        x = _narrowed(work, operator, x, np.array(cells[channel]))
    return x if x.layout.is_vector else _cropped(work, operator, x, cells, channel)


def _cropped(work: Lowering, operator: Operator, x: Stored, cells: Mapping[int, list[int]], channel: int) -> Stored:
    others = [a for a in range(1, len(x.layout.onnx)) if a != channel]
    if x.layout.bands or len(others) not in (1, 2):
        raise operator.refuse("cuts a sound's frames or bands; leave them out of the features")
    before, after, stride = [0, 0], [0, 0], [1, 1]
    for place, axis in enumerate(others):
        extent, here = x.layout.onnx[axis], cells[axis]
        step = here[1] - here[0] if len(here) > 1 else 1
        if step < 1:
            raise operator.refuse("turns a map around; only channels can be read backwards")
        before[place], after[place], stride[place] = -here[0], here[-1] + 1 - extent, step
    if not any(before + after) and stride == [1, 1]:
        return x
    out = [len(cells[a]) for a in others] + [1] * (2 - len(others))
    onnx = tuple(len(cells[i]) if i in others else n for i, n in enumerate(x.layout.onnx))
    return moved(work, operator, x, (before[0], before[1]), (after[0], after[1]),
                 Layout((out[0], out[1], x.layout.shape[2]), onnx, last=x.layout.last), (stride[0], stride[1]))


def space_to_depth(work: Lowering, operator: Operator) -> Value:
    """Blocks of cells as channels: a convolution of one weight of 1 an output."""
    height, width, channels = work.map(operator)
    x, size = work.stored(operator), operator.integer("blocksize", 1)
    if height % size or width % size or x.layout.bands:
        raise operator.refuse(f"blocks of {size} over {list(x.layout.onnx)}")
    values = np.zeros((size, size, channels, size, size, channels), np.int8)
    for row, column, channel in np.ndindex(size, size, channels):
        values[row, column, channel, row, column, channel] = 1
    outputs = size * size * channels
    weights = Weights(values.reshape(outputs, size, size, channels), np.zeros(outputs, np.int32),
                      np.ones(outputs, np.float32))
    node = Node("conv2d", (x.tensor,), operator.output, weights.values.astype(np.float32),
                weights.bias.astype(np.float32), (size, size), (size, size))
    return work.emit(node, x.affine, x.layout.resized((height // size, width // size), outputs), weights)


def split(work: Lowering, operator: Operator) -> list[Value]:
    """One tensor an output."""
    x = work.stored(operator)
    rank = len(x.layout.onnx)
    axis = operator.integer("axis", 0) % rank
    given = work.constant(operator, 1) if operator.input(1) else operator.attributes.get("split")
    count = len(operator.outputs)
    each = -(-x.layout.onnx[axis] // count)
    sizes = [int(n) for n in np.ravel(given)] if given is not None else [
        min(each, x.layout.onnx[axis] - i * each) for i in range(count)]
    if axis != _channel_axis(x.layout) or x.layout.bands:
        raise operator.refuse(f"along axis {axis}; only channels (axis {_channel_axis(x.layout)}) are supported")
    starts = np.cumsum([0, *sizes])
    return [_narrowed(work, operator, x, np.arange(starts[i], starts[i + 1]), i) for i in range(count)]


def gather(work: Lowering, operator: Operator) -> Value:
    x, index = work.stored(operator), work.constant(operator, 1)
    axis = operator.integer("axis", 0) % len(x.layout.onnx)
    if index is None or index.ndim != 1 or axis != _channel_axis(x.layout) or x.layout.bands:
        raise operator.refuse("only a constant list of channels can be gathered")
    return _narrowed(work, operator, x, index.astype(np.int64) % x.layout.onnx[axis])


def pad(work: Lowering, operator: Operator) -> Value:
    """Zeros around a map: the padding of the convolution that reads it, else a layer of their own."""
    height, width, channels = work.map(operator)
    layout = work.layout(operator)
    if operator.attributes.get("mode", b"constant") != b"constant":
        raise operator.refuse(f"mode {operator.attributes['mode']!r}; only zeros are supported")
    filling = work.value(operator, 2) if operator.input(2) else operator.attributes.get("value", 0.0)
    filling = filling.value if isinstance(filling, QuantizedConstant) else np.asarray(filling, np.float64)
    if operator.input(0) in work.codes:
        x = work.stored(operator)
        if code(filling, work.codes[operator.input(0)]) != x.affine.zero_point:
            raise operator.refuse(f"fills codes with {filling.reshape(-1)[0]:g}, which is not the zero point; only "
                                  "zeros are supported")
    elif filling.any():
        raise operator.refuse(f"fills with {filling.reshape(-1)[0]:g}; only zeros are supported")
    given = work.constant(operator, 1) if operator.input(1) else np.array(operator.integers("pads", []))
    numbers = [int(v) for v in given.reshape(-1)] if given is not None else []
    rank = len(layout.onnx)
    axes = [int(a) % rank for a in work.constant(operator, 3).reshape(-1)] if operator.input(3) else list(range(rank))
    before, after = [0] * 4, [0] * 4
    for i, axis in enumerate(axes):
        before[axis], after[axis] = numbers[i], numbers[i + len(axes)]
    if before[0] or after[0] or before[1] or after[1]:
        raise operator.refuse("pads channels; only height and width are supported")
    top, left, bottom, right = before[2], before[3], after[2], after[3]
    made = layout.resized((height + top + bottom, width + left + right), channels)
    if min(top, left, bottom, right) < 0:
        return moved(work, operator, work.stored(operator), (top, left), (bottom, right), made)
    value = work.value(operator, 0)
    if isinstance(value, Pending):
        return value.then(Node("pad", (), operator.output, padding=(top, left, bottom, right)), made)
    return Padded(work.stored(operator), (top, left, bottom, right), made)


SHAPES: Mapping[str, Translate] = {
    "Concat": concat, "Flatten": reshape, "Reshape": reshape, "Squeeze": reshape, "Unsqueeze": reshape,
    "SpaceToDepth": space_to_depth, "Transpose": transpose, "Slice": cut,
    "Split": split, "Gather": gather, "Pad": pad,  # type: ignore[dict-item]
}

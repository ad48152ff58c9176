"""How many steps of a sequence an answer of a convolutional network depends on, where its structure shows the axis.

It does where every convolution is one-dimensional: the other axis it could move along has one place. Frame, receptive
field and stride count steps of the model's input. What a streaming network keeps of earlier frames (a state, joined
with the new one along the axis) counts as what it was computed from.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from tflite_audit.analyzer.model.buffers import TensorDataError
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules.precision import SHAPE_READERS
from tflite_audit.rules.recurrent.operators import CHOICES, ELEMENTWISE


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution or pooling along the time axis.

    Attributes:
        operator: its index.
        kernel, stride, dilation: along the axis.
        past: elements of its input that lie before the newest step in its window, which a streaming network keeps.
        dtype: of these.
    """

    operator: int
    kernel: int
    stride: int
    dilation: int
    past: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Window:
    """What of an input an answer depends on.

    Attributes:
        tensor: the input.
        axis: of time, in it.
        frame: its size along the axis: steps a call; None where that is free.
        field: receptive field, steps.
        stride: steps between two answers, or between two places of one answer.
        whole: the answer has no time axis: it depends on all steps of the call.
        convolutions: along the axis, those with a kernel of more than one step.
    """

    tensor: int
    axis: int
    frame: int | None
    field: int
    stride: int
    whole: bool
    convolutions: tuple[Convolution, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """How a tensor lies over the input: `axis` is None once all steps went into one value."""

    axis: int | None
    field: int = 1
    stride: int = 1


_MOVING = frozenset({"AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "L2_POOL_2D", "MAX_POOL_2D"})


class _LostError(Exception):
    """What an operator does with the time axis is not known, or it is no axis of time."""


def of_inputs(model: Model, subgraph: Subgraph, tensors: Iterable[int]) -> Iterator[Window]:
    """The windows over these inputs, without those for which no one-dimensional convolution shows the axis of time."""
    if not any(op.name in _MOVING for op in subgraph.operators):
        return
    for tensor in tensors:
        shape = subgraph.tensors[tensor].declared_shape
        axes = range(1, max(2, len(shape) - 1)) if len(shape) > 1 else range(0)
        found = [window for axis in axes if (window := _along(model, subgraph, tensor, axis)) is not None]
        if len(found) == 1:
            yield found[0]


def _along(model: Model, subgraph: Subgraph, tensor: int, axis: int) -> Window | None:
    following = _Following(model, subgraph, {tensor: _View(axis)})
    waiting = list(subgraph.consumers.get(tensor, ()))  # a heap: operators stand in execution order
    met = set(waiting)
    try:
        while waiting:
            op = subgraph.operators[heapq.heappop(waiting)]
            following.follow(op)
            for reader in (i for t in op.outputs if t in following.views for i in subgraph.consumers.get(t, ())):
                if reader not in met:
                    met.add(reader)
                    heapq.heappush(waiting, reader)
    except (_LostError, LookupError, TensorDataError):
        return None
    ends = [following.views[t] for t in subgraph.outputs if t in following.views]
    if not ends or not following.convolutions:
        return None
    size = subgraph.tensors[tensor].declared_shape[axis]
    last = max(ends, key=lambda view: view.field)
    return Window(
        tensor,
        axis,
        size if size >= 0 else None,
        last.field,
        last.stride,
        all(view.axis is None for view in ends),
        tuple(following.convolutions),
    )


class _Following:
    """Follows the time axis through the operators, in execution order.

    Attributes:
        views: of the tensors computed from the input.
    """

    def __init__(self, model: Model, subgraph: Subgraph, views: dict[int, _View]) -> None:
        self._model = model
        self._subgraph = subgraph
        self.views = views
        self.convolutions: list[Convolution] = []

    def follow(self, op: Operator) -> None:
        if not op.outputs or op.name in SHAPE_READERS or not any(t in self.views for t in op.inputs):
            return
        given = [self.views[t] for t in op.inputs if t in self.views]
        if all(view.axis is None for view in given):
            view = max(given, key=lambda one: one.field)
        else:
            rule = _RULES.get(op.name)
            if rule is None or op.custom:
                raise _LostError
            view = rule(self, op)
        self.views.update((t, view) for t in op.outputs if t != OPTIONAL)

    # What operators do with the axis

    def elementwise(self, op: Operator) -> _View:
        """The same place of every input, with broadcasting: axes count from the last."""
        rank = self._rank(op.outputs[0])
        open_, closed = self._given(op)
        if len({(view.axis + rank - self._rank(t), view.stride) for t, view in open_}) != 1:  # type: ignore[operator]
            raise _LostError
        t, view = open_[0]
        assert view.axis is not None
        field = max([one.field for _, one in open_] + [one.field for one in closed])
        return _View(view.axis + rank - self._rank(t), field, view.stride)

    def along_last(self, op: Operator) -> _View:
        """Mixes the last axis only."""
        view = self._first(op)
        if view.axis == self._rank(op.inputs[0]) - 1:
            return self._closed(op.inputs[0], view)
        if op.name == "FULLY_CONNECTED" and self._rank(op.outputs[0]) != self._rank(op.inputs[0]):
            return self.reshape(op)
        return view

    def convolution(self, op: Operator) -> _View:
        view = self._first(op)
        if view.axis not in (1, 2):
            raise _LostError
        options = self._options(op)
        height = view.axis == 1
        if op.name.endswith("POOL_2D"):
            kernel, other = (options["filter_height"], options["filter_width"])[:: 1 if height else -1]
        else:
            kernel, other = (self._shape(op.inputs[1])[place] for place in (view.axis, 3 - view.axis))
        if other != 1 or self._shape(op.inputs[0])[3 - view.axis] != 1:
            raise _LostError  # it moves along two axes: a picture
        stride = options["stride_h" if height else "stride_w"]
        dilation = options.get("dilation_h_factor" if height else "dilation_w_factor", 1)
        if kernel > 1:
            channels = self._shape(op.inputs[0])[3]
            past = (kernel - 1) * dilation * max(1, channels)
            dtype = self._subgraph.tensors[op.inputs[0]].dtype
            self.convolutions.append(Convolution(op.index, kernel, stride, dilation, past, dtype))
        return _View(view.axis, view.field + (kernel - 1) * dilation * view.stride, view.stride * stride)

    def reshape(self, op: Operator) -> _View:
        """The axis is found again where as much stands before it."""
        view = self._first(op)
        assert view.axis is not None
        before, after = self._shape(op.inputs[0]), self._shape(op.outputs[0])
        if -1 in before and _known(before) != _known(after):
            raise _LostError  # which free dimension became which cannot be told
        wanted = [size for size in before[: view.axis] if size != 1]
        for axis, size in enumerate(after):
            if size == before[view.axis] and [n for n in after[:axis] if n != 1] == wanted and size != 1:
                return replace(view, axis=axis)
        if before[view.axis] == 1:  # of one step no place can be told; nor does it matter where no axis is moved along
            ones = [axis for axis, size in enumerate(after) if size == 1 and axis > 0]
            return replace(view, axis=ones[0]) if ones else replace(view, axis=None)
        return self._closed(op.inputs[0], view)

    def transpose(self, op: Operator) -> _View:
        view = self._first(op)
        order = [int(place) for place in self._values(op.inputs[1])]
        return replace(view, axis=order.index(view.axis)) if view.axis in order else replace(view, axis=None)

    def reduce(self, op: Operator) -> _View:
        view = self._first(op)
        assert view.axis is not None
        rank = self._rank(op.inputs[0])
        axes = {int(axis) % rank for axis in self._values(op.inputs[1])}
        if view.axis in axes:
            return self._closed(op.inputs[0], view)
        kept = bool(self._model.options(self._subgraph, op).get("keep_dims"))
        return view if kept else replace(view, axis=view.axis - sum(1 for axis in axes if axis < view.axis))

    def join(self, op: Operator) -> _View:
        open_, closed = self._given(op)
        if closed or len({(view.axis, view.stride) for _, view in open_}) != 1:
            raise _LostError
        return max((view for _, view in open_), key=lambda view: view.field)

    def cut(self, op: Operator) -> _View:
        place = 1 if op.name == "SPLIT" else 0
        view = self.views.get(op.inputs[place])
        if view is None or view.axis is None:
            raise _LostError
        if op.name == "STRIDED_SLICE":
            step = int(self._values(op.inputs[3])[view.axis])
            removed = self._options(op)["shrink_axis_mask"]
            if step < 1 or removed & (1 << view.axis):
                raise _LostError
            axis = view.axis - sum(1 for at in range(view.axis) if removed >> at & 1)
            return _View(axis, view.field, view.stride * step)
        return view

    def into_batch(self, op: Operator) -> _View:
        """SPACE_TO_BATCH_ND and back: how a dilated convolution is written."""
        view = self._first(op)
        assert view.axis is not None
        blocks = self._values(op.inputs[1])
        block = int(blocks[view.axis - 1]) if 0 < view.axis <= len(blocks) else 1
        stride = view.stride * block if op.name == "SPACE_TO_BATCH_ND" else view.stride // block
        return replace(view, stride=max(1, stride))

    # What the rules are made of

    def _first(self, op: Operator) -> _View:
        view = self.views.get(op.inputs[0])
        if view is None or view.axis is None:
            raise _LostError
        return view

    def _given(self, op: Operator) -> tuple[list[tuple[int, _View]], list[_View]]:
        """(tensor, view) of the inputs that have the axis; views of those that have not."""
        given = [(t, self.views[t]) for t in op.inputs if t in self.views]
        return [(t, v) for t, v in given if v.axis is not None], [v for _, v in given if v.axis is None]

    def _closed(self, tensor: int, view: _View) -> _View:
        """All steps of a tensor go into one value."""
        assert view.axis is not None
        size = self._shape(tensor)[view.axis]
        if size < 0:
            raise _LostError
        return _View(None, view.field + (size - 1) * view.stride, view.stride)

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return self._subgraph.tensors[tensor].declared_shape

    def _rank(self, tensor: int) -> int:
        return len(self._shape(tensor))

    def _options(self, op: Operator) -> dict[str, int]:
        return cast("dict[str, int]", self._model.options(self._subgraph, op))

    def _values(self, tensor: int) -> list[int]:
        held = self._subgraph.tensors[tensor]
        if not held.constant:
            raise _LostError
        return self._model.buffers.values(held).reshape(-1).tolist()


def _known(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many dimensions are free, and the elements of the others together."""
    return shape.count(-1), math.prod(size for size in shape if size >= 0)


def _rules() -> Iterator[tuple[str, Callable[[_Following, Operator], _View]]]:
    same = {"CAST", "DEQUANTIZE", "LOCAL_RESPONSE_NORMALIZATION", "MIRROR_PAD", "PAD", "PADV2", "QUANTIZE"}
    for name in ELEMENTWISE | CHOICES | same | {"FLOOR", "LEAKY_RELU", "ROUND"}:
        yield name, _Following.elementwise
    for name in _MOVING:
        yield name, _Following.convolution
    for name in ("RESHAPE", "EXPAND_DIMS", "SQUEEZE"):
        yield name, _Following.reshape
    for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        yield name, _Following.reduce
    for name in ("FULLY_CONNECTED", "L2_NORMALIZATION", "LOG_SOFTMAX", "SOFTMAX"):
        yield name, _Following.along_last
    for name in ("SLICE", "SPLIT", "SPLIT_V", "STRIDED_SLICE"):
        yield name, _Following.cut
    for name in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"):
        yield name, _Following.into_batch
    yield "CONCATENATION", _Following.join
    yield "TRANSPOSE", _Following.transpose


_RULES: Mapping[str, Callable[[_Following, Operator], _View]] = dict(_rules())

"""How often a loop runs, as far as the file fixes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tflite_audit.analyzer.model.buffers import TensorDataError
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph

from .operators import INDEX_TYPES, JOINS, SAME, kind

_DEEPEST = 12
"""Operators that a condition or an index is followed through; each may have two inputs, so that more takes long."""

_COMPARISONS = {
    "GREATER": "GT",
    "GREATER_EQUAL": "GE",
    "LESS": "LT",
    "LESS_EQUAL": "LE",
    "NOT_EQUAL": "NE",
}
_NEGATED = {"EQUAL": "NE", "GREATER": "LE", "GREATER_EQUAL": "LT", "LESS": "GE", "LESS_EQUAL": "GT"}
_TURNED = {"GT": "LT", "GE": "LE", "LT": "GT", "LE": "GE", "NE": "NE"}


@dataclass(frozen=True, slots=True)
class _Value:
    """`sign` * input number `port` of the subgraph + `offset`; a plain number where `port` is None."""

    port: int | None
    sign: int
    offset: int


def steps(model: Model, outer: Subgraph, op: Operator, cond: Subgraph, body: Subgraph) -> int | None:
    """How often the body of a WHILE runs; None where that depends on the data."""
    if not cond.outputs or cond.outputs[0] == OPTIONAL:
        return None
    return _Counting(model, outer, op, cond, body).runs(cond.outputs[0])


def counts_down(body: Subgraph, index: int) -> bool | None:
    """Whether an index of the body falls from step to step; None where that cannot be told."""
    value = _affine(body, _varying(body, index), lambda t: _any_number(body, t))
    if value is None or value.port is None or value.port >= len(body.outputs):
        return None
    after = _affine(body, body.outputs[value.port], lambda t: _any_number(body, t))
    if after is None or after.port != value.port or after.sign != 1 or not after.offset:
        return None
    return value.sign * after.offset < 0


def _varying(body: Subgraph, index: int) -> int:
    """The one number of a place in several dimensions that is not fixed."""
    producer = body.producers.get(index)
    if producer is None or kind(body.operators[producer]) not in JOINS:
        return index
    varying = [t for t in body.operators[producer].inputs if not body.tensors[t].constant]
    return varying[0] if len(varying) == 1 else index


def stride(body: Subgraph, place: int) -> int | None:
    """Whether an input of the body is a counter: other than None if each step adds a constant to it."""
    after = _affine(body, body.outputs[place], lambda t: _any_number(body, t))
    return after.offset if after is not None and after.port == place and after.sign == 1 else None


def _any_number(body: Subgraph, t: int) -> int | None:
    """A constant's place in a sum is enough to tell directions; what it is does not matter, but that it is not 0."""
    return 1 if body.tensors[t].constant else None


class _Counting:
    def __init__(self, model: Model, outer: Subgraph, op: Operator, cond: Subgraph, body: Subgraph) -> None:
        self._model, self._outer, self._op, self._cond, self._body = model, outer, op, cond, body

    def runs(self, t: int, depth: int = 0) -> int | None:
        """How often the body runs while `t`, of the condition, is true."""
        cond = self._cond
        if t in cond.inputs:
            return self._told_by_body(cond.inputs.index(t))
        producer = cond.producers.get(t)
        if producer is None or depth > _DEEPEST:
            return None
        op = cond.operators[producer]
        name = kind(op)
        if name in SAME:
            return self.runs(op.inputs[0], depth + 1)
        if name in {"LOGICAL_AND", "AND"}:
            both = [self.runs(s, depth + 1) for s in op.inputs]
            known = [n for n in both if n is not None]
            return min(known) if len(known) == len(both) else None
        if name in {"LOGICAL_NOT", "NOT"}:
            denied = cond.producers.get(op.inputs[0])
            return None if denied is None else self._compared(cond, cond.operators[denied], 0, negated=True)
        return self._compared(cond, op, 0)

    def _told_by_body(self, place: int) -> int | None:
        """The body itself says whether to go on; it runs once at least."""
        if place >= len(self._body.outputs):
            return None
        t = self._body.outputs[place]
        for _ in range(4):
            producer = self._body.producers.get(t)
            if producer is None:
                return None
            op = self._body.operators[producer]
            if kind(op) not in SAME:
                return self._compared(self._body, op, 1)
            t = op.inputs[0]
        return None

    def _compared(self, subgraph: Subgraph, op: Operator, at_least: int, *, negated: bool = False) -> int | None:
        direction = _NEGATED.get(op.name) if negated else self._direction(subgraph, op)
        if direction is None or len(op.inputs) < 2:
            return None
        left, right = (self._value(subgraph, t) for t in op.inputs[:2])
        if left is None or right is None:
            return None
        if left.port is None:
            left, right, direction = right, left, _TURNED[direction]
        if left.port is None or right.port is not None:
            return None
        start, stride = self._start(left.port), self._stride(left.port)
        if start is None or not stride:
            return None
        begin, stride = left.sign * start + left.offset, left.sign * stride
        return at_least + n if (n := _count(direction, begin, stride, right.offset)) is not None else None

    def _direction(self, subgraph: Subgraph, op: Operator) -> str | None:
        if op.name == "STABLEHLO_COMPARE":
            told = str(self._model.options(subgraph, op).get("comparison_direction", ""))
            return next((d for d in _TURNED if told.endswith(d)), None)
        return _COMPARISONS.get(op.name)

    def _value(self, subgraph: Subgraph, t: int) -> _Value | None:
        value = _affine(subgraph, t, lambda s: self._number(subgraph, s))
        if value is None or value.port is None or not self._forwarded(value.port):
            return value
        known = self._start(value.port)  # the same at each step
        return None if known is None else _Value(None, 1, value.sign * known + value.offset)

    def _forwarded(self, port: int) -> bool:
        body = self._body
        return port < min(len(body.inputs), len(body.outputs)) and body.outputs[port] == body.inputs[port]

    def _start(self, port: int) -> int | None:
        if port >= len(self._op.inputs) or self._op.inputs[port] == OPTIONAL:
            return None
        value = _affine(self._outer, self._op.inputs[port], lambda s: self._number(self._outer, s))
        return value.offset if value is not None and value.port is None else None

    def _stride(self, port: int) -> int | None:
        if port >= len(self._body.outputs):
            return None
        after = _affine(self._body, self._body.outputs[port], lambda s: self._number(self._body, s))
        return after.offset if after is not None and after.port == port and after.sign == 1 else None

    def _number(self, subgraph: Subgraph, t: int) -> int | None:
        tensor = subgraph.tensors[t]
        if not tensor.constant or tensor.dtype not in INDEX_TYPES:
            return None
        try:
            values = self._model.buffers.values(tensor)
        except TensorDataError:
            return None
        return int(values[0]) if values.size == 1 else None


def _affine(subgraph: Subgraph, t: int, number: Callable[[int], int | None], depth: int = 0) -> _Value | None:
    """`t` as a sum of one input of the subgraph and constants."""
    if depth > _DEEPEST or t == OPTIONAL:
        return None
    if (constant := number(t)) is not None:
        return _Value(None, 1, constant)
    producer = subgraph.producers.get(t)
    if producer is None:
        return _Value(subgraph.inputs.index(t), 1, 0) if t in subgraph.inputs else None
    op = subgraph.operators[producer]
    name = kind(op)
    if name in SAME or name == "PACK":
        return _affine(subgraph, op.inputs[0], number, depth + 1) if name != "PACK" or len(op.inputs) == 1 else None
    if name not in {"ADD", "SUB"} or len(op.inputs) != 2:
        return None
    left, right = (_affine(subgraph, s, number, depth + 1) for s in op.inputs)
    if left is None or right is None or (left.port is not None and right.port is not None):
        return None
    sign = -1 if name == "SUB" else 1
    if right.port is None:
        return _Value(left.port, left.sign, left.offset + sign * right.offset)
    return _Value(right.port, sign * right.sign, left.offset + sign * right.offset)


def _count(direction: str, begin: int, stride: int, bound: int) -> int | None:
    """How often begin, begin + stride, ... compares true with `bound` before it does not."""
    if direction == "NE":
        n, rest = divmod(bound - begin, stride)
        return n if not rest and n >= 0 else None
    if direction in {"GT", "GE"}:
        begin, stride, bound = -begin, -stride, -bound
    if direction in {"LE", "GE"}:
        bound += 1
    if begin >= bound:
        return 0
    return -(-(bound - begin) // stride) if stride > 0 else None

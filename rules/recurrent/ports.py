"""Where the states of a step may come in and go out, also several that lie in one tensor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import prod

from tflite_audit.analyzer.model.types import OPTIONAL, Operator, Subgraph

from .cells import Port
from .operators import INDEX_TYPES, JOINS, SAME, SLICES, first, kind

_DEEPEST = 4


def parts_read(subgraph: Subgraph, t: int, depth: int = 0) -> list[int]:
    """The tensors that `t` is cut into at once, such as the states of two layers; `t` itself if it is not only cut."""
    if depth > 2 * _DEEPEST:
        return [t]
    whole: list[int] = []
    for reader in subgraph.consumers.get(t, ()):
        op = subgraph.operators[reader]
        if kind(op) in SLICES and _cuts(subgraph, op, t):
            outputs = [s for s in op.outputs if s != OPTIONAL]
        elif kind(op) in SAME and op.inputs[0] == t:
            outputs = parts_read(subgraph, op.outputs[0], depth + 1)
            if outputs == [op.outputs[0]]:
                return [t]
        else:
            return [t]
        whole += outputs if depth >= _DEEPEST else [p for s in outputs for p in parts_read(subgraph, s, depth + 1)]
    return list(dict.fromkeys(whole)) or [t]


def parts_written(subgraph: Subgraph, t: int, depth: int = 0) -> list[int]:
    """The tensors that `t` is put together from; `t` itself if it is not."""
    producer = subgraph.producers.get(first(subgraph, t))
    if producer is None or depth > _DEEPEST:
        return [t]
    op = subgraph.operators[producer]
    if kind(op) not in JOINS:
        return [t]
    return [part for s in op.inputs if s != OPTIONAL for part in parts_written(subgraph, s, depth + 1)]


def _cuts(subgraph: Subgraph, op: Operator, t: int) -> bool:
    """It cuts `t` at places that the file fixes."""
    others = [s for s in op.inputs if s not in {t, OPTIONAL}]
    return t in op.inputs and all(subgraph.tensors[s].constant for s in others)


def is_state(subgraph: Subgraph, t: int) -> bool:
    """It may hold a state: real numbers, and no constant."""
    tensor = subgraph.tensors[t]
    return tensor.dtype not in INDEX_TYPES and not tensor.constant


def size(subgraph: Subgraph, t: int) -> int:
    """The number of elements, a free dimension counted as written."""
    return prod(subgraph.tensors[t].shape)


def of_pairs(subgraph: Subgraph, pairs: Sequence[tuple[int, int]]) -> list[Port]:
    """Ports of states whose tensors before and after the step are known."""
    found: list[Port] = []
    for read, written in pairs:
        reads, writes = parts_read(subgraph, read), parts_written(subgraph, written)
        if len(reads) == 1 or len(writes) == 1:
            reads, writes = [read], [written]
        found.extend(matching(subgraph, reads, writes))
    return found


def matching(subgraph: Subgraph, reads: Collection[int], writes: Collection[int]) -> Iterator[Port]:
    """Ports of states of which it is not known what follows what: any two of the same size."""
    by_size: dict[int, list[int]] = {}
    for t in dict.fromkeys(writes):
        by_size.setdefault(size(subgraph, t), []).append(t)
    for t in dict.fromkeys(reads):
        yield Port(t, tuple(by_size.get(size(subgraph, t), ())))

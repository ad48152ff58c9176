"""Follows a tensor through operators that only move, cut, join or convert what it holds."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.types import OPTIONAL, Operator, Subgraph
from tflite_audit.rules.recurrent.operators import MOVES, SAME, data, kind

FILLING = frozenset({"BROADCAST_TO", "FILL", "PACK", "SHAPE", "TILE", "ZEROS_LIKE"})
"""Operators by which a value of any shape is made of a constant."""


def origin(subgraph: Subgraph, tensor: int, through: frozenset[str] = SAME) -> int:
    """The tensor that this one is made of, back through such operators; a joined one is that of its first part."""
    reader = len(subgraph.operators)
    while (writer := subgraph.producers.get(tensor)) is not None and writer < reader:
        reader = writer  # what does not stand before its reader is no way back, but a circle
        op = subgraph.operators[writer]
        sources = data(op) if kind(op) in through else ()
        if not sources or sources[0] == OPTIONAL:
            break
        tensor = sources[0]
    return tensor


def copies(subgraph: Subgraph, tensor: int, through: frozenset[str] = SAME) -> Iterator[int]:
    """This tensor, and all that are made of it by such operators alone."""
    waiting, seen = [tensor], {tensor}
    while waiting:
        yield (now := waiting.pop())
        for reader in readers(subgraph, now, through):
            new = [t for t in reader.outputs if t != OPTIONAL and t not in seen]
            seen.update(new)
            waiting.extend(new)


def readers(subgraph: Subgraph, tensor: int, through: frozenset[str]) -> Iterator[Operator]:
    """The operators of these kinds that pass on this tensor's values."""
    for reader in subgraph.consumers.get(tensor, ()):
        op = subgraph.operators[reader]
        if kind(op) in through and tensor in data(op):
            yield op


def is_constant(subgraph: Subgraph, tensor: int) -> bool:
    """What it holds is the same at every call, but for its shape."""
    waiting, seen = [tensor], {tensor}
    while waiting:
        now = waiting.pop()
        writer = subgraph.producers.get(now)
        if writer is None:
            if not subgraph.tensors[now].constant:
                return False
            continue
        op = subgraph.operators[writer]
        if kind(op) in {"SHAPE", "ZEROS_LIKE"}:
            continue
        if kind(op) not in MOVES | FILLING:
            return False
        new = [t for t in op.inputs if t != OPTIONAL and t not in seen]
        seen.update(new)
        waiting.extend(new)
    return True

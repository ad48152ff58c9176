"""Finds layers that were unrolled into two steps.

With a first state of zero the recurrent kernel is read once only, by the second step, so that no chain of products
tells them. What tells them is the kernel of the input: it is read twice, once for a cell whose state goes into the
other.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Subgraph

from .cells import GRU, LSTM, Cell, Port, recognise
from .flow import Flow
from .kernels import Kernel, by_kernel
from .operators import MATRIX, kind
from .ports import size

_LARGEST_STEP = 160


@dataclass(frozen=True, slots=True)
class TwoSteps:
    """A layer of two steps: the operators of each, and the cell of the second."""

    cell: Cell
    first: frozenset[int]
    second: frozenset[int]


def two_steps(
    model: Model, subgraph: Subgraph, kernels: dict[int, Kernel], fixed: frozenset[int], taken: frozenset[int]
) -> Iterator[TwoSteps]:
    """Every such layer, without those whose operators are `taken`."""
    together = by_kernel(kernels)
    found: set[int] = set()
    for pair in together.values():
        if len(pair) != 2 or taken.intersection(pair):
            continue
        for a, b in (pair, pair[::-1]):
            after = _descendants(subgraph, a)
            weighs = [i for i in after if i in kernels and len(together[kernels[i]]) == 1 and i not in found]
            if not weighs or b in after:
                continue
            layer = _layer(model, subgraph, a, b, after, min(weighs), fixed)
            if layer is not None:
                found |= layer.first | layer.second
                yield layer
                break


def _descendants(subgraph: Subgraph, start: int) -> set[int]:
    """The operators nearest after `start` that depend on it."""
    found: set[int] = set()
    waiting = [start]
    while waiting and len(found) < _LARGEST_STEP:
        i = heapq.heappop(waiting)
        for t in subgraph.operators[i].outputs:
            for reader in subgraph.consumers.get(t, ()):
                if reader not in found:
                    found.add(reader)
                    heapq.heappush(waiting, reader)
    return found


def _layer(
    model: Model, subgraph: Subgraph, a: int, b: int, after: set[int], product: int, fixed: frozenset[int]
) -> TwoSteps | None:
    second = _descendants(subgraph, product) | {product}
    if not any(kind(subgraph.operators[i]) in {"ADD", "ADD_N", "MUL"} for i in second & _descendants(subgraph, b)):
        return None
    first = after - second - _descendants(subgraph, b) | {a}
    reads = dict.fromkeys(
        t
        for i in sorted(second | _descendants(subgraph, b))
        for t in subgraph.operators[i].inputs
        if t != OPTIONAL and subgraph.producers.get(t) in first
    )
    second |= _descendants(subgraph, b)
    sums, gated = (
        [t for i in sorted(second) if kind(subgraph.operators[i]) in names for t in subgraph.operators[i].outputs]
        for names in ({"ADD", "ADD_N"}, {"MUL"})
    )
    ports = [Port(t, tuple(s for s in [*sums, *gated] if size(subgraph, s) == size(subgraph, t))) for t in reads]
    if not ports or any(kind(subgraph.operators[i]) in MATRIX for i in first - {a}):
        return None
    flow = Flow(model, subgraph, sorted(second), list(reads), fixed)
    for cell in recognise(flow, ports):
        if cell.name.endswith((LSTM, GRU)):
            begun = Flow(model, subgraph, sorted(first), ())
            outputs = [t for t in subgraph.operators[a].outputs if t != OPTIONAL]
            before = begun.way(outputs, [read for read, _ in cell.states])
            return TwoSteps(cell, frozenset(before), frozenset(cell.operators))
    return None

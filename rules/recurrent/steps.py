"""Finds recurrent cells that are in the graph once, with their state from outside or in a variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.graph import entries
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Subgraph

from . import ports
from .cells import GRU, LSTM, NEVER_IN_A_CELL, OWN, SIMPLE, Cell, Port, recognise
from .feeding import unpacking
from .fixed import Fixed
from .flow import MOST_OPERATORS, Flow
from .operators import INDEX_TYPES, JOINS, MATRIX, MOVES, SQUASHING, data, first, kind

_MOST_PORTS = 512
_MOST_PRODUCTS = 16
"""Matrix products on the way from a state to the next, at the most; four gates of an LSTM make four."""


@dataclass(frozen=True, slots=True)
class Step:
    """A cell that is in the graph once.

    Attributes:
        subgraph: its index.
        cell: the cell.
        operators: of the cell, its products with the input among them.
    """

    subgraph: int
    cell: Cell
    operators: tuple[int, ...]


def single_steps(model: Model, fixed: Fixed, taken: frozenset[tuple[int, int]]) -> Iterator[Step]:
    """Every such cell, without those whose operators (subgraph, operator) are `taken`, as an unrolled layer's are."""
    entered = frozenset(entries(model))
    for subgraph in model.subgraphs:
        yield from _in_variables(model, subgraph, fixed, taken)
        if subgraph.index in entered:
            yield from _in_and_out(model, subgraph, fixed, taken)


def _in_variables(model: Model, subgraph: Subgraph, fixed: Fixed, taken: frozenset[tuple[int, int]]) -> Iterator[Step]:
    """The state is read from a variable and written to it again."""
    names = fixed.variables[subgraph.index]
    reads: dict[str, list[int]] = {}
    writes: dict[str, list[int]] = {}
    for op in subgraph.operators:
        if op.name in {"READ_VARIABLE", "ASSIGN_VARIABLE"} and op.inputs:
            name = names.get(op.inputs[0], f"tensor {op.inputs[0]}")
            if op.name == "READ_VARIABLE" and op.outputs:
                reads.setdefault(name, []).append(op.outputs[0])
            elif op.name == "ASSIGN_VARIABLE" and len(op.inputs) > 1:
                writes.setdefault(name, []).append(op.inputs[1])
    pairs = [(t, written[-1]) for name, written in writes.items() for t in reads.get(name, ())]
    pairs += [
        (t, t)
        for op in subgraph.operators
        for t in op.outputs
        if t != OPTIONAL and subgraph.tensors[t].variable and subgraph.consumers.get(t)
    ]
    pairs = [(read, written) for read, written in pairs if ports.is_state(subgraph, read)]
    if pairs:
        yield from _steps(model, subgraph, ports.of_pairs(subgraph, pairs), fixed, taken, certain=True)


def _in_and_out(model: Model, subgraph: Subgraph, fixed: Fixed, taken: frozenset[tuple[int, int]]) -> Iterator[Step]:
    """The state is an input of the graph, the new one an output of the same size."""
    reads = [p for t in subgraph.inputs if ports.is_state(subgraph, t) for p in ports.parts_read(subgraph, t)]
    writes = [
        p
        for t in subgraph.outputs
        if t != OPTIONAL and ports.is_state(subgraph, t)
        for p in ports.parts_written(subgraph, t)
    ]
    if len(reads) > 1 and len(reads) + len(writes) <= _MOST_PORTS:
        yield from _steps(model, subgraph, list(ports.matching(subgraph, reads, writes)), fixed, taken, certain=False)


def _steps(
    model: Model,
    subgraph: Subgraph,
    found: list[Port],
    fixed: Fixed,
    taken: frozenset[tuple[int, int]],
    *,
    certain: bool,
) -> Iterator[Step]:
    free = [op.index for op in subgraph.operators if (subgraph.index, op.index) not in taken]
    flow = Flow(model, subgraph, free, [port.read for port in found], fixed.tensors[subgraph.index])
    last = len(subgraph.operators)
    reached = {t: flow.reach(t) for t in {t for port in found for t in port.written}}
    near = sorted(reached, key=lambda t: subgraph.producers.get(first(subgraph, t), last))
    places = {t: k for k, t in enumerate(near)}
    possible = [
        Port(port.read, tuple(sorted((t for t in port.written if reached[t] >> k & 1), key=places.__getitem__)))
        for k, port in enumerate(found)
    ]
    if not any(port.written for port in possible):
        return
    for cell in recognise(flow, possible, certain=certain):
        if _is_a_cell(flow, cell, certain=certain):
            yield Step(subgraph.index, cell, _with_input(flow, cell))


def _is_a_cell(flow: Flow, cell: Cell, *, certain: bool) -> bool:
    """No other network: it is small, takes something beside the state, and passes the state on by gates.

    `certain`: it is the state's own variable that is written, not an output that happens to be as large as an input.
    """
    operators = [flow.subgraph.operators[i] for i in cell.operators]
    names = [kind(op) for op in operators]
    products = sum(name in MATRIX for name in names)
    if len(operators) > MOST_OPERATORS or products > _MOST_PRODUCTS or NEVER_IN_A_CELL.intersection(names):
        return False
    if not _takes_input(flow, cell):
        return False
    if cell.name.endswith(LSTM):
        return True
    if cell.name.endswith(SIMPLE):
        return certain or (_weighs_at_once(flow, cell) and _activated(flow, cell) and not _shifts(flow, cell))
    return cell.name.endswith(GRU) or (cell.gated and (certain or (cell.blended and _is_small(flow, cell))))


def _is_small(flow: Flow, cell: Cell) -> bool:
    """A cell of one's own, and no network that mixes an image with what it makes of it.

    Its gate or its candidate is one product away from the state, and it is not convolutional.
    """
    read, written = cell.states[0]
    once = flow.once.get(first(flow.subgraph, written), 0)
    return cell.name == OWN and read in flow.ports and bool(once >> list(flow.ports).index(read) & 1)


def _takes_input(flow: Flow, cell: Cell) -> bool:
    """Something that is neither a constant nor one of its states goes into it."""
    states = {read for read, _ in cell.states}
    inside = set(cell.operators)
    return any(
        t not in states
        and t != OPTIONAL
        and flow.subgraph.producers.get(t) not in inside
        and not flow.constant(t)
        and flow.tensor(t).dtype not in INDEX_TYPES
        for i in inside
        for t in flow.subgraph.operators[i].inputs
    )


def _weighs_at_once(flow: Flow, cell: Cell) -> bool:
    """One product weighs the state as it comes in, with the input beside it at the most."""
    if len(cell.products) != 1:
        return False
    state = cell.states[0][0]
    read = {first(flow.subgraph, t) for t in flow.subgraph.operators[cell.products[0]].inputs if t != OPTIONAL}
    joined = [flow.subgraph.operators[i] for t in read if (i := flow.producer(t)) is not None]
    read.update(first(flow.subgraph, t) for op in joined if kind(op) in JOINS for t in op.inputs)
    return first(flow.subgraph, state) in read


def _activated(flow: Flow, cell: Cell) -> bool:
    """An operator bends the sum of weighed state and weighed input; a plain sum is anything."""
    return any(kind(flow.subgraph.operators[i]) in SQUASHING or flow.activated(i) for i in cell.operators)


def _shifts(flow: Flow, cell: Cell) -> bool:
    """Its input is appended to what came before, as by a convolution over a stream, and not put beside the state."""
    for i in cell.operators:
        op = flow.subgraph.operators[i]
        if kind(op) == "CONCATENATION":
            whole = flow.tensor(op.outputs[0]).shape
            if any(flow.tensor(t).shape[-1:] == whole[-1:] for t in op.inputs):
                return True
    return False


def _with_input(flow: Flow, cell: Cell) -> tuple[int, ...]:
    """The operators of the cell, with its products with the input."""
    inside = set(cell.operators)
    states = {read for read, _ in cell.states}
    level = [(t, True) for i in cell.operators for t in flow.subgraph.operators[i].inputs]
    found: set[int] = set()
    while level:
        t, weighs = level.pop()
        producer = flow.subgraph.producers.get(t) if t != OPTIONAL and t not in states else None
        if producer is None or producer in inside or producer in found or flow.constant(t):
            continue
        op = flow.subgraph.operators[producer]
        name = kind(op)
        if name in MATRIX and weighs:
            found.add(producer)
        elif weighs and (name in MOVES or _adds_constant(flow, producer)) and _leads_to_product(flow, producer):
            found.add(producer)
            level += [(s, True) for s in op.inputs]
    found |= inside
    return tuple(sorted(found | set(unpacking(flow.subgraph, found))))


def _adds_constant(flow: Flow, i: int) -> bool:
    op = flow.subgraph.operators[i]
    return kind(op) in {"ADD", "SUB"} and sum(not flow.constant(t) for t in data(op)) == 1


def _leads_to_product(flow: Flow, i: int) -> bool:
    for _ in range(8):
        op = flow.subgraph.operators[i]
        if kind(op) in MATRIX:
            return True
        if kind(op) not in MOVES and kind(op) not in {"ADD", "SUB"}:
            return False
        varying = [t for t in data(op) if not flow.constant(t)]
        source = flow.subgraph.producers.get(varying[0]) if len(varying) == 1 else None
        if source is None:
            return False
        i = source
    return False

"""Finds recurrent layers that run as a WHILE loop: a cell in the body, weighing what the loop carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.graph import calls
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph

from . import counting, ports
from .cells import OWN, SIMPLE, Cell, recognise, together
from .fixed import LOOPS, Fixed
from .flow import Flow
from .operators import INDEX_TYPES, SLICES, first, kind

_READS_AN_ELEMENT = SLICES | {"EMBEDDING_LOOKUP", "FlexTensorListGetItem", "TensorListGetItem"}


_DEEPEST = 3

_CALLS = frozenset({"CALL", "IF", "STABLEHLO_CASE"}) | LOOPS


@dataclass(frozen=True, slots=True)
class Loop:
    """A WHILE operator whose body steps a recurrent cell.

    Attributes:
        subgraph: index of the subgraph that the WHILE stands in.
        operator: index of the WHILE.
        body: index of the body's subgraph.
        cond: of the condition's.
        cell: what each step is, in words.
        cells: the cells of a step.
        place: the subgraph that their tensors and operators are in: the body, or a branch that it guards.
        steps: how many there are; None if the file does not fix it.
        backward: the last element of the sequence is taken first; None where that cannot be told.
        flex: its lists of steps are TensorFlow's, not tensors.
    """

    subgraph: int
    operator: int
    body: int
    cond: int | None
    cell: str
    cells: tuple[Cell, ...]
    place: int
    steps: int | None
    backward: bool | None
    flex: bool


def recurrent_loops(model: Model, fixed: Fixed) -> Iterator[Loop]:
    """Every WHILE loop that is a recurrent layer, in the order of the file."""
    parts: dict[tuple[int, int], dict[str, int]] = {}
    for call in calls(model):
        if model.subgraphs[call.subgraph].operators[call.operator].name in LOOPS:
            parts.setdefault((call.subgraph, call.operator), {})[call.role] = call.callee
    for (subgraph, operator), roles in parts.items():
        if "body" in roles:
            loop = _loop(model, model.subgraphs[subgraph], operator, roles["body"], roles.get("cond"), fixed)
            if loop is not None:
                yield loop


def _loop(model: Model, outer: Subgraph, operator: int, body_index: int, cond: int | None, fixed: Fixed) -> Loop | None:
    body, op = model.subgraphs[body_index], outer.operators[operator]
    carried = [
        (inside, result)
        for inside, result in zip(body.inputs, body.outputs, strict=False)
        if OPTIONAL not in {inside, result} and first(body, result) != inside and ports.is_state(body, inside)
    ]
    counted = {
        inside: counting.stride(body, place) is None
        for place, (inside, result) in enumerate(zip(body.inputs, body.outputs, strict=False))
        if inside != OPTIONAL and inside != result and body.tensors[inside].dtype in INDEX_TYPES
    }
    found = _cells(model, body, carried, counted, fixed)
    if found is None:
        return None
    return Loop(
        outer.index,
        operator,
        body.index,
        cond,
        together(found.cells),
        tuple(found.cells),
        found.subgraph,
        None if cond is None else counting.steps(model, outer, op, model.subgraphs[cond], body),
        _backward(outer, op, body, found.taken),
        any(o.custom and "TensorList" in o.name for o in body.operators),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The cells of a body, the subgraph whose operators they are, and what the body takes of a sequence."""

    cells: list[Cell]
    subgraph: int
    taken: list[_Taken]


def _cells(
    model: Model,
    subgraph: Subgraph,
    carried: list[tuple[int, int]],
    counted: dict[int, bool],
    fixed: Fixed,
    depth: int = 0,
) -> _Found | None:
    """The cells of a body, or of a branch in it that a condition guards."""
    found = ports.of_pairs(subgraph, carried)
    if not found or depth > _DEEPEST:
        return None
    operators = [op.index for op in subgraph.operators]
    flow = Flow(model, subgraph, operators, [port.read for port in found], fixed.tensors[subgraph.index])
    taken = _taken(subgraph, flow, dict(counted))
    cells = [
        c for c in recognise(flow, found, certain=True) if not c.name.endswith((SIMPLE, OWN)) or _feeds(flow, taken, c)
    ]
    if cells:
        return _Found(cells, subgraph.index, taken)
    for op in subgraph.operators:
        if op.name == "IF":
            for branch in _branches(model, subgraph, op):
                inner = _through(subgraph, op, branch, carried)
                given = dict(zip(op.inputs[1:], branch.inputs, strict=False))
                within = {given[t]: counted[t] for t in given if t in counted}
                guarded = _cells(model, branch, inner, within, fixed, depth + 1) if inner else None
                if guarded is not None:
                    return _Found(guarded.cells, guarded.subgraph, taken)
    return None


def _branches(model: Model, subgraph: Subgraph, op: Operator) -> Iterator[Subgraph]:
    options = model.options(subgraph, op)
    for name in ("then_subgraph_index", "else_subgraph_index"):
        index = options.get(name)
        if isinstance(index, int) and 0 <= index < len(model.subgraphs):
            yield model.subgraphs[index]


def _through(
    subgraph: Subgraph, op: Operator, branch: Subgraph, carried: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The states as a branch takes and gives them."""
    given = {first(subgraph, t): inside for t, inside in zip(op.inputs[1:], branch.inputs, strict=False)}
    result = dict(zip(op.outputs, branch.outputs, strict=False))
    return [
        (given[read], result[last])
        for read, written in carried
        if read in given and (last := first(subgraph, written)) in result
    ]


@dataclass(frozen=True, slots=True)
class _Taken:
    """An element that the body takes from a sequence: where from, by what index, and by which operator."""

    sequence: int
    index: int
    operator: Operator


def _taken(body: Subgraph, flow: Flow, counted: dict[int, bool]) -> list[_Taken]:
    """What the body takes at each step by an index that is counted, or carried otherwise (`counted`: true).

    A table of the model's own that is read by the counter is a schedule, no input.
    """
    found: list[_Taken] = []
    for op in body.operators:
        inputs = [t for t in op.inputs if t != OPTIONAL]
        if kind(op) in _READS_AN_ELEMENT and len(inputs) > 1:
            sequence, *indices = inputs if kind(op) != "EMBEDDING_LOOKUP" else inputs[::-1]
            index = next((t for t in indices if t in counted), None)
            if index is not None and (counted[index] or not flow.constant(sequence)):
                found.append(_Taken(sequence, index, op))
        depends = [t for t in inputs if t in counted]
        if depends and kind(op) in _CALLS:  # what it calls takes the element
            found.append(_Taken(inputs[0], depends[0], op))
        if depends and all(body.tensors[t].dtype in INDEX_TYPES for t in op.outputs if t != OPTIONAL):
            counted.update((t, any(counted[s] for s in depends)) for t in op.outputs)
    return [taken for taken in found if not any(flow.reach(t) for t in taken.operator.outputs)]


def _feeds(flow: Flow, taken: list[_Taken], cell: Cell) -> bool:
    """An element of a sequence goes into the new state."""
    elements = {t for found in taken for t in found.operator.outputs if flow.tensor(t).dtype not in INDEX_TYPES}
    ends = [written for _, written in cell.states]
    return bool(elements) and any(flow.way([t], ends) for t in elements)


def _backward(outer: Subgraph, op: Operator, body: Subgraph, taken: list[_Taken]) -> bool | None:
    """Whether the sequence was reversed in front of the loop, or is counted from its end."""
    for found in taken:
        if kind(found.operator) in _CALLS:
            continue
        sequence = first(body, found.sequence)
        if sequence not in body.inputs or body.tensors[found.sequence].dtype == "bool":
            continue
        place = body.inputs.index(sequence)
        if place >= len(op.inputs) or op.inputs[place] == OPTIONAL:
            continue
        reverse = reversed_before(outer, op.inputs[place])
        down = counting.counts_down(body, found.index)
        return None if down is None else reverse is not down
    return None


def reversed_before(subgraph: Subgraph, t: int) -> bool:
    """The order of its elements was turned around by a REVERSE_V2, without anything else in between."""
    for _ in range(8):
        producer = subgraph.producers.get(first(subgraph, t))
        if producer is None:
            return False
        op = subgraph.operators[producer]
        if kind(op) in {"REVERSE_V2", "REVERSE", "FlexReverseV2"}:
            return True
        if not op.custom or "TensorListFromTensor" not in op.name:
            return False
        t = op.inputs[0]
    return False

"""Finds recurrent layers that run as a WHILE loop: a cell in the body, weighing what the loop carries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.buffers import TensorDataError
from tflite_audit.analyzer.model.graph import calls
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules.recurrent.cells import MATRIX, Cell, recognise

LOOPS = frozenset({"WHILE", "STABLEHLO_WHILE"})


@dataclass(frozen=True, slots=True)
class Loop:
    """A WHILE operator whose body steps a recurrent cell.

    Attributes:
        subgraph: index of the subgraph that the WHILE stands in.
        operator: index of the WHILE.
        body: index of the body's subgraph.
        cell: what each step is.
        steps: how many there are; None if the condition compares with no constant.
    """

    subgraph: int
    operator: int
    body: int
    cell: Cell
    steps: int | None


def recurrent_loops(model: Model) -> Iterator[Loop]:
    """Every WHILE loop that is a recurrent layer, in the order of the file."""
    parts: dict[tuple[int, int], dict[str, int]] = {}
    for call in calls(model):
        if model.subgraphs[call.subgraph].operators[call.operator].name in LOOPS:
            parts.setdefault((call.subgraph, call.operator), {})[call.role] = call.callee
    for (subgraph, operator), roles in parts.items():
        if "body" not in roles:
            continue
        cell = _cell(model.subgraphs[roles["body"]])
        if cell is not None:
            steps = _steps(model, model.subgraphs[roles["cond"]]) if "cond" in roles else None
            yield Loop(subgraph, operator, roles["body"], cell, steps)


def _cell(body: Subgraph) -> Cell | None:
    """What the operators that depend on the carried state are; None if none of them is a matrix product."""
    carried = [t for t, result in zip(body.inputs, body.outputs, strict=False) if t != result and t != OPTIONAL]
    states = {t for t in carried if body.tensors[t].dtype not in {"int32", "int64", "bool", "resource", "string"}}
    reached, dependent = set(states), list[Operator]()
    for op in body.operators:
        if any(t in reached for t in op.inputs):
            reached.update(op.outputs)
            dependent.append(op)
    if not any(op.name in MATRIX for op in dependent):
        return None
    counts = Counter(op.name for op in dependent)
    return recognise(counts) or _among_others(counts)


def _among_others(counts: Counter[str]) -> Cell | None:
    """The cell of a body that does more than to step it, such as attention."""
    sigmoids, tanh = counts["LOGISTIC"], counts["TANH"]
    if sigmoids >= 3 and tanh >= 2:
        return Cell("LSTM", gated=True)
    return Cell("GRU", gated=True) if sigmoids >= 2 and tanh and counts["SUB"] else None


def _steps(model: Model, condition: Subgraph) -> int | None:
    """The least constant that a LESS of the condition compares a counter with."""
    bounds: list[int] = []
    for op in condition.operators:
        if op.name == "LESS" and len(op.inputs) == 2 and op.inputs[1] != OPTIONAL:
            tensor = condition.tensors[op.inputs[1]]
            if tensor.constant and tensor.dtype in {"int32", "int64"}:
                try:
                    values = model.buffers.values(tensor)
                except TensorDataError:
                    continue
                bounds.extend(int(value) for value in values[:1])
    return min(bounds, default=None)

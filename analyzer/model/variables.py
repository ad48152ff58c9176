"""Which variable a handle stands for, also where it was passed to a called subgraph."""

from __future__ import annotations

from collections.abc import Mapping

from .graph import arguments, calls
from .types import OPTIONAL, Model

Variable = tuple[str, str]
"""(container, shared_name): what makes two VAR_HANDLE operators the same variable (lite/kernels/var_handle.cc)."""


def handles(model: Model) -> dict[tuple[int, int], Variable]:
    """(subgraph, resource tensor) → variable."""
    found: dict[tuple[int, int], Variable] = {}
    for subgraph, op in model.operators:
        if op.name == "VAR_HANDLE" and op.outputs:
            options = model.options(subgraph, op)
            found[subgraph.index, op.outputs[0]] = (
                str(options.get("container") or ""),
                str(options.get("shared_name") or ""),
            )
    passed = list(calls(model)) if found else []
    for _ in range(len(model.subgraphs)):  # a handle goes one call deeper each time
        before = len(found)
        for call in passed:
            op = model.subgraphs[call.subgraph].operators[call.operator]
            for outer, inner in zip(arguments(op, call), model.subgraphs[call.callee].inputs, strict=False):
                if outer != OPTIONAL and (call.subgraph, outer) in found:
                    found[call.callee, inner] = found[call.subgraph, outer]
        if len(found) == before:
            break
    return found


def answering(model: Model, resolved: Mapping[tuple[int, int], Variable]) -> set[Variable]:
    """The variables whose value an answer can depend on: not the counter of a random generator whose numbers nothing
    uses, which Keras 3 leaves in models with dropout.

    What a subgraph gives back counts as an answer, and so does what an operator without outputs takes.

    Args:
        resolved: `handles` of the model.
    """
    assigned: dict[Variable, list[tuple[int, int]]] = {}
    waiting = [(subgraph.index, t) for subgraph in model.subgraphs for t in subgraph.outputs]
    for subgraph, op in model.operators:
        if op.name == "ASSIGN_VARIABLE" and len(op.inputs) > 1:
            variable = resolved.get((subgraph.index, op.inputs[0]))
            if variable is not None:
                assigned.setdefault(variable, []).append((subgraph.index, op.inputs[1]))
        elif not op.outputs:
            waiting += [(subgraph.index, t) for t in op.inputs]
    found: set[Variable] = set()
    met = set(waiting)
    while waiting:
        index, t = waiting.pop()
        producer = model.subgraphs[index].producers.get(t)
        if producer is None:
            continue
        op = model.subgraphs[index].operators[producer]
        needed = [(index, given) for given in op.inputs]
        variable = resolved.get((index, op.inputs[0])) if op.name == "READ_VARIABLE" and op.inputs else None
        if variable is not None:
            found.add(variable)
            needed += assigned.pop(variable, [])
        new = [one for one in needed if one[1] != OPTIONAL and one not in met]
        met.update(new)
        waiting += new
    return found

"""Which variable a handle stands for, also where it was passed to a called subgraph."""

from __future__ import annotations

from .graph import calls
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
            given = op.inputs[1:] if op.name == "IF" else op.inputs
            for outer, inner in zip(given, model.subgraphs[call.callee].inputs, strict=False):
                if outer != OPTIONAL and (call.subgraph, outer) in found:
                    found[call.callee, inner] = found[call.subgraph, outer]
        if len(found) == before:
            break
    return found

"""M001."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, Remedy, Severity, rule

EFFECTS = frozenset(
    {
        "ASSIGN_VARIABLE",
        "CALL",
        "CALL_ONCE",
        "HASHTABLE_IMPORT",
        "IF",
        "STABLEHLO_CASE",
        "STABLEHLO_COMPOSITE",
        "STABLEHLO_CUSTOM_CALL",
        "STABLEHLO_WHILE",
        "WHILE",
    }
)
"""Operators that do more than write their outputs, or may: variables, tables, and what called subgraphs do."""


@rule("M001", "unused-operator-output", Severity.WARNING)
def unused_operator_output(model: Model, locations: Locations) -> Iterator[Finding]:
    """An operator has no user: nothing reads what it computes.

    ## What it does
    Looks for operators none of whose outputs is read by another operator or is an output of the subgraph or of a
    signature. Operators with effects beyond their outputs (variables, tables, control flow, custom operators) are left
    alone. Operators that serve only such an operator are listed with it.

    ## Why is this bad
    It is computed at every inference for nothing. Often an output was forgotten in a signature, or a tool cut the
    model and left the branch behind.

    ## Example
        SOFTMAX -> probabilities     (no reader, no output of the model)

    ## Fix
    Name the tensor as an output of the signature if it was meant as one; otherwise leave it out of the function that
    is converted.
    """
    for subgraph in model.subgraphs:
        dead = _dead(model, subgraph)
        sinks = [op for op in subgraph.operators if op.index in dead and not _read(subgraph, op)]
        for sink in sinks:
            where = places.of_operator(subgraph, sink, locations)
            serving = [
                places.of_operator(subgraph, subgraph.operators[i], locations) for i in _serving(subgraph, sink, dead)
            ]
            name = places.named([where]) or _tensor(where.tensor)
            more = f", nor what {places.plural(len(serving), 'operator')} before it compute" if serving else ""
            yield Finding(
                message=f"Nothing reads the output of {sink.name}{name}{more}.",
                location=where,
                evidence=(places.listed("Operators that are computed for nothing", (*serving, where)),),
                remedy=Remedy(
                    "Return the value from the converted function if it was meant as an output; otherwise leave it "
                    "out.",
                ),
                key=(sink.name, where.layer or "", where.tensor or ""),
            )


def _dead(model: Model, subgraph: Subgraph) -> set[int]:
    """Operators that no output and no effect depends on."""
    outputs = {*subgraph.outputs}
    for signature in model.signatures:
        if signature.subgraph == subgraph.index:
            outputs.update(signature.outputs.values())
    needed = set(outputs)
    dead: set[int] = set()
    for op in reversed(subgraph.operators):  # in execution order, so that readers come after what they read
        if op.custom or op.name in EFFECTS or not op.outputs or any(t in needed for t in op.outputs):
            needed.update(op.inputs)
        else:
            dead.add(op.index)
    return dead


def _read(subgraph: Subgraph, op: Operator) -> bool:
    return any(subgraph.consumers.get(t) for t in op.outputs if t != OPTIONAL)


def _serving(subgraph: Subgraph, sink: Operator, dead: set[int]) -> list[int]:
    """The operators that `sink` depends on, taken out of `dead`: what serves several sinks is named with the first."""
    found: list[int] = []
    waiting = [sink]
    while waiting:
        for t in waiting.pop().inputs:
            producer = subgraph.producers.get(t, OPTIONAL)
            if producer in dead:
                dead.remove(producer)
                found.append(producer)
                waiting.append(subgraph.operators[producer])
    return sorted(found)


def _tensor(name: str | None) -> str:
    return f" ({name})" if name else ""

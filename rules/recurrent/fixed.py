"""What is the same whenever a subgraph runs, though no constant of that subgraph: weights that a caller hands in, and
weights in variables that only the initialization writes."""

from __future__ import annotations

from dataclasses import dataclass

from tflite_audit.analyzer.model.graph import Call, arguments, calls, entries
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.analyzer.model.variables import handles

from .operators import first

LOOPS = frozenset({"WHILE", "STABLEHLO_WHILE"})


@dataclass(frozen=True)
class Fixed:
    """The weights of a model that are no constants where they are used.

    Attributes:
        tensors: for each subgraph, the tensors that hold the same at each run.
        variables: for each subgraph, resource tensor → name of its variable.
    """

    tensors: tuple[frozenset[int], ...]
    variables: tuple[dict[int, str], ...]


def of_model(model: Model) -> Fixed:
    """Follow constants and variables from the callers into the subgraphs they call."""
    called: dict[int, list[Call]] = {}
    for call in calls(model):
        called.setdefault(call.callee, []).append(call)
    entered = frozenset(entries(model))
    given: list[frozenset[int]] = [frozenset() for _ in model.subgraphs]
    variables: list[dict[int, str]] = [{} for _ in model.subgraphs]
    for (index, t), name in handles(model).items():
        variables[index][t] = "/".join(name)
    initial = _initial(model, called)
    for s in _callers_first(model, called):
        if called.get(s) and s not in entered:
            given[s] = frozenset.intersection(*(_passed(model, call, given[call.subgraph]) for call in called[s]))
    assigned = {
        variables[subgraph.index].get(op.inputs[0], "")
        for subgraph, op in model.operators
        if op.name == "ASSIGN_VARIABLE" and op.inputs and subgraph.index not in initial
    }
    tensors: list[frozenset[int]] = []
    for subgraph in model.subgraphs:
        read = frozenset(
            op.outputs[0]
            for op in subgraph.operators
            if op.name == "READ_VARIABLE"
            and op.inputs
            and op.outputs
            and variables[subgraph.index].get(op.inputs[0], "") not in assigned | {""}
        )
        tensors.append(given[subgraph.index] | read)
    return Fixed(tuple(tensors), tuple(variables))


def _initial(model: Model, called: dict[int, list[Call]]) -> frozenset[int]:
    """The subgraphs that only CALL_ONCE runs."""
    return frozenset(
        subgraph.index
        for subgraph in model.subgraphs
        if called.get(subgraph.index) and all(call.role == "init" for call in called[subgraph.index])
    )


def _callers_first(model: Model, called: dict[int, list[Call]]) -> list[int]:
    order: list[int] = []
    begun: set[int] = set()
    for start in range(len(model.subgraphs)):
        waiting = [(start, False)]
        while waiting:
            s, done = waiting.pop()
            if done:
                order.append(s)
            elif s not in begun:
                begun.add(s)
                waiting.append((s, True))
                waiting.extend((call.subgraph, False) for call in called.get(s, ()))
    return order


def _passed(model: Model, call: Call, given: frozenset[int]) -> frozenset[int]:
    """Of a callee's inputs, those that its caller hands a constant."""
    caller, callee = model.subgraphs[call.subgraph], model.subgraphs[call.callee]
    op = caller.operators[call.operator]
    body = _body(model, caller, op)
    constant: set[int] = set()
    for place, (outside, inside) in enumerate(zip(arguments(op, call), callee.inputs, strict=False)):
        if OPTIONAL in (outside, inside):
            continue
        source = first(caller, outside)
        if (source in given or caller.tensors[source].constant) and (body is None or _forwards(body, place)):
            constant.add(inside)
    return frozenset(constant)


def _body(model: Model, caller: Subgraph, op: Operator) -> Subgraph | None:
    if op.name not in LOOPS:
        return None
    index = model.options(caller, op).get("body_subgraph_index")
    return model.subgraphs[index] if isinstance(index, int) and 0 <= index < len(model.subgraphs) else None


def _forwards(body: Subgraph, place: int) -> bool:
    """The loop hands it on from step to step as it is."""
    return place < min(len(body.inputs), len(body.outputs)) and first(body, body.outputs[place]) == body.inputs[place]

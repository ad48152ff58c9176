"""Finds states that a model takes and does not give back: the cell state of a step, computed and thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.graph import entries
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules.recurrent.operators import INDEX_TYPES, first, kind
from tflite_audit.rules.recurrent.states import States
from tflite_audit.rules.recurrent.tracing import copies

_GATES = frozenset({"LOGISTIC", "MAXIMUM", "MINIMUM", "RELU6", "RELU_0_TO_1"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """A state that a cell reads from an input, and whose next value goes nowhere.

    Attributes:
        read: the input.
        after: the tensor that holds its next value.
        operator: that writes it.
    """

    subgraph: int
    read: int
    after: int
    operator: int


def of_model(model: Model, states: States) -> Iterator[Dropped]:
    """By what a gated cell does with its old state and with nothing else: a gate times it, and a gated tanh added.

    An LSTM's cell state and a GRU's state are of that form, `f * c + i * tanh(...)` and `z * h + (1 - z) * tanh(...)`.
    """
    known = {(state.subgraph, state.read) for state in states.states}
    for index in entries(model):
        subgraph = model.subgraphs[index]
        if len(subgraph.inputs) < 2:
            continue
        outputs = {first(subgraph, t) for t in subgraph.outputs}
        for read in subgraph.inputs:
            tensor = subgraph.tensors[read]
            if (index, read) in known or tensor.constant or tensor.dtype in INDEX_TYPES:
                continue
            for op in _sums(subgraph, read):
                after = op.outputs[0]
                if outputs.isdisjoint(copies(subgraph, after)) and not _assigned(subgraph, after):
                    yield Dropped(index, read, after, op.index)
                    break


def _sums(subgraph: Subgraph, read: int) -> Iterator[Operator]:
    """ADD(MUL(read, gate), MUL(..., TANH(...)))."""
    for product in _readers(subgraph, read, "MUL"):
        (other,) = _others(subgraph, product, read) or (OPTIONAL,)
        if not _written_by(subgraph, other, _GATES):
            continue
        for total in _readers(subgraph, product.outputs[0], "ADD"):
            for term in _others(subgraph, total, product.outputs[0]):
                source = subgraph.producers.get(first(subgraph, term))
                if source is None or kind(subgraph.operators[source]) != "MUL":
                    continue
                if any(_written_by(subgraph, t, frozenset({"TANH"})) for t in subgraph.operators[source].inputs):
                    yield total


def _readers(subgraph: Subgraph, tensor: int, name: str) -> Iterator[Operator]:
    for copy in copies(subgraph, tensor):
        for reader in subgraph.consumers.get(copy, ()):
            if kind(subgraph.operators[reader]) == name:
                yield subgraph.operators[reader]


def _others(subgraph: Subgraph, op: Operator, tensor: int) -> list[int]:
    """The operands that are no copy of this tensor."""
    mine = set(copies(subgraph, tensor))
    return [t for t in op.inputs if t != OPTIONAL and t not in mine][:1]


def _written_by(subgraph: Subgraph, tensor: int, names: frozenset[str]) -> bool:
    op = subgraph.producers.get(first(subgraph, tensor))
    return op is not None and kind(subgraph.operators[op]) in names


def _assigned(subgraph: Subgraph, tensor: int) -> bool:
    return any(True for _ in _readers(subgraph, tensor, "ASSIGN_VARIABLE"))

"""What a model carries from one call to the next, and how."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tflite_audit.analyzer.model.graph import calls, entries, reachable
from tflite_audit.analyzer.model.types import ELEMENT_BYTES, OPTIONAL, Model, Operator, Subgraph
from tflite_audit.analyzer.model.variables import Variable, answering, handles
from tflite_audit.rules.recurrent import outside
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.tracing import copies, is_constant, origin


class Keeping(StrEnum):
    """Where a state is between two calls."""

    OUTSIDE = "input and output"
    """The application passes an output of one call as an input of the next."""
    RESOURCE = "resource variable"
    """VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE."""
    TENSOR = "variable tensor"
    """A tensor with `is_variable`, which a fused operator writes in place."""
    OPERATOR = "custom operator"
    """In the kernel of a custom operator, where the file does not show it."""
    LOST = "lost"
    """Every call begins with a constant state."""


@dataclass(frozen=True, slots=True)
class State:
    """A state of the model.

    Attributes:
        keeping: where it is between two calls.
        subgraph: of the two tensors.
        read: index of the tensor that holds it before the call; None for a state that begins as a constant in a loop.
        written: of the one that holds it after; None where nothing writes it, and for a variable tensor, which is
            written in place.
        name: of the variable, or of the input; empty where it has none.
        shape: -1 for a free dimension.
        dtype: such as `int8`; empty where the file does not show it.
        layer: index in `RecurrentLayers.layers` of the layer whose state it is; None where it is another's (a ring
            buffer of a streaming convolution).
        initialized: a CALL_ONCE or the schema gives it a value before the first call (variable tensors are zero); None
            for a state from outside.
        begun_by: the signatures of which a call gives a resource variable a value that is not made of its old one.
        given_back: name of the output, of a state from outside.
        written_in: subgraph of `written` where it is another.
        evidence: what shows that it is a state, where the schema does not say it.
    """

    keeping: Keeping
    subgraph: int
    read: int | None
    written: int | None
    name: str
    shape: tuple[int, ...]
    dtype: str
    layer: int | None = None
    initialized: bool | None = None
    begun_by: tuple[str, ...] = ()
    given_back: str = ""
    written_in: int | None = None
    evidence: str = ""

    @property
    def bytes(self) -> int | None:
        """What it takes; a free dimension counts as 1; None where the file does not tell."""
        size = ELEMENT_BYTES.get(self.dtype)
        return None if size is None else math.prod(max(1, n) for n in self.shape) * size


@dataclass(frozen=True, slots=True)
class States:
    """The states of a model."""

    states: tuple[State, ...] = ()

    def kept(self, *keepings: Keeping) -> tuple[State, ...]:
        """Those kept in one of these ways."""
        return tuple(state for state in self.states if state.keeping in keepings)

    @property
    def carried(self) -> tuple[State, ...]:
        """Those that one call leaves for the next."""
        return tuple(state for state in self.states if state.keeping is not Keeping.LOST)


def of_model(model: Model, recurrent: RecurrentLayers) -> States:
    """Find them; O(n) of the operators."""
    runs = reachable(model)
    owners = _Owners(model, recurrent)
    found = [
        *_outside(model, recurrent, owners),
        *_resources(model, runs, owners),
        *_variable_tensors(model, runs, owners),
        *_in_operators(model, runs),
    ]
    kept = {state.layer for state in found}
    lost = (
        state
        for index, layer in enumerate(recurrent.layers)
        if index not in kept and layer.subgraph in runs
        for state in _lost(model, index, layer)
    )
    return States((*found, *lost))


KEEPING_CUSTOM: Mapping[str, str] = {
    "CIRCULAR_BUFFER": "the frames before this one",
    "SignalDelay": "the samples it delays",
    "SignalFilterBankSpectralSubtraction": "its estimate of the noise",
    "SignalFramer": "the samples of frames that overlap",
    "SignalOverlapAdd": "the part of the frames that overlap",
    "SignalStacker": "the frames it stacks",
}
"""Custom operators whose kernels keep something from call to call, and what (tflite-micro, signal/micro/kernels: those
whose registration has a Reset; tensorflow/lite/micro/kernels/circular_buffer.cc, which shifts its own output)."""


class _Owners:
    """Which recurrent layer an operator belongs to."""

    def __init__(self, model: Model, recurrent: RecurrentLayers) -> None:
        self._model = model
        self._of: dict[tuple[int, int], int] = {}
        for index, layer in enumerate(recurrent.layers):
            for op in (layer.anchor, *layer.operators):
                self._of.setdefault((layer.subgraph, op), index)
            if layer.body is not None:
                for op in self._model.subgraphs[layer.body].operators:
                    self._of.setdefault((layer.body, op.index), index)

    def of(self, subgraph: int, operator: int) -> int | None:
        return self._of.get((subgraph, operator))

    def most(self, subgraph: int, operators: frozenset[int]) -> int | None:
        """The layer of most of these."""
        counts: dict[int, int] = {}
        for op in operators:
            owner = self.of(subgraph, op)
            if owner is not None:
                counts[owner] = counts.get(owner, 0) + 1
        return max(counts, key=lambda owner: (counts[owner], -owner), default=None)

    def reading(self, subgraph: Subgraph, tensor: int) -> int | None:
        """The layer that reads this tensor, in whatever form."""
        for t in copies(subgraph, tensor):
            for op in subgraph.consumers.get(t, ()):
                if (owner := self.of(subgraph.index, op)) is not None:
                    return owner
        return None

    def writing(self, subgraph: Subgraph, tensor: int) -> int | None:
        """The layer that writes this tensor, in whatever form."""
        op = subgraph.producers.get(origin(subgraph, tensor))
        return None if op is None else self.of(subgraph.index, op)


def _outside(model: Model, recurrent: RecurrentLayers, owners: _Owners) -> Iterator[State]:
    for index in entries(model):
        subgraph = model.subgraphs[index]
        names = _port_names(model, index)
        for pair in outside.pairs(model, subgraph, recurrent, names):
            tensor, written = subgraph.tensors[pair.read], subgraph.tensors[pair.written]
            yield State(
                Keeping.OUTSIDE,
                index,
                pair.read,
                pair.written,
                (*names.get(pair.read, ()), tensor.name)[0],
                tensor.declared_shape,
                tensor.dtype,
                layer=owners.most(index, pair.inside),
                given_back=(*names.get(pair.written, ()), written.name)[0],
                evidence=_shown(subgraph, pair),
            )


def _shown(subgraph: Subgraph, pair: outside.Pair) -> str:
    if pair.instead is None:
        return str(pair.evidence)
    return f"{pair.evidence}, or {subgraph.tensors[pair.instead].name}, which goes the same way into it"


def _port_names(model: Model, subgraph: int) -> dict[int, tuple[str, ...]]:
    """Tensor → what the signatures call it."""
    found: dict[int, list[str]] = {}
    for signature in model.signatures:
        if signature.subgraph == subgraph:
            for name, tensor in (*signature.inputs.items(), *signature.outputs.items()):
                found.setdefault(tensor, []).append(name)
    return {tensor: tuple(dict.fromkeys(names)) for tensor, names in found.items()}


Access = tuple[Subgraph, Operator]


def _resources(model: Model, runs: frozenset[int], owners: _Owners) -> Iterator[State]:
    """The variables that an answer depends on, that are read before the call has assigned them, and assigned elsewhere
    than where they are initialized."""
    resolved = handles(model)
    if not resolved:
        return
    once = _initializing(model)
    reads: dict[Variable, list[Access]] = {}
    assigns: dict[Variable, list[Access]] = {}
    initialized: set[Variable] = set()
    for subgraph, op in model.operators:
        if op.name not in {"READ_VARIABLE", "ASSIGN_VARIABLE"} or subgraph.index not in runs or not op.inputs:
            continue
        if not (op.outputs if op.name == "READ_VARIABLE" else op.inputs[1:]):
            continue  # a file may leave out what it cannot do without
        variable = resolved.get((subgraph.index, op.inputs[0]))
        if variable is None:
            continue
        if subgraph.index in once:
            initialized.update([variable] if op.name == "ASSIGN_VARIABLE" else [])
        else:
            (reads if op.name == "READ_VARIABLE" else assigns).setdefault(variable, []).append((subgraph, op))
    answers = answering(model, resolved)
    for variable, reading in reads.items():
        readers = _of_the_call_before(reading, assigns.get(variable, []))
        if not readers or variable not in assigns or variable not in answers:
            continue
        (subgraph, read), (other, assign) = _nearest(readers, assigns[variable])
        held, given = read.outputs[0], assign.inputs[1]
        tensor = subgraph.tensors[held]
        layer = owners.reading(subgraph, held)
        yield State(
            Keeping.RESOURCE,
            subgraph.index,
            held,
            given,
            variable[1],
            tensor.declared_shape,
            tensor.dtype,
            layer=owners.writing(other, given) if layer is None else layer,
            initialized=variable in initialized,
            begun_by=tuple(_beginning(model, readers, assigns[variable])),
            written_in=None if other is subgraph else other.index,
        )


def _of_the_call_before(reading: list[Access], assigning: list[Access]) -> list[Access]:
    """Those that no assignment of the same subgraph precedes."""
    first: dict[int, int] = {}
    for subgraph, op in assigning:
        first[subgraph.index] = min(op.index, first.get(subgraph.index, op.index))
    return [(subgraph, op) for subgraph, op in reading if op.index < first.get(subgraph.index, op.index + 1)]


def _beginning(model: Model, readers: list[Access], assigning: list[Access]) -> Iterator[str]:
    """The signatures whose subgraph assigns a constant, or what it makes without reading the variable."""
    reading = {subgraph.index for subgraph, _ in readers}
    anew = {
        subgraph.index
        for subgraph, op in assigning
        if subgraph.index not in reading or is_constant(subgraph, op.inputs[1])
    }
    yield from (signature.key for signature in model.signatures if signature.subgraph in anew)


def _nearest(readers: list[Access], assigning: list[Access]) -> tuple[Access, Access]:
    """A reading and the last assignment of one subgraph, if any has both."""
    by_subgraph = {subgraph.index: (subgraph, op) for subgraph, op in assigning}
    for subgraph, op in readers:
        if subgraph.index in by_subgraph:
            return (subgraph, op), by_subgraph[subgraph.index]
    return readers[0], assigning[-1]


def _initializing(model: Model) -> set[int]:
    """The subgraphs that CALL_ONCE runs, and all that they call."""
    callees: dict[int, list[int]] = {}
    waiting: list[int] = []
    for call in calls(model):
        if call.role == "init":
            waiting.append(call.callee)
        else:
            callees.setdefault(call.subgraph, []).append(call.callee)
    found: set[int] = set()
    while waiting:
        subgraph = waiting.pop()
        if subgraph not in found:
            found.add(subgraph)
            waiting.extend(callees.get(subgraph, ()))
    return found


def _variable_tensors(model: Model, runs: frozenset[int], owners: _Owners) -> Iterator[State]:
    for subgraph in model.subgraphs:
        if subgraph.index not in runs:
            continue
        seen: set[int] = set()
        for op in subgraph.operators:
            for t in op.inputs:
                if t == OPTIONAL or t in seen or not subgraph.tensors[t].variable:
                    continue
                seen.add(t)
                tensor = subgraph.tensors[t]
                yield State(
                    Keeping.TENSOR,
                    subgraph.index,
                    t,
                    None,
                    tensor.name,
                    tensor.declared_shape,
                    tensor.dtype,
                    layer=owners.of(subgraph.index, op.index),
                    initialized=True,
                )


def _in_operators(model: Model, runs: frozenset[int]) -> Iterator[State]:
    for subgraph, op in model.operators:
        if op.custom and op.name in KEEPING_CUSTOM and subgraph.index in runs:
            yield State(
                Keeping.OPERATOR,
                subgraph.index,
                None,
                None,
                op.name,
                (),
                "",
                initialized=True,
                evidence=f"its kernel keeps {KEEPING_CUSTOM[op.name]}",
            )


def _lost(model: Model, index: int, layer: RecurrentLayer) -> Iterator[State]:
    """What a layer that nothing is kept of begins with at every call, where that is a constant."""
    subgraph = model.subgraphs[layer.subgraph]
    if layer.form is Form.LOOP:
        for given, end in outside.loop_states(model, layer):
            if is_constant(subgraph, given):
                tensor = subgraph.tensors[given]
                yield State(
                    Keeping.LOST, subgraph.index, given, end, "", tensor.declared_shape, tensor.dtype, layer=index
                )
    # What weighs a first state of zero is zero, and the converter leaves it out: one product less than there are steps.
    elif layer.form is Form.UNROLLED and layer.steps and len(layer.products) % layer.steps:
        shape = () if layer.units is None else (layer.units,)
        yield State(Keeping.LOST, subgraph.index, None, None, "", shape, "", layer=index)

"""Finds the states that an application passes: an input, and the output that is its next value.

Shape and type are no proof: a network for pictures, an autoencoder and a sum have an output of their input's shape too.
What shows a state is what happens between the two: it is a ring buffer (joined with something new, and cut again), or
the cell of a recurrent layer, or a loop goes on from it; where nothing of it is known, names like `state_in` and
`state_out` show it. And something else must come in: what depends on nothing but its own old value is no state.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tflite_audit.analyzer.model.types import FLOAT_TYPES, OPTIONAL, Model, Subgraph, Tensor
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.operators import JOINS, MATRIX, MOVES, SAME, SLICES, kind
from tflite_audit.rules.recurrent.tracing import copies, origin


class Evidence(StrEnum):
    """What shows that an output is the next value of an input; the surest first."""

    LOOP = "a loop goes on from it"
    RING = "it is joined with what is new, and cut again"
    WRITTEN = "a part of it is written anew"
    CELL = "a recurrent cell reads and writes it"
    NAMES = "the names of input and output pair"


_SURENESS = {evidence: rank for rank, evidence in enumerate(Evidence)}


@dataclass(frozen=True, slots=True)
class Pair:
    """A state from outside.

    Attributes:
        read, written: tensors of the subgraph.
        inside: operators on the ways from one to the other.
    """

    read: int
    written: int
    evidence: Evidence
    inside: frozenset[int]
    instead: int | None = None
    """Another input that goes the same way into the cell, so that structure alone does not tell which is the state."""


_NEAR = 400  # operators looked at, going back from an output; an LSTM step has about 15
_QUANTIZED = frozenset({"int8", "uint8", "int16"})
_WRITING = frozenset({"DYNAMIC_UPDATE_SLICE", "SCATTER_ND"})


def pairs(
    model: Model, subgraph: Subgraph, recurrent: RecurrentLayers, names: dict[int, tuple[str, ...]] | None = None
) -> tuple[Pair, ...]:
    """The states that are inputs and outputs of a subgraph which a caller runs.

    Args:
        names: of its inputs and outputs, by tensor, as the signatures call them.
    """
    inputs = {t: subgraph.tensors[t] for t in subgraph.inputs if not subgraph.tensors[t].constant}
    outputs = {t: subgraph.tensors[t] for t in subgraph.outputs if t not in inputs}
    kinds = {_kind(tensor) for tensor in inputs.values()}
    if len(inputs) < 2 or not any(_kind(tensor) in kinds for tensor in outputs.values()):
        return ()
    search, cells = _Search(subgraph, inputs), [*_cells(subgraph, recurrent)]
    of_cells = {(read, written) for cell in cells for read in cell.reads for written in cell.writes}
    named = {t: _Name.of(_called(subgraph, t, names)) for t in (*inputs, *outputs)}
    found = {(pair.read, pair.written): pair for pair in _through_loops(model, subgraph, recurrent)}
    for written, tensor in outputs.items():
        candidates = search.alike(written, tensor)
        near = search.near(written) if candidates else _Near({}, 0, 0)
        for read in candidates:
            evidence, inside = None, frozenset[int]()
            if search.moved(read, near) or (read, written) in of_cells:
                inside = search.between(read, near)
                evidence = _evidence(subgraph, search, of_cells, read, written, inside)
            if evidence is None and named[read].pairs_with(named[written]):
                evidence, inside = Evidence.NAMES, search.between(read, near)
            if evidence is not None:
                pair = Pair(read, written, evidence, inside)
                found.setdefault((read, written), _named_so(subgraph, cells, pair, named) if inside else pair)
    of_one_kind = (
        pair
        for (read, written), pair in found.items()
        if read in inputs and written in outputs and _kind(inputs[read]) == _kind(outputs[written])
    )
    return _chosen(subgraph, search, [*of_one_kind], named)


def _kind(tensor: Tensor) -> tuple[tuple[int, ...], str]:
    """Its shape, and its type; one for all types that stand for real numbers."""
    return tensor.declared_shape, "real" if tensor.dtype in FLOAT_TYPES | _QUANTIZED else tensor.dtype


class _Search:
    """What depends on what in a subgraph."""

    def __init__(self, subgraph: Subgraph, inputs: dict[int, Tensor]) -> None:
        self._subgraph = subgraph
        self._inputs = [*inputs]
        self._bits = {t: 1 << at for at, t in enumerate(inputs)}
        self._alike: dict[tuple[tuple[int, ...], str], int] = {}
        for t, tensor in inputs.items():
            self._alike[_kind(tensor)] = self._alike.get(_kind(tensor), 0) | self._bits[t]
        self._masks = dict(self._bits)
        for op in subgraph.operators:
            mask = 0
            for t in op.inputs:
                mask |= self._masks.get(t, 0)
            for t in op.outputs:
                self._masks[t] = self._masks.get(t, 0) | mask

    def alike(self, written: int, tensor: Tensor) -> list[int]:
        """The inputs of its shape and type that it is computed from."""
        mask = self._masks.get(written, 0) & self._alike.get(_kind(tensor), 0)
        found: list[int] = []
        while mask:
            found.append(self._inputs[(mask & -mask).bit_length() - 1])
            mask &= mask - 1
        return found

    def depends_on_others(self, tensor: int, than: set[int]) -> bool:
        """It is computed from an input besides these."""
        mask = self._masks.get(tensor, 0)
        for t in than:
            mask &= ~self._bits.get(t, 0)
        return bool(mask)

    def near(self, tensor: int) -> _Near:
        """The operators that lead to a tensor, as many as a cell may have."""
        producers, operators = self._subgraph.producers, self._subgraph.operators
        level = [producers[tensor]] if tensor in producers else []
        found = dict.fromkeys(level)
        while level and len(found) < _NEAR:
            before = (producers[t] for op in level for t in operators[op].inputs if t in producers)
            level = [op for op in dict.fromkeys(before) if op not in found]
            found.update(dict.fromkeys(level))
        return self._reached(sorted(found))

    def _reached(self, near: list[int]) -> _Near:
        masks: dict[int, int] = {}
        inside: dict[int, int] = {}
        reached = computed = 0
        for index in near:
            op = self._subgraph.operators[index]
            mask = 0
            for t in op.inputs:
                mask |= masks.get(t, self._bits.get(t, 0))
            if mask:
                inside[index] = mask
                masks.update((t, masks.get(t, 0) | mask) for t in op.outputs)
                if kind(op) not in MOVES and kind(op) not in _WRITING:
                    computed |= mask
                reached |= mask
        return _Near(inside, reached, computed)

    def moved(self, read: int, near: _Near) -> bool:
        """These operators do no more with an input than move it about."""
        return bool(near.reached & ~near.computed & self._bits[read])

    def between(self, read: int, near: _Near) -> frozenset[int]:
        """Those of these operators that depend on an input."""
        bit = self._bits[read]
        return frozenset(index for index, mask in near.inside.items() if mask & bit)


@dataclass(frozen=True, slots=True)
class _Near:
    """The operators that lead to a tensor.

    Attributes:
        inside: operator → the inputs that reach it by these operators, as bits.
        reached: all these inputs.
        computed: those that one of the operators computes with.
    """

    inside: dict[int, int]
    reached: int
    computed: int


def _through_loops(model: Model, subgraph: Subgraph, recurrent: RecurrentLayers) -> Iterator[Pair]:
    """The loop of a recurrent layer begins with the input, and gives the output."""
    ends = {origin(subgraph, t, SAME | JOINS): t for t in subgraph.outputs}
    for layer in recurrent.of(Form.LOOP):
        if layer.subgraph == subgraph.index:
            for given, result in loop_states(model, layer):
                read = origin(subgraph, given, SAME | SLICES)
                if read in subgraph.inputs and result in ends:
                    yield Pair(read, ends[result], Evidence.LOOP, frozenset({layer.anchor}))


def loop_states(model: Model, layer: RecurrentLayer) -> Iterator[tuple[int, int]]:
    """The tensors that a loop's states begin with, and end as."""
    if layer.body is None:
        return
    loop, body = model.subgraphs[layer.subgraph].operators[layer.anchor], model.subgraphs[layer.body]
    held = {before for before, _ in layer.states}
    for given, result, inner in zip(loop.inputs, loop.outputs, body.inputs, strict=False):
        if inner in held and given != OPTIONAL:
            yield given, result


def _evidence(
    subgraph: Subgraph,
    search: _Search,
    of_cells: Collection[tuple[int, int]],
    read: int,
    written: int,
    inside: frozenset[int],
) -> Evidence | None:
    """What the operators between an input and an output show."""
    kinds = {kind(subgraph.operators[i]) for i in inside}
    if not kinds or not search.depends_on_others(written, {read}):
        return None
    if kinds <= MOVES | _WRITING:
        written_into = kinds & _WRITING
        return Evidence.WRITTEN if written_into else Evidence.RING if "CONCATENATION" in kinds else None
    return Evidence.CELL if (read, written) in of_cells else None


@dataclass(frozen=True, slots=True)
class _Cell:
    """A layer's inputs and outputs among those of the subgraph."""

    reads: frozenset[int]
    writes: frozenset[int]
    beside: frozenset[int] = frozenset()
    """Inputs that go the same way into it as the state."""


class _Ends:
    """The outputs of a subgraph, by what they are copies of or are joined of."""

    def __init__(self, subgraph: Subgraph) -> None:
        self._outputs: dict[int, list[int]] = {}
        for t in subgraph.outputs:
            self._outputs.setdefault(origin(subgraph, t, SAME | JOINS), []).append(t)

    def taken_from(self, tensors: set[int]) -> frozenset[int]:
        return frozenset(output for t in tensors for output in self._outputs.get(t, ()))


def _cells(subgraph: Subgraph, recurrent: RecurrentLayers) -> Iterator[_Cell]:
    """Each state of the layers that are written out in operators: what it may come from, and what it may go to."""
    ends = _Ends(subgraph)
    for layer in recurrent.of(Form.STEP, Form.UNROLLED):
        if layer.subgraph != subgraph.index:
            continue
        for before, after in layer.states:
            beside = _beside(subgraph, layer, before) if layer.form is Form.STEP else frozenset[int]()
            yield _Cell(_given_by(subgraph, {before}), ends.taken_from({origin(subgraph, after)}), beside)
        if not layer.states and layer.products:
            yield from _ends_of_unrolled(subgraph, layer, ends)


def _ends_of_unrolled(subgraph: Subgraph, layer: RecurrentLayer, ends: _Ends) -> Iterator[_Cell]:
    """What its steps weigh, and what the last one writes; an LSTM's cell state is multiplied, and ends as a sum."""
    inside = sorted({layer.anchor, *layer.operators, *layer.products})
    after = set(subgraph.operators[layer.products[-1]].outputs)
    for i in inside:
        op = subgraph.operators[i]
        if any(t in after for t in op.inputs):
            after.update(op.outputs)
    sums = {t for i in inside if kind(op := subgraph.operators[i]) == "ADD" for t in op.outputs}
    factors = {t for i in inside if kind(op := subgraph.operators[i]) == "MUL" for t in op.inputs}
    weighed = {t for i in layer.products for t in subgraph.operators[i].inputs if t != OPTIONAL}
    two = "LSTM" in layer.cell
    yield _Cell(_given_by(subgraph, weighed), ends.taken_from(after - sums if two else after))
    if two:
        yield _Cell(_given_by(subgraph, factors), ends.taken_from(after & sums))


def _named_so(subgraph: Subgraph, cells: Sequence[_Cell], pair: Pair, named: dict[int, _Name]) -> Pair:
    """Of two inputs that a cell weighs and adds alike, the one called a state; the first found if neither is."""
    cell = next((c for c in cells if pair.read in c.reads and pair.written in c.writes), None)
    if pair.evidence is not Evidence.CELL or cell is None:
        return pair
    read = subgraph.tensors[pair.read]
    others = [t for t in cell.beside if t != pair.read and _kind(subgraph.tensors[t]) == _kind(read)]
    if not others or named[pair.read].state:
        return pair
    called = [t for t in others if named[t].state]
    return replace(pair, read=called[0]) if called else replace(pair, instead=others[0])


def _beside(subgraph: Subgraph, layer: RecurrentLayer, before: int) -> frozenset[int]:
    """The inputs that are weighed and added to what the cell weighs of its state, or joined with the state."""
    mine, found = set(copies(subgraph, before)), set[int]()
    for product in layer.products:
        op = subgraph.operators[product]
        given = [t for t in op.inputs if t != OPTIONAL and not subgraph.tensors[t].constant]
        found.update(t for t in _joined(subgraph, given) if t not in mine)
        if not mine.intersection(given):
            continue
        for copy in copies(subgraph, op.outputs[0]):
            for reader in subgraph.consumers.get(copy, ()):
                if kind(subgraph.operators[reader]) == "ADD":
                    found.update(_weighed(subgraph, subgraph.operators[reader].inputs, op.index))
    return frozenset(origin(subgraph, t, SAME | SLICES) for t in found).intersection(subgraph.inputs)


def _joined(subgraph: Subgraph, tensors: list[int]) -> Iterator[int]:
    for t in tensors:
        writer = subgraph.producers.get(origin(subgraph, t))
        if writer is not None and kind(subgraph.operators[writer]) in JOINS:
            yield from (origin(subgraph, part) for part in subgraph.operators[writer].inputs if part != OPTIONAL)


def _weighed(subgraph: Subgraph, tensors: Sequence[int], but: int) -> Iterator[int]:
    """What the products that these are the results of weigh."""
    for t in tensors:
        writer = subgraph.producers.get(origin(subgraph, t))
        if writer is not None and writer != but and kind(subgraph.operators[writer]) in MATRIX:
            yield from (s for s in subgraph.operators[writer].inputs if s != OPTIONAL)


def _given_by(subgraph: Subgraph, tensors: set[int]) -> frozenset[int]:
    """The inputs of which one of these is a copy or a part."""
    return frozenset(origin(subgraph, t, SAME | SLICES) for t in tensors).intersection(subgraph.inputs)


def _chosen(subgraph: Subgraph, search: _Search, found: list[Pair], named: dict[int, _Name]) -> tuple[Pair, ...]:
    """Each input and each output once: the surest first, the nearest of those, and of those the ones that are named so.

    Of an LSTM's two states the output of one can be reached from the other too; the way to its own is shorter.
    """

    def order(pair: Pair) -> tuple[int, int, bool, bool, int]:
        read, written = named[pair.read], named[pair.written]
        size = sum(1 for i in pair.inside if subgraph.operators[i].name not in SAME)
        return _SURENESS[pair.evidence], size, not read.pairs_with(written), not read.state, -pair.read

    taken: list[Pair] = []
    reads, writes = set[int](), set[int]()
    for pair in sorted(found, key=order):
        if pair.read not in reads and pair.written not in writes:
            taken.append(pair)
            reads.add(pair.read)
            writes.add(pair.written)
    kept = (pair for pair in taken if search.depends_on_others(pair.written, reads))
    places = {t: at for at, t in enumerate(subgraph.inputs)}
    return tuple(sorted(kept, key=lambda pair: places[pair.read]))


_DIRECTIONS = frozenset(
    {
        *("call", "current", "default", "final", "identity", "in", "init", "initial", "input", "inputs", "new", "next"),
        *("old", "out", "output", "outputs", "partitionedcall", "past", "present", "prev", "previous", "serving"),
        *("statefulpartitionedcall", "updated"),
    }
)
_STATES = frozenset(
    {
        *("buffer", "c", "cache", "carry", "cell", "cn", "context", "cx", "delay", "fifo", "gru", "h", "hidden"),
        *("history", "hn", "hx", "kv", "lstm", "mem", "memory", "past", "recurrent", "ring", "rnn", "state", "states"),
        "stream",
    }
)


def _called(subgraph: Subgraph, tensor: int, names: dict[int, tuple[str, ...]] | None) -> tuple[str, ...]:
    own = subgraph.tensors[tensor].name
    return (*(names or {}).get(tensor, ()), *([own] if own else []))


def _words(name: str) -> list[str]:
    """`serving_default_input_state_0:0` → serving, default, input, state, 0."""
    return re.findall(r"[a-z]+|\d+", re.sub(r":\d+$", "", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).lower())


@dataclass(frozen=True, slots=True)
class _Name:
    """What a tensor is called.

    Attributes:
        stems: the words of each name, but for the direction.
        state: one of the names calls it a state.
    """

    stems: frozenset[tuple[str, ...]]
    state: bool

    @classmethod
    def of(cls, names: tuple[str, ...]) -> _Name:
        words = [_words(name) for name in names]
        stems = (tuple(word for word in each if word not in _DIRECTIONS) for each in words)
        return cls(frozenset(stem for stem in stems if stem), any(word in _STATES for each in words for word in each))

    def pairs_with(self, other: _Name) -> bool:
        """One of the names of each is the same but for the direction, and calls it a state."""
        return bool(self.stems & other.stems) and (self.state or other.state)

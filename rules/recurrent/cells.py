"""Which recurrent cell the operators of one step are, told by where its states go.

The gates tell, not their names or activations. The cell state of an LSTM is multiplied by a gate, something gated is
added, and no matrix product weighs it; its output is gated once more. The state of a GRU is blended with a candidate by
one gate, and what the candidate takes of it is multiplied by another. A simple RNN adds a weighed state and a weighed
input under one activation. A cell without a recurrent kernel (IndRNN, SRU, QRNN, a selective state space) multiplies
its state element by element, by weights under an activation or by a gate that only the input makes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from tflite_audit.analyzer.model.types import OPTIONAL

from .flow import MOST_OPERATORS, Flow, Linear
from .operators import CHOICES, CONVOLUTIONS, ELEMENTWISE, INDEX_TYPES, MATRIX, MOVES, SQUASHING, data, first, kind

LSTM, GRU, SIMPLE, OWN = "LSTM", "GRU", "simple RNN", "recurrent"
BY_ELEMENT = "no recurrent kernel"
"""The variant of a cell whose state no matrix product weighs."""

NEVER_IN_A_CELL = frozenset(
    {
        "ARG_MAX",
        "AVERAGE_POOL_2D",
        "GELU",
        "L2_POOL_2D",
        "LOG_SOFTMAX",
        "MAX_POOL_2D",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SOFTMAX",
        "TOPK_V2",
        "TRANSPOSE_CONV",
    }
)
"""What tells a cell that is none of the known from other networks whose output looks like their input."""


@dataclass(frozen=True, slots=True)
class Port:
    """A tensor that may hold a state before the step, and those that may hold it after the step, the nearest first."""

    read: int
    written: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A recurrent cell.

    Attributes:
        name: `LSTM`, `GRU`, `simple RNN`, or `recurrent` for one that is none of these; `convolutional ` before it.
        variant: see RecurrentLayer.
        gated: its state passes from step to step by a gate, so that hardly anything else looks like it.
        blended: what the gate takes away is replaced by a candidate, as in a GRU.
        states: (tensor before the step, tensor after it); the hidden state first, then an LSTM's cell state.
        products: the operators that weigh the hidden state, in execution order; those that multiply it, where it is
            weighed element by element.
        operators: those on the ways from the states to the new states, in execution order.
        units: size of a state; None if it cannot be told.
    """

    name: str
    variant: tuple[str, ...]
    gated: bool
    blended: bool
    states: tuple[tuple[int, int], ...]
    products: tuple[int, ...]
    operators: tuple[int, ...]
    units: int | None


def recognise(flow: Flow, ports: Sequence[Port], *, certain: bool = False) -> list[Cell]:
    """The cells of a step, in execution order; `ports` are those of `flow`.

    `certain`: the ports are states beyond doubt, as what a loop carries is. Only then does a state count that no
    product weighs: many a network gates one of its inputs by another.
    """
    recogniser = _Recogniser(flow, ports)
    found = [*recogniser.cells()] or ([*recogniser.by_element()] if certain else [])
    return sorted(found, key=lambda cell: cell.products)


def together(cells: Sequence[Cell]) -> str:
    """What cells that step together are, in words."""
    known = [cell.name for cell in cells if not cell.name.endswith(OWN)]
    return " and ".join(sorted(dict.fromkeys(known or [cell.name for cell in cells]), key=_rank))


def _rank(name: str) -> tuple[int, str]:
    names = [LSTM, GRU, SIMPLE, OWN]
    return next((k for k, known in enumerate(names) if name.endswith(known)), len(names)), name


class _Recogniser:
    def __init__(self, flow: Flow, ports: Sequence[Port]) -> None:
        self._flow = flow
        self._ports = ports
        self._taken: set[int] = set()
        self._written: set[int] = set()
        self._followed: dict[int, Linear] = {}

    def cells(self) -> Iterator[Cell]:
        carried = [
            (k, written, linear)
            for k, port in enumerate(self._ports)
            if (linear := self._linear(k)) is not None
            for written in port.written[:8]
            if linear.gates.get(self._core(k, written))
        ]
        for k, written, linear in carried:
            if k in self._taken or written in self._written or self._weighed(k, self._core(k, written)):
                continue
            cell = self._with_cell_state(k, written, linear)
            if cell is not None:
                yield cell
        for k, written, linear in carried:
            if k not in self._taken and written not in self._written and self._weighed(k, self._core(k, written)):
                cell = self._gated(k, written, linear)
                if cell is not None:
                    yield cell
        for k in reversed(range(len(self._ports))):
            if k not in self._taken:
                cell = self._ungated(k)
                if cell is not None:
                    yield cell

    def _linear(self, k: int) -> Linear | None:
        if not any(self._flow.plain.get(t, 0) >> k & 1 for t in self._ports[k].written):
            return None
        if k not in self._followed:
            self._followed[k] = self._flow.linear(k)
        return self._followed[k]

    def _weighed(self, k: int, t: int) -> bool:
        return bool(self._flow.weighed(t) >> k & 1)

    def _core(self, k: int, written: int) -> int:
        """The new state without what holds the old one where the input is masked."""
        port = self._ports[k].read
        t = first(self._flow.subgraph, written)
        for _ in range(3):
            i = self._flow.producer(t)
            if i is None or kind(self._flow.subgraph.operators[i]) not in CHOICES:
                break
            new = [s for s in data(self._flow.subgraph.operators[i]) if first(self._flow.subgraph, s) != port]
            if len(new) != 1:
                break
            t = first(self._flow.subgraph, new[0])
        return self._new_part(port, t)

    def _new_part(self, port: int, t: int) -> int:
        """Of m * new + (1 - m) * old the new state, where m is no gate but a constant or a mask; `t` if it is no such.

        Only where the new state is gated itself: a leaky unit is no GRU without its leak.
        """
        i = self._flow.producer(t)
        if i is None or kind(self._flow.subgraph.operators[i]) != "ADD":
            return t
        parts = [self._scaled(s) for s in data(self._flow.subgraph.operators[i])]
        if len(parts) != 2 or None in parts or port not in parts:
            return t
        new = next((s for s in parts if s is not None and s != port), t)
        producer = self._flow.producer(new)
        return new if producer is not None and kind(self._flow.subgraph.operators[producer]) in {"ADD", "MUL"} else t

    def _scaled(self, t: int) -> int | None:
        """What is multiplied with a constant, or with something that no state goes into."""
        i = self._flow.producer(first(self._flow.subgraph, t))
        if i is None or kind(self._flow.subgraph.operators[i]) != "MUL":
            return None
        factors = [s for s in self._flow.subgraph.operators[i].inputs if self._flow.reach(s)]
        return first(self._flow.subgraph, factors[0]) if len(factors) == 1 else None

    # A state that only gates touch, and one that is weighed: an LSTM, or nearly

    def _with_cell_state(self, k: int, written: int, linear: Linear) -> Cell | None:
        core = self._core(k, written)
        gates = self._sources(linear.gates[core])
        found = self._hidden(k, core, gates)
        if found is None:
            return None
        j, hidden = found
        self._take(k, written)
        self._take(j, hidden)
        states = ((self._ports[j].read, hidden), (self._ports[k].read, written))
        updates = [pair for t in linear.terms if (pair := self._gated_term(t)) is not None]
        output = self._output_gate(j, hidden, core)
        if not updates or output is None:
            return self._cell(OWN, (), states, blended=bool(updates))
        coupled = any(self._flow.source(t) in gates for pair in updates for t in pair)
        operators = self._operators(states)
        peepholes = any(self._flow.plain.get(t, 0) >> k & 1 for t in gates | {self._flow.source(output[0])})
        variant = (
            *(["coupled input and forget gates"] if coupled else []),
            *(["peepholes"] if peepholes else []),
            *(["projection"] if output[1] else []),
            *(["layer normalization"] if self._normalized(operators) else []),
        )
        return self._cell(LSTM, variant, states, blended=True)

    def _sources(self, gates: Iterable[int]) -> frozenset[int]:
        return frozenset(self._flow.source(t) for t in gates)

    def _hidden(self, k: int, core: int, gates: Iterable[int]) -> tuple[int, int] | None:
        """The port of the hidden state that makes the gates of cell state `core`, and the new hidden state."""
        flow = self._flow
        once = more = 0
        for gate in gates:
            once |= flow.once.get(gate, 0)
            more |= flow.more.get(gate, 0)
        reached = self._descendants(core)
        for mask in (once, more):
            for plain in (True, False):
                for j in reversed(range(len(self._ports))):
                    if j == k or j in self._taken or not mask >> j & 1 or self._is_cell_state(j):
                        continue
                    for written in self._ports[j].written:
                        if written in self._written or (written == core and len(self._ports[j].written) > 1):
                            continue
                        t = self._core(j, written)
                        if (t in reached and t != core) if plain else bool(flow.weighed(t) >> k & 1 and t != core):
                            return j, written
        return None

    def _is_cell_state(self, j: int) -> bool:
        """Gates touch it and nothing weighs it."""
        linear = self._linear(j)
        return linear is not None and any(
            linear.gates.get(self._core(j, t)) and not self._weighed(j, self._core(j, t))
            for t in self._ports[j].written
        )

    def _descendants(self, t: int) -> set[int]:
        """The tensors computed from `t` without a matrix product, within the size of a cell."""
        found, waiting, seen = {t}, [t], set[int]()
        while waiting and len(seen) < MOST_OPERATORS:
            for i in self._flow.readers(waiting.pop()):
                op = self._flow.subgraph.operators[i]
                if i in seen or kind(op) in MATRIX:
                    continue
                seen.add(i)
                for s in op.outputs:
                    if s not in found and s not in self._flow.ports_set:
                        found.add(s)
                        waiting.append(s)
        return found

    def _gated_term(self, t: int) -> tuple[int, int] | None:
        """The two factors of a product that is added to a state."""
        i = self._flow.producer(first(self._flow.subgraph, t))
        if i is None or kind(self._flow.subgraph.operators[i]) != "MUL":
            return None
        factors = data(self._flow.subgraph.operators[i])
        if len(factors) != 2 or any(self._flow.constant(f) for f in factors):
            return None
        return factors[0], factors[1]

    def _output_gate(self, j: int, hidden: int, core: int) -> tuple[int, bool] | None:
        """The gate of the new hidden state, and whether a projection follows."""
        reached = self._descendants(core)
        t = self._core(j, hidden)
        on = self._flow.way([core], [t])
        for i in sorted(on):
            op = self._flow.subgraph.operators[i]
            factors = data(op)
            if kind(op) != "MUL" or len(factors) != 2:
                continue
            for value, gate in (factors, factors[::-1]):
                if value not in reached or not self._flow.weighed(gate) or not self._flow.is_gate(gate, value):
                    continue
                if self._flow.source(value) != self._flow.source(gate):
                    return gate, t not in reached
        return None

    # One state that is weighed, and blended by a gate: a GRU, or nearly

    def _gated(self, k: int, written: int, linear: Linear) -> Cell | None:
        self._take(k, written)
        states = ((self._ports[k].read, written),)
        gates = linear.gates[self._core(k, written)]
        blended = self._blends(k, linear, gates)
        resets = list(self._resets(k, self._sources(gates), states))
        if not blended or not resets:
            return self._cell(OWN, (), states, blended=blended)
        after = not any(self._flow.plain.get(t, 0) >> k & 1 for t in resets)
        operators = self._operators(states)
        variant = (
            *(["reset after"] if after else []),
            *(["layer normalization"] if self._normalized(operators) else []),
        )
        return self._cell(GRU, variant, states, blended=True)

    def _blends(self, k: int, linear: Linear, gates: frozenset[int]) -> bool:
        """What the gate takes away of the state is replaced by something that the state goes into.

        z * h + (1 - z) * n, or n + z * (h - n).
        """
        sources = self._sources(gates)
        for t in linear.terms:
            for a, b in itertools.permutations(self._gated_term(t) or (), 2):
                complement = self._flow.source(a) in sources and first(self._flow.subgraph, a) not in gates
                if complement and self._weighed(k, b):
                    return True
        for i in linear.products:
            for t in data(self._flow.subgraph.operators[i]):
                source = self._flow.producer(first(self._flow.subgraph, t))
                if source is not None and kind(self._flow.subgraph.operators[source]) == "SUB":
                    a, b = sorted(data(self._flow.subgraph.operators[source])[:2], key=linear.gates.__contains__)
                    if b in linear.gates and a not in linear.gates and self._weighed(k, a):
                        return True
        return False

    def _resets(self, k: int, gates: frozenset[int], states: tuple[tuple[int, int], ...]) -> Iterator[int]:
        """What another gate multiplies on the way to the candidate."""
        core = self._core(k, states[0][1])
        for i in self._flow.way([self._ports[k].read], [core]):
            op = self._flow.subgraph.operators[i]
            factors = data(op)
            if kind(op) != "MUL" or len(factors) != 2:
                continue
            if not all(self._flow.reach(f) >> k & 1 for f in factors):
                continue
            a, b = (self._flow.source(f) for f in factors)
            if a == b or a in gates or b in gates:
                continue
            for value, gate in (factors, factors[::-1]):
                if self._flow.is_gate(gate, value) and self._weighed(k, gate):
                    yield value
                    break

    # A state that is weighed and nothing else

    def _ungated(self, k: int) -> Cell | None:
        flow = self._flow
        port = self._ports[k].read
        for written in self._ports[k].written:
            if written in self._written:
                continue
            core = self._core(k, written)
            if not self._weighed(k, core):
                continue
            operators = flow.way([port], [core])
            if not operators:
                return None  # no cell is that large, and the others are farther
            self._take(k, written)
            held = self._held(k, core)
            plain = held is not None and all(self._adds(k, i) for i in operators - held)
            return self._cell(SIMPLE if plain else OWN, (), ((port, written),), blended=False, gated=False)
        return None

    def _held(self, k: int, core: int) -> set[int] | None:
        """The products by which a mask keeps the old state, if no other way leads from it to the new; None if one does.

        m * new + (1 - m) * old, where the mask is an input.
        """
        flow = self._flow
        if not flow.plain.get(core, 0) >> k & 1:
            return set()
        linear = flow.linear(k)
        terms = [i for t in linear.terms if (i := flow.producer(first(flow.subgraph, t))) is not None]
        products = {i for i in terms if kind(flow.subgraph.operators[i]) == "MUL"} | linear.products
        for i in products:
            if any(flow.constant(t) for t in data(flow.subgraph.operators[i])):
                return None
        return products if core in linear.gates and len(products) == 2 else None

    def _adds(self, k: int, i: int) -> bool:
        """The operator weighs the state once, adds to it, or is a part of an activation."""
        op = self._flow.subgraph.operators[i]
        name = kind(op)
        several = {t for t in data(op) if not self._flow.constant(t)}
        if name in MATRIX:
            return len(several) == 1 and not self._weighed(k, several.pop())
        if name in {"ADD", "ADD_N", "SUB"} or name in MOVES or name in CHOICES:
            return True
        return name in ELEMENTWISE and (len(several) == 1 or len({self._flow.source(t) for t in several}) == 1)

    # A state that no product weighs

    def by_element(self) -> Iterator[Cell]:
        """Cells that multiply their state element by element, and add something of the input."""
        for k, port in enumerate(self._ports):
            linear = self._linear(k)
            for written in port.written[:1]:
                if linear is not None and linear.terms and not self._weighed(k, self._core(k, written)):
                    cell = self._by_element(k, written, linear)
                    if cell is not None:
                        yield cell

    def _by_element(self, k: int, written: int, linear: Linear) -> Cell | None:
        flow, states = self._flow, ((self._ports[k].read, written),)
        operators = flow.way([self._ports[k].read], [self._core(k, written)])
        factors = {
            i: [t for t in data(flow.subgraph.operators[i]) if t not in linear.gates]
            for i in operators & linear.products
        }
        gates = [t for others in factors.values() for t in others if self._is_made_of_input(t, linear)]
        weights = [t for others in factors.values() for t in others if flow.constant(t)]
        bent = any(kind(flow.subgraph.operators[i]) in SQUASHING or flow.activated(i) for i in operators)
        if not gates and not (bent and any(prod(flow.tensor(t).shape) > 1 for t in weights)):
            return None  # a sum, or a filter
        return Cell(
            OWN,
            (BY_ELEMENT,),
            bool(gates),
            bool(gates),
            states,
            tuple(sorted(factors)),
            tuple(sorted(operators)),
            self._units(states),
        )

    def _is_made_of_input(self, gate: int, linear: Linear) -> bool:
        """It is bounded as a gate is, or what it takes away of the state is replaced by something new; no mask."""
        flow = self._flow
        source = flow.source(gate)
        if flow.constant(gate) or flow.tensor(source).dtype in INDEX_TYPES:
            return False
        pairs = [pair for t in linear.terms if (pair := self._gated_term(t)) is not None]
        replaced = any(flow.source(t) == source and first(flow.subgraph, t) != gate for pair in pairs for t in pair)
        return replaced or flow.squashed(gate)

    # What is common

    def _take(self, k: int, written: int) -> None:
        self._taken.add(k)
        self._written.add(written)

    def _operators(self, states: tuple[tuple[int, int], ...]) -> set[int]:
        return self._flow.way([read for read, _ in states], [written for _, written in states])

    def _normalized(self, operators: set[int]) -> bool:
        names = {kind(self._flow.subgraph.operators[i]) for i in operators}
        return bool(names & {"MEAN", "SUM"} and names & {"RSQRT", "SQRT", "POW", "SQUARED_DIFFERENCE"})

    def _cell(
        self,
        name: str,
        variant: tuple[str, ...],
        states: tuple[tuple[int, int], ...],
        *,
        blended: bool,
        gated: bool = True,
    ) -> Cell | None:
        operators = self._operators(states)
        products = self._products(states, operators)
        if not products:
            return None
        shape = self._flow.tensor(states[-1][0]).shape
        kinds = {kind(self._flow.subgraph.operators[i]) for i in products}
        if kinds <= CONVOLUTIONS and len(shape) > 2 and max(shape[1:-1], default=1) > 1:
            name = f"convolutional {name}"
        units = self._units(states)
        return Cell(name, variant, gated, blended, states, tuple(sorted(products)), tuple(sorted(operators)), units)

    def _units(self, states: tuple[tuple[int, int], ...]) -> int | None:
        shape = self._flow.tensor(states[-1][0]).shape
        return shape[-1] if shape and shape[-1] > 0 else None

    def _products(self, states: tuple[tuple[int, int], ...], operators: set[int]) -> list[int]:
        """The operators that weigh the hidden state before anything else does.

        Not those whose result is only weighed again, as by a decoder that makes the next input of its state.
        """
        state, written = states[0]
        products = self._weighing(state, operators)
        outputs = {i: self._flow.subgraph.operators[i].outputs[0] for i in products}
        direct = [i for i, t in outputs.items() if first(self._flow.subgraph, written) in self._descendants(t)]
        return direct or products

    def _weighing(self, state: int, operators: set[int]) -> list[int]:
        reached, products = {state}, list[int]()
        for i in sorted(operators):
            op = self._flow.subgraph.operators[i]
            read = [t for t in op.inputs if t in reached]
            if not read:
                continue
            if kind(op) in MATRIX:
                products.append(i)
            else:
                reached.update(t for t in op.outputs if t != OPTIONAL)
        return products

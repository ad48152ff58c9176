"""How the states of a cell reach the tensors of one step of it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph, Tensor
from tflite_audit.rules.precision import SHAPE_READERS

from .operators import CHOICES, ELEMENTWISE, MATRIX, MOVES, SAME, SLICES, SQUASHING, data, first, kind

MOST_OPERATORS = 400
"""Operators of one cell, at the most; an LSTM step has about 15, with layer normalization about 60."""

_FARTHEST = 2 * MOST_OPERATORS
"""Operators looked at for one way; a cell that weighs all that goes into it has half of them on its way."""


@dataclass
class Flow:
    """Which of the `ports` (tensors of real numbers that come from outside) reach which tensor, and how.

    Sets of ports are bits of an int: bit k is `ports[k]`.

    Attributes:
        operators: those of the step, in execution order.
        constants: tensors that hold the same at each step though the file holds no data for them.
        plain: tensor → ports that reach it by no matrix product.
        once: by a way with one product with constant weights.
        more: by a way with several.
    """

    model: Model
    subgraph: Subgraph
    operators: Sequence[int]
    ports: Sequence[int]
    constants: Collection[int] = ()
    plain: dict[int, int] = field(init=False)
    once: dict[int, int] = field(init=False)
    more: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._fixed = set(self.constants)
        self.plain, self.once, self.more = {}, {}, {}
        for k, port in enumerate(self.ports):
            self.plain[port] = self.plain.get(port, 0) | 1 << k
        self._led = dict(self.plain)
        for i in self.operators:
            self._pass(i)

    def _pass(self, i: int) -> None:
        op = self.subgraph.operators[i]
        inputs = [t for t in op.inputs if t != OPTIONAL]
        led = 0
        for t in inputs:
            led |= self._led.get(t, 0)
        if led:
            self._led.update((t, led) for t in op.outputs if t not in self.ports_set)
        if op.name in SHAPE_READERS or (inputs and all(self.constant(t) for t in inputs)):
            self._fixed.update(op.outputs)
            return
        plain = once = more = 0
        for t in inputs:
            plain |= self.plain.get(t, 0)
            once |= self.once.get(t, 0)
            more |= self.more.get(t, 0)
        if not plain | once | more:
            return
        if kind(op) in MATRIX:
            if any(self.constant(t) for t in inputs[:2]) or kind(op) in {"TRANSPOSE_CONV"}:
                plain, once, more = 0, plain, once | more
            else:
                plain, more = 0, more  # two of the model's own tensors: no weights
        for t in op.outputs:
            if t != OPTIONAL and t not in self.ports_set:
                self.plain[t], self.once[t], self.more[t] = plain, once, more

    @cached_property
    def ports_set(self) -> frozenset[int]:
        """The ports, to look one up."""
        return frozenset(self.ports)

    def constant(self, t: int) -> bool:
        """The file holds its values, or they follow from what it holds."""
        return t not in self.ports_set and (t in self._fixed or self.subgraph.tensors[first(self.subgraph, t)].constant)

    def weighed(self, t: int) -> int:
        """The ports that reach `t` through a product with constant weights."""
        return self.once.get(t, 0) | self.more.get(t, 0)

    def reach(self, t: int) -> int:
        """The ports that reach `t`, however."""
        return self.plain.get(t, 0) | self.weighed(t)

    @cached_property
    def _inside(self) -> frozenset[int]:
        return frozenset(self.operators)

    def readers(self, t: int) -> list[int]:
        """The operators of the step that read `t`."""
        return [i for i in self.subgraph.consumers.get(t, ()) if i in self._inside]

    def producer(self, t: int) -> int | None:
        """The operator of the step that writes `t`."""
        i = self.subgraph.producers.get(t)
        return i if i in self._inside and t not in self.ports_set else None

    def source(self, t: int) -> int:
        """The tensor that `t` is a function of, element by element.

        `1 - sigmoid(x)` and `x / (1 + |x|)` are functions of `x`, which a matrix product, a split or the sum of two
        tensors makes.
        """
        return self._trace(t)[0]

    def squashed(self, t: int) -> bool:
        """The function of its source that `t` is squashes, as a gate's does."""
        for _ in range(4):
            source, squashed = self._trace(t)
            i = self.producer(source)
            if squashed or i is None or kind(self._op(i)) not in SLICES:
                return squashed
            t = data(self._op(i))[0]  # the gates may be cut apart after the function
        return False

    def _op(self, i: int) -> Operator:
        return self.subgraph.operators[i]

    def _trace(self, t: int) -> tuple[int, bool]:
        squashed = False
        for _ in range(24):
            i = self.producer(t)
            name = "" if i is None else kind(self._op(i))
            if i is None or (name not in SAME and name not in ELEMENTWISE):
                break
            several = [s for s in dict.fromkeys(data(self._op(i))) if not self.constant(s)]
            if not several:
                break
            if len(several) > 1:
                met = self._common(several)
                if met is None:
                    break
                t, by = met
                squashed = squashed or by or name in SQUASHING
            else:
                squashed = squashed or (name in SQUASHING and name != "DIV") or self.activated(i)
                t = several[0]
        return t, squashed

    def _common(self, tensors: list[int]) -> tuple[int, bool] | None:
        """The one tensor that all of these are functions of, within a few operators, and whether one squashes."""
        chains = [self._chain(t) for t in tensors]
        shared = [t for t in chains[0] if all(t in chain for chain in chains)]
        if not shared:
            return None
        between = [
            i for chain in chains for t in chain[: chain.index(shared[0])] if (i := self.producer(t)) is not None
        ]
        return shared[0], any(kind(self._op(i)) in SQUASHING or self.activated(i) for i in between)

    def _chain(self, t: int) -> list[int]:
        chain = [t]
        for _ in range(8):
            i = self.producer(t)
            if i is None or (kind(self._op(i)) not in SAME and kind(self._op(i)) not in ELEMENTWISE):
                break
            several = [s for s in dict.fromkeys(data(self._op(i))) if not self.constant(s)]
            if len(several) != 1:
                break
            t = several[0]
            chain.append(t)
        return chain

    def activated(self, i: int) -> bool:
        """The operator ends in an activation."""
        return self.model.options(self.subgraph, self._op(i)).get("fused_activation_function", "NONE") != "NONE"

    def linear(self, port: int) -> Linear:
        """Where the state of port `port` goes by sums, by products with gates, and by being moved about."""
        start = self.ports[port]
        found = Linear({start: frozenset()}, set(), set())
        waiting = self.readers(start)
        heapq.heapify(waiting)
        seen: set[int] = set()
        while waiting and len(seen) < MOST_OPERATORS:
            i = heapq.heappop(waiting)
            if i in seen:
                continue
            seen.add(i)
            gates = self._linear(i, found)
            if gates is None:
                continue
            for t in self.subgraph.operators[i].outputs:
                if t != OPTIONAL and t not in self.ports_set:
                    found.gates[t] = found.gates.get(t, frozenset()) | gates
                    for reader in self.readers(t):
                        if reader not in seen:
                            heapq.heappush(waiting, reader)
        return found

    def _linear(self, i: int, found: Linear) -> frozenset[int] | None:
        op = self.subgraph.operators[i]
        name = kind(op)
        known = [found.gates[t] for t in data(op) if t in found.gates]
        if not known:
            return None
        gates = frozenset[int]().union(*known)
        others = [t for t in data(op) if t not in found.gates]
        if name in MOVES or name in CHOICES:
            return gates
        if name in {"ADD", "ADD_N", "SUB"}:
            found.terms.update(t for t in others if not self.constant(t))
            return gates
        if name in {"MINIMUM", "MAXIMUM", "CLAMP", "DIV"}:
            return gates if all(self.constant(t) for t in others) and data(op)[0] in found.gates else None
        if name != "MUL":
            return None
        found.products.add(i)
        for t in others:
            if self.weighed(t) and self.is_gate(t, op.outputs[0]):
                gates |= {first(self.subgraph, t)}
        return gates

    def is_gate(self, gate: int, state: int) -> bool:
        """`gate` may multiply `state` as a gate does: between bounds, each element for itself."""
        tensors = self.subgraph.tensors
        return self.squashed(gate) and prod(tensors[gate].shape) == prod(tensors[state].shape)

    def way(self, sources: Iterable[int], ends: Iterable[int]) -> set[int]:
        """The operators on the ways from the tensors of `sources` to those of `ends`; none where they are too many."""
        stops = frozenset(sources)
        begin = min((i for t in stops for i in self.readers(t)), default=len(self.subgraph.operators))
        led = sum(1 << k for k, port in enumerate(self.ports) if port in stops) if stops <= self.ports_set else 0
        back: set[int] = set()
        waiting = [i for t in ends if t not in stops and (i := self.producer(t)) is not None]
        while waiting:
            i = waiting.pop()
            if i < begin or i in back:
                continue
            back.add(i)
            if len(back) > _FARTHEST:
                return set()
            for t in self.subgraph.operators[i].inputs:
                if t == OPTIONAL or t in stops or (led and not self._led.get(t, 0) & led):
                    continue
                if (source := self.producer(t)) is not None:
                    waiting.append(source)
        reached, on = set(stops), set[int]()
        for i in sorted(back):
            op = self.subgraph.operators[i]
            if any(t in reached for t in op.inputs):
                on.add(i)
                reached.update(op.outputs)
        return on

    def tensor(self, t: int) -> Tensor:
        """The tensor of that index."""
        return self.subgraph.tensors[t]


@dataclass
class Linear:
    """Where a state goes without being weighed or bent.

    Attributes:
        gates: tensor → the gates that the state was multiplied with on the way there.
        terms: the tensors added to it on the way.
        products: the MUL operators on the way.
    """

    gates: dict[int, frozenset[int]]
    terms: set[int]
    products: set[int]

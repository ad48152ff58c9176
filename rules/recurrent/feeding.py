"""What brings the input to the steps of an unrolled layer, and what collects their results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from tflite_audit.analyzer.model.buffers import TensorDataError
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Subgraph
from tflite_audit.rules.precision import UNPACKERS, stored_as

from .flow import MOST_OPERATORS
from .kernels import Kernel
from .loops import reversed_before
from .operators import ELEMENTWISE, JOINS, MATRIX, MOVES, SAME, SLICES, data, first, kind

_LARGEST = 120
"""Operators between the input and a step, at the most."""

_ON_THE_WAY = MOVES | ELEMENTWISE | {"MEAN", "SUM"}


def unpacking(subgraph: Subgraph, operators: Collection[int]) -> Iterator[int]:
    """What unpacks the weights of these operators and of no other."""
    for i in operators:
        for t in subgraph.operators[i].inputs:
            producer = subgraph.producers.get(t)
            if producer is not None and subgraph.operators[producer].name in UNPACKERS:
                stored = stored_as(subgraph, subgraph.tensors[t])
                if stored is not None and all(r in operators for r in subgraph.consumers[t]):
                    yield producer


class Feed:
    """The surroundings of steps, each given as the operators between its first product and the next step.

    `begin` are the tensors that hold the states before the first of them.
    """

    def __init__(
        self,
        model: Model,
        subgraph: Subgraph,
        steps: Sequence[set[int]],
        kernels: dict[int, Kernel],
        begin: Collection[int] = (),
    ) -> None:
        self._model, self._subgraph, self._kernels = model, subgraph, kernels
        self.steps = steps
        self._begin = begin
        self.inside = set[int]().union(*steps)
        self._own = {kernels[i] for step in steps for i in step if i in kernels}
        self._fed = [self._around(step) for step in steps]

    def _around(self, step: set[int]) -> set[int]:
        """The operators that bring this step its input: a product with the input and what lies about it."""
        back: set[int] = set()
        waiting = sorted(self._outside(step), reverse=True)
        while waiting and len(back) < _LARGEST:
            i = waiting.pop(0)
            name = kind(self._subgraph.operators[i])
            if i in back or not (name in _ON_THE_WAY or (name in MATRIX and i in self._kernels)):
                continue
            back.add(i)
            if name not in MATRIX:
                waiting.extend(s for s in self._sources(i) if s not in self.inside)
        after: set[int] = set()
        if not self._joined:  # otherwise the product with the input is that with the state
            for i in sorted(back):
                if kind(self._subgraph.operators[i]) in MATRIX or any(s in after for s in self._sources(i)):
                    after.add(i)
        found: set[int] = set()
        waiting = sorted(after | self._outside(step), reverse=True)
        while waiting:
            i = waiting.pop(0)
            moves = kind(self._subgraph.operators[i]) in MOVES
            if i in found or i in self.inside or not (i in after or moves) or not self._only_for(i, found):
                continue
            found.add(i)
            waiting.extend(s for s in self._sources(i) if s not in after)
        return found

    @cached_property
    def _joined(self) -> bool:
        """Input and state are put together in front of the product with both."""
        return any(
            kind(self._subgraph.operators[s]) in JOINS
            for step in self.steps[len(self.steps) // 2 :][:1]
            for i in step
            if kind(self._subgraph.operators[i]) in MATRIX
            for t in self._subgraph.operators[i].inputs[:1]
            if (s := self._subgraph.producers.get(first(self._subgraph, t))) is not None
        )

    def _only_for(self, i: int, found: set[int]) -> bool:
        """Nothing but the layer reads what it writes."""
        outputs, consumers = self._subgraph.operators[i].outputs, self._subgraph.consumers
        if kind(self._subgraph.operators[i]) in {"UNPACK", "SPLIT", "SPLIT_V"}:
            return True  # judged as a whole, by `all`
        return all(r in self.inside or r in found for t in outputs for r in consumers.get(t, ())) and not set(
            outputs
        ).intersection(self._subgraph.outputs)

    def _varying(self, i: int) -> list[int]:
        tensors = self._subgraph.tensors
        return [
            t
            for t in data(self._subgraph.operators[i])
            if t != OPTIONAL and not tensors[first(self._subgraph, t)].constant
        ]

    def _outside(self, step: set[int]) -> set[int]:
        """The operators that write what a step reads from outside, but for the first states."""
        read = {t for i in step for t in self._subgraph.operators[i].inputs}.difference(self._begin)
        return {s for t in read if (s := self._subgraph.producers.get(t)) is not None and s not in self.inside}

    def _sources(self, i: int) -> Iterator[int]:
        for t in self._subgraph.operators[i].inputs:
            if (source := self._subgraph.producers.get(t)) is not None:
                yield source

    def step(self, k: int) -> tuple[int, ...]:
        """The operators of a step, those that bring its input among them."""
        return tuple(sorted(self.steps[k] | {i for i in self._fed[k] if self._fed_steps(i) == 1}))

    def weighs(self) -> bool:
        """A product with weights, or a look-up in a table, stands between the input and the steps."""
        middle = self._fed[len(self._fed) // 2]
        return self._joined or any(i in self._kernels or self._looks_up(i) for i in middle)

    def _looks_up(self, i: int) -> bool:
        op = self._subgraph.operators[i]
        return kind(op) in {"GATHER", "EMBEDDING_LOOKUP"} and any(self._subgraph.tensors[t].constant for t in op.inputs)

    def _fed_steps(self, i: int) -> int:
        return sum(i in fed for fed in self._fed)

    def all(self) -> tuple[int, ...]:
        """The operators of all steps, with what feeds them and what puts their results together."""
        found = self.inside.union(*self._fed)
        for i in sorted(found - self.inside, reverse=True):
            outputs, consumers = self._subgraph.operators[i].outputs, self._subgraph.consumers
            read = {r for t in outputs for r in consumers.get(t, ())}
            if not read <= found:
                found.discard(i)
        found |= self._collecting(found)
        return tuple(sorted(found | set(unpacking(self._subgraph, found))))

    def _collecting(self, found: set[int]) -> set[int]:
        """PACK or CONCATENATION of the results of several steps, and what stands on the way there."""
        consumers, operators = self._subgraph.consumers, self._subgraph.operators
        joined: dict[int, set[int]] = {}
        for k, step in enumerate(self.steps):
            for i in step:
                for t in operators[i].outputs:
                    for end, way in self._to_join(t):
                        if k:
                            joined.setdefault(end, set()).update(way, {end})
                        else:
                            joined.setdefault(end, {end}).update(way)
        collected: set[int] = set()
        for end, way in joined.items():
            if end in found or len(way) < 1:
                continue
            inside = found | way
            inputs = [t for t in operators[end].inputs if t != OPTIONAL]
            if len(inputs) > 1 and all(self._subgraph.producers.get(t) in inside for t in inputs):
                collected |= way
                for t in operators[end].outputs:
                    readers = consumers.get(t, ())
                    if len(readers) == 1 and self._turns(readers[0]):
                        collected.add(readers[0])
        return collected

    def _turns(self, i: int) -> bool:
        """It only makes steps and batch change places."""
        op, tensors = self._subgraph.operators[i], self._subgraph.tensors
        if kind(op) == "RESHAPE":
            before, after = tensors[op.inputs[0]].shape, tensors[op.outputs[0]].shape
            return (before[1::-1], before[2:]) == (after[:2], after[2:])
        return kind(op) == "TRANSPOSE"

    def _to_join(self, t: int) -> Iterator[tuple[int, set[int]]]:
        operators = self._subgraph.operators
        for reader in self._subgraph.consumers.get(t, ()):
            if reader in self.inside:
                continue
            if kind(operators[reader]) in JOINS:
                yield reader, set()
            elif kind(operators[reader]) in SAME:
                for after in self._subgraph.consumers.get(operators[reader].outputs[0], ()):
                    if kind(operators[after]) in JOINS and after not in self.inside:
                        yield after, {reader}

    def step_before(self) -> set[int]:
        """The first step, if it began with a state of zero, so that the converter folded its product away.

        Its operators lie between the input and the state that the first product takes.
        """
        shared = {self._kernels[i] for fed in self._fed for i in fed if i in self._kernels}
        roots = {root for fed in self._fed[1:] for i in fed if (root := self._root(i)) is not None}
        found: set[int] = set()
        waiting = [s for t in self._begin if (s := self._subgraph.producers.get(t)) is not None]
        whole = {i for i in waiting if self._kernels.get(i) in shared}  # a product that ends in its activation
        arrived = False
        feeding = set[int]().union(*self._fed, *(self._outside(step) for step in self.steps[1:]))
        while waiting and len(found) < MOST_OPERATORS:
            i = waiting.pop()
            if i in found:
                continue
            if i in feeding:
                arrived = True
                continue
            op = self._subgraph.operators[i]
            name = kind(op)
            root = self._root(i)
            if root is not None and root in roots:
                arrived = True
                continue
            if name in MATRIX:
                if self._kernels.get(i) in shared:
                    arrived = True
                    continue
                if self._kernels.get(i) not in self._own:
                    continue
            elif name not in MOVES and name not in ELEMENTWISE and name not in {"MEAN", "SUM", "SELECT", "SELECT_V2"}:
                continue
            found.add(i)
            waiting.extend(self._sources(i))
        return (found or whole) if arrived else set()

    def _root(self, i: int) -> int | None:
        """The tensor that a slice is one of many slices of."""
        op = self._subgraph.operators[i]
        if kind(op) not in SLICES:
            return None
        return first(self._subgraph, data(op)[0])

    def backward(self) -> bool | None:
        """Whether the steps take the elements of their sequence from its end."""
        places: list[tuple[int, tuple[int, ...]]] = []
        for step in self.steps:
            found = self._element(step)
            if found is None:
                return None
            places.append(found)
        if len({sequence for sequence, _ in places}) != 1 or len(places) < 2:
            return None
        order = [place for _, place in places]
        if sorted(set(order)) not in (order, order[::-1]):
            return None
        return (order[0] > order[-1]) is not reversed_before(self._subgraph, places[0][0])

    def _element(self, step: set[int]) -> tuple[int, tuple[int, ...]] | None:
        """The sequence that a step takes an element of, and that element's place."""
        waiting = [
            t
            for i in sorted(step)
            for t in self._subgraph.operators[i].inputs
            if t != OPTIONAL and t not in self._begin and self._subgraph.producers.get(t) not in self.inside
        ]
        for _ in range(64):
            if not waiting:
                return None
            t = waiting.pop(0)
            producer = self._subgraph.producers.get(t)
            if producer is None:
                continue
            op = self._subgraph.operators[producer]
            name = kind(op)
            if name in SLICES and (place := self._place(producer, t)) is not None:
                return first(self._subgraph, data(op)[0]), place
            if name in MOVES or name in ELEMENTWISE or name in MATRIX:
                waiting += [s for s in data(op) if s not in waiting]
        return None

    def _place(self, i: int, t: int) -> tuple[int, ...] | None:
        op = self._subgraph.operators[i]
        name = kind(op)
        if name in {"UNPACK", "SPLIT", "SPLIT_V"}:
            return (op.outputs.index(t),) if len(op.outputs) >= len(self.steps) else None
        if len(op.inputs) < 2:
            return None
        begin = self._subgraph.tensors[op.inputs[1]]
        try:
            return tuple(self._model.buffers.values(begin).tolist())
        except TensorDataError:
            return None

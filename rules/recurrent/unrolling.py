"""Finds recurrent layers that were unrolled: by structure, never by names.

What tells an unrolled layer from a stack of equal blocks is that its steps share their weights: the recurrent kernel is
read by one matrix product a step, and each product depends on the one before it. What lies between two of them is the
cell, and what crosses from one step to the next is its state. A residual network has new weights in every block, a head
that is used at several scales has no path from one use to the next, and a transformer that shares its layers has no
state that a gate passes on, and takes nothing new at each of them.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Subgraph
from tflite_audit.rules.precision import stored_as

from . import feeding
from .cells import GRU, LSTM, NEVER_IN_A_CELL, OWN, Cell, Port, recognise
from .fixed import Fixed
from .flow import MOST_OPERATORS, Flow
from .kernels import Kernel, Kernels, by_kernel
from .operators import JOINS, MATRIX, MOVES, data, kind
from .ports import size
from .two_steps import two_steps


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A recurrent layer that was unrolled.

    Attributes:
        subgraph: its index.
        cell: what each step is, in words.
        variant: see RecurrentLayer.
        steps: how many there are.
        units: size of a state.
        products: indices of the matrix products with the recurrent kernel, in execution order.
        step: indices of the operators of a step in the middle, its products with the input among them.
        operators: of all steps, with what cuts the sequence up and puts it together.
        backward: the last element of the sequence is taken first; None where that cannot be told.
        states: (tensor before the first step, tensor after the last); none where the model begins with its own.
    """

    subgraph: int
    cell: str
    variant: tuple[str, ...]
    steps: int
    units: int | None
    products: tuple[int, ...]
    step: tuple[int, ...]
    operators: tuple[int, ...]
    backward: bool | None
    states: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Chain:
    """Products with one kernel, each depending on the one before, and the operators of each gap between them."""

    products: list[int]
    gaps: list[frozenset[int]]


def unrolled(model: Model, fixed: Fixed) -> Iterator[Unrolled]:
    """Every unrolled layer, in execution order."""
    kernels = Kernels(model, fixed)
    for subgraph in model.subgraphs:
        own = kernels.of(subgraph)
        shared = [together for together in by_kernel(own).values() if len(together) > 1]
        chains = [chain for together in shared for chain in _chains(subgraph, together)]
        found = [
            layer
            for together in _overlapping(chains)
            for layer in _Group(model, subgraph, together, own, fixed.tensors[subgraph.index]).layers()
        ]
        taken = frozenset(i for layer in found for i in layer.operators)
        for pair in two_steps(model, subgraph, own, fixed.tensors[subgraph.index], taken):
            feed = feeding.Feed(model, subgraph, [set(pair.first), set(pair.second)], own)
            found.append(_unrolled(subgraph, pair.cell, pair.cell.products[:1], feed))
        yield from _apart(sorted(found, key=lambda layer: layer.products))


def _chains(subgraph: Subgraph, products: list[int]) -> Iterator[_Chain]:
    """The products in chains, each of two or more."""
    followed: dict[int, _Chain] = {}
    chains: list[_Chain] = []
    for i, product in enumerate(products):
        for before in products[max(i - 4, 0) : i][::-1]:  # copies of a layer may take turns
            if before not in followed:
                continue
            gap = _between(subgraph, before, product)
            if gap:
                chain = followed.pop(before)
                chain.products.append(product)
                chain.gaps.append(gap)
                followed[product] = chain
                break
        else:
            followed[product] = _Chain([product], [])
            chains.append(followed[product])
        if i == 4 and not any(chain.gaps for chain in chains):
            return  # weights shared by branches, not by steps
    yield from (chain for chain in chains if chain.gaps)


def _between(subgraph: Subgraph, first: int, last: int) -> frozenset[int]:
    """Operators on the ways from `first` to `last`; none if there is no way, or if no cell is that large."""
    consumers, producers, operators = subgraph.consumers, subgraph.producers, subgraph.operators
    reached: set[int] = set()
    waiting = [first]
    arrived = False
    while waiting:
        i = heapq.heappop(waiting)
        for t in operators[i].outputs:
            for reader in consumers.get(t, ()):
                if reader == last:
                    arrived = True
                elif reader < last and reader not in reached:
                    if len(reached) == MOST_OPERATORS:
                        return frozenset()
                    reached.add(reader)
                    heapq.heappush(waiting, reader)
    if not arrived:
        return frozenset()
    found: set[int] = set()
    waiting = [last]
    while waiting:
        for t in operators[waiting.pop()].inputs:
            source = producers.get(t, OPTIONAL)
            if source in reached and source not in found:
                found.add(source)
                waiting.append(source)
    return frozenset(found)


def _overlapping(chains: list[_Chain]) -> Iterator[list[_Chain]]:
    """Chains that share operators, such as those of the gates of one cell, together."""
    parent = list(range(len(chains)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    owner: dict[int, int] = {}
    for i, chain in enumerate(chains):
        for operator in (o for gap in chain.gaps for o in gap):
            parent[root(i)] = root(owner.setdefault(operator, i))
    groups: dict[int, list[_Chain]] = {}
    for i, chain in enumerate(chains):
        groups.setdefault(root(i), []).append(chain)
    yield from sorted(groups.values(), key=lambda group: min(chain.products[0] for chain in group))


class _Steps:
    """Chains whose products are the steps of one cell, or of several that step together."""

    def __init__(self, subgraph: Subgraph, chains: Sequence[_Chain]) -> None:
        self._subgraph = subgraph
        self.chains = chains
        # Of the products of a step the first: a first state of zero leaves it out, but none that follows it.
        self.primary = min(chains, key=lambda chain: (len(chain.products), chain.products[0]))
        self.inside = {o for chain in chains for gap in chain.gaps for o in gap}
        self.inside |= {product for chain in chains for product in chain.products}
        late = self._late()
        self.inside |= late
        self.level = {i: level for i, level in self._levels(late).items() if level >= 0}
        self.inside = set(self.level)
        self.of: list[set[int]] = [set() for _ in self.primary.products]
        for i, level in self.level.items():
            self.of[level].add(i)
        self._alike: dict[tuple[int, int], dict[int, int]] = {}

    def _late(self) -> set[int]:
        """Operators between steps that the next product does not wait for, such as what holds a state where masked."""
        begin = min(chain.products[0] for chain in self.chains)
        back: set[int] = set()
        waiting = list(self.inside)
        while waiting and len(back) < 4 * len(self.inside):
            for s in self._sources(waiting.pop()):
                known = s <= begin or s in self.inside or s in back
                if not known and kind(self._subgraph.operators[s]) not in MATRIX:
                    back.add(s)
                    waiting.append(s)
        late: set[int] = set()
        for i in sorted(back):
            if any(s in self.inside or s in late for s in self._sources(i)):
                late.add(i)
        return late

    def _levels(self, late: set[int]) -> dict[int, int]:
        """Operator → the step it belongs to: the one whose next product it leads to."""
        place = {product: k for k, product in enumerate(self.primary.products)}
        last = len(self.primary.products) - 1
        levels: dict[int, int] = {}
        for i in sorted(self.inside, reverse=True):
            readers = self._readers(i)
            levels[i] = min((place[r] - 1 if r in place else levels.get(r, last) for r in readers), default=last)
        levels.update(place)  # what begins a step belongs to it
        for i in sorted(late):
            levels[i] = max((levels[s] for s in self._sources(i) if s in levels), default=0)
        for i in sorted(late, reverse=True):
            nearest = min((levels[r] for r in self._readers(i)), default=levels[i])
            if nearest > levels[i] and self._crosses(i, nearest, levels):
                levels[i] = nearest  # what it reads is a state, and what it writes a part of the next
        for i in sorted(self.inside, reverse=True):
            readers = self._readers(i)
            if i not in place and readers and kind(self._subgraph.operators[i]) in MOVES:
                nearest = min(levels[r] for r in readers)
                if nearest == levels[i] + 1 and self._joins(i):
                    levels[i] = nearest  # input and state are put together at the beginning of a step
        return levels

    def _crosses(self, i: int, level: int, levels: dict[int, int]) -> bool:
        """Others of that step read what `i` reads."""
        consumers = self._subgraph.consumers
        return all(
            any(r != i and levels.get(r) == level for r in consumers.get(t, ()))
            for t in data(self._subgraph.operators[i])
            if self._subgraph.producers.get(t) in self.inside
        )

    def _joins(self, i: int) -> bool:
        op = self._subgraph.operators[i]
        if kind(op) in JOINS:
            return True
        return any(kind(self._subgraph.operators[p]) in JOINS for p in self._sources(i))

    def _sources(self, i: int) -> Iterator[int]:
        for t in data(self._subgraph.operators[i]):
            if (source := self._subgraph.producers.get(t)) is not None:
                yield source

    def _readers(self, i: int) -> list[int]:
        consumers = self._subgraph.consumers
        return [r for t in self._subgraph.operators[i].outputs for r in consumers.get(t, ()) if r in self.inside]

    def products(self, level: int) -> dict[int, int]:
        """Of each chain (by its number) the product at this step."""
        return {
            n: product
            for n, chain in enumerate(self.chains)
            for product in chain.products
            if self.level.get(product) == level
        }

    def alike(self, level: int, other: int) -> dict[int, int]:
        """Operators of one step → those of another that stand in the same place."""
        if (level, other) not in self._alike:
            self._alike[level, other] = self._matched(level, other)
        return self._alike[level, other]

    def _matched(self, level: int, other: int) -> dict[int, int]:
        here, there = self.products(level), self.products(other)
        found = {a: there[n] for n, a in here.items() if n in there}
        waiting, used = list(found.items()), set(found.values())
        consumers, producers = self._subgraph.consumers, self._subgraph.producers
        operators = self._subgraph.operators
        for a, b in waiting:  # it grows
            for s, t in zip(operators[a].outputs, operators[b].outputs, strict=False):
                for reader in consumers.get(s, ()):
                    if reader in found or reader not in self.of[level]:
                        continue
                    twin = self._twin(reader, s, t, used)
                    if twin is not None:
                        found[reader] = twin
                        used.add(twin)
                        waiting.append((reader, twin))
            for s, t in zip(operators[a].inputs, operators[b].inputs, strict=False):
                c, d = producers.get(s, OPTIONAL), producers.get(t, OPTIONAL)
                fresh = c in self.of[level] and c not in found and d not in used and d != OPTIONAL
                if fresh and operators[c].name == operators[d].name:
                    found[c] = d
                    used.add(d)
                    waiting.append((c, d))
        return found

    def _twin(self, reader: int, s: int, t: int, used: set[int]) -> int | None:
        operators = self._subgraph.operators
        name, places = operators[reader].name, _places(operators[reader].inputs, s)
        candidates = [r for r in self._subgraph.consumers.get(t, ()) if r not in used and operators[r].name == name]
        exact = [r for r in candidates if _places(operators[r].inputs, t) == places]
        return (exact or candidates or [None])[0]

    def ports(self, level: int, other: int) -> list[Port]:
        """The states that cross from the step before `level` into it, each with what follows it."""
        operators, producers = self._subgraph.operators, self._subgraph.producers
        here = self.of[level]
        found: dict[int, dict[int, None]] = {}
        for a, b in sorted(self.alike(level, other).items()):
            for s, t in zip(operators[a].inputs, operators[b].inputs, strict=False):
                crosses = OPTIONAL not in {s, t} and producers.get(s) not in here and producers.get(t) in here
                if crosses and size(self._subgraph, s) == size(self._subgraph, t):
                    found.setdefault(s, {})[t] = None
        return [Port(s, tuple(after)) for s, after in found.items()]


def _places(inputs: tuple[int, ...], t: int) -> tuple[int, ...]:
    return tuple(k for k, s in enumerate(inputs) if s == t)


class _Group:
    """Chains that share operators, and the layers in them."""

    def __init__(
        self,
        model: Model,
        subgraph: Subgraph,
        chains: Sequence[_Chain],
        kernels: dict[int, Kernel],
        fixed: frozenset[int],
    ) -> None:
        self._model, self._subgraph, self._chains = model, subgraph, chains
        self._kernels, self._fixed = kernels, fixed

    def layers(self) -> Iterator[Unrolled]:
        steps = _Steps(self._subgraph, self._chains)
        last = len(steps.of) - 1
        middle = last // 2
        for level in dict.fromkeys((middle, max(middle - 1, 0), min(middle + 1, last - 1), last - 1, 0)):
            cells = self._cells(steps, level)
            if cells:
                for cell in cells:
                    found = self._layer(steps, cell)
                    if found is not None:
                        yield found
                return

    def _cells(self, steps: _Steps, level: int) -> list[Cell]:
        ports = steps.ports(level, level + 1)
        if not ports:
            return []
        flow = Flow(self._model, self._subgraph, sorted(steps.of[level]), [port.read for port in ports], self._fixed)
        cells = recognise(flow, ports)
        known = [cell for cell in cells if cell.name.endswith((LSTM, GRU))]
        if known:
            return known
        names = {kind(self._subgraph.operators[i]) for i in steps.of[level]}
        if names & NEVER_IN_A_CELL or not self._fed_anew(steps):
            return []  # a network whose layers share their weights takes nothing new at each of them
        plain = [cell for cell in cells if not cell.name.endswith(OWN)]
        return plain or [cell for cell in cells if cell.blended or not cell.gated][:1]

    def _fed_anew(self, steps: _Steps) -> bool:
        """Each step takes something computed or given outside the chain, and each something else."""
        flow = Flow(self._model, self._subgraph, (), (), self._fixed)
        seen: set[int] = set()
        last = len(steps.of) - 1
        for level in [*steps.of[:last], set(steps.alike(last // 2, last).values())]:
            fed = {
                t
                for i in level
                for t in self._subgraph.operators[i].inputs
                if t != OPTIONAL
                and not flow.constant(t)
                and self._subgraph.producers.get(t, OPTIONAL) not in steps.inside
            }
            if not fed or fed & seen:
                return False
            seen |= fed
        return True

    def _layer(self, steps: _Steps, cell: Cell) -> Unrolled | None:
        products = set(cell.products)
        mine = [chain for chain in steps.chains if products.intersection(chain.products)]
        if not mine:
            return None
        steps = _Steps(self._subgraph, mine) if len(mine) < len(steps.chains) else steps
        last = len(steps.of) - 1
        middle = max((last - 1) // 2, 0) if last > 1 else 0
        tail = set(steps.alike(middle, last).values())
        operators = [*steps.of[:last], steps.of[last] | tail]
        begin = {port.read for port in steps.ports(0, 1)}
        feed = feeding.Feed(self._model, self._subgraph, operators, self._kernels, begin)
        before = feed.step_before()
        if before:
            operators = [before, *operators]
            feed = feeding.Feed(self._model, self._subgraph, operators, self._kernels)
        if not cell.name.endswith((LSTM, GRU)) and (len(operators) < 3 or not feed.weighs()):
            return None  # layers that share their weights
        states = () if before else tuple(self._states(steps, cell))
        return _unrolled(self._subgraph, cell, tuple(steps.primary.products), feed, states)

    def _states(self, steps: _Steps, cell: Cell) -> Iterator[tuple[int, int]]:
        """The tensors before the first and after the last step of states that the model does not begin with itself."""
        operators, producers = self._subgraph.operators, self._subgraph.producers
        level = steps.level[cell.products[0]]
        begin, end = steps.alike(level, 0), steps.alike(level, len(steps.of) - 1)
        for read, written in cell.states:
            first = next(
                (
                    operators[begin[i]].inputs[place]
                    for i in sorted(steps.of[level])
                    if i in begin
                    for place in _places(operators[i].inputs, read)
                    if place < len(operators[begin[i]].inputs)
                ),
                OPTIONAL,
            )
            writer = producers.get(written, OPTIONAL)
            if first == OPTIONAL or writer not in end or stored_as(self._subgraph, self._subgraph.tensors[first]):
                continue
            place, last = operators[writer].outputs.index(written), operators[end[writer]]
            if place < len(last.outputs):
                yield first, last.outputs[place]


def _apart(layers: list[Unrolled]) -> Iterator[Unrolled]:
    """Each with operators of its own: what lies between two layers belongs to the first."""
    taken: set[int] = set()
    for layer in layers:
        yield dataclasses.replace(layer, operators=tuple(i for i in layer.operators if i not in taken))
        taken.update(layer.operators)


def _unrolled(
    subgraph: Subgraph,
    cell: Cell,
    products: tuple[int, ...],
    feed: feeding.Feed,
    states: tuple[tuple[int, int], ...] = (),
) -> Unrolled:
    return Unrolled(
        subgraph.index,
        cell.name,
        cell.variant,
        len(feed.steps),
        cell.units,
        products,
        feed.step(len(feed.steps) // 2),
        feed.all(),
        feed.backward(),
        states,
    )

"""Finds recurrent layers that were unrolled: by structure, never by names.

What tells an unrolled layer from a stack of equal blocks is that its steps share their weights: the recurrent kernel is
read by one matrix product a step, and each product depends on the one before it. What lies between two of them is the
cell. A residual network has new weights in every block, a head that is used at several scales has no path from one use
to the next, and a transformer that shares its layers has a softmax in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules.precision import stored_as
from tflite_audit.rules.recurrent.cells import MATRIX, NEVER_IN_A_CELL, Cell, recognise

LARGEST_CELL = 120
"""Operators between two steps, at the most; an LSTM step has about 15, with layer normalization about 60."""


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A recurrent layer that was unrolled.

    Attributes:
        subgraph: its index.
        cell: what each step is.
        steps: how many there are.
        products: indices of the matrix products with the recurrent kernel, in execution order.
        step: indices of the operators of a step in the middle, its products with the input among them.
    """

    subgraph: int
    cell: Cell
    steps: int
    products: tuple[int, ...]
    step: tuple[int, ...]


@dataclass(slots=True)
class _Chain:
    """Products with one kernel, each depending on the one before, and the operators of each gap between them."""

    products: list[int]
    gaps: list[frozenset[int]]


def unrolled(model: Model) -> Iterator[Unrolled]:
    """Every unrolled layer, in execution order."""
    for subgraph in model.subgraphs:
        shared = _products_by_kernel(subgraph)
        chains = [chain for products in shared.values() for chain in _chains(subgraph, products)]
        for together in _overlapping(chains):
            found = _layer(subgraph, together, shared)
            if found is not None:
                yield found


def _products_by_kernel(subgraph: Subgraph) -> dict[tuple[int, int], list[int]]:
    """Matrix products that share a kernel: its buffer and first axis → operator indices."""
    readers: dict[tuple[int, int], list[int]] = {}
    for op in subgraph.operators:
        if op.name in MATRIX:
            kernel = _kernel(subgraph, op)
            if kernel is not None:
                readers.setdefault(kernel, []).append(op.index)
    return {kernel: products for kernel, products in readers.items() if len(products) > 1}


def _kernel(subgraph: Subgraph, op: Operator) -> tuple[int, int] | None:
    for t in op.inputs[1::-1]:
        if t != OPTIONAL:
            stored = stored_as(subgraph, subgraph.tensors[t])
            if stored is not None:
                return stored.buffer, stored.shape[0] if stored.shape else 0
    return None


def _chains(subgraph: Subgraph, products: list[int]) -> Iterator[_Chain]:
    """The products in chains, each of two or more."""
    followed: dict[int, _Chain] = {}
    chains: list[_Chain] = []
    for i, product in enumerate(products):
        for before in products[max(i - 2, 0) : i][::-1]:  # two copies of a layer may take turns
            if before not in followed:
                continue
            gap = _between(subgraph, before, product)
            if gap is not None:
                chain = followed.pop(before)
                chain.products.append(product)
                chain.gaps.append(gap)
                followed[product] = chain
                break
        else:
            followed[product] = _Chain([product], [])
            chains.append(followed[product])
        if i == 2 and not any(chain.gaps for chain in chains):
            return  # weights shared by branches, not by steps
    yield from (chain for chain in chains if chain.gaps)


def _between(subgraph: Subgraph, first: int, last: int) -> frozenset[int] | None:
    """Operators on the ways from `first` to `last`; None if there is no way, or if no cell looks like that."""
    producers, operators = subgraph.producers, subgraph.operators
    before: set[int] = set()
    waiting = [last]
    reached = False
    while waiting:
        for t in operators[waiting.pop()].inputs:
            source = producers.get(t, OPTIONAL)
            if source == first:
                reached = True
            if source <= first or source in before:
                continue
            if len(before) == LARGEST_CELL or operators[source].name in NEVER_IN_A_CELL:
                return None
            before.add(source)
            waiting.append(source)
    if not reached:
        return None
    on_the_way = {first}
    for i in sorted(before):
        if any(producers.get(t) in on_the_way for t in operators[i].inputs):
            on_the_way.add(i)
    return frozenset(on_the_way - {first})


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


def _layer(subgraph: Subgraph, chains: list[_Chain], shared: Mapping[tuple[int, int], list[int]]) -> Unrolled | None:
    longest = max(chains, key=lambda chain: (len(chain.gaps), len(chain.gaps[0])))
    inside = {operator for chain in chains for gap in chain.gaps for operator in gap}
    cell = _cell(subgraph, longest, inside)
    if cell is None:
        return None
    feeding = _feeding_products(subgraph, inside, shared)
    if not cell.gated and (len(longest.products) < 3 or not _fed_anew(subgraph, longest)):
        return None  # a network whose layers share their weights takes nothing new at each of them
    # A first step that begins with a state of zero has no product with it: the converter folds it away.
    steps = len(longest.products) + _comes_from_a_step(subgraph, longest.products[0], feeding)
    return Unrolled(subgraph.index, cell, steps, tuple(longest.products), _middle_step(subgraph, longest, feeding))


def _middle_step(subgraph: Subgraph, chain: _Chain, feeding: list[list[int]]) -> tuple[int, ...]:
    """A gap in the middle with the product it begins with, and what feeds it from the products with the input."""
    middle = len(chain.gaps) // 2
    step = chain.gaps[middle] | {chain.products[middle]}
    fed = {product for products in feeding for product in products}
    found = set(step)
    level = step
    for _ in range(3):
        level = {s for i in level - fed for s in _sources(subgraph, i)} - found
        beside = {i for i in level if i in fed or fed.intersection(_sources(subgraph, i))}
        found |= beside
        level = beside
    return tuple(sorted(found))


def _cell(subgraph: Subgraph, longest: _Chain, inside: set[int]) -> Cell | None:
    """From one gap in the middle; where the gates have a kernel each, from all that hangs together."""
    middle = len(longest.gaps) // 2
    gap = longest.gaps[middle] | {longest.products[middle]}
    whole = _names(subgraph, inside | set(longest.products))
    gaps = len(longest.gaps)
    average = {name: round(count / gaps) for name, count in whole.items()}
    cell = recognise(_names(subgraph, gap))
    if cell is not None and cell.gated:
        return cell
    by_all = recognise(average)
    return by_all if by_all is not None and (by_all.gated or cell is not None) else None


def _names(subgraph: Subgraph, operators: Iterable[int]) -> Counter[str]:
    return Counter(subgraph.operators[i].name for i in operators)


def _feeding_products(
    subgraph: Subgraph, inside: set[int], shared: Mapping[tuple[int, int], list[int]]
) -> list[list[int]]:
    """The products with an input kernel that all steps share, a few operators before the steps."""
    kernel_of = {product: products for products in shared.values() for product in products}
    found: dict[int, list[int]] = {}
    level = {s for i in inside for s in _sources(subgraph, i)} - inside
    for _ in range(3):  # SPLIT, RESHAPE or DEQUANTIZE may stand between
        products = {i for i in level if i in kernel_of}
        for product in products:
            found.setdefault(id(kernel_of[product]), kernel_of[product])
        level = {s for i in level - products for s in _sources(subgraph, i)} - inside
    return [products for products in found.values() if not inside.issuperset(products)]


def _sources(subgraph: Subgraph, operator: int) -> Iterator[int]:
    for t in subgraph.operators[operator].inputs:
        source = subgraph.producers.get(t)
        if source is not None:
            yield source


def _fed_anew(subgraph: Subgraph, chain: _Chain) -> bool:
    """Each step takes something computed or given outside the chain, and each something else."""
    inside = {operator for gap in chain.gaps for operator in gap} | set(chain.products)
    seen: set[int] = set()
    for gap in chain.gaps:
        fed = {
            t
            for i in gap
            for t in subgraph.operators[i].inputs
            if t != OPTIONAL
            and stored_as(subgraph, subgraph.tensors[t]) is None
            and subgraph.producers.get(t, OPTIONAL) not in inside
        }
        if not fed or fed & seen:
            return False
        seen |= fed
    return True


def _comes_from_a_step(subgraph: Subgraph, product: int, feeding: list[list[int]]) -> bool:
    """The state that the first product takes was computed by a cell of the same layer, not given from outside."""
    inputs = {i for products in feeding for i in products}
    found: set[int] = set()
    waiting = [product]
    while waiting and len(found) < LARGEST_CELL:
        for source in _sources(subgraph, waiting.pop()):
            if source in inputs:
                return True
            if source not in found:
                found.add(source)
                waiting.append(source)
    # Where the products with the input were made in one for all steps, the activation has to do.
    return not feeding and any(subgraph.operators[i].name == "TANH" for i in found)

"""Operators that stay float where the others are integer, and the groups they form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tflite_audit.analyzer.conversion.types import Recipe
from tflite_audit.analyzer.model.graph import OpGraph
from tflite_audit.analyzer.model.types import FLOAT_TYPES, OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules.precision import UNPACKERS, Arithmetic, ModelPrecision
from tflite_audit.rules.rule import NotApplicable

Place = tuple[int, int]
"""(subgraph index, operator index)."""


def expect_integers(precision: ModelPrecision, recipe: Recipe | None) -> None:
    """Does nothing for a model whose operators are meant to be integer.

    Raises:
        NotApplicable: for any other.
    """
    if recipe is not None and not recipe.precision.is_integer:
        raise NotApplicable(f"the recipe asks for {recipe.precision}, not for integer operators")
    if recipe is None and not precision.quantized:
        raise NotApplicable("no operator computes in integers")


def stays_float(model: Model, precision: ModelPrecision) -> Iterator[tuple[Subgraph, Operator, Arithmetic]]:
    """The operators with float activations; what only unpacks a constant is not one of them."""
    for subgraph, op in model.operators:
        arithmetic = precision.of(subgraph, op)
        if arithmetic.is_float and op.name not in UNPACKERS:
            yield subgraph, op, arithmetic


@dataclass(frozen=True, slots=True)
class Island:
    """Float operators that hang together, between a DEQUANTIZE and a QUANTIZE.

    Attributes:
        subgraph: its index.
        operators: indices, in execution order.
        entries: indices of the DEQUANTIZE operators that feed it.
        exits: indices of the QUANTIZE operators that take its results.
        moved: bytes of the tensors that these write; a free dimension counts as 1.
    """

    subgraph: int
    operators: tuple[int, ...]
    entries: tuple[int, ...]
    exits: tuple[int, ...]
    moved: int


def islands(model: Model, precision: ModelPrecision, graph: OpGraph) -> Iterator[Island]:
    """Every island, in execution order: a weakly connected component of the float operators.

    A group that only begins at a float input of the model, or only ends at a float output, is no island: its boundary
    would be there anyway.
    """
    import networkx as nx

    floats = {(s.index, op.index) for s, op, _ in stays_float(model, precision)}
    found = cast("Iterable[set[Place]]", nx.weakly_connected_components(_through_floats(graph, floats)))
    for operators in sorted(found, key=min):
        subgraph = model.subgraphs[min(operators)[0]]
        entries = _boundaries(graph.graph.predecessors, operators, precision.operators)
        exits = _boundaries(graph.graph.successors, operators, precision.operators)
        if entries and exits:
            moved = sum(_bytes_written(subgraph, i) for i in (*entries, *exits))
            yield Island(subgraph.index, tuple(sorted(i for _, i in operators)), entries, exits, moved)


def _through_floats(graph: OpGraph, floats: set[Place]) -> Any:
    """The networkx graph of the float operators and the float tensors between them."""
    through = graph.graph.subgraph(floats).copy()
    through.remove_edges_from(
        [
            (a, b, key)
            for a, b, key, edge in through.edges(keys=True, data=True)
            if edge["kind"] != "tensor" or edge["dtype"] not in FLOAT_TYPES
        ]
    )
    return through


def _boundaries(neighbours: object, operators: set[Place], arithmetic: Mapping[Place, Arithmetic]) -> tuple[int, ...]:
    """The QUANTIZE or DEQUANTIZE operators beside the group."""
    beside = {n for place in operators for n in neighbours(place) if len(n) == 2}  # pyright: ignore
    return tuple(sorted(i for s, i in beside if arithmetic[s, i] is Arithmetic.BOUNDARY))


_SIZES = {"int8": 1, "uint8": 1, "int16": 2, "float16": 2, "bfloat16": 2, "int64": 8, "float64": 8}


def _bytes_written(subgraph: Subgraph, operator: int) -> int:
    tensors = (subgraph.tensors[t] for t in subgraph.operators[operator].outputs if t != OPTIONAL)
    return sum(math.prod(max(size, 1) for size in t.shape) * _SIZES.get(t.dtype, 4) for t in tensors)

"""The float operators of a model: the groups they form, where these stand, what they cost, and why they are float."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from tflite_audit.analyzer.conversion.types import Conversion, Recipe, Repeats
from tflite_audit.analyzer.evaluation.observed import Ranges
from tflite_audit.analyzer.model import macs
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import OpGraph, calls, entries
from tflite_audit.analyzer.model.made_by import MadeBy
from tflite_audit.analyzer.model.types import ELEMENT_BYTES, OPTIONAL, Model, Operator, Subgraph
from tflite_audit.analyzer.support.types import Support
from tflite_audit.rules import places
from tflite_audit.rules.precision import REAL_TYPES, SHAPE_READERS, UNPACKERS, Arithmetic, ModelPrecision
from tflite_audit.rules.quantization.causes import Blame
from tflite_audit.rules.quantization.evidence import Case, whole_model
from tflite_audit.rules.quantization.islands import FloatParts, Island, Place, Position
from tflite_audit.rules.quantization.reasons import blames
from tflite_audit.rules.rule import Location, NotApplicable


def parts(
    model: Model,
    precision: ModelPrecision,
    graph: OpGraph,
    *,
    made_by: MadeBy,
    support: Support | None = None,
    conversion: Conversion | None = None,
    ranges: Ranges | None = None,
    repeats: Repeats | None = None,
) -> FloatParts:
    """What computes in float, and why; in time linear in the size of the graph.

    A group is a weakly connected component of float operators, joined by float and complex activations: not by
    constants and variables, not by booleans and indices. What only unpacks a constant is in none.
    """
    case = Case(model, precision, made_by, support, conversion, ranges, repeats)
    sides = _Sides(model, precision, graph)
    islands = [
        _island(case, graph, sides, subgraph, operators) for subgraph, operators in _groups(model, precision, graph)
    ]
    return FloatParts(tuple(islands), macs.of_model(model))


def expect_integers(model: Model, precision: ModelPrecision, made_by: MadeBy, recipe: Recipe | None) -> None:
    """Does nothing for a model whose operators are meant to be integer.

    Raises:
        NotApplicable: for any other.
    """
    found = whole_model(model, precision, made_by, recipe)
    if found is not None:
        asked = recipe is not None and not precision.quantized
        raise NotApplicable(
            f"the recipe asks for {recipe.precision}, not for integer operators"
            if asked and recipe is not None
            else f"no operator is meant to compute in integers: {found.cause}"
        )


def stays_float(model: Model, precision: ModelPrecision) -> Iterator[tuple[Subgraph, Operator, Arithmetic]]:
    """The operators with float activations; what only unpacks a constant is not one of them."""
    for subgraph, op in model.operators:
        arithmetic = precision.of(subgraph, op)
        if arithmetic.is_float and op.name not in UNPACKERS:
            yield subgraph, op, arithmetic


@dataclass(frozen=True, slots=True)
class Told:
    """Float operators of one kind that are float for one reason.

    Attributes:
        positions: of the groups they stand in, each once.
    """

    name: str
    blame: Blame
    places: tuple[Location, ...]
    positions: tuple[Position, ...]


def told(model: Model, found: Iterable[Island], locations: Locations) -> list[Told]:
    """The operators of these islands by name and reason, in the order in which they first occur."""
    where: dict[tuple[str, Blame], list[Location]] = {}
    positions: dict[tuple[str, Blame], dict[Position, None]] = {}
    for island in found:
        subgraph = model.subgraphs[island.subgraph]
        for i in island.operators:
            key = subgraph.operators[i].name, island.blames[i]
            where.setdefault(key, []).append(places.of_operator(subgraph, subgraph.operators[i], locations))
            positions.setdefault(key, {})[island.position] = None
    return [Told(*key, tuple(group), tuple(positions[key])) for key, group in where.items()]


def _island(case: Case, graph: OpGraph, sides: _Sides, subgraph: Subgraph, operators: tuple[Operator, ...]) -> Island:
    inside = [(subgraph.index, op.index) for op in operators]
    entered = _conversions(graph.graph.pred, subgraph, inside, case.precision)
    left = _conversions(graph.graph.succ, subgraph, inside, case.precision)
    return Island(
        subgraph=subgraph.index,
        operators=tuple(op.index for op in operators),
        position=sides.position(inside),
        entries=entered,
        exits=left,
        moved=sum(_bytes(subgraph, subgraph.operators[i]) for i in (*entered, *left)),
        macs=sum(macs.of_operator(case.model, subgraph, op) for op in operators),
        blames=blames(case, subgraph, operators, quantized_after=bool(left)),
    )


def _groups(model: Model, precision: ModelPrecision, graph: OpGraph) -> Iterator[tuple[Subgraph, tuple[Operator, ...]]]:
    """Every group, by its first operator in the order of the file."""
    floats = {(subgraph.index, op.index) for subgraph, op, _ in stays_float(model, precision)}
    seen: set[Place] = set()
    for first in sorted(floats):
        if first in seen:
            continue
        seen.add(first)
        group, waiting = [first], [first]
        while waiting:
            for beside in _joined(graph, waiting.pop()):
                if beside in floats and beside not in seen:
                    seen.add(beside)
                    group.append(beside)
                    waiting.append(beside)
        subgraph = model.subgraphs[first[0]]
        yield subgraph, tuple(subgraph.operators[i] for _, i in sorted(group))


def _joined(graph: OpGraph, place: Place) -> Iterator[Place]:
    """The operators at the other ends of an operator's float activations."""
    for neighbours in (graph.graph.pred[place], graph.graph.succ[place]):
        for beside, edges in neighbours.items():
            if len(beside) == 2 and any(e["kind"] == "tensor" and e["dtype"] in REAL_TYPES for e in edges.values()):
                yield beside


def _conversions(
    neighbours: Any, subgraph: Subgraph, inside: list[Place], precision: ModelPrecision
) -> tuple[int, ...]:
    """The QUANTIZE or DEQUANTIZE operators beside the group."""
    beside = {n[1] for place in inside for n in neighbours[place] if len(n) == 2}
    return tuple(sorted(i for i in beside if _converts(subgraph, subgraph.operators[i], precision)))


def _bytes(subgraph: Subgraph, conversion: Operator) -> int:
    """What a QUANTIZE or DEQUANTIZE reads and writes."""
    tensors = (subgraph.tensors[t] for t in (*conversion.inputs, *conversion.outputs) if t != OPTIONAL)
    return sum(math.prod(max(size, 1) for size in t.declared_shape) * ELEMENT_BYTES.get(t.dtype, 4) for t in tensors)


class _Sides:
    """On which sides of an operator there are integers, near or behind operators that compute nothing real.

    An integer that only gives its shape does not count.
    """

    def __init__(self, model: Model, precision: ModelPrecision, graph: OpGraph) -> None:
        self._bodies = {call.callee for call in calls(model)} - set(entries(model))
        self._integers = any(arithmetic.is_integer for arithmetic in precision.operators.values())
        ordered: list[Place] = [(subgraph.index, op.index) for subgraph, op in model.operators]
        readers = {(subgraph.index, op.index) for subgraph, op in model.operators if op.name in SHAPE_READERS}
        edge = {
            (subgraph.index, op.index)
            for subgraph, op in model.operators
            if precision.of(subgraph, op).is_integer or _converts(subgraph, op, precision)
        }
        self._after = _reached(ordered, graph.graph.pred, edge, readers)
        self._before = _reached(reversed(ordered), graph.graph.succ, edge, readers)

    def position(self, inside: list[Place]) -> Position:
        """Where a group stands."""
        if not self._integers:
            return Position.ALONE
        begins = any(place in self._after for place in inside)
        ends = any(place in self._before for place in inside)
        if begins and ends:
            return Position.BETWEEN
        if inside[0][0] in self._bodies:
            return Position.BODY
        if begins or ends:
            return Position.END if begins else Position.START
        return Position.APART


def _converts(subgraph: Subgraph, op: Operator, precision: ModelPrecision) -> bool:
    """A QUANTIZE or DEQUANTIZE of an activation; not of a state that the runtime keeps."""
    if precision.of(subgraph, op) is not Arithmetic.BOUNDARY:
        return False
    return any(t in subgraph.producers or t in subgraph.inputs for t in op.inputs)


def _reached(ordered: Iterable[Place], neighbours: Any, edge: set[Place], barred: set[Place]) -> set[Place]:
    """The operators that an integer operator or a conversion leads to, over any number of others.

    Args:
        ordered: each operator after its `neighbours`.
        barred: operators that nothing is passed through.
    """
    reached: set[Place] = set()
    for place in ordered:
        if place in barred:
            continue
        beside = cast("Iterable[Place]", neighbours[place])
        if any(n in edge or n in reached for n in beside):
            reached.add(place)
    return reached

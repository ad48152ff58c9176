"""Where a finding is, made from operators and tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Operator, Subgraph, Tensor
from tflite_audit.rules.rule import Location, Operators

Key = TypeVar("Key", bound=Hashable)


def of_operator(subgraph: Subgraph, op: Operator, locations: Locations) -> Location:
    """An operator, by the tensor it writes first, with the layer and the source line that it came from."""
    where = locations.of(subgraph.index, op.index)
    named = next((t for t in (*op.outputs, *op.inputs) if t != OPTIONAL), None)
    return Location(
        subgraph=subgraph.index,
        operator=op.index,
        op=op.name,
        tensor=None if named is None else subgraph.tensors[named].name or None,
        layer=where.layer,
        file=where.frames[0].file if where.frames else None,
        line=where.frames[0].line if where.frames else None,
    )


def grouped(operators: Iterable[tuple[Key, Subgraph, Operator]], locations: Locations) -> dict[Key, list[Location]]:
    """Operators that are told of together, by what they share, in the order in which it first occurs."""
    groups: dict[Key, list[Location]] = {}
    for key, subgraph, op in operators:
        groups.setdefault(key, []).append(of_operator(subgraph, op, locations))
    return groups


def of_tensor(subgraph: Subgraph, tensor: Tensor) -> Location:
    """A tensor."""
    return Location(subgraph=subgraph.index, tensor=tensor.name or None)


def listed(title: str, places: Iterable[Location]) -> Operators:
    """Operators as evidence."""
    return Operators(title=title, operators=tuple(places))


def layers(places: Iterable[Location]) -> tuple[str, ...]:
    """The layers of the operators, each once, in their order."""
    return tuple(dict.fromkeys(place.layer for place in places if place.layer))


def named(places: Iterable[Location], limit: int = 3) -> str:
    """The layers in words: ` in conv_1, conv_2 and 5 more`; empty where none is known."""
    names = layers(places)
    if not names:
        return ""
    shown = names if len(names) <= limit else (*names[: limit - 1], f"{len(names) - limit + 1} more")
    return " in " + enumerated(shown)


def counted(names: Iterable[str], limit: int = 4) -> str:
    """Operators in words: `MIRROR_PAD, 2 x RSQRT and 3 more kinds`; the most frequent first."""
    counts = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    words = [name if count == 1 else f"{count} x {name}" for name, count in counts]
    shown = words if len(words) <= limit else [*words[: limit - 1], f"{len(words) - limit + 1} more kinds"]
    return enumerated(shown)


def plural(count: int, noun: str) -> str:
    """`1 operator`, `12 operators`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def enumerated(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last

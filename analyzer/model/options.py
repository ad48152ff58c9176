"""The options of every operator: checked when the file is read, decoded when asked for."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schema
from .tables import Positions, Tables
from .types import Unknown


class OptionTables:
    """Where the options of each operator lie in the file.

    Attributes:
        types: uint8, shape [operators of all subgraphs]: number of the union member, 0 for none.
    """

    def __init__(
        self,
        memory: memoryview,
        first: list[int],
        types: NDArray[np.uint8],
        second: NDArray[np.bool_],
        at: Positions,
        custom_at: Positions,
        custom_size: Positions,
    ) -> None:
        self._memory = memory
        self._first = first
        self.types = types
        self._second = second
        self._at = at
        self._custom_at = custom_at
        self._custom_size = custom_size

    @classmethod
    def read(
        cls, operators: Tables, counts: NDArray[np.int64], where: Callable[[int], str], unknowns: list[Unknown]
    ) -> OptionTables:
        """Finds and checks the options of `operators`, `counts` of which belong to each subgraph.

        Raises:
            MalformedError: a table or one of its fields lies outside the file.
        """
        field = schema.OperatorField
        types = np.zeros(len(operators), np.uint8)
        second = np.zeros(len(operators), bool)
        at = np.full(len(operators), -1, np.int64)
        unions: tuple[tuple[schema.Union, int, int], ...] = (
            ("BuiltinOptions", field.BUILTIN_OPTIONS_TYPE, field.BUILTIN_OPTIONS),
            ("BuiltinOptions2", field.BUILTIN_OPTIONS_2_TYPE, field.BUILTIN_OPTIONS_2),
        )
        for union, type_field, table_field in unions:
            rows, tables = operators.child(table_field, "options of operator")
            members = operators.scalar(type_field, "u1")[rows]
            for member in np.unique(members[members > 0]).tolist():
                chosen = np.flatnonzero(members == member)
                fields = schema.option_fields(union, member)
                if fields is None:
                    unknowns.extend(Unknown("builtin options", member, where(i)) for i in rows[chosen].tolist())
                else:
                    _check(tables.rows(chosen), fields)
                types[rows[chosen]], at[rows[chosen]] = member, tables.at[chosen]
                second[rows[chosen]] = union == "BuiltinOptions2"
        custom_at, custom_size = _custom_options(operators)
        first = [0, *np.cumsum(counts).tolist()]
        return cls(operators.data.memory, first, types, second, at, custom_at, custom_size)

    def of(self, subgraph: int, operator: int) -> dict[str, object]:
        """Every field of the operator's options, defaults included; {} if it has none or their type is not known."""
        row = self._first[subgraph] + operator
        member, at = int(self.types[row]), int(self._at[row])
        fields = schema.option_fields("BuiltinOptions2" if self._second[row] else "BuiltinOptions", member)
        if member == 0 or fields is None:
            return {}
        memory = self._memory
        vtable = at - struct.unpack_from("<i", memory, at)[0]
        vtable_size = struct.unpack_from("<H", memory, vtable)[0]
        options: dict[str, object] = {}
        for field in fields:
            listed = field.offset + 2 <= vtable_size
            place = struct.unpack_from("<H", memory, vtable + field.offset)[0] if listed else 0
            options[field.name] = field.value(_stored(memory, at + place, field) if place else field.default)
        return options

    def custom(self, subgraph: int, operator: int) -> memoryview:
        """The custom_options of a custom operator, mostly a FlexBuffer; empty if it has none."""
        row = self._first[subgraph] + operator
        start = int(self._custom_at[row])
        return self._memory[start : start + int(self._custom_size[row])]


def _check(tables: Tables, fields: tuple[schema.OptionField, ...]) -> None:
    for field in fields:
        what = f"{field.name} of operator options"
        if field.kind == "scalar":
            tables.scalar(field.offset, field.format)
        else:
            tables.vector(field.offset, field.format, what)


def _stored(memory: memoryview, at: int, field: schema.OptionField) -> Any:
    if field.kind == "scalar":
        return struct.unpack_from(field.format, memory, at)[0]
    at += struct.unpack_from("<I", memory, at)[0]
    count = struct.unpack_from("<I", memory, at)[0]
    if field.kind == "string":
        return str(memory[at + 4 : at + 4 + count], "utf-8", "backslashreplace")
    values = np.frombuffer(memory, field.format, count, at + 4)
    return values.tobytes() if field.format == "<B" else tuple(values.tolist())


def _custom_options(operators: Tables) -> tuple[Positions, Positions]:
    """In the flatbuffer, or behind it by offset and size in files over 2 GB."""
    field = schema.OperatorField
    inside = operators.vector(field.CUSTOM_OPTIONS, "u1", "custom options")
    offset = operators.scalar(field.LARGE_CUSTOM_OPTIONS_OFFSET, "<u8")
    size = operators.scalar(field.LARGE_CUSTOM_OPTIONS_SIZE, "<u8")
    behind = offset > 1
    start, length = operators.data.ranges(offset[behind], size[behind], "large custom options")
    at, sizes = np.maximum(inside.start, 0), inside.length.copy()
    at[behind], sizes[behind] = start, length
    return at, sizes

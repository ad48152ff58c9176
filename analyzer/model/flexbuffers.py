"""Reads FlexBuffers, the schemaless encoding that most custom operators keep their options in.

The format: https://flatbuffers.dev/flexbuffers (internals: "FlexBuffers: Encoding"), flatbuffers/flexbuffers.h. The
`flatbuffers` package reads trusted bytes only: a negative place wraps around to the other end, vectors that share
their elements are copied without limit, and nearly any exception may come out. So this is a reader for files that
nobody vouches for.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

from flatbuffers.flexbuffers import Type

Value: TypeAlias = "bool | int | float | str | bytes | list[Value] | dict[str, Value] | None"

DEPTH = 64
"""How deep vectors and maps may be nested, as in the verifier of flexbuffers.h."""

VALUES = 50_000
"""How many values are read, each counted as often as it is referred to; never more than the buffer has bytes, of which
each takes one where it is not shared."""

_BYTES = 4 << 20
"""How many bytes of text and blobs are copied beyond those of the buffer, for the same reason."""

_SIGNED = {1: "<b", 2: "<h", 4: "<i", 8: "<q"}
_UNSIGNED = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
_FLOAT = {2: "<e", 4: "<f", 8: "<d"}


class FlexBufferError(ValueError):
    """The bytes are no FlexBuffer, or one beyond the limits; the message says which."""


def decode(data: bytes | memoryview) -> Value:
    """The value that a FlexBuffer holds: maps as dicts, vectors as lists, blobs as bytes.

    A string that is not UTF-8 is given as bytes too: serialized protocol buffers are kept as strings.
    Bytes that are no FlexBuffer may still read as one whose value is a number: only a map or a vector tells.

    Raises:
        FlexBufferError: a place outside the buffer, an unknown type, more than `DEPTH` levels, or too many values.
    """
    data = bytes(data)
    if len(data) < 3:
        raise FlexBufferError(f"{len(data)} bytes are too few")
    width = data[-1]
    if width not in _UNSIGNED:
        raise FlexBufferError(f"the root is {width} bytes wide")
    return _Reader(data, min(VALUES, len(data)), _BYTES + len(data)).value(len(data) - 2 - width, width, data[-2], 0)


@dataclass(slots=True)
class _Reader:
    """The bytes, and how much more of them may be read."""

    data: bytes
    values_left: int
    bytes_left: int

    def value(self, at: int, parent: int, packed: int, depth: int) -> Value:
        """The value at `at`, in a container whose elements are `parent` bytes wide."""
        self._count(1)
        try:
            kind = Type(packed >> 2)
        except ValueError:
            raise FlexBufferError(f"type {packed >> 2} is not known") from None
        if kind is Type.NULL:
            return None
        if kind in (Type.INT, Type.UINT, Type.FLOAT, Type.BOOL):
            return self._scalar(at, parent, kind)
        return self._behind(self._target(at, parent), 1 << (packed & 3), kind, depth)

    def _behind(self, at: int, width: int, kind: Type, depth: int) -> Value:
        """What lies where an offset points to."""
        match kind:
            case Type.INDIRECT_INT:
                return self._scalar(at, width, Type.INT)
            case Type.INDIRECT_UINT:
                return self._scalar(at, width, Type.UINT)
            case Type.INDIRECT_FLOAT:
                return self._scalar(at, width, Type.FLOAT)
            case Type.KEY:
                return self._key(at)
            case Type.STRING:
                return _text(self._bytes(at, self._unsigned(at - width, width)))
            case Type.BLOB:
                return self._bytes(at, self._unsigned(at - width, width))
            case Type.MAP:
                return self._map(at, width, depth)
            case Type.VECTOR:
                return self._vector(at, width, depth)
            case _ if Type.IsFixedTypedVector(kind):
                element, size = Type.ToFixedTypedVectorElementType(kind)
                return [self._scalar(at + i * width, width, element) for i in range(size)]
            case _:
                return self._typed(at, self._unsigned(at - width, width), width, Type.ToTypedVectorElementType(kind))

    def _vector(self, at: int, width: int, depth: int) -> list[Value]:
        if depth >= DEPTH:
            raise FlexBufferError(f"more than {DEPTH} levels")
        size = self._unsigned(at - width, width)
        types = at + size * width
        self._within(at, size * (width + 1))
        return [self.value(at + i * width, width, self.data[types + i], depth + 1) for i in range(size)]

    def _typed(self, at: int, size: int, width: int, element: Type) -> list[Value]:
        self._count(size)
        self._within(at, size * width)
        if element in (Type.KEY, Type.STRING):  # the latter deprecated, and written like the former
            return [self._key(self._target(at + i * width, width)) for i in range(size)]
        return [self._scalar(at + i * width, width, element) for i in range(size)]

    def _map(self, at: int, width: int, depth: int) -> dict[str, Value]:
        keys_width = self._unsigned(at - 2 * width, width)
        if keys_width not in _UNSIGNED:
            raise FlexBufferError(f"keys are {keys_width} bytes wide")
        keys = self._target(at - 3 * width, width)
        values = self._vector(at, width, depth)
        if self._unsigned(keys - keys_width, keys_width) != len(values):
            raise FlexBufferError("a map has more keys than values, or fewer")
        names = self._typed(keys, len(values), keys_width, Type.KEY)
        return {str(name): value for name, value in zip(names, values, strict=True)}

    def _scalar(self, at: int, width: int, kind: Type) -> bool | int | float:
        if kind is Type.BOOL:
            return self._unsigned(at, width) != 0
        formats = {Type.INT: _SIGNED, Type.UINT: _UNSIGNED, Type.FLOAT: _FLOAT}[kind]
        if width not in formats:
            raise FlexBufferError(f"a float of {width} bytes")
        self._within(at, width)
        return struct.unpack_from(formats[width], self.data, at)[0]

    def _unsigned(self, at: int, width: int) -> int:
        self._within(at, width)
        return int.from_bytes(self.data[at : at + width], "little")

    def _target(self, at: int, width: int) -> int:
        """Where an offset points to: always back."""
        return at - self._unsigned(at, width)

    def _key(self, at: int) -> str:
        self._within(at, 1)
        end = self.data.find(0, at)
        if end < 0:
            raise FlexBufferError("a key does not end")
        return str(self._bytes(at, end - at), "utf-8", "backslashreplace")

    def _bytes(self, at: int, size: int) -> bytes:
        self._within(at, size)
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise FlexBufferError("more text than the buffer could hold once")
        return self.data[at : at + size]

    def _within(self, at: int, size: int) -> None:
        if at < 0 or at + size > len(self.data):
            raise FlexBufferError(f"bytes {at} to {at + size} lie outside the {len(self.data)} of the buffer")

    def _count(self, values: int) -> None:
        self.values_left -= values
        if self.values_left < 0:
            raise FlexBufferError(f"more values than are read: {VALUES}, and one for each byte")


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data

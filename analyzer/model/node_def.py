"""Reads the NodeDef that a Flex operator keeps of the TensorFlow operator it stands for, without TensorFlow.

The protocol buffer's wire format is read field by field: tensorflow/core/framework/node_def.proto, attr_value.proto,
tensor_shape.proto, tensor.proto and types.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .flexbuffers import Value


class NodeDefError(ValueError):
    """The bytes are no NodeDef; the message says why."""


@dataclass(frozen=True, slots=True)
class NodeDef:
    """An operator of a TensorFlow graph.

    Attributes:
        op: its type, `Softplus`.
        attributes: by name, sorted, as files have them in any order; types as TensorFlow's Python names (`float32`),
            shapes as lists with -1 for a free dimension and None for an unknown rank, tensors as their type and shape.
    """

    op: str
    device: str
    attributes: dict[str, Value]


_Field: TypeAlias = "tuple[int, int | bytes]"

_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32", 14: "bfloat16", 15: "qint16", 16: "quint16",
    17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
    24: "float8_e5m2", 25: "float8_e4m3fn", 29: "int4", 30: "uint4", 31: "int2", 32: "uint2",
}  # fmt: skip
"""types.proto, DataType; from 101 on, references to the same."""

_REFERENCE = 100
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def parse(data: bytes) -> NodeDef:
    """The NodeDef in its serialized form.

    Raises:
        NodeDefError: the bytes are cut, or not of the protocol buffer's format.
    """
    op, device, attributes = "", "", dict[str, Value]()
    for number, value in _fields(data):
        match number, value:
            case 2, bytes():
                op = _text(value)
            case 4, bytes():
                device = _text(value)
            case 5, bytes():
                entry = dict(_fields(value))
                attributes[_text(_bytes(entry.get(1, b"")))] = _attribute(_bytes(entry.get(2, b"")))
            case _:
                pass
    if not op:
        raise NodeDefError("it names no operator")
    return NodeDef(op, device, dict(sorted(attributes.items())))


def _attribute(data: bytes) -> Value:
    """An AttrValue: one of its fields is set."""
    for number, value in _fields(data):
        if number == 1:
            return _list(_bytes(value))
        if number == 10:
            return next((_text(_bytes(v)) for n, v in _fields(_bytes(value)) if n == 1), "")
        if number == 9:
            return _text(_bytes(value))
        if number in _SCALARS:
            return _SCALARS[number](value)
    return None


def _list(data: bytes) -> list[Value]:
    """A ListValue; its numbers may be packed into one field."""
    values: list[Value] = []
    for number, value in _fields(data):
        if number == 9:
            values += [_text(_bytes(v)) for n, v in _fields(_bytes(value)) if n == 1]
        elif number == 4 and isinstance(value, bytes) and len(value) % 4 == 0:
            values += struct.unpack(f"<{len(value) // 4}f", value)
        elif number in (3, 5, 6) and isinstance(value, bytes):
            values += [_SCALARS[number](v) for v in _varints(value)]
        elif number in _SCALARS:
            values.append(_SCALARS[number](value))
    return values


def _shape(value: int | bytes) -> Value:
    """A TensorShapeProto."""
    sizes: list[Value] = []
    for number, field in _fields(_bytes(value)):
        if number == 3 and field:
            return None
        if number == 2:
            sizes.append(next((_signed(v) for n, v in _fields(_bytes(field)) if n == 1), 0))
    return sizes


def _tensor(value: int | bytes) -> Value:
    """A TensorProto: its type and shape."""
    fields = dict(_fields(_bytes(value)))
    return {"dtype": _dtype(fields.get(1, 0)), "shape": _shape(fields.get(2, b""))}


def _dtype(value: int | bytes) -> str:
    number = _number(value)
    return _DTYPES.get(number % _REFERENCE, f"type {number}")


def _signed(value: int | bytes) -> int:
    number = _number(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def _float(value: int | bytes) -> float:
    return struct.unpack("<f", struct.pack("<I", _number(value) & 0xFFFFFFFF))[0]


def _string(value: int | bytes) -> Value:
    data = _bytes(value)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _boolean(value: int | bytes) -> bool:
    return _number(value) != 0


_SCALARS: dict[int, Callable[[int | bytes], Value]] = {
    2: _string,
    3: _signed,
    4: _float,
    5: _boolean,
    6: _dtype,
    7: _shape,
    8: _tensor,
}
"""Fields of AttrValue, and of ListValue alike."""


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise NodeDefError("a number is written as bytes")
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise NodeDefError("bytes are written as a number")
    return value


def _text(data: bytes) -> str:
    return str(data, "utf-8", "backslashreplace")


def _fields(data: bytes) -> Iterator[_Field]:
    """(number, value) of each field of a message; the value is a number, or the bytes of what is nested."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise NodeDefError(f"wire type {wire} is not known")
        if at + size > len(data):
            raise NodeDefError(f"a field of {size} bytes is cut")
        field = data[at : at + size]
        at += size
        yield number, field if wire == _BYTES else int.from_bytes(field, "little")


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise NodeDefError("a number is cut")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise NodeDefError("a number is longer than 64 bits")

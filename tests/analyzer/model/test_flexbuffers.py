"""FlexBuffers as the library writes them, and bytes that are none."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Any

import pytest
from flatbuffers import flexbuffers as library

from tflite_audit.analyzer.model import flexbuffers
from tflite_audit.analyzer.model.flexbuffers import FlexBufferError, decode


def written(fill: Any) -> bytes:
    builder = library.Builder()
    fill(builder)
    return bytes(builder.Finish())


DATA: list[Any] = [
    {},
    {"pad": 1},
    {"max_detections": 10, "scale": 0.5, "use": True, "off": False, "name": "ä", "nothing": None, "raw": b"\0\xff"},
    [1, -2, 3.5, "x", [True, [None]], {"a": {"b": [1, 2]}}],
    {"big": 1 << 62, "small": -(1 << 40), "third": 1 / 3},
    {f"key_{i}": "v" * i for i in range(300)},
    [],
    "text",
    b"blob",
    -7,
]


@pytest.mark.parametrize("value", DATA, ids=lambda value: str(value)[:20])
def test_reads_what_the_library_writes(value: Any) -> None:
    assert decode(bytes(library.Dumps(value))) == value


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("values", [[1, 2, 300], [0.5, -1.5, 2.0], [-1, 70000], [1, -2, 3, 4]], ids=str)
def test_typed_vectors(values: list[Any], fixed: bool) -> None:
    def fill(b: Any) -> None:
        (b.FixedTypedVectorFromElements if fixed else b.TypedVectorFromElements)(values)

    assert decode(written(fill)) == values


def test_a_vector_of_booleans() -> None:
    def fill(b: Any) -> None:
        b.TypedVectorFromElements([True, False])

    assert decode(written(fill)) == [True, False]


def test_a_string_that_is_no_text() -> None:
    assert decode(bytes(library.Dumps("abc")).replace(b"abc", b"\xbc\x0f\0")) == b"\xbc\x0f\0"


def test_a_vector_of_keys() -> None:
    def keys(b: Any) -> None:
        with b.TypedVector():
            b.Key("a")
            b.Key("bc")

    assert decode(written(keys)) == ["a", "bc"]


def test_indirect_numbers() -> None:
    def fill(b: Any) -> None:
        with b.Vector():
            b.IndirectInt(-5)
            b.IndirectUInt(7)
            b.IndirectFloat(2.5)

    assert decode(written(fill)) == [-5, 7, 2.5]


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x00\x00\x00", b"\x01\x04\x03", b"\x05\x29\x01", b"\x01\xff\x01"])
def test_no_flexbuffer(data: bytes) -> None:
    with pytest.raises(FlexBufferError):
        decode(data)


def test_an_offset_in_front_of_the_buffer() -> None:
    with pytest.raises(FlexBufferError, match="outside"):
        decode(bytes([9, library.Type.VECTOR << 2, 1]))


def test_a_vector_that_holds_itself() -> None:
    loop = bytes([1, 0, library.Type.VECTOR << 2, 2, library.Type.VECTOR << 2, 1])
    with pytest.raises(FlexBufferError, match="more values than are read"):
        decode(loop)
    with pytest.raises(FlexBufferError, match=f"{flexbuffers.DEPTH} levels"):
        decode(bytes(100) + loop)


def test_more_values_than_bytes() -> None:
    """A hundred numbers, read ten times: no writer shares a vector, and thousands of such buffers would take hours."""
    numbers = bytes([100, *range(100), *[library.Type.INT << 2] * 100])
    shared = bytes([10, *(len(numbers) + i for i in range(10)), *[library.Type.VECTOR << 2] * 10])
    with pytest.raises(FlexBufferError, match="more values than are read"):
        decode(numbers + shared + bytes([len(shared) - 1, library.Type.VECTOR << 2, 1]))
    assert decode(numbers + bytes([len(numbers) - 1, library.Type.VECTOR << 2, 1])) == list(range(100))


def test_vectors_that_share_their_elements() -> None:
    """Each level names the one below it 20 times: 20 to the power of 30 values in 1 kB."""
    data = bytearray([0])
    below = 0
    for level in range(30):
        size = 20
        data.append(size)
        start = len(data)
        data += bytes(start + i - below for i in range(size))
        data += bytes([(library.Type.VECTOR if level else library.Type.INDIRECT_INT) << 2] * size)
        below = start
    data += bytes([len(data) - below, library.Type.VECTOR << 2, 1])
    began = time.monotonic()
    with pytest.raises(FlexBufferError, match="values"):
        decode(bytes(data))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("seed", range(4))
def test_hostile_bytes_end_in_a_value_or_in_the_one_error(seed: int) -> None:
    """Random bytes, cut ones, and good ones with some bytes changed."""
    chance = random.Random(seed)
    good = [bytes(library.Dumps(value)) for value in DATA]
    began = time.monotonic()
    for _ in range(1500):
        data = bytearray(chance.choice(good) if chance.random() < 0.8 else chance.randbytes(chance.randrange(200)))
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(len(data))] = chance.choice([0, 1, 4, 8, 0x28, 0x24, 255, chance.randrange(256)])
        if chance.random() < 0.3:
            data = data[chance.randrange(len(data) + 1) :]
        with suppress(FlexBufferError):
            decode(bytes(data))
    assert time.monotonic() - began < 10

"""NodeDefs as TensorFlow writes them, and bytes that are none."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest

from tflite_audit.analyzer.model.node_def import NodeDefError, parse


def field(number: int, value: bytes | int) -> bytes:
    """A field of the wire format: bytes, or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def attribute(name: str, value: bytes) -> bytes:
    return field(5, field(1, name.encode()) + field(2, value))


def node(op: str, *attributes: bytes) -> bytes:
    return field(1, b"net/op") + field(2, op.encode()) + field(3, b"x") + b"".join(attributes)


def test_softplus() -> None:
    """As litert_softplus_flex holds it."""
    data = bytes.fromhex(
        "1208536f6674706c75731a00220d2f6465766963653a4350553a302a070a01541202300132 00".replace(" ", "")
    )
    found = parse(data)
    assert (found.op, found.device, found.attributes) == ("Softplus", "/device:CPU:0", {"T": "float32"})


def test_attributes_are_sorted_by_name() -> None:
    """TensorFlow writes a map, in whatever order."""
    values = [attribute("b", field(5, 1)), attribute("T", field(6, 1)), attribute("a", field(3, 2))]
    assert list(parse(node("Op", *values)).attributes) == ["T", "a", "b"]
    assert list(parse(node("Op", *reversed(values))).attributes) == ["T", "a", "b"]


def test_every_kind_of_attribute() -> None:
    shape = field(2, field(1, -1)) + field(2, field(1, 3))
    found = parse(
        node(
            "Op",
            attribute("text", field(2, b"SAME")),
            attribute("bytes", field(2, b"\xff\xfe")),
            attribute("number", field(3, -7)),
            attribute("float", varint(4 << 3 | 5) + struct.pack("<f", 0.5)),
            attribute("yes", field(5, 1)),
            attribute("no", field(5, 0)),
            attribute("type", field(6, 9)),
            attribute("reference", field(6, 101)),
            attribute("newer", field(6, 77)),
            attribute("shape", field(7, shape)),
            attribute("any_rank", field(7, field(3, 1))),
            attribute("scalar", field(7, b"")),
            attribute("tensor", field(8, field(1, 1) + field(2, shape) + field(4, b"\0" * 12))),
            attribute("function", field(10, field(1, b"body"))),
            attribute("strides", field(1, field(3, varint(1) + varint(2) + varint(-1)))),
            attribute("one_by_one", field(1, field(3, 4) + field(3, 5))),
            attribute("floats", field(1, field(4, struct.pack("<2f", 1.5, -2)))),
            attribute("words", field(1, field(2, b"a") + field(2, b"b"))),
            attribute("types", field(1, field(6, varint(1) + varint(3)))),
            attribute("nothing", b""),
        )
    )
    assert found.attributes == {
        "text": "SAME",
        "bytes": b"\xff\xfe",
        "number": -7,
        "float": 0.5,
        "yes": True,
        "no": False,
        "type": "int64",
        "reference": "float32",
        "newer": "type 77",
        "shape": [-1, 3],
        "any_rank": None,
        "scalar": [],
        "tensor": {"dtype": "float32", "shape": [-1, 3]},
        "function": "body",
        "strides": [1, 2, -1],
        "one_by_one": [4, 5],
        "floats": [1.5, -2.0],
        "words": ["a", "b"],
        "types": ["float32", "int32"],
        "nothing": None,
    }


@pytest.mark.tensorflow
@pytest.mark.slow
def test_reads_what_tensorflow_writes() -> None:
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3])
        tf.image.extract_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
    (written,) = (n for n in graph.as_graph_def().node if n.op == "ExtractImagePatches")
    found = parse(written.SerializeToString())
    assert found.op == "ExtractImagePatches"
    assert {"T": "float32", "ksizes": [1, 3, 3, 1], "padding": "VALID"}.items() <= found.attributes.items()


@pytest.mark.parametrize("data", [b"", b"\x12", b"\x12\x09abc", b"\x0b\x00", field(2, 5), b"\xff" * 20])
def test_no_node_def(data: bytes) -> None:
    with pytest.raises(NodeDefError):
        parse(data)


def test_hostile_bytes_end_in_a_node_or_in_the_one_error() -> None:
    chance = random.Random(3)
    good = node("Op", attribute("a", field(1, field(3, 4))), attribute("b", field(8, field(2, field(2, field(1, 3))))))
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with suppress(NodeDefError):
            parse(bytes(data[: chance.randrange(len(data) + 1)]))
        with suppress(NodeDefError):
            parse(chance.randbytes(chance.randrange(60)))

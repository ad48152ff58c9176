"""Options of custom operators: decoded where their encoding is known, else as bytes."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from flatbuffers.flexbuffers import Dumps

from tests.analyzer.model.test_node_def import attribute, field, node
from tflite_audit.analyzer.model.custom_options import CustomOptions, Encoding, decode


def flexible(value: Any) -> bytes:
    return bytes(Dumps(value))


def flex(name: str, node_def: bytes) -> bytes:
    """Name and NodeDef, as the converter writes them: both as strings."""
    filler = "\1" * len(node_def)
    return flexible([name, filler]).replace(filler.encode(), node_def)


def test_none() -> None:
    assert decode("Op", b"") == CustomOptions(Encoding.NONE, None, 0)


def test_a_map_and_a_vector() -> None:
    data = flexible({"T": 7, "fft_length": 512})
    assert decode("SignalRfft", data) == CustomOptions(Encoding.FLEXBUFFER, {"T": 7, "fft_length": 512}, len(data))
    assert decode("Op", memoryview(flexible([1, 2]))).value == [1, 2]
    assert decode("Op", flexible({})).value == {}


@pytest.mark.parametrize("data", [b"Partition_0", bytes([1, 4, 1]), b"\0" * 12, flexible(3), flexible("text")])
def test_bytes_that_are_no_map_stay_bytes(data: bytes) -> None:
    assert decode("NPU_OP", data) == CustomOptions(Encoding.BYTES, data, len(data))


def test_flex() -> None:
    found = decode("FlexSoftplus", flex("Softplus", node("Softplus", attribute("T", field(6, 1)))))
    assert (found.encoding, found.type, found.value) == (Encoding.NODE_DEF, "Softplus", {"T": "float32"})


def test_flex_without_a_node_def() -> None:
    assert decode("FlexOp", flexible(["Op", "\2\xff"])).value == ["Op", "\2\xff"]
    assert decode("FlexOp", flexible({"a": 1})).encoding is Encoding.FLEXBUFFER
    assert decode("FlexOp", b"\xff\xff").encoding is Encoding.BYTES


def test_structs() -> None:
    old = decode("Convolution2DTransposeBias", struct.pack("<3i", 1, 2, 2))
    assert old.value == {"padding": "SAME", "stride_width": 2, "stride_height": 2}
    assert (old.encoding, old.type) == (Encoding.STRUCT, "TfLiteTransposeConvParams")
    new = decode("Convolution2DTransposeBias", struct.pack("<5i", 2, 1, 1, 3, 0))
    assert new.value == {
        "padding": "VALID", "stride_width": 1, "stride_height": 1, "activation": "RELU6", "quantized_bias_type": 0,
    }  # fmt: skip
    pool = decode("MaxPoolingWithArgmax2D", struct.pack("<10i", 1, 2, 2, 3, 3, 0, 9, 9, 9, 9))
    assert pool.value == {
        "padding": "SAME", "stride_width": 2, "stride_height": 2, "filter_width": 3, "filter_height": 3,
        "activation": "NONE",
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"\1", b"\1\0\0\0" * 2, b"\1\0\0\0" * 3 + b"\0"])
def test_a_struct_of_another_size_stays_bytes(data: bytes) -> None:
    assert decode("Convolution2DTransposeBias", data).encoding is Encoding.BYTES


def package(version: int, compiler: bytes) -> bytes:
    """The head of an Edge TPU package: table Package with the fields 0 and 4."""
    vtable = struct.pack("<7H", 14, 12, 4, 0, 0, 0, 8)
    table = struct.pack("<iiI", len(vtable), version, 4)
    text = struct.pack("<I", len(compiler)) + compiler
    return struct.pack("<I", 8 + len(vtable)) + b"DWN1" + vtable + table + text


def test_edge_tpu_package() -> None:
    content = package(13, b"cl/1")
    filler = "\1" * len(content)
    data = flexible({"1": 0, "4": filler}).replace(filler.encode(), content)
    found = decode("edgetpu-custom-op", data)
    assert found.value == {
        "1": 0,
        "4": {"bytes": len(content), "min_runtime_version": 13, "compiler_version": "cl/1"},
    }


def test_hostile_bytes_never_raise() -> None:
    chance = random.Random(5)
    content = package(13, b"cl/1")
    filler = "\1" * len(content)
    edge = flexible({"4": filler}).replace(filler.encode(), content)
    names = ("edgetpu-custom-op", "FlexSoftplus", "MaxUnpooling2D", "Op")
    good = [edge, flex("Softplus", node("Softplus", attribute("T", field(6, 1)))), struct.pack("<6i", *range(6))]
    for _ in range(3000):
        data = bytearray(chance.choice(good))
        for _ in range(chance.randrange(5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        decode(chance.choice(names), bytes(data[chance.randrange(3) :]))

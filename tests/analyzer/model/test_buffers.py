"""Constants come out as the numbers they stand for, and as views of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.analyzer.model.models import rich
from tests.builders.flatbuffers import ModelBuilder
from tflite_audit.analyzer.model.buffers import Buffers, TensorDataError
from tflite_audit.analyzer.model.types import Tensor


def constant(dtype: str, shape: tuple[int, ...], data: Any, **more: Any) -> tuple[Buffers, Tensor]:
    m = ModelBuilder()
    m.tensor("t", dtype, shape, data, **more)
    model = m.model()
    return model.buffers, model.subgraphs[0].tensors[0]


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    ],
)
def test_numpys_own_types_are_views(dtype: str) -> None:
    expected = np.arange(6).reshape(2, 3).astype(dtype)
    buffers, tensor = constant(dtype, (2, 3), expected)
    values = buffers.data(tensor)
    assert_array_equal(values, expected)
    assert values.dtype == expected.dtype
    assert not values.flags.owndata
    assert not values.flags.writeable


@pytest.mark.parametrize(
    ("dtype", "stored", "expected"),
    [
        ("int4", b"\x21\x0f", [1, 2, -1]),  # the low nibble first
        ("uint4", b"\x21\x0f", [1, 2, 15]),
        ("int2", b"\xe4\x01", [0, 1, -2, -1, 1]),
        ("bfloat16", b"\xc0\x3f\x00\xc0", [1.5, -2.0]),
        ("float8_e5m2", b"\x3c\xc0\x7c", [1.0, -2.0, np.inf]),
        ("float8_e4m3fn", b"\x38\xc0\x01\x7e\x7f", [1.0, -2.0, 2.0**-9, 448.0, np.nan]),
    ],
)
def test_types_that_numpy_lacks(dtype: str, stored: bytes, expected: list[float]) -> None:
    buffers, tensor = constant(dtype, (len(expected),), stored)
    assert_array_equal(buffers.data(tensor), expected)


def test_packed_types_survive_the_builder() -> None:
    for dtype, low, high in (("int4", -8, 7), ("uint4", 0, 15), ("int2", -2, 1)):
        expected = np.random.default_rng(0).integers(low, high + 1, (3, 5))
        buffers, tensor = constant(dtype, (3, 5), expected)
        assert_array_equal(buffers.data(tensor), expected)


def test_strings() -> None:
    buffers, tensor = constant("string", (3,), ["a", "", b"\xff\x00"])
    assert buffers.data(tensor).tolist() == [b"a", b"", b"\xff\x00"]


def test_a_scalar() -> None:
    buffers, tensor = constant("float32", (), [2.5])
    assert buffers.data(tensor).shape == ()
    assert float(buffers.data(tensor)) == 2.5


@pytest.mark.parametrize(
    ("dtype", "shape", "data", "more", "words"),
    [
        ("float32", (2,), None, {}, "the file holds no data for it"),
        ("float32", (3,), [1.0, 2.0], {}, "its buffer holds 2 values, its shape (3,) says 3"),
        ("float32", (-1,), [1.0, 2.0], {}, "its shape (-1,) is not fixed"),
        ("float32", (1,), b"\0\0\0", {}, "3 bytes, no multiple of the 4 of float32"),
        ("int4", (3,), b"\0\0\0", {}, "its buffer holds 6 values"),
        ("float32", (2, 2), [1.0], {"sparse": True}, "it is stored sparse"),
        ("resource", (), b"\0\0\0\0", {}, "data of type resource cannot be read"),
        ("type_99", (), b"\0\0\0\0", {}, "data of type type_99 cannot be read"),
        ("string", (1,), b"\1\0\0\0", {}, "shorter than its count says"),
        ("string", (1,), b"\1\0\0\0\x0c\0\0\0\xff\0\0\0a", {}, "points outside itself"),
        ("string", (1,), b"\xff\xff\xff\xff\0\0\0\0", {}, "shorter than its count says"),
    ],
)
def test_what_has_no_values_says_why(
    dtype: str, shape: tuple[int, ...], data: Any, more: dict[str, Any], words: str
) -> None:
    buffers, tensor = constant(dtype, shape, data, **more)
    with pytest.raises(TensorDataError) as caught:
        buffers.data(tensor)
    assert str(caught.value).startswith("tensor 0 ('t'): no values: ")
    assert words in str(caught.value)


def test_stored_values_of_a_sparse_tensor() -> None:
    model = rich().model()
    sparse = next(t for t in model.subgraphs[0].tensors if t.sparse)
    assert_array_equal(model.buffers.values(sparse), np.ones(3))


def test_bytes_of_the_empty_buffer() -> None:
    buffers = rich().model().buffers
    assert bytes(buffers.bytes(0)) == b""
    assert buffers.size(0) == 0
    assert len(buffers) == buffers.sizes.size

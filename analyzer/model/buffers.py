"""The constant data of a model, where it lies in the file: nothing is copied that can be viewed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .types import Tensor

_PLAIN = frozenset(
    {
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    }
)
_PACKED_BITS = {"int4": 4, "uint4": 4, "int2": 2}
"""Several values a byte, the first in the lowest bits (schema.fbs; lite/kernels/internal/portable_tensor_utils.h)."""


class TensorDataError(ValueError):
    """A tensor has no data, or none that its type and shape account for; the message is one line that says why."""


class Buffers:
    """The buffers of a file by their index; buffer 0 is the empty one.

    Attributes:
        memory: the whole file, read-only; mapped, if it was read from a path.
        offsets: int64, shape [n]: where each buffer begins in the file.
        sizes: int64, shape [n], bytes; 0 for an empty buffer.
    """

    def __init__(self, memory: memoryview, offsets: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        self.memory = memory
        self.offsets = offsets
        self.sizes = sizes

    def __len__(self) -> int:
        return self.sizes.size

    def size(self, index: int) -> int:
        """The number of bytes of a buffer."""
        return int(self.sizes[index])

    def bytes(self, index: int) -> memoryview:
        """The bytes of a buffer, in place."""
        start, size = int(self.offsets[index]), int(self.sizes[index])
        return self.memory[start : start + size]

    def data(self, tensor: Tensor) -> NDArray[Any]:
        """The constant's values in its shape, read-only; a view of the file for types that numpy has.

        int4, uint4 and int2 come unpacked as int8, bfloat16 and the float8 types as float32, strings as an object
        array of bytes.

        Raises:
            TensorDataError: it is no constant; it is sparse (`values` gives what is stored); its shape is not fixed;
                its buffer has another size than type and shape say; or its type has no data that can be read.
        """
        if tensor.sparse:
            raise _no_data(tensor, "it is stored sparse")
        if any(size < 0 for size in tensor.shape):
            raise _no_data(tensor, f"its shape {tensor.shape} is not fixed")
        count = math.prod(tensor.shape)
        values = self.values(tensor)
        if tensor.dtype in _PACKED_BITS and 0 <= values.size - count < 8 // _PACKED_BITS[tensor.dtype]:
            values = values[:count]  # the last byte is padded
        if values.size != count:
            raise _no_data(tensor, f"its buffer holds {values.size} values, its shape {tensor.shape} says {count}")
        return values.reshape(tensor.shape)

    def values(self, tensor: Tensor) -> NDArray[Any]:
        """The values that are stored, shape [n], whatever the tensor's shape; types as in `data`.

        For a sparse tensor these are the blocks it keeps; for packed types, the padding of the last byte too.

        Raises:
            TensorDataError: as `data`, but for sparse tensors and shapes.
        """
        stored = self.bytes(tensor.buffer) if 0 <= tensor.buffer < len(self) else self.memory[:0]
        if not stored:
            raise _no_data(tensor, "the file holds no data for it")
        raw = np.frombuffer(stored, np.uint8)
        if tensor.dtype in _PACKED_BITS:
            return _unpack(raw, _PACKED_BITS[tensor.dtype], signed=tensor.dtype != "uint4")
        if tensor.dtype == "string":
            return _strings(tensor, stored)
        if tensor.dtype == "float8_e4m3fn":
            return _float8_e4m3fn(raw)
        if tensor.dtype == "float8_e5m2":  # the upper byte of a float16
            return (raw.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
        if tensor.dtype == "bfloat16":  # the upper half of a float32
            return (_as(tensor, raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        if tensor.dtype in _PLAIN:
            return _as(tensor, raw, np.dtype(tensor.dtype).newbyteorder("<"))
        raise _no_data(tensor, f"data of type {tensor.dtype} cannot be read")


def _no_data(tensor: Tensor, reason: str) -> TensorDataError:
    return TensorDataError(f"tensor {tensor.index} ({tensor.name!r}): no values: {reason}")


def _as(tensor: Tensor, raw: NDArray[np.uint8], dtype: Any) -> NDArray[Any]:
    dtype = np.dtype(dtype)
    if raw.size % dtype.itemsize:
        raise _no_data(
            tensor, f"its buffer has {raw.size} bytes, no multiple of the {dtype.itemsize} of {tensor.dtype}"
        )
    return raw.view(dtype)


def _unpack(raw: NDArray[np.uint8], bits: int, *, signed: bool) -> NDArray[np.int8]:
    values = (raw[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)).reshape(-1) & (1 << bits) - 1
    if signed:
        sign = np.uint8(1 << bits - 1)
        return (values ^ sign).astype(np.int8) - np.int8(sign)
    return values.astype(np.int8)


def _float8_e4m3fn(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """OCP 8-bit floating point, E4M3: bias 7, no infinity, all ones is NaN."""
    codes = np.arange(256)
    exponent, mantissa = codes >> 3 & 15, codes & 7
    size = np.where(exponent == 0, mantissa / 8 * 2.0**-6, (1 + mantissa / 8) * 2.0 ** (exponent - 7))
    table = np.where(codes & 127 == 127, np.nan, np.where(codes & 128, -size, size)).astype(np.float32)
    return table[raw]


def _strings(tensor: Tensor, stored: memoryview) -> NDArray[Any]:
    """lite/string_util.h: the count, the place of each string and the end of the last as int32, then the bytes."""
    words = np.frombuffer(stored[: len(stored) // 4 * 4], "<i4")
    count = int(words[0]) if words.size else -1
    if count < 0 or count + 2 > words.size:
        raise _no_data(tensor, "its string buffer is shorter than its count says")
    places = words[1 : count + 2].tolist()
    if any(a > b for a, b in zip([4 * (count + 2), *places], [*places, len(stored)], strict=True)):
        raise _no_data(tensor, "its string buffer points outside itself")
    texts = np.empty(count, object)
    for i in range(count):
        texts[i] = bytes(stored[places[i] : places[i + 1]])
    return texts

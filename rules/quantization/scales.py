"""What the health rules share: codes, the ranges they stand for, and evidence about them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.observed import Ranges
from tflite_audit.analyzer.model.buffers import TensorDataError
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model, Operator, Quantization, Subgraph, Tensor
from tflite_audit.rules import places
from tflite_audit.rules.quantization import weights
from tflite_audit.rules.rule import Location, Table

CODES = {
    "int2": (-2, 1),
    "int4": (-8, 7),
    "uint4": (0, 15),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
}
"""Type of a quantized tensor → its lowest and highest code."""

TYPE_BITS = {"int8": 8, "uint8": 8, "int16": 16}
"""Types in which kernels compute → bits of a code."""

ACTIVATIONS = frozenset(TYPE_BITS)

WORTH = 8.0
"""Bits that an activation has left, from which on no word is worth it: int16 with 8 bits left is as good as int8 at its
best."""

CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}
"""Operators whose kernels take a scale per output channel → that axis of the weights.

The LiteRT quantization specification has the first three. TensorFlow 2.21 writes weights per channel for all four, in
int8, 16x8 and dynamic range; it leaves CONV_3D float in all of them, and quantizes every other operator per tensor.
"""

BIAS = {"CONV_2D": (0, 1, 2), "DEPTHWISE_CONV_2D": (0, 1, 2), "FULLY_CONNECTED": (0, 1, 2), "TRANSPOSE_CONV": (2, 1, 3)}
"""Operators with a bias in units of input scale times weight scale → positions of input, weights and bias."""

FIXED = {
    "SOFTMAX": {"int8": (2**-8, -128), "uint8": (2**-8, 0), "int16": (2**-15, 0)},
    "LOGISTIC": {"int8": (2**-8, -128), "uint8": (2**-8, 0), "int16": (2**-15, 0)},
    "TANH": {"int8": (2**-7, 0), "uint8": (2**-7, 128), "int16": (2**-15, 0)},
    "L2_NORMALIZATION": {"int8": (2**-7, 0), "uint8": (2**-7, 128)},
    "LOG_SOFTMAX": {"int8": (2**-4, 127), "uint8": (2**-4, 255)},
}
"""Operator → type → scale and zero point of its output, which do not depend on data (LiteRT quantization specification
for int8; lite/kernels/activations.cc and l2norm.cc for the others)."""

WIDE_SOFTMAX = (2**-16, -32768)
"""Scale and zero point of a SOFTMAX from int8 to int16 (lite/kernels/activations.cc, and TFLM's softmax_common.cc)."""

_FIXED_BY_TYPE = {
    dtype: {WIDE_SOFTMAX, *(kind[dtype] for kind in FIXED.values() if dtype in kind)} for dtype in ACTIVATIONS
}

ROWS = 20
"""Rows of a table; the worst are shown."""


def affine(tensor: Tensor) -> Quantization | None:
    """Its quantization, if it is a quantized tensor with scales of its own; None otherwise."""
    parameters = tensor.quantization
    return parameters if tensor.dtype in CODES and parameters is not None and parameters.scale.size else None


def per_tensor(tensor: Tensor) -> tuple[float, int] | None:
    """(scale, zero point) of a quantized tensor with one of each; None for any other."""
    parameters = affine(tensor)
    return None if parameters is None else parameters.single


def represented(tensor: Tensor) -> tuple[float, float] | None:
    """The lowest and highest number that a tensor with one scale can hold."""
    parameters = per_tensor(tensor)
    if parameters is None:
        return None
    scale, zero_point = parameters
    lowest, highest = CODES[tensor.dtype]
    return (lowest - zero_point) * scale, (highest - zero_point) * scale


def is_fixed(tensor: Tensor) -> bool:
    """It has a scale that an operator fixes: its own, or that of the operator whose values it passes on."""
    return tensor.dtype in _FIXED_BY_TYPE and per_tensor(tensor) in _FIXED_BY_TYPE[tensor.dtype]


def with_zero(low: float, high: float) -> tuple[float, float]:
    """The range that is quantized: it holds 0 (LiteRT quantization specification)."""
    return min(low, 0.0), max(high, 0.0)


def width(range_: tuple[float, float]) -> float:
    """From its low to its high end."""
    return range_[1] - range_[0]


def name_in_float(subgraph: Subgraph, tensor: Tensor, ranges: Ranges) -> str | None:
    """What the tensor is called among the float model's ranges, if it is among them: its own name, or that of the float
    tensor at its border, since the converter leaves the name of an input or output of the model to that."""
    names = [tensor.name]
    producer = subgraph.producers.get(tensor.index)
    if producer is not None and subgraph.operators[producer].name == "QUANTIZE":
        names += [t.name for t in subgraph.read_by(subgraph.operators[producer]) if t.is_float]
    for reader in subgraph.consumers.get(tensor.index, ()):
        if subgraph.operators[reader].name == "DEQUANTIZE":
            names += [t.name for t in subgraph.written_by(subgraph.operators[reader])]
    return next((name for name in names if name in ranges.tensors), None)


def elements(tensor: Tensor) -> int:
    """The number of its values; a free dimension counts as 1."""
    return math.prod(max(size, 1) for size in tensor.declared_shape)


def size(tensor: Tensor) -> int:
    """Bytes of an activation; a free dimension counts as 1."""
    return elements(tensor) * {"float32": 4, "int16": 2, "float16": 2, "int32": 4}.get(tensor.dtype, 1)


def constants(model: Model) -> Iterator[tuple[Subgraph, Operator, Tensor]]:
    """The quantized weights of operators, each buffer once."""
    seen: set[int] = set()
    for subgraph, op in model.operators:
        for tensor in weights.of_operator(subgraph, op):
            if affine(tensor) is not None and tensor.buffer not in seen:
                seen.add(tensor.buffer)
                yield subgraph, op, tensor


def codes(model: Model, tensor: Tensor) -> NDArray[Any] | None:
    """A constant's codes; None where they cannot be read."""
    try:
        return model.buffers.data(tensor)
    except TensorDataError:
        return None


def widest(values: NDArray[Any], zero_point: int, axis: int | None) -> NDArray[np.int64]:
    """The largest |code - zero point| of each channel, shape [channels]; [1] without an axis."""
    if not values.size:
        return np.zeros(1, np.int64)
    if axis is None or not 0 <= axis < values.ndim:
        low, high = values.min(keepdims=True).reshape(-1), values.max(keepdims=True).reshape(-1)
    else:
        others = tuple(i for i in range(values.ndim) if i != axis)
        low, high = values.min(axis=others), values.max(axis=others)
    return np.maximum(high.astype(np.int64) - zero_point, zero_point - low.astype(np.int64))


def bits(largest: float) -> float:
    """The bits of a symmetric code that goes as far as `largest` on both sides of 0."""
    return math.log2(2 * max(largest, 0) + 1)


def written(subgraph: Subgraph, tensor: Tensor, locations: Locations) -> Location:
    """Where an activation is: the operator that writes it, or the tensor alone for an input."""
    producer = subgraph.producers.get(tensor.index)
    if producer is None:
        return places.of_tensor(subgraph, tensor)
    where = places.of_operator(subgraph, subgraph.operators[producer], locations)
    return Location(where.subgraph, where.operator, where.op, tensor.name or None, where.layer, where.file, where.line)


def name(tensor: Tensor) -> str:
    """What a tensor is called, in a table or a sentence."""
    return tensor.name or f"tensor {tensor.index}"


def table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str | int | float | None, ...]]) -> Table:
    """The first rows, which are the worst, and how many there are in all."""
    shown = f"{title} (the worst {ROWS} of {len(rows):,})" if len(rows) > ROWS else title
    return Table(title=shown, columns=columns, rows=tuple(rows[:ROWS]))

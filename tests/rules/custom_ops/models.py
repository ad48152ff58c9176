"""Models of one custom operator."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from flatbuffers.flexbuffers import Dumps

from tests.builders.flatbuffers import ModelBuilder

_POOL = struct.pack("<10i", 2, 2, 2, 2, 2, 0, 0, 0, 0, 0)
_ROW = ("float32", (1, 4))

WELL_FORMED: dict[str, tuple[list[Any], list[Any], bytes]] = {
    "Convolution2DTransposeBias": (
        [("float32", (1, 2, 2, 1)), ("constant", (1, 2, 2, 1)), ("constant", (1,))],
        [("float32", (1, 4, 4, 1))],
        struct.pack("<3i", 1, 2, 2),
    ),
    "MaxPoolingWithArgmax2D": (
        [("float32", (1, 4, 4, 1))],
        [("float32", (1, 2, 2, 1)), ("float32", (1, 2, 2, 1))],
        _POOL,
    ),
    "MaxUnpooling2D": ([("float32", (1, 2, 2, 1)), ("float32", (1, 2, 2, 1))], [("float32", (1, 4, 4, 1))], _POOL),
    "odml.scaled_dot_product_attention": (
        [("float32", shape) for shape in ((1, 2, 2, 4), (1, 3, 2, 4), (1, 3, 2, 4), (1, 1, 2, 3))],
        [("float32", (1, 2, 2, 4))],
        bytes(Dumps({"scale": 0.5})),
    ),
    "aeq.hadamard_rotation": (
        [_ROW],
        [_ROW],
        bytes(Dumps({"hadamard_size": 4, "random_binary_vector": [1, 1, 1, 1]})),
    ),
}
"""Custom code → inputs, outputs and options that its kernel takes."""


def model_of(name: str) -> bytes:
    """A model of the custom operator alone: with what its kernel takes where that is known, else with a row of four."""
    inputs, outputs, options = WELL_FORMED.get(name, ([_ROW] * 3, [_ROW], bytes(Dumps({}))))
    m = ModelBuilder()
    read = [
        m.tensor(f"x{i}", "float32", shape, data=np.ones(shape) if dtype == "constant" else None)
        for i, (dtype, shape) in enumerate(inputs)
    ]
    written = [m.tensor(f"y{i}", dtype, shape) for i, (dtype, shape) in enumerate(outputs)]
    m.op(name, read, written, custom=True, custom_options=options)
    m.inputs(*(t for t, (dtype, _) in zip(read, inputs, strict=True) if dtype != "constant"))
    m.outputs(*written)
    return m.build()

"""What the options of a custom operator say: data where their encoding is known, and bytes where it is not."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from . import flexbuffers, node_def
from .flexbuffers import FlexBufferError, Value
from .node_def import NodeDefError


class Encoding(StrEnum):
    """How options are written."""

    NONE = "none"
    FLEXBUFFER = "FlexBuffer"
    NODE_DEF = "NodeDef"
    STRUCT = "struct"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class CustomOptions:
    """The options of one operator.

    Attributes:
        value: a map, or a vector, of FlexBuffers; the attributes of a NodeDef or the fields of a struct by name; the
            bytes as they are where the encoding is not known; None for none.
        size: of what the file holds, bytes.
        type: the struct's name, or TensorFlow's operator of a NodeDef.
    """

    encoding: Encoding
    value: Value
    size: int
    type: str = ""


_PADDING = {0: "UNKNOWN", 1: "SAME", 2: "VALID"}
_ACTIVATION = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT", 6: "SIGMOID"}
"""tensorflow/lite/core/c/builtin_op_data.h: TfLitePadding, TfLiteFusedActivation."""

_POOL = ("padding", "stride_width", "stride_height", "filter_width", "filter_height", "activation")
_TRANSPOSE_CONV = ("padding", "stride_width", "stride_height", "activation", "quantized_bias_type")

_STRUCTS: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "Convolution2DTransposeBias": ("TfLiteTransposeConvParams", _TRANSPOSE_CONV, 3),
    "MaxPoolingWithArgmax2D": ("TfLitePoolParams", _POOL, 6),
    "MaxUnpooling2D": ("TfLitePoolParams", _POOL, 6),
}
"""Custom code → the C struct that is written as it lies in memory, its fields of four bytes, and how many of them every
version has (builtin_op_data.h; mediapipe/util/tflite/operations). What follows them is computed by the kernel."""

_EDGE_TPU = "edgetpu-custom-op"
_EDGE_TPU_PACKAGE = b"DWN1"


def decode(name: str, data: bytes | memoryview) -> CustomOptions:
    """The options of the operator with the custom code `name`; never raises, whatever the bytes are."""
    data = bytes(data)
    if not data:
        return CustomOptions(Encoding.NONE, None, 0)
    if name in _STRUCTS:
        return _struct(name, data)
    try:
        value = flexbuffers.decode(data)
    except FlexBufferError:
        return CustomOptions(Encoding.BYTES, data, len(data))
    if name.startswith("Flex") and (found := _node_def(value)) is not None:
        return CustomOptions(Encoding.NODE_DEF, cast("Value", found.attributes), len(data), found.op)
    if not isinstance(value, (dict, list)):  # almost any bytes end like a FlexBuffer of one number
        return CustomOptions(Encoding.BYTES, data, len(data))
    if name == _EDGE_TPU and isinstance(value, dict):
        value = {key: _edge_tpu(item) for key, item in value.items()}
    return CustomOptions(Encoding.FLEXBUFFER, value, len(data))


def _node_def(value: Value) -> node_def.NodeDef | None:
    """Of the vector of name and NodeDef that the converter writes (lite/flatbuffer_export.cc)."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    name, node = value
    node = node.encode() if isinstance(node, str) else node
    if not isinstance(name, str) or not isinstance(node, bytes):
        return None
    try:
        return node_def.parse(node)
    except NodeDefError:
        return None


def _struct(name: str, data: bytes) -> CustomOptions:
    type_name, fields, least = _STRUCTS[name]
    count = min(len(data) // 4, len(fields))
    if len(data) % 4 or count < least:
        return CustomOptions(Encoding.BYTES, data, len(data))
    numbers = struct.unpack_from(f"<{count}i", data)
    words = {"padding": _PADDING, "activation": _ACTIVATION}
    value: dict[str, Value] = {
        field: words[field].get(number, number) if field in words else number
        for field, number in zip(fields, numbers, strict=False)
    }
    return CustomOptions(Encoding.STRUCT, value, len(data), type_name)


def _edge_tpu(value: Value) -> Value:
    """Of a package for the Edge TPU, what its head says (libedgetpu, executable/executable.fbs, table Package)."""
    package = value.encode() if isinstance(value, str) else value
    if not isinstance(package, bytes) or package[4:8] != _EDGE_TPU_PACKAGE:
        return value
    found: dict[str, Value] = {"bytes": len(package)}
    try:
        table = struct.unpack_from("<I", package)[0]
        vtable = table - struct.unpack_from("<i", package, table)[0]
        size = struct.unpack_from("<H", package, vtable)[0] if vtable >= 0 else 0
        places = struct.unpack_from(f"<{(size - 4) // 2}H", package, vtable + 4) if size > 4 else ()
        if places and places[0]:
            found["min_runtime_version"] = struct.unpack_from("<i", package, table + places[0])[0]
        if len(places) > 4 and places[4]:
            text = table + places[4]
            text += struct.unpack_from("<I", package, text)[0]
            end = text + 4 + min(struct.unpack_from("<I", package, text)[0], 100)
            found["compiler_version"] = str(package[text + 4 : end], "utf-8", "backslashreplace")
    except struct.error:
        return found
    return found

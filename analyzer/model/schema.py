"""The TensorFlow Lite schema: names of its numbers, places of its fields. The one module that touches `tflite`.

Enum names and option tables are those of the generated `tflite` package. What newer schemas added and this page relies
on is written out below, with its source; any other number is shown as it is (`BUILTIN_999`, `type_99`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import isfunction, signature
from types import MappingProxyType
from typing import Any, Literal

import tflite

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every file (schema.fbs, `file_identifier`)."""

VERSION = 3
"""The schema version that runtimes accept (TFLITE_SCHEMA_VERSION, lite/version.h)."""

# Numbers newer than the `tflite` package: schema_py_generated.py of tensorflow 2.21 and ai-edge-litert 2.3.
_NEWER: Mapping[str, Mapping[int, str]] = {
    "BuiltinOperator": {209: "STABLEHLO_CASE"},
    "TensorType": {19: "INT2", 20: "UINT4", 21: "FLOAT8_E4M3FN", 22: "FLOAT8_E5M2"},
    "BuiltinOptions2": {23: "StablehloCaseOptions"},
    "QuantizationDetails": {2: "BlockwiseQuantization", 3: "MultiAxisQuantization"},
}


# Offsets into a table's vtable, as the generated accessors have them: 4 + 2 * (number of the field).


class ModelField:
    """Fields of `Model`; the last two are newer than the `tflite` package."""

    VERSION = 4
    OPERATOR_CODES = 6
    SUBGRAPHS = 8
    DESCRIPTION = 10
    BUFFERS = 12
    METADATA_BUFFER = 14
    METADATA = 16
    SIGNATURE_DEFS = 18
    EXTERNAL_BUFFER_GROUPS = 20
    EXTERNAL_BUFFERS = 22


class OperatorCodeField:
    """Fields of `OperatorCode`."""

    DEPRECATED_BUILTIN_CODE = 4
    CUSTOM_CODE = 6
    VERSION = 8
    BUILTIN_CODE = 10


class SubGraphField:
    """Fields of `SubGraph`."""

    TENSORS = 4
    INPUTS = 6
    OUTPUTS = 8
    OPERATORS = 10
    NAME = 12


class TensorField:
    """Fields of `Tensor`; the last is newer than the `tflite` package."""

    SHAPE = 4
    TYPE = 6
    BUFFER = 8
    NAME = 10
    QUANTIZATION = 12
    IS_VARIABLE = 14
    SPARSITY = 16
    SHAPE_SIGNATURE = 18
    VARIANT_TENSORS = 22
    EXTERNAL_BUFFER = 24


class QuantizationParametersField:
    """Fields of `QuantizationParameters`."""

    MIN = 4
    MAX = 6
    SCALE = 8
    ZERO_POINT = 10
    DETAILS_TYPE = 12
    DETAILS = 14
    QUANTIZED_DIMENSION = 16


class BlockwiseQuantizationField:
    """Field of `BlockwiseQuantization` and of `MultiAxisQuantization`, both newer than the `tflite` package."""

    BLOCK_SIZE = 8


class SparsityParametersField:
    """Fields of `SparsityParameters`."""

    TRAVERSAL_ORDER = 4
    BLOCK_MAP = 6
    DIM_METADATA = 8


class OperatorField:
    """Fields of `Operator`."""

    OPCODE_INDEX = 4
    INPUTS = 6
    OUTPUTS = 8
    BUILTIN_OPTIONS_TYPE = 10
    BUILTIN_OPTIONS = 12
    CUSTOM_OPTIONS = 14
    INTERMEDIATES = 20
    LARGE_CUSTOM_OPTIONS_OFFSET = 22
    LARGE_CUSTOM_OPTIONS_SIZE = 24
    BUILTIN_OPTIONS_2_TYPE = 26
    BUILTIN_OPTIONS_2 = 28


class BufferField:
    """Fields of `Buffer`."""

    DATA = 4
    OFFSET = 6
    SIZE = 8


class SignatureDefField:
    """Fields of `SignatureDef`."""

    INPUTS = 4
    OUTPUTS = 6
    SIGNATURE_KEY = 8
    SUBGRAPH_INDEX = 12


class TensorMapField:
    """Fields of `TensorMap`."""

    NAME = 4
    TENSOR_INDEX = 6


class MetadataField:
    """Fields of `Metadata`."""

    NAME = 4
    BUFFER = 6


@cache
def names(enum: str) -> Mapping[int, str]:
    """Number to name of an enum of the schema, such as `Padding` or `BuiltinOperator`."""
    generated = {number: name for name, number in vars(getattr(tflite, enum)).items() if not name.startswith("_")}
    return MappingProxyType(generated | dict(_NEWER.get(enum, {})))


CUSTOM = 32
"""BuiltinOperator.CUSTOM: the operator code's custom_code names the operator."""


def operator_name(builtin: int) -> str:
    """`CONV_2D`, or `BUILTIN_999` for a number not known."""
    return names("BuiltinOperator").get(builtin, f"BUILTIN_{builtin}")


def dtype_name(number: int) -> str:
    """`float32`, or `type_99` for a number not known."""
    return names("TensorType").get(number, f"type_{number}").lower()


CALLS: Mapping[str, Mapping[str, str]] = {
    "CALL": {"subgraph": "callee"},
    "CALL_ONCE": {"init_subgraph_index": "init"},
    "IF": {"then_subgraph_index": "then", "else_subgraph_index": "else"},
    "WHILE": {"cond_subgraph_index": "cond", "body_subgraph_index": "body"},
    "STABLEHLO_CASE": {"branch_subgraph_indices": "branch"},
    "STABLEHLO_COMPOSITE": {"decomposition_subgraph_index": "decomposition"},
    "STABLEHLO_CUSTOM_CALL": {"called_computations": "computation"},
    "STABLEHLO_REDUCE": {"body_subgraph_index": "body"},
    "STABLEHLO_REDUCE_WINDOW": {"body_subgraph_index": "body"},
    "STABLEHLO_SCATTER": {"update_computation_subgraph_index": "update"},
    "STABLEHLO_SORT": {"comparator_subgraph_index": "comparator"},
    "STABLEHLO_WHILE": {"cond_subgraph_index": "cond", "body_subgraph_index": "body"},
}
"""Operators that call subgraphs: the option that holds the subgraph's index, and the role of that subgraph."""

Union = Literal["BuiltinOptions", "BuiltinOptions2"]


@dataclass(frozen=True, slots=True)
class OptionField:
    """A field of an option table.

    Attributes:
        name: as in schema.fbs, `stride_h`.
        offset: into the vtable.
        kind: how it is stored.
        format: of one element, for `struct` and numpy: `<i`.
        default: the value where the file leaves it out; an empty tuple for a vector, None for a string.
        enum: name of the enum that its numbers belong to.
    """

    name: str
    offset: int
    kind: Literal["scalar", "vector", "string"]
    format: str
    default: object
    enum: str | None

    def value(self, stored: Any) -> object:
        """A stored number as a user reads it: the enum's name where it has one."""
        if self.enum is None:
            return stored
        if isinstance(stored, tuple):
            return tuple(names(self.enum).get(item, item) for item in stored)
        return dtype_name(stored) if self.enum == "TensorType" else names(self.enum).get(stored, stored)


_ENUM_OF_FIELD: Mapping[str, str] = {
    "algorithm": "RngAlgorithm",
    "combiner": "CombinerType",
    "composite_attributes_format": "CustomOptionsFormat",
    "compare_type": "StablehloComparisonType",
    "comparison_direction": "StablehloComparisonDirection",
    "fused_activation_function": "ActivationFunctionType",
    "idx_out_type": "TensorType",
    "in_data_type": "TensorType",
    "kernel_type": "LSTMKernelType",
    "key_dtype": "TensorType",
    "mode": "MirrorPadMode",
    "out_data_type": "TensorType",
    "out_type": "TensorType",
    "output_type": "TensorType",
    "padding": "Padding",
    "precision_config": "StablehloPrecisionConfig",
    "quantized_bias_type": "TensorType",
    "reduce_function": "ReduceWindowFunction",
    "type": "LSHProjectionType",
    "value_dtype": "TensorType",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
}
_PADDING_IS_NUMBERS = frozenset({"StablehloConvolutionOptions", "StablehloReduceWindowOptions"})

_NEWER_OPTIONS: Mapping[str, tuple[OptionField, ...]] = {
    "StablehloCaseOptions": (OptionField("branch_subgraph_indices", 4, "vector", "<i", (), None),),
}


@cache
def option_fields(union: Union, number: int) -> tuple[OptionField, ...] | None:
    """The fields of a member of the operator's options union; None for a member not known."""
    table = names(union).get(number)
    if table is None:
        return None
    if table in _NEWER_OPTIONS:
        return _NEWER_OPTIONS[table]
    if table == "NONE":
        return ()
    generated = vars(getattr(tflite, table))
    return tuple(_option_field(table, name) for name in generated if _is_accessor(name, generated))


def _is_accessor(name: str, members: Mapping[str, object]) -> bool:
    base = re.sub("(AsNumpy|Length|IsNone)$", "", name)
    return isfunction(members[name]) and name not in ("Init", "__init__") and (base == name or base not in members)


def _option_field(table: str, accessor: str) -> OptionField:
    """Describes a field by what its generated accessor asks of the table."""
    present, absent = _Asked(present=True), _Asked(present=False)
    instance = getattr(tflite, table)()
    method: Callable[..., object] = getattr(instance, accessor)
    index = (0,) * len(signature(method).parameters)
    instance._tab = present
    method(*index)
    instance._tab = absent
    default = method(*index)
    name = re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", accessor).lower()
    enum = None if name == "padding" and table in _PADDING_IS_NUMBERS else _ENUM_OF_FIELD.get(name)
    if present.kind == "vector":
        default = ()
    return OptionField(name, present.offset, present.kind, present.format, default, enum)


class _Asked:
    """Stands in for `flatbuffers.table.Table` and remembers what an accessor asks for."""

    Pos = 0

    def __init__(self, *, present: bool) -> None:
        self.present = present
        self.offset = 0
        self.kind: Literal["scalar", "vector", "string"] = "scalar"
        self.format = "<B"

    def Offset(self, vtable_offset: int) -> int:
        self.offset = vtable_offset
        return 4 if self.present else 0

    def Get(self, flags: Any, _: int) -> Any:
        self.format = flags.packer_type.format
        return flags.py_type(0)

    def Vector(self, _: int) -> int:
        self.kind = "vector"
        return 0

    def String(self, _: int) -> bytes:
        self.kind = "string"
        return b""

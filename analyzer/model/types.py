"""What a `.tflite` file says, as frozen facts.

Field names follow the TensorFlow Lite schema (`tensorflow/compiler/mlir/lite/schema/schema.fbs`). Indices are those of
the file; `-1` in an operator's inputs is the schema's "optional tensor left out".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .buffers import Buffers
    from .options import OptionTables

OPTIONAL = -1
"""Index of an optional input that was left out (schema.fbs, Operator.inputs)."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantization:
    """Affine quantization of a tensor: `real = scale * (q - zero_point)`.

    Attributes:
        scale: float32, shape [n]; n is 1 per tensor, or the size of `axis` per channel; [0] where the file keeps only
            ranges, as a calibrated float model does, or where the scales lie elsewhere (`block_size`).
        zero_point: int64, shape [n] or [1]; one 0 where the file gives scales and leaves it out.
        axis: the quantized dimension; meaningful when n > 1.
        minimum: float32, shape [n] or [0]; ranges kept by the converter, if any.
        maximum: likewise.
        block_size: of BlockwiseQuantization and MultiAxisQuantization, whose scales live in another tensor; None
            otherwise.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int
    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]
    block_size: int | None = None

    @property
    def per_channel(self) -> bool:
        """It has more than one scale."""
        return self.scale.size > 1

    @property
    def single(self) -> tuple[float, int] | None:
        """(scale, zero point) where there is one of each; None otherwise."""
        if self.scale.size != 1 or not self.zero_point.size:
            return None
        return float(self.scale[0]), int(self.zero_point[0])

    def _key(self) -> tuple[object, ...]:
        arrays = (self.scale, self.zero_point, self.minimum, self.maximum)
        return (*(values.tobytes() for values in arrays), self.axis, self.block_size)

    def __eq__(self, other: object) -> bool:
        """Equal numbers; arrays by themselves have no single answer."""
        return isinstance(other, Quantization) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a subgraph.

    Attributes:
        dtype: lower-case name of the schema's TensorType (`float32`, `int8`, `int4`, `string`, `resource` ...);
            `type_99` for a number this version does not know.
        shape: () for a scalar.
        shape_signature: the shape with -1 for a free dimension; None where the file gives none.
        buffer: index into the file's buffers; buffer 0 is the empty one.
        constant: the file holds data for it, or names an external file that does. (A constant of no elements has no
            data, and looks like any other tensor.)
        sparse: it has sparsity parameters.
    """

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...] | None
    buffer: int
    constant: bool
    variable: bool
    sparse: bool
    quantization: Quantization | None

    @property
    def declared_shape(self) -> tuple[int, ...]:
        """The shape, with -1 for a free dimension."""
        return self.shape if self.shape_signature is None else self.shape_signature

    @property
    def free_dimensions(self) -> tuple[int, ...]:
        """Positions of the dimensions that are not fixed."""
        return tuple(i for i, size in enumerate(self.declared_shape) if size < 0)

    @property
    def is_float(self) -> bool:
        """It holds floating-point numbers."""
        return self.dtype in FLOAT_TYPES


FLOAT_TYPES = frozenset({"float32", "float16", "float64", "bfloat16"})

ELEMENT_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("bool", "float8_e4m3fn", "float8_e5m2", "int8", "uint8"), 1),
    **dict.fromkeys(("bfloat16", "float16", "int16", "uint16"), 2),
    **dict.fromkeys(("float32", "int32", "uint32"), 4),
    **dict.fromkeys(("complex64", "float64", "int64", "uint64"), 8),
    "complex128": 16,
}
"""Bytes of an element, by dtype."""


@dataclass(frozen=True, slots=True)
class OperatorCode:
    """An entry of the file's operator table; it may be listed and used by no operator.

    Attributes:
        name: `CONV_2D`; the custom code for a custom operator; `BUILTIN_999` for a number not known.
        builtin: max(deprecated_builtin_code, builtin_code), schema.fbs version 3a.
    """

    name: str
    builtin: int
    custom_code: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a subgraph.

    Attributes:
        name: its OperatorCode's name, such as `CONV_2D`, `FlexSoftplus` or `SignalWindow`.
        custom: the custom code names it, not the schema (Flex operators included).
        inputs, outputs, intermediates: tensor indices in the same subgraph; OPTIONAL where left out.
        options_type: number of the BuiltinOptions (or BuiltinOptions2) union member; 0 for none.
    """

    index: int
    name: str
    custom: bool
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options_type: int

    @property
    def flex(self) -> bool:
        """A TensorFlow op kept as it is (lite/delegates/flex: custom codes that begin with `Flex`)."""
        return self.custom and self.name.startswith("Flex")


@dataclass(frozen=True)
class Subgraph:
    """A subgraph: tensors, and operators in execution order."""

    index: int
    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @cached_property
    def producers(self) -> dict[int, int]:
        """Tensor index → index of the operator that writes it."""
        return {t: op.index for op in self.operators for t in op.outputs if t != OPTIONAL}

    @cached_property
    def consumers(self) -> dict[int, tuple[int, ...]]:
        """Tensor index → indices of the operators that read it, in execution order."""
        readers: dict[int, list[int]] = {}
        for op in self.operators:
            for t in dict.fromkeys(op.inputs):
                if t != OPTIONAL:
                    readers.setdefault(t, []).append(op.index)
        return {t: tuple(ops) for t, ops in readers.items()}

    def read_by(self, op: Operator) -> Iterator[Tensor]:
        """The input tensors of `op`, without those left out."""
        return (self.tensors[t] for t in op.inputs if t != OPTIONAL)

    def written_by(self, op: Operator) -> Iterator[Tensor]:
        """The output tensors of `op`, without those left out."""
        return (self.tensors[t] for t in op.outputs if t != OPTIONAL)


@dataclass(frozen=True, slots=True)
class Signature:
    """A SignatureDef: names by which a caller gives inputs and takes outputs of a subgraph (tensor indices)."""

    key: str
    subgraph: int
    inputs: dict[str, int]
    outputs: dict[str, int]


@dataclass(frozen=True, slots=True)
class Metadata:
    """A named buffer, such as `min_runtime_version` or `TFLITE_METADATA`."""

    name: str
    buffer: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A schema value that this version does not know, shown as its number.

    Attributes:
        kind: `builtin operator`, `tensor type`, `quantization details`, `builtin options`, or `external buffer`: the
            data lie in another file.
        where: in words, such as `subgraph 0, tensor 4`.
    """

    kind: str
    value: int
    where: str


@dataclass(frozen=True)
class Model:
    """A `.tflite` file, read and bounds-checked.

    Attributes:
        path: where it was read from, as given.
        size: of the file, bytes.
        version: schema version, 3 for every file that present runtimes accept.
        appended: bytes behind the flatbuffer (model metadata is often a zip put there).
        buffers: the constant data, memory-mapped; `model.buffers.data(tensor)` gives an array.
    """

    path: str
    size: int
    version: int
    description: str
    operator_codes: tuple[OperatorCode, ...]
    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]
    metadata: tuple[Metadata, ...]
    unknowns: tuple[Unknown, ...]
    appended: int
    buffers: Buffers = field(repr=False, compare=False)
    option_tables: OptionTables = field(repr=False, compare=False)

    @property
    def operators(self) -> Iterator[tuple[Subgraph, Operator]]:
        """Every operator of every subgraph, with its subgraph."""
        return ((g, op) for g in self.subgraphs for op in g.operators)

    def options(self, subgraph: Subgraph, operator: Operator) -> dict[str, object]:
        """The operator's options by their names in schema.fbs, defaults included; enums as names (`SAME`, `int8`).

        Vectors are tuples. {} for an operator without options, and for options this version does not know.
        """
        return self.option_tables.of(subgraph.index, operator.index)

    def custom_options(self, subgraph: Subgraph, operator: Operator) -> memoryview:
        """The bytes of a custom operator's options, in place; mostly a FlexBuffer."""
        return self.option_tables.custom(subgraph.index, operator.index)

    @property
    def min_runtime_version(self) -> str | None:
        """What the converter wrote as the oldest runtime for this file, `1.14.0`; None if it wrote nothing."""
        for entry in self.metadata:
            if entry.name == "min_runtime_version":
                return str(self.buffers.bytes(entry.buffer), "utf-8", "backslashreplace").strip("\0 ") or None
        return None

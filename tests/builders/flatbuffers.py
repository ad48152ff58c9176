"""Tiny `.tflite` files made in code.

    m = ModelBuilder()
    x = m.tensor("x", "int8", (1, 8), scale=0.5, zero_point=-1)
    w = m.tensor("w", "int8", (4, 8), data=np.ones((4, 8)), scale=[0.1] * 4, zero_point=[0] * 4)
    y = m.tensor("y", "int8", (1, 4), scale=0.25, zero_point=3)
    m.op("FULLY_CONNECTED", [x, w, -1], [y], options={"fused_activation_function": "RELU"})
    m.signature("serving_default", {"x": x}, {"y": y})
    model = m.model()  # or m.build() for the bytes

A subgraph's inputs and outputs are found by themselves (read but not written, written but not read) unless
`m.inputs(...)` and `m.outputs(...)` name them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
import tflite

if TYPE_CHECKING:
    from tflite_audit.analyzer.model.types import Model

# Newer than the `tflite` package: numbers of schema_py_generated.py in tensorflow 2.21 and ai-edge-litert 2.3.
_NEW_TYPES = {"INT2": 19, "UINT4": 20, "FLOAT8_E4M3FN": 21, "FLOAT8_E5M2": 22}
_NEW_OPERATORS = {"STABLEHLO_CASE": 209}
_NEW_OPTIONS_2 = {"StablehloCaseOptions": 23}  # {branch_subgraph_indices: [int]}
_BLOCKWISE = 2  # QuantizationDetails

_OPTIONS = {
    "ARG_MAX": "ArgMax",
    "AVERAGE_POOL_2D": "Pool2D",
    "MAX_POOL_2D": "Pool2D",
    "L2_POOL_2D": "Pool2D",
    "MEAN": "Reducer",
    "SUM": "Reducer",
    "REDUCE_MAX": "Reducer",
    "REDUCE_MIN": "Reducer",
    "REDUCE_PROD": "Reducer",
    "REDUCE_ANY": "Reducer",
    "REDUCE_ALL": "Reducer",
    "MAXIMUM": "MaximumMinimum",
    "MINIMUM": "MaximumMinimum",
    "L2_NORMALIZATION": "L2Norm",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNN",
    "STABLEHLO_COMPOSITE": "StableHLOComposite",
    "BATCH_MATMUL": "BatchMatMul",
}
"""Option tables whose name is not the operator's in camel case."""

_ENUMS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "mode": "MirrorPadMode",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
    "kernel_type": "LSTMKernelType",
    "combiner": "CombinerType",
    "in_data_type": "TensorType",
    "out_data_type": "TensorType",
    "output_type": "TensorType",
    "out_type": "TensorType",
    "idx_out_type": "TensorType",
    "quantized_bias_type": "TensorType",
}


@dataclass
class _Tensor:
    name: str | None
    dtype: str
    shape: tuple[int, ...]
    buffer: int
    scale: Sequence[float]
    zero_point: Sequence[int]
    axis: int
    minimum: Sequence[float]
    maximum: Sequence[float]
    block_size: int | None
    scales_tensor: int
    variable: bool
    signature: tuple[int, ...] | None
    sparse: bool


@dataclass
class _Operator:
    code: int
    inputs: list[int]
    outputs: list[int]
    intermediates: list[int]
    options_table: str | None
    options: Mapping[str, Any]
    custom_options: bytes


@dataclass
class _Subgraph:
    name: str | None
    tensors: list[_Tensor] = field(default_factory=list)
    operators: list[_Operator] = field(default_factory=list)
    inputs: list[int] | None = None
    outputs: list[int] | None = None

    def ends(self) -> tuple[list[int], list[int]]:
        """Inputs and outputs: as named, or read and never written, and written and never read."""
        read = dict.fromkeys(t for op in self.operators for t in op.inputs)
        written = dict.fromkeys(t for op in self.operators for t in op.outputs)
        plain = {i for i, t in enumerate(self.tensors) if t.buffer == 0 and not t.variable}
        free = [t for t in read if t in plain and t not in written]
        last = [t for t in written if t >= 0 and t not in read]
        return free if self.inputs is None else self.inputs, last if self.outputs is None else self.outputs


class ModelBuilder:
    """Collects a model, then `build()`s its bytes. Methods act on the subgraph last begun (`main` to start with)."""

    def __init__(self, description: str = "built by a test", version: int = 3) -> None:
        self.description = description
        self.version = version
        self._codes: dict[tuple[int, str | None, int], int] = {}
        self._buffers: list[bytes] = [b""]
        self._subgraphs: list[_Subgraph] = [_Subgraph("main")]
        self._begun = False
        self._signatures: list[tuple[str, Mapping[str, int], Mapping[str, int], int]] = []
        self._metadata: list[tuple[str, int]] = []

    @property
    def _current(self) -> _Subgraph:
        return self._subgraphs[-1]

    def subgraph(self, name: str | None) -> int:
        """Begins a subgraph and gives its index; called before anything else it names the first one."""
        if self._begun or self._current.tensors:
            self._subgraphs.append(_Subgraph(name))
        else:
            self._current.name = name
        self._begun = True
        return len(self._subgraphs) - 1

    def tensor(
        self,
        name: str | None,
        dtype: str,
        shape: Sequence[int],
        data: Any = None,
        *,
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] | None = None,
        axis: int = 0,
        minimum: float | Sequence[float] | None = None,
        maximum: float | Sequence[float] | None = None,
        block_size: int | None = None,
        scales_tensor: int = 0,
        variable: bool = False,
        signature: Sequence[int] | None = None,
        sparse: bool = False,
    ) -> int:
        """Adds a tensor and gives its index.

        Args:
            dtype: `float32`, `int8`, `int4`, `string` ... or `type_99`.
            data: anything numpy takes, bytes as they are, or a list of bytes for `string`; makes it a constant.
            scale: a number per tensor, a sequence per channel of `axis`; the zero point is 0 unless given.
            block_size: makes it blockwise, with the scales in `scales_tensor`.
            signature: the shape_signature, with -1 for a free dimension.
        """
        buffer = 0
        if data is not None:
            self._buffers.append(_pack(data, dtype))
            buffer = len(self._buffers) - 1
        scales = _sequence(scale)
        zeros = _sequence(zero_point) or [0] * len(scales)
        self._current.tensors.append(
            _Tensor(
                name=name,
                dtype=dtype,
                shape=tuple(shape),
                buffer=buffer,
                scale=scales,
                zero_point=zeros,
                axis=axis,
                minimum=_sequence(minimum),
                maximum=_sequence(maximum),
                block_size=block_size,
                scales_tensor=scales_tensor,
                variable=variable,
                signature=None if signature is None else tuple(signature),
                sparse=sparse,
            )
        )
        return len(self._current.tensors) - 1

    def op(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        custom: bool = False,
        version: int = 1,
        options: Mapping[str, Any] | None = None,
        intermediates: Sequence[int] = (),
        custom_options: bytes = b"",
    ) -> int:
        """Adds an operator and gives its index.

        Args:
            name: `CONV_2D`, `BUILTIN_999` for a number, or the custom code if `custom` (or if it begins with `Flex`).
            options: fields of its options table, `{"padding": "SAME", "stride_h": 2}`; `{}` writes an empty table.
        """
        custom = custom or name.startswith("Flex")
        code = self.operator_code(name, custom=custom, version=version)
        self._current.operators.append(
            _Operator(
                code=code,
                inputs=list(inputs),
                outputs=list(outputs),
                intermediates=list(intermediates),
                options_table=None if custom or options is None else _options_table(name),
                options=options or {},
                custom_options=custom_options,
            )
        )
        return len(self._current.operators) - 1

    def operator_code(self, name: str, *, custom: bool = False, version: int = 1) -> int:
        """Lists an operator code, used or not, and gives its index."""
        key = (tflite.BuiltinOperator.CUSTOM if custom else _builtin(name), name if custom else None, version)
        return self._codes.setdefault(key, len(self._codes))

    def inputs(self, *tensors: int) -> None:
        """Names the inputs of the subgraph."""
        self._current.inputs = list(tensors)

    def outputs(self, *tensors: int) -> None:
        """Names the outputs of the subgraph."""
        self._current.outputs = list(tensors)

    def signature(
        self, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int], subgraph: int | None = None
    ) -> None:
        """Adds a SignatureDef, of the current subgraph unless given."""
        self._signatures.append((key, inputs, outputs, len(self._subgraphs) - 1 if subgraph is None else subgraph))

    def metadata(self, name: str, data: bytes) -> None:
        """Adds a metadata entry with a buffer of its own."""
        self._buffers.append(data)
        self._metadata.append((name, len(self._buffers) - 1))

    def model(self, path: str = "built.tflite") -> Model:
        """The model as the reader gives it."""
        from tflite_audit.analyzer.model.flatbuffer import parse

        return parse(self.build(), path)

    def build(self, *, data_behind: bool = False) -> bytes:
        """The bytes of the file; `data_behind` puts the buffers behind the flatbuffer, as in files over 2 GB."""
        b = flatbuffers.Builder(1024)
        write = _buffer_behind if data_behind else _buffer
        buffers = _table_vector(b, [write(b, data, i) for i, data in enumerate(self._buffers)])
        subgraphs = _table_vector(b, [_subgraph(b, g) for g in self._subgraphs])
        codes = _table_vector(b, [_operator_code(b, *key) for key in self._codes])
        signatures = _table_vector(b, [_signature(b, *s) for s in self._signatures])
        metadata = _table_vector(b, [_metadata(b, *m) for m in self._metadata])
        description = b.CreateString(self.description)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, self.version)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, subgraphs)
        tflite.ModelAddDescription(b, description)
        tflite.ModelAddBuffers(b, buffers)
        if self._metadata:
            tflite.ModelAddMetadata(b, metadata)
        if self._signatures:
            tflite.ModelAddSignatureDefs(b, signatures)
        b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
        out = bytes(b.Output())
        if data_behind:
            for i, data in enumerate(self._buffers):
                out += bytes(-len(out) % 16)
                out = out.replace(_placeholder(i), struct.pack("<Q", len(out))) + data
        return out


def _sequence(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (Sequence, np.ndarray)) else [value]


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _builtin(name: str) -> int:
    if name.startswith("BUILTIN_"):
        return int(name.removeprefix("BUILTIN_"))
    return _NEW_OPERATORS[name] if name in _NEW_OPERATORS else getattr(tflite.BuiltinOperator, name)


def _type(dtype: str) -> int:
    if dtype.startswith("type_"):
        return int(dtype.removeprefix("type_"))
    return _NEW_TYPES[dtype.upper()] if dtype.upper() in _NEW_TYPES else getattr(tflite.TensorType, dtype.upper())


def _options_table(operator: str) -> str:
    """`CONV_2D` gives `Conv2DOptions`."""
    wanted = _OPTIONS.get(operator, operator.replace("_", "")).lower() + "options"
    for names in (vars(tflite.BuiltinOptions), vars(tflite.BuiltinOptions2), _NEW_OPTIONS_2):
        for name in names:
            if name.lower() == wanted:
                return name
    raise KeyError(f"no options table for {operator}: add it to _OPTIONS")


def _pack(data: Any, dtype: str) -> bytes:
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if dtype == "string":
        texts = [t if isinstance(t, bytes) else str(t).encode() for t in data]
        starts = np.cumsum([0, *map(len, texts)]) + 4 * (len(texts) + 2)
        return np.array([len(texts), *starts], "<i4").tobytes() + b"".join(texts)
    if dtype in ("int4", "uint4", "int2"):
        bits = 2 if dtype == "int2" else 4
        values = np.asarray(data).reshape(-1).astype(np.int64) & (1 << bits) - 1
        values = np.pad(values, (0, -values.size % (8 // bits))).reshape(-1, 8 // bits)
        return (values << np.arange(0, 8, bits)).sum(1).astype(np.uint8).tobytes()
    if dtype == "bfloat16":
        return (np.asarray(data, "<f4").reshape(-1).view("<u4") >> 16).astype("<u2").tobytes()
    return np.asarray(data).astype(np.dtype(dtype).newbyteorder("<")).tobytes()


def _vector(b: flatbuffers.Builder, values: Sequence[Any] | np.ndarray, dtype: str) -> int:
    return b.CreateNumpyVector(np.asarray(values, dtype).reshape(-1))


def _table_vector(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def _placeholder(buffer: int) -> bytes:
    """Stands for the offset of a buffer until the size of the flatbuffer is known."""
    return struct.pack("<Q", 0x5AFE_0FF5_E700_0000 + buffer)


def _buffer_behind(b: flatbuffers.Builder, data: bytes, index: int) -> int:
    tflite.BufferStart(b)
    if data:
        tflite.BufferAddOffset(b, struct.unpack("<Q", _placeholder(index))[0])
        tflite.BufferAddSize(b, len(data))
    return tflite.BufferEnd(b)


def _buffer(b: flatbuffers.Builder, data: bytes, _: int) -> int:
    vector = None
    if data:
        b.StartVector(1, len(data), 16)  # schema.fbs: `data:[ubyte] (force_align: 16)`
        b.head = b.head - len(data)
        b.Bytes[b.head : b.head + len(data)] = data
        vector = b.EndVector()
    tflite.BufferStart(b)
    if vector is not None:
        tflite.BufferAddData(b, vector)
    return tflite.BufferEnd(b)


def _operator_code(b: flatbuffers.Builder, builtin: int, custom_code: str | None, version: int) -> int:
    text = None if custom_code is None else b.CreateString(custom_code)
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(builtin, 127))
    tflite.OperatorCodeAddBuiltinCode(b, builtin)
    tflite.OperatorCodeAddVersion(b, version)
    if text is not None:
        tflite.OperatorCodeAddCustomCode(b, text)
    return tflite.OperatorCodeEnd(b)


def _subgraph(b: flatbuffers.Builder, g: _Subgraph) -> int:
    tensors = _table_vector(b, [_tensor(b, t) for t in g.tensors])
    operators = _table_vector(b, [_operator(b, op) for op in g.operators])
    inputs, outputs = (_vector(b, ends, "<i4") for ends in g.ends())
    name = None if g.name is None else b.CreateString(g.name)
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, tensors)
    tflite.SubGraphAddInputs(b, inputs)
    tflite.SubGraphAddOutputs(b, outputs)
    tflite.SubGraphAddOperators(b, operators)
    if name is not None:
        tflite.SubGraphAddName(b, name)
    return tflite.SubGraphEnd(b)


def _tensor(b: flatbuffers.Builder, t: _Tensor) -> int:
    name = None if t.name is None else b.CreateString(t.name)
    shape = _vector(b, t.shape, "<i4")
    signature = None if t.signature is None else _vector(b, t.signature, "<i4")
    quantization = _quantization(b, t)
    sparsity = _sparsity(b, t) if t.sparse else None
    tflite.TensorStart(b)
    tflite.TensorAddShape(b, shape)
    tflite.TensorAddType(b, _type(t.dtype))
    tflite.TensorAddBuffer(b, t.buffer)
    tflite.TensorAddHasRank(b, True)
    tflite.TensorAddIsVariable(b, t.variable)
    if name is not None:
        tflite.TensorAddName(b, name)
    if quantization is not None:
        tflite.TensorAddQuantization(b, quantization)
    if signature is not None:
        tflite.TensorAddShapeSignature(b, signature)
    if sparsity is not None:
        tflite.TensorAddSparsity(b, sparsity)
    return tflite.TensorEnd(b)


def _quantization(b: flatbuffers.Builder, t: _Tensor) -> int | None:
    if not (len(t.scale) or len(t.minimum) or len(t.maximum) or t.block_size):
        return None
    scale, zero_point = _vector(b, t.scale, "<f4"), _vector(b, t.zero_point, "<i8")
    minimum, maximum = _vector(b, t.minimum, "<f4"), _vector(b, t.maximum, "<f4")
    details = None
    if t.block_size:  # BlockwiseQuantization {scales: int; zero_points: int; block_size: int;}
        b.StartObject(3)
        b.PrependInt32Slot(0, t.scales_tensor, 0)
        b.PrependInt32Slot(2, t.block_size, 0)
        details = b.EndObject()
    tflite.QuantizationParametersStart(b)
    if len(t.minimum):
        tflite.QuantizationParametersAddMin(b, minimum)
    if len(t.maximum):
        tflite.QuantizationParametersAddMax(b, maximum)
    if len(t.scale):
        tflite.QuantizationParametersAddScale(b, scale)
        tflite.QuantizationParametersAddZeroPoint(b, zero_point)
    if details is not None:
        tflite.QuantizationParametersAddDetailsType(b, _BLOCKWISE)
        tflite.QuantizationParametersAddDetails(b, details)
    tflite.QuantizationParametersAddQuantizedDimension(b, t.axis)
    return tflite.QuantizationParametersEnd(b)


def _sparsity(b: flatbuffers.Builder, t: _Tensor) -> int:
    """Only the traversal order: enough to be sparse, not to be read."""
    order = _vector(b, range(len(t.shape)), "<i4")
    tflite.SparsityParametersStart(b)
    tflite.SparsityParametersAddTraversalOrder(b, order)
    return tflite.SparsityParametersEnd(b)


def _operator(b: flatbuffers.Builder, op: _Operator) -> int:
    inputs, outputs = _vector(b, op.inputs, "<i4"), _vector(b, op.outputs, "<i4")
    intermediates = _vector(b, op.intermediates, "<i4") if op.intermediates else None
    custom_options = b.CreateByteVector(op.custom_options) if op.custom_options else None
    options = None if op.options_table is None else _options(b, op.options_table, op.options)
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, op.code)
    tflite.OperatorAddInputs(b, inputs)
    tflite.OperatorAddOutputs(b, outputs)
    if intermediates is not None:
        tflite.OperatorAddIntermediates(b, intermediates)
    if custom_options is not None:
        tflite.OperatorAddCustomOptions(b, custom_options)
    if options is not None and hasattr(tflite.BuiltinOptions, op.options_table or ""):
        tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, op.options_table or ""))
        tflite.OperatorAddBuiltinOptions(b, options)
    elif options is not None:
        members = {**vars(tflite.BuiltinOptions2), **_NEW_OPTIONS_2}
        tflite.OperatorAddBuiltinOptions2Type(b, members[op.options_table or ""])
        tflite.OperatorAddBuiltinOptions2(b, options)
    return tflite.OperatorEnd(b)


def _options(b: flatbuffers.Builder, table: str, options: Mapping[str, Any]) -> int:
    """Writes any options table by the names of its generated `...Add...` functions."""
    if table in _NEW_OPTIONS_2:
        (values,) = options.values()
        vector = _vector(b, values, "<i4")
        b.StartObject(1)
        b.PrependUOffsetTRelativeSlot(0, vector, 0)
        return b.EndObject()
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, str) and name in _ENUMS:
            enum = _ENUMS[name]
            fields[name] = _type(value) if enum == "TensorType" else getattr(getattr(tflite, enum), value)
        elif isinstance(value, (str, bytes)):
            fields[name] = b.CreateString(value) if isinstance(value, str) else b.CreateByteVector(value)
        elif isinstance(value, (Sequence, np.ndarray)):
            getattr(tflite, f"{table}Start{_camel(name)}Vector")(b, len(value))
            wide = table.startswith("Stablehlo") and name != "called_computations"
            for item in reversed(value):
                (b.PrependInt64 if wide else b.PrependInt32)(int(item))
            fields[name] = b.EndVector()
        else:
            fields[name] = value
    getattr(tflite, f"{table}Start")(b)
    for name, value in fields.items():
        getattr(tflite, f"{table}Add{_camel(name)}")(b, value)
    return getattr(tflite, f"{table}End")(b)


def _signature(
    b: flatbuffers.Builder, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int], subgraph: int
) -> int:
    ends = [_table_vector(b, [_tensor_map(b, *item) for item in names.items()]) for names in (inputs, outputs)]
    text = b.CreateString(key)
    tflite.SignatureDefStart(b)
    tflite.SignatureDefAddInputs(b, ends[0])
    tflite.SignatureDefAddOutputs(b, ends[1])
    tflite.SignatureDefAddSignatureKey(b, text)
    tflite.SignatureDefAddSubgraphIndex(b, subgraph)
    return tflite.SignatureDefEnd(b)


def _tensor_map(b: flatbuffers.Builder, name: str, tensor: int) -> int:
    text = b.CreateString(name)
    tflite.TensorMapStart(b)
    tflite.TensorMapAddName(b, text)
    tflite.TensorMapAddTensorIndex(b, tensor)
    return tflite.TensorMapEnd(b)


def _metadata(b: flatbuffers.Builder, name: str, buffer: int) -> int:
    text = b.CreateString(name)
    tflite.MetadataStart(b)
    tflite.MetadataAddName(b, text)
    tflite.MetadataAddBuffer(b, buffer)
    return tflite.MetadataEnd(b)


_TENSOR_RECORD = np.dtype(
    [
        ("vtable", "<i4"), ("shape", "<u4"), ("type", "i1"), ("_", "V3"), ("buffer", "<u4"), ("name", "<u4"),
        ("quantization", "<u4"),
        ("shape_count", "<u4"), ("shape_data", "<i4", 4), ("name_count", "<u4"), ("name_data", "S12"),
        ("quantization_vtable", "<i4"), ("scale", "<u4"), ("zero_point", "<u4"),
        ("scale_count", "<u4"), ("scale_data", "<f4"), ("zero_point_count", "<u4"), ("zero_point_data", "<i8"),
    ]
)  # fmt: skip
_OPERATOR_RECORD = np.dtype(
    [
        ("vtable", "<i4"), ("inputs", "<u4"), ("outputs", "<u4"), ("options_type", "u1"), ("_", "V3"),
        ("options", "<u4"),
        ("inputs_count", "<u4"), ("inputs_data", "<i4", 2), ("outputs_count", "<u4"), ("outputs_data", "<i4"),
        ("options_vtable", "<i4"), ("activation", "i1"), ("_2", "V3"),
    ]
)  # fmt: skip
_BUFFER_RECORD = np.dtype([("vtable", "<i4"), ("data", "<u4"), ("count", "<u4"), ("bytes", "<i1", 16)])


def large_graph(n_ops: int) -> bytes:
    """A chain of `n_ops` int8 ADDs, each with a constant of its own: 2 * n_ops + 1 tensors, in about 10 ms a 10,000.

    The tables of a kind are equal records, so numpy writes them all at once; `ModelBuilder` would take 0.3 ms an op.
    """
    n_tensors, n_buffers = 2 * n_ops + 1, n_ops + 1
    layout: dict[str, tuple[int, int]] = {}
    end = 8

    def place(name: str, size: int) -> None:
        nonlocal end
        end += -end % 8
        layout[name] = (end, size)
        end += size

    for name, size in (
        ("vtables", 128), ("model", 32), ("codes", 8), ("code", 16), ("graphs", 8), ("graph", 32),
        ("ends", 16), ("text", 16), ("tensors", 4 + 4 * n_tensors), ("operators", 4 + 4 * n_ops),
        ("buffers", 4 + 4 * n_buffers), ("tensor_records", n_tensors * _TENSOR_RECORD.itemsize),
        ("operator_records", n_ops * _OPERATOR_RECORD.itemsize),
        ("buffer_records", n_buffers * _BUFFER_RECORD.itemsize),
    ):  # fmt: skip
        place(name, size)
    out = np.zeros(end, np.uint8)
    at = {name: start for name, (start, _) in layout.items()}

    def put(start: int, values: Sequence[int], dtype: str = "<u4") -> None:
        data = np.array(values, dtype).view(np.uint8)
        out[start : start + data.size] = data

    def records(name: str, dtype: np.dtype[Any]) -> tuple[np.ndarray, np.ndarray]:
        """The records as an array to fill, and where each begins."""
        start, size = layout[name]
        made = out[start : start + size].view(dtype)
        return made, start + dtype.itemsize * np.arange(made.size)

    vtables: dict[str, int] = {}
    next_vtable = at["vtables"]
    for name, size, fields in (
        ("model", 20, [16, 4, 8, 0, 12]),
        ("code", 12, [4, 0, 0, 8]),
        ("graph", 24, [4, 8, 12, 16, 20]),
        ("tensor", 24, [4, 8, 12, 16, 20]),
        ("quantization", 12, [0, 0, 4, 8]),
        ("operator", 20, [0, 4, 8, 12, 16]),
        ("options", 8, [4]),
        ("buffer", 8, [4]),
    ):
        vtables[name] = next_vtable
        put(next_vtable, [4 + 2 * len(fields), size, *fields], "<u2")
        next_vtable += 4 + 2 * len(fields)

    def table(name: str, fields: Sequence[int]) -> None:
        """A single table; a negative field is a place to point to."""
        start = at[name]
        put(start, [start - vtables[name]], "<i4")
        put(start + 4, [-f - start - 4 - 4 * i if f < 0 else f for i, f in enumerate(fields)])

    put(0, [at["model"]])
    out[4:8] = np.frombuffer(b"TFL3", np.uint8)
    table("model", [-at["codes"], -at["graphs"], -at["buffers"], 3])
    put(at["codes"], [1, at["code"] - at["codes"] - 4])
    table("code", [0, 0])
    put(at["graphs"], [1, at["graph"] - at["graphs"] - 4])
    table("graph", [-at["tensors"], -at["ends"], -at["ends"] - 8, -at["operators"], -at["text"]])
    put(at["ends"], [1, 0, 1, n_tensors - 1], "<i4")
    put(at["text"], [4])
    out[at["text"] + 4 : at["text"] + 8] = np.frombuffer(b"main", np.uint8)

    tensors, starts = records("tensor_records", _TENSOR_RECORD)
    offset = {name: place for name, (_, place) in _TENSOR_RECORD.fields.items()}
    constant = np.arange(n_tensors) % 2 == 1
    tensors["vtable"] = starts - vtables["tensor"]
    tensors["quantization_vtable"] = starts + offset["quantization_vtable"] - vtables["quantization"]
    for name, target in (
        ("shape", "shape_count"), ("name", "name_count"), ("quantization", "quantization_vtable"),
        ("scale", "scale_count"), ("zero_point", "zero_point_count"),
    ):  # fmt: skip
        tensors[name] = offset[target] - offset[name]
    tensors["type"] = tflite.TensorType.INT8
    tensors["buffer"] = np.where(constant, (np.arange(n_tensors) + 1) // 2, 0)
    tensors["shape_count"], tensors["shape_data"] = 4, np.where(constant[:, None], [1, 1, 1, 16], [1, 8, 8, 16])
    tensors["name_count"] = 11
    tensors["name_data"] = [f"{'w' if c else 'x'}/{i:09d}" for i, c in enumerate(constant)]
    tensors["scale_count"], tensors["scale_data"] = 1, 0.05
    tensors["zero_point_count"], tensors["zero_point_data"] = 1, -3

    operators, operator_starts = records("operator_records", _OPERATOR_RECORD)
    offset = {name: place for name, (_, place) in _OPERATOR_RECORD.fields.items()}
    operators["vtable"] = operator_starts - vtables["operator"]
    operators["options_vtable"] = operator_starts + offset["options_vtable"] - vtables["options"]
    for name, target in (("inputs", "inputs_count"), ("outputs", "outputs_count"), ("options", "options_vtable")):
        operators[name] = offset[target] - offset[name]
    operators["options_type"] = tflite.BuiltinOptions.AddOptions
    operators["inputs_count"], operators["outputs_count"] = 2, 1
    operators["inputs_data"] = 2 * np.arange(n_ops)[:, None] + [0, 1]
    operators["outputs_data"] = 2 * np.arange(n_ops) + 2

    buffers, buffer_starts = records("buffer_records", _BUFFER_RECORD)
    buffers["vtable"] = buffer_starts - vtables["buffer"]
    buffers["data"] = 4
    buffers["count"] = np.where(np.arange(n_buffers) > 0, 16, 0)
    buffers["bytes"] = np.arange(16)

    for name, targets in (("tensors", starts), ("operators", operator_starts), ("buffers", buffer_starts)):
        put(at[name], [len(targets), *(targets - at[name] - 4 - 4 * np.arange(len(targets)))])
    return out.tobytes()

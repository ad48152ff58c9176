"""Bytes → Model: a `.tflite` file read as it is, every offset and index checked.

The tables of a kind are gathered at once (see `tables`), so that the time goes into the facts, not into the walk.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schema
from .buffers import Buffers
from .graph import calls
from .options import OptionTables
from .tables import Bytes, MalformedError, Tables, Vectors
from .types import (
    OPTIONAL,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Signature,
    Subgraph,
    Tensor,
    Unknown,
)


class InvalidModel(ValueError):  # noqa: N818 - it says what the file is
    """A file that is no readable `.tflite` model. The message is one line: what, where, what to do."""

    def __init__(self, path: str, reason: str, remedy: str = "") -> None:
        self.path = path
        self.reason = reason
        self.remedy = remedy or "the file is damaged or cut short: copy it or convert it again"
        super().__init__(path, reason, self.remedy)

    def __str__(self) -> str:
        return " ".join(f"{self.path}: not a readable .tflite model: {self.reason}; {self.remedy}".split())


def read(path: str | Path) -> Model:
    """Reads a file, mapped into memory and never written to.

    Raises:
        InvalidModel: it cannot be opened, or it is no model that can be read.
    """
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except IsADirectoryError:
        raise InvalidModel(str(path), "it is a folder", "name the .tflite files in it") from None
    except OSError as error:
        reason = f"it cannot be opened ({error.strerror or error})"
        raise InvalidModel(str(path), reason, "check the path and the permissions") from None
    return parse(data, str(path))


def parse(data: bytes | bytearray | memoryview | mmap.mmap, path: str = "<bytes>") -> Model:
    """Reads a model from memory, which the model keeps and views.

    Raises:
        InvalidModel: it is no model that can be read.
    """
    memory = memoryview(data).toreadonly().cast("B")
    _check_identifier(memory, path)
    try:
        return _model(Bytes(memory), path)
    except MalformedError as error:
        raise InvalidModel(path, str(error)) from None


_OTHER_FORMATS = (
    (b"version https://git-lfs", "it is a Git LFS pointer, not the file", "fetch the file itself with `git lfs pull`"),
    (b"\x89HDF", "it is an HDF5 file, such as a Keras .h5 model", "convert it first"),
    (b"PK\x03\x04", "it is a zip archive, such as a .keras model or a .task bundle", "convert or unpack it first"),
    (b"<", "it is a web page or XML", "download the file itself"),
)


def _check_identifier(memory: memoryview, path: str) -> None:
    """The `TFL3` of schema.fbs in bytes 4 to 8; where it is missing, says what the file is instead if it can."""
    if bytes(memory[4:8]) == schema.IDENTIFIER:
        return
    head = bytes(memory[:32])
    for magic, reason, remedy in _OTHER_FORMATS:
        if head.lstrip().startswith(magic):
            raise InvalidModel(path, reason, remedy)
    if len(memory) < 8:
        raise InvalidModel(path, f"it has {len(memory)} bytes")
    reason = f"bytes 4 to 8 are {head[4:8]!r} and should be {schema.IDENTIFIER!r}"
    raise InvalidModel(path, reason, "check that this is the file the converter wrote")


def _model(data: Bytes, path: str) -> Model:
    root = data.root("model")
    unknowns: list[Unknown] = []
    buffers = _buffers(data, root)
    codes = _operator_codes(root, unknowns)
    graphs = root.vector(schema.ModelField.SUBGRAPHS, "<u4", "subgraphs").tables("subgraph")
    tensors = _tensors(graphs, buffers, unknowns)
    operators, options = _operators(graphs, codes, [len(ts) for ts in tensors], unknowns)
    subgraphs = _subgraphs(graphs, tensors, operators)
    signatures = _signatures(root, subgraphs)
    metadata = _metadata(root, buffers)
    description = root.strings(schema.ModelField.DESCRIPTION, "description")[0]
    model = Model(
        path=path,
        size=data.size,
        version=int(root.scalar(schema.ModelField.VERSION, "<u4")[0]),
        description=description or "",
        operator_codes=codes,
        subgraphs=subgraphs,
        signatures=signatures,
        metadata=metadata,
        unknowns=tuple(unknowns),
        appended=_appended(data),
        buffers=buffers,
        option_tables=options,
    )
    _check_calls(model)
    return model


def _buffers(data: Bytes, root: Tables) -> Buffers:
    field = schema.BufferField
    tables = root.vector(schema.ModelField.BUFFERS, "<u4", "buffers").tables("buffer")
    inside = tables.vector(field.DATA, "u1", "data of buffer")
    offset, size = tables.scalar(field.OFFSET, "<u8"), tables.scalar(field.SIZE, "<u8")
    # Files over 2 GB keep the data behind the flatbuffer; an offset of 1 is the converter's placeholder
    # (lite/core/interpreter_builder.cc reads it from 2 on).
    behind = offset > 1
    starts, sizes = np.maximum(inside.start, 0), inside.length.copy()
    starts[behind], sizes[behind] = data.ranges(offset[behind], size[behind], "data of buffer")
    if not len(tables):  # a file of custom ops may list none, and its tensors still name buffer 0
        starts = sizes = np.zeros(1, np.int64)
    return Buffers(data.memory, starts, sizes)


def _operator_codes(root: Tables, unknowns: list[Unknown]) -> tuple[OperatorCode, ...]:
    field = schema.OperatorCodeField
    tables = root.vector(schema.ModelField.OPERATOR_CODES, "<u4", "operator codes").tables("operator code")
    deprecated = tables.scalar(field.DEPRECATED_BUILTIN_CODE, "i1")
    builtins = np.maximum(deprecated, tables.scalar(field.BUILTIN_CODE, "<i4"))
    custom_codes = tables.strings(field.CUSTOM_CODE, "custom code")
    versions = tables.scalar(field.VERSION, "<i4", 1)
    known = schema.names("BuiltinOperator")
    codes: list[OperatorCode] = []
    for i, builtin in enumerate(builtins.tolist()):
        custom_code = custom_codes[i] if builtin == schema.CUSTOM else None
        codes.append(OperatorCode(custom_code or schema.operator_name(builtin), builtin, custom_code, int(versions[i])))
        if builtin not in known:
            unknowns.append(Unknown("builtin operator", builtin, f"operator code {i}"))
    return tuple(codes)


def _subgraph_rows(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For things listed subgraph by subgraph: the subgraph of each, and its index there."""
    subgraph = np.repeat(np.arange(counts.size), counts)
    return subgraph, np.arange(subgraph.size) - np.repeat(np.cumsum(counts) - counts, counts)


def _grouped(items: list[Any], counts: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    bounds = [0, *np.cumsum(counts).tolist()]
    return [tuple(items[a:b]) for a, b in pairwise(bounds)]


def _tensors(graphs: Tables, buffers: Buffers, unknowns: list[Unknown]) -> list[tuple[Tensor, ...]]:
    field = schema.TensorField
    listed = graphs.vector(schema.SubGraphField.TENSORS, "<u4", "tensors")
    tables = listed.tables("tensor")
    subgraph, index = _subgraph_rows(listed.length)
    buffer = tables.scalar(field.BUFFER, "<u4").astype(np.int64)
    _check_index(buffer, len(buffers), lambda i: f"{_tensor_at(subgraph, index, i)} names buffer", "buffers")
    external = tables.scalar(field.EXTERNAL_BUFFER, "<u4")
    constant = (buffers.sizes[buffer] > 0) | (external > 0)
    types = tables.scalar(field.TYPE, "i1")
    signatures = tables.vector(field.SHAPE_SIGNATURE, "<i4", "shape signature")
    sparse, sparsity = tables.child(field.SPARSITY, "sparsity")
    sparsity.vector(schema.SparsityParametersField.TRAVERSAL_ORDER, "<i4", "traversal order of sparsity")
    sparsity.vector(schema.SparsityParametersField.BLOCK_MAP, "<i4", "block map of sparsity")
    sparsity.vector(schema.SparsityParametersField.DIM_METADATA, "<u4", "dimensions of sparsity").tables("dimension")
    tables.vector(field.VARIANT_TENSORS, "<u4", "variant tensors").tables("variant tensor")
    dtype_names = {number: schema.dtype_name(number) for number in np.unique(types).tolist()}
    is_sparse = np.zeros(len(tables), bool)
    is_sparse[sparse] = True
    shapes = tables.vector(field.SHAPE, "<i4", "shape").tuples()
    made = list(
        map(
            Tensor,
            index.tolist(),
            [name or "" for name in tables.strings(field.NAME, "name of tensor")],
            [dtype_names[number] for number in types.tolist()],
            shapes,
            # Where the shape is fixed the converter leaves the signature out, or empty.
            [signature or None for signature in signatures.tuples()],
            buffer.tolist(),
            constant.tolist(),
            tables.scalar(field.IS_VARIABLE, "?", False).tolist(),
            is_sparse.tolist(),
            _quantizations(tables, subgraph, index, unknowns),
        )
    )
    known = np.isin(types, list(schema.names("TensorType")))
    for i in np.flatnonzero(~known).tolist():
        unknowns.append(Unknown("tensor type", int(types[i]), _tensor_at(subgraph, index, i)))
    for i in np.flatnonzero(external).tolist():
        unknowns.append(Unknown("external buffer", int(external[i]), _tensor_at(subgraph, index, i)))
    return _grouped(made, listed.length)


def _tensor_at(subgraph: NDArray[Any], index: NDArray[Any], i: int) -> str:
    return f"subgraph {subgraph[i]}, tensor {index[i]}"


def _quantizations(
    tensors: Tables, subgraph: NDArray[Any], index: NDArray[Any], unknowns: list[Unknown]
) -> list[Quantization | None]:
    """One a tensor; None where the table is left out or says nothing, as the converter writes it for float tensors."""
    field = schema.QuantizationParametersField
    rows, tables = tensors.child(schema.TensorField.QUANTIZATION, "quantization")
    scale = tables.vector(field.SCALE, "<f4", "scale")
    zero_point = tables.vector(field.ZERO_POINT, "<i8", "zero point")
    minimum = tables.vector(field.MIN, "<f4", "quantization min")
    maximum = tables.vector(field.MAX, "<f4", "quantization max")
    details_type = tables.scalar(field.DETAILS_TYPE, "u1")
    block_size = _block_sizes(tables, details_type)
    said = (scale.length > 0) | (minimum.length > 0) | (maximum.length > 0) | (details_type > 0)
    found: list[Quantization | None] = [None] * len(tensors)
    nothing = np.zeros(1, np.int64)
    nothing.flags.writeable = False
    for row, worth, s, z, axis, low, high, block in zip(
        rows.tolist(),
        said.tolist(),
        scale.arrays(),
        zero_point.arrays(),
        tables.scalar(field.QUANTIZED_DIMENSION, "<i4").tolist(),
        minimum.arrays(),
        maximum.arrays(),
        block_size,
        strict=True,
    ):
        if worth:
            found[row] = Quantization(s, z if z.size or not s.size else nothing, axis, low, high, block)
    known = np.isin(details_type, list(schema.names("QuantizationDetails")))
    for i in np.flatnonzero(~known).tolist():
        where = _tensor_at(subgraph, index, rows[i])
        unknowns.append(Unknown("quantization details", int(details_type[i]), where))
    return found


def _block_sizes(quantizations: Tables, details_type: NDArray[Any]) -> list[int | None]:
    """The block size of BlockwiseQuantization (2) and MultiAxisQuantization (3)."""
    sizes: list[int | None] = [None] * len(quantizations)
    blockwise = np.flatnonzero((details_type == 2) | (details_type == 3))
    rows, details = quantizations.rows(blockwise).child(
        schema.QuantizationParametersField.DETAILS, "block quantization"
    )
    for row, size in zip(
        rows, details.scalar(schema.BlockwiseQuantizationField.BLOCK_SIZE, "<i4").tolist(), strict=True
    ):
        sizes[blockwise[row]] = size
    return sizes


def _operators(
    graphs: Tables, codes: tuple[OperatorCode, ...], tensor_counts: list[int], unknowns: list[Unknown]
) -> tuple[list[tuple[Operator, ...]], OptionTables]:
    field = schema.OperatorField
    listed = graphs.vector(schema.SubGraphField.OPERATORS, "<u4", "operators")
    tables = listed.tables("operator")
    subgraph, index = _subgraph_rows(listed.length)
    code = tables.scalar(field.OPCODE_INDEX, "<u4").astype(np.int64)

    def at(i: int) -> str:
        return f"subgraph {subgraph[i]}, operator {index[i]}"

    _check_index(code, len(codes), lambda i: f"{at(i)} names operator code", "operator codes")
    counts = np.array(tensor_counts, np.int64)[subgraph]
    ends: list[list[tuple[int, ...]]] = []
    for slot, verb in ((field.INPUTS, "reads"), (field.OUTPUTS, "writes"), (field.INTERMEDIATES, "keeps")):
        vectors = tables.vector(slot, "<i4", f"tensors that an operator {verb}")
        _check_tensors(vectors, counts, lambda i, verb=verb: f"{at(i)} {verb} tensor", lowest=OPTIONAL)
        ends.append(vectors.tuples())
    options = OptionTables.read(tables, listed.length, at, unknowns)
    named = [codes[k] for k in code.tolist()]
    made = list(
        map(
            Operator,
            index.tolist(),
            [c.name for c in named],
            [c.builtin == schema.CUSTOM for c in named],
            [c.version for c in named],
            *ends,
            options.types.tolist(),
        )
    )
    return _grouped(made, listed.length), options


def _check_index(values: NDArray[np.int64], count: int, who: Callable[[int], str], what: str) -> None:
    outside = (values < 0) | (values >= count)
    if outside.any():
        i = int(outside.argmax())
        raise MalformedError(f"{who(i)} {int(values[i])}, and there are {count} {what}")


def _check_tensors(vectors: Vectors, counts: NDArray[np.int64], who: Callable[[int], str], lowest: int) -> None:
    low, high = vectors.extremes()
    for values, outside in ((low, low < lowest), (high, high >= counts)):
        if outside.any():
            i = int(outside.argmax())
            raise MalformedError(f"{who(i)} {int(values[i])}, and there are {int(counts[i])} tensors")


def _subgraphs(
    graphs: Tables, tensors: list[tuple[Tensor, ...]], operators: list[tuple[Operator, ...]]
) -> tuple[Subgraph, ...]:
    field = schema.SubGraphField
    counts = np.array([len(ts) for ts in tensors], np.int64)
    ends: list[list[tuple[int, ...]]] = []
    for slot, what in ((field.INPUTS, "input"), (field.OUTPUTS, "output")):
        vectors = graphs.vector(slot, "<i4", f"{what}s of subgraph")
        _check_tensors(vectors, counts, lambda i, what=what: f"subgraph {i} has as {what} tensor", lowest=0)
        ends.append(vectors.tuples())
    names = graphs.strings(field.NAME, "name of subgraph")
    return tuple(
        Subgraph(i, name or "", ts, ops, inputs, outputs)
        for i, (name, ts, ops, inputs, outputs) in enumerate(zip(names, tensors, operators, *ends, strict=True))
    )


def _signatures(root: Tables, subgraphs: Sequence[Subgraph]) -> tuple[Signature, ...]:
    field = schema.SignatureDefField
    tables = root.vector(schema.ModelField.SIGNATURE_DEFS, "<u4", "signatures").tables("signature")
    subgraph = tables.scalar(field.SUBGRAPH_INDEX, "<u4").astype(np.int64)
    _check_index(subgraph, len(subgraphs), lambda i: f"signature {i} names subgraph", "subgraphs")
    counts = np.array([len(g.tensors) for g in subgraphs], np.int64)[subgraph]
    ends = [
        _tensor_maps(tables, slot, counts, what) for slot, what in ((field.INPUTS, "input"), (field.OUTPUTS, "output"))
    ]
    keys = tables.strings(field.SIGNATURE_KEY, "key of signature")
    return tuple(
        Signature(key or "", index, inputs, outputs)
        for key, index, inputs, outputs in zip(keys, subgraph.tolist(), *ends, strict=True)
    )


def _tensor_maps(signatures: Tables, slot: int, counts: NDArray[np.int64], what: str) -> list[dict[str, int]]:
    """For each signature its inputs or outputs, tensor index by name."""
    listed = signatures.vector(slot, "<u4", f"{what}s of signature")
    maps = listed.tables(f"{what} of signature")
    owner, _ = _subgraph_rows(listed.length)
    tensor = maps.scalar(schema.TensorMapField.TENSOR_INDEX, "<u4").astype(np.int64)
    outside = tensor >= counts[owner]
    if outside.any():
        i = int(outside.argmax())
        raise MalformedError(
            f"signature {owner[i]} has as {what} tensor {tensor[i]}, and there are {counts[owner[i]]} tensors"
        )
    names = maps.strings(schema.TensorMapField.NAME, f"name of {what} of signature")
    found: list[dict[str, int]] = [{} for _ in range(len(signatures))]
    for i, name, index in zip(owner.tolist(), names, tensor.tolist(), strict=True):
        found[i][name or ""] = index
    return found


def _metadata(root: Tables, buffers: Buffers) -> tuple[Metadata, ...]:
    field = schema.MetadataField
    tables = root.vector(schema.ModelField.METADATA, "<u4", "metadata").tables("metadata entry")
    buffer = tables.scalar(field.BUFFER, "<u4").astype(np.int64)
    _check_index(buffer, len(buffers), lambda i: f"metadata entry {i} names buffer", "buffers")
    names = tables.strings(field.NAME, "name of metadata entry")
    return tuple(Metadata(name or "", index) for name, index in zip(names, buffer.tolist(), strict=True))


def _appended(data: Bytes) -> int:
    """Bytes behind the last one that the schema reaches; zeros that only align the end do not count."""
    behind = data.memory[data.end :]
    return 0 if len(behind) < 16 and not any(behind) else len(behind)


def _check_calls(model: Model) -> None:
    for call in calls(model):
        if call.callee >= len(model.subgraphs):
            where = f"subgraph {call.subgraph}, operator {call.operator}"
            raise MalformedError(
                f"{where} calls subgraph {call.callee}, and there are {len(model.subgraphs)} subgraphs"
            )

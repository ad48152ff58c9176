"""How an operator is used in a model: its options, and what it reads and writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tflite_audit.analyzer.model import custom_options, schema
from tflite_audit.analyzer.model.custom_options import CustomOptions, Encoding
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.flexbuffers import VALUES, Value
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.rule import Evidence, Location, Table

_ROWS = 12
_ELEMENTS = 8
_CHARACTERS = 60
_BYTES = 16
_KEYS = 40
_DECODED = 2_000_000

_TYPES = frozenset({"T", "dtype", "SrcT", "DstT", "out_type", "Tidx"})
"""Attributes of TensorFlow's operators that the converter writes into a FlexBuffer as the schema's TensorType."""


@dataclass(frozen=True)
class Uses:
    """The operators of one custom code.

    Attributes:
        where: of each, in the file's order.
        options: of each, in the same order.
        types: of each: inputs and outputs in words.
        dtypes: of all tensors that they read or write.
        inputs: of each, the shapes that it reads; a free dimension is negative, () also stands for what is left out.
    """

    name: str
    where: tuple[Location, ...]
    options: tuple[CustomOptions, ...]
    types: tuple[tuple[str, str], ...]
    dtypes: frozenset[str]
    inputs: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def many(self) -> str:
        """` at 3 places`; empty for one."""
        return "" if len(self.where) == 1 else f" at {len(self.where):,} places"

    @cached_property
    def _options(self) -> Counter[tuple[str, str]]:
        return Counter((shown(options), encoding(options)) for options in self.options)

    @property
    def brief(self) -> str:
        """The options in words where all have the same few: `fft_length = 512, T = int16`; else empty."""
        ((text, kind), *more) = self._options
        brief = text if not more and kind != Encoding.BYTES and len(text) <= _CHARACTERS else ""
        return brief if brief not in _NOTHING else ""

    def evidence(self) -> tuple[Evidence, ...]:
        """Where they are, their options, and their inputs and outputs."""
        return (
            places.listed(f"{self.name} operators", self.where),
            _counted("Options", ("options", "written as"), self._options),
            _counted("Inputs and outputs", ("inputs", "outputs"), Counter(self.types)),
        )


_NOTHING = ("none", "empty")


def of_model(model: Model, locations: Locations, *, flex: bool) -> list[Uses]:
    """The custom operators of each code: Flex operators, or all others."""
    groups: dict[str, list[tuple[Subgraph, Operator]]] = {}
    for subgraph, op in model.operators:
        if op.custom and op.flex is flex:
            groups.setdefault(op.name, []).append((subgraph, op))
    decoder = _Decoder(model)
    return [_uses(decoder, locations, name, found) for name, found in groups.items()]


@dataclass
class _Decoder:
    """Decodes the options of a model; equal ones once, and no more than `_DECODED` values: operators of a file made to
    be slow may share one vector of options."""

    model: Model
    read: int = 0
    known: dict[tuple[str, bytes], CustomOptions] = field(default_factory=dict[tuple[str, bytes], CustomOptions])

    def of(self, subgraph: Subgraph, op: Operator) -> CustomOptions:
        data = self.model.custom_options(subgraph, op)
        if self.read > _DECODED:
            return CustomOptions(Encoding.BYTES, bytes(data[:_BYTES]), len(data))
        self.read += min(len(data), VALUES)
        key = (op.name, bytes(data))
        if key not in self.known:
            self.known[key] = custom_options.decode(*key)
        return self.known[key]


def _uses(decoder: _Decoder, locations: Locations, name: str, found: list[tuple[Subgraph, Operator]]) -> Uses:
    return Uses(
        name=name,
        where=tuple(places.of_operator(subgraph, op, locations) for subgraph, op in found),
        options=tuple(decoder.of(subgraph, op) for subgraph, op in found),
        types=tuple((_tensors(subgraph, op.inputs), _tensors(subgraph, op.outputs)) for subgraph, op in found),
        dtypes=frozenset(t.dtype for subgraph, op in found for t in (*subgraph.read_by(op), *subgraph.written_by(op))),
        inputs=tuple(tuple(_shape(subgraph, t) for t in op.inputs) for subgraph, op in found),
    )


def _counted(title: str, columns: tuple[str, ...], rows: Counter[tuple[str, str]]) -> Table:
    shown = [(count, *row) for row, count in rows.most_common(_ROWS)]
    if len(rows) > _ROWS:
        rest = rows.most_common()[_ROWS:]
        shown.append((sum(count for _, count in rest), f"{len(rest):,} others", ""))
    return Table(title=title, columns=("operators", *columns), rows=tuple(shown))


def _tensors(subgraph: Subgraph, indices: Iterable[int]) -> str:
    """`float32[?,8], none`."""
    return ", ".join("none" if t == OPTIONAL else _tensor(subgraph, t) for t in indices)


def _shape(subgraph: Subgraph, index: int) -> tuple[int, ...]:
    return () if index == OPTIONAL else tuple(subgraph.tensors[index].declared_shape)


def _tensor(subgraph: Subgraph, index: int) -> str:
    tensor = subgraph.tensors[index]
    sizes = ",".join("?" if size < 0 else str(size) for size in tensor.declared_shape)
    return f"{tensor.dtype}[{sizes}]"


def encoding(options: CustomOptions) -> str:
    """`FlexBuffer`, `struct TfLitePoolParams`, `NodeDef of Softplus`."""
    match options.encoding:
        case Encoding.STRUCT:
            return f"struct {options.type}"
        case Encoding.NODE_DEF:
            return f"NodeDef of {options.type}"
        case _:
            return str(options.encoding)


def shown(options: CustomOptions) -> str:
    """The options in one line: `padding = SAME, stride_width = 2`."""
    value = options.value
    if options.encoding is Encoding.NONE:
        return "none"
    if isinstance(value, bytes):
        return _raw(value, options.size)
    if isinstance(value, dict):
        types = options.encoding is Encoding.FLEXBUFFER
        told = [(key, item) for key, item in value.items() if not key.startswith("_")]
        more = f", ... {len(told):,} values" if len(told) > _KEYS else ""
        return ", ".join(f"{key} = {_option(key, item, types)}" for key, item in told[:_KEYS]) + more or "empty"
    return _value(value)


def _option(key: str, value: Value, types: bool) -> str:
    if types and key in _TYPES and isinstance(value, int) and not isinstance(value, bool):
        return schema.dtype_name(value)
    return _value(value)


def _value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.6g}"
        case bytes():
            return _raw(value, len(value))
        case str():
            text = value if value.isprintable() else ascii(value)[1:-1]
            return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}... ({len(text):,} characters)"
        case list():
            more = f", ... {len(value):,} values" if len(value) > _ELEMENTS else ""
            return f"[{', '.join(map(_value, value[:_ELEMENTS]))}{more}]"
        case dict():
            return _map(value)
        case _:
            return "null" if value is None else str(value)


def _map(values: Mapping[str, Value]) -> str:
    more = f", ... {len(values):,} values" if len(values) > _ELEMENTS else ""
    words = (f"{key} = {_value(item)}" for key, item in list(values.items())[:_ELEMENTS])
    return f"{{{', '.join(words)}{more}}}"


def _raw(data: bytes, size: int) -> str:
    return f"0x{data[:_BYTES].hex()}{'...' if size > _BYTES else ''} ({places.plural(size, 'byte')})"

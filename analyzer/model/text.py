"""Model → text in the style of MLIR, for people to read; no tool parses it back.

    func.func @main(%arg0: tensor<?x28x28x1xf32> {name = "image"}) -> (tensor<?x10xf32> {name = "logits"}) {
      %w3 = tfl.const dense<...> : tensor<12x3x3x1x!quant<i8:0, {0.0123, 0.0087, ... 12 scales}>> // "conv/w", 108 bytes
      %9 = tfl.conv_2d(%8, %w3, %b4) {padding = "VALID", stride_w = 1, stride_h = 1} : (...) -> tensor<...> loc("conv")

Values have the number of their tensor in the file (`%9`, `%w3` a weight, `%b4` a bias, `%c5` another constant, `%v6` a
variable tensor), inputs that of their place (`%arg0`). A constant stands before the operator that first reads it. Names
from the file are quoted, and what is not printable in them is escaped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from . import custom_options, schema
from .buffers import TensorDataError
from .debug_info import Locations, locate
from .flexbuffers import Value
from .types import OPTIONAL, Model, Operator, Quantization, Signature, Subgraph, Tensor

_ELEMENTS_SHOWN = 8
_BYTES_SHOWN = 256
_SCALES_SHOWN = 2

_ELEMENT_TYPES = {
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "float64": "f64",
    "float8_e4m3fn": "f8E4M3FN",
    "float8_e5m2": "f8E5M2",
    "complex64": "complex<f32>",
    "complex128": "complex<f64>",
    "bool": "i1",
    "string": "!tfl.string",
    "resource": "!tfl.resource",
    "variant": "!tfl.variant",
}

_SAYS_NOTHING: Mapping[str, object] = {
    "begin_mask": 0,
    "cell_clip": 0.0,
    "dilation_d_factor": 1,
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
    "ellipsis_mask": 0,
    "end_mask": 0,
    "fused_activation_function": "NONE",
    "kernel_type": "FULL",
    "new_axis_mask": 0,
    "pot_scale_int16": True,
    "proj_clip": 0.0,
    "quantized_bias_type": "float32",
    "seed": 0,
    "seed2": 0,
    "shrink_axis_mask": 0,
    "weights_format": "DEFAULT",
}
"""Options that are left out of the text where they have this value."""


def lines(model: Model) -> Iterator[str]:
    """The text of a model, line by line, in time linear in its size."""
    symbols = _symbols(model)
    locations = locate(model)
    functions = [_Function(model, graph, symbols, locations) for graph in model.subgraphs]
    yield "module attributes {"
    yield from (f"  {line}" for line in _module_attributes(model, functions))
    yield "} {"
    for function in functions:
        yield from (f"  {line}" for line in function.lines())
    yield "}"


def _module_attributes(model: Model, functions: list[_Function]) -> Iterator[str]:
    yield f"tfl.schema_version = {model.version},"
    yield f"tfl.description = {quoted(model.description)},"
    if model.min_runtime_version is not None:
        yield f"tfl.min_runtime_version = {quoted(model.min_runtime_version)},"
    entries = (f"{quoted(m.name)} = {model.buffers.size(m.buffer):,} bytes" for m in model.metadata)
    yield f"tfl.metadata = {{{', '.join(entries)}}},"
    if not model.signatures:
        yield "tfl.signatures = {}"
        return
    yield "tfl.signatures = {"
    for signature in model.signatures:
        yield f"  {functions[signature.subgraph].signature(signature)}"
    yield "}"


def _symbols(model: Model) -> list[str]:
    """The functions' names; a subgraph without a name, or with that of another, has its index added."""
    taken: set[str] = set()
    symbols: list[str] = []
    for graph in model.subgraphs:
        name = graph.name or "subgraph"
        if name in taken or not graph.name:
            name = f"{name}_{graph.index}"
        taken.add(name)
        symbols.append(f"@{name}" if re.fullmatch(r"[A-Za-z_][\w.$]*", name, re.ASCII) else f"@{quoted(name)}")
    return symbols


@dataclass(frozen=True)
class _Function:
    """A subgraph being printed."""

    model: Model
    graph: Subgraph
    symbols: list[str]
    locations: Locations

    @cached_property
    def _names(self) -> dict[int, str]:
        """Tensor index → value name, of graph inputs and of what no operator writes; others are their number."""
        names = {t: f"%arg{i}" for i, t in reversed(list(enumerate(self.graph.inputs)))}
        read = [(t, _role(op, place)) for op in self.graph.operators for place, t in enumerate(op.inputs)]
        for t, role in (*read, *((t, "c") for t in self.graph.outputs)):
            if t != OPTIONAL and t not in names and t not in self.graph.producers:
                tensor = self.graph.tensors[t]
                names[t] = f"%{role if tensor.constant else 'v' if tensor.variable else 'u'}{t}"
        return names

    def _value(self, t: int) -> str:
        return "none" if t == OPTIONAL else self._names.get(t, f"%{t}")

    @cached_property
    def _types(self) -> dict[int, str]:
        return {OPTIONAL: "none"}

    def _type(self, t: int) -> str:
        if t not in self._types:
            self._types[t] = tensor_type(self.graph.tensors[t])
        return self._types[t]

    def lines(self) -> Iterator[str]:
        tensors = self.graph.tensors
        takes = (f"{self._value(t)}: {self._type(t)} {_named(tensors[t])}" for t in self.graph.inputs)
        gives = (f"{self._type(t)} {_named(tensors[t])}" for t in self.graph.outputs)
        yield f"func.func {self.symbols[self.graph.index]}({', '.join(takes)}) -> ({', '.join(gives)}) {{"
        shown: set[int] = set(self.graph.inputs) | self.graph.producers.keys()
        for op in self.graph.operators:
            yield from self._sources(op.inputs, shown)
            yield f"  {self._operator(op)}"
        yield from self._sources(self.graph.outputs, shown)
        results = ", ".join(map(self._value, self.graph.outputs))
        yield f"  return {results} : {', '.join(map(self._type, self.graph.outputs))}" if results else "  return"
        yield "}"

    def _sources(self, tensors: Iterable[int], shown: set[int]) -> Iterator[str]:
        """Definitions of the values that no operator writes and that were not defined yet."""
        for t in tensors:
            if t != OPTIONAL and t not in shown:
                shown.add(t)
                tensor = self.graph.tensors[t]
                made, note = self._constant(tensor) if tensor.constant else _not_written(tensor)
                notes = ", ".join(filter(None, (quoted(tensor.name) if tensor.name else "", note)))
                yield f"  {self._value(t)} = {made} : {self._type(t)}{f' // {notes}' if notes else ''}"

    def _constant(self, tensor: Tensor) -> tuple[str, str]:
        size = self.model.buffers.size(tensor.buffer)
        note = f"{size:,} bytes"
        if tensor.sparse:
            return "tfl.const sparse<...>", note
        if math.prod(tensor.shape) > _ELEMENTS_SHOWN or size > _BYTES_SHOWN:
            return "tfl.const dense<...>", note
        try:
            return f"tfl.const dense<{_literal(self.model.buffers.data(tensor).tolist())}>", ""
        except TensorDataError as error:
            return "tfl.const dense<?>", str(error).rpartition("no values: ")[2]

    def _operator(self, op: Operator) -> str:
        results = ", ".join("_" if t == OPTIONAL else self._value(t) for t in op.outputs)
        operands = ", ".join(map(self._value, op.inputs))
        attributes = ", ".join(self._attributes(op))
        takes, gives = (", ".join(map(self._type, ends)) for ends in (op.inputs, op.outputs))
        return "".join(
            (
                f"{results} = " if results else "",
                f"{operation(op)}({operands})",
                f" {{{attributes}}}" if attributes else "",
                f" : ({takes}) -> {gives if len(op.outputs) == 1 else f'({gives})'}",
                self._location(op),
            )
        )

    def _attributes(self, op: Operator) -> Iterator[str]:
        if op.custom:
            options = self.model.custom_options(self.graph, op)
            if options:
                yield f"custom_options = {_custom(op.name, options)}"
            return
        callees = schema.CALLS.get(op.name, {})
        for name, value in self.model.options(self.graph, op).items():
            if name in callees:
                called = cast("tuple[int, ...]", value if isinstance(value, tuple) else (value,))
                symbols = ", ".join(self.symbols[i] if i >= 0 else str(i) for i in called)
                yield f"{callees[name]} = {symbols if len(called) == 1 else f'[{symbols}]'}"
            elif name == "composite_attributes" and isinstance(value, bytes):
                yield f"{name} = {_custom(op.name, memoryview(value))}"
            elif value is not False and value is not None and value != () and _SAYS_NOTHING.get(name) != value:
                yield f"{name} = {_raw(memoryview(value)) if isinstance(value, bytes) else _literal(value)}"

    def _location(self, op: Operator) -> str:
        where = self.locations.of(self.graph.index, op.index)
        name = quoted(where.layer or ";".join(where.names)) if where.layer or where.names else ""
        if not where.frames:
            return f" loc({name})" if name else ""
        frame = where.frames[0]
        line = f"{quoted(frame.file)}:{frame.line}:{frame.column}"
        return f" loc({name}({line}))" if name else f" loc({line})"

    def signature(self, signature: Signature) -> str:
        takes, gives = (
            ", ".join(f"{quoted(name)} = {self._value(t)}" for name, t in ends.items())
            for ends in (signature.inputs, signature.outputs)
        )
        return f"{quoted(signature.key)} = {self.symbols[self.graph.index]}({takes}) -> ({gives})"


def operation(op: Operator) -> str:
    """`tfl.conv_2d`, `stablehlo.add`, `tfl.custom "SignalWindow"`."""
    if op.custom:
        return f"tfl.custom {quoted(op.name)}"
    name = op.name.lower()
    return f"stablehlo.{name.removeprefix('stablehlo_')}" if name.startswith("stablehlo_") else f"tfl.{name}"


def tensor_type(tensor: Tensor) -> str:
    """`tensor<?x28x28x1x!quant<i8, 0.0039:-128>>`; `?` for a free dimension."""
    dimensions = "".join(f"{'?' if size < 0 else size}x" for size in tensor.declared_shape)
    return f"tensor<{dimensions}{_element_type(tensor.dtype, tensor.quantization)}>"


def _element_type(dtype: str, quantization: Quantization | None) -> str:
    plain = _ELEMENT_TYPES.get(dtype)
    if plain is None:
        integer = re.fullmatch(r"(u?)int(\d+)", dtype)
        plain = f"{'ui' if integer[1] else 'i'}{integer[2]}" if integer else f"!tfl.{dtype}"
    if quantization is None:
        return plain
    if quantization.block_size is not None:
        return f"!quant<{plain}, blocks of {quantization.block_size}>"
    if not quantization.scale.size:
        low, high = (f"{v[0]:.4g}" if v.size else "?" for v in (quantization.minimum, quantization.maximum))
        return f"!quant.calibrated<{plain}<{low}:{high}>>"
    scales, zero_points = quantization.scale, quantization.zero_point
    if not quantization.per_channel:
        return f"!quant<{plain}, {scales[0]:.4g}:{zero_points[0]}>"
    zeros = np.broadcast_to(zero_points, scales.shape) if zero_points.size == 1 else zero_points
    shown = [
        f"{scale:.4g}" if zero == 0 else f"{scale:.4g}:{zero}"
        for scale, zero in zip(scales[:_SCALES_SHOWN], zeros[:_SCALES_SHOWN], strict=False)
    ]
    rest = f", ... {scales.size} scales" if scales.size > _SCALES_SHOWN else ""
    return f"!quant<{plain}:{quantization.axis}, {{{', '.join(shown)}{rest}}}>"


def quoted(text: str) -> str:
    """In double quotes; quotes, backslashes and everything that is not printable escaped, so that it stays one line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if not escaped.isprintable():
        escaped = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in escaped)
    return f'"{escaped}"'


def _role(op: Operator, place: int) -> str:
    """`w` for a weight, `b` for a bias, `c` for any other constant."""
    roles = {"TRANSPOSE_CONV": "cwcb"}.get(op.name, "cwb")
    weighted = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_3D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
    return roles[place] if op.name in weighted and place < len(roles) else "c"


def _named(tensor: Tensor) -> str:
    return f"{{name = {quoted(tensor.name)}}}"


def _not_written(tensor: Tensor) -> tuple[str, str]:
    return ("tfl.variable", "") if tensor.variable else ("tfl.undefined", "nothing writes it")


def _custom(name: str, options: memoryview) -> str:
    """As data where the encoding is known: `{fft_length = 512} (FlexBuffer, 24 bytes)`."""
    found = custom_options.decode(name, options)
    if not isinstance(found.value, dict | list):
        return _raw(options)
    return f"{_decoded(found.value)} ({found.type or found.encoding}, {found.size:,} bytes)"


def _decoded(value: Value) -> str:
    match value:
        case dict():
            fields = (f"{key if key.isidentifier() else quoted(key)} = {_decoded(v)}" for key, v in value.items())
            return f"{{{', '.join(fields)}}}"
        case list():
            shown = [_decoded(v) for v in value[:_ELEMENTS_SHOWN]]
            return f"[{', '.join(shown)}{', ...' if len(value) > _ELEMENTS_SHOWN else ''}]"
        case bytes():
            return _raw(memoryview(value))
        case str():
            return quoted(value[:_BYTES_SHOWN])
        case _:
            return _literal(value)


def _raw(data: memoryview) -> str:
    return f'"0x{data[:16].hex()}{"..." if len(data) > 16 else ""}" ({len(data):,} bytes)'


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, cast('list[object]', value)))}]"
    if isinstance(value, (float, complex)):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return quoted(str(value, "utf-8", "backslashreplace"))
    return quoted(value) if isinstance(value, str) else str(value)

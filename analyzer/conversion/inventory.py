"""The operators of a source model's graph, before any pass of the converter. Runs in the child process."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tflite_audit.analyzer.conversion.composites import Composites, functions_of
from tflite_audit.analyzer.conversion.constants import Constants
from tflite_audit.analyzer.conversion.failure import find_layer, function_name
from tflite_audit.analyzer.conversion.types import Frame, Operand, SourceGraph, SourceOperator
from tflite_audit.analyzer.user_code import is_users

# What only carries values, or holds them; calls are followed instead.
_LEFT_OUT = frozenset(
    (
        "Const",
        "Placeholder",
        "PlaceholderWithDefault",
        "NoOp",
        "Identity",
        "IdentityN",
        "StopGradient",
        "PreventGradient",
        "Snapshot",
        "_Arg",
        "_Retval",
        "PartitionedCall",
        "StatefulPartitionedCall",
        "VarHandleOp",
        "ReadVariableOp",
        "VariableV2",
        "DisableCopyOnRead",
        "SymbolicGradient",
    )
)

_LOOPS = frozenset({"While", "StatelessWhile", "Map", "For"})


@dataclass(frozen=True, slots=True)
class _Place:
    """What a function's nodes inherit from where it is called."""

    function: str | None = None
    layer: str | None = None
    looped: bool = False


def of_saved_model(folder: Path, layers: Sequence[str] = ()) -> SourceGraph:
    """The operators that the signatures of a SavedModel reach, with source lines where it holds any.

    Args:
        folder: with `saved_model.pb`, and `debug/saved_model_debug_info.pb` where it was saved with debug information.
        layers: names of the model's Keras layers; names of nodes are searched for them.

    Raises:
        OSError: no SavedModel, or none that can be read.
    """
    from tensorflow.python.saved_model import loader_impl

    model: Any = loader_impl.parse_saved_model(str(folder))
    tagged = [meta for meta in model.meta_graphs if "serve" in meta.meta_info_def.tags]
    meta = (tagged or list(model.meta_graphs))[0]
    keys = [key for key in meta.signature_def if not key.startswith("__saved_model")]
    if {"serve", "serving_default"} <= set(
        keys
    ):  # from_saved_model takes this one only (tensorflow/lite/python/lite.py)
        keys = ["serving_default"]
    outputs = [info.name for key in keys for info in meta.signature_def[key].outputs.values()]
    return _collect(meta.graph_def, layers, outputs, _Lines(folder / "debug" / "saved_model_debug_info.pb"))


def of_graph_def(graph_def: Any, layers: Sequence[str] = ()) -> SourceGraph:
    """The operators of a `GraphDef`, and of the functions it calls."""
    return _collect(graph_def, layers, None, _Lines(None))


def _collect(graph_def: Any, layers: Sequence[str], outputs: Sequence[str] | None, lines: _Lines) -> SourceGraph:
    library: Mapping[str, Any] = {f.signature.name: f for f in graph_def.library.function}
    found: list[SourceOperator] = []
    size = 0
    nodes = list(graph_def.node) if outputs is None else _reached(graph_def.node, outputs)
    pending: list[tuple[str, Iterable[Any], _Place]] = [("", nodes, _Place())]
    seen: set[str] = set()
    types = _Types()
    constants = Constants(nodes, library)
    composites = Composites(library, _LEFT_OUT)
    while pending:
        within, nodes, place = pending.pop(0)
        for node in nodes:
            op = node.op
            if op == "Const":
                size += _constant_bytes(node)
                continue
            if op in ("VarHandleOp", "VariableV2"):
                size += _variable_bytes(node)
            named = [name for name in functions_of(node) if name in library]
            if op in library:  # the old kind of call
                named.append(op)
            if named:
                composites.see(within, nodes, node, named)
            called = [name for name in named if name not in seen]
            if op in _LEFT_OUT and not called:
                continue
            layer = find_layer((node.name,), layers) or place.layer
            for name in called:
                seen.add(name)
                inner = _Place(
                    function_name(name) or place.function,
                    find_layer((name,), layers) or layer,
                    place.looped or op in _LOOPS,
                )
                pending.append((name, library[name].node_def, inner))
            if op not in _LEFT_OUT and op not in library:
                frames = lines.of(node.name, within)
                operands = tuple(map(Operand, types.taken(node), *constants.of(within, node)))
                found.append(
                    SourceOperator(
                        op,
                        node.name,
                        place.function,
                        layer,
                        frames,
                        types.of(node),
                        operands,
                        folded=constants.is_constant(within, node.name),
                        looped=place.looped,
                    )
                )
    return SourceGraph(tuple(found), size, composites.found())


def _reached(nodes: Iterable[Any], outputs: Sequence[str]) -> list[Any]:
    """Those that the outputs depend on, in the graph's order; what saves and restores variables is left out."""
    by_name = {node.name: node for node in nodes}
    reached: set[str] = set()
    pending = [output.partition(":")[0] for output in outputs]
    while pending:
        name = pending.pop()
        if name in reached or name not in by_name:
            continue
        reached.add(name)
        pending += [source.lstrip("^").partition(":")[0] for source in by_name[name].input]
    return [node for name, node in by_name.items() if name in reached]


class _Types:
    """Dtypes of a node's outputs and inputs, by the registered definition of its operator."""

    def __init__(self) -> None:
        self._definitions: dict[str, Any] = {}
        self._names: dict[int, str] = {}

    def of(self, node: Any) -> tuple[str, ...]:
        definition = self._definition(node.op)
        if definition is None:
            known = [node.attr[name].type for name in ("T", "dtype") if name in node.attr]
            return tuple(self._name(kind) for kind in known[:1])
        return tuple(self._name(kind) for kind in _kinds(node, definition, definition.output_arg) if kind)

    def taken(self, node: Any) -> tuple[str, ...]:
        """One for each input, empty where the node does not say; () for an operator that TensorFlow does not know."""
        definition = self._definition(node.op)
        if definition is None:
            return ()
        return tuple(self._name(kind) if kind else "" for kind in _kinds(node, definition, definition.input_arg))

    def _definition(self, op: str) -> Any:
        if op not in self._definitions:
            from tensorflow.python.framework import op_def_registry

            self._definitions[op] = op_def_registry.get(op)
        return self._definitions[op]

    def _name(self, kind: int) -> str:
        if kind not in self._names:
            from tensorflow.python.framework import dtypes

            self._names[kind] = dtypes.as_dtype(kind).name
        return self._names[kind]


def _kinds(node: Any, definition: Any, arguments: Iterable[Any]) -> list[int]:
    """Numbers of the dtypes of a node's inputs or outputs; 0 for one that it does not say."""
    usual = {attribute.name: attribute.default_value for attribute in definition.attr}  # left out of a SavedModel

    def told(name: str) -> Any:
        return node.attr[name] if name in node.attr else usual.get(name)

    found: list[int] = []
    for argument in arguments:
        if argument.type_list_attr:
            kinds = told(argument.type_list_attr)
            found += kinds.list.type if kinds is not None else []
        else:
            kind, number = told(argument.type_attr), told(argument.number_attr)
            found += [argument.type or (0 if kind is None else kind.type)] * (1 if number is None else number.i)
    return found


def _constant_bytes(node: Any) -> int:
    tensor = node.attr["value"].tensor
    return len(tensor.tensor_content) or _size(tensor.tensor_shape, tensor.dtype)


def _variable_bytes(node: Any) -> int:
    return _size(node.attr["shape"].shape, node.attr["dtype"].type)


def _size(shape: Any, dtype: int) -> int:
    from tensorflow.python.framework import dtypes

    sizes = [dim.size for dim in shape.dim]
    if shape.unknown_rank or any(size < 0 for size in sizes):
        return 0
    return math.prod(sizes) * max(0, dtypes.as_dtype(dtype).size or 0)


class _Lines:
    """Source lines of nodes (tensorflow/core/framework/graph_debug_info.proto), those of the user only."""

    def __init__(self, path: Path | None) -> None:
        self._info: Any = None
        self._traces: dict[int, tuple[Frame, ...]] = {}
        self._users: dict[int, bool] = {}
        if path is not None and path.exists():
            from google.protobuf.message import DecodeError
            from tensorflow.core.framework import graph_debug_info_pb2

            info: Any = cast(Any, graph_debug_info_pb2).GraphDebugInfo()
            try:
                info.ParseFromString(path.read_bytes())
            except (OSError, DecodeError):  # it adds lines, and nothing depends on it
                return
            self._info = info

    def of(self, name: str, function: str) -> tuple[Frame, ...]:
        """Innermost first; empty where the graph has none."""
        if self._info is None:
            return ()
        key = f"{name}@{function}"
        if key in self._info.name_to_trace_id:
            trace = self._info.name_to_trace_id[key]
            if trace not in self._traces:
                self._traces[trace] = self._frames(self._info.traces_by_id[trace])
            return self._traces[trace]
        return self._frames(self._info.traces[key]) if key in self._info.traces else ()

    def _frames(self, trace: Any) -> tuple[Frame, ...]:
        lines = [*trace.file_line_cols] or [self._info.frames_by_id[number] for number in trace.frame_id]
        return tuple(
            Frame(self._info.files[line.file_index], line.line, line.func)
            for line in reversed(lines)
            if self._is_users(line.file_index)
        )

    def _is_users(self, index: int) -> bool:
        if index not in self._users:
            self._users[index] = is_users(self._info.files[index])
        return self._users[index]

"""The functions of a source model that say what they implement. Runs in the child process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tflite_audit.analyzer.conversion.failure import function_name
from tflite_audit.analyzer.conversion.types import Composite

ATTRIBUTES = ("_implements", "api_implements")
"""Of a FunctionDef, in the order in which PrepareCompositeFunctionsPass looks for them
(tensorflow/compiler/mlir/lite/transforms/prepare_composite_functions_tf.cc)."""

_BESIDES = ("time_major", "go_backwards")
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


class Composites:
    """Collects them, call by call.

    Args:
        library: name → `FunctionDef`.
        left_out: operators that are not counted as what a function holds.
    """

    def __init__(self, library: Mapping[str, Any], left_out: Collection[str]) -> None:
        self._library = library
        self._left_out = left_out
        self._annotated = {name for name, function in library.items() if _attribute(function)}
        self._called: Counter[str] = Counter()
        self._read: dict[str, set[int]] = {}
        self._nonzero: dict[str, set[int]] = {}
        self._readers: dict[str, dict[str, set[int]]] = {}
        self._nodes: dict[str, dict[str, Any]] = {}

    def see(self, within: str, nodes: Iterable[Any], node: Any, functions: Iterable[str]) -> None:
        """A node of the function `within`, or of the graph itself for ``, with the functions that it names."""
        for name in functions:
            if name not in self._annotated:
                continue
            self._called[name] += 1
            if node.op not in _CALLS and node.op != name:
                continue  # a body or a branch: its inputs are not the function's
            if within not in self._nodes:
                self._nodes[within] = {other.name: other for other in nodes}
                self._readers[within] = self._read_in(within)
            self._read.setdefault(name, set()).update(self._readers[within].get(node.name, ()))
            given = [source for source in node.input if not source.startswith("^")]
            known = self._nodes[within]
            self._nonzero.setdefault(name, set()).update(
                number for number, source in enumerate(given) if _nonzero(known.get(source.partition(":")[0]))
            )

    def found(self) -> tuple[Composite, ...]:
        """In the order in which they were first called."""
        return tuple(map(self._composite, self._called))

    def _composite(self, name: str) -> Composite:
        function = self._library[name]
        attribute = _attribute(function) or ""
        value = function.attr[attribute]
        besides = {key: function.attr[key] for key in _BESIDES if key in function.attr}
        if value.WhichOneof("value") == "func":
            besides |= dict(value.func.attr.items())
            implements = value.func.name
        else:
            implements = value.s.decode("utf-8", "backslashreplace")
        return Composite(
            name=function_name(name) or name,
            implements=implements,
            attribute=attribute,
            called=self._called[name],
            inputs=tuple(
                (_dtype(argument.type), _shape(function, number))
                for number, argument in enumerate(function.signature.input_arg)
            ),
            outputs=tuple((_dtype(argument.type), None) for argument in function.signature.output_arg),
            operators=dict(Counter(self._operators(name))),
            attributes={key: _plain(besides[key]) for key in sorted(besides)},
            read=tuple(sorted(self._read.get(name, ()))),
            nonzero=tuple(sorted(self._nonzero.get(name, ()))),
        )

    def _operators(self, name: str) -> Iterator[str]:
        """Those of the function and of what it calls."""
        pending, seen = [name], {name}
        while pending:
            for node in self._library[pending.pop()].node_def:
                if node.op not in self._left_out and node.op != "Const" and node.op not in self._library:
                    yield node.op
                for called in (node.op, *functions_of(node)):
                    if called in self._library and called not in seen:
                        seen.add(called)
                        pending.append(called)

    def _read_in(self, within: str) -> dict[str, set[int]]:
        """Node → which of its outputs another node reads, or the function gives."""
        sources = [source for node in self._nodes[within].values() for source in node.input]
        if within:
            sources += self._library[within].ret.values()
        read: dict[str, set[int]] = {}
        for source in sources:
            name, *place = source.split(":")  # `name:2` in a graph, `name:output:2` in a function
            if not name.startswith("^"):
                read.setdefault(name, set()).add(int(place[-1]) if place and place[-1].isdigit() else 0)
        return read


def functions_of(node: Any) -> Iterator[str]:
    """Names of the functions that a node calls, bodies and conditions included."""
    for value in node.attr.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield value.func.name
        elif kind == "list":
            yield from (function.name for function in value.list.func)


def _attribute(function: Any) -> str | None:
    return next((name for name in ATTRIBUTES if name in function.attr), None)


def _plain(value: Any) -> bool | int | float | str:
    match value.WhichOneof("value"):
        case "b":
            return bool(value.b)
        case "i":
            return int(value.i)
        case "f":
            return float(value.f)
        case "s":
            return str(value.s, "utf-8", "backslashreplace")
        case _:
            return " ".join(str(value).split())


def _dtype(kind: int) -> str:
    from tensorflow.python.framework import dtypes

    return str(dtypes.as_dtype(kind).name)


def _shape(function: Any, argument: int) -> tuple[int, ...] | None:
    """Of an argument, as it was traced; -1 for a free dimension, None where even their number is not known."""
    if argument not in function.arg_attr or "_output_shapes" not in function.arg_attr[argument].attr:
        return None
    shapes = function.arg_attr[argument].attr["_output_shapes"].list.shape
    if len(shapes) != 1 or shapes[0].unknown_rank:
        return None
    return tuple(dim.size for dim in shapes[0].dim)


_LARGE = 1 << 20


def _nonzero(node: Any) -> bool:
    """It is a constant float32 that stands in the graph, and is not zero all over."""
    if node is None or node.op != "Const":
        return False
    tensor = node.attr["value"].tensor
    if tensor.tensor_content:
        if len(tensor.tensor_content) > _LARGE or len(tensor.tensor_content) % 4 or _dtype(tensor.dtype) != "float32":
            return False
        return bool(np.frombuffer(tensor.tensor_content, np.float32).any())
    return any(tensor.float_val)

"""Operator → the layer it came from, and the user's line, as far as the file tells.

Two sources. The names of the output tensors carry the source operations that were fused into an operator
(`net/conv/Relu;net/conv/BiasAdd;net/conv/Conv2D`). The metadata buffer `debug_metadata`, written when
`converter.serialize_debug_metadata` is set, carries MLIR locations, with the Python stack where TensorFlow knew it.

The buffer lists all MLIR operations of a function, constants and the terminator included, so its entries are matched
to the operators by their names. Where names and metadata disagree, the names are believed: the quantizer is known to
write a buffer that no longer belongs to the graph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tables import Bytes, MalformedError, Tables
from .types import OPTIONAL, Model, Operator, Subgraph

METADATA_NAME = "debug_metadata"


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of Python; `line` and `column` count from 1, 0 where not known."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class OpLocation:
    """Where an operator came from.

    Attributes:
        layer: scope of the source operation, `sequential_1/myconv_1`; None where the file does not tell.
        names: the source operations, the last of the fused chain first.
        frames: the user's own code, innermost first; frames of TensorFlow, Keras and Python itself are left out.
    """

    layer: str | None
    names: tuple[str, ...]
    frames: tuple[Frame, ...]


_NOWHERE = OpLocation(None, (), ())


@dataclass(frozen=True)
class Locations:
    """The locations of a model's operators."""

    model: Model

    def of(self, subgraph: int, operator: int) -> OpLocation:
        """The location of an operator; empty where the file tells nothing."""
        graph = self.model.subgraphs[subgraph]
        op = graph.operators[operator]
        names = source_names(graph, op)
        sources = self._sources[subgraph]
        source = sources[operator] if sources else ()
        if not names:
            names = tuple(dict.fromkeys(s.name for s in source))
        anchor = anchor_name(names, op.name)
        stacks = [own for s in source if (own := _users_own(s.stack)) and _same(s.name, anchor)]
        stacks += [own for s in source if (own := _users_own(s.stack))]
        frames = stacks[0] if stacks else ()
        if not names and not frames:
            return _NOWHERE
        return OpLocation(_scope(anchor, frozenset(names)), names, frames)

    @cached_property
    def _sources(self) -> tuple[list[tuple[_Source, ...]], ...]:
        """For each subgraph the metadata of each operator; an empty list where there is none to be believed."""
        entries = _decode(self.model)
        if len(entries) != len(self.model.subgraphs):
            return tuple([] for _ in self.model.subgraphs)
        return tuple(_align(graph, found) for graph, found in zip(self.model.subgraphs, entries, strict=True))


def locate(model: Model) -> Locations:
    """The locations of the model's operators; the metadata is decoded when the first is asked for."""
    return Locations(model)


# Names

_NO_SOURCE = re.compile(
    r"|((Func/)?(Stateful)?PartitionedCall|Identity|unknown)[_:\d]*"  # outputs of a signature
    r"|(tfl|tf|arith|std|func|stablehlo|vhlo|tosa|quantfork)\.[a-z0-9_.]+"  # named by MLIR, not by the user
)
_CALL_PREFIX = re.compile(r"^((Func/)?(Stateful)?PartitionedCall(_\d+)?/)+")
_LEAF_OF_OPERATOR = {
    "CONV_2D": ("conv2d", "convolution"),
    "DEPTHWISE_CONV_2D": ("depthwise",),
    "TRANSPOSE_CONV": ("conv2dtranspose", "convtranspose"),
    "FULLY_CONNECTED": ("matmul", "tensordot", "einsum"),
    "BATCH_MATMUL": ("batchmatmul", "matmul", "einsum"),
    "AVERAGE_POOL_2D": ("avgpool",),
    "MAX_POOL_2D": ("maxpool",),
    "LOGISTIC": ("sigmoid",),
    "WHILE": ("while",),
}
"""How TensorFlow names the source operation, where that is not the operator's own name."""


def source_names(subgraph: Subgraph, operator: Operator) -> tuple[str, ...]:
    """The source operations that the names of the operator's outputs tell, without repetitions."""
    for tensor in subgraph.written_by(operator):
        parts = (_CALL_PREFIX.sub("", part) for part in tensor.name.split(";"))
        names = tuple(dict.fromkeys(part for part in parts if not _NO_SOURCE.fullmatch(part)))
        if names:
            return names
    return ()


def anchor_name(names: Sequence[str], operator: str) -> str:
    """The one of the fused names that the operator is about; "" if there is none.

    A fused name also lists activations, batch normalization, and, where a constant is shared, layers that have nothing
    to do with the operator. So: a name that ends in the operator's own source operation, in the scope that most names
    share, and of these the last, since the chain goes from its end to its beginning.
    """
    known = frozenset(names)
    scopes = Counter(_scope(name, known) for name in names)
    wanted = _LEAF_OF_OPERATOR.get(operator, (re.sub(r"_(?:V\d|ND)$|_", "", operator).lower(),))
    best, best_rank = "", (False, 0)
    for name in names:
        leaf = re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].lower())
        rank = (leaf.startswith(wanted), scopes[_scope(name, known)])
        if rank >= best_rank:
            best, best_rank = name, rank
    return best


def _scope(name: str, names: frozenset[str]) -> str | None:
    """`a/conv` for `a/conv/BiasAdd`, and for `a/conv/BiasAdd/ReadVariableOp`, a part of that operation."""
    name = re.sub(r"/ReadVariableOp(/resource)?\d*$", "", name)
    scope = name.rpartition("/")[0]
    while scope in names:
        scope = scope.rpartition("/")[0]
    return scope or None


def _same(source: str, tensor: str) -> bool:
    """Tensor names end in digits that make them unique in the file."""
    return bool(source) and tensor.startswith(source) and (tensor == source or tensor[len(source) :].isdigit())


# Metadata

# The layout is measured, not published: a flatbuffer with these fields in this order (offsets into the vtable).
_UNION_TYPES, _UNION_VALUES = 4, 6  # DebugMetadata.debug_metadata
_CONVERSION = 1  # its only member, ConversionDebugMetadata
_SUBGRAPHS, _ATTRIBUTE_TYPES, _ATTRIBUTES = 4, 6, 8  # ConversionDebugMetadata
_OPERATORS = 4  # SubgraphDebugMetadata
_INDEXES = 4  # OperatorDebugMetadata, and FusedLoc
_LOCATION = 1  # attribute that is a Location and not a DictItem
_KIND, _VALUE = 4, 6  # Location
_CALL_SITE, _FILE_LINE, _FUSED, _NAME, _OPAQUE = 1, 2, 3, 4, 5
_FIRST, _SECOND, _THIRD = 4, 6, 8  # fields of a location

_DEEPEST = 64
_MOST_NAMES = 64
_MOST_FRAMES = 1_000_000  # limits, so that a hostile buffer asks for no more time or memory than that


@dataclass(frozen=True, slots=True)
class _Source:
    """A source operation, and the whole Python stack that made it, innermost first."""

    name: str
    stack: tuple[Frame, ...]


def _decode(model: Model) -> list[list[tuple[_Source, ...]]]:
    """For each subgraph the entries of the metadata; empty where there is none, or none that can be read."""
    for entry in model.metadata:
        if entry.name == METADATA_NAME:
            try:
                return _entries(Bytes(model.buffers.bytes(entry.buffer)))
            except MalformedError:
                return []
    return []


def _entries(data: Bytes) -> list[list[tuple[_Source, ...]]]:
    root = data.root("debug metadata")
    kinds = root.vector(_UNION_TYPES, "u1", "kinds of debug metadata").tuples()[0]
    if _CONVERSION not in kinds:
        return []
    all_metadata = root.vector(_UNION_VALUES, "<u4", "debug metadata").tables("debug metadata")
    conversion = all_metadata.rows(np.array([kinds.index(_CONVERSION)]))
    attribute_types = conversion.vector(_ATTRIBUTE_TYPES, "u1", "kinds of attributes").tuples()[0]
    attributes = conversion.vector(_ATTRIBUTES, "<u4", "attributes").tables("attribute")
    if len(attribute_types) != len(attributes):
        raise MalformedError("attributes and their kinds differ in number")
    locations = _LocationTree(np.array(attribute_types, np.uint8), attributes)
    subgraphs = conversion.vector(_SUBGRAPHS, "<u4", "subgraphs of debug metadata").tables("subgraph of debug metadata")
    listed = subgraphs.vector(_OPERATORS, "<u4", "operators of debug metadata")
    indexes = listed.tables("operator of debug metadata").vector(_INDEXES, "<u4", "attribute indexes").tuples()
    sources = [tuple(s for i in mine for s in locations.sources(i))[:_MOST_NAMES] for mine in indexes]
    ends = np.cumsum(listed.length).tolist()
    return [sources[a:b] for a, b in zip([0, *ends], ends, strict=False)]


class _LocationTree:
    """MLIR locations, which name each other by their index among the attributes."""

    def __init__(self, types: NDArray[np.uint8], attributes: Tables) -> None:
        is_location = np.flatnonzero(types == _LOCATION)
        tables = attributes.rows(is_location)
        self._kind = np.zeros(len(attributes), np.int64)
        self._kind[is_location] = tables.scalar(_KIND, "u1")
        present, values = tables.child(_VALUE, "location")
        owner = is_location[present]
        kinds = self._kind[owner]
        self._children = np.full((len(attributes), 2), -1, np.int64)  # -1: none, as the file writes it too
        self._text: dict[int, str] = {}
        self._frame: dict[int, Frame] = {}
        self._fused: dict[int, tuple[int, ...]] = {}
        self._known: dict[int, tuple[_Source, ...]] = {}
        self._room = _MOST_FRAMES

        def of(kind: int) -> tuple[NDArray[Any], Tables]:
            chosen = np.flatnonzero(kinds == kind)
            return owner[chosen], values.rows(chosen)

        where, calls = of(_CALL_SITE)
        self._children[where, 0] = calls.scalar(_FIRST, "<i4")
        self._children[where, 1] = calls.scalar(_SECOND, "<i4")
        where, lines = of(_FILE_LINE)
        columns = (lines.scalar(_SECOND, "<u4").tolist(), lines.scalar(_THIRD, "<u4").tolist())
        for i, file, line, column in zip(where.tolist(), lines.strings(_FIRST, "file"), *columns, strict=True):
            self._frame[i] = Frame(file or "", line, column)
        where, fused = of(_FUSED)
        self._fused = dict(zip(where.tolist(), fused.vector(_FIRST, "<u4", "fused locations").tuples(), strict=True))
        where, named = of(_NAME)
        self._text = {i: text or "" for i, text in zip(where.tolist(), named.strings(_FIRST, "name"), strict=True)}
        self._children[where, 0] = named.scalar(_SECOND, "<i4", -1)
        where, opaque = of(_OPAQUE)
        self._children[where, 0] = opaque.scalar(_SECOND, "<i4")
        indexes = [*self._children.reshape(-1).tolist(), *(i for part in self._fused.values() for i in part)]
        if indexes and max(indexes) >= len(attributes):
            raise MalformedError("a location names another that does not exist")

    def sources(self, index: int, depth: int = 0) -> tuple[_Source, ...]:
        """The source operations of a location."""
        if not 0 <= index < self._kind.size or depth > _DEEPEST:
            return ()
        if index not in self._known:
            self._known[index] = ()  # what leads back to itself tells nothing
            self._known[index] = self._find(index, depth + 1)
        return self._known[index]

    def _find(self, index: int, depth: int) -> tuple[_Source, ...]:
        kind = self._kind[index]
        first, second = self._children[index].tolist()
        if kind == _FUSED:
            parts = (source for i in self._fused[index] for source in self.sources(i, depth))
            return tuple(dict.fromkeys(parts))[:_MOST_NAMES]
        if kind == _NAME:
            # `Conv2D:` is the type of the operation, `net/conv/Conv2D@__inference_f_12` its name and function.
            name = _CALL_PREFIX.sub("", self._text[index].partition("@")[0])
            stack = tuple(self._frames(first))
            return () if name.endswith(":") or _NO_SOURCE.fullmatch(name) else (_Source(name, stack),)
        if kind == _CALL_SITE:
            # Either a name and the rest of its Python stack, outermost first, or an operation and the call of the
            # function it was inlined from. The stack of the operation is complete by itself.
            own = self.sources(first, depth)
            stack = tuple(self._frames(second))
            return tuple(self._called(s, stack) for s in own) if own else self.sources(second, depth)
        return self.sources(first, depth) if kind == _OPAQUE else ()

    def _called(self, source: _Source, stack: tuple[Frame, ...]) -> _Source:
        self._room -= len(stack)
        return source if self._room < 0 else _Source(source.name, (*stack, *source.stack))

    def _frames(self, index: int) -> Iterator[Frame]:
        """The frames of a stack, innermost first; nothing if it is no stack."""
        found: list[Frame] = []
        for _ in range(1000):
            call = index >= 0 and self._kind[index] == _CALL_SITE
            frame = self._frame.get(int(self._children[index, 0]) if call else index)
            if frame is None:
                break
            found.append(frame)
            if not call:
                break
            index = int(self._children[index, 1])
        return reversed(found)


_LIBRARY = re.compile(
    r"(site|dist)-packages[/\\](tensorflow|keras|tf_keras|tensorflow_hub|ai_edge_torch|litert_torch|absl)[/\\]"
    r"|[/\\]tflite_audit[/\\](analyzer|rules|reports)[/\\]"
    r"|[/\\]lib[/\\]python3\.\d+[/\\](?!(site|dist)-packages)"
    r"|^<"
)
_CONVERTER = re.compile(r"[/\\]tensorflow[/\\]lite[/\\]python[/\\]")


def _users_own(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The frames of the user; those that called the converter say nothing of an operation it traced."""
    traced = takewhile(lambda frame: not _CONVERTER.search(frame.file), stack)
    return tuple(frame for frame in traced if not _LIBRARY.search(frame.file))


def _align(subgraph: Subgraph, entries: list[tuple[_Source, ...]]) -> list[tuple[_Source, ...]]:
    """The entries of the operators: the last ones, or the last but for the terminator; [] if nothing confirms them.

    Names confirm them, or, where no tensor has a name to compare with, as many entries in front as there are constants.
    An entry that its operator's tensor names contradict is dropped. Where an operator has no name to compare with, its
    entry is believed if no other of the subgraph is contradicted.
    """
    ops = subgraph.operators
    names = [source_names(subgraph, op) for op in ops]
    constants = _constants(subgraph)
    best: list[tuple[_Source, ...]] = []
    best_rank = (0, False)
    for start in (len(entries) - len(ops), len(entries) - len(ops) - 1):
        if start < 0:
            continue
        mine = entries[start : start + len(ops)]
        verdicts = [_agrees(known, told) for known, told in zip(names, mine, strict=True)]
        doubt = False in verdicts
        rank = (verdicts.count(True), start == constants and not doubt)
        if rank > best_rank:
            best_rank = rank
            best = [e if v is True or (v is None and not doubt) else () for e, v in zip(mine, verdicts, strict=True)]
    return best


def _constants(subgraph: Subgraph) -> int:
    """How many MLIR operations make constants: one for each tensor that nothing writes, one for all left out."""
    left_out = any(OPTIONAL in op.inputs for op in subgraph.operators)
    return len(subgraph.tensors) - len(subgraph.producers.keys() | set(subgraph.inputs)) + left_out


def _agrees(names: Sequence[str], sources: Sequence[_Source]) -> bool | None:
    """Whether tensor names and metadata tell of a common source operation; None where one of them tells nothing."""
    if not names or not sources:
        return None
    return any(_same(source.name, name) for source in sources for name in names)

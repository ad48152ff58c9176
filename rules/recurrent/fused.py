"""Recurrent layers that are one operator of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph

from .cells import LSTM, SIMPLE
from .loops import reversed_before

FUSED = {
    "BIDIRECTIONAL_SEQUENCE_LSTM": LSTM,
    "BIDIRECTIONAL_SEQUENCE_RNN": SIMPLE,
    "LSTM": LSTM,
    "RNN": SIMPLE,
    "SVDF": "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": LSTM,
    "UNIDIRECTIONAL_SEQUENCE_RNN": SIMPLE,
}
"""Operator → the cell that it runs."""

# Places among the inputs of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM (lite/kernels/lstm_shared.h); the forward ones of
# BIDIRECTIONAL_SEQUENCE_LSTM are the same as far as the projection (lite/kernels/bidirectional_sequence_lstm.cc).
_INPUT_TO_INPUT, _RECURRENT_TO_OUTPUT, _CELL_TO_OUTPUT, _PROJECTION, _FORGET_LAYER_NORM, _FULL = 1, 8, 11, 16, 21, 18
_CELL_STATE = 19

# Of LSTM with the basic kernel: data, previous output, weights, biases, previous state (lite/kernels/lstm.cc).
_BASIC_INPUTS, _BASIC_STATE = 5, 4

# Of SVDF: input, feature weights [filters, features], time weights, bias, state (lite/kernels/svdf.cc).
_FEATURE_WEIGHTS = 1
# Of RNN and its sequences: input, weights [units, features], recurrent weights [units, units] ...
# (lite/kernels/basic_rnn.cc, unidirectional_sequence_rnn.cc, bidirectional_sequence_rnn.cc).
_RNN_RECURRENT = 2


@dataclass(frozen=True, slots=True)
class Fused:
    """A fused recurrent operator.

    Attributes:
        cell, variant, steps, units, backward, bidirectional: as in RecurrentLayer.
        states: its variable tensors.
    """

    subgraph: int
    operator: int
    cell: str
    variant: tuple[str, ...]
    steps: int | None
    units: int | None
    backward: bool | None
    bidirectional: bool
    states: tuple[int, ...]


def fused(model: Model) -> Iterator[Fused]:
    """Every fused recurrent operator, in the order of the file."""
    for subgraph, op in model.operators:
        if not op.custom and op.name in FUSED:
            options = model.options(subgraph, op)
            bidirectional = op.name.startswith("BIDIRECTIONAL")
            sequence = "SEQUENCE" in op.name
            yield Fused(
                subgraph.index,
                op.index,
                FUSED[op.name],
                variant(op, options),
                _steps(subgraph, op, time_major=options.get("time_major") is True) if sequence else 1,
                _units(subgraph, op, options),
                reversed_before(subgraph, op.inputs[0]) if sequence and not bidirectional and op.inputs else None,
                bidirectional,
                tuple(t for t in op.inputs if t != OPTIONAL and subgraph.tensors[t].variable),
            )


def variant(op: Operator, options: dict[str, object]) -> tuple[str, ...]:
    """What a fused LSTM has beyond the plain one, or leaves out, as its inputs tell it."""
    if FUSED[op.name] != LSTM:
        return ()
    if _basic(op, options):
        return ("basic kernel",)
    unidirectional = not op.name.startswith("BIDIRECTIONAL")
    return (
        *([] if _has(op, _INPUT_TO_INPUT) else ["coupled input and forget gates"]),
        *(["peepholes"] if _has(op, _CELL_TO_OUTPUT) else []),
        *(["projection"] if _has(op, _PROJECTION) else []),
        *(["layer normalization"] if unidirectional and _has(op, _FORGET_LAYER_NORM) else []),
    )


def _basic(op: Operator, options: dict[str, object]) -> bool:
    return op.name == "LSTM" and (options.get("kernel_type") == "BASIC" or len(op.inputs) == _BASIC_INPUTS)


def _has(op: Operator, place: int) -> bool:
    return place < len(op.inputs) and op.inputs[place] != OPTIONAL


def _steps(subgraph: Subgraph, op: Operator, *, time_major: bool) -> int | None:
    if not _has(op, 0):
        return None
    shape = subgraph.tensors[op.inputs[0]].declared_shape
    place = 0 if time_major else 1
    return shape[place] if len(shape) == 3 and shape[place] > 0 else None


def _units(subgraph: Subgraph, op: Operator, options: dict[str, object]) -> int | None:
    if op.name == "SVDF":
        filters, rank = _size(subgraph, op, _FEATURE_WEIGHTS, 0), options.get("rank")
        return filters // rank if filters and isinstance(rank, int) and rank > 0 else filters
    if FUSED[op.name] == SIMPLE:
        return _size(subgraph, op, _RNN_RECURRENT, 0)
    if _basic(op, options):
        return _size(subgraph, op, _BASIC_STATE, -1)
    return _size(subgraph, op, _RECURRENT_TO_OUTPUT, 0)


def _size(subgraph: Subgraph, op: Operator, place: int, dimension: int) -> int | None:
    if not _has(op, place):
        return None
    shape = subgraph.tensors[op.inputs[place]].shape
    return shape[dimension] if shape and shape[dimension] > 0 else None

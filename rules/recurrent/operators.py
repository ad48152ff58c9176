"""What the operators of a cell do with the state that reaches them.

Operators of StableHLO and TensorFlow operators that were kept count as the built-in ones that do the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from tflite_audit.analyzer.model.types import OPTIONAL, Operator, Subgraph

CONVOLUTIONS = frozenset({"CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
MATRIX = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"}) | CONVOLUTIONS
"""Operators by which a cell weighs its state; the convolutions for ConvLSTM."""

SAME = frozenset(
    {"BROADCAST_TO", "CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SQUEEZE", "TILE", "TRANSPOSE"}
)
"""They pass on all values of their first input as they are, in another shape or type."""

SLICES = frozenset({"GATHER", "GATHER_ND", "SLICE", "SPLIT", "SPLIT_V", "STRIDED_SLICE", "UNPACK"})
"""They pass on a part of the values."""

JOINS = frozenset({"CONCATENATION", "PACK"})

MOVES = SAME | SLICES | JOINS | {"DYNAMIC_UPDATE_SLICE", "PAD", "PADV2"}
"""They compute nothing."""

CHOICES = frozenset({"SELECT", "SELECT_V2"})
"""One of their inputs 1 and 2, element by element."""

SQUASHING = frozenset(
    {
        *("CLAMP", "DIV", "ELU", "EXP", "HARD_SWISH", "LOGISTIC", "MAXIMUM", "MINIMUM", "RELU", "RELU6"),
        *("RELU_0_TO_1", "RELU_N1_TO_1", "TANH"),
    }
)
"""Parts of the functions that gates are made with: sigmoid, hard sigmoid, softsign, tanh and others."""

ELEMENTWISE = SQUASHING | {
    *("ABS", "ADD", "ADD_N", "ATAN2", "COS", "DENSIFY", "GELU", "LEAKY_RELU", "LOG", "MUL", "NEG", "POW", "PRELU"),
    *("RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SUB"),
}

INDEX_TYPES = frozenset({"bool", "int32", "int64", "resource", "string", "uint32", "uint64", "variant"})
"""Tensor types that hold no real numbers, quantized or not."""

_OTHER_NAMES = {
    "ADD_V2": "ADD",
    "BATCH_MAT_MUL_V2": "BATCH_MATMUL",
    "BROADCAST_IN_DIM": "BROADCAST_TO",
    "CONCATENATE": "CONCATENATION",
    "CONVERT": "CAST",
    "CONVOLUTION": "CONV_2D",
    "DIVIDE": "DIV",
    "DOT_GENERAL": "BATCH_MATMUL",
    "DYNAMIC_SLICE": "SLICE",
    "EXPONENTIAL": "EXP",
    "MULTIPLY": "MUL",
    "NEGATE": "NEG",
    "SUBTRACT": "SUB",
}
_KEPT = {
    "FlexAdd": "ADD",
    "FlexAddV2": "ADD",
    "FlexBatchMatMulV2": "BATCH_MATMUL",
    "FlexConcatV2": "CONCATENATION",
    "FlexConv2D": "CONV_2D",
    "FlexConv3D": "CONV_3D",
    "FlexMatMul": "BATCH_MATMUL",
    "FlexMul": "MUL",
    "FlexSelectV2": "SELECT_V2",
    "FlexSigmoid": "LOGISTIC",
    "FlexSplit": "SPLIT",
    "FlexSub": "SUB",
    "FlexTanh": "TANH",
}


_NEEDED = {
    **dict.fromkeys(MOVES | ELEMENTWISE, 1),
    **dict.fromkeys(MATRIX | {"DYNAMIC_UPDATE_SLICE", "LOGICAL_AND", "AND", "SPLIT"}, 2),
    **dict.fromkeys(CHOICES | {"TRANSPOSE_CONV"}, 3),
}
"""Inputs that an operator cannot do without; a file may leave them out all the same."""
_NOTHING = ((), (OPTIONAL,))


def kind(op: Operator) -> str:
    """The name of the built-in operator that does what `op` does; its own name if there is none.

    Empty if it lacks what that operator reads and writes.
    """
    name, inputs = op.name, op.inputs
    if op.custom:
        name = _KEPT.get(name, name)
    elif name not in _NEEDED and name.startswith("STABLEHLO_"):
        name = name.removeprefix("STABLEHLO_")
        name = _OTHER_NAMES.get(name, name)
    needed = _NEEDED.get(name, 0)
    missing = needed and (len(inputs) < needed or OPTIONAL in inputs[:needed] or op.outputs[:1] in _NOTHING)
    return "" if missing else name


def data(op: Operator) -> tuple[int, ...]:
    """The inputs of a MOVES operator whose values it passes on; all inputs of any other, without those left out."""
    name = kind(op)
    if name == "SPLIT":
        return op.inputs[1:2]
    if name in SAME or name in SLICES or name in {"PAD", "PADV2"}:
        return op.inputs[:1]
    if name == "DYNAMIC_UPDATE_SLICE":
        return op.inputs[:2]
    if name in CHOICES:
        return op.inputs[1:3]
    return tuple(t for t in op.inputs if t != OPTIONAL)


def before(subgraph: Subgraph, t: int) -> Iterator[int]:
    """`t`, and the tensors that it is another shape or type of, nearest first."""
    for _ in range(16):
        yield t
        i = subgraph.producers.get(t)
        if i is None:
            return
        op = subgraph.operators[i]
        if kind(op) in SLICES:  # one that takes all there is
            whole = prod(subgraph.tensors[t].shape) == prod(subgraph.tensors[data(op)[0]].shape)
        else:
            whole = kind(op) in SAME
        if not whole:
            return
        t = data(op)[0]


def first(subgraph: Subgraph, t: int) -> int:
    """The tensor that `t` is another shape or type of."""
    *_, last = before(subgraph, t)
    return last

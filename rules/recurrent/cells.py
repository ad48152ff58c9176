"""Which recurrent cell a set of operators is, told by its gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MATRIX = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D"})
"""Operators by which a cell weighs its state; the convolutions for ConvLSTM."""

NEVER_IN_A_CELL = frozenset(
    {
        "ARG_MAX",
        "AVERAGE_POOL_2D",
        "GELU",
        "L2_POOL_2D",
        "LOG_SOFTMAX",
        "MAX_POOL_2D",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SOFTMAX",
        "TOPK_V2",
        "TRANSPOSE_CONV",
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A recurrent cell, or several that step together.

    Attributes:
        name: `LSTM`, `GRU`, `simple RNN`, or several joined by ` and `.
        gated: it has sigmoid gates, so that hardly anything else looks like it.
    """

    name: str
    gated: bool


def recognise(counts: Mapping[str, int]) -> Cell | None:
    """The cell that one step with these operators (name → how many) is; None if it is none that is known."""
    kind = _by_gates(counts)
    if kind is None or "FULLY_CONNECTED" in counts or "BATCH_MATMUL" in counts:
        return kind
    return Cell(f"convolutional {kind.name}", kind.gated) if MATRIX & counts.keys() else kind


def _by_gates(counts: Mapping[str, int]) -> Cell | None:
    """The cell by its sigmoids and tanh.

    An LSTM step has three and two, a GRU step two and one, so that a LSTMs and b GRUs have 3a + 2b and 2a + b. A hard
    sigmoid is a MINIMUM and a RELU, or RELU_0_TO_1; RELU and ELU may stand for tanh.
    """
    hard = max(counts.get("MINIMUM", 0), counts.get("RELU_0_TO_1", 0))
    sigmoids = counts.get("LOGISTIC", 0) + hard
    tanh = counts.get("TANH", 0)
    if not tanh:
        tanh = counts.get("RELU", 0) + counts.get("ELU", 0) - counts.get("MINIMUM", 0)
    if not sigmoids:
        return Cell("simple RNN", gated=False) if counts.get("TANH", 0) else None
    lstms, grus = 2 * tanh - sigmoids, 2 * sigmoids - 3 * tanh
    by_tanh = bool(counts.get("TANH", 0))
    if lstms >= 0 and grus >= 0 and lstms + grus > 0 and (by_tanh or not grus or counts.get("SUB", 0)):
        names = [*(["LSTM"] if lstms else []), *(["GRU"] if grus else [])]
        return Cell(" and ".join(names), gated=True)
    if counts.get("SUB", 0):  # 1 - gate
        if sigmoids == tanh and sigmoids % 2 == 0:
            return Cell("LSTM", gated=True)  # coupled input and forget gates
        if sigmoids == 2 and tanh <= 0:
            return Cell("GRU", gated=True)  # its activation was fused into the operator before
    return None

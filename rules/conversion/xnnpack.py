"""Why XNNPACK, the delegate that LiteRT and TensorFlow run by default, refuses a model without naming an operator."""

from __future__ import annotations

from dataclasses import dataclass

from tflite_audit.analyzer.evaluation.types import Trial
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph, Tensor

REQUANTIZATION = 256.0
"""Input scale times weight scale over output scale has to be less (XNNPACK, src/operators/fully-connected-nc.c and
convolution-nhwc.c). With TensorFlow 2.21 and LiteRT 2.3, 255 runs and 257 does not, for both operators."""

_OPERATORS = ("CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, slots=True)
class Requantized:
    """An operator whose output's scale is too small for its input and weights.

    Attributes:
        factor: input scale times weight scale over output scale.
        scale: of the output.
    """

    subgraph: Subgraph
    operator: Operator
    factor: float
    scale: float


def refuses(trial: Trial) -> bool:
    """The delegate could not be made, and no operator is named."""
    return trial.operator is None and "XNNPACK" in trial.reason.upper()


def requantized(model: Model) -> tuple[Requantized, ...]:
    """The int8 operators beyond the limit."""
    return tuple(
        found
        for subgraph, op in model.operators
        if op.name in _OPERATORS and (found := _requantized(subgraph, op)) and found.factor >= REQUANTIZATION
    )


def _requantized(subgraph: Subgraph, op: Operator) -> Requantized | None:
    if len(op.inputs) < 2 or OPTIONAL in op.inputs[:2] or not op.outputs:
        return None
    read, weights, written = (_largest(subgraph.tensors[t]) for t in (*op.inputs[:2], op.outputs[0]))
    if not read or not weights or not written:
        return None
    return Requantized(subgraph, op, read * weights / written, written)


def _largest(tensor: Tensor) -> float | None:
    """Of its scales; None for a tensor that is not 8 bits wide, or has none."""
    parameters = tensor.quantization
    if tensor.dtype not in {"int8", "uint8"} or parameters is None or not parameters.scale.size:
        return None
    return float(parameters.scale.max())

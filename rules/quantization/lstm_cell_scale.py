"""Q112."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.quantization import scales
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule

SMALLEST = 2.0**-15
"""The cell state's scale is a power of two, and tanh is computed with 15 bits more than its exponent before the point:
there are kernels for 0 to 6 (ApplyTanh, lite/kernels/internal/reference/portable_tensor_utils.cc), and for fewer the
function returns without having written anything."""

LSTM_EDIT = """from tensorflow.lite.tools import flatbuffer_utils

model = flatbuffer_utils.read_model("model.tflite")
tensors = model.subgraphs[0].tensors
for op in model.subgraphs[0].operators:
    if len(op.inputs) == 24:  # a fused LSTM
{edit}
flatbuffer_utils.write_model(model, "repaired.tflite")"""

_CELL_STATE = 19
"""Its place among the inputs of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM (lite/kernels/lstm_shared.h)."""


@rule("Q112", "lstm-cell-scale", Severity.ERROR)
def lstm_cell_scale(model: Model, locations: Locations) -> Iterator[Finding]:
    """The cell state of a fused int8 LSTM has a scale for which its kernel has no tanh.

    ## What it does
    Looks at the fused LSTM operators whose cell state is int16. The kernel has a tanh for a cell state whose scale is
    at least 2^-15.

    ## Why is this bad
    The runtimes do not check it, and answer: the output is the end of its range from the first step on, whatever goes
    in. Two LSTMs, one on the other, gave 0.148 for everything, where the float model gave -0.066 to 0.061
    (TensorFlow 2.21, LiteRT 2.3).

    ## Example
        UNIDIRECTIONAL_SEQUENCE_LSTM  cell state int16, scale 2^-16: it stayed below 0.5 over the calibration set

    ## Fix
    Write 2^-15 into the file. With `unroll=True` the layer is int8 without this operator.
    """
    cells = [(subgraph, op) for subgraph, op in model.operators if _integer_cell(subgraph, op)]
    if not cells:
        raise NotApplicable("no fused LSTM with an int16 cell state")
    small = [
        (places.of_operator(subgraph, op, locations), cell, scale[0])
        for subgraph, op in cells
        if (scale := scales.per_tensor(cell := subgraph.tensors[op.inputs[_CELL_STATE]])) and scale[0] < SMALLEST
    ]
    if not small:
        return
    where = [place for place, _, _ in small]
    counted = places.counted([place.op or "LSTM" for place in where])
    cause = (
        f"The cell state of {counted}{places.named(where)} has a scale of {small[0][2]:.3g}, below 2^-15, for which "
        "the kernel has no tanh: it writes nothing there, and the layer answers the same whatever it is given"
    )
    yield Finding(
        message=f"{cause}.",
        location=where[0],
        evidence=(
            scales.table(
                "Cell states",
                ("layer", "tensor", "scale"),
                [(place.layer, scales.name(cell), f"{scale:.7g}") for place, cell, scale in small],
            ),
        ),
        cause=cause,
        remedy=Remedy(
            "Raise the scale to 2^-15 in the file: the kernel computes everything from it as it is loaded. Or unroll "
            "the layer.",
            LSTM_EDIT.format(
                edit="        cell = tensors[op.inputs[19]].quantization\n"
                "        cell.scale = [max(float(cell.scale[0]), 2**-15)]"
            ),
        ),
        culprits=tuple(where),
        key=("cell state", scales.name(small[0][1])),
    )


def _integer_cell(subgraph: Subgraph, op: Operator) -> bool:
    if op.custom or op.name not in ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM") or len(op.inputs) <= _CELL_STATE:
        return False
    cell = op.inputs[_CELL_STATE]
    return cell != OPTIONAL and subgraph.tensors[cell].dtype == "int16"

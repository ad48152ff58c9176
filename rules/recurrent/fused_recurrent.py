"""R003."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.precision import Arithmetic, ModelPrecision
from tflite_audit.rules.rule import Finding, Severity, Tensors, rule

FUSED = {
    "BIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
    "BIDIRECTIONAL_SEQUENCE_RNN": "simple RNN",
    "LSTM": "LSTM",
    "RNN": "simple RNN",
    "SVDF": "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "simple RNN",
}

# Places among the inputs of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM (lite/kernels/lstm_shared.h).
_INPUT_TO_INPUT, _CELL_TO_OUTPUT, _PROJECTION, _FORGET_LAYER_NORM, _FULL = 1, 11, 16, 21, 18

_ARITHMETIC = {
    Arithmetic.FLOAT32: "float32",
    Arithmetic.FLOAT16: "float with float16 weights",
    Arithmetic.HYBRID: "float activations with integer weights",
    Arithmetic.INT8: "int8",
    Arithmetic.UINT8: "uint8",
    Arithmetic.INT16: "int16",
}


@rule("R003", "fused-recurrent", Severity.INFO)
def fused_recurrent(model: Model, precision: ModelPrecision, locations: Locations) -> Iterator[Finding]:
    """A recurrent layer is one fused operator; says which, in which variant, and what it computes in.

    ## What it does
    Lists the fused recurrent operators (LSTM, RNN and SVDF, over a sequence or one step), the variant of each as its
    inputs tell it (coupled input and forget gates, peepholes, projection, layer normalization), its arithmetic, and
    the tensors that keep its state between calls.

    ## Why is this bad
    It is not: this is the form that runs fastest, and the only one of an LSTM that quantizes to int8 without being
    unrolled. Two things are worth knowing. The state lives in variable tensors: it is carried from one call to the
    next unless the application resets it (`interpreter.reset_all_variables()`). And these operators have no 16x8 form
    in the converter.

    ## Example
        UNIDIRECTIONAL_SEQUENCE_LSTM int8[1,28,28] -> int8[1,28,20]

    ## Fix
    Nothing needs to be fixed. Reset the state between sequences that have nothing to do with each other.
    """
    alike: dict[tuple[str, str, str], list[tuple[Subgraph, Operator]]] = {}
    for subgraph, op in model.operators:
        if not op.custom and op.name in FUSED:
            arithmetic = _ARITHMETIC.get(precision.of(subgraph, op), "integers")
            alike.setdefault((_variant(op), op.name, arithmetic), []).append((subgraph, op))
    for (variant, name, arithmetic), operators in alike.items():
        where = [places.of_operator(subgraph, op, locations) for subgraph, op in operators]
        states = [(subgraph, t) for subgraph, op in operators for t in subgraph.read_by(op) if t.variable]
        kept = f"; {places.plural(len(states), 'tensor')} of state kept between calls" if states else ""
        each = "" if len(where) == 1 else f" at each of {len(where)} places"
        yield Finding(
            message=f"{variant}{places.named(where)} is one {name} operator{each}, in {arithmetic}{kept}.",
            location=where[0],
            evidence=(
                places.listed("Fused operators", where),
                Tensors(
                    title="State kept between calls",
                    tensors=tuple((places.of_tensor(subgraph, t), t.dtype, t.shape) for subgraph, t in states),
                ),
            ),
            key=(variant, name, arithmetic),
        )


def _variant(op: Operator) -> str:
    kind = FUSED[op.name]
    if kind != "LSTM":
        return f"{'An' if kind == 'SVDF' else 'A'} {kind} layer"
    if op.name.startswith("BIDIRECTIONAL"):
        return "A bidirectional LSTM"
    if len(op.inputs) < _FULL:
        return "A basic LSTM cell"
    marks = [
        *([] if _has(op, _INPUT_TO_INPUT) else ["coupled input and forget gates"]),
        *(["peepholes"] if _has(op, _CELL_TO_OUTPUT) else []),
        *(["projection"] if _has(op, _PROJECTION) else []),
        *(["layer normalization"] if _has(op, _FORGET_LAYER_NORM) else []),
    ]
    return "An LSTM" + (f" with {places.enumerated(marks)}" if marks else "")


def _has(op: Operator, place: int) -> bool:
    return place < len(op.inputs) and op.inputs[place] != OPTIONAL

"""R002."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent.loops import Loop, recurrent_loops
from tflite_audit.rules.rule import Confidence, Finding, Numbers, Remedy, Severity, rule


@rule("R002", "while-recurrent", Severity.WARNING, confidence=Confidence.LIKELY)
def while_recurrent(model: Model, locations: Locations) -> Iterator[Finding]:
    """An LSTM, GRU or simple RNN runs as a WHILE loop over the time steps.

    ## What it does
    Looks into the body of every WHILE: where operators that depend on what the loop carries weigh it by a matrix
    product, and their gates are those of an LSTM, a GRU or a simple RNN, the loop is a recurrent layer. Other loops
    are left alone.

    ## Why is this bad
    The body is run by the interpreter operator by operator, step by step, and no delegate takes it over. It does not
    quantize: with a calibration set the converter of TensorFlow 2.21 dies on such loops (SIGSEGV), so that int8 and
    16x8 are out of reach.

    ## Example
    `keras.layers.LSTM(32)` of Keras 3 with a fixed batch: WHILE, a condition and a body of 19 operators.

    ## Fix
    tf_keras (Keras 2) converts an LSTM with a fixed batch to one UNIDIRECTIONAL_SEQUENCE_LSTM, which is faster and
    quantizes to int8. A GRU or a Keras 3 model has `unroll=True`, at the price of an operator list as long as the
    sequence. For streaming, convert one step with the state as input and output.
    """
    for loop in recurrent_loops(model):
        subgraph = model.subgraphs[loop.subgraph]
        where = places.of_operator(subgraph, subgraph.operators[loop.operator], locations)
        body = model.subgraphs[loop.body]
        steps = "" if loop.steps is None else f" of {loop.steps} steps"
        yield Finding(
            message=f"{loop.cell.name} cells{places.named([where])} run as a WHILE loop{steps}, "
            f"{len(body.operators)} operators a step.",
            location=where,
            evidence=(
                Numbers(
                    title="Loop",
                    numbers=(("steps", loop.steps, ""), ("operators in the body", len(body.operators), "")),
                ),
                places.listed("Body", (places.of_operator(body, op, locations) for op in body.operators)),
            ),
            remedy=_remedy(loop),
            key=(loop.cell.name, where.layer or body.name or where.tensor or ""),
        )


def _remedy(loop: Loop) -> Remedy:
    if "LSTM" in loop.cell.name:
        return Remedy(
            "Build the layer with tf_keras (Keras 2) and a fixed batch: it becomes one fused operator.",
            "import tf_keras\n\n"
            f"inputs = tf_keras.Input(batch_shape=(1, {loop.steps or 'STEPS'}, FEATURES))\n"
            "x = tf_keras.layers.LSTM(UNITS)(inputs)",
        )
    layer = "GRU" if loop.cell.name == "GRU" else "SimpleRNN"
    return Remedy(
        "Unroll a short sequence: no fused operator exists for this layer in converted models.",
        f"x = keras.layers.{layer}(UNITS, unroll=True)(inputs)",
    )

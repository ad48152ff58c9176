"""R002."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Conversion
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import why_measured, why_obstacles, why_remedies
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.why import Why, explain
from tflite_audit.rules.rule import Confidence, Finding, Severity, Table, rule


@rule("R002", "while-recurrent", Severity.WARNING, confidence=Confidence.LIKELY)
def while_recurrent(
    model: Model, recurrent: RecurrentLayers, locations: Locations, conversion: Conversion | None
) -> Iterator[Finding]:
    """A recurrent layer runs as a WHILE loop over the time steps.

    ## What it does
    Looks into the body of every WHILE: where what the loop carries is weighed by a matrix product (or, as in an
    IndRNN, element by element) and gated as in an LSTM, a GRU, a simple RNN or a cell of one's own, the loop is a
    recurrent layer. Other loops are left alone. The cause is read from the layer of the Keras model that was converted,
    or, where only the file is known, from what the loop itself shows.

    ## Why is this bad
    The body is run by the interpreter operator by operator, step by step, and no delegate takes it over: an LSTM of 40
    units over 28 steps took 72 microseconds as a loop, 52 unrolled and 30 fused. It does not quantize: with a
    calibration set the converter of TensorFlow 2.21 dies on such loops (SIGSEGV), so that int8 and 16x8 are out of
    reach. Dynamic range and float16 convert. docs/recurrent.md has all that was measured.

    ## Example
    `keras.layers.LSTM(32)` of Keras 3 with a fixed batch: WHILE, a condition of 3 and a body of 19 operators.

    ## Fix
    tf_keras (Keras 2) converts an LSTM with a fixed batch to one UNIDIRECTIONAL_SEQUENCE_LSTM, unless it has a mask, is
    stateful, has a state that is read, another activation than tanh and sigmoid, no bias, or recurrent dropout. That
    makes the smallest file, and the fastest but in int8; there is no 16x8 form. A GRU, a simple RNN and a ConvLSTM
    never fuse. `unroll=True` makes every one of them quantize to int8, and to 16x8 where it has no mask, at the price
    of an operator list as long as the sequence. For streaming, `tflite-audit streamify` makes the model of one step
    with the state as input and output.
    """
    for why in explain(recurrent.of(Form.LOOP), recurrent.layers, model, conversion):
        subgraph = model.subgraphs[why.first.subgraph]
        where = [places.of_operator(subgraph, subgraph.operators[layer.anchor], locations) for layer in why.layers]
        yield Finding(
            message=_message(model, why),
            location=where[0] if where[0].layer or not why.names else dataclasses.replace(where[0], layer=why.names[0]),
            evidence=(
                _loops(model, why),
                *([why_obstacles.table(why.obstacles)] if why.obstacles else []),
                places.listed("Loops", where),
                why_measured.table(),
            ),
            cause=why.cause,
            remedy=why_remedies.of_loop(why),
            key=(why.first.cell, *(why.names or [where[0].tensor or ""])),
        )


def _message(model: Model, why: Why) -> str:
    layer, count = why.first, len(why.layers)
    steps = "" if layer.steps is None else f" of {places.plural(layer.steps, 'step')}"
    runs = f"{'run' if why.several else 'runs'} as {'a WHILE loop' if count == 1 else f'{count} WHILE loops'}"
    each = "" if count == 1 else " each"
    lists = " on lists that only TensorFlow's own kernels know (Flex)" if layer.lowered == "flex" else ""
    least, most = min(bodies := [_body(model, layer) for layer in why.layers]), max(bodies)
    body = places.plural(most, "operator") if least == most else f"{least:,} to {places.plural(most, 'operator')}"
    known = f" {why.known}" if why.cause is None and why.known else ""
    return f"{why.called} {runs}{steps}{each}{lists}, {body} a step; {why_measured.quantizes(Form.LOOP)}{known}"


def _body(model: Model, layer: RecurrentLayer) -> int:
    return 0 if layer.body is None else len(model.subgraphs[layer.body].operators)


def _loops(model: Model, why: Why) -> Table:
    return Table(
        title="Loops",
        columns=("layer", "cell", "units", "steps", "operators a step", "operators of the condition", "direction"),
        rows=tuple(
            (
                layer.layer or "",
                layer.cell,
                layer.units,
                layer.steps,
                _body(model, layer),
                0 if layer.cond is None else len(model.subgraphs[layer.cond].operators),
                {True: "backward", False: "forward", None: ""}[layer.backward],
            )
            for layer in why.layers
        ),
    )

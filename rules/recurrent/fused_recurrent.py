"""R003."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from tflite_audit.analyzer.conversion.types import Conversion, SourceRecurrent
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.precision import Arithmetic
from tflite_audit.rules.recurrent import why_measured
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.why import Why, explain
from tflite_audit.rules.rule import Finding, Severity, rule

_ARITHMETIC = {
    Arithmetic.FLOAT32: "float32",
    Arithmetic.FLOAT16: "float with float16 weights",
    Arithmetic.HYBRID: "float activations with integer weights",
    Arithmetic.INT8: "int8",
    Arithmetic.UINT8: "uint8",
    Arithmetic.INT16: "int16",
}


@rule("R003", "fused-recurrent", Severity.INFO)
def fused_recurrent(
    model: Model, recurrent: RecurrentLayers, locations: Locations, conversion: Conversion | None
) -> Iterator[Finding]:
    """A recurrent layer is one fused operator; says which, in which variant, and what it computes in.

    ## What it does
    Lists the fused recurrent operators (LSTM, RNN and SVDF, over a sequence or one step), the variant of each as its
    inputs tell it (coupled input and forget gates, peepholes, projection, layer normalization), and its arithmetic.

    ## Why is this bad
    It is not: of an LSTM this is the smallest form, in float32, float16 and dynamic range the fastest, and the only one
    that quantizes to int8 without being unrolled. There its kernel is slow: one of 40 units over 28 steps took 30
    microseconds in float32 and 12 in dynamic range, but 324 in int8, where unrolled it took 39 (docs/recurrent.md has
    all that was measured). It has no 16x8 form in the converter. It keeps its state from call to call, of which R004
    tells, also where the layer of the source begins every call with zeros. And the converter clips the cell state of an
    LSTM at 10, which Keras does not: one that counts to 30 over 36 steps and down again ended at -1.0 instead of 1.0.

    ## Example
        UNIDIRECTIONAL_SEQUENCE_LSTM int8[1,28,28] -> int8[1,28,20]

    ## Fix
    Nothing needs to be fixed.
    """
    for why in explain(recurrent.of(Form.FUSED), recurrent.layers, model, conversion):
        operators = [(g := model.subgraphs[layer.subgraph], g.operators[layer.anchor]) for layer in why.layers]
        where = [places.of_operator(subgraph, op, locations) for subgraph, op in operators]
        yield Finding(
            message=_message(model, why, operators),
            location=where[0] if where[0].layer or not why.names else dataclasses.replace(where[0], layer=why.names[0]),
            evidence=(
                places.listed("Fused operators", where),
                *([why_measured.table()] if why.first.cell.endswith("LSTM") else []),
            ),
            cause=why.cause,
            key=(_variant(why), operators[0][1].name, str(why.first.arithmetic), *why.names),
        )


def _message(model: Model, why: Why, operators: Sequence[tuple[Subgraph, Operator]]) -> str:
    name, count = operators[0][1].name, len(operators)
    arithmetic = _ARITHMETIC.get(why.first.arithmetic or Arithmetic.OTHER, "integers")
    is_one = f"is one {name} operator" if count == 1 else f"is {count} {name} operators"
    is_one = f"are one {name} operator each" if why.several else is_one
    anew = any(_begins_anew(layer, source) for layer, source in zip(why.layers, why.sources, strict=True))
    state = "; the state is carried on from call to call, and not in the source" if anew else ""
    clip = model.options(*operators[0]).get("cell_clip")
    clipped = f"; the cell state is clipped at ±{clip:g}" if isinstance(clip, float) and clip > 0 else ""
    sixteen = "; 16x8 is refused" if name == "UNIDIRECTIONAL_SEQUENCE_LSTM" else ""
    return f"{why.called}{_variant(why)} {is_one}, in {arithmetic}{state}{clipped}{sixteen}."


def _begins_anew(layer: RecurrentLayer, source: SourceRecurrent | None) -> bool:
    """The operator has states of its own, and the source's layer begins every call with zeros."""
    return bool(layer.states) and source is not None and not source.stateful and source.state_given is False


def _variant(why: Why) -> str:
    return f" with {places.enumerated(why.first.variant)}" if why.first.variant else ""

"""R011."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Conversion, SourceRecurrent
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import why_remedies
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.why import explain
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule


@rule("R011", "initial-state-lost", Severity.ERROR)
def initial_state_lost(
    model: Model, recurrent: RecurrentLayers, locations: Locations, conversion: Conversion
) -> Iterator[Finding]:
    """A fused LSTM begins with zeros, although the source gives it another constant state.

    ## What it does
    Reports a layer of the Keras model that is called with an `initial_state` of constants that are not all zero, and
    that became one fused operator.

    ## Why is this bad
    The fused operator keeps its state in variable tensors, which are zero before the first call: the constant is
    thrown away, and the model answers something else. The converter says nothing. (A state that is an input, or that
    the model computes, does arrive.)

    ## Example
    `tf_keras.layers.LSTM(4)(x, initial_state=[ones, ones])`: fused, and off by 0.24 (TensorFlow 2.21).

    ## Fix
    Make the state an input of the model and give it with every call, or unroll the layer.
    """
    if conversion.recurrent is None:
        raise NotApplicable("the recurrent layers of the source are not known")
    for why in explain(recurrent.of(Form.FUSED), recurrent.layers, model, conversion):
        for layer, source in zip(why.layers, why.sources, strict=True):
            if source is None or not source.state_nonzero:
                continue
            subgraph = model.subgraphs[layer.subgraph]
            where = places.of_operator(subgraph, subgraph.operators[layer.anchor], locations)
            yield Finding(
                message=f"The initial state of {source.path} is lost: {where.op} begins with zeros, and the source "
                "with a constant that is not.",
                location=where if where.layer else dataclasses.replace(where, layer=source.path),
                cause=f"{source.path} is called with a constant initial_state that is not zero; the fused operator "
                "keeps its state in variable tensors, which hold no constants.",
                remedy=_remedy(layer, source),
                key=(source.path,),
            )


def _remedy(layer: RecurrentLayer, source: SourceRecurrent) -> Remedy:
    size = source.units[0] if source.units else "UNITS"
    names = [f"{side}{state}" for side in (("forward_", "backward_") if source.merge_mode else ("",)) for state in "hc"]
    return Remedy(
        "Make the state an input, and give the constant with every call; or unroll the layer, which begins with it.",
        f"state = [tf_keras.Input(batch_shape=(1, {size}), name=name) for name in {names}]\n"
        f"x = {why_remedies.lstm(layer, source)}(inputs, initial_state=state)",
    )

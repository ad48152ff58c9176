"""R010."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tflite_audit.analyzer.conversion.types import Conversion
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.quantization.lstm_cell_scale import LSTM_EDIT
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.tracing import copies
from tflite_audit.rules.recurrent.why import explain
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, Table, rule

# Places of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM (lite/kernels/lstm_shared.h); the hidden state's scale is that of the
# last of five intermediate tensors.
_PROJECTION, _STATE, _HIDDEN = 16, 18, 4
_LSTM = frozenset({"LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"})


@dataclass(frozen=True, slots=True)
class _Scales:
    """What an int8 LSTM writes with, and what its values are read with."""

    layer: RecurrentLayer
    hidden: tuple[float, int]
    state: tuple[float, int]
    output: tuple[float, int]

    @property
    def off(self) -> float:
        """By how much a value of the output is read wrong, at the most."""
        return max(
            abs(_real(q, read) - _real(q, self.hidden)) for q in (-128, 127) for read in (self.output, self.state)
        )


@rule("R010", "lstm-scales-disagree", Severity.ERROR)
def lstm_scales_disagree(
    model: Model, recurrent: RecurrentLayers, locations: Locations, conversion: Conversion | None
) -> Iterator[Finding]:
    """A fused int8 LSTM writes its output with one scale, and it is read with another.

    ## What it does
    Compares, for each fused int8 LSTM without projection, the scale and zero point by which the kernel makes the new
    hidden state (the operator's fifth intermediate tensor) with those of the state and of the output, which get the
    same bytes (lite/kernels/lstm_eval.cc, LstmStepInteger8x8_16).

    ## Why is this bad
    Every value comes out multiplied by the ratio of the two scales, and so does what the next step takes of it. The
    converter lets the three drift apart where what follows asks the output for another scale: a concatenation, as in
    every Bidirectional, gives all its inputs one scale; and a state that is an input gets the scale of the data.
    Nothing is said.

    ## Example
    `tf_keras.layers.Bidirectional(LSTM(16))` in int8: off by 0.047 where answers reach 0.45; with
    `merge_mode="sum"` or `None`, which leave the scales equal, by 0.005 (TensorFlow 2.21).

    ## Fix
    Write one scale into the file: the output's for the state and for the intermediate tensor, after which the layer
    above is off by 0.009. Or keep the two directions apart until a layer with a scale of its own has taken them, with
    `merge_mode=None` and a Dense layer for each. Keep states that are inputs within the range of the layer's outputs.
    Or unroll the layer.
    """
    found = [scales for layer in recurrent.of(Form.FUSED) if (scales := _scales(model, layer)) is not None]
    if not found:
        raise NotApplicable("no fused int8 LSTM without projection")
    # Less than a step of the output is lost in its rounding.
    apart = [scales for scales in found if scales.off > scales.output[0]]
    for why in dict.fromkeys(_because(model, scales.layer) for scales in apart):
        group = [scales for scales in apart if _because(model, scales.layer) is why]
        layers = [scales.layer for scales in group]
        names = [name for known in explain(layers, recurrent.layers, model, conversion) for name in known.names]
        yield _finding(model, group, names, why, locations)


def _finding(
    model: Model, group: Sequence[_Scales], names: Sequence[str], why: _Because | None, locations: Locations
) -> Finding:
    operators = [(g := model.subgraphs[scales.layer.subgraph], g.operators[scales.layer.anchor]) for scales in group]
    where = [places.of_operator(subgraph, op, locations) for subgraph, op in operators]
    called = f" {places.enumerated(names)}" if names else ""
    off = max(scales.off for scales in group)
    if len(group) == 1:
        message = f"The fused int8 LSTM{called} writes its output with another scale than it is read with"
    else:
        message = f"{len(group)} fused int8 LSTMs{called} write their outputs with other scales than they are read with"
    return Finding(
        message=f"{message}: values are off by up to {off:.2g}.",
        location=where[0],
        evidence=(
            Table(
                title="Scale and zero point of the same bytes",
                columns=("operator", "made with", "kept as state with", "read as output with", "off by up to"),
                rows=tuple(
                    (place.tensor or "", _told(s.hidden), _told(s.state), _told(s.output), round(s.off, 5))
                    for place, s in zip(where, group, strict=True)
                ),
            ),
            places.listed("Fused operators", where),
        ),
        cause=" ".join(("The kernel copies the codes of its state to its output.", *([str(why)] if why else ()))),
        remedy=_remedy(why, group[0].layer),
        key=("scales", *(names or [where[0].tensor or ""])),
    )


def _scales(model: Model, layer: RecurrentLayer) -> _Scales | None:
    """None for what is no int8 LSTM without projection."""
    subgraph = model.subgraphs[layer.subgraph]
    op = subgraph.operators[layer.anchor]
    if op.name not in _LSTM or len(op.inputs) <= _STATE or op.inputs[_PROJECTION] != OPTIONAL:
        return None
    if len(op.intermediates) <= _HIDDEN or subgraph.tensors[op.outputs[0]].dtype != "int8":
        return None
    found = [_parameters(subgraph, t) for t in (op.intermediates[_HIDDEN], op.inputs[_STATE], op.outputs[0])]
    hidden, state, output = found
    if hidden is None or state is None or output is None:
        return None
    return _Scales(layer, hidden, state, output)


def _parameters(subgraph: Subgraph, t: int) -> tuple[float, int] | None:
    quantization = None if t == OPTIONAL else subgraph.tensors[t].quantization
    return None if quantization is None else quantization.single


def _real(value: int, parameters: tuple[float, int]) -> float:
    scale, zero = parameters
    return (value - zero) * scale


def _told(parameters: tuple[float, int]) -> str:
    scale, zero = parameters
    return f"{scale:.6g}, {zero}"


class _Because(StrEnum):
    """What asked for another scale, where the file shows it."""

    GIVEN = "Its state is given from outside the operator, and has the scale of what is given."
    JOINED = "Its output is joined with others by CONCATENATION, which gives all that it joins one scale."


def _because(model: Model, layer: RecurrentLayer) -> _Because | None:
    subgraph = model.subgraphs[layer.subgraph]
    op = subgraph.operators[layer.anchor]
    if op.inputs[_STATE] in subgraph.producers or op.inputs[_STATE] in subgraph.inputs:
        return _Because.GIVEN
    return _Because.JOINED if _joined(subgraph, op) else None


def _remedy(why: _Because | None, layer: RecurrentLayer) -> Remedy:
    if why is _Because.GIVEN:
        return Remedy(
            "Calibrate with states that stay within the range of the layer's outputs, as its own do; or unroll it.",
            f"x = tf_keras.layers.LSTM({layer.units or 'UNITS'}, unroll=True)(inputs)",
        )
    return Remedy(
        "Give the state the scale and zero point of the output in the file. Or unroll the layer.",
        LSTM_EDIT.format(
            edit="        output = tensors[op.outputs[0]].quantization\n"
            "        for index in (op.inputs[18], op.intermediates[4]):\n"
            "            state = tensors[index].quantization\n"
            "            state.scale, state.zeroPoint = output.scale, output.zeroPoint"
        ),
    )


_KEEP_SCALE = frozenset({"RESHAPE", "REVERSE_V2", "SLICE", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE"})


def _joined(subgraph: Subgraph, op: Operator) -> bool:
    """A CONCATENATION reads the output, through operators that keep the scale."""
    return any(
        subgraph.operators[i].name == "CONCATENATION"
        for output in op.outputs
        for t in copies(subgraph, output, _KEEP_SCALE)
        for i in subgraph.consumers.get(t, ())
    )

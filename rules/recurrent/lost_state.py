"""R005."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflite_audit.analyzer.conversion.types import Conversion, SourceRecurrent
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import dropped
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer, RecurrentLayers
from tflite_audit.rules.recurrent.states import Keeping, States
from tflite_audit.rules.rule import Confidence, Finding, Location, NotApplicable, Remedy, Severity, Table, rule


@rule("R005", "lost-state", Severity.WARNING, confidence=Confidence.LIKELY)
def lost_state(
    model: Model, states: States, recurrent: RecurrentLayers, locations: Locations, conversion: Conversion | None
) -> Iterator[Finding]:
    """A recurrent layer begins each call with an empty state, or its new state goes nowhere.

    ## What it does
    Looks for recurrent layers of which nothing is left after a call. It warns where that can hardly be meant: the
    source's layer is stateful and the file keeps nothing; a call takes a single step, so that the layer never sees the
    step before; other layers of the model do keep their states; or a state is taken as an input, and its next value is
    no output. A fused operator that has no variable tensor for its state is an error. Otherwise it says, as
    information, that the model answers whole sequences and does not stream.

    ## Why is this bad
    A recurrent layer without its state is a dense layer: fed step by step, it answers each as if it were the first. It
    runs, and the answers look right. Of fused operators SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM ask for variable tensors
    when they are called (`output_state != nullptr was not true`, TensorFlow 2.21 and LiteRT 2.3).

    ## Example
    `keras.layers.LSTM(32)` on `Input(batch_shape=(1, 1, 16))`, called once a frame.

    ## Fix
    Convert one step with the state as input and output, which `tflite-audit streamify` does for Keras models, and pass
    it from call to call; or build the layer with `stateful=True` and a fixed batch, for which the file keeps variables.
    """
    sources = (conversion.recurrent if conversion else None) or ()
    thrown = [*dropped.of_model(model, states)]
    if not recurrent.layers and not sources and not thrown:
        raise NotApplicable("the model has no recurrent layer")
    for one in thrown:
        yield _dropped(model, locations, one)
    unkept = [layer for layer in recurrent.of(Form.FUSED) if _without_variables(model, layer)]
    if unkept:
        yield _refused(model, locations, unkept)
    stateful = [source for source in sources if source.stateful]
    if stateful and not states.carried:
        yield _stateful(stateful)
        return
    numbers = sorted({state.layer for state in states.kept(Keeping.LOST) if state.layer is not None})
    lost = [recurrent.layers[number] for number in numbers]
    single = [layer for layer in lost if layer.steps == 1]
    if single:
        yield _one_step(model, locations, single)
    elif not lost and not states.carried and not thrown:
        alone = [source for source in sources if source.steps == 1 and not source.state_given]
        if alone:
            yield _one_step_of_source(alone)
    others = [layer for layer in lost if layer.steps != 1]
    if others:
        yield _anew(model, locations, others, states, recurrent)


_ASKING = frozenset({"SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"})
"""Fused operators whose kernels were seen to refuse a state that is no variable (GetVariableInput in svdf.cc and
unidirectional_sequence_lstm.cc)."""


def _without_variables(model: Model, layer: RecurrentLayer) -> bool:
    graph = model.subgraphs[layer.subgraph]
    op = graph.operators[layer.anchor]
    return op.name in _ASKING and not any(graph.tensors[t].variable for t in op.inputs if t != OPTIONAL)


def _refused(model: Model, locations: Locations, layers: Sequence[RecurrentLayer]) -> Finding:
    where = [_place(model, locations, layer) for layer in layers]
    names = places.enumerated(dict.fromkeys(place.op or "" for place in where))
    return Finding(
        message=f"{names}{places.named(where)} has no variable tensor for its state: the interpreters load the model, "
        "and refuse to run it.",
        location=where[0],
        evidence=(places.listed("Operators without variables", where),),
        cause="The operator keeps its state in inputs that are marked is_variable, and none of its inputs is.",
        remedy=Remedy(
            "Convert the model again, and leave the file as it is: a tool that rewrites it may drop the mark."
        ),
        severity=Severity.ERROR,
        key=("no variable tensors", *places.layers(where)),
    )


def _dropped(model: Model, locations: Locations, one: dropped.Dropped) -> Finding:
    graph = model.subgraphs[one.subgraph]
    name = next(
        (k for s in model.signatures if s.subgraph == graph.index for k, t in s.inputs.items() if t == one.read),
        graph.tensors[one.read].name,
    )
    where = places.of_operator(graph, graph.operators[one.operator], locations)
    return Finding(
        message=f"The input {name} is the state of a recurrent cell, and its next value is no output: the next call "
        "cannot be given it.",
        location=where,
        cause=f"{where.op} computes the next value from {name}, and only this call reads it.",
        remedy=Remedy(
            "Make every state that the layer returns an output of the model.",
            "y, *new_states = keras.layers.LSTM(UNITS, return_state=True)(x, initial_state=states)\n"
            "model = keras.Model([x, *states], [y, *new_states])",
        ),
        key=("not given back", name),
    )


def _stateful(sources: Sequence[SourceRecurrent]) -> Finding:
    names = [source.name for source in sources]
    verb = "is" if len(names) == 1 else "are"
    return Finding(
        message=f"{places.enumerated(names)} {verb} stateful, and the file keeps no state: each call begins anew.",
        location=Location(layer=names[0]),
        cause="The source's layer was built with stateful=True; the file has no variable that is read and assigned, "
        "and no state among its inputs and outputs.",
        remedy=_streamify(),
        key=("stateful", *names),
    )


def _one_step(model: Model, locations: Locations, lost: Sequence[RecurrentLayer]) -> Finding:
    where = [_place(model, locations, layer) for layer in lost]
    cells = places.enumerated(dict.fromkeys(layer.cell for layer in lost))
    return Finding(
        message=f"{cells}{places.named(where)} takes one step a call and begins each call with an empty state: it "
        "never sees the step before.",
        location=where[0],
        evidence=(_table(lost),),
        cause="The layer's steps are fixed at 1, and its state is a constant before the step.",
        remedy=_streamify(),
        key=("one step", *places.layers(where)),
    )


def _one_step_of_source(sources: Sequence[SourceRecurrent]) -> Finding:
    names = [source.name for source in sources]
    return Finding(
        message=f"{places.enumerated(names)} takes one step a call and begins each call with an empty state: it never "
        "sees the step before.",
        location=Location(layer=names[0]),
        cause="The source's layer gets sequences of one step, no state, and is not stateful; so the converter left out "
        "what its recurrent weights do.",
        remedy=_streamify(),
        key=("one step", *names),
    )


def _anew(
    model: Model, locations: Locations, lost: Sequence[RecurrentLayer], states: States, recurrent: RecurrentLayers
) -> Finding:
    where = [_place(model, locations, layer) for layer in lost]
    cells = places.enumerated(dict.fromkeys(layer.cell for layer in lost))
    kept = {state.layer for state in states.kept(Keeping.OUTSIDE, Keeping.RESOURCE) if state.layer is not None}
    named = places.named(where)
    if kept:
        keeping = places.enumerated(dict.fromkeys(recurrent.layers[number].cell for number in sorted(kept)))
        return Finding(
            message=f"{cells}{named} begins each call with an empty state, while {keeping} of the same model keeps its "
            "own.",
            location=where[0],
            evidence=(_table(lost),),
            cause="Its state is a constant before the first step of a call.",
            remedy=_streamify(),
            key=("while others keep theirs", *places.layers(where)),
        )
    steps = sorted({layer.steps for layer in lost if layer.steps})
    length = f" of {steps[0]} steps" if len(steps) == 1 else ""
    return Finding(
        message=f"{cells}{named} begins each call with an empty state: the model answers whole sequences{length}, and "
        "does not stream.",
        location=where[0],
        evidence=(_table(lost),),
        cause="No input, variable or variable tensor gives the state that its first step begins with.",
        remedy=_streamify(),
        severity=Severity.INFO,
        key=("whole sequences", *places.layers(where)),
    )


def _place(model: Model, locations: Locations, layer: RecurrentLayer) -> Location:
    graph = model.subgraphs[layer.subgraph]
    return places.of_operator(graph, graph.operators[layer.anchor], locations)


def _table(lost: Sequence[RecurrentLayer]) -> Table:
    return Table(
        title="Recurrent layers that begin anew",
        columns=("layer", "cell", "form", "steps", "units"),
        rows=tuple((layer.layer, layer.cell, str(layer.form), layer.steps, layer.units) for layer in lost),
    )


def _streamify() -> Remedy:
    return Remedy(
        "To stream, convert one step with the state as input and output.",
        "tflite-audit streamify model.keras",
    )

"""Why a recurrent layer has its form: by the source, by the model alone, and not at all."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.builders import converted
from tests.cases.case import FLOAT32, facts, made_from
from tests.cases.models import Net, unrolled_lstm
from tests.cases.r002 import gru, loop, lstm
from tests.cases.r003 import fused
from tflite_audit.analyzer.conversion.types import (
    Composite,
    Conversion,
    Frame,
    Outcome,
    SourceGraph,
    SourceOperator,
    SourceRecurrent,
    Stage,
)
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent.why import Why, article, explain
from tflite_audit.rules.recurrent.why_obstacles import Kind, of_source

KERAS_3 = SourceRecurrent("encoder", "LSTM", "keras", ("LSTMCell",), units=(8,), activation="tanh", annotated=False)
TF_KERAS = replace(KERAS_3, package="tf_keras", annotated=True)


def whys(given: Facts) -> tuple[Why, ...]:
    assert given.model is not None
    assert given.recurrent is not None
    layers = given.recurrent.layers
    return explain(layers, layers, given.model, given.conversion)


def why(given: Facts) -> Why:
    (found,) = whys(given)
    return found


def answering_last(net: Net) -> Net:
    """A loop of which only what it carries last is read, and no state."""
    main = net._subgraphs[0]  # pyright: ignore[reportPrivateUsage]
    main.outputs = [main.operators[0].outputs[-1]]
    return net


# By the source


def test_keras_3_marks_nothing() -> None:
    found = why(made_from(loop(3, lstm), KERAS_3))
    assert found.cause == (
        "encoder is an LSTM layer of Keras 3. Keras 3 does not mark the function of its LSTM for the converter, as "
        "tf_keras does (api_implements), and the loop over the steps stays a WHILE."
    )
    assert found.source == KERAS_3
    assert found.can_fuse
    assert [o.kind for o in found.obstacles] == [Kind.NOT_MARKED]


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        (replace(TF_KERAS, masked=True), Kind.MASK, "a mask comes with the input"),
        (replace(TF_KERAS, state_used=True), Kind.STATE_READ, "the hidden state that it returns is read"),
        (replace(TF_KERAS, stateful=True), Kind.STATEFUL, "stateful=True"),
        (replace(TF_KERAS, activation="relu", annotated=False), Kind.ACTIVATION, "activation is relu"),
        (
            replace(TF_KERAS, recurrent_activation="hard_sigmoid", annotated=False),
            Kind.ACTIVATION,
            "recurrent_activation is hard_sigmoid, and only sigmoid is marked",
        ),
        (replace(TF_KERAS, recurrent_dropout=0.2, annotated=False), Kind.RECURRENT_DROPOUT, "recurrent_dropout=0.2"),
        (replace(TF_KERAS, use_bias=False, annotated=False), Kind.NO_BIAS, "use_bias=False"),
        (replace(TF_KERAS, kind="RNN", annotated=False), Kind.WRAPPED, "an RNN around LSTMCell is not marked"),
    ],
)
def test_what_keeps_tf_keras_from_fusing(source: SourceRecurrent, kind: Kind, says: str) -> None:
    found = why(made_from(loop(3, lstm), source))
    assert found.cause is not None
    assert f"of tf_keras, which the converter does not fuse: {says}" in found.cause
    assert [o.kind for o in found.obstacles] == [kind]
    assert found.can_fuse
    besides = why(made_from(loop(3, lstm), replace(source, package="keras", annotated=False)))
    assert besides.cause is not None
    assert f"It would not fuse with tf_keras either: {says}" in besides.cause


@pytest.mark.parametrize(
    "source",
    [
        replace(TF_KERAS, go_backwards=True),
        replace(TF_KERAS, time_major=True),
        replace(TF_KERAS, dropout=0.2),
        replace(TF_KERAS, return_sequences=True),
        replace(TF_KERAS, return_state=True),
        replace(TF_KERAS, state_given=True),
        replace(TF_KERAS, batch=None, steps=None),
    ],
)
def test_what_makes_no_difference_is_no_cause(source: SourceRecurrent) -> None:
    assert of_source(source) == ()
    found = why(made_from(answering_last(loop(3, lstm)), source))
    assert found.cause is None, "the model is a loop, and nothing shows why"
    assert found.known == "encoder is an LSTM layer of tf_keras; its settings do not show why."


@pytest.mark.parametrize(
    ("kind", "cells", "says"),
    [
        ("GRU", ("GRUCell",), "encoder is a GRU layer of Keras 3: the converter has no fused operator for a GRU"),
        ("RNN", ("models.Cell",), "the converter has no fused operator for a cell of one's own (models.Cell)"),
        ("RNN", ("GRUCell", "GRUCell"), "the converter has no fused operator for a GRU"),
        ("RNN", ("LSTMCell", "GRUCell"), "the converter has no fused operator for LSTM and GRU in one"),
    ],
)
def test_cells_that_no_operator_is_for(kind: str, cells: tuple[str, ...], says: str) -> None:
    source = SourceRecurrent("encoder", kind, "keras", cells, units=(8,) * len(cells))
    found = why(made_from(loop(2, gru), source))
    assert found.cause is not None
    assert says in found.cause
    assert not found.can_fuse


def test_a_cell_state_that_is_read_leaves_no_way() -> None:
    found = why(made_from(loop(3, lstm), replace(TF_KERAS, state_used=True, cell_state_used=True)))
    assert found.cause is not None
    assert found.cause.endswith("does not fuse: the cell state is read, which the fused operator does not give.")
    assert not found.can_fuse
    besides = why(made_from(loop(3, lstm), replace(KERAS_3, state_used=True, cell_state_used=True, masked=True)))
    assert besides.cause is not None
    assert besides.cause.endswith(
        "either: a mask comes with the input, and the fused operator takes none; "
        "the cell state is read, which the fused operator does not give."
    )
    assert not besides.can_fuse


def test_a_frozen_graph_has_no_functions() -> None:
    stages = tuple(Stage(name, 0, 1, True) for name in ("FREEZE_KERAS_MODEL", "CONVERT_GRAPHDEF"))
    given = made_from(answering_last(loop(3, lstm)), TF_KERAS)
    assert given.conversion is not None
    found = why(replace(given, conversion=replace(given.conversion, stages=stages)))
    assert found.cause is not None
    assert found.cause.startswith("encoder is an LSTM layer of tf_keras, but the converter was given a frozen graph")
    assert [o.kind for o in found.obstacles] == [Kind.INLINED]


def test_a_class_of_ones_own_may_be_marked_or_not() -> None:
    own = replace(TF_KERAS, kind="MyLSTM", annotated=None)
    assert of_source(own) == ()
    assert why(made_from(fused(), own)).cause is None
    assert why(made_from(answering_last(loop(3, lstm)), own)).cause is None
    marked = Composite("standard_lstm", "lstm_83ad8bcf-741d-40f8-b7a4-2d71862f93e0", "api_implements")
    made = Conversion(FLOAT32, Outcome.CONVERTED, recurrent=(own,), graph=SourceGraph((), composites=(marked,)))
    assert "api_implements" in (why(Facts(model=fused().model(), conversion=made)).cause or "")


def test_unrolled() -> None:
    assert why(made_from(unrolled_lstm(5), replace(KERAS_3, unroll=True))).cause == (
        "encoder is an LSTM layer of Keras 3 with unroll=True."
    )


def test_fused() -> None:
    found = why(made_from(fused(), TF_KERAS))
    assert found.cause == "encoder is an LSTM layer of tf_keras, whose function tf_keras marks for the converter " + (
        "(api_implements)."
    )
    assert found.obstacles == ()
    assert why(made_from(fused(), KERAS_3)).cause is None, "Keras 3 cannot be fused"


def test_layers_with_one_reason_are_told_of_together() -> None:
    sources = [replace(TF_KERAS, name=name) for name in ("a", "b", "c")]
    assert why(made_from(fused(times=3), *sources)).names == ("a", "b", "c")
    assert why(made_from(fused(times=3), *sources)).called == "The LSTM layers a, b and c"
    apart = whys(made_from(fused(times=3), *sources[:2], replace(sources[2], kind="MyLSTM")))
    assert [found.names for found in apart] == [("a", "b"), ("c",)]


def test_layers_are_named_with_what_is_around_them() -> None:
    sources = [replace(TF_KERAS, inside=(part,)) for part in ("left", "right")]
    assert why(made_from(fused(times=2), *sources)).called == "The LSTM layers left/encoder and right/encoder"


def test_a_layer_that_is_several_of_the_model_is_named_once() -> None:
    found = why(made_from(fused(times=2), TF_KERAS, replace(TF_KERAS)))
    assert (len(found.layers), found.several, found.called) == (2, False, "The LSTM layer encoder")
    assert found.cause is not None
    assert found.cause.startswith("encoder is an LSTM layer")


def test_a_loop_of_the_sources_own() -> None:
    line = Frame("/home/user/model.py", 12, "call")
    graph = SourceGraph((SourceOperator("StatelessWhile", "net/while", frames=(line,)),))
    made = Conversion(FLOAT32, Outcome.CONVERTED, recurrent=(), graph=graph)
    found = why(Facts(model=loop(3, lstm).model(), conversion=made))
    assert found.cause == (
        "The source has no recurrent layer of Keras; the loop is one of its own code (model.py:12), and the converter "
        "fuses only functions that are marked for it."
    )

    module = replace(made, recurrent=None)
    assert why(Facts(model=loop(3, lstm).model(), conversion=module)).cause is not None
    assert "own code" not in (why(Facts(model=loop(3, lstm).model(), conversion=module)).cause or "")
    unscoped = replace(module, graph=SourceGraph((SourceOperator("StatelessWhile", "while", frames=(line,)),)))
    assert why(Facts(model=loop(3, lstm).model(), conversion=unscoped)).cause == found.cause


def composite(name: str) -> Conversion:
    """A source whose only tanh is in `step`, a function that says what it implements."""
    graph = SourceGraph(
        tuple(SourceOperator("Tanh", f"tanh_{i}", function=name) for i in range(2)),
        composites=(Composite("step", "LSTMCellSimpl", "_implements"),),
    )
    return Conversion(FLOAT32, Outcome.CONVERTED, recurrent=(), graph=graph)


def test_a_function_that_was_not_fused() -> None:
    found = why(Facts(model=unrolled_lstm(5).model(), conversion=composite("step")))
    assert found.cause == (
        "The cell is written in the function step, which says that it implements LSTMCellSimpl, and which the "
        "converter did not fuse: R007 has the reason."
    )
    looped = why(Facts(model=loop(3, lstm).model(), conversion=composite("step")))
    assert looped.cause == found.cause
    assert found.own_code and looped.own_code
    for other in (composite("another"), replace(composite("step"), recurrent=None, graph=SourceGraph(()))):
        apart = why(Facts(model=unrolled_lstm(5).model(), conversion=other))
        assert "R007" not in (apart.cause or ""), "nothing shows that the cell is that function's"


def unscoped(*names: str, recurrent: tuple[SourceRecurrent, ...] | None = ()) -> Facts:
    """Unrolled, from a source with products of these names."""
    line = Frame("/home/user/model.py", 12, "call")
    graph = SourceGraph(tuple(SourceOperator("MatMul", name, frames=(line,)) for name in names))
    made = Conversion(FLOAT32, Outcome.CONVERTED, recurrent=recurrent, graph=graph)
    return Facts(model=unrolled_lstm(5).model(), conversion=made)


def test_steps_written_out_by_the_source() -> None:
    says = "The source has neither a recurrent layer nor a loop: its own code writes the steps out"
    assert why(unscoped()).cause == f"{says}."
    assert why(unscoped("net/MatMul")).cause == f"{says} (model.py:12)."
    assert why(unscoped("MatMul", "MatMul_1", recurrent=None)).cause == f"{says} (model.py:12)."
    assert why(unscoped("MatMul", "lstm/lstm_cell/MatMul", recurrent=None)).cause is None, "a layer may be in it"
    assert why(unscoped(recurrent=None)).cause is None


def by_functions(*composites: Composite) -> str | None:
    made = Conversion(FLOAT32, Outcome.CONVERTED, graph=SourceGraph((), composites=composites))
    return why(Facts(model=fused().model(), conversion=made)).cause


def test_fused_for_what_a_function_says() -> None:
    of_keras = Composite("standard_lstm", "lstm_83ad8bcf-741d-40f8-b7a4-2d71862f93e0", "api_implements")
    own = Composite("cell", "lstm_mine", "api_implements")
    assert by_functions(of_keras, replace(of_keras)) == (
        "The source's function says that it implements an LSTM (api_implements), as tf_keras marks that of its LSTM."
    )
    assert by_functions(own) == "The function cell says that it implements lstm_mine, which the converter fuses."
    assert by_functions(own, of_keras) is None
    assert by_functions(replace(own, implements="lstm_mine", attribute="_implements")) is None


def test_many_layers_take_no_longer_than_they_are_many() -> None:
    net = fused(times=200)
    t = net.act("x")
    for _ in range(10_000):
        t = net.then("RELU", t)
    sources = [replace(TF_KERAS, name=f"lstm_{i}", inside=("net",)) for i in range(200)]
    for given in (facts(net), made_from(net, *sources), made_from(net, *[replace(s, name="a") for s in sources])):
        assert given.model is not None
        assert given.recurrent is not None
        layers = given.recurrent.layers
        took: list[float] = []
        for _ in range(3):
            begun = time.process_time()
            explain(layers, layers, given.model, given.conversion)
            took.append(time.process_time() - begun)
        assert min(took) < 0.05


# By the model alone


def test_no_cause_without_a_fact() -> None:
    assert why(facts(unrolled_lstm(5))).cause is None
    assert why(facts(answering_last(loop(3, lstm)))).cause is None
    assert why(facts(fused())).cause is None


def masked(net: Net, state: list[int]) -> list[int]:
    """An LSTM whose state stays as it is where a mask says so."""
    h, c, xs, mask = state
    keep = net.then("GATHER", mask, net.numbers("i", [0]), dtype="bool")
    new_h, new_c, _ = lstm(net, [h, c, xs])
    return [net.then("SELECT_V2", keep, new_h, h), net.then("SELECT_V2", keep, new_c, c), xs, mask]


def test_a_mask_is_seen() -> None:
    net = answering_last(loop(4, masked))
    for subgraph in (0, 2):  # the mask is a sequence of truth values
        tensors = net._subgraphs[subgraph].tensors  # pyright: ignore[reportPrivateUsage]
        for tensor in tensors:
            if tensor.name == "s3":
                tensor.dtype = "bool"
    found = why(facts(net))
    assert found.cause == "Each step takes a mask, and the fused operator takes none."
    assert found.masked


def test_a_state_that_is_read_is_seen() -> None:
    says = "the cell state is read at the end, which the fused operator does not give."
    assert why(facts(loop(3, lstm))).cause == says.capitalize()
    subclassed = replace(TF_KERAS, masked=None, state_given=None, state_used=None)
    assert why(made_from(loop(3, lstm), subclassed)).cause == f"encoder is an LSTM layer of tf_keras, but {says}"
    hidden = loop(3, lstm)
    main = hidden._subgraphs[0]  # pyright: ignore[reportPrivateUsage]
    main.outputs = [main.operators[0].outputs[1]]
    assert why(facts(hidden)).cause == "The hidden state is read at the end, which the fused operator does not give."


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lstm_loop", "The cell is called in the loop under its own name (lstm_cell_1), so its layer was not marked"),
        ("lstm_stateful", "Besides, the state is kept in variables, which the fused operator does not write."),
        ("gru_loop", "The converter has no fused operator for a GRU, and the loop over the steps stays a WHILE."),
        ("lstm_unrolled", "as Keras does it with unroll=True."),
        ("lstm_fused", "The converter put UNIDIRECTIONAL_SEQUENCE_LSTM in the place of a function of the source"),
    ],
)
def test_names_that_keras_leaves(name: str, says: str) -> None:
    found = why(Facts(model=converted.model(name)))
    assert found.cause is not None
    assert says in found.cause


@pytest.mark.parametrize(
    ("noun", "is_an"),
    [("LSTM", "an"), ("GRU", "a"), ("RNN", "an"), ("SVDF", "an"), ("SimpleRNN", "a"), ("ConvLSTM2D", "a")],
)
def test_article(noun: str, is_an: str) -> None:
    assert article(noun) == is_an

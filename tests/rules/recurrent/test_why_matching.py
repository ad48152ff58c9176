"""Which layer of the source a layer of the model came from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer
from tflite_audit.rules.recurrent.why_matching import match

CELLS = {"LSTM": "LSTMCell", "GRU": "GRUCell", "SimpleRNN": "SimpleRNNCell", "ConvLSTM2D": "ConvLSTMCell"}


def source(
    name: str,
    kind: str = "LSTM",
    units: int = 4,
    *,
    inside: Sequence[str] = (),
    package: str = "keras",
    unroll: bool = False,
    backward: bool = False,
) -> SourceRecurrent:
    return SourceRecurrent(
        name,
        kind,
        package,
        (CELLS.get(kind, "models.Cell"),),
        tuple(inside),
        (units,),
        unroll=unroll,
        go_backwards=backward,
    )


def layer(
    name: str | None,
    cell: str = "LSTM",
    units: int | None = 4,
    form: Form = Form.LOOP,
    *,
    backward: bool | None = None,
) -> RecurrentLayer:
    return RecurrentLayer(form, cell, 0, 0, (0,), layer=name, units=units, backward=backward)


def names(layers: Sequence[RecurrentLayer], sources: Sequence[SourceRecurrent]) -> list[str | None]:
    return [None if found is None else found.name for found in match(layers, sources)]


def test_keras_3_adds_a_number_to_every_scope() -> None:
    sources = [source("lstm"), source("lstm_1"), source("lstm_2")]
    layers = [layer(f"functional_1/{scope}") for scope in ("lstm_1", "lstm_1_2", "lstm_2_1")]
    assert names(layers, sources) == ["lstm", "lstm_1", "lstm_2"]
    assert names(layers[::-1], sources) == ["lstm_2", "lstm_1", "lstm"]


def test_tf_keras_does_not() -> None:
    sources = [source("lstm", package="tf_keras"), source("lstm_1", package="tf_keras")]
    assert names([layer("model/lstm_1"), layer("model/lstm")], sources) == ["lstm_1", "lstm"]


def test_by_the_layers_around_it() -> None:
    sources = [source("lstm", inside=("left",)), source("lstm", inside=("right",))]
    found = match([layer("functional_1/right_1/lstm_1"), layer("functional_1/left_1/lstm_1")], sources)
    assert found == (sources[1], sources[0])


def test_the_layer_of_a_time_distributed_has_no_scope() -> None:
    sources = [source("other"), source("each", inside=("td",))]
    assert names([layer("functional_1/td_1"), layer("functional_1/td_1")], sources) == ["each", "each"]


def test_fused_layers_bear_no_name() -> None:
    fused = Form.FUSED
    sources = [source("a", units=8), source("forward_b"), source("backward_b", backward=True), source("c", "GRU")]
    layers = [
        layer(None, units=4, form=fused, backward=True),
        layer(None, units=4, form=fused, backward=False),
        layer(None, units=8, form=fused),
        layer(None, "GRU"),
    ]
    assert names(layers, sources) == ["backward_b", "forward_b", "a", "c"]


@pytest.mark.parametrize(
    ("found", "given"),
    [
        (layer("f/lstm_1", form=Form.UNROLLED), source("lstm")),
        (layer("f/lstm_1", "GRU"), source("lstm")),
        (layer("f/lstm_1", units=5), source("lstm")),
        (layer("f/lstm_1", "convolutional LSTM"), source("lstm")),
    ],
)
def test_what_contradicts_the_source_is_another(found: RecurrentLayer, given: SourceRecurrent) -> None:
    assert match([found], [given]) == (None,)


@pytest.mark.parametrize(
    ("found", "given"),
    [
        (layer("f/lstm_1", form=Form.UNROLLED), source("lstm", unroll=True)),
        (layer("f/own_1", "simple RNN"), source("own", "RNN")),
        (layer("f/own_1", "recurrent", units=None), source("own", "RNN")),
        (layer("f/lstm_1", "recurrent"), source("lstm")),
        (layer("f/radar_1", "convolutional LSTM", units=36), source("radar", "ConvLSTM2D", 3)),
    ],
)
def test_what_does_not_is_it(found: RecurrentLayer, given: SourceRecurrent) -> None:
    assert match([found], [given]) == (given,)


def test_none() -> None:
    assert match([], []) == ()
    assert match([layer("a")], []) == (None,)
    assert match([], [source("a")]) == ()

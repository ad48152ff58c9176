"""Recurrent layers are recognised in every form, and where there is none, none is."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter

import pytest

from tests.builders import converted, recurrent
from tests.builders.recurrent import SOURCES, Layer
from tests.cases.models import Net, gru_weights, lstm_step
from tests.cases.r001 import concatenating_lstm, two_sequences, unrolled_gru
from tests.cases.r003 import fused, svdf
from tflite_audit.analyzer.model import debug_info
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import precision
from tflite_audit.rules.recurrent import forms
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer


def layers(model: Model) -> tuple[RecurrentLayer, ...]:
    return forms.of_model(model, debug_info.locate(model), precision.of_model(model)).layers


def check(model: Model, expected: tuple[Layer, ...]) -> None:
    found = [(x.form, x.cell, x.steps, x.units) for x in layers(model)]
    assert Counter(found) == Counter((x.form, x.cell, x.steps, x.units) for x in expected)
    told = [dataclasses.asdict(x) for x in layers(model)]
    for wanted in sorted(expected, key=lambda x: -len(x.told)):
        match = next((x for x in told if x["cell"] == wanted.cell and wanted.told.items() <= x.items()), None)
        assert match is not None, (wanted, told)
        told.remove(match)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", recurrent.names(quick=True))
def test_form(name: str) -> None:
    check(recurrent.model(name), SOURCES[name].layers)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", recurrent.names(quick=False))
def test_form_slowly(name: str) -> None:
    check(recurrent.model(name), SOURCES[name].layers)


@pytest.mark.tensorflow
def test_all_of_an_unrolled_layer_belongs_to_it() -> None:
    """Also what cuts the sequence up and what puts the results together; and no operator belongs to two layers."""
    model = converted.model("lstm_stacked_unrolled")
    first, second = layers(model)
    assert (first.units, second.units) == (converted.UNITS, converted.UNITS + 1)
    belonging = [*first.operators, *second.operators]
    assert len(belonging) == len(set(belonging))
    assert set(belonging) == {op.index for op in model.subgraphs[0].operators}
    names = Counter(model.subgraphs[0].operators[i].name for i in first.step)
    assert names == {"FULLY_CONNECTED": 2, "LOGISTIC": 3, "MUL": 3, "ADD": 3, "TANH": 2, "SPLIT": 1, "RESHAPE": 1}
    assert first.layer is not None
    assert first.layer != second.layer


@pytest.mark.tensorflow
def test_a_loop_has_its_parts() -> None:
    model = converted.model("lstm_stateful")
    (layer,) = layers(model)
    assert model.subgraphs[layer.subgraph].operators[layer.anchor].name == "WHILE"
    assert layer.operators == (layer.anchor,)
    assert layer.body is not None
    body = model.subgraphs[layer.body]
    assert [body.operators[i].name for i in layer.products] == ["FULLY_CONNECTED"]
    assert all(read in body.inputs and written in body.outputs for read, written in layer.states)
    assert len(layer.states) == 2


@pytest.mark.tensorflow
def test_the_states_of_one_step() -> None:
    model = recurrent.model("lstm step, int8")
    (layer,) = layers(model)
    subgraph = model.subgraphs[0]
    (h, new_h), (c, new_c) = layer.states
    assert {h, c} < set(subgraph.inputs)
    outside = [op for op in subgraph.operators if op.index not in layer.operators]
    assert Counter(op.name for op in outside)["FULLY_CONNECTED"] == 1, "the layer behind the cell is no part of it"
    product = subgraph.operators[layer.products[0]]
    assert h in product.inputs or subgraph.producers[product.inputs[0]] in layer.operators
    assert new_h != new_c


def test_built_graphs() -> None:
    """Cells that no converter at hand writes."""
    check(concatenating_lstm(6).model(), (Layer("unrolled", "LSTM", 6, 8),))
    check(two_sequences(4).model(), (Layer("unrolled", "LSTM", 4, 8),) * 2)
    check(unrolled_gru(3).model(), (Layer("unrolled", "GRU", 3, 8, {"variant": ()}),))


def one_step(*, same_out: bool = True) -> Model:
    net = Net()
    w, u = net.weights("w"), net.weights("u", fill=2)
    h, c, x = net.act("h"), net.act("c"), net.act("x")
    new_h, new_c = lstm_step(net, x, h, c, w, u, "net")
    if not same_out:
        new_h, new_c = (net.then("MEAN", t, net.numbers(f"axis_{t}", [1]), shape=(1, 1)) for t in (new_h, new_c))
    net.inputs(x, h, c)
    net.outputs(new_h, new_c)
    return net.model()


def test_a_step_gives_its_state_back() -> None:
    (layer,) = layers(one_step())
    assert (layer.form, layer.cell, layer.units, layer.anchor) == (Form.STEP, "LSTM", 8, 1)
    assert layers(one_step(same_out=False)) == (), "what goes out is not what came in"


def test_fused() -> None:
    def of(net: Net) -> RecurrentLayer:
        (layer,) = layers(net.model())
        return layer

    plain = of(fused())
    assert (plain.cell, plain.variant, plain.steps, plain.units) == ("LSTM", (), 4, 8)
    assert (plain.backward, plain.bidirectional, len(plain.states)) == (False, False, 2)
    assert of(fused(11, 16, 21)).variant == ("peepholes", "projection", "layer normalization")
    assert of(fused(without=(1, 5))).variant == ("coupled input and forget gates",)
    assert (of(svdf()).cell, of(svdf()).steps, of(svdf()).units) == ("SVDF", 1, 8)


def test_fused_operators_that_are_seldom_seen() -> None:
    net = Net()
    state = net.tensor("cell", "float32", (1, 8), variable=True)
    basic = [net.act("x", shape=(1, 4)), net.act("h"), net.weights("w", shape=(32, 12)), net.weights("b"), state]
    net.op("LSTM", basic, [net.act("y")], options={"kernel_type": "BASIC"})
    x = net.act("s", shape=(1, 6, 8))
    reverse = net.then("REVERSE_V2", x, net.numbers("axis", [1]), shape=(1, 6, 8))
    h = net.tensor("hidden", "float32", (1, 5), variable=True)
    simple = [net.weights("w1", shape=(5, 8)), net.weights("u1", shape=(5, 5)), net.weights("b1", shape=(5,)), h]
    net.then("UNIDIRECTIONAL_SEQUENCE_RNN", reverse, *simple, shape=(1, 6, 5))
    both = [-1] * 48
    both[0] = net.act("t", shape=(7, 1, 8))
    for place in (*range(2, 5), *range(6, 9), *range(19, 22), *range(23, 26)):
        both[place] = net.weights(f"w2_{place}", shape=(3, 8))
    net.op("BIDIRECTIONAL_SEQUENCE_LSTM", both, [net.act("z", shape=(7, 1, 6))], options={"time_major": True})
    lstm, rnn, pair = layers(net.model())
    assert (lstm.cell, lstm.variant, lstm.steps, lstm.units) == ("LSTM", ("basic kernel",), 1, 8)
    assert (rnn.cell, rnn.steps, rnn.units, rnn.backward) == ("simple RNN", 6, 5, True)
    assert (pair.cell, pair.steps, pair.units, pair.bidirectional) == ("LSTM", 7, 3, True)
    assert pair.variant == ("coupled input and forget gates",)


def test_stablehlo() -> None:
    """A loop as JAX writes it, not lowered."""
    net = Net()
    outer = [net.numbers("n", [0]), net.act("h"), net.act("xs", shape=(6, 1, 8))]
    ended = [net.act("m", "int32", (1,)), net.act("out"), net.act("rest", shape=(6, 1, 8))]
    net.op("STABLEHLO_WHILE", outer, ended, options={"cond_subgraph_index": 1, "body_subgraph_index": 2})
    for name in ("cond", "body"):
        net.subgraph(name)
        n, h, xs = net.act("n", "int32", (1,)), net.act("h"), net.act("xs", shape=(6, 1, 8))
        net.inputs(n, h, xs)
        if name == "cond":
            net.outputs(net.then("LESS", n, net.numbers("limit", [6]), dtype="bool", shape=(1,)))
            continue
        ws, us = gru_weights(net)
        x = net.then("STABLEHLO_DYNAMIC_SLICE", xs, n, n, n)
        z, r = (
            net.then(
                "STABLEHLO_LOGISTIC", net.then("STABLEHLO_ADD", *(_dot(net, *p) for p in ((x, ws[k]), (h, us[k]))))
            )
            for k in range(2)
        )
        reset = _dot(net, net.then("STABLEHLO_MULTIPLY", r, h), us[2])
        candidate = net.then("STABLEHLO_TANH", net.then("STABLEHLO_ADD", _dot(net, x, ws[2]), reset))
        rest = net.then("STABLEHLO_SUBTRACT", net.weights("one", shape=(1, 8)), z)
        kept, new = net.then("STABLEHLO_MULTIPLY", z, h), net.then("STABLEHLO_MULTIPLY", rest, candidate)
        counter = net.then("STABLEHLO_ADD", n, net.numbers("one", [1]), dtype="int32", shape=(1,))
        net.outputs(counter, net.then("STABLEHLO_ADD", kept, new), xs)
    (layer,) = layers(net.model())
    assert (layer.form, layer.cell, layer.steps, layer.units) == (Form.LOOP, "GRU", 6, 8)


def _dot(net: Net, x: int, w: int) -> int:
    return net.then("STABLEHLO_DOT_GENERAL", x, w)


def test_speed() -> None:
    """Linear: 2,000 steps, 34,000 operators."""
    model = unrolled_gru(2000).model()
    start = time.perf_counter()
    (layer,) = layers(model)
    assert layer.steps == 2000
    assert time.perf_counter() - start < 10

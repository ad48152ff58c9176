"""Recurrent layers are recognised in every form, and where there is none, none is."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable

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
    check(zoneout_lstm(4).model(), (Layer("unrolled", "LSTM", 4, 8, {"variant": ()}),))
    check(folded_first_step(5).model(), (Layer("unrolled", "simple RNN", 5, 8),))


def zoneout_lstm(steps: int) -> Net:
    """A part of each old state is kept, so that it goes into the next beside the cell."""
    net = Net()
    w, u, kept, taken = net.weights("w"), net.weights("u", fill=2), net.weights("kept"), net.weights("taken", fill=9)

    def blended(new: int, old: int) -> int:
        return net.then("ADD", net.then("MUL", new, taken), net.then("MUL", old, kept))

    h, c = net.act("h"), net.act("c")
    for i in range(steps):
        new_h, new_c = lstm_step(net, net.act(f"x{i}"), h, c, w, u, f"net/{i}")
        h, c = blended(new_h, h), blended(new_c, c)
    return net


def folded_first_step(steps: int) -> Net:
    """A state of zero leaves nothing of the first step but a product that ends in its activation; a head a step."""
    net = Net()
    w, u, head = net.weights("w"), net.weights("u", fill=2), net.weights("head", fill=3)
    h = net.act("h1")
    net.op("FULLY_CONNECTED", [net.act("x0"), w, -1], [h], options={"fused_activation_function": "RELU"})
    for i in range(1, steps):
        net.then("SOFTMAX", net.then("FULLY_CONNECTED", h, head, -1))
        both = [net.then("FULLY_CONNECTED", t, k, -1) for t, k in ((net.act(f"x{i}"), w), (h, u))]
        h = net.act(f"h{i + 1}")
        net.op("ADD", both, [h], options={"fused_activation_function": "RELU"})
    return net


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


def streaming_convolutions(buffers: int, between: int) -> Model:
    """Ring buffers of one size, each in front of a convolution, with gated layers between them."""
    net, image = Net(), (1, 1, 1, 8)
    x = net.act("x", shape=image)
    inputs, outputs = [x], list[int]()
    begin, size = net.numbers("begin", [0, 1, 0, 0]), net.numbers("size", [1, 2, 1, 8])
    for i in range(buffers):
        inputs.append(net.act(f"buffer_{i}", shape=(1, 2, 1, 8)))
        joined = net.then("CONCATENATION", inputs[-1], x, shape=(1, 3, 1, 8))
        outputs.append(net.then("SLICE", joined, begin, size, shape=(1, 2, 1, 8)))
        x = net.then("CONV_2D", joined, net.weights(f"w{i}", shape=(8, 3, 1, 8), fill=i), -1, shape=image)
        for k in range(between // 3):
            w = net.weights(f"w{i}_{k}", shape=(8, 1, 1, 8), fill=1000 + i * between + k)
            x = net.then("ADD", x, net.then("LOGISTIC", net.then("CONV_2D", x, w, -1, shape=image)), shape=image)
    net.inputs(*inputs)
    net.outputs(x, *outputs)
    return net.model()


def single_cells(cells: int) -> Model:
    """LSTM cells of one size on top of each other, their states from outside."""
    net = Net()
    x = net.act("x")
    inputs, outputs = [x], list[int]()
    for i in range(cells):
        h, c = net.act(f"h{i}"), net.act(f"c{i}")
        inputs += h, c
        x, new = lstm_step(net, x, h, c, net.weights(f"w{i}", fill=2 * i), net.weights(f"u{i}", fill=2 * i + 1), str(i))
        outputs += x, new
    net.inputs(*inputs)
    net.outputs(*reversed(outputs))
    return net.model()


def unrolled_cells(cells: int) -> Model:
    """As many layers, each of two steps."""
    net = Net()
    for i in range(cells):
        w, u = net.weights(f"w{i}", fill=2 * i), net.weights(f"u{i}", fill=2 * i + 1)
        h, c = net.act(f"h{i}"), net.act(f"c{i}")
        for k in range(2):
            h, c = lstm_step(net, net.act(f"x{i}_{k}"), h, c, w, u, f"net/{i}/{k}")
    return net.model()


def equal_layers(times: int) -> Model:
    """A chain of layers that share their weights."""
    net = Net()
    w, t = net.weights("w"), net.act("x")
    for _ in range(times):
        t = net.then("FULLY_CONNECTED", t, w, -1)
    return net.model()


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (lambda: unrolled_gru(600).model(), 1),
        (lambda: streaming_convolutions(64, 150), 0),
        (lambda: single_cells(60), 60),
        (lambda: unrolled_cells(200), 200),
        (lambda: equal_layers(10_000), 0),
    ],
)
def test_speed(build: Callable[[], Model], found: int) -> None:
    """Linear, also where many tensors may be a state: about 0.2 seconds for 10,000 operators."""
    model = build()
    debug, arithmetic = debug_info.locate(model), precision.of_model(model)
    begun = time.process_time()
    assert len(forms.of_model(model, debug, arithmetic).layers) == found
    assert time.process_time() - begun < 2

"""What an unrolled layer costs, against files of the converter."""

from __future__ import annotations

import pytest

from tests.builders import converted
from tests.cases.case import facts
from tests.cases.models import Net, lstm_step, unrolled_lstm
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent.why_costs import LOOP_MORE, Cost, of_subgraph, of_unrolled


def cost(given: Facts) -> Cost:
    assert given.model is not None
    assert given.recurrent is not None
    (layer,) = given.recurrent.layers
    return of_unrolled(given.model, layer)


def test_it_is_counted() -> None:
    found = cost(facts(unrolled_lstm(5)))
    assert found.operators == 5 * 13
    assert found.step == 13
    assert found.loop == 13 + LOOP_MORE
    assert found.constants == 2 * 8 * 8 * 4 + 5 * 4, "two kernels, each once, and the axis of every split"
    assert found.copies == 4 * 4, "that axis"
    assert cost(facts(unrolled_lstm(10))).described == pytest.approx(2 * found.described, rel=0.05)


def test_constants_that_are_stored_for_every_step() -> None:
    net = Net()
    u = net.weights("u", fill=2)
    h, c = net.act("h"), net.act("c")
    for i in range(4):
        h, c = lstm_step(net, net.act(f"x{i}"), h, c, net.weights(f"w{i}"), u, f"net/lstm/step_{i}")
    found = cost(facts(net))
    assert found.copies == 3 * (8 * 8 * 4 + 4)
    assert found.constants == 5 * 8 * 8 * 4 + 4 * 4


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["lstm_unrolled", "gru_unrolled", "rnn_unrolled"])
def test_the_bytes_are_those_of_the_file(name: str) -> None:
    model = converted.model(name)
    constants = sum(model.buffers.size(buffer) for buffer in range(len(model.buffers.sizes)))
    described = model.size - constants
    assert 0.75 * described < of_subgraph(model.subgraphs[0]) < 1.05 * described
    found = cost(Facts(model=model))
    assert 0.7 * found.described < of_subgraph(model.subgraphs[0]), "not more than the file has"
    assert found.constants < constants


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_what_more_steps_add(package: str, layer: str) -> None:
    import importlib

    import tensorflow as tf

    from tflite_audit.analyzer.model.flatbuffer import parse

    keras = importlib.import_module(package)

    def unrolled(steps: int):
        x = keras.Input(batch_shape=(1, steps, 3))
        model = keras.Model(x, getattr(keras.layers, layer)(8, unroll=True)(x))
        return parse(tf.lite.TFLiteConverter.from_keras_model(model).convert())

    short, long = unrolled(4), unrolled(16)
    estimated = of_subgraph(long.subgraphs[0]) - of_subgraph(short.subgraphs[0])
    assert estimated == pytest.approx(long.size - short.size, rel=0.05)

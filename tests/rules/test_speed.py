"""The rules stay linear on large models, also on graphs made to be hard for them."""

from __future__ import annotations

import time

import pytest

from tests.builders.flatbuffers import large_graph
from tests.cases.models import Net, dense
from tflite_audit.analyzer.model.flatbuffer import parse
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, judge


def islands(count: int) -> Model:
    net = Net()
    t = net.act("x", "int8")
    for i in range(count // 4):
        t = net.then("QUANTIZE", net.then("RSQRT", net.then("DEQUANTIZE", t)), dtype="int8")
        t = dense(net, t, "int8", f"net/dense_{i}/MatMul")
    return net.model()


def repeated_blocks(count: int) -> Model:
    """A long block of layers, three times over with the same weights."""
    net = Net()
    ws = [net.weights(f"w{i}", fill=i % 100) for i in range(count // 3)]
    t = net.act("x")
    for _ in range(3):
        for w in ws:
            t = net.then("FULLY_CONNECTED", t, w, -1)
    return net.model()


def dead_branches(count: int) -> Model:
    """A dead chain with a dead branch at each link."""
    net = Net()
    x = t = net.act("x")
    for _ in range(count // 2):
        t = net.then("RELU", t)
        net.then("TANH", t)
    net.inputs(x)
    net.outputs(net.then("ABS", x))
    return net.model()


def seconds_of(model: Model) -> float:
    begun = time.process_time()
    judge(registry.rules(), Facts(model=model))
    return time.process_time() - begun


def test_ten_thousand_operators() -> None:
    judge(registry.rules(), Facts(model=parse(large_graph(10))))  # imports
    model = parse(large_graph(10_000))
    assert min(seconds_of(model) for _ in range(3)) < 0.5


@pytest.mark.parametrize("make", [islands, repeated_blocks, dead_branches])
def test_four_times_the_size_takes_no_sixteen_times_as_long(make: object) -> None:
    small, large = make(600), make(2400)  # type: ignore[operator]
    seconds_of(small)
    assert min(seconds_of(large) for _ in range(3)) < 9 * min(seconds_of(small) for _ in range(3)) + 0.05

"""What a model carries, as far as the rules' cases do not show it."""

from __future__ import annotations

import time

from tests.builders.flatbuffers import large_graph
from tests.cases.m003 import assigned_in_a_loop
from tests.cases.models import Net
from tests.cases.r003 import fused
from tests.cases.r004 import lstm, packed, ring, ring_variable, simple
from tests.cases.r005 import loop
from tflite_audit.analyzer.model.flatbuffer import parse
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent import receptive
from tflite_audit.rules.recurrent.states import Keeping, States


def states(net: Net) -> States:
    return of(net.model())


def of(model: Model) -> States:
    found = Facts(model=model).states
    assert found is not None
    return found


def test_states_from_outside_are_paired_and_have_a_layer() -> None:
    by_name = {state.name: state for state in states(lstm()).carried}
    assert by_name.keys() == {"h", "c"}
    assert by_name["h"].given_back == "net/lstm/h"
    assert by_name["c"].given_back.startswith("add_")
    assert all(state.layer == 0 and state.bytes == 32 and state.initialized is None for state in by_name.values())
    (buffer,) = states(ring()).carried
    assert (buffer.layer, buffer.shape, buffer.bytes) == (None, (1, 4, 1, 8), 128)
    assert [state.name for state in states(packed()).carried] == ["states"], "two states in one tensor are one"


def test_two_inputs_that_a_cell_takes_alike() -> None:
    (state,) = states(simple(("a", "b"))).carried
    other = {"a": "b", "b": "a"}[state.name]
    assert state.evidence.endswith(f"or {other}, which goes the same way into it"), "nothing tells which it is"
    (state,) = states(simple(("x", "hidden"))).carried
    assert state.name == "hidden"
    assert " or " not in state.evidence


def test_variables() -> None:
    (state,) = states(ring_variable()).carried
    assert (state.keeping, state.name, state.initialized) == (Keeping.RESOURCE, "stream/states", True)
    assert not states(ring_variable(initialized=False)).carried[0].initialized
    (state,) = states(assigned_in_a_loop()).carried
    assert (state.subgraph, state.written_in) == (0, 2)
    assert [s.keeping for s in states(fused()).states] == [Keeping.TENSOR] * 2


def test_a_loop() -> None:
    (state,) = states(loop()).states
    assert (state.keeping, state.layer, state.shape) == (Keeping.LOST, 0, (1, 8))
    assert not states(loop()).carried
    (state,) = states(loop(first="input", given_back=True)).states
    assert (state.keeping, state.name, state.given_back) == (Keeping.OUTSIDE, "h_in", "net/gru/out")


def caches(count: int, between: int) -> Net:
    """A network with `count` caches, each read and written, and as many operators between two of them."""
    net = Net()
    x, weights = net.act("tokens"), net.weights("w")
    written: list[int] = []
    for i in range(count):
        old = net.act(f"kv_{i}", shape=(16, 8))
        at = net.numbers(f"at_{i}", [0, 0])
        written.append(net.then("DYNAMIC_UPDATE_SLICE", old, x, at, name=f"new_{i}", shape=(16, 8)))
        for j in range(between):
            x = net.then("TANH", x) if j % 10 else net.then("FULLY_CONNECTED", x, weights, -1)
        x = net.then("ADD", x, net.then("SOFTMAX", written[-1], shape=(16, 8)))
    net.outputs(x, *written)
    return net


def test_large_models_take_no_longer_than_they_must() -> None:
    facts = Facts(model=caches(20, 50).model())
    assert facts.recurrent is not None
    begin = time.process_time()
    assert facts.states is not None
    assert [(s.name, s.given_back) for s in facts.states.carried] == [(f"kv_{i}", f"new_{i}") for i in range(20)]
    large = parse(large_graph(50_000), "large.tflite")
    assert not list(receptive.of_inputs(large, large.subgraphs[0], [0]))
    assert time.process_time() - begin < 3

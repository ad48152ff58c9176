"""while-recurrent."""

from __future__ import annotations

from collections.abc import Callable

from tests.builders import converted
from tests.cases.case import Case, facts, made_from
from tests.cases.models import Net, float_net, gru_step, gru_weights, lstm_step
from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity


def loop(state: int, body: Callable[[Net, list[int]], list[int]], limit: int = 7) -> Net:
    """A WHILE over a counter and `state` float tensors."""
    net = Net()
    outer = [net.numbers("n", [0]), *(net.act(f"s{i}") for i in range(state))]
    ended = [net.act("m", "int32", (1,)), *(net.act(f"net/loop/out_{i}") for i in range(state))]
    net.op("WHILE", outer, ended, options={"cond_subgraph_index": 1, "body_subgraph_index": 2})
    net.subgraph("cond")
    inside = [net.act("n", "int32", (1,)), *(net.act(f"s{i}") for i in range(state))]
    net.inputs(*inside)
    net.outputs(net.then("LESS", inside[0], net.numbers("limit", [limit]), dtype="bool", shape=(1,)))
    net.subgraph("body")
    inside = [net.act("n", "int32", (1,)), *(net.act(f"s{i}") for i in range(state))]
    net.inputs(*inside)
    counter = net.then("ADD", inside[0], net.numbers("one", [1]), dtype="int32", shape=(1,))
    net.outputs(counter, *body(net, inside[1:]))
    return net


def lstm(net: Net, state: list[int]) -> list[int]:
    h, c, xs = state
    h, c = lstm_step(
        net, net.then("GATHER", xs, net.numbers("i", [0])), h, c, net.weights("w"), net.weights("u"), "net"
    )
    return [h, c, xs]


def lstm_with_attention(net: Net, state: list[int]) -> list[int]:
    """A decoder: the cell among other operators."""
    h, c, xs = lstm(net, state)
    score = net.then("SOFTMAX", net.then("TANH", net.then("ADD", xs, h)))
    return [net.then("MUL", score, h), c, xs]


def gru(net: Net, state: list[int]) -> list[int]:
    h, xs = state
    return [gru_step(net, xs, h, *gru_weights(net), "net"), xs]


def mapped(net: Net, state: list[int]) -> list[int]:
    """A network with gates applied to each element: what the loop carries is only collected."""
    collected, xs = state
    t = net.then("FULLY_CONNECTED", net.then("GATHER", xs, net.numbers("i", [0])), net.weights("w"), -1)
    for op in ("LOGISTIC", "TANH", "LOGISTIC", "LOGISTIC", "TANH"):
        t = net.then(op, t)
    return [net.then("ADD", collected, t), xs]


def power_iteration(net: Net, state: list[int]) -> list[int]:
    t = net.then("FULLY_CONNECTED", state[0], net.weights("w"), -1)
    return [net.then("L2_NORMALIZATION", t)]


CASES = [
    Case("LSTM", lambda: facts(loop(3, lstm)), 1, says=("LSTM layer", "loop of 7 steps")),
    Case("GRU", lambda: facts(loop(2, gru)), 1, says=("GRU layer",)),
    Case(
        "a source of Keras 3",
        lambda: made_from(loop(3, lstm), SourceRecurrent("encoder", "LSTM", "keras", ("LSTMCell",), units=(8,))),
        1,
        says=("The LSTM layer encoder runs as a WHILE loop of 7 steps", "int8 and int16x8 kill the converter"),
        severity=Severity.WARNING,
    ),
    Case("an LSTM with attention", lambda: facts(loop(3, lstm_with_attention)), 1, says=("LSTM layer",)),
    Case("Keras 3 LSTM", lambda: Facts(model=converted.model("lstm_loop")), 1, says=("LSTM", "6 steps"), converts=True),
    Case("Keras 3 GRU", lambda: Facts(model=converted.model("gru_loop")), 1, says=("GRU", "6 steps"), converts=True),
    Case("stateful", lambda: Facts(model=converted.model("lstm_stateful")), 1, says=("LSTM",), converts=True),
    Case("a network mapped over elements", lambda: facts(loop(2, mapped))),
    Case("a power iteration", lambda: facts(loop(1, power_iteration))),
    Case("no loop", lambda: facts(float_net())),
    Case("unrolled has its own rule", lambda: Facts(model=converted.model("lstm_unrolled")), converts=True),
]

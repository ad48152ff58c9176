"""unrolled-recurrent."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import Case, facts, made_from
from tests.cases.models import Net, dense, float_net, gru_step, gru_weights, lstm_step, unrolled_lstm
from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity

LSTM_CELL = ("LSTMCell",)


def unrolled_gru(steps: int) -> Net:
    net = Net()
    (ws, us), h = gru_weights(net), net.act("h")
    for i in range(steps):
        h = gru_step(net, net.act(f"x{i}"), h, ws, us, f"net/gru/step_{i}")
    return net


def concatenating_lstm(steps: int) -> Net:
    """The cell of TensorFlow 1: one product of input and state side by side."""
    net = Net()
    w, h, c = net.weights("kernel", shape=(8, 16)), net.act("h"), net.act("c")
    for i in range(steps):
        both = net.then("CONCATENATION", net.act(f"x{i}"), h, shape=(1, 16))
        gates = [net.act(f"net/rnn/split_{i}_{k}") for k in range(4)]
        net.op("SPLIT", [net.numbers("axis", [1]), net.then("FULLY_CONNECTED", both, w, -1)], gates)
        a, f, o = (net.then("LOGISTIC", gates[k]) for k in (0, 1, 3))
        c = net.then("ADD", net.then("MUL", f, c), net.then("MUL", a, net.then("TANH", gates[2])))
        h = net.then("MUL", o, net.then("TANH", c))
    return net


def lstm_of_separate_gates(steps: int) -> Net:
    """A kernel for every gate."""
    net = Net()
    ws = [net.weights(f"w{k}", fill=k) for k in range(4)]
    us = [net.weights(f"u{k}", fill=10 + k) for k in range(4)]
    h, c = net.act("h"), net.act("c")
    for i in range(steps):
        x = net.act(f"x{i}")
        sums = [
            net.then("ADD", net.then("FULLY_CONNECTED", x, w, -1), net.then("FULLY_CONNECTED", h, u, -1))
            for w, u in zip(ws, us, strict=True)
        ]
        a, f, o = (net.then("LOGISTIC", sums[k]) for k in (0, 1, 3))
        c = net.then("ADD", net.then("MUL", f, c), net.then("MUL", a, net.then("TANH", sums[2])))
        h = net.then("MUL", o, net.then("TANH", c))
    return net


def two_sequences(steps: int) -> Net:
    """One LSTM applied to two sequences in turn, as a siamese network does."""
    net = Net()
    w, u = net.weights("w"), net.weights("u", fill=2)
    states = [(net.act(f"h{s}"), net.act(f"c{s}")) for s in range(2)]
    for i in range(steps):
        states = [lstm_step(net, net.act(f"x{s}_{i}"), h, c, w, u, f"net/{s}/{i}") for s, (h, c) in enumerate(states)]
    return net


def residual_blocks(times: int) -> Net:
    """Equal blocks with gates, each with weights of its own."""
    net = Net()
    t = net.act("x")
    for i in range(times):
        inner = dense(net, t, "float32", f"net/block_{i}/MatMul", weights="float32")
        gated = net.then("MUL", net.then("TANH", inner), net.then("LOGISTIC", inner))
        t = net.then("ADD", t, net.then("MUL", net.then("LOGISTIC", gated), gated))
    return net


def shared_head(levels: int) -> Net:
    """The same layers applied to several inputs: weights are shared, and no use depends on another."""
    net = Net()
    ws = [net.weights(f"w{k}", fill=k) for k in range(3)]
    for i in range(levels):
        t = net.act(f"level_{i}")
        for w in ws:
            t = net.then("FULLY_CONNECTED", t, w, -1)
            t = net.then("MUL", t, net.then("LOGISTIC", t))
    return net


def tied_layers(times: int, op: str = "TANH") -> Net:
    """A deep network whose layers share their weights, and take nothing new."""
    net = Net()
    w, t = net.weights("w"), net.act("x")
    for _ in range(times):
        t = net.then(op, net.then("FULLY_CONNECTED", t, w, -1))
    return net


def tied_transformer(layers: int) -> Net:
    """A transformer that shares its layers, with a softmax and the tanh form of GELU."""
    net = Net()
    ws = [net.weights(f"w{k}", fill=k) for k in range(5)]
    t = net.act("x")
    for _ in range(layers):
        q, k, v = (net.then("FULLY_CONNECTED", t, w, -1) for w in ws[:3])
        t = net.then("ADD", t, net.then("BATCH_MATMUL", net.then("SOFTMAX", net.then("BATCH_MATMUL", q, k)), v))
        f = net.then("FULLY_CONNECTED", t, ws[3], -1)
        f = net.then("MUL", f, net.then("TANH", net.then("MUL", f, f)))
        t = net.then("ADD", t, net.then("FULLY_CONNECTED", f, ws[4], -1))
    return net


CASES = [
    Case("LSTM", lambda: facts(unrolled_lstm(5)), 1, says=("The LSTM layer net/lstm is unrolled into 5 steps",)),
    Case("GRU", lambda: facts(unrolled_gru(4)), 1, says=("GRU layer", "4 steps")),
    Case("128 steps", lambda: facts(unrolled_gru(128)), 1, says=("128 steps",)),
    Case("the cell of TensorFlow 1", lambda: facts(concatenating_lstm(6)), 1, says=("LSTM layer", "6 steps")),
    Case("a kernel a gate", lambda: facts(lstm_of_separate_gates(6)), 1, says=("LSTM layer", "6 steps")),
    Case(
        "two sequences in turn",
        lambda: facts(two_sequences(4)),
        1,
        says=("The LSTM layers net/0 and net/1 are unrolled into 4 steps",),
    ),
    Case(
        "a source with unroll=True",
        lambda: made_from(
            unrolled_lstm(5), SourceRecurrent("lstm", "LSTM", "keras", LSTM_CELL, units=(8,), unroll=True)
        ),
        1,
        says=("The LSTM layer lstm is unrolled into 5 steps of about 13 operators", "1 operator fused"),
        severity=Severity.INFO,
    ),
    Case(
        "a source that does not unroll is another's",
        lambda: made_from(unrolled_lstm(5), SourceRecurrent("gru", "GRU", "keras", ("GRUCell",), units=(8,))),
        1,
        says=("The LSTM layer net/lstm is unrolled", "Neither names nor source show"),
    ),
    Case(
        "Keras 3 LSTM",
        lambda: Facts(model=converted.model("lstm_unrolled")),
        1,
        says=("LSTM", "6 steps"),
        converts=True,
    ),
    Case(
        "Keras 3 GRU", lambda: Facts(model=converted.model("gru_unrolled")), 1, says=("GRU", "6 steps"), converts=True
    ),
    Case(
        "Keras 3 RNN",
        lambda: Facts(model=converted.model("rnn_unrolled")),
        1,
        says=("simple RNN", "6 steps"),
        converts=True,
    ),
    Case(
        "stacked",
        lambda: Facts(model=converted.model("lstm_stacked_unrolled")),
        1,
        says=("The LSTM layers", "6 steps", "2 operators fused"),
        converts=True,
    ),
    Case("residual blocks", lambda: facts(residual_blocks(12))),
    Case("a head at several levels", lambda: facts(shared_head(5))),
    Case("layers that share weights", lambda: facts(tied_layers(12))),
    Case("gated layers that share weights", lambda: facts(tied_layers(12, "LOGISTIC"))),
    Case("a transformer that shares weights", lambda: facts(tied_transformer(12))),
    Case("a dense network", lambda: facts(float_net())),
    Case("a residual network", lambda: Facts(model=converted.model("residual_cnn")), converts=True),
    Case("a loop has its own rule", lambda: Facts(model=converted.model("lstm_loop")), converts=True),
]

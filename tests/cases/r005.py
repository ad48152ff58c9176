"""lost-state."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import FLOAT32, Case, facts
from tests.cases.models import SIZE, Net, dense, float_net, gru_step, gru_weights, lstm_step, unrolled_lstm
from tests.cases.r003 import fused, svdf
from tests.cases.r004 import gru, lstm, ring_variable, simple
from tflite_audit.analyzer.conversion.types import Conversion, Outcome, SourceRecurrent
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status

NOTHING = Status.NOT_APPLICABLE


def without_cell_state() -> Net:
    """An LSTM step that gives back its output and not its cell state."""
    net = Net()
    x, h, c = net.act("x", shape=(1, 5)), net.act("h"), net.act("c")
    h, _ = lstm_step(net, x, h, c, net.weights("w", shape=(SIZE, 5)), net.weights("u", fill=2), "net/lstm")
    net.outputs(dense(net, h, "float32", weights="float32"), h)
    return net


def fusion() -> Net:
    """Two inputs, blended by a gate: nothing is carried."""
    net = Net()
    a, b = net.act("a"), net.act("b")
    gate = net.then("LOGISTIC", dense(net, net.then("ADD", a, b), "float32", weights="float32"))
    rest = net.then("SUB", net.weights("one", shape=()), gate)
    blend = net.then("ADD", net.then("MUL", gate, a), net.then("MUL", rest, b))
    net.outputs(net.then("SOFTMAX", blend))
    return net


def loop(steps: int = 7, first: str = "zero", *, given_back: bool = False) -> Net:
    """A GRU in a WHILE over a sequence, whose state begins as zero, as an input, or as a variable."""
    net = Net()
    sequence = net.act("sequence", shape=(steps, SIZE))
    begin = net.weights("zero", shape=(1, SIZE), fill=0) if first == "zero" else net.act("h_in")
    count = net.tensor("m", "int32", (1,))
    ended, passed = net.act("net/gru/out"), net.act("passed", shape=(steps, SIZE))
    net.op(
        "WHILE",
        [net.numbers("n", [0]), begin, sequence],
        [count, ended, passed],
        options={"cond_subgraph_index": 1, "body_subgraph_index": 2},
    )
    net.outputs(net.then("SOFTMAX", ended, name="y"), *([ended] if given_back else []))
    net.subgraph("cond")
    n, h, xs = net.act("n", "int32", (1,)), net.act("h"), net.act("xs", shape=(steps, SIZE))
    net.inputs(n, h, xs)
    net.outputs(net.then("LESS", n, net.numbers("limit", [steps]), dtype="bool", shape=(1,)))
    net.subgraph("body")
    n, h, xs = net.act("n", "int32", (1,)), net.act("h"), net.act("xs", shape=(steps, SIZE))
    net.inputs(n, h, xs)
    x = net.then("GATHER", xs, n)
    h = gru_step(net, x, h, *gru_weights(net), "net/gru")
    net.outputs(net.then("ADD", n, net.numbers("one", [1]), dtype="int32", shape=(1,)), h, xs)
    return net


def from_source(net: Net, **layer: object) -> Facts:
    """A model, and the recurrent layer that it was made of."""
    source = SourceRecurrent("rnn", "GRU", "keras", **layer)  # type: ignore[arg-type]
    conversion = Conversion(FLOAT32, Outcome.CONVERTED, model="model.tflite", recurrent=(source,))
    return Facts(model=net.model(), conversion=conversion)


CASES = [
    Case(
        "cell state thrown away",
        lambda: facts(without_cell_state()),
        1,
        says=("The input c is the state of a recurrent cell",),
        severity=Severity.WARNING,
    ),
    Case("a GRU's state thrown away", lambda: facts(gru(given_back=False)), 1, says=("The input h is the state",)),
    Case("unrolled over a chunk, without the cell state", lambda: facts(unrolled_lstm(4)), 1, says=("The input c is",)),
    Case("whole sequences", lambda: facts(loop()), 1, says=("sequences of 7 steps",), severity=Severity.INFO),
    Case("one step in a loop", lambda: facts(loop(1)), 1, says=("never sees the step",), severity=Severity.WARNING),
    Case(
        "stateful in the source",
        lambda: from_source(loop(), stateful=True),
        1,
        says=("rnn is stateful, and the file keeps no state",),
        severity=Severity.WARNING,
    ),
    Case("one step in the source", lambda: from_source(float_net(), steps=1), 1, says=("rnn takes one step a call",)),
    Case("Keras 3", lambda: Facts(model=converted.model("lstm_loop")), 1, says=("LSTM in",), converts=True),
    Case("unrolled", lambda: Facts(model=converted.model("gru_unrolled")), 1, says=("GRU in",), converts=True),
    Case("stateful", lambda: Facts(model=converted.model("lstm_stateful")), converts=True),
    Case("stateful in source and file", lambda: from_source(ring_variable(), stateful=True)),
    Case("a loop that goes on from an input", lambda: facts(loop(first="input", given_back=True))),
    Case("states from outside", lambda: facts(lstm())),
    Case("state of a simple RNN", lambda: facts(simple(("x", "h")))),
    Case("fused", lambda: facts(fused())),
    Case("SVDF", lambda: facts(svdf())),
    Case(
        "fused, without variables",
        lambda: facts(svdf(variable=False)),
        1,
        says=("SVDF has no variable tensor for its state: the interpreters load the model, and refuse to run it.",),
        severity=Severity.ERROR,
    ),
    Case("one step with its state given", lambda: from_source(float_net(), steps=1, state_given=True)),
    Case("blended inputs", lambda: facts(fusion()), status=NOTHING),
    Case("no recurrence", lambda: facts(float_net()), status=NOTHING),
]

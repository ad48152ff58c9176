"""fused-recurrent."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import Case, facts, made_from
from tests.cases.models import Net, float_net, unrolled_lstm
from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity

GATES = range(1, 9)


def fused(*extra: int, without: tuple[int, ...] = (), weights: str = "float32", times: int = 1) -> Net:
    """UNIDIRECTIONAL_SEQUENCE_LSTM with the inputs of `extra` besides the gates'."""
    net = Net()
    for i in range(times):
        inputs = [-1] * 24
        inputs[0] = net.act(f"x{i}", shape=(1, 4, 8))
        for place in {*GATES, *extra} - set(without):
            inputs[place] = net.weights(f"w{i}_{place}", weights)
        inputs[18], inputs[19] = (net.tensor(f"state_{i}_{k}", "float32", (1, 8), variable=True) for k in range(2))
        net.then("UNIDIRECTIONAL_SEQUENCE_LSTM", *inputs, name=f"net/lstm_{i}/out", shape=(1, 4, 8))
    return net


def fused_from_inputs() -> Net:
    """Its state is given with every call."""
    net = fused()
    net.inputs(*(t.index for t in net.model().subgraphs[0].tensors if t.variable))
    return net


def svdf(*, variable: bool = True) -> Net:
    net = Net()
    state = net.tensor("state", "float32", (1, 8), variable=variable)
    net.then("SVDF", net.act("x"), net.weights("feature"), net.weights("time"), -1, state)
    return net


CASES = [
    Case("float", lambda: facts(fused()), 1, says=("The LSTM layer net/lstm_0 is one", "in float32; 16x8 is refused.")),
    Case("hybrid", lambda: facts(fused(weights="int8")), 1, says=("float activations with integer weights",)),
    Case("all variants", lambda: facts(fused(11, 16, 21)), 1, says=("peepholes, projection and layer normalization",)),
    Case("coupled gates", lambda: facts(fused(without=(1, 5))), 1, says=("coupled input and forget gates",)),
    Case(
        "equal ones once",
        lambda: facts(fused(times=3)),
        1,
        says=("net/lstm_0, net/lstm_1 and net/lstm_2 are one UNIDIRECTIONAL_SEQUENCE_LSTM operator each",),
    ),
    Case("SVDF", lambda: facts(svdf()), 1, says=("An SVDF layer",)),
    Case(
        "tf_keras", lambda: Facts(model=converted.model("lstm_fused")), 1, says=("An LSTM layer is one",), converts=True
    ),
    Case(
        "a source of tf_keras",
        lambda: made_from(
            fused(), SourceRecurrent("encoder", "LSTM", "tf_keras", ("LSTMCell",), units=(8,), annotated=True)
        ),
        1,
        says=(
            "The LSTM layer encoder is one",
            "the state is carried on from call to call, and not in the source",
            "16x8 is refused",
        ),
        severity=Severity.INFO,
    ),
    Case(
        "a state that comes from the graph",
        lambda: facts(fused_from_inputs()),
        1,
        says=("is one UNIDIRECTIONAL_SEQUENCE_LSTM operator, in float32; 16x8 is refused.",),
    ),
    Case("unrolled", lambda: facts(unrolled_lstm(4))),
    Case("none", lambda: facts(float_net())),
]

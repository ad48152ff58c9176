"""lstm-cell-scale."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.rules.rule import Severity, Status


def lstm(cell: float, *, dtype: str = "int8") -> Net:
    """A fused LSTM as TensorFlow 2.21 writes it, without weights."""
    net = Net()
    inputs = [-1] * 24
    inputs[0] = net.act("x", dtype, (1, 8))
    inputs[18] = net.tensor("net/lstm/state", dtype, (1, 8), scale=0.0025, zero_point=5, variable=True)
    state = "int16" if dtype == "int8" else dtype
    inputs[19] = net.tensor("net/lstm/cell", state, (1, 8), scale=cell, zero_point=0, variable=True)
    y = net.tensor("net/lstm/lstm", dtype, (1, 8), scale=0.0025, zero_point=5)
    net.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y])
    return net


CASES = [
    Case(
        "a cell state that the kernel has no tanh for",
        lambda: facts(lstm(2**-16)),
        1,
        says=("The cell state of UNIDIRECTIONAL_SEQUENCE_LSTM in net/lstm has a scale of 1.53e-05, below 2^-15",),
        severity=Severity.ERROR,
    ),
    Case("the smallest there is a tanh for", lambda: facts(lstm(2**-15))),
    Case("a wide cell state", lambda: facts(lstm(2**-11))),
    Case("float", lambda: facts(lstm(2**-16, dtype="float32")), status=Status.NOT_APPLICABLE),
    Case("no LSTM", lambda: facts(float_net()), status=Status.NOT_APPLICABLE),
]

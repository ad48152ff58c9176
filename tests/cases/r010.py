"""lstm-scales-disagree."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.rules.rule import Severity, Status

SHAPE = (1, 4, 8)


def int8_lstm(hidden: float, output: float, *, joined: bool = False, given: bool = False, zero: int = 0) -> Net:
    """An int8 UNIDIRECTIONAL_SEQUENCE_LSTM; its state has the scale of its output."""
    net = Net()
    inputs = [-1] * 24
    inputs[0] = net.act("x", "int8", SHAPE)
    for place in range(1, 9):
        inputs[place] = net.weights(f"w{place}", "int8")
    inputs[18] = net.tensor("h", "int8", (1, 8), scale=output, zero_point=0, variable=True)
    inputs[19] = net.tensor("c", "int16", (1, 8), scale=2**-11, zero_point=0, variable=True)
    made = [net.tensor(f"i{i}", "int8", (), scale=None) for i in range(4)]
    made.append(net.tensor("hidden", "int8", (), scale=hidden, zero_point=zero))
    out = net.tensor("net/lstm/out", "int8", SHAPE, scale=output, zero_point=0)
    net.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [out], options={"cell_clip": 10.0}, intermediates=made)
    if given:
        net.inputs(inputs[0], inputs[18])
    if joined:
        net.then("CONCATENATION", out, out, dtype="int8", shape=(1, 4, 16))
    return net


CASES = [
    Case(
        "joined",
        lambda: facts(int8_lstm(0.002, 0.004, joined=True)),
        1,
        says=("The fused int8 LSTM net/lstm writes its output with another scale", "off by up to 0.26"),
        severity=Severity.ERROR,
    ),
    Case("a state that is given", lambda: facts(int8_lstm(0.002, 0.004, given=True)), 1),
    Case("another zero point", lambda: facts(int8_lstm(0.004, 0.004, zero=20)), 1, says=("off by up to 0.08",)),
    Case("one scale", lambda: facts(int8_lstm(0.004, 0.004, joined=True))),
    Case("less than a step apart", lambda: facts(int8_lstm(0.004, 0.00401))),
    Case("no LSTM", lambda: facts(float_net()), status=Status.NOT_APPLICABLE),
]

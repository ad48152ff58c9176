"""unused-operator-output."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net


def branch(kept: bool = False) -> Net:
    """Two operators beside the way to the output, which a signature may name."""
    net = Net()
    x = net.act("x")
    y = net.then("RELU", x, name="y")
    p = net.then("SOFTMAX", net.then("EXP", x), name="net/probabilities/Softmax")
    net.inputs(x)
    net.outputs(y)
    net.signature("serving_default", {"x": x}, {"y": y, **({"p": p} if kept else {})})
    return net


def effects() -> Net:
    """Operators that write no tensor anyone reads, and are not in vain."""
    net = Net()
    x = net.act("x")
    handle = net.tensor("handle", "resource", ())
    net.op("VAR_HANDLE", [], [handle], options={"shared_name": "state"})
    net.op("ASSIGN_VARIABLE", [handle, x], [])
    net.op("Print", [x], [net.act("printed")], custom=True)
    net.op("WHILE", [x], [net.act("looped")], options={"cond_subgraph_index": 1, "body_subgraph_index": 1})
    net.outputs(net.then("RELU", x))
    net.subgraph("body")
    net.then("ABS", net.act("x"))
    return net


def split() -> Net:
    """Only some outputs of an operator are read."""
    net = Net()
    parts = [net.act(f"part_{i}", shape=(1, 2)) for i in range(4)]
    net.op("SPLIT", [net.numbers("axis", [1]), net.act("x")], parts)
    net.outputs(net.then("RELU", parts[2]))
    return net


CASES = [
    Case("a branch", lambda: facts(branch()), 1, says=("SOFTMAX in net/probabilities", "1 operator before it")),
    Case("named by a signature", lambda: facts(branch(kept=True))),
    Case("effects", lambda: facts(effects())),
    Case("some outputs read", lambda: facts(split())),
    Case("all read", lambda: facts(float_net())),
]

"""flex-op."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net


def flex(times: int) -> Net:
    net = Net()
    t = net.act("x")
    for i in range(times):
        t = net.then("FlexSoftplus", t, name=f"net/softplus_{i}/Softplus")
    return net


def custom() -> Net:
    net = Net()
    net.op("Sinh", [net.act("x")], [net.act("y")], custom=True)
    return net


CASES = [
    Case("one", lambda: facts(flex(1)), 1, says=("FlexSoftplus in net/softplus_0 is TensorFlow's own",)),
    Case("a kind once", lambda: facts(flex(3)), 1, says=("at 3 places",)),
    Case("builtin operators", lambda: facts(float_net())),
    Case("a custom operator is none", lambda: facts(custom())),
]

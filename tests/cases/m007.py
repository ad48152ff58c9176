"""no-operators."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net


def empty(subgraphs: int) -> Net:
    net = Net()
    for i in range(subgraphs):
        net.subgraph(f"graph_{i}")
        net.act("x")
        net.inputs(0)
        net.outputs(0)
    return net


def in_the_second() -> Net:
    net = empty(1)
    net.subgraph("second")
    net.then("RELU", net.act("x"))
    return net


CASES = [
    Case("none", lambda: facts(empty(1)), 1, says=("1 subgraph.",)),
    Case("none in several subgraphs", lambda: facts(empty(2)), 1, says=("2 subgraphs",)),
    Case("in another subgraph", lambda: facts(in_the_second())),
    Case("some", lambda: facts(float_net())),
]

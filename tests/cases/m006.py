"""schema-version."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net


def version(number: int) -> Net:
    net = Net(version=number)
    net.then("RELU", net.act("x"))
    return net


CASES = [
    Case("old", lambda: facts(version(2)), 1, says=("version 2",)),
    Case("left out", lambda: facts(version(0)), 1),
    Case("present", lambda: facts(float_net())),
]

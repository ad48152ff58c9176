"""unknown-schema-value."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net


def operator() -> Net:
    net = Net()
    net.then("BUILTIN_998", net.act("x"))
    net.then("BUILTIN_998", net.act("y"))
    return net


def dtype() -> Net:
    net = float_net()
    net.then("CAST", net.act("z"), dtype="type_99", name="strange")
    return net


def listed_only() -> Net:
    net = float_net()
    net.operator_code("BUILTIN_998")
    return net


CASES = [
    Case("an operator", lambda: facts(operator()), 1, says=("no builtin operator number 998",)),
    Case("a type", lambda: facts(dtype()), 1, says=("no tensor type number 99",)),
    Case("listed and not used", lambda: facts(listed_only())),
    Case("all known", lambda: facts(float_net())),
]

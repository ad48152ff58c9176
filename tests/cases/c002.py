"""custom-op."""

from __future__ import annotations

from tests.cases.c001 import flex
from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.rules.rule import Severity


def custom(*names: str) -> Net:
    net = Net()
    t = net.act("x")
    for name in names:
        after = net.act(f"net/{name}")
        net.op(name, [t], [after], custom=True)
        t = after
    return net


def listed_only() -> Net:
    """A custom operator code that no operator uses."""
    net = float_net()
    net.operator_code("Sinh", custom=True)
    return net


CASES = [
    Case(
        "not known", lambda: facts(custom("Sinh")), 1, says=("who provides it is not known",), severity=Severity.WARNING
    ),
    Case("several kinds", lambda: facts(custom("A", "B", "A")), 2, says=("A in net is a custom operator at 2 places",)),
    Case(
        "the interpreter's own",
        lambda: facts(custom("TFLite_Detection_PostProcess")),
        1,
        severity=Severity.INFO,
        says=("the interpreter itself",),
    ),
    Case("by prefix", lambda: facts(custom("SignalRfft")), 1, says=("TensorFlow Lite Micro",)),
    Case("a hostile name", lambda: facts(custom('"); drop\n')), 1),
    Case("builtin operators", lambda: facts(float_net())),
    Case("Flex has its own rule", lambda: facts(flex(1))),
    Case("a code that is listed and not used", lambda: facts(listed_only())),
]

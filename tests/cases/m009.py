"""newer-than-runtimes."""

from __future__ import annotations

from dataclasses import replace

from tests.cases.case import Case
from tests.cases.case import facts as bare
from tests.cases.int16_support import SMALL
from tests.cases.m008 import facts, listed_only, net
from tests.cases.models import Net, float_net
from tflite_audit.rules.rule import Severity, Status


def listed(version: int) -> Net:
    made = float_net()
    made.operator_code("CONV_2D", version=version)
    return made


def two() -> Net:
    """Phones have one of them, and older runtimes neither."""
    made = net(None, "FULLY_CONNECTED", 14)
    made.op("STABLEHLO_COMPOSITE", [made.act("a")], [made.act("b")])
    return made


CASES = [
    Case(
        "newer than every runtime",
        lambda: facts(net(None, version=99)),
        1,
        says=("TensorFlow (Python) 2.21.0, LiteRT (Python) 2.3.0, ", "not have CONV_2D version 99."),
        severity=Severity.ERROR,
    ),
    Case(
        "in LiteRT alone",
        lambda: facts(net(None, "ADD", 6)),
        1,
        says=("TensorFlow (Python) 2.21.0, org.tensorflow:tensorflow-lite (Android) 2.17.0, ",),
        severity=Severity.WARNING,
    ),
    Case(
        "newer than what phones have",
        lambda: facts(net(None, "FULLY_CONNECTED", 14)),
        1,
        says=("tensorflow-lite (Android) 2.17.0, TensorFlowLiteSwift (iOS) 2.17.0, ",),
        severity=Severity.INFO,
    ),
    Case(
        "without any kernel",
        lambda: facts(net(None, "STABLEHLO_LOGISTIC", 1)),
        1,
        says=("STABLEHLO_LOGISTIC version 1",),
        severity=Severity.ERROR,
    ),
    Case("older than every runtime", lambda: facts(net(None, "BROADCAST_TO", 1)), 1, severity=Severity.ERROR),
    Case(
        "listed and not used", lambda: facts(listed(99)), 1, says=("lists and does not use",), severity=Severity.ERROR
    ),
    Case("listed and not used, and known to some", lambda: facts(listed_only()), 1, severity=Severity.INFO),
    Case(
        "each lacks something else",
        lambda: facts(two()),
        1,
        says=("do not have all of FULLY_CONNECTED version 14 and STABLEHLO_COMPOSITE version 1.",),
        severity=Severity.INFO,
    ),
    Case("old operators", lambda: facts(net(None))),
    Case("a number that the schema does not know has its own rule", lambda: facts(net(None, "BUILTIN_998", 1))),
    Case("versions were not measured", lambda: replace(bare(net(None)), support=SMALL), status=Status.NOT_APPLICABLE),
    Case("no matrix", lambda: bare(net(None)), status=Status.NOT_RUN),
]

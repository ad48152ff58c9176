"""declaration-mismatch."""

from __future__ import annotations

from dataclasses import replace

from tests.cases.case import Case, facts
from tests.cases.models import Net
from tflite_audit.rules.custom_ops.declared import Declarations, DeclaredOp
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status

ROLL = DeclaredOp("Roll", inputs=(("float32", "int8"), ("int32",)), outputs=(("float32", "int8"),))


def rolled(*declared: DeclaredOp, dtype: str = "float32", inputs: int = 2, times: int = 1, version: int = 1) -> Facts:
    """A model that uses Roll, and what is declared."""
    net = Net()
    t = net.act("x", dtype)
    for i in range(times):
        after = net.act(f"net/roll_{i}", dtype)
        more = [net.numbers(f"shift_{i}_{j}", [1]) for j in range(inputs - 1)]
        net.op("Roll", [t, *more], [after], custom=True, version=version)
        t = after
    return replace(facts(net), declarations=Declarations(declared, "tflite-audit.toml"))


CASES = [
    Case("as declared", lambda: rolled(ROLL)),
    Case("the other type that is taken", lambda: rolled(ROLL, dtype="int8")),
    Case("nothing is said of types", lambda: rolled(DeclaredOp("Roll"), dtype="int16", inputs=3)),
    Case("any", lambda: rolled(DeclaredOp("Roll", inputs=((), ())), dtype="int16")),
    Case("another operator is declared", lambda: rolled(DeclaredOp("Shift", versions=(7,)))),
    Case("as many as one likes", lambda: rolled(replace(ROLL, variadic=True), inputs=5)),
    Case("none of those that may be many", lambda: rolled(replace(ROLL, variadic=True), inputs=1)),
    Case("nothing declared", lambda: rolled(), status=Status.NOT_APPLICABLE),
    Case(
        "another type",
        lambda: rolled(ROLL, dtype="int16", times=2),
        2,
        says=(
            "at 2 places has int16 as input 1, and float32 or int8 is declared",
            "has int16 as output 1, and float32 or int8 is declared",
        ),
        severity=Severity.ERROR,
    ),
    Case("too many", lambda: rolled(ROLL, inputs=3), 1, says=("has 3 inputs, and 2 are declared",)),
    Case("too few", lambda: rolled(ROLL, inputs=1), 1, says=("has 1 input, and 2 are declared",)),
    Case(
        "too few of many",
        lambda: rolled(replace(ROLL, inputs=(*(ROLL.inputs or ()), ()), variadic=True), inputs=1),
        1,
        says=("has 1 input, and 2 or more are declared",),
    ),
    Case(
        "none of two versions",
        lambda: rolled(replace(ROLL, versions=(2, 3))),
        1,
        says=("is of version 1, and versions 2 and 3 are declared",),
    ),
    Case("another version", lambda: rolled(ROLL, version=3), 1, says=("is of version 3, and version 1 is declared",)),
]

"""min-runtime-version."""

from __future__ import annotations

from dataclasses import replace

from tests.cases.case import Case
from tests.cases.case import facts as bare
from tests.cases.int16_support import SMALL
from tests.cases.models import Net
from tflite_audit.analyzer.support import matrix
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status


def net(stated: str | None, operator: str = "CONV_2D", version: int = 3) -> Net:
    """One operator, and what the file states."""
    made = Net()
    made.op(operator, [made.act("x"), made.weights("w")], [made.act("y")], version=version)
    if stated is not None:
        made.metadata("min_runtime_version", stated.encode().ljust(16, b"\0"))
    return made


def facts(made: Net) -> Facts:
    return replace(bare(made), support=matrix.load())


def listed_only() -> Net:
    made = net("1.14.0")
    made.operator_code("FULLY_CONNECTED", version=14)
    return made


def bytes_stated(stated: bytes) -> Net:
    made = net(None)
    made.metadata("min_runtime_version", stated)
    return made


def int16(operator: str, stated: str) -> Net:
    made = Net()
    made.op(operator, [made.act("x", "int16")], [made.act("y", "int16")], version=2)
    made.metadata("min_runtime_version", stated.encode())
    return made


def power_of_two(stated: str) -> Net:
    made = Net()
    tensors = [made.act(name, "int16") for name in ("x", "y", "z")]
    made.op("ADD", tensors[:2], tensors[2:], version=2, options={"pot_scale_int16": True})
    made.metadata("min_runtime_version", stated.encode())
    return made


def split(stated: str) -> Net:
    made = Net()
    made.op("SPLIT", [made.numbers("axis", [1]), made.act("x", "int16")], [made.act("y", "int16")], version=2)
    made.metadata("min_runtime_version", stated.encode())
    return made


def indices(stated: str) -> Net:
    made = Net()
    made.op("GATHER", [made.tensor("x", "int16", (1, 8)), made.act("i")], [made.act("y")], version=2)
    made.metadata("min_runtime_version", stated.encode())
    return made


def two(stated: str) -> Net:
    made = net(stated, "CONV_2D", 8)
    made.op("PAD", [made.act("a"), made.numbers("b", [1])], [made.act("c")], version=2)
    return made


def custom_only() -> Net:
    made = Net()
    made.op("Sinh", [made.act("x")], [made.act("y")], custom=True)
    return made


CASES = [
    Case(
        "too old",
        lambda: facts(net("1.5.0")),
        1,
        says=("states that TensorFlow Lite 1.5.0 runs it: CONV_2D version 3 needs 1.14.0",),
        severity=Severity.INFO,
    ),
    Case(
        "too old, and a runtime that people ship lies between",
        lambda: facts(net("2.14.0", "CONV_2D", 8)),
        1,
        says=("2.14.0 runs it: CONV_2D version 8 needs 2.15.0",),
        severity=Severity.WARNING,
    ),
    Case("2.9 is older than 2.14", lambda: facts(net("2.9.0", "STRIDED_SLICE", 8)), 1, says=("needs 2.14.0",)),
    Case(
        "nothing stated",
        lambda: facts(net(None, "CONV_2D", 8)),
        1,
        says=("does not state which runtime it needs",),
        severity=Severity.INFO,
    ),
    Case("an empty field", lambda: facts(net("", "CONV_2D", 8)), 1, says=("does not state",)),
    Case("nothing stated, and every runtime that people ship has it", lambda: facts(net(None))),
    Case("no text", lambda: facts(bytes_stated(b"1.\xff")), 1, says=(r"the runtime '1.\xff', which is no version",)),
    Case("no version", lambda: facts(net("latest")), 1, says=("'latest', which is no version",)),
    Case(
        "int16 in a version of int8",
        lambda: facts(int16("RSQRT", "1.10.0")),
        1,
        says=("1.10.0 runs it: RSQRT version 2 with int16 activations needs 2.15.0",),
        severity=Severity.WARNING,
    ),
    Case(
        "the second input of SPLIT", lambda: facts(split("2.2.0")), 1, says=("SPLIT version 2 with int16 activations",)
    ),
    Case("int16 that is no quantized number", lambda: facts(indices("1.14.0"))),
    Case("several operators", lambda: facts(two("1.5.0")), 1, says=("CONV_2D version 8 needs 2.15.0",)),
    Case("what they need", lambda: facts(net("1.14.0"))),
    Case("more than they need", lambda: facts(net("2.18.0"))),
    Case("without the last number", lambda: facts(net("1.14"))),
    Case("a newer code that is listed and not used", lambda: facts(listed_only())),
    Case("custom operators alone", lambda: facts(custom_only()), status=Status.NOT_APPLICABLE),
    Case(
        "a version that no runtime is known for",
        lambda: facts(net("2.21.0", "CONV_2D", 99)),
        status=Status.NOT_APPLICABLE,
    ),
    Case("versions were not measured", lambda: replace(bare(net(None)), support=SMALL), status=Status.NOT_APPLICABLE),
    Case("no matrix", lambda: bare(net(None)), status=Status.NOT_RUN),
]

"""cannot-run."""

from __future__ import annotations

from tests.builders.flatbuffers import ModelBuilder
from tests.cases.case import Case
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Trial
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status


def tried(trial: Trial | None, op: str = "TILE", custom: bool = False) -> Facts:
    m = ModelBuilder()
    x, y = m.tensor("x", "int16", (1, 4)), m.tensor("net/up/Tile", "int16", (1, 8))
    m.op(op, [x], [y], custom=custom)
    return Facts(model=m.model(), trial=trial)


TILE = Trial(EvaluationOutcome.FAILED, "Type 'INT16' is not supported by tile.", "invoking", "TILE", 0)
UNRESOLVED = Trial(EvaluationOutcome.FAILED, "Encountered unresolved custom op: Mine.", "allocating", "Mine")
FLEX = Trial(EvaluationOutcome.FAILED, "FlexSoftplus needs the Flex delegate", "invoking", "FlexSoftplus")

CASES = [
    Case("a kernel is missing", lambda: tried(TILE), 1, says=("Type 'INT16' is not supported by tile.",)),
    Case("a signal", lambda: tried(Trial(EvaluationOutcome.CRASHED, "died of signal 11")), 1, says=("crashes",)),
    Case("a custom operator of the user's", lambda: tried(UNRESOLVED, "Mine", True), 1, severity=Severity.WARNING),
    Case("a Flex operator", lambda: tried(FLEX, "FlexSoftplus", True), 1, severity=Severity.ERROR),
    Case("it runs", lambda: tried(Trial(EvaluationOutcome.EVALUATED))),
    Case("not tried", lambda: tried(None), status=Status.NOT_RUN),
]

"""evaluation-failed."""

from __future__ import annotations

from tests.cases.a001 import FAILED, evaluation
from tests.cases.case import Case
from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Status

CASES = [
    Case("failed", lambda: Facts(evaluation=FAILED), 1, says=("fails when it is run: no kernel.",)),
    *(
        Case(outcome, lambda outcome=outcome: Facts(evaluation=Evaluation("model", outcome, reason="why")), 1)
        for outcome in EvaluationOutcome
        if outcome is not EvaluationOutcome.EVALUATED
    ),
    Case("evaluated", lambda: Facts(evaluation=evaluation(9, 10))),
    Case("no evaluation", lambda: Facts(), status=Status.NOT_RUN),
]

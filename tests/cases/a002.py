"""non-finite-output."""

from __future__ import annotations

from tests.cases.a001 import FAILED, evaluation
from tests.cases.case import Case
from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Status

NANS = Evaluation("model", EvaluationOutcome.EVALUATED, metric="top-1", value=0.1, samples=200, non_finite=50)

CASES = [
    Case("some samples", lambda: Facts(evaluation=NANS), 1, says=("50 of 200 samples (25.0%)",)),
    Case("none", lambda: Facts(evaluation=evaluation(9, 10))),
    Case("the evaluation failed", lambda: Facts(evaluation=FAILED), status=Status.NOT_APPLICABLE),
    Case("no evaluation", lambda: Facts(), status=Status.NOT_RUN),
]

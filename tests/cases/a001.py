"""accuracy-drop."""

from __future__ import annotations

from tests.cases.case import Case
from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status


def evaluation(
    correct: int, samples: int, lost: int | None = None, gained: int = 0, seconds: float = 1.0
) -> Evaluation:
    """Of top-1; `lost` and `gained` are the samples that only the source model, or only this one, gets right."""
    return Evaluation(
        "model",
        EvaluationOutcome.EVALUATED,
        metric="top-1",
        value=correct / samples,
        correct=correct,
        samples=samples,
        lost=lost,
        gained=None if lost is None else gained,
        seconds=seconds,
    )


def error(value: float | None) -> Evaluation:
    return Evaluation(
        "model", EvaluationOutcome.EVALUATED, metric="mse", lower_is_better=True, value=value, samples=100
    )


def pair(ours: Evaluation, theirs: Evaluation | None) -> Facts:
    return Facts(evaluation=ours, reference=theirs)


FAILED = Evaluation("model", EvaluationOutcome.FAILED, reason="no kernel")

CASES = [
    Case(
        "3 points of 10,000 samples",
        lambda: pair(evaluation(9400, 10_000, 400, 100), evaluation(9700, 10_000)),
        1,
        says=("top-1 falls from 0.9700 to 0.9400 (3.00 points; 1 is tolerated) on 10,000 samples",),
        severity=Severity.ERROR,
    ),
    Case(
        "2 points of 50 samples may be chance",
        lambda: pair(evaluation(47, 50, 2, 1), evaluation(48, 50)),
        1,
        says=("chance explains as much (p = 0.50)",),
        severity=Severity.WARNING,
    ),
    Case(
        "without pairs the test is coarser",
        lambda: pair(evaluation(470, 500), evaluation(480, 500)),
        1,
        says=("p = 0.07",),
        severity=Severity.WARNING,
    ),
    Case("a larger error", lambda: pair(error(0.12), error(0.10)), 1, says=("mse rises from 0.1 to 0.12",)),
    Case("within a point", lambda: pair(evaluation(9650, 10_000, 75, 25), evaluation(9700, 10_000))),
    Case("better", lambda: pair(evaluation(9750, 10_000, 25, 75), evaluation(9700, 10_000))),
    Case("a smaller error", lambda: pair(error(0.09), error(0.10))),
    Case("an error within 5 %", lambda: pair(error(0.104), error(0.10))),
    Case("not a number", lambda: pair(error(float("nan")), error(0.1)), status=Status.NOT_APPLICABLE),
    Case("no reference", lambda: pair(evaluation(9, 10), None), status=Status.NOT_RUN),
    Case("the evaluation failed", lambda: pair(FAILED, evaluation(9, 10)), status=Status.NOT_RUN),
]

"""A003."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome
from tflite_audit.rules.rule import Finding, Remedy, Severity, rule

_HOW = {
    EvaluationOutcome.FAILED: "fails when it is run",
    EvaluationOutcome.CRASHED: "crashes the interpreter",
    EvaluationOutcome.TIMED_OUT: "does not answer within the time limit",
    EvaluationOutcome.OUT_OF_MEMORY: "needs more memory than there is",
}


@rule("A003", "evaluation-failed", Severity.ERROR)
def evaluation_failed(evaluation: Evaluation) -> Iterator[Finding]:
    """The model answers one sample and not the whole data.

    ## What it does
    Reports evaluations that ended in an error, a crash, a time limit or for want of memory. A model that cannot be
    called even once is F002.

    ## Why is this bad
    Its accuracy is not known, and what ended the evaluation may end the application: some values make a kernel fail
    that runs with others.

    ## Example
    FLOOR_MOD of the smallest int32 by -1 ends the process with a signal.

    ## Fix
    The reason names what the interpreter says. Where it is the time limit, give a larger one with `--timeout`, or
    evaluate fewer samples with `--limit`.
    """
    if evaluation.outcome is not EvaluationOutcome.EVALUATED:
        reason = " ".join(evaluation.reason.split()) or "no reason was given"
        yield Finding(
            message=f"The model {_HOW[evaluation.outcome]}: {reason.rstrip('.')}.",
            remedy=Remedy(
                "Evaluate fewer samples, to find the one it fails on.", "tflite-audit run SOURCE --limit 100"
            ),
            key=(evaluation.outcome,),
        )

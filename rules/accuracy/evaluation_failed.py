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
    """The model converts and does not run.

    ## What it does
    Reports evaluations that ended in an error, a crash, a time limit or for want of memory.

    ## Why is this bad
    A conversion that succeeds says nothing about the kernels: the converter writes operators in types for which the
    runtime has none, and the interpreter finds out when it allocates, or only when it runs.

    ## Example
    A nearest neighbour UpSampling2D under 16x8 becomes an int16 TILE, which has no kernel.

    ## Fix
    The runtime's message names the operator. Convert with a recipe in which it has a kernel, or rewrite the layer.
    """
    if evaluation.outcome is not EvaluationOutcome.EVALUATED:
        reason = " ".join(evaluation.reason.split()) or "no reason was given"
        yield Finding(
            message=f"The model {_HOW[evaluation.outcome]}: {reason.rstrip('.')}.",
            remedy=Remedy(
                "Compare with the float32 recipe: if it runs, a kernel is missing for the quantized type.",
                "tflite-audit run SOURCE --data test.npz --recipe float32",
            ),
            key=(evaluation.outcome,),
        )

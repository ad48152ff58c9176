"""A002."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome
from tflite_audit.rules.rule import Finding, NotApplicable, Numbers, Remedy, Severity, rule


@rule("A002", "non-finite-output", Severity.ERROR)
def non_finite_output(evaluation: Evaluation) -> Iterator[Finding]:
    """The model answers NaN or an infinity for some of the data.

    ## What it does
    Counts the samples of the evaluation whose output held a value that is not finite.

    ## Why is this bad
    A NaN compares false with everything: an argmax over it gives class 0 or nonsense, a threshold is never reached,
    and in a model with state it stays for good.

    ## Example
    A model whose variables were never assigned (M003); float16 weights or activations above 65,504; a division by a
    sum that is zero for some inputs.

    ## Fix
    Give one such sample to the source model: if its answer is finite, compare the recipes, float32 first; if not, the
    source model needs an epsilon in a division or a logarithm.
    """
    if evaluation.outcome is not EvaluationOutcome.EVALUATED:
        raise NotApplicable("the evaluation did not end")
    if evaluation.non_finite:
        share = evaluation.non_finite / evaluation.samples if evaluation.samples else 0.0
        yield Finding(
            message=f"The output holds NaN or infinities for {evaluation.non_finite:,} of "
            f"{evaluation.samples:,} samples ({share:.1%}).",
            evidence=(
                Numbers(
                    title="Outputs",
                    numbers=(
                        ("samples with NaN or infinities", evaluation.non_finite, "samples"),
                        ("samples", evaluation.samples, "samples"),
                    ),
                ),
            ),
            remedy=Remedy(
                "Give one such sample to the source model, and to the float32 conversion.",
                "output = interpreter.get_signature_runner()(**sample)\n"
                "print({name: np.isfinite(value).all() for name, value in output.items()})",
            ),
            key=("non-finite output",),
        )

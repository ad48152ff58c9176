"""M007."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules.rule import Finding, Remedy, Severity, rule


@rule("M007", "no-operators", Severity.WARNING)
def no_operators(model: Model) -> Iterator[Finding]:
    """The model has no operator at all.

    ## What it does
    Counts the operators of all subgraphs.

    ## Why is this bad
    Such a model computes nothing: its outputs are its inputs or constants. Either the wrong function was converted, or
    everything in it was folded into constants because it does not depend on the input.

    ## Example
    A signature that returns a variable, or its argument as it is.

    ## Fix
    Check which function or signature was converted, and that its outputs depend on its inputs.
    """
    if not any(True for _ in model.operators):
        yield Finding(
            message=f"The model has no operator, in {len(model.subgraphs)} "
            f"{'subgraph' if len(model.subgraphs) == 1 else 'subgraphs'}.",
            remedy=Remedy(
                "Name the signature that is meant.",
                "converter = tf.lite.TFLiteConverter.from_saved_model(\n"
                '    "saved_model", signature_keys=["serving_default"]\n'
                ")",
            ),
            key=("no operators",),
        )

"""F002."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Trial
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, Location, Remedy, Severity, Table, rule

_HOW = {
    EvaluationOutcome.FAILED: "LiteRT's interpreter cannot run the model",
    EvaluationOutcome.CRASHED: "The model crashes LiteRT's interpreter",
    EvaluationOutcome.TIMED_OUT: "The model does not answer one call within the time limit",
    EvaluationOutcome.OUT_OF_MEMORY: "One call of the model needs more memory than there is",
}


@rule("F002", "cannot-run", Severity.ERROR)
def cannot_run(trial: Trial, model: Model, locations: Locations) -> Iterator[Finding]:
    """The model converts, and the interpreter cannot run it.

    ## What it does
    Calls every model once with LiteRT's interpreter, with the first sample of the data, or with made-up inputs where
    there are none, and reports what the interpreter says if it does not answer. A custom operator that the interpreter
    has no implementation of is a warning: the runtime that the model is meant for may have one.

    ## Why is this bad
    A conversion that succeeds says nothing about the kernels: the converter writes operators in types for which the
    runtime has none, and the interpreter finds out when it allocates, or only when it runs.

    ## Example
    Under 16x8 with float fallback a fused LSTM is left half quantized, and does not allocate. An int16 TILE (nearest
    neighbour UpSampling2D of Keras 3) has a kernel in LiteRT 2.3 and none in the interpreter of TensorFlow 2.21.

    ## Fix
    The runtime's message names the operator. Convert with a recipe in which it has a kernel, or rewrite the layer.
    """
    if trial.answered:
        return
    blamed = _blamed(model, trial.operator)
    custom = any(op.custom and not op.flex for _, op in blamed)
    reason = " ".join(trial.reason.split()).rstrip(".") or "it gives no reason"
    yield Finding(
        message=f"{_HOW[trial.outcome]}: {reason}.",
        location=_location(blamed, trial, locations),
        evidence=(
            Table(
                title="One call",
                columns=("what", "value"),
                rows=(
                    ("step", trial.step or None),
                    ("operator", trial.operator),
                    ("signature", trial.signature),
                    ("inputs", "made up" if trial.generated else "the first sample of the data"),
                ),
            ),
        ),
        remedy=_remedy(trial, custom),
        severity=Severity.WARNING if custom else None,
        key=(trial.outcome, trial.operator or ""),
    )


def _blamed(model: Model, name: str | None) -> list[tuple[Subgraph, Operator]]:
    return [(subgraph, op) for subgraph, op in model.operators if op.name == name]


def _location(blamed: list[tuple[Subgraph, Operator]], trial: Trial, locations: Locations) -> Location:
    """Of the operator that is blamed, if the model has one such only: the interpreter counts nodes in its own way."""
    if len(blamed) == 1:
        ((subgraph, op),) = blamed
        return places.of_operator(subgraph, op, locations)
    return Location(op=trial.operator)


def _remedy(trial: Trial, custom: bool) -> Remedy:
    if custom:
        return Remedy(f"Evaluate it with the runtime that brings {trial.operator}.")
    return Remedy(
        "Compare with the float32 recipe: if it runs, a kernel is missing for the quantized type; rewrite the layer "
        "with operators that have one, or choose another recipe.",
        "tflite-audit run SOURCE --recipe float32",
    )

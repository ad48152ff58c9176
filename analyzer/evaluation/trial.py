"""Whether a model runs at all: "converts" is not "runs"."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from tflite_audit.analyzer.evaluation.dataset import Dataset
from tflite_audit.analyzer.evaluation.requests import CHILD, TrialReply, TrialRequest
from tflite_audit.analyzer.evaluation.runner import outcome_of, reason_of
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Trial
from tflite_audit.analyzer.isolation import Event, Limits, Raised, Replied, Worker


def trial_worker() -> Worker:
    """A child process for several trials."""
    return Worker(CHILD)


def try_model(
    model: Path,
    *,
    dataset: Dataset | None = None,
    signature: str | None = None,
    limits: Limits | None = None,
    worker: Worker | None = None,
    log: Path | None = None,
) -> Trial:
    """Load a model in a child process and call it once.

    Args:
        dataset: its first sample is given to the model; values are made up without one.
        signature: None tries every signature, or with a dataset the one that `ports.choose_signature` takes.
        worker: from `trial_worker`, to spare the start of a process; one is started and ended without.
        log: file that what the child prints is appended to.
    """
    if worker is None:
        with trial_worker() as own:
            return try_model(model, dataset=dataset, signature=signature, limits=limits, worker=own, log=log)
    steps = ["loading"]

    def follow(event: Event) -> None:
        steps.append(event.value)

    request = TrialRequest(
        model=str(model.absolute()),
        signature=signature,
        inputs=str(dataset.path.absolute()) if dataset else None,
        quantized=dataset.quantized if dataset else [],
    )
    end = worker.request("try_once", request, log=log or os.devnull, limits=limits, on_event=follow)
    if not isinstance(end, Replied):
        return Trial(
            outcome=outcome_of(end),
            reason=reason_of(end, f"{steps[-1]} the model"),
            step=steps[-1],
            signature=signature,
            generated=dataset is None,
            seconds=0.0 if isinstance(end, Raised) else end.seconds,
        )
    reply = msgspec.convert(end.value, TrialReply)
    return Trial(
        outcome=EvaluationOutcome.FAILED if reply.reason else EvaluationOutcome.EVALUATED,
        reason=reply.reason,
        step=reply.step,
        operator=reply.operator,
        node=reply.node,
        signature=reply.signature,
        non_finite=tuple(reply.non_finite),
        empty=tuple(reply.empty),
        generated=reply.generated,
        seconds=reply.seconds,
    )

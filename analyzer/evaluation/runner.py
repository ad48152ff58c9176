"""Runs models on the user's data in a child process, and scores their answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tflite_audit.analyzer.evaluation.dataset import Dataset, Progress
from tflite_audit.analyzer.evaluation.errors import one_line
from tflite_audit.analyzer.evaluation.metrics import Metric, Score
from tflite_audit.analyzer.evaluation.requests import (
    CHILD,
    Predicted,
    PredictRequest,
    ScoreRequest,
    TraceRequest,
    value_of,
    why,
)
from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome, Origin
from tflite_audit.analyzer.isolation import Died, End, Event, Limits, OutOfMemory, Raised, Replied, TimedOut, Worker

SOURCE = "source"
"""Subject of the evaluation of the model before conversion."""


class Evaluating:
    """Evaluates models on one dataset, one after another, in one child process that is replaced when it dies.

        with Evaluating(dataset, metric, scratch, reference_outputs=answers_of_the_source) as evaluating:
            reference = evaluating.score(answers_of_the_source)
            rows = [evaluating.evaluate(path, subject=name) for name, path in models]

    Args:
        scratch: an existing folder; `evaluation.log` (what the child prints) and answers are written into it.
        reference_outputs: `.npz` of the source model's outputs to the same samples, by output name.
        limits: on each model.
        environment: variables for the child process (`custom_kernels.environment`).

    Raises:
        DataError: on entering, when the metric is a function that cannot be imported.
    """

    def __init__(
        self,
        dataset: Dataset,
        metric: Metric,
        scratch: Path,
        *,
        reference_outputs: Path | None = None,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._dataset = dataset
        self._metric = metric
        self._scratch = scratch.absolute()
        self._reference = reference_outputs
        self._limits = limits
        self._interpreter = Worker(CHILD, environment)
        # A metric of the user's may import TensorFlow, which does not belong into the interpreter's process.
        self._scorer = self._interpreter if metric.function is None else Worker(CHILD)

    def __enter__(self) -> Self:
        if self._metric.function is not None:
            end = self._scorer.request("import_function", self._metric.function, log=self._log, limits=self._limits)
            if not isinstance(end, Replied):
                self.__exit__(None, None, None)
                value_of(end, type(None), f"metric {self._metric.name}: importing it")
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._interpreter.close()
        self._scorer.close()

    def evaluate(
        self, model: Path, *, subject: str, signature: str | None = None, on_progress: Progress | None = None
    ) -> Evaluation:
        """Have a `.tflite` answer the data, and score it. However that ends, it is an Evaluation."""
        outputs = self._scratch / "outputs.npz"
        request = PredictRequest(
            model=str(model.absolute()),
            signature=signature,
            inputs=str(self._dataset.path.absolute()),
            quantized=self._dataset.quantized,
            outputs=str(outputs),
        )
        steps = ["loading"]

        def follow(event: Event) -> None:
            if event.name == "step":
                steps.append(event.value)
            elif on_progress:
                on_progress(event.value, self._dataset.samples)

        def ask() -> End:
            return self._interpreter.request("predict", request, log=self._log, limits=self._limits, on_event=follow)

        try:
            end = ask()
            if steps[-1] == "batching" and not isinstance(end, Replied | TimedOut):
                # Some models do not survive batches that they were not made for: that is no fault of theirs.
                request = msgspec.structs.replace(request, batching=False)
                end = ask()
            if not isinstance(end, Replied):
                return self._not_evaluated(end, subject, signature, f"{steps[-1]} the model")
            predicted = msgspec.convert(end.value, Predicted)
            done = self.score(outputs, subject=subject, compare=True)
            return dataclasses.replace(
                done,
                origins=self._origins(request, done.first_non_finite),
                signature=predicted.signature,
                seconds=predicted.seconds,
                batch=predicted.batch,
                runtime=predicted.runtime,
            )
        finally:
            outputs.unlink(missing_ok=True)
            for part in self._scratch.glob(f"{outputs.name}*.part"):
                part.unlink()

    def score(self, outputs: Path, *, subject: str = SOURCE, compare: bool = False) -> Evaluation:
        """Score answers that were computed elsewhere, such as the source model's, with the same code.

        Args:
            outputs: `.npz`, one array an output, by name, real values.
            compare: with the source model's answers, if there are any.
        """
        request = ScoreRequest(
            outputs=str(outputs.absolute()),
            labels=str(self._dataset.labels_path.absolute()) if self._dataset.labels_path else None,
            metric=self._metric,
            reference=str(self._reference.absolute()) if compare and self._reference else None,
        )
        end = self._scorer.request("score", request, log=self._log, limits=self._limits)
        if not isinstance(end, Replied):
            return self._not_evaluated(end, subject, None, "scoring its answers")
        score = msgspec.convert(end.value, Score)
        return Evaluation(
            subject=subject,
            outcome=EvaluationOutcome.EVALUATED,
            reason=_without_value(score, self._dataset) if score.value is None else "",
            metric=self._metric.name,
            **msgspec.structs.asdict(score),
        )

    def _origins(self, asked: PredictRequest, sample: int | None) -> tuple[Origin, ...]:
        """Where the values of this sample's answer that are not finite come from; empty where that is not found."""
        if sample is None:
            return ()
        request = TraceRequest(
            model=asked.model,
            signature=asked.signature,
            inputs=asked.inputs,
            quantized=asked.quantized,
            sample=sample,
        )
        end = self._interpreter.request("trace", request, log=self._log, limits=self._limits)
        return msgspec.convert(end.value, tuple[Origin, ...]) if isinstance(end, Replied) else ()

    @property
    def _log(self) -> Path:
        return self._scratch / "evaluation.log"

    def _not_evaluated(self, end: End, subject: str, signature: str | None, doing: str) -> Evaluation:
        return Evaluation(
            subject=subject,
            outcome=outcome_of(end),
            reason=reason_of(end, doing),
            signature=signature,
            metric=self._metric.name,
            lower_is_better=self._metric.lower_is_better,
        )


def _without_value(score: Score, dataset: Dataset) -> str:
    if dataset.labels_path is None:
        return "the data hold no labels"
    return f"the answers to {score.non_finite} samples are not finite"


def evaluate(
    model: Path,
    dataset: Dataset,
    metric: Metric,
    scratch: Path,
    *,
    subject: str,
    reference_outputs: Path | None = None,
    signature: str | None = None,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Evaluate one model; see `Evaluating`."""
    with Evaluating(dataset, metric, scratch, reference_outputs=reference_outputs, limits=limits) as evaluating:
        return evaluating.evaluate(model, subject=subject, signature=signature, on_progress=on_progress)


def outcome_of(end: End) -> EvaluationOutcome:
    """How an evaluation ended whose request ended so."""
    match end:
        case Replied():
            return EvaluationOutcome.EVALUATED
        case Raised():
            return EvaluationOutcome.FAILED
        case Died():
            return EvaluationOutcome.CRASHED
        case TimedOut():
            return EvaluationOutcome.TIMED_OUT
        case OutOfMemory():
            return EvaluationOutcome.OUT_OF_MEMORY


def reason_of(end: End, doing: str) -> str:
    """Why a model gave no answers, in one line; `doing` is a phrase such as `invoking the model`."""
    if isinstance(end, Raised):
        return one_line(end.message) or why(end)
    return f"{doing} {why(end)}"

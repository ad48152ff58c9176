"""What was measured when a model answered the user's data, as frozen facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EvaluationOutcome(StrEnum):
    """How an evaluation ended; `failed` says why in `reason`."""

    EVALUATED = "evaluated"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model's answers to the data.

    Attributes:
        subject: the recipe's or file's name, or `source` for the model before conversion.
        metric: such as `top-1`; higher is better unless `lower_is_better`.
        value: the metric over `samples` samples; None unless evaluated.
        correct: per-sample successes summed, for metrics that are a share of samples; None for others.
        agreement: share of samples whose answer equals the source model's; None where there is none to compare.
        non_finite: samples whose output held a NaN or an infinity.
        seconds: time spent in invoke, data loading left out.
        batch: samples a call; 1 where batching loses or the shape is fixed.
        runtime: the interpreter and its version, such as `ai-edge-litert 2.3.0, 1 thread`.
    """

    subject: str
    outcome: EvaluationOutcome
    reason: str = ""
    signature: str | None = None
    metric: str = ""
    lower_is_better: bool = False
    value: float | None = None
    correct: int | None = None
    samples: int = 0
    agreement: float | None = None
    non_finite: int = 0
    seconds: float = 0.0
    batch: int = 1
    runtime: str = ""

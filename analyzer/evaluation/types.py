"""What was measured when a model answered the user's data, as frozen facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DataError(ValueError):
    """The user's data, metric or choice of signature cannot be used: one line saying what, where and what to do."""


class EvaluationOutcome(StrEnum):
    """How an evaluation ended; `failed` says why in `reason`."""

    EVALUATED = "evaluated"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a model, by the name that a caller uses.

    Attributes:
        dtype: as numpy writes it, such as `float32`; `string` for text.
        shape: with -1 for a free dimension; () for a scalar.
        quantized: its integers stand for real values by one scale and zero point.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    quantized: bool = False


@dataclass(frozen=True, slots=True)
class Interface:
    """What a model is called with and what it answers.

    Attributes:
        signature: key of the SignatureDef; None for a model without any, whose ports have the tensors' names.
    """

    signature: str | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model's answers to the data.

    Attributes:
        subject: the recipe's or file's name, or `source` for the model before conversion.
        metric: such as `top-1`; higher is better unless `lower_is_better`.
        reason: one line for every other outcome; for `evaluated`, why there is no value.
        value: the metric over `samples` samples; None unless evaluated, and then for data without labels, or where a
            mean is not finite.
        correct: per-sample successes summed, for metrics that are a share of samples; None for others.
        agreement: share of samples whose answer equals the source model's; None where there is none to compare.
        non_finite: samples whose output held a NaN or an infinity.
        seconds: time spent in invoke, with setting the inputs and getting the outputs; data loading left out.
        batch: samples a call; 1 where batching loses or the shape is fixed.
        runtime: the interpreter and its version, such as `ai-edge-litert 2.3.0, 1 thread`.
        output: name of the output that was scored; None where the metric is given all of them.
        lost: samples that the source model gets right and this one does not; None as for `agreement` and `correct`.
        gained: samples that this one gets right and the source model does not.
        max_difference: largest absolute difference of a scored value from the source model's, where both are finite.
        mean_difference: the mean of these differences.
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
    output: str | None = None
    lost: int | None = None
    gained: int | None = None
    max_difference: float | None = None
    mean_difference: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One call of a model, made to see whether it runs: converting is no proof of that.

    Attributes:
        outcome: `evaluated` when every signature (or the one asked for) answered.
        reason: one line for every other outcome.
        step: what it was doing when it failed: `loading`, `allocating` or `invoking`.
        operator: the operator that the interpreter blames, such as `FlexSoftplus` or `TILE`; None where it names none.
        node: the number of that operator in the execution plan, as the interpreter counts.
        signature: the one that failed; None for a model without any, and when nothing failed.
        non_finite: names of the outputs that held a NaN or an infinity.
        empty: names of the outputs that came back without any value.
        generated: the inputs were made up (seeded values between 0 and 1; 0 for integers that stand for themselves),
            not the user's.
        seconds: of the calls.
    """

    outcome: EvaluationOutcome
    reason: str = ""
    step: str = ""
    operator: str | None = None
    node: int | None = None
    signature: str | None = None
    non_finite: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    generated: bool = True
    seconds: float = 0.0

    @property
    def answered(self) -> bool:
        """The call came to its end, whatever it answered."""
        return self.outcome is EvaluationOutcome.EVALUATED

    @property
    def runs(self) -> bool:
        """It answered, and with finite numbers."""
        return self.outcome is EvaluationOutcome.EVALUATED and not self.non_finite and not self.empty

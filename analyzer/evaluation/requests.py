"""What the parent asks the child for, and what it makes of the ways in which that can end."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tflite_audit.analyzer.evaluation.functions import FunctionName
from tflite_audit.analyzer.evaluation.interpreters import Runtime
from tflite_audit.analyzer.evaluation.metrics import Metric
from tflite_audit.analyzer.evaluation.observed import TensorRange, TensorUse
from tflite_audit.analyzer.evaluation.types import DataError, FirstSample, Inputs, Interface, Lack, Origin
from tflite_audit.analyzer.isolation import Died, End, OutOfMemory, Raised, Replied, TimedOut

CHILD = "tflite_audit.analyzer.evaluation.child"

T = TypeVar("T")


class GatherRequest(Struct, frozen=True, kw_only=True):
    """Read a function's samples, or a tf.data folder's, into archives."""

    where: str
    function: FunctionName | None
    folder: str | None
    interface: Interface
    inputs: str
    labels: str
    limit: int | None


class PredictRequest(Struct, frozen=True, kw_only=True):
    """Have a model answer the samples.

    Attributes:
        quantized: names of inputs whose arrays hold the integers that the model is given as they are.
        outputs: archive to write, one array an output, real values.
        batching: False keeps to one sample a call.
    """

    model: str
    signature: str | None
    inputs: str
    quantized: list[str]
    outputs: str
    batching: bool = True


class Predicted(Struct, frozen=True):
    """How the answers came about; see `types.Evaluation`."""

    signature: str | None
    samples: int
    batch: int
    seconds: float
    runtime: str


class ScoreRequest(Struct, frozen=True, kw_only=True):
    """Score answers: archives of outputs, of labels, and of the source model's outputs."""

    outputs: str
    labels: str | None
    metric: Metric
    reference: str | None


class TrialRequest(Struct, frozen=True, kw_only=True):
    """Call a model once, with the first sample of an archive, one kept from calibration, or made-up values.

    Attributes:
        inputs: archive of the user's data.
        samples: used where there is no data and one fits.
        trace: find where a value that is not finite comes from.
    """

    model: str
    runtime: Runtime
    signature: str | None
    inputs: str | None
    quantized: list[str]
    samples: list[FirstSample]
    trace: bool = True


class TrialReply(Struct, frozen=True, kw_only=True):
    """See `types.Trial`."""

    inputs: Inputs
    seconds: float
    non_finite: list[str]
    empty: list[str]
    origins: list[Origin]
    signature: str | None = None
    reason: str = ""
    step: str = ""
    operator: str | None = None
    node: int | None = None
    lack: Lack | None = None
    detail: str = ""


class TraceRequest(Struct, frozen=True, kw_only=True):
    """Find where a value that is not finite comes from, for one sample of an archive."""

    model: str
    signature: str | None
    inputs: str
    quantized: list[str]
    sample: int


class Samples(Struct, frozen=True, kw_only=True):
    """What a model is called with while it is observed: the user's data, or a calibration set.

    Attributes:
        inputs: archive of the user's data.
        quantized: see `PredictRequest`.
        spool: folder of calibration samples (`conversion.spool`).
    """

    inputs: str | None = None
    quantized: list[str] = []
    spool: str | None = None


class ObserveRequest(Struct, frozen=True, kw_only=True):
    """Look at the values of a model's tensors.

    Attributes:
        most: samples, spread evenly over all there are.
        seconds: after which no other sample is begun.
    """

    model: str
    signature: str | None
    samples: Samples
    most: int
    seconds: float


class RangesReply(Struct, frozen=True):
    """See `observed.Ranges`."""

    samples: int
    tensors: dict[str, TensorRange]


class UsageReply(Struct, frozen=True):
    """See `observed.Usage`."""

    samples: int
    tensors: dict[int, TensorUse]


class PartTimesRequest(Struct, frozen=True, kw_only=True):
    """Time parts of the main graph.

    Attributes:
        parts: indices of the operators of each.
        seconds: for all calls together.
    """

    model: str
    signature: str | None
    samples: Samples
    parts: list[tuple[int, ...]]
    seconds: float


class PartTimesReply(Struct, frozen=True):
    """Seconds, the medians of `runs` calls; None for a part that is no model of its own."""

    model: float
    parts: list[float | None]
    runs: int


class Carry(StrEnum):
    """How a state that is an input and an output goes from one call to the next."""

    VALUES = "values"
    """Dequantized by the output's scale and quantized by the input's, which rounds where they differ."""
    BYTES = "bytes"
    """Copied as it is: where the scales differ, it is another value."""


class StepsRequest(Struct, frozen=True, kw_only=True):
    """Call a model step by step; see `stepping.stepped`.

    Attributes:
        inputs: archive, one array an input that is no state, the steps first; None where there is none.
        outputs: archive to write, one array an output, the steps first, real values.
        initial: archive of the states' first values.
    """

    model: str
    runtime: Runtime
    signature: str | None
    inputs: str | None
    outputs: str
    states: list[tuple[str, str]]
    steps: int | None
    initial: str | None
    carry: Carry
    again: bool


class TwiceRequest(Struct, frozen=True, kw_only=True):
    """Call a model twice with the same values, and once more after a reset."""

    model: str
    signature: str | None
    samples: Samples


class TwiceReply(Struct, frozen=True):
    """See `observed.Carrying`."""

    repeats: bool
    resets: bool


class StepsReply(Struct, frozen=True):
    """See `stepping.Stepped`."""

    signature: str | None
    steps: int
    seconds: float
    resets: bool | None


def value_of(end: End, kind: type[T], doing: str) -> T:
    """The reply, as `kind`.

    Raises:
        DataError: it did not come to a reply; `doing` says what was going on.
    """
    if isinstance(end, Replied):
        return msgspec.convert(end.value, kind)
    raise DataError(f"{doing} {why(end)}" if not _is_data_error(end) else why(end))


def why(end: End) -> str:
    """Why there is no reply, in one line that continues a sentence."""
    match end:
        case Raised(message=message) if _is_data_error(end):
            return message
        case Raised(kind=kind, message=message):
            return f"failed with {kind}: {' '.join(message.split())[:300]}"
        case Died():
            return f"ended the process: it {end.cause}"
        case TimedOut(limit=limit):
            return f"did not end within {limit:g} seconds"
        case OutOfMemory(limit=limit):
            return f"took more than {limit / 2**20:,.0f} MiB of memory"
        case Replied():
            return ""


def _is_data_error(end: End) -> Any:
    return isinstance(end, Raised) and end.kind == f"{DataError.__module__}.{DataError.__qualname__}"

"""What runs in the evaluation's child processes: the user's models, data functions and metrics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from tflite_audit.analyzer.evaluation import npz
from tflite_audit.analyzer.evaluation.carrying import step, twice
from tflite_audit.analyzer.evaluation.functions import FunctionName, load
from tflite_audit.analyzer.evaluation.gathering import gather
from tflite_audit.analyzer.evaluation.metrics import score
from tflite_audit.analyzer.evaluation.predicting import predict
from tflite_audit.analyzer.evaluation.requests import (
    GatherRequest,
    ObserveRequest,
    PartTimesRequest,
    PredictRequest,
    ScoreRequest,
    StepsRequest,
    TraceRequest,
    TrialRequest,
    TwiceRequest,
)
from tflite_audit.analyzer.evaluation.tracing import trace
from tflite_audit.analyzer.evaluation.trying import try_once
from tflite_audit.analyzer.isolation import Report, serve

_PROGRESS = 0.1  # seconds between two reports


def _gather(value: Any, report: Report) -> Any:
    return gather(msgspec.convert(value, GatherRequest), _Progress(report))


def _predict(value: Any, report: Report) -> Any:
    request = msgspec.convert(value, PredictRequest)
    return predict(request, lambda step: report("step", step), _Progress(report))


def _score(value: Any, _: Report) -> Any:
    request = msgspec.convert(value, ScoreRequest)
    outputs, labels, reference = (
        None if path is None else npz.read_mapped(Path(path))
        for path in (request.outputs, request.labels, request.reference)
    )
    assert outputs is not None
    return score(outputs, labels, request.metric, reference)


def _try_once(value: Any, report: Report) -> Any:
    return try_once(msgspec.convert(value, TrialRequest), lambda step: report("step", step))


def _step(value: Any, report: Report) -> Any:
    return step(msgspec.convert(value, StepsRequest), lambda doing: report("step", doing))


def _twice(value: Any, _: Report) -> Any:
    return twice(msgspec.convert(value, TwiceRequest))


def _trace(value: Any, _: Report) -> Any:
    return trace(msgspec.convert(value, TraceRequest))


# What looks into a model reads its file, for which the schema is imported: not for those that only answer.


def _ranges(value: Any, _: Report) -> Any:
    from tflite_audit.analyzer.evaluation.ranges import ranges

    return ranges(msgspec.convert(value, ObserveRequest))


def _usage(value: Any, _: Report) -> Any:
    from tflite_audit.analyzer.evaluation.usage import usage

    return usage(msgspec.convert(value, ObserveRequest))


def _part_times(value: Any, _: Report) -> Any:
    from tflite_audit.analyzer.evaluation.part_times import part_times

    return part_times(msgspec.convert(value, PartTimesRequest))


def _import_function(value: Any, _: Report) -> None:
    load(msgspec.convert(value, FunctionName))


class _Progress:
    """Reports samples done, not more often than a person can see."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next = 0.0

    def __call__(self, samples: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PROGRESS
            self._report("progress", samples)


if __name__ == "__main__":
    serve(
        {
            "gather": _gather,
            "predict": _predict,
            "score": _score,
            "try_once": _try_once,
            "step": _step,
            "twice": _twice,
            "trace": _trace,
            "ranges": _ranges,
            "usage": _usage,
            "part_times": _part_times,
            "import_function": _import_function,
        }
    )

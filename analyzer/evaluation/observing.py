"""Looks at models while they run, in a child process: what could not be seen is None, and never an error."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from tflite_audit.analyzer.evaluation.dataset import Dataset
from tflite_audit.analyzer.evaluation.observed import Carrying, PartTimes, Ranges, Usage
from tflite_audit.analyzer.evaluation.program import runtime
from tflite_audit.analyzer.evaluation.requests import (
    CHILD,
    ObserveRequest,
    PartTimesReply,
    PartTimesRequest,
    RangesReply,
    Samples,
    TwiceReply,
    TwiceRequest,
    UsageReply,
)
from tflite_audit.analyzer.isolation import Limits, Replied, Worker

Part = tuple[int, tuple[int, ...]]
"""Subgraph, and the operators in it, in execution order."""

EVALUATION, CALIBRATION = "evaluation data", "calibration data"

_RANGES = 1000  # samples
_USAGE = 200
_TIMING = 1.0  # seconds
_PATIENCE = 20.0  # seconds beyond these: loading, and the call that is under way

T = TypeVar("T")


class Observing:
    """Observes models with one set of samples, in one child process that is replaced when it dies.

        with Observing(dataset=dataset, calibration=folder) as observing:
            ranges = observing.ranges(float_model, "float32")
            usage = observing.usage(int8_model)

    Args:
        dataset: the user's data.
        calibration: folder of calibration samples (`Converting.samples`).
        signature: of the models; None where there is only one.
        limits: on each request, which takes some seconds at the most by itself.
        log: file that what the child prints is appended to.
        environment: variables for the child process (`custom_kernels.environment`).
    """

    def __init__(
        self,
        *,
        dataset: Dataset | None = None,
        calibration: Path | None = None,
        signature: str | None = None,
        limits: Limits | None = None,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._data = None
        if dataset is not None:
            self._data = Samples(inputs=str(dataset.path.absolute()), quantized=dataset.quantized)
        self._calibration = None if calibration is None else Samples(spool=str(calibration.absolute()))
        self._signature = signature
        self._limits = limits or Limits()
        self._log = log or Path(os.devnull)
        self._worker = Worker(CHILD, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._worker.close()

    def ranges(self, model: Path, name: str = "", *, seconds: float = 3.0) -> Ranges | None:
        """Of a float model's tensors over the calibration set, or as many samples of it as there is time for."""
        if self._calibration is None:
            return None
        reply = self._observe("ranges", model, self._calibration, _RANGES, seconds, RangesReply)
        return None if reply is None else Ranges(reply.samples, reply.tensors, name)

    def usage(self, model: Path, *, seconds: float = 1.0) -> Usage | None:
        """Of an integer model's codes over some of the user's data, or of the calibration set where there are none."""
        samples = self._data or self._calibration
        if samples is None:
            return None
        reply = self._observe("usage", model, samples, _USAGE, seconds, UsageReply)
        data = EVALUATION if samples is self._data else CALIBRATION
        return None if reply is None else Usage(reply.samples, reply.tensors, data)

    def carrying(self, model: Path) -> Carrying | None:
        """Whether a second call shows what a model keeps from the first."""
        samples = self._data or self._calibration or Samples()
        request = TwiceRequest(model=str(model.absolute()), signature=self._signature, samples=samples)
        reply = self._ask("twice", request, 0.0, TwiceReply)
        return None if reply is None else Carrying(reply.repeats, reply.resets, runtime())

    def part_times(self, model: Path, parts: Sequence[Part]) -> PartTimes | None:
        """Of parts of the main graph; those of other graphs, and those that are no model of their own, are left out."""
        samples = self._data or self._calibration
        wanted = [(subgraph, operators) for subgraph, operators in parts if subgraph == 0 and operators]
        if samples is None or not wanted:
            return None
        request = PartTimesRequest(
            model=str(model.absolute()),
            signature=self._signature,
            samples=samples,
            parts=[operators for _, operators in wanted],
            seconds=_TIMING,
        )
        reply = self._ask("part_times", request, _TIMING, PartTimesReply)
        if reply is None:
            return None
        times = {
            (subgraph, operators[0]): seconds
            for (subgraph, operators), seconds in zip(wanted, reply.parts, strict=True)
            if seconds is not None
        }
        return PartTimes(reply.model, times, reply.runs, runtime(), _HOW) if times else None

    def _observe(
        self, handler: str, model: Path, samples: Samples, most: int, seconds: float, kind: type[T]
    ) -> T | None:
        request = ObserveRequest(
            model=str(model.absolute()), signature=self._signature, samples=samples, most=most, seconds=seconds
        )
        return self._ask(handler, request, seconds, kind)

    def _ask(self, handler: str, request: Any, seconds: float, kind: type[T]) -> T | None:
        longest = min(seconds + _PATIENCE, self._limits.seconds or float("inf"))
        limits = replace(self._limits, seconds=longest)
        end = self._worker.request(handler, request, log=self._log, limits=limits)
        return msgspec.convert(end.value, kind, strict=False) if isinstance(end, Replied) else None


_HOW = (
    "Each part, with its QUANTIZE and DEQUANTIZE, as a model of its own, called in turn with the whole model on what "
    "the tensors hold for one sample, with the runtime's default delegate (which may turn a part between int8 tensors "
    "into a table of 256 values); processor time, without that of a call that computes nothing"
)

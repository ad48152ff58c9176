"""Loads a model and calls it once, to see whether it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.errors import blamed, lacking, one_line
from tflite_audit.analyzer.evaluation.interpreters import interpreter
from tflite_audit.analyzer.evaluation.npz import read_mapped
from tflite_audit.analyzer.evaluation.program import Program, Slot
from tflite_audit.analyzer.evaluation.requests import TrialReply, TrialRequest
from tflite_audit.analyzer.evaluation.samples import Samples, fitting
from tflite_audit.analyzer.evaluation.tracing import origins
from tflite_audit.analyzer.evaluation.types import DataError, FirstSample, Inputs, Origin

STARTING, LOADING, TRACING = "starting", "loading", "tracing"
"""Steps beside those of `Program`: the runtime is imported; an answer's NaN is looked for."""

SEED = 0
"""Of the values that are made up."""

Arrays = dict[str, NDArray[Any]]


@dataclass(slots=True)
class _Seen:
    """What the calls so far have shown."""

    inputs: list[Inputs] = field(default_factory=list[Inputs])
    seconds: float = 0.0
    non_finite: list[str] = field(default_factory=list[str])
    empty: list[str] = field(default_factory=list[str])
    origins: list[Origin] = field(default_factory=list[Origin])

    def reply(self, **problem: Any) -> TrialReply:
        inputs = Inputs.MADE_UP if Inputs.MADE_UP in self.inputs or not self.inputs else self.inputs[0]
        return TrialReply(
            inputs=inputs,
            seconds=self.seconds,
            non_finite=self.non_finite,
            empty=self.empty,
            origins=self.origins,
            **problem,
        )


def try_once(request: TrialRequest, on_step: Callable[[str], None]) -> TrialReply:
    """Call the signature asked for, or every one, once."""
    on_step(STARTING)
    interpreter(request.runtime)
    seen, step = _Seen(), LOADING

    def follow(now: str) -> None:
        nonlocal step
        step = now
        on_step(now)

    signature = request.signature
    try:
        one = signature is not None or request.inputs is not None
        todo = [signature] if one else _signatures(request, follow)
        for signature in todo:
            program = Program(request.model, signature, follow, request.runtime)
            values, where = _values(request, program)
            seen.inputs.append(where)
            _call(program, values, seen)
            if request.trace and seen.non_finite and not seen.origins:
                follow(TRACING)
                seen.origins += _origins(request, program, values)
    except DataError:
        raise
    except (ValueError, RuntimeError) as error:
        operator, node = blamed(str(error))
        lack, detail = lacking(str(error))
        return seen.reply(
            signature=signature,
            reason=one_line(str(error)),
            step=step,
            operator=operator,
            node=node,
            lack=lack,
            detail=detail,
        )
    return seen.reply()


def _signatures(request: TrialRequest, on_step: Callable[[str], None]) -> list[str | None]:
    on_step(LOADING)
    return [*interpreter(request.runtime)(model_path=request.model).get_signature_list()] or [None]


def _call(program: Program, values: Arrays, seen: _Seen) -> None:
    program.allocate({name: value.shape for name, value in values.items()})
    begin = time.perf_counter()
    answers = program(values)
    seen.seconds += time.perf_counter() - begin
    for name, answer in answers.items():
        if answer.dtype.kind == "f" and not np.isfinite(answer).all():
            seen.non_finite.append(name)
        if answer.size == 0:
            seen.empty.append(name)


def _origins(request: TrialRequest, program: Program, values: Arrays) -> list[Origin]:
    try:
        return origins(request.model, program, values, request.runtime)
    except (ValueError, RuntimeError):  # it ran with delegates, and does not without: nothing is known then
        return []


def _values(request: TrialRequest, program: Program) -> tuple[Arrays, Inputs]:
    """The first sample of the data, or of calibration where it fits, or values that are made up."""
    if request.inputs is not None:
        samples = Samples(read_mapped(Path(request.inputs)), program, frozenset(request.quantized))
        given = samples.batch(0, samples.fixed_batch)[0] if not samples.whole else next(samples.singly(0, 1))
        return given, Inputs.DATA
    for sample in request.samples:
        if (values := _fitting(sample, program)) is not None:
            return values, Inputs.CALIBRATION
    random = np.random.default_rng(SEED)
    return {name: made_up(slot, random) for name, slot in program.inputs.items()}, Inputs.MADE_UP


def _fitting(sample: FirstSample, program: Program) -> Arrays | None:
    """A calibration sample as the program's inputs; None if it does not fit them."""
    with np.load(sample.path) as archive:
        arrays = [archive[key] for key in archive.files]
    return fitting(arrays, sample.names, sample.signature, program)


def made_up(slot: Slot, random: np.random.Generator) -> NDArray[Any]:
    """Values between 0 and 1, quantized where the input is; zeros for integers that stand for themselves."""
    if slot.dtype.kind == "f":
        return random.random(slot.shape, np.float32).astype(slot.dtype)
    if slot.scale is not None:
        return slot.quantize(random.random(slot.shape, np.float32))
    if slot.dtype.kind in "SOU":
        return np.full(slot.shape, b"", np.object_)
    return np.zeros(slot.shape, slot.dtype)

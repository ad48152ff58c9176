"""Loads a model and calls it once, to see whether it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.errors import blamed, one_line
from tflite_audit.analyzer.evaluation.npz import read_mapped
from tflite_audit.analyzer.evaluation.program import Program, Slot
from tflite_audit.analyzer.evaluation.requests import TrialReply, TrialRequest
from tflite_audit.analyzer.evaluation.samples import Samples
from tflite_audit.analyzer.evaluation.types import DataError

_SEED = 0


def try_once(request: TrialRequest, on_step: Callable[[str], None]) -> TrialReply:
    """Call the signature asked for, or every one, once."""
    seconds = 0.0
    non_finite: list[str] = []
    empty: list[str] = []
    generated = request.inputs is None
    step = "loading"

    def follow(now: str) -> None:
        nonlocal step
        step = now
        on_step(now)

    signature = request.signature
    try:
        one = signature is not None or not generated
        todo = [signature] if one else _signatures(request.model, follow)
        for signature in todo:
            program = Program(request.model, signature, follow)
            values = _generated(program) if request.inputs is None else _given(request, program)
            program.allocate({name: value.shape for name, value in values.items()})
            begin = time.perf_counter()
            answers = program(values)
            seconds += time.perf_counter() - begin
            non_finite += [
                name for name, answer in answers.items() if answer.dtype.kind == "f" and not np.isfinite(answer).all()
            ]
            empty += [name for name, answer in answers.items() if answer.size == 0]
    except DataError:
        raise
    except (ValueError, RuntimeError) as error:
        operator, node = blamed(str(error))
        reason = one_line(str(error))
        return TrialReply(signature, reason, step, operator, node, non_finite, empty, generated, seconds)
    return TrialReply(None, "", "", None, None, non_finite, empty, generated, seconds)


def _signatures(model: str, on_step: Callable[[str], None]) -> list[str | None]:
    from ai_edge_litert.interpreter import Interpreter

    on_step("loading")
    return [*Interpreter(model_path=model).get_signature_list()] or [None]


def _given(request: TrialRequest, program: Program) -> dict[str, NDArray[Any]]:
    assert request.inputs is not None
    samples = Samples(read_mapped(Path(request.inputs)), program, frozenset(request.quantized))
    return samples.batch(0, samples.fixed_batch)[0] if not samples.whole else next(samples.singly(0, 1))


def _generated(program: Program) -> dict[str, NDArray[Any]]:
    """Values between 0 and 1, quantized where the input is; zeros for integers that stand for themselves."""
    random = np.random.default_rng(_SEED)
    return {name: _made_up(slot, random) for name, slot in program.inputs.items()}


def _made_up(slot: Slot, random: np.random.Generator) -> NDArray[Any]:
    if slot.dtype.kind == "f":
        return random.random(slot.shape, np.float32).astype(slot.dtype)
    if slot.scale is not None:
        return slot.quantize(random.random(slot.shape, np.float32))
    if slot.dtype.kind in "SOU":
        return np.full(slot.shape, b"", np.object_)
    return np.zeros(slot.shape, slot.dtype)

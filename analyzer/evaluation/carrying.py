"""Calls a model step by step, what it carries going from call to call. For child processes only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.calls import Calls
from tflite_audit.analyzer.evaluation.npz import Writer, read_mapped
from tflite_audit.analyzer.evaluation.program import Program, Slot
from tflite_audit.analyzer.evaluation.requests import Carry, StepsReply, StepsRequest, TwiceReply, TwiceRequest
from tflite_audit.analyzer.evaluation.trying import SEED, made_up
from tflite_audit.analyzer.evaluation.types import DataError

Arrays = dict[str, NDArray[Any]]


def step(request: StepsRequest, on_step: Callable[[str], None]) -> StepsReply:
    """Call the model with each step in turn, in an interpreter of its own, and write the answers as real values.

    Raises:
        DataError: the steps or the states do not fit the model.
        ValueError, RuntimeError: from the interpreter.
    """
    program = Program(request.model, request.signature, on_step, request.runtime)
    carried = _Carried(program, request)
    given = {} if request.inputs is None else read_mapped(Path(request.inputs))
    _check(given, carried, program)
    count = min((len(array) for array in given.values()), default=request.steps or 0)
    frames = [{name: _given(program.inputs[name], array[i]) for name, array in given.items()} for i in range(count)]
    begin = time.perf_counter()
    answers = carried.through(frames)
    seconds = time.perf_counter() - begin
    with Writer(Path(request.outputs)) as writer:
        for answer in answers:
            writer.append({name: program.outputs[name].dequantize(a)[None] for name, a in answer.items()})
    resets: bool | None = None
    if request.again:
        program.reset()
        resets = _equal(answers, carried.through(frames))
    return StepsReply(program.signature, count, seconds, resets)


def twice(request: TwiceRequest) -> TwiceReply:
    """Call the model twice with the first sample, or with values that are made up, and once more after a reset.

    Raises:
        DataError: no sample fits the model.
        ValueError, RuntimeError: from the interpreter.
    """
    program = Program(request.model, request.signature)
    samples = request.samples
    if samples.inputs is None and samples.spool is None:
        random = np.random.default_rng(SEED)
        values = {name: made_up(slot, random) for name, slot in program.inputs.items()}
    else:
        values = Calls(samples, program).first()
    program.allocate({name: value.shape for name, value in values.items()})

    def call() -> list[Arrays]:
        return [{name: np.array(a) for name, a in program(values, keep=True).items()}]

    first, second = call(), call()
    program.reset()
    return TwiceReply(_equal(first, second), _equal(first, call()))


class _Carried:
    """The states that are inputs and outputs, and how they go from one call to the next."""

    def __init__(self, program: Program, request: StepsRequest) -> None:
        self._program = program
        self._pairs = request.states
        self._bytes = request.carry is Carry.BYTES
        for read, written in self._pairs:
            for name, there, what in ((read, program.inputs, "input"), (written, program.outputs, "output")):
                if name not in there:
                    raise DataError(f"the model has no {what} {name!r}; it has {', '.join(there)}")
        initial = {} if request.initial is None else read_mapped(Path(request.initial))
        self.names = {read for read, _ in self._pairs}
        if others := initial.keys() - self.names:
            raise DataError(f"a value to begin with is given for {', '.join(others)}, which is no state")
        self._first = {
            name: _given(slot, initial[name]) if name in initial else _zero(slot)
            for name, slot in ((name, program.inputs[name]) for name in sorted(self.names))
        }

    def through(self, frames: list[Arrays]) -> list[Arrays]:
        """What the model answers to each frame; variables inside it are left as they are before the first."""
        answers: list[Arrays] = []
        states = self._first
        for number, frame in enumerate(frames):
            values = {**frame, **states}
            if number == 0:
                self._program.allocate({name: value.shape for name, value in values.items()})
            answer = {name: np.array(a) for name, a in self._program(values, keep=True).items()}
            states = {read: self._next(read, written, answer[written]) for read, written in self._pairs}
            answers.append(answer)
        return answers

    def _next(self, read: str, written: str, value: NDArray[Any]) -> NDArray[Any]:
        to, source = self._program.inputs[read], self._program.outputs[written]
        if self._bytes:
            if to.dtype != source.dtype:
                raise DataError(f"the state {read} is {to.dtype}, and comes back as {source.dtype}")
            return value
        return _given(to, source.dequantize(value))


def _given(slot: Slot, values: NDArray[Any]) -> NDArray[Any]:
    """Values for an input: real ones are quantized where it is, others are taken as they are."""
    if slot.scale is not None and values.dtype.kind == "f":
        return slot.quantize(values)
    return np.asarray(values).astype(slot.dtype, copy=False)


def _zero(slot: Slot) -> NDArray[Any]:
    """A real 0, in every element; 1 for a free dimension."""
    shape = tuple(size if wanted >= 0 else 1 for size, wanted in zip(slot.shape, slot.signature, strict=True))
    return np.full(shape, slot.zero_point if slot.scale is not None else 0, slot.dtype)


def _check(given: Mapping[str, NDArray[Any]], carried: _Carried, program: Program) -> None:
    wanted = program.inputs.keys() - carried.names
    if set(given) != wanted:
        raise DataError(
            f"the steps hold {', '.join(given) or 'nothing'}; beside its states the model takes "
            f"{', '.join(sorted(wanted)) or 'nothing'}"
        )
    for name, array in given.items():
        signature = program.inputs[name].signature
        shape = array.shape[1:]
        if len(shape) != len(signature) or any(w not in (-1, s) for w, s in zip(signature, shape, strict=True)):
            raise DataError(f"a step of shape {shape} does not fit the input {name}, which takes {signature}")


def _equal(first: list[Arrays], second: list[Arrays]) -> bool:
    return all(
        np.array_equal(value, b[name], equal_nan=value.dtype.kind == "f")
        for a, b in zip(first, second, strict=True)
        for name, value in a.items()
    )

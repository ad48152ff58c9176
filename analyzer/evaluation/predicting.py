"""A model answers every sample of an archive, in batches where that is proven to change nothing but the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.npz import Writer, read_mapped
from tflite_audit.analyzer.evaluation.program import Program, runtime
from tflite_audit.analyzer.evaluation.requests import Predicted, PredictRequest
from tflite_audit.analyzer.evaluation.samples import Samples
from tflite_audit.analyzer.evaluation.types import DataError

Arrays = dict[str, NDArray[Any]]

_TRIAL_SAMPLES = 64
_TRIAL_SECONDS = 0.5  # about so long one at a time, and again in batches
_TRIAL_PARTS = 4  # of these samples; the quickest part counts, since others may use the machine too
_GAIN = 1.2  # batches must be faster by this factor; less is noise, and what 16x8 kernels gain is less
_LARGEST_BATCH = 512
_SMALLEST_BATCH = 8
# Batches gain while a layer's input and output stay in the processor's cache, and lose when they do not: the digits
# model in float32 (32 kB a sample) took 0.061 s for 10,000 samples by 100, and 0.133 s by 500.
_CACHE = 2 << 20
_MEMORY = 256 << 20


def predict(request: PredictRequest, on_step: Callable[[str], None], on_progress: Callable[[int], None]) -> Predicted:
    """Answer the samples, and write the answers as real values.

    Raises:
        DataError: the samples do not fit the model.
        ValueError, RuntimeError: from the interpreter.
    """
    program = Program(request.model, request.signature, on_step)
    samples = Samples(read_mapped(Path(request.inputs)), program, frozenset(request.quantized))
    with Writer(Path(request.outputs)) as writer:
        run = _Run(program, samples, writer, on_progress)
        if samples.fixed_batch > 1:
            run.in_batches(program, samples.fixed_batch)
        else:
            run.singly_or_in_batches(request, on_step)
    return Predicted(program.signature, samples.count, run.batch, run.seconds, runtime())


@dataclass(slots=True)
class _Run:
    """Answers as they come, and what they cost."""

    program: Program
    samples: Samples
    writer: Writer
    on_progress: Callable[[int], None]
    batch: int = 1
    seconds: float = 0.0

    def in_batches(self, program: Program, batch: int) -> None:
        self.batch, self.seconds = batch, 0.0
        program.allocate(self.samples.shapes(batch))
        for start in range(0, self.samples.count, batch):
            values, count = self.samples.batch(start, batch)
            begin = time.perf_counter()
            answers = program(values)
            self.seconds += time.perf_counter() - begin
            self._write({name: answer[:count] for name, answer in _rows(answers, batch).items()})

    def singly_or_in_batches(self, request: PredictRequest, on_step: Callable[[str], None]) -> None:
        """Time the first samples one at a time; go on in batches if these are faster and answer exactly the same."""
        samples = self.samples
        self.program.allocate(samples.shapes(1))
        parts = [self._singly(0, 1)]  # the first call is slower
        trial = min(_TRIAL_SAMPLES, max(2, int(_TRIAL_SECONDS / max(parts[0][1], 1e-6))), samples.count)
        step = max(1, trial // _TRIAL_PARTS)
        parts += [self._singly(start, min(trial, start + step)) for start in range(1, trial, step)]
        batch = _batch(self.program, samples.count) if request.batching and not samples.whole else 1
        each = min(seconds for _, seconds in parts)
        if trial > 1 and batch > 1 and each < _TRIAL_SECONDS:
            head = _joined([answers for answers, _ in parts])
            on_step("batching")
            if batched := self._trial(request, head, each, min(batch, trial)):
                self.in_batches(batched, batch)
                return
            on_step("invoking")
        for answers, _ in parts:
            self._write(answers)
        for start in range(trial, samples.count, samples.block):
            self._write(self._singly(start, min(samples.count, start + samples.block))[0])

    def _singly(self, start: int, stop: int) -> tuple[Arrays, float]:
        """Answers to samples start..stop, and seconds each."""
        program = self.program
        values = [*self.samples.singly(start, stop)]
        begin = time.perf_counter()
        answers = [program(value) for value in values]
        seconds = time.perf_counter() - begin
        self.seconds += seconds
        return _joined([_row(answer, self.samples.whole) for answer in answers]), seconds / (stop - start)

    def _trial(self, request: PredictRequest, head: Arrays, each: float, batch: int) -> Program | None:
        """A program for batches, if they gain; another one, so that a refusal leaves no trace in the first."""
        try:
            program = Program(request.model, request.signature)
            program.allocate(self.samples.shapes(batch))
            values, _ = self.samples.batch(0, batch)
            if not _equal(_rows(program(values), batch), head, batch):
                return None
            times: list[float] = []
            for _ in range(3):
                begin = time.perf_counter()
                program(values)
                times.append(time.perf_counter() - begin)
                if sum(times) > _TRIAL_SECONDS:
                    break
        except (ValueError, RuntimeError):
            return None
        return program if each * batch > _GAIN * min(times) else None

    def _write(self, answers: Mapping[str, NDArray[Any]]) -> None:
        outputs = self.program.outputs
        # Text is left out: no metric here scores it, and arrays of it have no fixed size.
        values = {name: outputs[name].dequantize(a) for name, a in answers.items() if a.dtype.kind in "biufc"}
        if not values:
            raise DataError(f"the model's outputs ({', '.join(answers)}) hold no numbers to score")
        self.writer.append(values)
        self.on_progress(self.writer.rows)


def _batch(program: Program, samples: int) -> int:
    """How many samples a call may take: by size, and so that the last call is about as full as the others."""
    largest, together = program.bytes_per_sample()
    most = max(_SMALLEST_BATCH, min(_LARGEST_BATCH, _CACHE // max(1, largest)))
    most = max(1, min(most, _MEMORY // max(1, together)))
    calls = -(-samples // most)
    return -(-samples // calls)


def _joined(parts: list[Arrays]) -> Arrays:
    try:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    except ValueError:
        raise DataError("the shape of the model's output changes from sample to sample") from None


def _rows(answers: Arrays, batch: int) -> Arrays:
    """Answers to a batch, checked: every output has a row a sample.

    Raises:
        ValueError: one has not.
    """
    for name, answer in answers.items():
        if answer.ndim == 0 or len(answer) != batch:
            raise ValueError(f"output {name} has shape {answer.shape} for {batch} samples: not one row a sample")
    return answers


def _row(answers: Arrays, whole: bool) -> Arrays:
    """Answers to one sample, with a first dimension of 1 that counts samples."""
    for name, answer in answers.items():
        if answer.size == 0:
            raise DataError(f"the model runs, and its output {name} comes back empty, of shape {answer.shape}")
    return {
        name: answer if not whole and answer.shape[:1] == (1,) else answer[None] for name, answer in answers.items()
    }


def _equal(answers: Arrays, head: Arrays, count: int) -> bool:
    return all(
        answer.shape[1:] == head[name].shape[1:]
        and np.array_equal(answer, head[name][:count], equal_nan=answer.dtype.kind == "f")
        for name, answer in answers.items()
    )

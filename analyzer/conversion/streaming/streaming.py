"""A recurrent model converted as a model of one step, and compared with the model of whole sequences.

    with Streaming(sources.parse("model.keras"), calibration, Path("out"), limits) as streaming:
        prepared = streaming.prepare(Path("out"))
        made = streaming.convert(recipe)
        print(streaming.compare(Path(made.model)).outputs)

Everything runs in child processes.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion import calibration as calibrations
from tflite_audit.analyzer.conversion.calibration import Calibration, CalibrationError
from tflite_audit.analyzer.conversion.convert import Converting, SourceWorker, problem_of
from tflite_audit.analyzer.conversion.requests import Refusal
from tflite_audit.analyzer.conversion.source import Source, SourceError
from tflite_audit.analyzer.conversion.streaming.comparing import Comparison, compared
from tflite_audit.analyzer.conversion.streaming.requests import CHILD, FIRST, SAMPLES, SAVED, Prepared, PrepareRequest
from tflite_audit.analyzer.conversion.streaming.requests import sequence as sequence_file
from tflite_audit.analyzer.conversion.types import Progress, Rebuild, SourceChange
from tflite_audit.analyzer.evaluation.requests import Predicted, PredictRequest
from tflite_audit.analyzer.evaluation.stepping import stepped
from tflite_audit.analyzer.evaluation.trial import trial_worker
from tflite_audit.analyzer.isolation import Limits, Replied

_TIMED = 64
"""Calls whose mean is the time of one."""

FAR = 0.01
"""Share of an output's range that a float step may be off: rounding explains a ten thousandth."""

ONE_STEP = SourceChange(rebuild=(Rebuild.STEP,))


class StreamWorker(SourceWorker):
    """A child process that holds a source as a step model."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self.module = CHILD


class Streaming(Converting):
    """Converts a source as a model of one step. A context manager; nothing is started before the first question.

    Args:
        source, folder, limits, on_event, weights, environment: as for `Converting`.
        change: what is changed in the source besides, before.
        worker: shared with others of this source, one of which is loaded at a time; a process of its own by default.
        calibration: the source's calibration set, of whole sequences.
    """

    def __init__(
        self,
        source: Source,
        calibration: Calibration | None,
        folder: Path,
        limits: Limits | None = None,
        on_event: Callable[[Progress], None] | None = None,
        *,
        change: SourceChange = ONE_STEP,
        weights: Path | None = None,
        worker: StreamWorker | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        shared = worker or StreamWorker(environment)
        super().__init__(source, None, folder, limits, on_event, change=change, weights=weights, worker=shared)
        self._sequences = calibration
        self._prepared: Prepared | None = None
        self._interpreters = trial_worker(environment)

    def close(self) -> None:
        """End the processes, and remove the working files."""
        self._interpreters.close()
        super().close()

    def prepare(self, keep: Path | None = None) -> Prepared:
        """Make the step model, and run it beside the source over the calibration set's sequences, or made-up ones.

        Once: what was made then is told again.

        Args:
            keep: folder that gets `step_model.keras`, and `initial_state.npz` where a state does not begin as zeros.

        Raises:
            SourceError: it cannot be loaded, run one step at a time, or gives something else then.
            CalibrationError: the calibration set cannot be used.
        """
        if self._prepared is None:
            self._prepared = self._run_both()
        if keep is not None:
            for name in (SAVED, FIRST):
                (keep / name).unlink(missing_ok=True)  # of an earlier source
                if (self._steps / name).exists():
                    shutil.copyfile(self._steps / name, keep / name)
        return self._prepared

    @property
    def _steps(self) -> Path:
        return self._working_folder() / "steps"

    def _run_both(self) -> Prepared:
        self.describe()
        request = PrepareRequest(self._sequences, str(self._steps))
        log = self._working_folder() / "steps.log"
        end = self._worker.request("prepare", request, log=log, limits=self.limits)
        if not isinstance(end, Replied):
            raise SourceError(problem_of(end, f"{self.source.spec}: running it step by step", "").reason)
        if isinstance(end.value, Mapping) and set(end.value) == {"reason", "problem"}:
            refusal = msgspec.convert(end.value, Refusal)
            if refusal.problem is not None:
                raise CalibrationError(refusal.reason, refusal.problem)
            raise SourceError(f"{self.source.spec}: {refusal.reason.removeprefix(f'{self.source.spec}: ')}")
        prepared = msgspec.convert(end.value, Prepared)
        worst = max(prepared.exact, key=lambda exact: exact.relative)
        if not worst.relative <= FAR:
            raise SourceError(
                f"{self.source.spec}: cannot be run one step at a time: the output {worst.output} is off by "
                f"{worst.relative:.0%} of its range when its layers are called step by step, in float"
            )
        if prepared.samples:
            self.calibration = calibrations.parse(str(self._steps / SAMPLES))
        return prepared

    def compare(self, model: Path) -> Comparison:
        """Call a converted step model over the sequences, its states passed on, and hold it against the source."""
        prepared = self.prepare()
        pairs = [(state.input, state.output) for state in prepared.plan.states]
        folder = self._steps
        found: list[Mapping[str, NDArray[np.generic]]] = []
        runtime = ""
        for number in range(len(prepared.compared)):
            arrays = _read(sequence_file(folder, number))
            ended = stepped(
                model,
                _under("in/", arrays),
                pairs,
                initial=_under("first/", arrays),
                limits=self.limits,
                worker=self._interpreters,
                log=Path(os.devnull),
            )
            if not ended.answered:
                return Comparison(reason=ended.reason)
            found.append(ended.outputs)
            runtime = ended.runtime
        wanted = [_read(sequence_file(folder, number)) for number in range(len(found))]
        made = compared(prepared, found, wanted)
        return dataclasses.replace(made, seconds=self._call_seconds(model), runtime=runtime)

    def _call_seconds(self, model: Path) -> float | None:
        """As other models are timed (`PredictRequest`): the values are made ready before."""
        arrays = _read(sequence_file(self._steps, 0))
        first = _under("first/", arrays)
        steps = {name: array[:_TIMED] for name, array in _under("in/", arrays).items()}
        count = len(next(iter(steps.values())))
        inputs, outputs = self._steps / "timed.npz", self._steps / "answers.npz"
        repeated = {name: np.repeat(array[None], count, axis=0) for name, array in first.items()}
        np.savez(inputs, **cast("dict[str, Any]", {**steps, **repeated}))
        request = PredictRequest(
            model=str(model.absolute()),
            signature=None,
            inputs=str(inputs),
            quantized=[],
            outputs=str(outputs),
            batching=False,
        )
        end = self._interpreters.request("predict", request, log=os.devnull, limits=self.limits)
        if not isinstance(end, Replied):
            return None
        reply = msgspec.convert(end.value, Predicted)
        return reply.seconds / reply.samples


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _under(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

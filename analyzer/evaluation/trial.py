"""Whether a model runs at all: "converts" is not "runs"."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tflite_audit.analyzer.evaluation.dataset import Dataset
from tflite_audit.analyzer.evaluation.interpreters import Runtime, described, is_installed
from tflite_audit.analyzer.evaluation.requests import CHILD, TrialReply, TrialRequest
from tflite_audit.analyzer.evaluation.runner import outcome_of, reason_of
from tflite_audit.analyzer.evaluation.shortening import first_that_kills
from tflite_audit.analyzer.evaluation.trying import STARTING, TRACING
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, FirstSample, Inputs, Trial, Trials
from tflite_audit.analyzer.isolation import Died, End, Event, Limits, Raised, Replied, Worker

LITERT = (Runtime.LITERT,)
BOTH = (Runtime.LITERT, Runtime.TENSORFLOW)
"""LiteRT is always asked, and first: evaluations are made with it."""


def trial_worker(environment: Mapping[str, str] | None = None) -> Worker:
    """A child process for several trials, all in one runtime."""
    return Worker(CHILD, environment)


class Trying:
    """Calls models once in each runtime, each of which has a child process of its own.

        with Trying(BOTH, dataset=dataset) as trying:
            trials = trying(path)

    Args:
        runtimes: LiteRT's first. Another that is not installed is not asked, and `Trials` says so.
        dataset, samples, signature, limits, log: see `try_model`.
        environment: variables for the child processes (`custom_kernels.environment`).
    """

    def __init__(
        self,
        runtimes: Sequence[Runtime] = LITERT,
        *,
        dataset: Dataset | None = None,
        samples: Sequence[FirstSample] = (),
        signature: str | None = None,
        limits: Limits | None = None,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._dataset, self._samples, self._signature = dataset, samples, signature
        self._limits, self._log = limits, log
        self._missing = [r for r in runtimes if r is not Runtime.LITERT and not is_installed(r)]
        self._workers = {runtime: trial_worker(environment) for runtime in runtimes if runtime not in self._missing}

    def __enter__(self) -> Trying:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def __call__(self, model: Path) -> Trials:
        """One call of the model in each runtime."""
        made = [
            try_model(
                model,
                dataset=self._dataset,
                samples=self._samples,
                signature=self._signature,
                runtime=runtime,
                limits=self._limits,
                worker=worker,
                log=self._log,
            )
            for runtime, worker in self._workers.items()
        ]
        started = [trial for trial in made[1:] if trial.step != STARTING]
        return Trials(
            (made[0], *started),
            (
                *(f"{runtime} is not installed" for runtime in self._missing),
                *(f"{trial.runtime}: {trial.reason}" for trial in made[1:] if trial.step == STARTING),
            ),
        )


def try_model(
    model: Path,
    *,
    dataset: Dataset | None = None,
    samples: Sequence[FirstSample] = (),
    signature: str | None = None,
    runtime: Runtime = Runtime.LITERT,
    limits: Limits | None = None,
    worker: Worker | None = None,
    log: Path | None = None,
) -> Trial:
    """Load a model in a child process and call it once.

    Args:
        dataset: its first sample is given to the model.
        samples: without a dataset, the one that fits is given to it; values are made up without one.
        signature: None tries every signature, or with a dataset the one that `ports.choose_signature` takes.
        worker: from `trial_worker`, to spare the start of a process, used for this runtime only; one is started and
            ended without.
        log: file that what the child prints is appended to.
    """
    if worker is None:
        with trial_worker() as own:
            return try_model(
                model,
                dataset=dataset,
                samples=samples,
                signature=signature,
                runtime=runtime,
                limits=limits,
                worker=own,
                log=log,
            )
    request = TrialRequest(
        model=str(model.absolute()),
        runtime=runtime,
        signature=signature,
        inputs=str(dataset.path.absolute()) if dataset else None,
        quantized=dataset.quantized if dataset else [],
        samples=list(samples),
    )
    ask = _Asking(worker, log, limits)
    end, step = ask(request)
    if step == TRACING and not isinstance(end, Replied):  # it answered: what looked for the NaN did not survive
        end, step = ask(msgspec.structs.replace(request, trace=False))
    if not isinstance(end, Replied):
        trial = Trial(
            outcome=outcome_of(end),
            reason=reason_of(end, f"{step} the model"),
            step=step,
            signature=signature,
            inputs=Inputs.DATA if dataset else Inputs.MADE_UP,
            seconds=0.0 if isinstance(end, Raised) else end.seconds,
            runtime=described(runtime),
        )
        return ask.blamed(trial, request) if isinstance(end, Died) and step != STARTING else trial
    reply = msgspec.convert(end.value, TrialReply)
    return Trial(
        outcome=EvaluationOutcome.FAILED if reply.reason else EvaluationOutcome.EVALUATED,
        reason=reply.reason,
        step=reply.step,
        operator=reply.operator,
        node=reply.node,
        signature=reply.signature,
        non_finite=tuple(reply.non_finite),
        empty=tuple(reply.empty),
        inputs=reply.inputs,
        seconds=reply.seconds,
        runtime=described(runtime),
        lack=reply.lack,
        detail=reply.detail,
        origins=tuple(reply.origins),
    )


@dataclasses.dataclass(frozen=True)
class _Asking:
    """Requests to one child."""

    worker: Worker
    log: Path | None
    limits: Limits | None

    def __call__(self, request: TrialRequest) -> tuple[End, str]:
        """How it ended, and what it was doing last."""
        steps = [STARTING]

        def follow(event: Event) -> None:
            steps.append(event.value)

        log = self.log or os.devnull
        end = self.worker.request("try_once", request, log=log, limits=self.limits, on_event=follow)
        return end, steps[-1]

    def blamed(self, trial: Trial, request: TrialRequest) -> Trial:
        """With the operator that killed the process, where it is one of the main graph's."""

        def kills(shortened: Path) -> bool:
            end, _ = self(msgspec.structs.replace(request, model=str(shortened), trace=False))
            return isinstance(end, Died)

        with tempfile.TemporaryDirectory(prefix="tflite-audit-") as folder:
            try:
                found = first_that_kills(Path(request.model), Path(folder) / "shortened.tflite", kills)
            except (OSError, ValueError):  # no room for a copy; a file that only the interpreter can read
                return trial
        return dataclasses.replace(trial, operator=found.name, node=found.index) if found else trial

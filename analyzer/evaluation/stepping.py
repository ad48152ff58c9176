"""A model called step by step in a child process, to see whether its steps give what the whole sequence gives.

steps = stepped(Path("step.tflite"), {"x": frames}, [("h", "h_out")])   # frames: [steps, *shape of the input]
whole = stepped(Path("sequence.tflite"), {"x": sequence[None]})           # one call with the whole sequence
compared(steps.outputs["y"], whole.outputs["y"][0], axis=1).largest
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.interpreters import Runtime, described
from tflite_audit.analyzer.evaluation.npz import read_mapped
from tflite_audit.analyzer.evaluation.requests import CHILD, Carry, StepsReply, StepsRequest
from tflite_audit.analyzer.evaluation.runner import outcome_of, reason_of
from tflite_audit.analyzer.evaluation.trying import STARTING
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome
from tflite_audit.analyzer.isolation import Event, Limits, Replied, Worker

__all__ = ["Carry", "Difference", "Stepped", "compared", "stepped"]

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a model answered, call after call.

    Attributes:
        outcome: `evaluated` when every call answered.
        reason: one line for every other outcome.
        outputs: real values by output name, the states' among them, [steps, *shape of the output]; {} unless evaluated.
        resets: after `reset_all_variables()`, with the states from outside as they were at first, the same steps gave
            bit for bit the same again; None where that was not asked. Resource variables are not reset by it: they
            begin anew only in another interpreter.
        seconds: of the calls.
    """

    outcome: EvaluationOutcome
    reason: str = ""
    signature: str | None = None
    outputs: Arrays = field(default_factory=dict[str, NDArray[Any]])
    resets: bool | None = None
    seconds: float = 0.0
    runtime: str = ""

    @property
    def answered(self) -> bool:
        """Every call came to its end."""
        return self.outcome is EvaluationOutcome.EVALUATED


def stepped(
    model: Path,
    inputs: Arrays,
    states: Sequence[tuple[str, str]] = (),
    *,
    steps: int | None = None,
    initial: Arrays | None = None,
    carry: Carry = Carry.VALUES,
    again: bool = False,
    signature: str | None = None,
    runtime: Runtime = Runtime.LITERT,
    limits: Limits | None = None,
    worker: Worker | None = None,
    log: Path | None = None,
) -> Stepped:
    """Call a model once a step, in an interpreter of its own, whose variables keep their values from call to call.

    Args:
        inputs: by name, [steps, *shape of the input], those that are no states; floats are quantized where the input
            is, integers are given as they are. One call with a whole sequence is one step.
        states: (input, output) whose value goes from each call to the next.
        steps: how many calls, for a model that takes nothing beside its states.
        initial: of the states, by input name; real zeros for the others.
        carry: how a state goes on.
        again: once more after a reset, for `Stepped.resets`.
        signature: None takes the only one, or `serving_default`.
        worker: from `trial.trial_worker`, to spare the start of a process, used for this runtime only.
        log: file that what the child prints is appended to.

    However it ends, that is no exception.
    """
    if worker is None:
        with Worker(CHILD) as own:
            return stepped(
                model,
                inputs,
                states,
                steps=steps,
                initial=initial,
                carry=carry,
                again=again,
                signature=signature,
                runtime=runtime,
                limits=limits,
                worker=own,
                log=log,
            )
    doing = [STARTING]

    def follow(event: Event) -> None:
        doing.append(event.value)

    with tempfile.TemporaryDirectory(prefix="tflite-audit-") as folder:
        outputs = Path(folder) / "outputs.npz"
        request = StepsRequest(
            model=str(model.absolute()),
            runtime=runtime,
            signature=signature,
            inputs=_written(Path(folder) / "inputs.npz", inputs),
            outputs=str(outputs),
            states=[*states],
            steps=steps,
            initial=_written(Path(folder) / "initial.npz", initial or {}),
            carry=carry,
            again=again,
        )
        end = worker.request("step", request, log=log or os.devnull, limits=limits, on_event=follow)
        if not isinstance(end, Replied):
            reason = reason_of(end, f"{doing[-1]} the model")
            return Stepped(outcome_of(end), reason, signature, runtime=described(runtime))
        reply = msgspec.convert(end.value, StepsReply)
        answers = {name: np.array(array) for name, array in read_mapped(outputs).items()} if reply.steps else {}
    return Stepped(
        EvaluationOutcome.EVALUATED,
        signature=reply.signature,
        outputs=answers,
        resets=reply.resets,
        seconds=reply.seconds,
        runtime=described(runtime),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """Between what steps gave and what the whole sequence gave.

    Attributes:
        largest: absolute difference; NaN where one of the two is.
        mean: of the absolute differences.
        each: the largest of each step; one number where the sequence gives only its last step.
        scale: largest absolute value of the whole sequence's answer, to hold the difference against.
    """

    largest: float
    mean: float
    each: tuple[float, ...]
    scale: float


def compared(steps: NDArray[Any], whole: NDArray[Any], axis: int | None = 1) -> Difference:
    """Compare one output.

    Args:
        steps: [steps, *shape of the step model's output]; that shape may have the time axis, of one step or of several,
            or none.
        whole: the sequence model's output to one call.
        axis: of time, in `whole`; None where it is what the last step gives.

    Raises:
        ValueError: the two do not have as many values.
    """
    if axis is None:
        mine, theirs = steps[-1:].reshape(1, -1), whole.reshape(1, -1)
    else:
        axis %= whole.ndim
        theirs = np.moveaxis(whole, axis, 0).reshape(whole.shape[axis], -1)
        if steps.ndim - 1 == whole.ndim:  # each step has the time axis, of as many steps as a call takes
            steps = np.moveaxis(steps, axis + 1, 1)
            steps = steps.reshape(-1, *steps.shape[2:])
        mine = steps.reshape(len(steps), -1)
    if mine.shape != theirs.shape:
        raise ValueError(f"steps gave {mine.shape[0]} x {mine.shape[1]} values, the sequence {theirs.shape}")
    apart = np.abs(mine.astype(np.float64) - theirs.astype(np.float64))
    return Difference(
        largest=float(apart.max(initial=0.0)),
        mean=float(apart.mean()) if apart.size else 0.0,
        each=tuple(float(row.max(initial=0.0)) for row in apart),
        scale=float(np.abs(theirs.astype(np.float64)).max(initial=0.0)),
    )


def _written(path: Path, arrays: Arrays) -> str | None:
    if not arrays:
        return None
    with path.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
    return str(path)

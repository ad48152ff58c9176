"""The source and its step model, both run over the same sequences. Runs in the child process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.streaming import sequences
from tflite_audit.analyzer.conversion.streaming.requests import Exactness
from tflite_audit.analyzer.conversion.streaming.step_model import StepModel
from tflite_audit.analyzer.conversion.streaming.types import Per

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_MOST_STEPS = 100_000
"""Of all sequences together, that the step model is run over."""

_COMPARED = 8
_PROLONGED = 2
_LONGER = 4
_LONGEST = 4000
"""Sequences that models are compared on, and how many of them go on beyond their length, so many times as long."""

_STREAM = 64
"""So many steps at least, where the source goes on itself: a step or two tell nothing of its state."""

_PREFIXES = (1 / 8, 1 / 4, 1 / 2, 1)
"""Parts of a sequence that the source is given too, where it answers only at the end and any number of steps."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What the float step model did over one sequence.

    Attributes:
        given: inputs by name, one row a step.
        states: by input name, before the first step and after each: one row more than there are steps.
        outputs: by name, one row a step.
    """

    given: Arrays
    states: Arrays
    outputs: Arrays

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(next(iter(self.states.values()))) - 1


def within_reach(found: Sequence[dict[str, Array]], model: StepModel) -> list[dict[str, Array]]:
    """As many of the sequences as are run in a reasonable time, spread evenly."""
    longest = max(sequences.length(arrays, model.plan) for arrays in found)
    count = min(len(found), max(_COMPARED, _MOST_STEPS // longest))
    return [found[index] for index in sorted(set(np.linspace(0, len(found) - 1, count).astype(int)))]


def trajectories(model: StepModel, found: Sequence[dict[str, Array]]) -> list[Trajectory]:
    """Run the float step model over sequences, those of one length together."""
    made: dict[int, Trajectory] = {}
    for group in sequences.grouped(found):
        stacked = {name: np.stack([found[index][name] for index in group]) for name in found[group[0]]}
        together = _run(model, stacked, len(group))
        for row, index in enumerate(group):
            made[index] = Trajectory(*({name: a[:, row] for name, a in part.items()} for part in together))
    return [made[index] for index in range(len(found))]


def _run(model: StepModel, stacked: Arrays, count: int) -> tuple[Arrays, Arrays, Arrays]:
    """Inputs, states and outputs; the steps first, then the sequences."""
    plan = model.plan
    steps = sequences.length({name: array[0] for name, array in stacked.items()}, plan)
    given = {
        port.name: np.swapaxes(stacked[port.name], 0, 1)
        if port.per is Per.STEP
        else np.broadcast_to(stacked[port.name], (steps, *stacked[port.name].shape))
        for port in plan.inputs
    }
    states: dict[str, Array] = {}
    for state in plan.states:
        if state.given:
            states[state.input] = stacked[state.given].astype(state.dtype)
        else:
            first = model.first.get(state.input, np.zeros(state.shape, state.dtype))
            states[state.input] = np.repeat(first, count, axis=0)
    kept = {name: [value] for name, value in states.items()}
    outputs: dict[str, list[Array]] = {port.name: [] for port in plan.outputs}
    for step in range(steps):
        answers = model.step({**{name: array[step] for name, array in given.items()}, **states})
        states = {state.input: answers[state.output] for state in plan.states}
        for name, value in states.items():
            kept[name].append(value)
        for name, collected in outputs.items():
            answer = answers[name]
            collected.append(answer if len(answer) == count else np.repeat(answer, count, axis=0))
    return given, {name: np.stack(v) for name, v in kept.items()}, {name: np.stack(v) for name, v in outputs.items()}


# What models are compared on


@dataclass(frozen=True, slots=True)
class Compared:
    """A sequence, and what is right.

    Attributes:
        length: steps that its sample has; the others are of the next samples.
        outputs: by name, of each step; the states among them, by output name.
        known: by name, at which steps the source itself answered; elsewhere it is the float step model.
        apart: by output name, differences between the two where the source answered.
    """

    trajectory: Trajectory
    length: int
    outputs: Arrays
    known: Arrays
    apart: Arrays


def compared(model: StepModel, found: Sequence[dict[str, Array]]) -> list[Compared]:
    """Have both answer some of the sequences, and some of these beyond their length."""
    plan = model.plan
    chosen = sorted(set(np.linspace(0, len(found) - 1, min(_COMPARED, len(found))).astype(int)))
    long: list[dict[str, Array]] = []
    lengths: list[int] = []
    for place, index in enumerate(chosen):
        own = sequences.length(found[index], plan)
        longer = max(_LONGER, -(-_STREAM // own)) if model.goes_on else _LONGER
        wanted = min(longer * own, max(own, _LONGEST)) if place < _PROLONGED else own
        long.append(sequences.prolonged(found, index, plan, wanted))
        lengths.append(own)
    made = trajectories(model, long)
    return [
        _with_source(model, arrays, *pair) for arrays, pair in zip(long, zip(made, lengths, strict=True), strict=True)
    ]


def _with_source(model: StepModel, arrays: dict[str, Array], trajectory: Trajectory, own: int) -> Compared:
    plan = model.plan
    steps = trajectory.steps
    outputs = {name: np.array(values) for name, values in trajectory.outputs.items()}
    known = {name: np.zeros(steps, bool) for name in outputs}
    by_step = {port.name for port in plan.inputs if port.per is Per.STEP}
    for first, last, answers in _of_the_source(model, arrays, by_step, own, steps):
        for port in plan.outputs:
            answer = answers[port.name][0]
            if port.per is Per.STEP:
                outputs[port.name][first:last] = answer
                known[port.name][first:last] = True
            else:
                outputs[port.name][last - 1] = answer
                known[port.name][last - 1] = True
    apart = {name: np.abs(outputs[name].astype(np.float64) - trajectory.outputs[name])[known[name]] for name in outputs}
    after = {state.output: trajectory.states[state.input][1:] for state in plan.states}
    never = {name: np.zeros(steps, bool) for name in after}
    return Compared(trajectory, own, {**outputs, **after}, {**known, **never}, apart)


def _of_the_source(
    model: StepModel, arrays: Arrays, by_step: set[str], own: int, steps: int
) -> Iterator[tuple[int, int, Arrays]]:
    """What it answers to the steps from one to before another, for one sequence.

    It is given sequences of its own length; as many as there are, one after another, where its layers keep their
    states; and others, where it takes any number of steps.
    """

    def cut(first: int, last: int) -> Arrays:
        return {name: array[first:last][None] if name in by_step else array[None] for name, array in arrays.items()}

    plan = model.plan
    if model.goes_on:
        starts = range(0, steps - own + 1, own)
        for start, answers in zip(starts, model.one_after_another(cut(s, s + own) for s in starts), strict=True):
            yield start, start + own, answers
        return
    lengths = [own] if plan.steps is not None else sorted({*(max(1, int(own * p)) for p in _PREFIXES), own, steps})
    if all(port.per is Per.STEP for port in plan.outputs):
        lengths = lengths[-1:]
    for count in lengths:
        yield 0, count, model.sequences(cut(0, count))


def exactness(model: StepModel, found: Sequence[Compared]) -> tuple[Exactness, ...]:
    """How far the step model is from the source, in float."""
    result: list[Exactness] = []
    for port in model.plan.outputs:
        apart = np.concatenate([one.apart[port.name].ravel() for one in found])
        largest = float(apart.max(initial=0.0))
        everything = np.concatenate([one.outputs[port.name].ravel().astype(np.float64) for one in found])
        spread = float(np.ptp(everything)) or float(np.abs(everything).max(initial=0.0))
        answers = sum(int(one.known[port.name].sum()) for one in found)
        result.append(Exactness(port.name, largest, largest / spread if spread else 0.0, answers))
    return tuple(result)

"""A model's graph followed once, from its inputs to its outputs, and what each call is in the model of one step.

Runs in the child process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.sources.keras_calls import Call, Calls, shape_of
from tflite_audit.analyzer.conversion.sources.loaded import tensorflow
from tflite_audit.analyzer.conversion.streaming import cells
from tflite_audit.analyzer.conversion.streaming.cells import Cell, told
from tflite_audit.analyzer.conversion.streaming.per_step import Kind, PerStep, per_step, refuse_by_class
from tflite_audit.analyzer.conversion.streaming.types import StepState
from tflite_audit.analyzer.conversion.streaming.windows import Window, is_window, window_of

_SEED = 0
_SAMPLES = 2  # more than one: what mixes samples shows, too
_STEPS = (7, 11, 13, 17, 19, 23, 29)
"""Numbers of steps to try layers with, where it is free: the first that is no other dimension of the model."""


class Tensors:
    """Values in the model of one step, by number: each as it was made, and with or without a dimension of one step."""

    def __init__(self, reshaped: Callable[[Any, tuple[int, ...], str], Any]) -> None:
        self._reshaped = reshaped
        self._flat: dict[int, Any] = {}
        self._kept: dict[int, Any] = {}

    def put(self, number: int, value: Any, kind: Kind, *, flat: bool = True) -> None:
        """A value; one that is no step is the same either way."""
        if flat or kind is not Kind.STEP:
            self._flat[number] = value
        if not flat or kind is not Kind.STEP:
            self._kept[number] = value

    def get(self, number: int, *, flat: bool) -> Any:
        """The value as it is asked for."""
        there, others = (self._flat, self._kept) if flat else (self._kept, self._flat)
        if number not in there:
            other = others[number]
            shape = tuple(other.shape)[2:] if flat else (1, *tuple(other.shape)[1:])
            there[number] = self._reshaped(other, shape, f"as_{'step' if flat else 'sequence'}_{number}")
        return there[number]


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A call of a recurrent layer, or of a causal convolution.

    Attributes:
        states: one for each that the cell has; of a convolution, the steps before.
        first: what they begin with, for one sequence.
    """

    call: Call
    cell: Cell | Window
    sequence: int
    states: tuple[StepState, ...]


@dataclass
class Walk:
    """What a model comes to, one step at a time.

    Attributes:
        steps: of its sequences; None where their number is free.
        kinds: by number of a tensor.
        recurrences: in the order in which they are called.

    Raises:
        SourceError: it cannot be run one step at a time; in one line that names the layer.
    """

    calls: Calls
    names: Sequence[str]
    is_keras_3: bool
    kinds: dict[int, Kind] = field(default_factory=dict[int, Kind])
    recurrences: list[Recurrence] = field(default_factory=list["Recurrence"])
    _actions: list[tuple[Call, PerStep | Recurrence]] = field(default_factory=list["tuple[Call, PerStep | Recurrence]"])
    _full: dict[int, Any] = field(default_factory=dict[int, Any])
    _stems: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.steps = self._number_of_steps()
        self.tried = self.steps or self._free_number()
        sequences = set(self._sequences())
        for number in self.calls.inputs:
            self.kinds[number] = Kind.STEP if number in sequences else Kind.CONSTANT
            self._full[number] = self._made_up(number)
        for call in self.calls.calls:
            self._follow(call)
        cells.reset(self.recurrent_layers)

    @property
    def layers(self) -> Iterator[Any]:
        """What is called in the model of one step, each time it is."""
        for _, action in self._actions:
            yield action.cell.called if isinstance(action, Recurrence) else action.layer

    @property
    def recurrent_layers(self) -> list[Any]:
        """Of the source, in the order in which they are called."""
        return [found.call.layer for found in self.recurrences if isinstance(found.cell, Cell)]

    @property
    def used(self) -> set[int]:
        """Numbers that something of the step model takes."""
        taken = {number for call, action in self._actions if isinstance(action, PerStep) for number in call.inputs}
        return taken | {recurrence.sequence for recurrence in self.recurrences} | set(self.calls.outputs)

    def spec(self, number: int) -> tuple[tuple[int | None, ...], str]:
        """Shape and dtype of a tensor of the source model."""
        tensor = self.calls.specs[number]
        return shape_of(tensor) or (), tensor.dtype if isinstance(tensor.dtype, str) else str(tensor.dtype.name)

    def one_step(self, tensors: Tensors, states: Mapping[str, Any]) -> dict[str, Any]:
        """Run one step, and give the new states by output name.

        Args:
            tensors: has the inputs, and afterwards all that the model makes.
            states: by input name.
        """
        new: dict[str, Any] = {}
        for call, action in self._actions:
            if isinstance(action, PerStep):
                given = {number: tensors.get(number, flat=action.flat) for number in call.inputs}
                for number, value in zip(call.outputs, action.run(given), strict=True):
                    tensors.put(number, value, self.kinds[number], flat=action.flat)
                continue
            step = tensors.get(action.sequence, flat=True)
            output, after = action.cell(step, [states[state.input] for state in action.states])
            for number, value in zip(call.outputs, [output, *after], strict=False):
                tensors.put(number, value, self.kinds[number])
            new.update({state.output: value for state, value in zip(action.states, after, strict=True)})
        return new

    # What the inputs are

    def _recurrent(self) -> list[Call]:
        return [call for call in self.calls.calls if cells.is_recurrent(call.layer)]

    def _number_of_steps(self) -> int | None:
        for call in self.calls.calls:
            refuse_by_class(call.layer)
        recurrent = self._recurrent()
        if not recurrent:
            raise SourceError("it has no recurrent layer, such as LSTM, GRU, SimpleRNN, ConvLSTM2D or RNN")
        counts: dict[int | None, str] = {}
        for call in recurrent:
            shape, _ = self.spec(cells.handing(call).sequence)
            counts.setdefault(shape[1], str(call.layer.name))
        if len(counts) > 1:
            listed = ", ".join(f"{name} over {'any number' if n is None else n}" for n, name in counts.items())
            raise SourceError(f"its recurrent layers do not run over the same steps: {listed}")
        return next(iter(counts))

    def _free_number(self) -> int:
        sizes = {size for tensor in self.calls.specs for size in shape_of(tensor) or ()}
        return next(number for number in _STEPS if number not in sizes)

    def _sequences(self) -> Iterator[int]:
        """Inputs whose second dimension counts the steps."""
        made_by = {number: call for call in self.calls.calls for number in call.outputs}
        reaching: set[int] = set()
        waiting = [cells.handing(call).sequence for call in self._recurrent()]
        while waiting:
            number = waiting.pop()
            if number in reaching:
                continue
            reaching.add(number)
            call = made_by.get(number)
            if call is None or type(call.layer).__name__ == "RepeatVector":
                continue
            waiting += [cells.handing(call).sequence] if cells.is_recurrent(call.layer) else call.inputs
        for number in self.calls.inputs:
            shape, _ = self.spec(number)
            if len(shape) > 1 and shape[1] == self.steps and (number in reaching or len(shape) > 2):
                yield number

    def _made_up(self, number: int) -> Any:
        shape, dtype = self.spec(number)
        free = {0: _SAMPLES, 1: self.tried} if self.kinds[number] is Kind.STEP else {0: _SAMPLES}
        sizes = [free.get(axis, 8) if size is None else size for axis, size in enumerate(shape)]
        random = np.random.default_rng(_SEED + number)
        kind = tensorflow().as_dtype(dtype)
        if kind.is_floating:
            return tensorflow().constant(random.standard_normal(sizes), dtype)
        if kind.is_integer or kind.is_bool:
            return tensorflow().constant(random.integers(0, 2, sizes), dtype)
        raise SourceError(f"the input {self.names[self.calls.inputs.index(number)]} holds {dtype}, not numbers")

    # What the calls are

    def _follow(self, call: Call) -> None:
        kinds = {self.kinds[number] for number in call.inputs}
        if cells.is_recurrent(call.layer):
            self._take_recurrent(call)
            return
        outputs = call.run(self._full)
        self._full.update(zip(call.outputs, outputs, strict=True))
        if Kind.STEP in kinds:
            if Kind.END in kinds:
                raise SourceError(f"{told(call.layer)} takes what is known only after the last step, at every step")
            if is_window(call.layer):
                self._take_window(call)
                return
            stepped = [number for number in call.inputs if self.kinds[number] is Kind.STEP]
            found = per_step(call, self._full, outputs, stepped, self.tried)
        elif Kind.END in kinds:
            found = PerStep(Kind.END, True, call.run, call.layer)
        elif type(call.layer).__name__ == "RepeatVector":
            (number,) = call.inputs
            found = PerStep(Kind.STEP, True, lambda values: [values[number]], None)
        else:
            found = PerStep(Kind.CONSTANT, True, call.run, call.layer)
        self._add(call, found, dict.fromkeys(call.outputs, found.kind))

    def _take_recurrent(self, call: Call) -> None:
        layer = call.layer
        given = cells.handing(call)
        if self.kinds[given.sequence] is not Kind.STEP:
            raise SourceError(f"{told(layer)} {self._why_no_steps(given.sequence)}")
        inputs = dict(zip(self.calls.inputs, self.names, strict=True))
        begins = cells.begins_as(inputs, given.states, layer)
        constants = () if begins else given.states
        cell = cells.cell_of(layer, self._full[given.sequence], constants, is_keras_3=self.is_keras_3)
        states: list[StepState] = []
        for index, name in enumerate(cells.state_names(layer, self._stem(layer), len(cell.first))):
            unique, first = self._unused_state(name), cell.first[index]
            begin = begins[index] if begins else ""
            zero = not begin and not first.any()
            states.append(
                StepState(unique, f"{unique}_out", str(layer.name), first.shape, first.dtype.name, begin, zero)
            )
        self._full.update(zip(call.outputs, call.run(self._full), strict=True))
        recurrence = Recurrence(call, cell, given.sequence, tuple(states))
        self.recurrences.append(recurrence)
        first = Kind.STEP if layer.return_sequences else Kind.END
        self._add(call, recurrence, {n: first if i == 0 else Kind.END for i, n in enumerate(call.outputs)})

    def _take_window(self, call: Call) -> None:
        layer, (number,) = call.layer, call.inputs
        stem, (shape, dtype) = self._stem(layer), self.spec(number)
        cell = window_of(layer, stem, shape[-1] or 0, dtype)
        name = self._unused_state(f"{stem}_past")
        (first,) = cell.first
        state = StepState(name, f"{name}_out", str(layer.name), first.shape, dtype)
        recurrence = Recurrence(call, cell, number, (state,))
        self.recurrences.append(recurrence)
        self._add(call, recurrence, dict.fromkeys(call.outputs, Kind.STEP))

    def _stem(self, layer: Any) -> str:
        """What the names of a layer's states begin with; no other layer's do."""
        stem = unused(re.sub(r"\W", "_", str(layer.name)), self._stems)
        self._stems.add(stem)
        return stem

    def _unused_state(self, name: str) -> str:
        return unused(name, {*self.names, *(s.input for r in self.recurrences for s in r.states)})

    def _why_no_steps(self, number: int) -> str:
        """Of what a recurrent layer runs over, which nothing gives step by step."""
        if self.kinds[number] is Kind.END:
            return (
                f"runs over {self.calls.producers[number]}, which is there only when the whole sequence is: what comes "
                "before it can be run step by step, and this after the last step"
            )
        made_by = {made: call for call in self.calls.calls for made in call.outputs}
        while (call := made_by.get(number)) is not None:
            number = next((n for n in call.inputs if len(self.spec(n)[0]) > 1), call.inputs[0])
            shape, _ = self.spec(number)
            if shape[1:2] != (self.steps,):
                return (
                    f"runs over the {self.steps} steps that {call.layer.name} ({type(call.layer).__name__}) makes of "
                    f"{list(shape[1:])}: give the model what {call.layer.name} makes, a step at a time"
                )
        return "runs over an input that does not count its steps in the second dimension"

    def _add(self, call: Call, action: PerStep | Recurrence, kinds: Mapping[int, Kind]) -> None:
        self._actions.append((call, action))
        self.kinds.update(kinds)


def unused(name: str, taken: set[str]) -> str:
    """The name, or one with a number behind it."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def first_values(walk: Walk) -> dict[str, NDArray[Any]]:
    """What the states begin with that are not zero, by input name, for one sequence."""
    return {
        state.input: first
        for recurrence in walk.recurrences
        for state, first in zip(recurrence.states, recurrence.cell.first, strict=True)
        if not state.zero and not state.given
    }

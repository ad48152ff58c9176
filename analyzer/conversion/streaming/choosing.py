"""The calibration samples of a step model: steps of sequences, with the states that occur in them.

A state is an input and an output. The converter gives each a scale of its own, from the values that it sees there; they
are one scale only where both see the same range. The samples are chosen so: what comes out of one of them at an end of
the range goes into another one. Runs in the child process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.streaming.requests import StateRange
from tflite_audit.analyzer.conversion.streaming.running import Trajectory
from tflite_audit.analyzer.conversion.streaming.step_model import StepModel

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_MOST, _LEAST = 2048, 32
_BYTES = 64 << 20
_ROUNDS = 16
_CANDIDATES = 64
_SEED = 0


class Chosen:
    """Samples of one step each.

    Args:
        found: what the float step model did over the calibration sequences.
    """

    def __init__(self, model: StepModel, found: Sequence[Trajectory]) -> None:
        self._model = model
        self._found = found
        self._states = {state.input: state.output for state in model.plan.states}
        self._places: dict[tuple[int, int], None] = {}
        self._extra: list[tuple[Arrays, Arrays, Arrays]] = []  # inputs, states, states after it
        self._spread()
        self._close()

    def arrays(self) -> dict[str, Array]:
        """By input name of the step model, the samples first, each of the shape of a call."""
        ports = {p.name: p.shape for p in (*self._model.plan.inputs, *self._model.plan.states_as_ports)}
        rows: dict[str, list[Array]] = {name: [] for name in ports}
        for given, states, _ in self._records():
            for name, value in (*given.items(), *states.items()):
                rows[name].append(value)
        return {name: np.stack(values).reshape(-1, *ports[name]) for name, values in rows.items()}

    def ranges(self) -> tuple[StateRange, ...]:
        """What of each state goes in, and what comes out."""
        records = self._records()
        return tuple(
            StateRange(name, _range([s[name] for _, s, _ in records]), _range([after[name] for _, _, after in records]))
            for name in self._states
        )

    def _records(self) -> list[tuple[Arrays, Arrays, Arrays]]:
        return [*(self._record(*place) for place in self._places), *self._extra]

    def _record(self, sequence: int, step: int) -> tuple[Arrays, Arrays, Arrays]:
        one = self._found[sequence]
        given = {name: array[step] for name, array in one.given.items()}
        return (
            given,
            {name: array[step] for name, array in one.states.items()},
            {name: array[step + 1] for name, array in one.states.items()},
        )

    def _spread(self) -> None:
        """Evenly over every sequence, the first and the last step always."""
        one = self._found[0]
        size = sum(array[0].nbytes for part in (one.given, one.states) for array in part.values())
        most = int(np.clip(_BYTES // max(1, size), _LEAST, _MOST))
        for index, trajectory in enumerate(self._found):
            count = max(2, most // len(self._found))
            for step in np.linspace(0, trajectory.steps - 1, min(count, trajectory.steps)).astype(int):
                self._places[index, int(step)] = None
        for name in self._states:  # and where a state is at an end of its range
            for pick in (np.argmin, np.argmax):
                flat = [one.states[name].reshape(one.steps + 1, -1) for one in self._found]
                ends = [values.min(1) if pick is np.argmin else values.max(1) for values in flat]
                index = int(pick([float(end.min() if pick is np.argmin else end.max()) for end in ends]))
                self._reach(index, int(pick(ends[index])))

    def _reach(self, index: int, row: int) -> None:
        """Take in the step that begins with a state, and the one that ends with it, where there are such."""
        if row > 0:
            self._places[index, row - 1] = None
        if row < self._found[index].steps:
            self._places[index, row] = None

    def _close(self) -> None:
        """Until each state goes in and comes out over the same range; zero belongs to every range."""
        for _ in range(_ROUNDS):
            grown = False
            for name in self._states:
                for sign in (1.0, -1.0):
                    grown = self._one_end(name, sign) or grown
            if not grown:
                return

    def _one_end(self, name: str, sign: float) -> bool:
        records = self._records()
        before = [max(0.0, float((sign * states[name]).max(initial=0.0))) for _, states, _ in records]
        after = [max(0.0, float((sign * new[name]).max(initial=0.0))) for _, _, new in records]
        if max(before) == max(after):
            return False
        places = list(self._places)
        if max(before) > max(after):
            at = int(np.argmax(before))
            if at >= len(places) or places[at][1] == 0:
                return False  # a sequence begins with it, and nothing ever makes it
            self._places[places[at][0], places[at][1] - 1] = None
            return True
        at = int(np.argmax(after))
        if at < len(places) and places[at][1] + 1 < self._found[places[at][0]].steps:
            self._places[places[at][0], places[at][1] + 1] = None
            return True
        self._extra.append(self._onwards(records[at], records))
        return True

    def _onwards(
        self, record: tuple[Arrays, Arrays, Arrays], records: Sequence[tuple[Arrays, Arrays, Arrays]]
    ) -> tuple[Arrays, Arrays, Arrays]:
        """A step after the last: of some inputs, the one that takes the states beyond their ranges least."""
        states = record[2]
        random = np.random.default_rng(_SEED)
        picks = random.permutation(len(records))[:_CANDIDATES]
        candidates = {name: np.stack([records[i][0][name] for i in picks]) for name in record[0]}
        many = {name: np.repeat(value[None], len(picks), axis=0) for name, value in states.items()}
        answers = self._model.step({**candidates, **many})
        beyond = np.zeros(len(picks))
        for name, output in self._states.items():
            low, high = _range([new[name] for _, _, new in records])
            values = answers[output].reshape(len(picks), -1).astype(np.float64)
            out = np.maximum(0, values.max(1) - max(high, 0.0)) + np.maximum(0, min(low, 0.0) - values.min(1))
            beyond += out / (max(high, 0.0) - min(low, 0.0) or 1.0)
        best = int(np.argmin(beyond))
        return (
            {name: values[best] for name, values in candidates.items()},
            states,
            {name: answers[output][best] for name, output in self._states.items()},
        )


def _range(values: Sequence[Array]) -> tuple[float, float]:
    return min(float(value.min()) for value in values), max(float(value.max()) for value in values)

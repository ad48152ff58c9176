"""A recurrent layer as one step of its cell, the state handed in and out. Runs in the child process."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.sources.keras_calls import Call
from tflite_audit.analyzer.conversion.sources.loaded import tensorflow


@dataclass(frozen=True, slots=True)
class Handing:
    """What a call of a recurrent layer is given, by numbers of tensors.

    Attributes:
        sequence: what it runs over.
        states: what its states begin with, a number or a constant each; empty where it makes them itself.
    """

    sequence: int
    states: tuple[Any, ...] = ()


def is_recurrent(layer: Any) -> bool:
    """A layer that runs a cell over the steps: LSTM, GRU, ConvLSTM2D, RNN of any cell, and classes made of them."""
    packages: list[Any] = [sys.modules[name] for name in ("keras", "tf_keras") if name in sys.modules]
    return isinstance(layer, tuple(package.layers.RNN for package in packages))


def told(layer: Any) -> str:
    """A layer, for a message."""
    return f"the layer {layer.name} ({type(layer).__name__})"


def handing(call: Call) -> Handing:
    """What the layer is called with.

    Raises:
        SourceError: that, or a setting of the layer, leaves no way to run one step at a time.
    """
    layer = call.layer
    if getattr(layer, "go_backwards", False):
        raise SourceError(f"{told(layer)} has go_backwards=True: it begins at the last step, which a stream never has")
    if getattr(layer, "time_major", False):
        raise SourceError(f"{told(layer)} has time_major=True: the steps stand in front of the batch")
    args, kwargs = call.arguments({number: number for number in call.inputs})
    given: list[Any] = list(args)
    named: dict[str, Any] = dict(kwargs)
    first = given.pop(0) if given else named.pop("sequence", None)
    states: Any = None
    if isinstance(first, list | tuple):  # tf_keras hands over what the states begin with in one list with the sequence
        first, *states = cast("Sequence[Any]", first)
    else:  # keras.layers.RNN.call(sequence, initial_state=None, mask=None, training=False)
        named = {**dict(zip(("initial_state", "mask", "training"), given, strict=False)), **named}
        states = named.get("initial_state")
    if getattr(layer, "_num_constants", 0) or named.get("constants") is not None:
        raise SourceError(f"{told(layer)} hands constants to its cell at every step")
    if named.get("mask") is not None:
        raise SourceError(f"{told(layer)} is called with a mask: a stream is fed the steps that count, and no others")
    flat = tensorflow().nest.flatten(states) if states is not None else []
    return Handing(first, tuple(flat))


def state_names(layer: Any, stem: str, count: int) -> list[str]:
    """`lstm_h` and `lstm_c`; `stack_0_h` ... where there are several cells; `state` where a cell is a user's own.

    Args:
        stem: what they begin with.
        count: how many there are.
    """
    cells: Sequence[Any] = getattr(layer.cell, "cells", None) or [layer.cell]
    sizes = [len(tensorflow().nest.flatten(cell.state_size)) for cell in cells] if len(cells) > 1 else [count]
    if sum(sizes) != count:
        return [f"{stem}_state_{index}" for index in range(count)]
    names: list[str] = []
    for index, (cell, size) in enumerate(zip(cells, sizes, strict=True)):
        prefix = f"{stem}_{index}" if len(cells) > 1 else stem
        own = ("h", "c")[:size] if _is_of_keras(cell) and size <= 2 else ()
        numbered = ["state"] if size == 1 else [f"state_{number}" for number in range(size)]
        names += [f"{prefix}_{name}" for name in own or numbered]
    return names


_KNOWN = {"LSTMCell", "GRUCell", "SimpleRNNCell", "ConvLSTMCell"}


def _is_of_keras(cell: Any) -> bool:
    """One of Keras's cells, or derived from one."""
    bases: tuple[type, ...] = type(cell).__mro__
    return any(base.__name__ in _KNOWN and base.__module__.split(".")[0] in ("keras", "tf_keras") for base in bases)


@dataclass(frozen=True, slots=True)
class Cell:
    """A recurrent layer's cell, with the form of its state.

    Attributes:
        first: what the states begin with, flat, for one sequence.
    """

    layer: Any
    first: tuple[NDArray[Any], ...]
    _structure: Any

    @property
    def called(self) -> Any:
        """What is called at a step."""
        return self.layer.cell

    def __call__(self, step: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """One step: its output, and the new states, flat."""
        nest = tensorflow().nest
        output, new = self.layer.cell(step, nest.pack_sequence_as(self._structure, list(states)))
        return output, nest.flatten(new)


def cell_of(layer: Any, sequence: Any, constants: Sequence[Any], *, is_keras_3: bool) -> Cell:
    """Of a layer that was built.

    Args:
        sequence: values that it runs over, the samples first.
        constants: what its states begin with, flat, the samples first; none where it makes them itself.

    Raises:
        SourceError: the constants are others for each sample.
    """
    first = layer.get_initial_state(batch_size=sequence.shape[0]) if is_keras_3 else layer.get_initial_state(sequence)
    nest = tensorflow().nest
    structure = first if nest.is_nested(first) else [first]
    states = [np.asarray(state) for state in constants or nest.flatten(structure)]
    if any((state != state[:1]).any() for state in states):
        raise SourceError(f"{told(layer)} begins with a constant state that is another for each sample of the batch")
    return Cell(layer, tuple(state[:1] for state in states), structure)


def reset(layers: Sequence[Any]) -> None:
    """Let the layers that keep their states from call to call begin anew."""
    for layer in layers:
        if getattr(layer, "stateful", False) and getattr(layer, "states", None) is not None:
            layer.reset_states()


def begins_as(given: Mapping[int, str], states: Sequence[Any], layer: Any) -> list[str]:
    """Names of the source's inputs that the states begin with; none where these are constants.

    Raises:
        SourceError: the model computes what they begin with.
    """
    numbers = [state for state in states if isinstance(state, int)]
    for number in numbers:
        if number not in given or len(numbers) < len(states):
            raise SourceError(
                f"{told(layer)} begins with a state that the model itself computes; "
                "cut the model there, and give that state to the step model as its first one"
            )
    return [given[number] for number in numbers]

"""What the model of one step is called with and what it answers, as frozen facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Per(StrEnum):
    """What a value is given or answered for."""

    STEP = "step"
    """Every step has one of its own."""
    SEQUENCE = "sequence"
    """An input: one for the whole sequence, the same at every step."""
    END = "end"
    """An output: the source model answers with what it is after the last step; the step model tells it after each."""


@dataclass(frozen=True, slots=True)
class StepPort:
    """An input or output of the step model that is no state, by the name that it has in the source model.

    Attributes:
        shape: of one call, batch 1 first, without the axis that counts the steps.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    per: Per


@dataclass(frozen=True, slots=True)
class StepState:
    """A state that goes from each call to the next.

    Attributes:
        input, output: names in the step model.
        layer: of the source model.
        shape: with a batch of 1.
        given: input of the source model that it begins with; empty where the layer makes the first state itself.
        zero: it begins as zeros; of one that is `given`, False.
    """

    input: str
    output: str
    layer: str
    shape: tuple[int, ...]
    dtype: str
    given: str = ""
    zero: bool = True


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The model of one step.

    Attributes:
        layers: name and class of each recurrent layer, in the order in which they are called.
        steps: of the source model's sequences; None where their number is free.
        batch: of the source model; None where it is free.
        notes: lines for the user.
    """

    layers: tuple[tuple[str, str], ...]
    inputs: tuple[StepPort, ...]
    outputs: tuple[StepPort, ...]
    states: tuple[StepState, ...]
    steps: int | None
    batch: int | None
    notes: tuple[str, ...] = ()

    @property
    def states_as_ports(self) -> tuple[StepPort, ...]:
        """The states as inputs."""
        return tuple(StepPort(state.input, state.dtype, state.shape, Per.STEP) for state in self.states)

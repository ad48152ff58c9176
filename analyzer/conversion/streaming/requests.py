"""What parent and child say to each other about a model of one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tflite_audit.analyzer.conversion.calibration import Calibration
from tflite_audit.analyzer.conversion.streaming.types import StepPlan

CHILD = "tflite_audit.analyzer.conversion.streaming.child"
"""The module of the child process: that of conversions, and what is asked here besides."""

SAVED = "step_model.keras"
SAMPLES = "step_calibration.npz"
FIRST = "initial_state.npz"


def sequence(folder: Path, number: int) -> Path:
    """File of a sequence that models are compared on: arrays `in/NAME`, `first/NAME`, `out/NAME` and `known/NAME`."""
    return folder / f"sequence{number}.npz"


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    """Run the source and its step model over sequences. Answer: a `Prepared`, or a `Refusal`.

    Attributes:
        calibration: set of the source's, whose samples are the sequences; they are made up without.
        folder: gets `step_model.keras`, `step_calibration.npz` and a file for each sequence.
    """

    calibration: Calibration | None
    folder: str


@dataclass(frozen=True, slots=True)
class StateRange:
    """Smallest and largest value of a state in the step model's calibration samples, going in and coming out."""

    state: str
    read: tuple[float, float]
    written: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Exactness:
    """How far the float step model's answers are from the source's.

    Attributes:
        difference: largest absolute one.
        relative: the same as a share of the output's range.
        answers: how many of the source's were compared: one a step, or one a sequence.
    """

    output: str
    difference: float
    relative: float
    answers: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """What models of one step are calibrated with and compared on.

    Attributes:
        compared: how many steps each sequence has that models are compared on.
        length: of those, the first so many are a sample's; the others go on with the next samples.
        sequences: how many the calibration samples are taken from.
        samples: calibration samples of the step model; 0 where the sequences are made up.
        made_up: the sequences are random numbers.
        saved: the step model was saved; otherwise a note says why not.
        notes: lines for the user.
    """

    plan: StepPlan
    compared: tuple[int, ...]
    length: int
    sequences: int
    samples: int
    made_up: bool
    saved: bool
    exact: tuple[Exactness, ...]
    ranges: tuple[StateRange, ...]
    notes: tuple[str, ...] = ()

"""What was seen of a model's tensors and parts while it ran, as frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Carrying:
    """Whether a model that keeps something from call to call shows it.

    Attributes:
        repeats: a second call with the same values gave bit for bit the same answer.
        resets: so did a third one, after `reset_all_variables()`.
        runtime: the interpreter's package and version.
    """

    repeats: bool
    resets: bool
    runtime: str


@dataclass(frozen=True, slots=True)
class TensorRange:
    """A float tensor's values over all samples.

    Attributes:
        minimum, maximum: of the finite values.
        low, high: the 0.1st and 99.9th percentile (of a sample of the values where there are too many).
        mean, deviation: of the finite values.
        values: how many there were.
        non_finite: how many of them were a NaN or an infinity.
        extreme_sample: number of the sample that the value farthest from the others came from.
        without_it: the range over all other samples: (minimum, maximum); None with one sample.
    """

    minimum: float
    maximum: float
    low: float
    high: float
    mean: float
    deviation: float
    values: int
    non_finite: int = 0
    extreme_sample: int | None = None
    without_it: tuple[float, float] | None = None


@dataclass(frozen=True)
class Ranges:
    """The ranges of a float model's activations over a calibration set, as the calibrator would see them.

    Attributes:
        samples: of the calibration set that were run.
        tensors: name of the tensor in the float model's main graph → its values.
        model: what was run, such as `float32`.
    """

    samples: int
    tensors: Mapping[str, TensorRange]
    model: str = ""


@dataclass(frozen=True, slots=True)
class TensorUse:
    """A quantized tensor's codes over all samples.

    Attributes:
        lowest, highest: codes that occurred.
        at_bottom, at_top: share of the values at the type's lowest and highest code.
        distinct: how many codes occurred.
        values: how many there were.
    """

    lowest: int
    highest: int
    at_bottom: float
    at_top: float
    distinct: int
    values: int


@dataclass(frozen=True)
class Usage:
    """The codes of an integer model's activations over the evaluation data.

    Attributes:
        samples: that were run.
        tensors: index in the main graph → its codes.
        data: what it was run on: `evaluation data` or `calibration data`.
    """

    samples: int
    tensors: Mapping[int, TensorUse]
    data: str = ""


@dataclass(frozen=True)
class PartTimes:
    """How long parts of a model take, by themselves.

    Attributes:
        model: seconds a call of the whole model, the median.
        parts: (subgraph, first operator) of the part → seconds a call of it, its QUANTIZE and DEQUANTIZE included, the
            median. Processor time, as `model` is: what else the machine does lengthens long calls and not short ones.
        runs: calls that each median is of.
        runtime: what ran it, such as `ai-edge-litert 2.3.0, 1 thread`.
        how: how it was measured, in a sentence.
    """

    model: float
    parts: Mapping[tuple[int, int], float]
    runs: int
    runtime: str
    how: str = ""

"""How far the answers of a model of one step are from the source's, step after step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.streaming.requests import Prepared

Array = NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Drift:
    """Of one output, or of one state, over all sequences; shares are of its range.

    Attributes:
        name: of the output; a state's is that of the step model's output.
        state: it is a state.
        spread: the range: largest minus smallest right value.
        largest, mean: share within the length of a sample.
        usual: the share that nine in ten values stay within.
        first, last: largest share after the first step, and after the last one of a sample.
        beyond: largest share in the steps after a sample's length, of the sequences that go on; None where none do.
        each: largest share after each step, to the end of the longest sequence.
        known: how many of the answers were compared with the source's own; the others with the float step model's.
        answers: how many were compared.
        own_difference: largest difference, not as a share, where the source itself answered within a sample's length;
            anywhere within it where the source nowhere did.
        own: the same as a share of the range of those answers: as any other model's difference from the source is told.
    """

    name: str
    state: bool
    spread: float
    largest: float
    mean: float
    usual: float
    first: float
    last: float
    beyond: float | None
    each: tuple[float, ...]
    known: int
    answers: int
    own_difference: float
    own: float

    @property
    def growth(self) -> float:
        """How much larger the differences are at the end of a sample than at its beginning; 1 for no more."""
        return self.last / self.first if self.first else float("inf") if self.last else 1.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of a converted step model.

    Attributes:
        outputs: those of the source first, then the states.
        reason: why nothing was compared; empty otherwise.
        seconds: of one call, with setting the inputs and getting the outputs; the mean of many.
    """

    outputs: tuple[Drift, ...] = ()
    reason: str = ""
    seconds: float | None = None
    runtime: str = ""

    @property
    def answers(self) -> tuple[Drift, ...]:
        """The outputs that are the source's."""
        return tuple(drift for drift in self.outputs if not drift.state)

    @property
    def worst(self) -> Drift | None:
        """The output, no state, that is off most."""
        return max(self.answers, key=lambda drift: drift.largest, default=None)


def compared(prepared: Prepared, found: Sequence[Arrays], wanted: Sequence[Arrays]) -> Comparison:
    """Hold answers against what is right.

    Args:
        found: of each sequence, by output name, a row for each step.
        wanted: of each sequence, `out/NAME` and `known/NAME`.
    """
    plan = prepared.plan
    names = [(port.name, False) for port in plan.outputs] + [(state.output, True) for state in plan.states]
    return Comparison(tuple(_drift(name, state, prepared, found, wanted) for name, state in names))


def _drift(name: str, state: bool, prepared: Prepared, found: Sequence[Arrays], wanted: Sequence[Arrays]) -> Drift:
    right = [_rows(arrays[f"out/{name}"]) for arrays in wanted]
    everything = np.concatenate([rows.ravel() for rows in right])
    spread = _spread(everything)
    apart = [_apart(_rows(arrays[name]), rows) for arrays, rows in zip(found, right, strict=True)]
    shares = [rows / spread for rows in apart]
    length = prepared.length
    within = [share[:length] for share in shares]
    values = np.concatenate([share.ravel() for share in within])
    each = [max(_at(shares, step)) for step in range(max(map(len, shares)))]
    long = [share[length:] for share in shares if len(share) > length]
    largest = float(values.max(initial=0.0))
    own = _from_the_source(right, apart, [arrays[f"known/{name}"][:length] for arrays in wanted])
    return Drift(
        name=name,
        state=state,
        spread=spread,
        largest=largest,
        mean=float(values.mean()),
        usual=float(np.quantile(values, 0.9, method="inverted_cdf")),
        first=each[0],
        last=each[length - 1],
        beyond=max(float(share.max(initial=0.0)) for share in long) if long else None,
        each=tuple(each),
        known=sum(int(arrays[f"known/{name}"].sum()) for arrays in wanted),
        answers=sum(map(len, shares)),
        own_difference=own[0],
        own=own[1],
    )


def _from_the_source(
    right: Sequence[Array], apart: Sequence[Array], known: Sequence[NDArray[np.bool_]]
) -> tuple[float, float]:
    """Largest difference where the source answered, and the same as a share."""
    if not any(at.any() for at in known):
        known = [np.ones_like(at) for at in known]
    answers = np.concatenate([rows[: len(at)][at].ravel() for rows, at in zip(right, known, strict=True)])
    off = np.concatenate([rows[: len(at)][at].ravel() for rows, at in zip(apart, known, strict=True)])
    largest = float(off.max(initial=0.0))
    return largest, largest / _spread(answers)


def _spread(right: Array) -> float:
    finite = right[np.isfinite(right)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    return spread or float(np.abs(finite).max(initial=0.0)) or 1.0


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(len(array), -1).astype(np.float64)


def _apart(found: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Absolute differences; infinite where an answer is not finite and should be."""
    apart = np.abs(found - right)
    apart[~np.isfinite(found) & np.isfinite(right)] = np.inf
    apart[~np.isfinite(right)] = 0.0
    return apart


def _at(shares: Sequence[NDArray[Any]], step: int) -> Iterator[float]:
    for share in shares:
        if step < len(share):
            yield float(share[step].max(initial=0.0))

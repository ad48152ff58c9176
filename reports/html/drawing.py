"""Where things stand in the two drawings, size and accuracy; the markup is in `sections/drawing.html.j2`.

Both have a line for each variant, in the order of the table, with its name on the left and its figure in a column on
the right, so that no two labels can meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflite_audit.reports import wording
from tflite_audit.reports.document import EvaluationRecord
from tflite_audit.reports.summary import Variant

LEFT, RIGHT, WIDTH = 118, 316, 384
TOP, STEP = 26, 24
MOST = 30
"""Variants beyond which a drawing says no more than the table."""


@dataclass(frozen=True)
class Line:
    """A variant: its middle `y`, and `x` where its figure lies on the scale; None where it has none."""

    name: str
    y: float
    x: float | None
    figure: str


@dataclass(frozen=True)
class Drawing:
    """Ticks are (x, label)."""

    lines: list[Line]
    ticks: list[tuple[float, str]]
    reference: float | None = None
    reference_figure: str = ""
    metric: str = ""
    percent: bool = False
    lower_is_better: bool = False

    left, right, width, top, step = LEFT, RIGHT, WIDTH, TOP, STEP

    @property
    def bottom(self) -> int:
        """Where the last line ends."""
        return TOP + STEP * len(self.lines)


def sizes(rows: Sequence[Variant]) -> Drawing | None:
    """Bars from zero."""
    known = [row.bytes for row in rows if row.bytes is not None]
    if not known or max(known) <= 0 or not 1 < len(rows) <= MOST:
        return None
    if not any(row.conversion for row in rows):  # files that have nothing to do with each other
        return None
    ticks = _ticks(0, max(known), 5)
    scale = _scale(0, max(known))
    return Drawing(
        [_line(i, row, None if row.bytes is None else scale(row.bytes), wording.size(row.bytes))
         for i, row in enumerate(rows)],
        [(scale(t), _short_size(t)) for t in ticks],
    )  # fmt: skip


def scores(rows: Sequence[Variant], reference: EvaluationRecord | None) -> Drawing | None:
    """Points on a scale that need not begin at zero, and the reference as a line across them.

    A share of samples has at least one point of percentage from end to end, so that noise does not look like a cliff.
    """
    known = [_value(row.evaluation) for row in rows]
    measured = next((row.evaluation for row in rows if _value(row.evaluation) is not None), None)
    if measured is None or not 1 < len(rows) <= MOST:
        return None
    share = wording.is_share(measured)
    against = _value(reference)
    low, high = _range([value for value in (*known, against) if value is not None], share)
    margin = (high - low) * 0.06
    scale = _scale(low - margin, high + margin)
    return Drawing(
        [
            _line(i, row, None if value is None else scale(value), wording.metric(row.evaluation))
            for i, (row, value) in enumerate(zip(rows, known, strict=True))
        ],
        [(scale(t), f"{100 * t if share else t:.4g}") for t in _ticks(low, high, 5)],
        None if against is None else scale(against),
        wording.metric(reference),
        measured.metric,
        share,
        measured.lower_is_better,
    )


def _range(values: list[float], share: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    least = 0.01 if share else abs(high) * 0.02 or 1.0
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return (max(0.0, low), min(1.0, high)) if share else (low, high)


def _line(index: int, row: Variant, x: float | None, figure: str) -> Line:
    if row.conversion is not None and row.model is None:
        figure = wording.outcome(row.conversion.outcome)
    return Line(row.name, TOP + STEP * (index + 0.5), x, figure)


def _value(evaluation: EvaluationRecord | None) -> float | None:
    if evaluation is None or evaluation.value is None or not math.isfinite(evaluation.value):
        return None
    return evaluation.value


def _scale(low: float, high: float) -> Callable[[float], float]:
    return lambda value: round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` + 1 round values in [low, high]."""
    rough = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _short_size(count: float) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:g} {unit}"
    return f"{count:g} B" if count else "0"

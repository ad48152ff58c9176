"""Figures and states in words, the same in every format."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from tflite_audit.reports.document import EvaluationRecord, RemedyRecord

OUTCOMES = {
    "converted": "converted",
    "cannot_run": "cannot run",
    "timed_out": "timed out",
    "out_of_memory": "out of memory",
}
NONE, MINUS, TIMES = "\u2013", "\u2212", "\u00d7"
"""An en dash where there is no figure; the signs that typesetters use."""


def outcome(word: str) -> str:
    """A conversion's or an evaluation's outcome."""
    return OUTCOMES.get(word, word)


def size(count: int | None) -> str:
    """Bytes: exact while six digits say it, so that it can be compared with other tables."""
    if count is None:
        return NONE
    if abs(count) < 1_000_000:
        return f"{count:,} B"
    return f"{count / 1e6:.1f} MB" if abs(count) < 1e9 else f"{count / 1e9:.2f} GB"


def ratio(value: float | None) -> str:
    """A size as a multiple of another."""
    return NONE if value is None else f"{value:.2f}{TIMES}"


def seconds(value: float | None) -> str:
    """A time with three digits and its unit."""
    if value is None or not math.isfinite(value):
        return NONE
    if value >= 100:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes} min {rest} s"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if abs(value) * factor >= 1 or unit == "µs":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError


def is_share(evaluation: EvaluationRecord) -> bool:
    """The metric is a share of samples, which is shown in percent and compared in points."""
    return evaluation.correct is not None


def has_figure(evaluation: EvaluationRecord) -> bool:
    """It has one, or would have one if its answers were finite; otherwise the data that it answered hold no labels."""
    return evaluation.value is not None or bool(evaluation.non_finite) or not evaluation.reason


def metric(evaluation: EvaluationRecord | None) -> str:
    """The measured figure; words where there is none."""
    if evaluation is None:
        return NONE
    if evaluation.outcome != "evaluated":
        return outcome(evaluation.outcome)
    if not has_figure(evaluation):
        return "no labels"
    if evaluation.value is None or not math.isfinite(evaluation.value):
        return "not finite"
    return f"{100 * evaluation.value:.2f} %" if is_share(evaluation) else f"{evaluation.value:.4g}"


def change(value: float | None, share: bool) -> str:
    """A difference of two metrics: points for a share of samples, the plain difference for others."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{100 * value:+.2f}" if share else _two_digits(value)
    return text.strip("+-") if float(text) == 0 else text.replace("-", MINUS)


def number(value: Any) -> str:
    """A figure of a finding's evidence."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "not finite"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 error`, `2 errors`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def severity(count: int, word: str) -> str:
    """`1 error`, `2 warnings`, `3 info`."""
    return f"{count:,} {word}" if word == "info" else counted(count, word)


def moment(text: str) -> str:
    """An ISO 8601 time to the minute; as it is where it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = {None: "", 0.0: " UTC"}.get(offset.total_seconds() if (offset := when.utcoffset()) is not None else None)
    return f"{when:%Y-%m-%d %H:%M}{f'{when:%z}' if zone is None else zone}"


def _two_digits(value: float) -> str:
    """With its sign and two significant digits, not in scientific notation while that stays short."""
    decimals = 0 if value == 0 else max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{value:+.{decimals}f}" if decimals <= 6 else f"{value:+.1e}"


def shape(dimensions: tuple[int, ...] | list[int]) -> str:
    """`[?,28,28]`, a free dimension as a question mark."""
    return "[" + ",".join("?" if d < 0 else str(d) for d in dimensions) + "]"


def quoted(title: str) -> str:
    """A remedy's title in a sentence."""
    return f"\u201c{title.strip().rstrip('.')}\u201d"


def difference(remedy: RemedyRecord) -> str:
    """How far its model's answers are from the source model's."""
    if not remedy.samples or remedy.difference is None:
        return "not compared"
    if remedy.difference == 0:
        return "the same answers"
    share = remedy.relative_difference
    of_range = "" if share is None else f" ({percent(share)} of the range)"
    return f"at most {remedy.difference:.2g} off{of_range}"


def compared_on(remedy: RemedyRecord) -> str:
    """What it was compared on; empty where it was not."""
    if not remedy.samples:
        return ""
    return f"on {counted(remedy.samples, 'sample')}{f' of {remedy.compared_on}' if remedy.compared_on else ''}"


def percent(share: float) -> str:
    """Two digits."""
    if not math.isfinite(share):
        return "not finite"
    if 0 < share < 1e-5:
        return "under 0.001 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def share(value: float | None) -> str:
    """The same where there may be none."""
    return NONE if value is None else percent(value)


def call_time(remedy: RemedyRecord) -> str:
    """How long its model takes for what the source model does in one call."""
    if remedy.call_seconds is None:
        return NONE
    once = seconds(remedy.call_seconds)
    if remedy.calls == 1:
        return f"{once} a call"
    return f"{once} a step, {seconds(remedy.calls * remedy.call_seconds)} for {remedy.calls:,}"


def cost(remedy: RemedyRecord) -> str:
    """What a remedy that works costs, in one line."""
    parts: list[str] = []
    if remedy.operators is not None:
        of_them = "" if remedy.float_operators is None else f" ({remedy.float_operators:,} float)"
        parts.append(counted(remedy.operators, "operator") + of_them)
    if remedy.bytes is not None:
        parts.append(size(remedy.bytes))
    if remedy.seconds is not None:
        parts.append(f"converts in {seconds(remedy.seconds)}")
    if remedy.call_seconds is not None:
        parts.append(call_time(remedy))
    parts.append(" ".join(filter(None, (difference(remedy), compared_on(remedy)))) if remedy.samples else
                 "not compared with the source model")  # fmt: skip
    return ", ".join(parts)

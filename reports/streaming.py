"""A model of one step, in words and as tables, the same in every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflite_audit.reports import wording
from tflite_audit.reports.document import DriftRecord, SteppedRecord, Streaming, WayRecord

SAME_SCALE = 1e-6
"""Two scales that differ by less are one: floats of the same range, computed twice."""


@dataclass(frozen=True)
class Row:
    """A table's row: cells, and whether something is wrong with it."""

    cells: tuple[str, ...]
    bad: bool = False


def interface(found: Streaming) -> str:
    """`audio[1,8] and 3 states of 168 bytes -> output_0[1,4]`."""
    given = ", ".join(f"{port.name}{wording.shape(port.shape)}" for port in found.inputs)
    answered = ", ".join(f"{port.name}{wording.shape(port.shape)}" for port in found.outputs)
    return f"{given} and {wording.counted(len(found.states), 'state')} \u2192 {answered} and the new states"


def passed_on(found: Streaming) -> str:
    """Which output is which input's next value."""
    return ", ".join(f"{state.output} \u2192 {state.input}" for state in found.states)


def compared(found: Streaming) -> str:
    """What the models were compared on, and with what."""
    of = "made-up sequences" if found.made_up else "sequences of the calibration set"
    each = wording.counted(found.length, "step")
    long = f"at least {each}" if found.steps is None and not found.made_up else each
    on = f"; two of them go on to {found.longest:,} steps" if found.longest > found.length else ""
    said = (
        f"Each model ran over {found.sequences} {of}, {long} each, its states passed on{on}. The source model takes "
        + ("any number of steps" if found.steps is None else wording.counted(found.steps, "step"))
        + " in one call"
    )
    worst = max(found.exact, key=lambda exact: exact.relative)
    few = any(drift.known < drift.answers for drift in _answers(found))
    said += "; where it has no answer of its own, the float step model stands for it" if few else ""
    answers = f"{worst.output}, {wording.counted(worst.answers, 'answer')}"
    if worst.relative == 0:
        return f"{said}. In float, and in Keras, the step model's answers are the source model's ({answers})."
    off = wording.percent(worst.relative)
    return (
        f"{said}. In float, and in Keras, the step model is {off if off.startswith('under') else f'at most {off}'} of "
        f"the range from the source model ({answers})."
    )


def _answers(found: Streaming) -> list[DriftRecord]:
    return [drift for recipe in found.recipes for drift in recipe.drifts if not drift.state]


def worst(recipe: SteppedRecord) -> DriftRecord | None:
    """The output that is off most."""
    return max((d for d in recipe.drifts if not d.state), key=lambda drift: drift.largest, default=None)


DRIFT_HEAD = ("recipe", "largest", "mean", "first step", "last step", "beyond", "a step", "state scales")


def drift_rows(found: Streaming) -> list[Row]:
    """How far each recipe's step model is off, as a share of the range of the output that is off most."""
    rows: list[Row] = []
    for recipe in found.recipes:
        drift = worst(recipe)
        if drift is None:
            rows.append(Row((recipe.recipe, "not compared", *[""] * 6), bad=True))
            continue
        shares = (drift.largest, drift.mean, drift.first, drift.last)
        beyond = wording.NONE if drift.beyond is None else wording.percent(drift.beyond)
        time = wording.seconds(recipe.call_seconds)
        rows.append(Row((recipe.recipe, *map(wording.percent, shares), beyond, time, scales(recipe))))
    return rows


def scales(recipe: SteppedRecord) -> str:
    """Whether each state has one scale on both sides."""
    quantized = [scale for scale in recipe.scales if scale.read and scale.written]
    if not quantized:
        return wording.NONE
    other = [scale.state for scale in quantized if not same_scale(scale.read, scale.written)]
    return "one" if not other else f"differ: {', '.join(other)}"


def same_scale(read: tuple[float, int] | None, written: tuple[float, int] | None) -> bool:
    """The same integers mean the same on both sides."""
    if read is None or written is None:
        return False
    return read[1] == written[1] and abs(read[0] - written[0]) <= SAME_SCALE * max(read[0], written[0])


ONE_STEP = "one step a call"
"""The way that streams."""

WAYS_HEAD = ("way", "recipe", "result", "form", "operators", "size", "a call", "a sequence", "largest")


def way_rows(ways: Sequence[WayRecord]) -> list[Row]:
    """The ways to convert the recurrent layers, side by side."""
    rows: list[Row] = []
    before = ""
    for way in ways:
        name = way.way if way.way != before else ""
        before = way.way
        if way.outcome is None:
            rows.append(Row((name, way.recipe, "not tried", *[""] * 6)))
            continue
        result = wording.outcome(way.outcome)
        if way.outcome == "converted" and not way.works:
            result = "wrong answers" if way.compared_on else "not compared"
        whole = None if way.call_seconds is None else way.calls * way.call_seconds
        rows.append(
            Row(
                (
                    name,
                    way.recipe,
                    result,
                    way.forms or wording.NONE,
                    wording.NONE if way.operators is None else f"{way.operators:,}",
                    wording.size(way.bytes),
                    wording.seconds(way.call_seconds),
                    wording.seconds(whole),
                    wording.share(way.relative_difference),
                ),
                bad=not way.works,
            )
        )
    return rows


def chosen(ways: Sequence[WayRecord]) -> list[tuple[str, str]]:
    """(recipe, which of its ways that work is the smallest and which the fastest), where several were tried."""
    found: list[tuple[str, str]] = []
    for recipe in dict.fromkeys(way.recipe for way in ways):
        tried = [way for way in ways if way.recipe == recipe and way.outcome is not None]
        if len(tried) > 1:
            found.append((recipe, _chosen([way for way in tried if way.works])))
    return found


def _chosen(works: Sequence[WayRecord]) -> str:
    if not works:
        return "no way works"
    if len(works) == 1:
        return f"only {works[0].way} works"
    said: list[str] = []
    sized = min((way for way in works if way.bytes is not None), key=lambda way: way.bytes or 0, default=None)
    timed = min((way for way in works if way.call_seconds is not None), key=_whole, default=None)
    if sized is not None and sized is timed:
        said.append(f"{sized.way} is the smallest, and the fastest for a whole sequence")
    else:
        said += [f"{sized.way} is the smallest"] if sized else []
        said += [f"{timed.way} is the fastest for a whole sequence"] if timed else []
    unrolled = next((way for way in works if way.way.startswith("unrolled")), None)
    step = next((way for way in works if way.way == ONE_STEP), None)
    if unrolled and step and unrolled.operators and step.operators and unrolled.bytes and step.bytes:
        said.append(
            f"unrolled takes {_times(unrolled.operators, step.operators)} the operators and "
            f"{_times(unrolled.bytes, step.bytes)} the bytes of {ONE_STEP}"
        )
    return "; ".join(said)


def _whole(way: WayRecord) -> float:
    return way.calls * (way.call_seconds or 0.0)


def _times(more: int, less: int) -> str:
    return f"{more / less:.1f} times" if more < 10 * less else f"{more / less:.0f} times"


def reasons(ways: Sequence[WayRecord]) -> list[tuple[str, str]]:
    """(ways and recipes, why they do not work), the same reason once."""
    alike: dict[str, list[str]] = {}
    for way in ways:
        if way.reason and not way.works:
            alike.setdefault(way.reason, []).append(f"{way.way}, {way.recipe}")
    return [("; ".join(names), reason) for reason, names in alike.items()]


def aligned(head: Sequence[str], rows: Sequence[Row], left: Sequence[int]) -> list[tuple[str, bool]]:
    """Lines of a table, and whether something is wrong with each; columns as wide as what is in them."""
    everything = [tuple(head), *(row.cells for row in rows)]
    widths = [max(len(cells[i]) for cells in everything) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return [(line(head), False), *((line(row.cells), row.bad) for row in rows)]

"""The ways to convert a recurrent model, side by side: what each comes to, measured."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from .analyzer.conversion.calibration import Calibration
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.source import Source
from .analyzer.conversion.streaming.requests import Prepared
from .analyzer.conversion.streaming.types import Per
from .analyzer.conversion.types import Change, Rebuild, Recipe, SourceChange, SourceDescription
from .measure import Work
from .remedies import Bench, Trial
from .reports.document import WayRecord
from .rules.engine import Facts

Way = tuple[str, SourceChange]


def ways(description: SourceDescription, prepared: Prepared) -> list[Way]:
    """What can be done with a recurrent model, beside taking one step a call.

    Args:
        description: of the source as it is.
        prepared: tells how many steps to unroll where their number is free.
    """
    specs = {spec.name: spec.shape or () for s in description.signatures for spec in s.inputs}
    free = any(shape[:1] == (-1,) for shape in specs.values())
    batch = 1 if free else None
    also = " and batch 1" if free else ""
    found: list[Way] = [("as it is", SourceChange())]
    if free:
        found.append(("batch 1", SourceChange(batch=1)))
    if description.kind.startswith("Keras 3"):
        found.append((f"tf_keras{also}", SourceChange(batch=batch, rebuild=(Rebuild.TF_KERAS,))))
    steps, over = prepared.plan.steps, ""
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    if steps is None and set(prepared.compared) <= {prepared.length, max(prepared.compared)}:
        by_step = [port.name for port in prepared.plan.inputs if port.per is Per.STEP]
        shapes = tuple((name, (1, prepared.length, *specs[name][2:])) for name in by_step)
        over = f" over {prepared.length:,} steps"
    found.append((f"unrolled{over}{also}", SourceChange(shapes, batch, (Rebuild.UNROLL,))))
    return found


def tried(
    source: Source,
    calibration: Calibration | None,
    prepared: Prepared,
    recipes: Sequence[Recipe],
    work: Work,
    budget: float,
) -> list[WayRecord]:
    """Convert in every way with every recipe, call, and compare with the source.

    Args:
        budget: seconds for all of it; what is left then is told as not tried.
    """
    scratch = work.scratch / "ways"
    scratch.mkdir()
    until = time.monotonic() + budget
    with (
        Converting(source, calibration, scratch / "source", work.limits, environment=work.environment) as original,
        Bench(original, scratch, work, until) as bench,
    ):
        if calibration is not None:
            original.calibrate()
        return list(_tried(bench, ways(original.describe(), prepared), recipes, work, budget))


def _tried(
    bench: Bench, found: Sequence[Way], recipes: Sequence[Recipe], work: Work, budget: float
) -> Iterator[WayRecord]:
    for name, change in found:
        for recipe in recipes:
            trial = None
            if bench.left > 0:
                work.progress(f"{recipe.name}: {name}")
                trial = bench.try_out(recipe, Change(source=change))
            if trial is None or trial.spent:
                yield WayRecord(name, recipe.name, None, works=False, reason=f"the budget of {budget:g} s was used up")
            else:
                yield record(name, recipe, trial)


def record(way: str, recipe: Recipe, trial: Trial) -> WayRecord:
    """A row of the table."""
    made, agreement = trial.conversion, trial.agreement
    if made is None:
        return WayRecord(way, recipe.name, None, works=False, reason=trial.reason)
    facts = Facts(trial.model) if trial.model else None
    relative = agreement.relative
    return WayRecord(
        way=way,
        recipe=recipe.name,
        outcome=made.outcome,
        works=trial.works and bool(agreement.samples),
        reason=trial.reason or (f"not compared: {agreement.reason}" if not agreement.samples else ""),
        forms=forms(facts) if facts else "",
        operators=sum(1 for _ in trial.model.operators) if trial.model else None,
        float_operators=float_operators(facts) if facts else None,
        bytes=trial.model.size if trial.model else None,
        call_seconds=agreement.seconds,
        calls=agreement.calls,
        relative_difference=relative if relative is None or math.isfinite(relative) else None,
        compared_on=agreement.compared_on,
    )


def forms(facts: Facts) -> str:
    """What became of the recurrent layers: `2 fused`, `1 loop`; empty where none is recognized."""
    layers = facts.recurrent.layers if facts.recurrent else ()
    return ", ".join(f"{count} {form}" for form, count in Counter(layer.form.value for layer in layers).items())


def float_operators(facts: Facts) -> int | None:
    """How many compute in float."""
    precision = facts.precision
    return sum(arithmetic.is_float for arithmetic in precision.operators.values()) if precision else None

"""What is seen of models while they run: the ranges of the float model, the codes of integer ones, the time of parts.

None of it may fail a run or hold it up: what could not be seen is left out, and the rules that need it are not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self

from .analyzer.conversion import recipe as recipes
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.types import Conversion, Outcome, Precision, Recipe
from .analyzer.evaluation.dataset import Dataset
from .analyzer.evaluation.observed import PartTimes, Ranges, Usage
from .analyzer.evaluation.observing import Observing, Part
from .analyzer.evaluation.types import Evaluation, EvaluationOutcome
from .measure import Work
from .rules.accuracy.comparison import Variants
from .rules.engine import Facts
from .rules.quantization.islands import FloatParts, Position
from .rules.recurrent.states import Keeping

_MOST_PARTS = 20
"""Parts that are timed: those that compute and move most."""

_SHARE = 0.1
"""Of the seconds that converting took, for looking at what came of it: a calibrator runs the same samples."""


class Watching:
    """Watches models run, all on the same samples. A context manager.

    Args:
        calibration: folder of calibration samples (`Converting.samples`); None where there are none.
    """

    def __init__(self, dataset: Dataset | None, calibration: Path | None, work: Work) -> None:
        self._work = work
        self._calibration = calibration
        self._observing = Observing(
            dataset=dataset,
            calibration=calibration,
            signature=work.signature,
            limits=work.limits,
            log=work.scratch / "observing.log",
            environment=work.environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._observing.close()

    def ranges(self, conversions: Sequence[Conversion], converting: Converting | None = None) -> Ranges | None:
        """Of the float model over the calibration set, where a model was made whose integers come of such ranges.

        Args:
            converting: makes the float model where it is not among the conversions.
        """
        made = [c for c in conversions if c.model]
        if self._calibration is None or not any(c.recipe.precision.is_integer for c in made):
            return None
        found = next((c for c in made if c.outcome is Outcome.CONVERTED and _is_plain(c.recipe)), None)
        if found is None and converting is not None:
            self._work.progress("float32: converting, for its ranges")
            found = converting.convert(_FLOAT32, keep=False)
        if found is None or found.model is None:
            return None
        self._work.progress(f"{found.recipe.name}: looking at its ranges")
        seconds = max(3.0, _SHARE * sum(c.seconds for c in conversions))
        return self._observing.ranges(Path(found.model), found.recipe.name, seconds=seconds)

    def completed(self, facts: Facts) -> Facts:
        """With what is seen of a model with integer operators, or that keeps a state, if it runs."""
        model, precision, trials = facts.model, facts.precision, facts.trials
        if model is None or precision is None or trials is None:
            return facts
        path = Path(model.path)
        if trials.litert.answered and _keeps(facts):
            facts = _with(facts, carrying=self._observing.carrying(path))
        if not precision.quantized:
            return _with(facts, usage=Usage(0, {}))
        if not trials.litert.answered:
            return facts
        seconds = max(1.0, _SHARE * facts.conversion.seconds) if facts.conversion else 1.0
        usage = self._observing.usage(path, seconds=seconds)
        return _with(facts, usage=usage, times=self._times(path, facts))

    def _times(self, path: Path, facts: Facts) -> PartTimes | None:
        try:
            wanted = _worth_timing(facts.parts) if facts.parts else []
        except Exception:  # the rules that ask for the parts are in error then, and say why
            return None
        return self._observing.part_times(path, wanted) if wanted else None


def _keeps(facts: Facts) -> bool:
    """It has variables that one call leaves for the next."""
    try:
        return facts.states is not None and bool(facts.states.kept(Keeping.RESOURCE, Keeping.TENSOR))
    except Exception:  # the rules that ask for the states are in error then, and say why
        return False


def variants(evaluations: Iterable[Evaluation], chosen: Sequence[Recipe]) -> Variants | None:
    """What the models answered, side by side; None where none was evaluated."""
    answered = {e.subject: e for e in evaluations if e.outcome is EvaluationOutcome.EVALUATED}
    precisions = {recipe.name: recipe.precision for recipe in chosen}
    return Variants(answered, precisions) if answered else None


_FLOAT32 = next(recipe for recipe in recipes.BUILT_IN if recipe.name == "float32")


def _is_plain(recipe: Recipe) -> bool:
    """Its model is the one that the calibrator runs."""
    return recipe.precision is Precision.FLOAT32 and not recipe.optimizations and not recipe.attributes


def _worth_timing(parts: FloatParts) -> list[Part]:
    islands = [island for island in parts.islands if island.position is not Position.ALONE and island.subgraph == 0]
    islands.sort(key=lambda island: (island.macs, island.moved), reverse=True)
    return [(island.subgraph, island.operators) for island in islands[:_MOST_PARTS]]


def _with(facts: Facts, **seen: Any) -> Facts:
    """The facts and more that no other fact is made of: those that were made already are kept, not made again."""
    known = replace(facts, **seen)
    given = {field.name for field in fields(Facts)}
    vars(known).update({name: made for name, made in vars(facts).items() if name not in given})
    return known

"""Measure the grid of recurrent layers: every model of `sources.py` with every recipe.

python -m tests.recurrent.measure [--facts FOLDER] [NAME ...]

Converts some 900 times in child processes, half an hour or more. The facts are kept in the folder, and what is there is
not made again: a second run only judges, which is what a change of the rules needs. With names only these models are
made, and nothing is written but what was found of them.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.recurrent.gathering import Gathered, Gathering
from tests.recurrent.grid import FILE, UNBUILT, Grid, Layer, Row, Why
from tests.recurrent.sources import SOURCES, Source
from tflite_audit.analyzer.conversion.recipe import BUILT_IN
from tflite_audit.analyzer.model.flatbuffer import read
from tflite_audit.analyzer.model.types import Model
from tflite_audit.analyzer.support import matrix
from tflite_audit.audit import with_trial
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, RuleOutcome, explanation, judge
from tflite_audit.rules.precision import ModelPrecision
from tflite_audit.rules.quantization.floats import stays_float
from tflite_audit.rules.rule import Status

_FAMILIES = ("F", "R", "Q", "X")

_PARTS = (
    *("R001", "R002", "R003", "R005", "R006", "R007", "R010", "R011"),
    *("Q001", "Q002", "Q004", "Q110", "Q112", "X001", "X003", "X005", "X007"),
)
"""Rules that look at what a model's recurrent layers became, what of it is float, and which kernels are wrong."""

_LOST = "R005"

_COUNTED = re.compile(r"(?<=[a-z0-9])_\d+(?=$|[/ .,:;)])")
"""What Keras counts names with, which depends on what the process built before."""

_PLACE = re.compile(r" \(sources\.py, line \d+\)$")


class BrokenRuleError(Exception):
    """A rule raised."""


class Texts:
    """Causes by their text, each once."""

    def __init__(self) -> None:
        self.all: dict[str, int] = {}

    def why(self, code: str, cause: str) -> Why:
        """A cause that is stated."""
        return Why(code, self.all.setdefault(_COUNTED.sub("", cause), len(self.all)))


def row(source: Source, recipe: str, gathered: Gathered, texts: Texts) -> Row:
    """What the rules say of one conversion.

    Raises:
        BrokenRuleError: one is in error.
    """
    if gathered.unbuilt:
        return Row(source.name, recipe, UNBUILT, whys=(texts.why("Keras", _PLACE.sub("", gathered.unbuilt)),))
    conversion = with_trial(gathered.conversion, gathered.trials)
    model = read(conversion.model) if conversion.model else None
    facts = Facts(model=model, conversion=conversion, trials=gathered.trials, support=matrix.load())
    ended = judge([rule for rule in registry.rules() if rule.code.startswith(_FAMILIES)], facts)
    broken = [f"{one.rule.code}: {one.reason}" for one in ended if one.status is Status.ERROR]
    if broken:
        raise BrokenRuleError(f"{source.name}, {recipe}: {'; '.join(broken)}")
    whys = tuple(dict.fromkeys(_whys(source, ended, texts, has_model=model is not None)))
    if model is None or conversion.model is None:
        return Row(source.name, recipe, conversion.outcome, whys=whys)
    assert facts.precision is not None and facts.recurrent is not None
    agreement = gathered.agreement
    return Row(
        source.name,
        recipe,
        conversion.outcome,
        tuple(Layer(layer.form, layer.cell, layer.arithmetic) for layer in facts.recurrent.layers),
        sum(1 for _ in model.operators),
        _floats(model, facts.precision) if conversion.recipe.precision.is_integer else {},
        Path(conversion.model).stat().st_size,
        _rounded(agreement and agreement.difference),
        _rounded(agreement and agreement.relative),
        _rounded(gathered.seconds and gathered.seconds * 1e6),
        whys,
    )


def _whys(source: Source, ended: Sequence[RuleOutcome], texts: Texts, *, has_model: bool) -> Iterator[Why]:
    for rule, finding in explanation(ended).causes:
        yield texts.why(rule.code, finding.cause or "")
    parts = [outcome for outcome in ended if outcome.rule.code in _PARTS] if has_model else []
    for outcome in parts:
        if outcome.rule.code == _LOST and source.state == "stateless":
            continue  # as it should be
        yield from (texts.why(outcome.rule.code, found.cause) for found in outcome.findings if found.cause)


def _floats(model: Model, precision: ModelPrecision) -> dict[str, int]:
    return dict(Counter(op.name for _, op, _ in stays_float(model, precision)).most_common())


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def judged(facts: Mapping[Source, Mapping[str, Gathered]]) -> Grid:
    """The whole grid."""
    texts = Texts()
    rows = [row(source, name, one, texts) for source, by_name in facts.items() for name, one in by_name.items()]
    versions: dict[str, str] = {}
    for by_name in facts.values():
        for one in by_name.values():
            versions |= one.conversion.versions
            versions |= dict(trial.runtime.split()[:2] for trial in (one.trials.each if one.trials else ()))
    return Grid(dict(sorted(versions.items())), list(texts.all), rows)


def measured(folder: Path, sources: Sequence[Source]) -> dict[Source, dict[str, Gathered]]:
    """The facts, made where they are not in the folder."""
    found: dict[Source, dict[str, Gathered]] = {}
    with Gathering(folder, BUILT_IN) as gathering:
        for number, source in enumerate(sources, 1):
            print(f"{number}/{len(sources)} {source.name}", file=sys.stderr, flush=True)
            found[source] = gathering(source)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, help="keep models and facts here, and use those that are there")
    parser.add_argument("names", nargs="*", help="of models in sources.py; all by default")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {source.name for source in SOURCES}
    if unknown:
        parser.error(f"no model {', '.join(sorted(unknown))} in tests/recurrent/sources.py")
    chosen = [source for source in SOURCES if not arguments.names or source.name in arguments.names]
    with tempfile.TemporaryDirectory(prefix="tflite-audit-") as scratch:
        grid = judged(measured(arguments.facts or Path(scratch), chosen))
    if arguments.names:
        for one in grid.rows:
            print(one)
    else:
        grid.write()
        print(FILE)


if __name__ == "__main__":
    main()

"""How rules end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cases.a001 import evaluation
from tests.cases.case import INT8, facts
from tests.cases.models import float_net, integer_net
from tflite_audit.analyzer.conversion.types import Conversion, Outcome, Recipe
from tflite_audit.analyzer.evaluation.types import Evaluation
from tflite_audit.analyzer.model.graph import OpGraph
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules.accuracy.comparison import Accuracy
from tflite_audit.rules.engine import Facts, judge
from tflite_audit.rules.rule import Finding, Later, NotApplicable, Severity, Status, rule

FLOAT = facts(float_net())


@rule("Z001", "finds", Severity.INFO)
def finds(model: Model) -> Iterator[Finding]:
    """Finds."""
    yield Finding("found")


@rule("Z002", "passes", Severity.INFO)
def passes(model: Model) -> Iterator[Finding]:
    """Passes."""
    yield from ()


@rule("Z003", "raises", Severity.INFO)
def raises(model: Model) -> Iterator[Finding]:
    """Raises after its first finding."""
    yield Finding("found")
    raise ValueError("a bug\nin two lines")


@rule("Z004", "does-not-apply", Severity.INFO)
def does_not_apply(model: Model) -> Iterator[Finding]:
    """Does not apply."""
    raise NotApplicable("a reason")
    yield Finding("never")


@rule("Z005", "needs-a-recipe", Severity.INFO)
def needs_a_recipe(recipe: Recipe) -> Iterator[Finding]:
    """Needs a recipe."""
    yield Finding(recipe.name)


@rule("Z006", "uses-a-recipe", Severity.INFO)
def uses_a_recipe(model: Model, recipe: Recipe | None) -> Iterator[Finding]:
    """Uses a recipe where there is one."""
    yield Finding("none" if recipe is None else recipe.name)


@rule("Z007", "needs-accuracy", Severity.INFO)
def needs_accuracy(accuracy: Accuracy) -> Iterator[Finding]:
    """Needs both evaluations."""
    yield Finding(str(round(accuracy.loss, 3)))


def test_each_ends_in_its_own_way() -> None:
    outcomes = judge([finds, passes, raises, does_not_apply, needs_a_recipe], FLOAT)
    assert [o.status for o in outcomes] == [
        Status.FOUND,
        Status.PASSED,
        Status.ERROR,
        Status.NOT_APPLICABLE,
        Status.NOT_RUN,
    ]
    assert [bool(o.reason) for o in outcomes] == [False, False, True, True, True]
    assert [len(o.findings) for o in outcomes] == [1, 0, 0, 0, 0]


def test_an_error_is_one_line_with_its_place() -> None:
    (outcome,) = judge([raises], FLOAT)
    assert outcome.reason.startswith("ValueError: a bug in two lines (test_engine.py:")


def test_an_interrupt_is_no_error_of_a_rule() -> None:
    @rule("Z008", "interrupted", Severity.INFO)
    def interrupted(model: Model) -> Iterator[Finding]:
        """Is interrupted."""
        raise KeyboardInterrupt
        yield Finding("never")

    with pytest.raises(KeyboardInterrupt):
        judge([interrupted], FLOAT)


def test_missing_facts_say_what_is_missing() -> None:
    (without_model,) = judge([finds], Facts(conversion=Conversion(INT8, Outcome.FAILED)))
    assert without_model.status is Status.NOT_RUN
    assert "the conversion gave none" in without_model.reason
    (without_reference,) = judge([needs_accuracy], Facts(evaluation=evaluation(9, 10)))
    assert without_reference.status is Status.NOT_RUN


def test_optional_facts() -> None:
    (without,) = judge([uses_a_recipe], FLOAT)
    (given,) = judge([uses_a_recipe], facts(integer_net(), INT8))
    assert [without.findings[0].message, given.findings[0].message] == ["none", "int8"]


def test_a_later_fact_is_made_once_and_only_when_asked() -> None:
    made: list[OpGraph] = []

    @rule("Z009", "asks", Severity.INFO)
    def asks(model: Model, graph: Later[OpGraph]) -> Iterator[Finding]:
        """Asks for the graph."""
        made.append(graph())
        yield from ()

    @rule("Z010", "does-not-ask", Severity.INFO)
    def does_not_ask(model: Model, graph: Later[OpGraph]) -> Iterator[Finding]:
        """Does not ask for the graph."""
        yield from ()

    known = facts(float_net())
    assert judge([does_not_ask], known)[0].status is Status.PASSED
    assert "graph" not in vars(known)
    judge([asks, asks], known)
    assert made[0] is made[1] is known.graph


def test_accuracy_needs_both_to_have_been_evaluated() -> None:
    both = Facts(evaluation=evaluation(8, 10), reference=evaluation(9, 10))
    (outcome,) = judge([needs_accuracy], both)
    assert outcome.findings[0].message == "0.1"
    failed = Evaluation("source", "failed")  # type: ignore[arg-type]
    assert Facts(evaluation=evaluation(8, 10), reference=failed).accuracy is None

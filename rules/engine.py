"""Runs rules on facts: each rule gets the facts it names, and ends in exactly one way.

A rule without a fact it needs is *not run*, one that raises is in *error*, and neither is ever shown as passed.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from tflite_audit.analyzer.conversion.types import Conversion, Recipe, Repeats
from tflite_audit.analyzer.evaluation.observed import Carrying, PartTimes, Ranges, Usage
from tflite_audit.analyzer.evaluation.types import Evaluation, EvaluationOutcome, Trials
from tflite_audit.analyzer.model import debug_info, graph, made_by
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import OpGraph
from tflite_audit.analyzer.model.made_by import MadeBy
from tflite_audit.analyzer.model.types import Model
from tflite_audit.analyzer.support import needs
from tflite_audit.analyzer.support.needs import Needs
from tflite_audit.analyzer.support.types import Support
from tflite_audit.rules import precision
from tflite_audit.rules.accuracy.comparison import Accuracy, Variants
from tflite_audit.rules.custom_ops.declared import Declarations
from tflite_audit.rules.precision import ModelPrecision
from tflite_audit.rules.quantization import floats, weights
from tflite_audit.rules.quantization.islands import FloatParts
from tflite_audit.rules.quantization.weights import ModelWeights
from tflite_audit.rules.recurrent import forms, states
from tflite_audit.rules.recurrent.forms import RecurrentLayers
from tflite_audit.rules.recurrent.states import States
from tflite_audit.rules.rule import Explained, Finding, Later, NotApplicable, Rule, Status


@dataclass(frozen=True)
class Facts:
    """What is known about one subject: a model file, or one recipe's conversion. None is unknown.

    Attributes:
        conversion: its recipe is the recipe.
        trials: one call of this model in each runtime.
        evaluation: of this model.
        reference: evaluation of the model before conversion.
        repeats: the conversion made more than once.
        support: the measured matrix of what the converter and the runtimes support.
        ranges: of the float model's activations over the calibration set.
        usage: of this model's integer activations over data.
        times: how long its float parts take.
        carrying: whether a second call shows what it keeps from the first.
        variants: the evaluations of all models of the run, this one's among them, by name.
        declarations: the user's own operators, as the configuration declares them.
    """

    model: Model | None = None
    conversion: Conversion | None = None
    trials: Trials | None = None
    evaluation: Evaluation | None = None
    reference: Evaluation | None = None
    repeats: Repeats | None = None
    support: Support | None = None
    ranges: Ranges | None = None
    usage: Usage | None = None
    times: PartTimes | None = None
    carrying: Carrying | None = None
    variants: Variants | None = None
    declarations: Declarations | None = None

    @property
    def recipe(self) -> Recipe | None:
        """What the converter was asked."""
        return None if self.conversion is None else self.conversion.recipe

    @property
    def accuracy(self) -> Accuracy | None:
        """The evaluation beside the reference; None unless both were measured."""
        both = (self.evaluation, self.reference)
        if any(e is None or e.outcome is not EvaluationOutcome.EVALUATED for e in both):
            return None
        return Accuracy(*both)  # pyright: ignore[reportArgumentType]

    # Costly facts: made when the first rule asks for them, and once.

    @cached_property
    def graph(self) -> OpGraph | None:
        """The operators as a graph."""
        return None if self.model is None else graph.build(self.model)

    @cached_property
    def locations(self) -> Locations | None:
        """Operator → layer, file and line."""
        return None if self.model is None else debug_info.locate(self.model)

    @cached_property
    def precision(self) -> ModelPrecision | None:
        """What each operator computes in."""
        return None if self.model is None else precision.of_model(self.model)

    @cached_property
    def made_by(self) -> MadeBy | None:
        """What the file says of the converter that made it."""
        return None if self.model is None else made_by.of(self.model)

    @cached_property
    def weights(self) -> ModelWeights | None:
        """The trained weights as they are stored."""
        return None if self.model is None else weights.of_model(self.model)

    @cached_property
    def needs(self) -> Needs | None:
        """Which runtimes have the builtin operators in their versions."""
        return None if self.model is None or self.support is None else needs.of(self.model, self.support)

    @cached_property
    def recurrent(self) -> RecurrentLayers | None:
        """The recurrent layers of the model, in every form that they take."""
        if self.model is None or self.locations is None or self.precision is None:
            return None
        return forms.of_model(self.model, self.locations, self.precision)

    @cached_property
    def states(self) -> States | None:
        """What the model carries from one call to the next."""
        return None if self.model is None or self.recurrent is None else states.of_model(self.model, self.recurrent)

    @cached_property
    def parts(self) -> FloatParts | None:
        """What computes in float, and why."""
        if self.model is None or self.precision is None or self.graph is None or self.made_by is None:
            return None
        return floats.parts(
            self.model,
            self.precision,
            self.graph,
            made_by=self.made_by,
            support=self.support,
            conversion=self.conversion,
            ranges=self.ranges,
            repeats=self.repeats,
        )


_NO_MODEL = "needs a model, and the conversion gave none"
_NO_CONVERSION = "needs the conversion, which is known only to `run`"
_NO_EVALUATION = "needs an evaluation, which is made when data are given and the model runs"

KINDS: Mapping[type, tuple[str, str, str]] = {
    Model: ("model", "model", _NO_MODEL),
    OpGraph: ("model", "graph", _NO_MODEL),
    Locations: ("model", "locations", _NO_MODEL),
    ModelPrecision: ("model", "precision", _NO_MODEL),
    Conversion: ("conversion", "conversion", _NO_CONVERSION),
    Recipe: ("conversion", "recipe", "needs the recipe, which is known only to `run`"),
    Trials: ("trials", "trials", "needs one call of the model, which is made by `run`"),
    Repeats: ("repeats", "repeats", "needs the conversion made more than once, which `run --repeat N` does"),
    Evaluation: ("evaluation", "evaluation", _NO_EVALUATION),
    Accuracy: ("accuracy", "accuracy", "needs the accuracy of this model and of the one before conversion"),
    MadeBy: ("model", "made_by", _NO_MODEL),
    FloatParts: ("model", "parts", _NO_MODEL),
    ModelWeights: ("model", "weights", _NO_MODEL),
    Needs: ("model", "needs", _NO_MODEL),
    RecurrentLayers: ("model", "recurrent", _NO_MODEL),
    States: ("model", "states", _NO_MODEL),
    Declarations: ("declarations", "declarations", "needs operators that the configuration declares"),
    Support: ("support", "support", "needs the support matrix"),
    Ranges: ("ranges", "ranges", "needs the float model's ranges over a calibration set, which `run` measures"),
    Usage: ("usage", "usage", "needs the values of integer tensors over data, which `run` measures"),
    PartTimes: ("times", "times", "needs the time that the float parts take, which `run` measures"),
    Carrying: ("carrying", "carrying", "needs the model called twice, which `run` does where it keeps a state"),
    Variants: ("variants", "variants", "needs the evaluations of several recipes, which `run` makes"),
}
"""Type of a fact → the attribute of `Facts` without which there is none, the attribute that holds it, and why a rule
that needs it is not run where it is missing."""


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """How a rule ended.

    Attributes:
        reason: why it was not run, not applicable or in error; empty for the others.
    """

    rule: Rule
    status: Status
    reason: str = ""
    findings: tuple[Finding, ...] = ()


def judge(rules: Iterable[Rule], facts: Facts) -> tuple[RuleOutcome, ...]:
    """Runs each rule, those that ask what the others `Explained` last; answers in the order given."""
    ordered = list(rules)
    ended = {rule.code: _run(rule, facts) for rule in ordered if not _asks_others(rule)}
    explained = explanation(ended.values())
    ended |= {rule.code: _run(rule, facts, explained) for rule in ordered if _asks_others(rule)}
    return tuple(ended[rule.code] for rule in ordered)


def explanation(outcomes: Iterable[RuleOutcome]) -> Explained:
    """The findings of family F that state a cause, the worst first, and in the order of their rules."""
    found = [
        (outcome.rule, finding)
        for outcome in outcomes
        if outcome.rule.code.startswith("F")
        for finding in outcome.findings
        if finding.cause
    ]
    return Explained(tuple(sorted(found, key=lambda f: ((f[1].severity or f[0].severity).rank, f[0].code))))


def _asks_others(rule: Rule) -> bool:
    return any(need.kind is Explained for need in rule.needs.values())


def _run(rule: Rule, facts: Facts, explained: Explained | None = None) -> RuleOutcome:
    given: dict[str, Any] = {}
    try:
        for parameter, need in rule.needs.items():
            if need.kind is Explained:
                given[parameter] = explained
                continue
            source, attribute, reason = KINDS[need.kind]
            if getattr(facts, source) is None and not need.optional:
                return RuleOutcome(rule, Status.NOT_RUN, reason)
            make = partial(getattr, facts, attribute)
            given[parameter] = Later(make) if need.later else make()
        findings = tuple(_in_one_line(finding) for finding in rule(**given))
    except NotApplicable as answer:
        return RuleOutcome(rule, Status.NOT_APPLICABLE, str(answer))
    except Exception as error:  # a broken rule must not take the others with it
        return RuleOutcome(rule, Status.ERROR, _one_line(error))
    return RuleOutcome(rule, Status.FOUND if findings else Status.PASSED, "", findings)


def _in_one_line(finding: Finding) -> Finding:
    """Names from the file may hold line breaks."""
    message = " ".join(finding.message.split())
    return finding if message == finding.message else replace(finding, message=message)


def _one_line(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({where})"

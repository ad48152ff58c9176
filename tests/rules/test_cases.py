"""Every rule on its cases: those it must report, and those it must not."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.cases.case import Case
from tflite_audit.rules import registry
from tflite_audit.rules.engine import judge
from tflite_audit.rules.rule import Rule, Status, fingerprint


def cases_of(rule: Rule) -> list[Case]:
    return importlib.import_module(f"tests.cases.{rule.code.lower()}").CASES


def every_case() -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule.code}-{case.name}", marks=[pytest.mark.tensorflow] if case.converts else [])
        for rule in registry.rules()
        for case in cases_of(rule)
    ]


@pytest.mark.parametrize(("rule", "case"), every_case())
def test_case(rule: Rule, case: Case) -> None:
    (outcome,) = judge([rule], case.facts())
    messages = [finding.message for finding in outcome.findings]
    assert outcome.status is case.expected, (outcome.reason, messages)
    assert len(messages) == case.findings, messages
    for words in case.says:
        assert any(words in message for message in messages), messages
    if case.severity:
        assert (outcome.findings[0].severity or rule.severity) is case.severity
    assert (outcome.reason != "") is (outcome.status in {Status.NOT_APPLICABLE, Status.NOT_RUN, Status.ERROR})


@pytest.mark.parametrize(
    ("rule", "case"), [p for p in every_case() if not p.values[1].converts and p.values[1].findings]
)
def test_findings_are_fit_to_be_shown(rule: Rule, case: Case) -> None:
    (outcome,) = judge([rule], case.facts())
    for finding in outcome.findings:
        assert finding.message.endswith(".")
        assert finding.message == " ".join(finding.message.split()), "one line"
        assert finding.key, "a fingerprint without a key depends on the location"
        assert not any(word.isdigit() for word in finding.key if rule.code[0] != "M"), "keys hold no indices"
    prints = [fingerprint(rule.code, "model", finding) for finding in outcome.findings]
    assert len(set(prints)) == len(prints)
    (again,) = judge([rule], case.facts())
    assert prints == [fingerprint(rule.code, "model", finding) for finding in again.findings]


@pytest.mark.parametrize("rule", registry.rules(), ids=lambda rule: rule.code)
def test_every_rule_has_both_kinds_without_tensorflow(rule: Rule) -> None:
    cases = [case for case in cases_of(rule) if not case.converts]
    assert any(case.findings for case in cases)
    assert any(not case.findings and case.expected in {Status.PASSED, Status.NOT_APPLICABLE} for case in cases)

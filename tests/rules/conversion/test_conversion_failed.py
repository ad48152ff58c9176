"""What a failed conversion's finding holds."""

from __future__ import annotations

from tests.cases.f001 import FLEX, failed
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, judge
from tflite_audit.rules.rule import Finding


def found(facts: Facts) -> Finding:
    rule = registry.find("F001")
    assert rule is not None
    (outcome,) = judge([rule], facts)
    (finding,) = outcome.findings
    return finding


def test_an_error_code_is_a_cause() -> None:
    finding = found(failed(FLEX))
    assert finding.cause == "TensorFlow Lite has no operator for tf.BesselI0; TensorFlow has one (Flex)."
    assert finding.remedy is not None
    assert "SELECT_TF_OPS" in finding.remedy.code
    where = finding.location
    assert (where.op, where.layer, where.file, where.line) == ("tf.BesselI0", "net/bessel", "model.py", 12)


def test_without_a_code_no_cause_is_claimed() -> None:
    finding = found(failed())
    assert finding.cause is None
    assert finding.remedy is None


def test_the_key_names_what_failed_and_not_how_long_it_took() -> None:
    assert found(failed(FLEX)).key == ("failed", "ERROR_NEEDS_FLEX_OPS", "tf.BesselI0")

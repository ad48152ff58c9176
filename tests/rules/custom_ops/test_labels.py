"""The custom operators of the shared models are named right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.custom_ops.labels import LABELS
from tflite_audit.analyzer.model import custom_options
from tflite_audit.analyzer.model.flatbuffer import InvalidModel, read
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, judge

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("slug", LABELS)
def test_every_custom_operator(shared: Path, slug: str) -> None:
    model = read(shared / "models" / f"{slug}.tflite")
    rules = [rule for rule in registry.rules() if rule.code in ("C001", "C002")]
    told = {f.location.op: f.message for outcome in judge(rules, Facts(model=model)) for f in outcome.findings}
    assert told.keys() == LABELS[slug].keys()
    for name, label in LABELS[slug].items():
        ops = [(g, op) for g, op in model.operators if op.name == name]
        assert len(ops) == label.count
        assert {repr(custom_options.decode(name, model.custom_options(g, op)).value) for g, op in ops} == {
            repr(label.options)
        }
        assert (label.provider or "is not known") in told[name]


def test_no_other_model_has_any(shared: Path) -> None:
    for path in (shared / "models").glob("*.tflite"):
        if path.stem not in LABELS:
            try:
                model = read(path)
            except InvalidModel:
                continue
            assert [op.name for _, op in model.operators if op.custom] == [], path.stem

"""The examples do what their first lines say."""

from __future__ import annotations

from pathlib import Path

import pytest

import tflite_audit

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.tensorflow
def test_keywords(tmp_path: Path) -> None:
    source = EXAMPLES / "keywords.py"
    report = tflite_audit.run(
        f"{source}:model",
        recipes=["float32", "int8", EXAMPLES / "per-tensor.toml"],
        calibration=f"{source}:samples",
        data=f"{source}:labelled",
        output=tmp_path,
    )
    assert [(c.recipe, c.outcome) for c in report.conversions] == [
        ("float32", "converted"),
        ("int8", "converted"),
        ("per-tensor", "converted"),
    ]
    assert all("UNIDIRECTIONAL_SEQUENCE_LSTM" in m.operator_counts for m in report.models)
    assert all(m.evaluation is not None and m.evaluation.samples == 64 for m in report.models)
    assert report.data.calibration_samples == 20
    int8, per_tensor = (next(m for m in report.models if m.name == name) for name in ("int8", "per-tensor"))
    assert per_tensor.sha256 != int8.sha256

"""The examples do what their first lines say."""

from __future__ import annotations

import shutil
import subprocess
import sys
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


@pytest.mark.tensorflow
def test_custom_op(tmp_path: Path) -> None:
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler to build the operator with")
    shutil.copytree(EXAMPLES / "custom_op", tmp_path, dirs_exist_ok=True)
    build = [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", "libsoft_threshold.so", "soft_threshold.cc"]
    subprocess.run(build, cwd=tmp_path, check=True)
    source = tmp_path / "model.py"
    report = tflite_audit.run(
        f"{source}:model",
        recipes=["float32", "int8-float-io"],
        calibration=f"{source}:samples",
        config=tmp_path / "tflite-audit.toml",
        output=tmp_path / "out",
    )
    assert [(c.recipe, c.outcome, c.reason) for c in report.conversions] == [
        ("float32", "converted", ""),
        ("int8-float-io", "converted", ""),  # calibrated with the operator, which stays float
    ]
    assert all(model.operator_counts["SoftThreshold"] == 1 for model in report.models)
    models = [tmp_path / "out" / recipe / "model.tflite" for recipe in ("float32", "int8-float-io")]
    outputs = [_run(tmp_path / "run.py", model) for model in models]
    assert outputs[0] == pytest.approx(outputs[1], abs=0.05)
    assert any(abs(value) > 0.1 for value in outputs[0])


def _run(script: Path, model: Path) -> list[float]:
    ended = subprocess.run([sys.executable, script, model], capture_output=True, text=True, check=True)
    return [float(value) for value in ended.stdout.strip("[] \n").split()]


@pytest.mark.tensorflow
def test_lstm_cell_simple(tmp_path: Path) -> None:
    source = EXAMPLES / "lstm_cell_simple.py"
    recipes = ("float32", "int8")
    report = tflite_audit.run(
        f"{source}:model", recipes=recipes, calibration=f"{source}:samples", output=tmp_path, remedies=False
    )
    assert [(c.recipe, c.outcome) for c in report.conversions] == [(recipe, "converted") for recipe in recipes]
    assert all(m.operator_counts["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 1 for m in report.models)
    assert not [f for f in report.findings if f.rule in ("R007", "R009")]
    assert _error(source, tmp_path / "float32" / "model.tflite") < 1e-5


@pytest.mark.tensorflow
def test_layer_norm_lstm(tmp_path: Path) -> None:
    source = EXAMPLES / "layer_norm_lstm.py"
    report = tflite_audit.run(
        f"{source}:model", recipes=[EXAMPLES / "custom-ops.toml"], output=tmp_path, remedies=False
    )
    assert [m.operator_counts for m in report.models] == [{"LayerNormalizedLSTM": 1}]
    assert not [f for f in report.findings if f.rule == "R007"]
    fused = tmp_path / "fused.tflite"
    subprocess.run([sys.executable, source, tmp_path / "custom-ops" / "model.tflite", fused], check=True)
    (model,) = tflite_audit.check(fused).models
    assert model.operator_counts == {"UNIDIRECTIONAL_SEQUENCE_LSTM": 1}
    assert _error(source, fused) < 1e-5


def _error(source: Path, path: Path) -> float:
    """The largest difference between the example's function and the model, over sequences from the zero state."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    from tflite_audit.analyzer import user_code

    function = user_code.load(str(source), "model", is_file=True)()
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    random, errors = np.random.default_rng(2), list[float]()
    for _ in range(3):
        sequence = random.normal(size=given["shape"]).astype(np.float32)
        interpreter.reset_all_variables()
        interpreter.set_tensor(given["index"], sequence)
        interpreter.invoke()
        answer = function(sequence).numpy()
        assert np.abs(answer).max() > 0.1
        errors.append(float(np.abs(interpreter.get_tensor(made["index"]) - answer).max()))
    return max(errors)

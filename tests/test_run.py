"""`run` and `demo`, whole: real digits, a real training, every recipe, and conversions that fail or crash."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import tflite_audit
from tests.test_cli import command
from tflite_audit.analyzer.evaluation.observed import Ranges, Usage
from tflite_audit.analyzer.support.types import Support
from tflite_audit.reports import document
from tflite_audit.reports.document import Report
from tflite_audit.rules.accuracy.comparison import Variants
from tflite_audit.rules.engine import KINDS
from tflite_audit.rules.rule import Table

RECIPES = ["float32", "dynamic", "float16", "int8-float-io", "int8", "uint8", "int16x8", "int16x8-fallback"]

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    ended = command("demo", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stdout


def report_of(folder: Path) -> Report:
    data = (folder / "report.json").read_bytes()
    jsonschema.validate(json.loads(data), document.schema())
    return document.decode(data)


def test_the_demo_runs_every_recipe(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    report = report_of(folder)
    assert [c.recipe for c in report.conversions] == RECIPES
    assert [c.outcome for c in report.conversions] == ["converted"] * 8
    assert all(name in printed for name in RECIPES)
    assert str(folder / "report.html") in printed
    for conversion in report.conversions:
        assert conversion.model is not None
        assert (folder / conversion.model).read_bytes()[4:8] == b"TFL3"
        assert conversion.stages
        assert conversion.passes
    assert not list(folder.glob("**/.*"))


def test_the_demo_measures_accuracy_against_the_source(demo: tuple[Path, str]) -> None:
    report = report_of(demo[0])
    assert report.reference is not None
    assert report.reference.value is not None
    assert report.reference.value > 0.9
    sizes = {m.name: m.bytes for m in report.models}
    assert sizes["dynamic"] < sizes["float16"] < sizes["float32"]
    for model in report.models:
        assert model.evaluation is not None
        assert model.evaluation.value == pytest.approx(report.reference.value, abs=0.01)
    float32 = next(m.evaluation for m in report.models if m.name == "float32")
    assert float32 is not None
    assert float32.agreement == 1.0


def test_the_demo_says_what_to_ship(demo: tuple[Path, str]) -> None:
    report = report_of(demo[0])
    assert report.verdict.status == "good"
    named = {p.name for p in report.verdict.picks} | {o.name for o in report.verdict.others}
    assert named == set(RECIPES)
    assert not [f for f in report.findings if f.severity == "error"]


def test_the_demo_sees_ranges_and_codes(demo: tuple[Path, str]) -> None:
    """No rule lacks what is seen of the models while they run."""
    report = report_of(demo[0])
    reasons = {KINDS[kind][2] for kind in (Ranges, Usage, Variants, Support)}
    assert not [(o.subject, o.rule) for o in report.outcomes if o.reason in reasons]
    assert "passed" in {o.status for o in report.outcomes if (o.rule, o.subject) == ("Q107", "int8")}


FAILING = '''
import numpy as np


def loop():
    """Converts to a WHILE loop; integer quantization of it kills the converter."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(1, 6, 4), name="x")
    return keras.Model(inputs, keras.layers.LSTM(3, name="recurrent")(inputs))


def free_batch():
    import keras

    inputs = keras.Input((6, 4), name="x")
    return keras.Model(inputs, keras.layers.LSTM(3, name="recurrent")(inputs))


def raises():
    raise ValueError("no such weights")


def samples():
    for i in range(4):
        yield {"x": np.random.default_rng(i).normal(size=(1, 6, 4)).astype("float32")}
'''


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sources") / "failing.py"
    path.write_text(FAILING)
    return path


@pytest.fixture(scope="module")
def crashed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("crashed")
    recipes = ["float32", "int8", "dynamic"]
    report = tflite_audit.run(f"{sources}:loop", recipes=recipes, calibration=f"{sources}:samples", output=folder)
    return report, folder


def test_a_crash_is_a_row_and_the_others_go_on(crashed: tuple[Report, Path]) -> None:
    report, folder = crashed
    assert [c.outcome for c in report.conversions] == ["converted", "crashed", "converted"]
    crash = report.conversions[1]
    assert (crash.signal, crash.stage) == (11, "CALIBRATE")
    assert not (folder / "int8" / "model.tflite").exists()
    assert (folder / "int8" / "conversion.log").exists()
    assert [(f.rule, f.subject) for f in report.findings if f.severity == "error"] == [("F305", "int8")]
    assert "SIGSEGV" in (folder / "report.html").read_text()


def test_a_while_loop_is_named(crashed: tuple[Report, Path]) -> None:
    report, _ = crashed
    found = {f.rule: f.severity for f in report.findings if f.subject == "float32"}
    assert found == {"R002": "warning", "R005": "info"}


def test_a_failure_names_the_operator_the_pass_and_the_layer(sources: Path, tmp_path: Path) -> None:
    report = tflite_audit.run(f"{sources}:free_batch", recipes=["float32"], output=tmp_path)
    (conversion,) = report.conversions
    assert conversion.outcome == "failed"
    assert conversion.operators[0] == "tf.TensorListReserve"
    assert conversion.pass_ == "LowerStaticTensorListPass"
    assert conversion.layer is not None
    assert "recurrent" in conversion.layer
    assert report.verdict.status == "bad"


def test_what_converts_and_cannot_run_is_not_one_to_ship(tmp_path: Path) -> None:
    source = Path(__file__).parent.parent / "examples" / "keywords.py"  # 16x8 leaves its LSTM half quantized
    report = tflite_audit.run(
        f"{source}:model", recipes=["int8", "int16x8-fallback"], calibration=f"{source}:samples", output=tmp_path
    )
    assert [c.outcome for c in report.conversions] == ["converted", "cannot_run"]
    assert report.conversions[1].model is not None
    errors = {finding.rule: finding for finding in report.findings if finding.severity == "error"}
    assert set(errors) == {"F002", "X005"}  # the LSTM keeps the int8 form of its output, with a zero point, in 16 bits
    assert errors["F002"].subject == errors["X005"].subject == "int16x8-fallback"
    assert errors["F002"].location.op == "UNIDIRECTIONAL_SEQUENCE_LSTM"
    assert {p.name for p in report.verdict.picks} == {"int8"}


RUNTIMES = """
import numpy as np
import tensorflow as tf


def enlarging():
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(1, 4, 4, 3), name="image")
    return keras.Model(inputs, keras.layers.UpSampling2D(2, interpolation="nearest", name="enlarge")(inputs))


def images():
    for i in range(4):
        yield [np.random.default_rng(i).random((1, 4, 4, 3), np.float32)]


class Operators(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 3, 3], tf.float32, name="x")])
    def invert(self, x):
        return {"y": tf.linalg.inv(x)}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def logarithm(self, x):
        return {"y": tf.nn.relu(tf.math.log(x))}


HELD = Operators()


def inverse():
    return HELD.invert.get_concrete_function()


def logarithm():
    return HELD.logarithm.get_concrete_function()


def negative():
    return {"x": np.array([[1, 2, 3], [1, -1, 2]], "float32")}
"""


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runtimes") / "runtimes.py"
    path.write_text(RUNTIMES)
    return path


def test_one_runtime_has_no_kernel(runtimes: Path, tmp_path: Path) -> None:
    source = f"{runtimes}:enlarging"
    report = tflite_audit.run(source, recipes=["int16x8"], calibration=f"{runtimes}:images", output=tmp_path)
    (conversion,) = report.conversions
    assert (conversion.outcome, conversion.operators) == ("cannot_run", ["TILE"])
    assert conversion.reason.startswith("TensorFlow ")
    assert " has no int16 kernel for TILE (Type 'INT16' is not supported by tile); LiteRT " in conversion.reason
    assert conversion.cause is not None
    assert conversion.cause.rule == "F002"
    assert conversion.layer is not None
    assert "enlarge" in conversion.layer
    (finding,) = [f for f in report.findings if f.rule == "F002"]
    assert finding.severity == "warning"
    (calls,) = [e for e in finding.evidence if isinstance(e, Table)]
    assert [dict(zip(calls.columns, row, strict=True))["inputs"] for row in calls.rows] == ["calibration"] * 2


def test_a_tflite_is_called_in_litert_only(runtimes: Path, tmp_path: Path) -> None:
    source = f"{runtimes}:enlarging"
    tflite_audit.run(source, recipes=["int16x8"], calibration=f"{runtimes}:images", output=tmp_path)
    report = tflite_audit.run(tmp_path / "int16x8" / "model.tflite", output=tmp_path / "again")
    assert not [f for f in report.findings if f.rule == "F002"]


def test_flex_converts_and_runs_nowhere(runtimes: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "flex.toml"
    recipe.write_text('name = "flex"\nsupported_ops = ["TFLITE_BUILTINS", "SELECT_TF_OPS"]\n')
    report = tflite_audit.run(f"{runtimes}:inverse", recipes=[recipe], output=tmp_path)
    (conversion,) = report.conversions
    assert (conversion.outcome, conversion.operators) == ("cannot_run", ["FlexMatrixInverse"])
    assert conversion.cause is not None
    assert conversion.cause.rule == "F108"


def test_a_nan_only_on_the_users_data_is_traced_to_its_operator(runtimes: Path, tmp_path: Path) -> None:
    data = f"{runtimes}:negative"
    report = tflite_audit.run(f"{runtimes}:logarithm", recipes=["float32"], data=data, metric="mse", output=tmp_path)
    (finding,) = [f for f in report.findings if f.rule == "A002"]
    assert finding.location.op == "LOG"
    assert "1 of 2 samples" in finding.message
    assert "in sample 1" in finding.message


def test_a_conversion_is_repeated_in_fresh_processes(sources: Path, tmp_path: Path) -> None:
    report = tflite_audit.run(f"{sources}:loop", recipes=["float32", "dynamic"], repeat=2, output=tmp_path)
    outcomes = {o.subject: o for o in report.outcomes if o.rule == "F003"}
    assert {name: o.status for name, o in outcomes.items()} == {"float32": "passed", "dynamic": "passed"}
    assert [c.outcome for c in report.conversions] == ["converted"] * 2
    assert not list(tmp_path.glob(".*"))
    once = tflite_audit.run(f"{sources}:loop", recipes=["float32"], output=tmp_path)
    (outcome,) = [o for o in once.outcomes if o.rule == "F003"]
    assert (outcome.status, "--repeat" in outcome.reason) == ("not run", True)


def test_a_source_that_raises_is_one_line_and_the_old_report_stays(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("of last week")
    ended = command("run", f"{sources}:raises", "-o", tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "no such weights" in ended.stderr
    assert "failing.py, line" in ended.stderr
    assert (tmp_path / "report.json").read_text() == "of last week"


TWO_SIGNATURES = """
from pathlib import Path

import numpy as np
import tensorflow as tf


class Scales(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def double(self, x):
        return {"y": x * 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def negative(self, x):
        return {"y": -x}


def saved():
    scales, folder = Scales(), Path(__file__).with_name("saved")
    tf.saved_model.save(scales, str(folder), signatures={"double": scales.double, "negative": scales.negative})
    return str(folder)


def data():
    return {"x": np.eye(4, dtype="float32")}, np.arange(4)
"""


def test_signatures_are_honoured_by_name(tmp_path: Path) -> None:
    source = tmp_path / "two.py"
    source.write_text(TWO_SIGNATURES)
    both = tflite_audit.run(f"{source}:saved", recipes=["float32"], output=tmp_path / "out")
    assert [s.key for s in both.models[0].signatures] == ["double", "negative"]
    with pytest.raises(ValueError, match="choose one with --signature"):
        tflite_audit.run(f"{source}:saved", recipes=["float32"], data=f"{source}:data", output=tmp_path / "out")
    for signature, accuracy in (("double", 1.0), ("negative", 0.0)):
        report = tflite_audit.run(
            f"{source}:saved",
            recipes=["float32"],
            data=f"{source}:data",
            signature=signature,
            output=tmp_path / "out",
        )
        assert report.reference is not None
        assert report.models[0].evaluation is not None
        assert (report.reference.value, report.models[0].evaluation.value) == (accuracy, accuracy)

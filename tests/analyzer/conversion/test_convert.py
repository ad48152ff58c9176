"""Whole conversions: files, outcomes, and workers that die."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.analyzer.conversion.conftest import Converted, spec
from tflite_audit.analyzer.conversion import calibration, source
from tflite_audit.analyzer.conversion.convert import Converting
from tflite_audit.analyzer.conversion.recipe import BUILT_IN, built_in
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.types import Conversion, Outcome, Progress, Recipe
from tflite_audit.analyzer.isolation import Limits

pytestmark = pytest.mark.tensorflow

GIGABYTE = 1 << 30


def recipe(name: str) -> Recipe:
    found = built_in(name)
    assert found
    return found


def converting(name: str, folder: Path, calibrated: str | None = None, **options: Any) -> Converting:
    asked = calibration.parse(spec(calibrated)) if calibrated else None
    return Converting(source.parse(spec(name)), asked, folder, **options)


def op_names(model: str) -> list[str]:
    return [op["op_name"] for op in Interpreter(model_path=model)._get_ops_details()]


def io_types(model: str) -> tuple[type, type]:
    interpreter = Interpreter(model_path=model)
    return interpreter.get_input_details()[0]["dtype"], interpreter.get_output_details()[0]["dtype"]


# The eight recipes


@pytest.mark.parametrize("name", [r.name for r in BUILT_IN])
def test_every_recipe_converts_and_leaves_its_files(digits: Converted, name: str) -> None:
    made = digits.conversions[name]
    assert (made.outcome, made.reason, made.failure, made.signal) == (Outcome.CONVERTED, "", None, None)
    assert made.model == str(digits.folder / name / "model.tflite")
    assert made.log == str(digits.folder / name / "conversion.log")
    assert {p.name for p in (digits.folder / name).iterdir()} == {"model.tflite", "conversion.log"}
    assert Path(made.model).read_bytes()[4:8] == b"TFL3"
    assert made.versions["tensorflow"] == digits.description.versions["tensorflow"]
    assert made.stage is None
    assert made.peak_memory is not None
    assert 100 << 20 < made.peak_memory < 8 * GIGABYTE
    assert 0 < made.seconds < 60


def test_each_recipe_does_what_its_name_says(digits: Converted) -> None:
    models = {name: made.model or "" for name, made in digits.conversions.items()}
    sizes = {name: Path(model).stat().st_size for name, model in models.items()}
    assert sizes["float16"] < 0.7 * sizes["float32"]
    assert all(sizes[name] < 0.5 * sizes["float32"] for name in ("dynamic", "int8", "uint8", "int8-float-io"))
    expected = {"int8": np.int8, "uint8": np.uint8}
    for name, model in models.items():
        kind = expected.get(name, np.float32)
        assert io_types(model) == (kind, kind), name
    assert "QUANTIZE" in op_names(models["int8-float-io"])
    assert "QUANTIZE" not in op_names(models["int8"])
    types = {t["dtype"] for t in Interpreter(model_path=models["int16x8"]).get_tensor_details()}
    assert np.int16 in types


def test_no_working_files_are_left(digits: Converted) -> None:
    assert not list(digits.folder.glob(".tflite-audit-*"))


@pytest.mark.parametrize(("name", "calibrated"), [("float32", None), ("int8", "digits_calibration")])
def test_the_model_is_what_a_plain_convert_gives(
    digits: Converted, plain: Callable[[str, object], Any], name: str, calibrated: str | None
) -> None:
    content = Path(digits.conversions[name].model or "").read_bytes()
    assert content == plain("convert", {"model": "digits", "calibration": calibrated})


def test_stages_are_the_converters_and_nest(digits: Converted) -> None:
    stages = {s.name: s for s in digits.conversions["int8"].stages}
    assert next(iter(stages)) == "CONVERT_KERAS_TO_SAVED_MODEL"
    assert list(stages)[-1] == "WRITE"
    outer = stages["OPTIMIZE_TFLITE_MODEL"]
    for name in ("CALIBRATE", "QUANTIZE"):
        assert outer.start <= stages[name].start
        assert stages[name].start + stages[name].seconds <= outer.start + outer.seconds + 1e-3
    assert all(s.ended and s.start >= 0 and s.seconds >= 0 for s in stages.values())
    top = ["CONVERT_KERAS_TO_SAVED_MODEL", "VALIDATE_INPUTS", "CONVERT_GRAPHDEF", "OPTIMIZE_TFLITE_MODEL"]
    covered = sum(stages[name].seconds for name in top)
    assert covered == pytest.approx(digits.conversions["int8"].seconds, rel=0.3)
    assert "CALIBRATE" not in {s.name for s in digits.conversions["dynamic"].stages}


def test_the_log_has_what_was_printed_and_no_ir(digits: Converted) -> None:
    text = Path(digits.conversions["float32"].log or "").read_text()
    assert "Saved artifact at" in text  # Keras, by Python's print
    assert "IR Dump" not in text


# A worker that dies


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversion]:
    folder = tmp_path_factory.mktemp("lstm")
    with converting("lstm", folder, "lstm_calibration") as one:
        before = one.convert(recipe("float32"))
        crashed = one.convert(recipe("int8"))
        after = one.convert(Recipe("float32-again"))
    return {"before": before, "crashed": crashed, "after": after}


def test_a_crash_of_the_converter_is_a_row(crashing: dict[str, Conversion]) -> None:
    made = crashing["crashed"]
    assert (made.outcome, made.signal, made.stage) == (Outcome.CRASHED, 11, "CALIBRATE")
    assert made.reason == "the converter died of signal 11 (SIGSEGV) in CALIBRATE"
    assert made.model is None
    assert made.passes[-1].after["tfl.while"] == 1
    assert made.log is not None
    assert "_feed_tensors" in Path(made.log).read_text()  # where Python was
    assert made.ir is not None
    assert Path(made.ir).read_text().rstrip().endswith("}")  # whole, although it was in a buffer of the compiler's


def test_the_others_go_on_with_the_same_weights(crashing: dict[str, Conversion]) -> None:
    before, after = crashing["before"], crashing["after"]
    assert (before.outcome, after.outcome) == (Outcome.CONVERTED, Outcome.CONVERTED)
    assert after.notes == ()
    answers = []
    for made in (before, after):
        runner = Interpreter(model_path=made.model).get_signature_runner("serving_default")
        answers.append(runner(sequence=np.ones((1, 6, 4), "float32"))["output_0"])
    assert np.array_equal(*answers)  # the source draws new weights each time it is called
    assert np.abs(answers[0]).max() > 0


# Limits


def test_a_source_that_hangs_is_stopped(tmp_path: Path) -> None:
    start = time.monotonic()
    with converting("hangs", tmp_path, limits=Limits(seconds=10)) as one:
        made = one.convert(recipe("float32"))
        again = one.convert(recipe("dynamic"))
        with pytest.raises(SourceError, match="took longer than 10 s"):
            one.describe()
    assert (made.outcome, again.outcome) == (Outcome.TIMED_OUT, Outcome.TIMED_OUT)
    assert made.reason.endswith("hangs: loading it took longer than 10 s and was stopped")
    assert time.monotonic() - start < 40  # once, not once for each recipe
    assert "going to hang" in (tmp_path / "source.log").read_text()


def test_a_source_that_takes_too_much_memory_is_stopped(tmp_path: Path) -> None:
    with converting("hoards", tmp_path, limits=Limits(seconds=120, memory=3 * GIGABYTE // 2)) as one:
        made = one.convert(recipe("float32"))
        assert not one._worker.running
    assert made.outcome is Outcome.OUT_OF_MEMORY
    assert made.reason.endswith("hoards: loading it took more than 1.5 GiB of memory")


@pytest.mark.slow
def test_a_source_that_kills_the_process(tmp_path: Path) -> None:
    with converting("kills", tmp_path) as one:
        made = one.convert(recipe("float32"))
    assert (made.outcome, made.signal) == (Outcome.CRASHED, 9)
    assert "often the kernel's doing, when memory runs out" in made.reason


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), converting("digits", tmp_path, on_event=interrupt) as one:
        one.convert(recipe("float32"))
    assert not one._worker.running
    assert [path.name for path in tmp_path.rglob("*")] == ["float32"]


# Refusals and failures


def test_a_recipe_without_its_calibration_set_is_refused_at_once(tmp_path: Path) -> None:
    stale = tmp_path / "int8" / "model.tflite"
    stale.parent.mkdir()
    stale.write_bytes(b"of an earlier run")
    with converting("hangs", tmp_path) as one:  # which is never loaded
        refused = one.convert(recipe("int8"))
    assert refused.outcome is Outcome.REFUSED
    assert refused.reason.startswith("it needs a calibration set: give --calibration")
    assert not stale.exists()


def test_what_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import numpy as np\ndef data():\n    yield [np.ones((1, 6, 4))]\n")
    bad = calibration.parse(f"{tmp_path}/bad.py:data")
    seen: list[Progress] = []
    folder = tmp_path / "out"
    with Converting(source.parse(spec("free_batch_lstm")), bad, folder, on_event=seen.append) as one:
        refused = one.convert(recipe("int8"))
        assert one.calibrate() is None
        failed = one.convert(recipe("float32"))
    assert refused.outcome is Outcome.REFUSED
    assert 'given float64 [1, 6, 4], expected float32 [?, 6, 4]; write .astype("float32")' in refused.reason
    assert (failed.outcome, failed.failed_pass, failed.stage) == (
        Outcome.FAILED,
        "LowerStaticTensorListPass",
        "CONVERT_GRAPHDEF",
    )
    assert "tf.TensorListReserve" in failed.reason
    assert failed.ir is not None
    assert "LowerStaticTensorListPass Failed" in Path(failed.ir).read_text()[:200]
    assert "tf.TensorListReserve" in Path(failed.ir).read_text()
    told = [(p.subject, p.stage, p.ended) for p in seen]
    assert told.index(("source", "LOAD_SOURCE", False)) < told.index(("source", "LOAD_SOURCE", True))
    assert ("float32", "CONVERT_GRAPHDEF", False) in told


def test_the_sources_own_answers(digits: Converted) -> None:
    found, refused = digits.reference, digits.refused_reference
    assert (found.reason, found.samples, found.signature) == ("", 5, "serving_default")
    assert found.runtime == f"tensorflow {digits.description.versions['tensorflow']}"
    assert found.outputs is not None
    with np.load(found.outputs) as archive:
        assert archive["output_0"].shape == (5, 10)
    assert (refused.outputs, refused.reason) == (None, "there is no signature 'other'; there is serving_default")


@pytest.mark.slow
def test_a_source_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    with converting("raises", tmp_path) as one:
        with pytest.raises(SourceError, match="LookupError: the weights are not here"):
            one.describe()
        made = one.convert(recipe("float32"))
    assert made.outcome is Outcome.FAILED
    assert "LookupError" in made.reason
    assert "Traceback" in (tmp_path / "source.log").read_text()


def test_a_missing_tensorflow_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError(\"No module named 'tensorflow'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with converting("digits", tmp_path / "out") as one, pytest.raises(SourceError) as error:
        one.describe()
    assert str(error.value) == (
        "TensorFlow cannot be imported (No module named 'tensorflow'); pip install 'tflite-audit[tensorflow]'"
    )

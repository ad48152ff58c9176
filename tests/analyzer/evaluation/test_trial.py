"""Whether a model runs at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.analyzer.evaluation.conftest import Make, Models, images
from tflite_audit.analyzer.evaluation.errors import blamed, one_line
from tflite_audit.analyzer.evaluation.trial import trial_worker, try_model
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Interface, Port, Trial
from tflite_audit.analyzer.isolation import Limits, Worker


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with trial_worker() as worker:
        yield worker


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name", ["classifier", "int8", "uint8", "int16x8", "four", "no_batch", "two_inputs", "two_signatures", "pooled"]
)
def test_models_that_run(name: str, models: Models, worker: Worker) -> None:
    trial = try_model(models[name], worker=worker)
    assert trial.runs, trial.reason
    assert trial.generated
    assert trial.seconds > 0


@pytest.mark.tensorflow
def test_the_users_own_sample(models: Models, make: Make, worker: Worker) -> None:
    trial = try_model(models["four"], dataset=make(x=images(2)), worker=worker)
    assert trial.runs, trial.reason
    assert not trial.generated
    interface = Interface(None, (Port("x", "float32", (-1, 3)),), ())
    negative = try_model(models["logarithm"], dataset=make(interface, x=-np.ones((2, 3), np.float32)), worker=worker)
    assert (negative.outcome, negative.non_finite, negative.runs) == (EvaluationOutcome.EVALUATED, ("y",), False)


@pytest.mark.tensorflow
def test_models_that_do_not_run(models: Models, make: Make, worker: Worker) -> None:
    flex = try_model(models["inverse"], worker=worker)
    assert (flex.outcome, flex.step, flex.operator) == (EvaluationOutcome.FAILED, "allocating", "FlexMatrixInverse")
    assert flex.reason.startswith("Select TensorFlow op(s), included in the given model,")
    zero = try_model(models["divide"], worker=worker)
    assert (zero.step, zero.operator, zero.node) == ("invoking", "FLOOR_MOD", 0)
    assert zero.reason == "Division by 0; Node number 0 (FLOOR_MOD) failed to invoke"
    empty = try_model(models["lgamma"], worker=worker)
    assert (empty.outcome, empty.empty, empty.runs) == (EvaluationOutcome.EVALUATED, ("y",), False)
    starts = worker.starts
    ports = (Port("a", "int32", (-1, 1)), Port("b", "int32", (-1, 1)))
    data = make(Interface(None, ports, ()), a=np.full((1, 1), -(2**31), np.int32), b=np.full((1, 1), -1, np.int32))
    died = try_model(models["divide"], dataset=data, worker=worker)
    assert (died.outcome, died.step) == (EvaluationOutcome.CRASHED, "invoking")
    assert died.reason == "invoking the model ended the process: it died of signal 8 (SIGFPE)"
    assert try_model(models["classifier"], worker=worker).runs
    assert worker.starts == starts + 1


@pytest.mark.tensorflow
def test_every_signature_is_tried(models: Models, worker: Worker) -> None:
    assert try_model(models["two_signatures"], signature="negate", worker=worker).runs
    missing = try_model(models["two_signatures"], signature="none", worker=worker)
    assert missing.reason == "the model: has no signature 'none'; it has double, negate"


EXPECTED = {
    "coral_model_invoking_error": "fake-op-double",
    "coral_split_concat_edgetpu": "edgetpu-custom-op",
    "litert_softplus_flex": "FlexSoftplus",
    "litert_single_conv_no_bias": "CONV_2D",
    "litert_svdf_quantized": "SVDF",
    "tflm_transpose_conv0": "TRANSPOSE_CONV",
    "tfsupport_whitespace_tokenizer_to_tensor": "tftext:WhitespaceTokenizer",
    "tflm_audio_preprocessor_int8": "SignalWindow",
    "litert_with_metadata": "NPU_OP",  # two inputs without names
    "litert_transpose": None,
    "litert_test_model_broken": None,
}


@pytest.mark.shared
def test_files_from_the_field(shared: Path, worker: Worker) -> None:
    trials: dict[str, Trial] = {}
    for path in sorted((shared / "models").glob("*.tflite")):
        if path.stem != "litert_conv_huge_im2col":  # 3 s
            trials[path.stem] = try_model(path, worker=worker, limits=Limits(seconds=30, memory=4 << 30))
    assert len(trials) > 100
    assert sum(trial.runs for trial in trials.values()) > 80
    for name, trial in trials.items():
        assert "\n" not in trial.reason
        assert bool(trial.reason) == (trial.outcome is not EvaluationOutcome.EVALUATED), name
    for name, operator in EXPECTED.items():
        assert (trials[name].outcome, trials[name].operator) == (EvaluationOutcome.FAILED, operator), name


@pytest.mark.parametrize(
    ("message", "line", "operator"),
    [
        (
            "Encountered unresolved custom op: Sinh.\nSee instructions: https://www.tensorflow.org/lite/guide/"
            "ops_custom Node number 0 (Sinh) failed to prepare.",
            "Encountered unresolved custom op: Sinh; Node number 0 (Sinh) failed to prepare",
            ("Sinh", 0),
        ),
        (
            "Didn't find op for builtin opcode 'CONV_2D' version '99'. An older version of this builtin might be "
            "supported. Are you using an old TFLite binary with a newer model?\nRegistration failed.\n",
            "Didn't find op for builtin opcode 'CONV_2D' version '99'. An older version of this builtin might be "
            "supported. Are you using an old TFLite binary with a newer model? Registration failed",
            ("CONV_2D", None),
        ),
        (
            "third_party/tensorflow/lite/kernels/svdf.cc:103 a != b (9 != 42)Node number 3 (SVDF) failed to invoke.",
            "a != b (9 != 42); Node number 3 (SVDF) failed to invoke",
            ("SVDF", 3),
        ),
        (
            "XNNPack delegate failed to reshape runtimeNode number 24 (TfLiteXNNPackDelegate) failed to prepare.",
            "XNNPack delegate failed to reshape runtime; Node number 24 (TfLiteXNNPackDelegate) failed to prepare",
            (None, None),
        ),
    ],
)
def test_interpreter_errors(message: str, line: str, operator: tuple[str | None, int | None]) -> None:
    assert one_line(message) == line
    assert blamed(message) == operator

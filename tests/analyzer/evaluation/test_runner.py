"""Real models answer real data, in the child process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.analyzer.evaluation.conftest import CLASSIFIER, Make, Models, images
from tflite_audit.analyzer.evaluation.dataset import Dataset
from tflite_audit.analyzer.evaluation.metrics import parse_metric
from tflite_audit.analyzer.evaluation.runner import Evaluating, evaluate
from tflite_audit.analyzer.evaluation.types import DataError, EvaluationOutcome, Interface, Port
from tflite_audit.analyzer.isolation import Limits

pytestmark = pytest.mark.tensorflow

COUNT = 300


@pytest.fixture(scope="module")
def truth(models: Models) -> NDArray[np.int64]:
    """The class that the classifier itself gives; every tenth label is another one."""
    labels = models.scores(images(COUNT)).argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % 5
    return labels


@pytest.fixture
def data(make: Make, truth: NDArray[np.int64]) -> Dataset:
    return make(x=images(COUNT), y=truth)


@pytest.fixture
def reference(models: Models, tmp_path: Path) -> Path:
    path = tmp_path / "reference.npz"
    np.savez(path, scores=models.scores(images(COUNT)))
    return path


@pytest.fixture
def evaluating(data: Dataset, reference: Path, tmp_path: Path) -> Iterator[Evaluating]:
    with Evaluating(data, parse_metric("top-1"), tmp_path, reference_outputs=reference) as evaluating:
        yield evaluating


def test_float_model_scores_as_the_source_does(evaluating: Evaluating, models: Models, reference: Path) -> None:
    source = evaluating.score(reference)
    assert (source.subject, source.correct, source.value) == ("source", 270, 0.9)
    assert source.agreement is None
    seen: list[tuple[int, int | None]] = []
    done = evaluating.evaluate(models["classifier"], subject="float32", on_progress=lambda *p: seen.append(p))
    assert (done.outcome, done.reason) == (EvaluationOutcome.EVALUATED, "")
    assert (done.subject, done.signature, done.output) == ("float32", "serving_default", "scores")
    assert (done.correct, done.samples, done.agreement, done.lost, done.gained) == (270, COUNT, 1.0, 0, 0)
    assert done.max_difference is not None
    assert done.max_difference < 1e-4
    assert done.seconds > 0
    assert done.runtime.startswith("ai-edge-litert ")
    assert done.runtime.endswith("1 thread")
    assert seen
    assert {total for _, total in seen} == {COUNT}


@pytest.mark.parametrize("recipe", ["int8", "uint8", "int16x8"])
def test_quantized_input_and_output_are_real_values_to_the_user(
    recipe: str, evaluating: Evaluating, models: Models
) -> None:
    done = evaluating.evaluate(models[recipe], subject=recipe)
    assert done.outcome is EvaluationOutcome.EVALUATED, done.reason
    assert done.agreement is not None
    assert done.agreement > (0.999 if recipe == "int16x8" else 0.9)
    assert done.value is not None
    assert abs(done.value - 0.9) < 0.1
    assert done.max_difference is not None
    assert 0 < done.max_difference < 1.0
    assert done.lost is not None
    assert done.gained is not None
    assert done.correct == 270 - done.lost + done.gained


@pytest.mark.parametrize(("model", "batch"), [("four", 4), ("one", 1), ("across", 1)])
def test_batches_only_where_they_change_nothing(
    model: str, batch: int, make: Make, models: Models, tmp_path: Path
) -> None:
    count = 30  # no multiple of four: the last call is filled up, and what was filled up is not counted
    scores = models.scores(images(count))
    if model == "across":  # alone, a sample is its own mean
        scores = np.zeros((count, 16), np.float32)
    done = evaluate(models[model], make(x=images(count), scores=scores), parse_metric("mse"), tmp_path, subject=model)
    assert (done.outcome, done.batch, done.samples) == (EvaluationOutcome.EVALUATED, batch, count), done.reason
    assert done.value is not None
    assert done.value < 1e-9


def test_batches_answer_as_single_samples_do(make: Make, models: Models, tmp_path: Path) -> None:
    count = 5000  # enough for batches to win on any machine
    data = make(x=images(count), scores=models.scores(images(count)))
    done = evaluate(models["classifier"], data, parse_metric("mse"), tmp_path, subject="many")
    assert done.batch > 1
    assert done.samples == count
    assert done.value is not None
    assert done.value < 1e-9


def test_a_model_without_a_batch_dimension(make: Make, models: Models, tmp_path: Path) -> None:
    whole = Interface("serving_default", (Port("image", "float32", (6, 6)),), CLASSIFIER.outputs)
    data = make(whole, x=images(20), y=models.scores(images(20)).argmax(axis=1))
    done = evaluate(models["no_batch"], data, parse_metric("top-1"), tmp_path, subject="no_batch")
    assert (done.outcome, done.value, done.batch) == (EvaluationOutcome.EVALUATED, 1.0, 1), done.reason


def test_a_free_length_takes_the_shape_of_the_data(make: Make, models: Models, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((40, 7, 3), np.float32)
    interface = Interface(None, (Port("x", "float32", (-1, -1, 3)),), (Port("y", "float32", (-1, 3)),))
    data = make(interface, x=x, y=x.mean(axis=1))
    done = evaluate(models["pooled"], data, parse_metric("mse"), tmp_path, subject="pooled")
    assert done.outcome is EvaluationOutcome.EVALUATED, done.reason
    assert done.value is not None
    assert done.value < 1e-9


def test_inputs_of_one_shape_go_by_name(make: Make, models: Models, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    first, second = random.random((10, 3), np.float32), random.random((10, 3), np.float32)
    ports = (Port("second", "float32", (-1, 3)), Port("first", "float32", (-1, 3)))
    interface = Interface("serving_default", ports, (Port("difference", "float32", (-1, 3)),))
    data = make(interface, first=first, second=second, difference=first - 2 * second)
    done = evaluate(models["two_inputs"], data, parse_metric("mse"), tmp_path, subject="two")
    assert done.outcome is EvaluationOutcome.EVALUATED, done.reason
    assert done.value is not None
    assert done.value < 1e-9


def test_signatures_are_honoured_by_name(make: Make, models: Models, tmp_path: Path) -> None:
    x = np.random.default_rng(2).random((80, 3), np.float32)
    for key, output, answer in (("double", "doubled", 2 * x), ("negate", "negated", -x)):
        interface = Interface(key, (Port("x", "float32", (-1, 3)),), (Port(output, "float32", (-1, 3)),))
        data = make(interface, x=x, **{output: answer})
        with Evaluating(data, parse_metric("mse"), tmp_path) as evaluating:
            done = evaluating.evaluate(models["two_signatures"], subject=key, signature=key)
            assert (done.outcome, done.signature, done.value) == (EvaluationOutcome.EVALUATED, key, 0.0), done.reason
            none = evaluating.evaluate(models["two_signatures"], subject=key)
            assert none.outcome is EvaluationOutcome.FAILED
            assert none.reason == "the model: has 2 signatures (double, negate); choose one with --signature"


def test_nan_is_counted_and_never_correct(make: Make, models: Models, tmp_path: Path) -> None:
    x = np.array([[1, 2, 9], [-1, 9, 1], [9, 1, 2], [0, 9, 3]], np.float32)
    interface = Interface(None, (Port("x", "float32", (-1, 3)),), (Port("y", "float32", (-1, 3)),))
    data = make(interface, x=x, labels=x.argmax(axis=1))
    done = evaluate(models["logarithm"], data, parse_metric("top-1"), tmp_path, subject="log")
    assert (done.non_finite, done.correct) == (2, 3)  # log(0) is -inf, which ranks; log(-1) is NaN, which does not


def test_flex_fails_with_the_op_named(make: Make, models: Models, tmp_path: Path) -> None:
    interface = Interface(None, (Port("x", "float32", (-1, 2, 2)),), ())
    data = make(interface, x=np.ones((2, 2, 2), np.float32))
    done = evaluate(models["inverse"], data, parse_metric("top-1"), tmp_path, subject="flex")
    assert done.outcome is EvaluationOutcome.FAILED
    assert "FlexMatrixInverse" in done.reason
    assert "\n" not in done.reason


def test_an_empty_answer_is_a_failure(make: Make, models: Models, tmp_path: Path) -> None:
    interface = Interface(None, (Port("x", "float32", (-1, 3)),), ())
    data = make(interface, x=np.ones((2, 3), np.float32))
    done = evaluate(models["lgamma"], data, parse_metric("top-1"), tmp_path, subject="lgamma")
    assert done.outcome is EvaluationOutcome.FAILED
    assert done.reason == "the model runs, and its output y comes back empty, of shape (0, 3)"


DIVISION = Interface(
    None,
    (Port("a", "int32", (-1, 1)), Port("b", "int32", (-1, 1))),
    (Port("rest", "int32", (-1, 1)),),
)


def test_a_crash_is_an_outcome_and_the_next_model_goes_on(make: Make, models: Models, tmp_path: Path) -> None:
    least = np.full((3, 1), -(2**31), np.int32)
    data = make(DIVISION, a=least, b=np.full((3, 1), -1, np.int32), labels=np.zeros((3, 1)))
    with Evaluating(data, parse_metric("mse"), tmp_path) as evaluating:
        died = evaluating.evaluate(models["divide"], subject="crash")
        assert died.outcome is EvaluationOutcome.CRASHED
        assert died.reason == "invoking the model ended the process: it died of signal 8 (SIGFPE)"
        wrong = evaluating.evaluate(models["classifier"], subject="next")
        assert wrong.outcome is EvaluationOutcome.FAILED
        assert wrong.reason == "the model's inputs are image; the data hold a, b"
    assert not [*tmp_path.glob("outputs*")]


def test_a_crash_in_batches_is_no_fault_of_the_model(make: Make, models: Models, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((100, 3), np.float32)
    interface = Interface(None, (Port("x", "float32", (-1, 3)),), (Port("y", "float32", (-1, 3)),))
    done = evaluate(models["dies_in_batches"], make(interface, x=x, y=x), parse_metric("mse"), tmp_path, subject="d")
    assert (done.outcome, done.value, done.batch) == (EvaluationOutcome.EVALUATED, 0.0, 1), done.reason
    assert "Floating point exception" in (tmp_path / "evaluation.log").read_text(), "it was tried in batches"


def test_a_division_by_zero_names_the_op(make: Make, models: Models, tmp_path: Path) -> None:
    zero = np.zeros((3, 1), np.int32)
    done = evaluate(models["divide"], make(DIVISION, a=zero, b=zero), parse_metric("mse"), tmp_path, subject="zero")
    assert done.outcome is EvaluationOutcome.FAILED
    assert done.reason == "Division by 0; Node number 0 (FLOOR_MOD) failed to invoke"


def test_limits(make: Make, models: Models, tmp_path: Path) -> None:
    interface = Interface(None, (Port("n", "int32", (1,)),), (Port("y", "int32", (1,)),))
    data = make(interface, x=np.full((1, 1), 2**31 - 1, np.int32), y=np.zeros((1, 1)))
    metric = parse_metric("mse")
    slow = evaluate(models["count"], data, metric, tmp_path, subject="slow", limits=Limits(seconds=0.5))
    assert slow.outcome is EvaluationOutcome.TIMED_OUT
    assert slow.reason == "invoking the model did not end within 0.5 seconds"
    large = evaluate(models["count"], data, metric, tmp_path, subject="large", limits=Limits(memory=1 << 20))
    assert large.outcome is EvaluationOutcome.OUT_OF_MEMORY
    assert "more than 1 MiB" in large.reason


def test_a_file_that_is_no_model(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "zeros.tflite"
    path.write_bytes(bytes(1024))
    done = evaluate(path, data, parse_metric("top-1"), tmp_path, subject="zeros")
    assert done.outcome is EvaluationOutcome.FAILED
    assert done.reason
    assert "\n" not in done.reason


def test_data_without_labels_still_compare(make: Make, models: Models, reference: Path, tmp_path: Path) -> None:
    data = make(x=images(COUNT))
    assert data.labels_path is None
    assert "no labels" in data.notes[-1]
    done = evaluate(
        models["classifier"], data, parse_metric("top-1"), tmp_path, subject="bare", reference_outputs=reference
    )
    assert (done.outcome, done.value, done.correct, done.agreement) == (EvaluationOutcome.EVALUATED, None, None, 1.0)
    assert done.reason == "the data hold no labels"


def test_the_users_own_metric(data: Dataset, models: Models, reference: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import sys\n"
        "def share(outputs, labels):\n"
        "    assert 'ai_edge_litert' not in sys.modules\n"
        "    return (outputs['scores'].argmax(1) == labels).mean()\n"
        "def worst(outputs, labels):\n"
        "    return abs(outputs['scores']).max()\n"
        "worst.lower_is_better = True\n"
        "def broken(outputs, labels):\n"
        "    return outputs['nothing']\n"
    )
    metric = parse_metric(f"{file}:share")
    with Evaluating(data, metric, tmp_path, reference_outputs=reference) as evaluating:
        assert evaluating.score(reference).value == 0.9
        done = evaluating.evaluate(models["classifier"], subject="mine")
    assert (done.value, done.correct, done.lower_is_better, done.metric) == (0.9, None, False, metric.name)
    assert done.max_difference is not None
    worst = evaluate(models["classifier"], data, parse_metric(f"{file}:worst"), tmp_path, subject="worst")
    assert worst.lower_is_better
    broken = evaluate(models["classifier"], data, parse_metric(f"{file}:broken"), tmp_path, subject="broken")
    assert broken.outcome is EvaluationOutcome.FAILED
    assert broken.reason == f"the metric {file}:broken raised KeyError: 'nothing' (mine.py, line 9)"


def test_a_metric_that_is_not_there_is_told_before_anything_runs(data: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def here(outputs, labels): return 0.0\n")
    with (
        pytest.raises(DataError, match="has no 'there'; it has here"),
        Evaluating(data, parse_metric(f"{file}:there"), tmp_path),
    ):
        pass


def test_a_mean_that_is_not_finite_says_so(make: Make, models: Models, tmp_path: Path) -> None:
    x = np.array([[1, 2, 9], [-1, 9, 1]], np.float32)
    interface = Interface(None, (Port("x", "float32", (-1, 3)),), (Port("y", "float32", (-1, 3)),))
    done = evaluate(models["logarithm"], make(interface, x=x, y=x), parse_metric("mse"), tmp_path, subject="log")
    assert (done.outcome, done.value, done.non_finite) == (EvaluationOutcome.EVALUATED, None, 1)
    assert done.reason == "the answers to 1 samples are not finite"


def test_tensorflow_is_never_imported_to_evaluate() -> None:
    code = (
        "import sys, tflite_audit.analyzer.evaluation.child, tflite_audit.analyzer.evaluation.runner\n"
        "from ai_edge_litert.interpreter import Interpreter\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'tflite')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.shared
def test_state_begins_anew_with_every_sample(shared: Path, make: Make, tmp_path: Path) -> None:
    """Fused LSTMs keep their state from call to call, unless it is reset."""
    from tflite_audit.analyzer.evaluation.ports import interface
    from tflite_audit.analyzer.model.flatbuffer import read

    path = shared / "models" / "litert_unidirectional_sequence_lstm.tflite"
    ports = interface(read(path))
    (port,) = ports.inputs
    shape = [1 if size < 0 else size for size in port.shape]
    one = np.random.default_rng(0).random(shape, np.float32)
    data = make(ports, x=np.concatenate([one] * 6))
    keep = tmp_path / "answers.py"
    keep.write_text(
        "def spread(outputs, labels):\n    return float(max(abs(o - o[:1]).max() for o in outputs.values()))\n"
    )
    data = make(ports, x=np.concatenate([one] * 6), labels=np.zeros(6))
    done = evaluate(path, data, parse_metric(f"{keep}:spread"), tmp_path, subject="lstm")
    assert (done.outcome, done.value) == (EvaluationOutcome.EVALUATED, 0.0), done.reason

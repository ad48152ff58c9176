"""Models called step by step, their states going from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import streaming
from tests.builders.flatbuffers import ModelBuilder
from tflite_audit.analyzer.evaluation.observing import Observing
from tflite_audit.analyzer.evaluation.stepping import Carry, Stepped, compared, stepped
from tflite_audit.analyzer.evaluation.trial import trial_worker
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome
from tflite_audit.analyzer.isolation import Worker

H = [("h", "output_1")]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with trial_worker() as one:
        yield one


@pytest.fixture(scope="module")
def run(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Stepped]:
    folder = tmp_path_factory.mktemp("models")

    def call(name: str, inputs: dict[str, NDArray[Any]], *args: Any, **options: Any) -> Stepped:
        path = folder / f"{name}.tflite"
        path.write_bytes(streaming.content(name))
        return stepped(path, inputs, *args, worker=worker, **options)

    return call


@pytest.mark.tensorflow
def test_one_step_at_a_time_equals_the_whole_sequence(run: Callable[..., Stepped]) -> None:
    x = streaming.frames()
    whole = run("gru_sequence", {"x": x.reshape(1, 1, streaming.STEPS, -1)})
    steps = run("gru_step", {"x": x}, H, again=True)
    assert whole.answered
    assert steps.answered
    difference = compared(steps.outputs["output_1"], whole.outputs["output_0"][0])
    assert difference.largest < 1e-6
    assert difference.scale > 0.1
    assert len(difference.each) == streaming.STEPS
    assert steps.resets
    alone = run("gru_step", {"x": x, "h": np.zeros((len(x), 1, streaming.UNITS), np.float32)})
    assert compared(alone.outputs["output_1"], whole.outputs["output_0"][0]).largest > 0.05, "without its state"


@pytest.mark.tensorflow
def test_copied_bytes_drift_where_the_scales_differ(run: Callable[..., Stepped]) -> None:
    x = streaming.frames(40)
    exact = run("gru_step", {"x": x}, H).outputs["output_1"]

    def error(name: str, carry: Carry) -> float:
        return compared(run(name, {"x": x}, H, carry=carry).outputs["output_1"], exact, 0).mean

    assert error("gru_step_int8_random", Carry.BYTES) > 3 * error("gru_step_int8_random", Carry.VALUES)
    assert error("gru_step_int8", Carry.BYTES) == error("gru_step_int8", Carry.VALUES), "one scale on both sides"
    assert error("gru_step_int8_zero", Carry.VALUES) > 3 * error("gru_step_int8", Carry.VALUES), "no state left"


@pytest.mark.tensorflow
def test_resource_variables_keep_their_values(run: Callable[..., Stepped]) -> None:
    same = np.repeat(streaming.frames(1), 3, axis=0)
    steps = run("lstm_stateful", {"x": same}, again=True)
    (answers,) = steps.outputs.values()
    assert not np.array_equal(answers[0], answers[1])
    assert steps.resets is False
    again = run("lstm_stateful", {"x": same})
    assert np.array_equal(answers, again.outputs["output_0"]), "each run has an interpreter of its own"


def memory() -> bytes:
    """The input, and ten times the one before, and a hundred times the one before that."""
    m = ModelBuilder()
    x, y = m.tensor("x", "float32", (1, 1)), m.tensor("y", "float32", (1, 1))
    feature = m.tensor("feature", "float32", (1, 1), data=np.ones((1, 1)))
    time = m.tensor("time", "float32", (1, 3), data=np.array([[100, 10, 1]]))
    state = m.tensor("state", "float32", (1, 3), variable=True)
    m.op("SVDF", [x, feature, time, -1, state], [y], options={"rank": 1, "fused_activation_function": "NONE"})
    return m.build()


def test_variable_tensors_keep_their_values(tmp_path: Path, worker: Worker) -> None:
    path = tmp_path / "svdf.tflite"
    path.write_bytes(memory())
    steps = stepped(path, {"x": np.array([1, 2, 3], np.float32).reshape(3, 1, 1)}, again=True, worker=worker)
    assert steps.outputs["y"].ravel().tolist() == [1, 12, 123], steps.reason
    assert steps.resets is True


def test_a_second_call_shows_what_is_kept(tmp_path: Path) -> None:
    keeping, plain = tmp_path / "svdf.tflite", tmp_path / "counter.tflite"
    keeping.write_bytes(memory())
    plain.write_bytes(counter())
    with Observing() as observing:
        found = [observing.carrying(path) for path in (keeping, plain, tmp_path / "none.tflite")]
    assert [None if one is None else (one.repeats, one.resets) for one in found] == [(False, True), (True, True), None]


def counter(scale_out: float = 0.5, dtype: str = "int8") -> bytes:
    """Adds a quantized input to a quantized state."""
    m = ModelBuilder()
    x = m.tensor("x", dtype, (1, 2), scale=0.5, zero_point=1)
    s = m.tensor("s", dtype, (1, 2), scale=0.5, zero_point=-3)
    y = m.tensor("y", dtype, (1, 2), scale=scale_out, zero_point=0)
    m.op("ADD", [x, s], [y], options={"fused_activation_function": "NONE"}, version=2)
    m.signature("serving_default", {"x": x, "s": s}, {"y": y})
    return m.build()


def test_quantized_states(tmp_path: Path, worker: Worker) -> None:
    path = tmp_path / "counter.tflite"
    path.write_bytes(counter())
    x = np.ones((4, 1, 2), np.float32)
    values = stepped(path, {"x": x}, [("s", "y")], worker=worker).outputs["y"]
    assert values[:, 0, 0].tolist() == [1, 2, 3, 4]
    first = {"s": np.full((1, 2), 2.5, np.float32)}
    values = stepped(path, {"x": x}, [("s", "y")], initial=first, worker=worker).outputs["y"]
    assert values[:, 0, 1].tolist() == [3.5, 4.5, 5.5, 6.5]
    copied = stepped(path, {"x": x}, [("s", "y")], carry=Carry.BYTES, worker=worker).outputs["y"]
    assert copied[:, 0, 0].tolist() == [1, 3.5, 6, 8.5], "the zero points are 3 codes apart"
    as_it_is = stepped(path, {"x": np.full((2, 1, 2), 3, np.int8)}, [("s", "y")], worker=worker).outputs["y"]
    assert as_it_is[:, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("inputs", "states", "says"),
    [
        ({}, [("s", "y")], "the steps hold nothing; beside its states the model takes x"),
        ({"x": np.ones((2, 1, 2))}, [("t", "y")], "the model has no input 't'; it has s, x"),
        ({"x": np.ones((2, 1, 2))}, [("s", "z")], "the model has no output 'z'; it has y"),
        (
            {"x": np.ones((2, 1, 3))},
            [("s", "y")],
            "a step of shape (1, 3) does not fit the input x, which takes (1, 2)",
        ),
    ],
)
def test_what_does_not_fit(
    tmp_path: Path, worker: Worker, inputs: dict[str, Any], states: list[tuple[str, str]], says: str
) -> None:
    path = tmp_path / "counter.tflite"
    path.write_bytes(counter())
    ended = stepped(path, inputs, states, worker=worker)
    assert ended.outcome is EvaluationOutcome.FAILED
    assert ended.reason == says
    assert not ended.outputs


def test_no_model(tmp_path: Path, worker: Worker) -> None:
    path = tmp_path / "none.tflite"
    path.write_bytes(bytes(100))
    assert not stepped(path, {}, worker=worker).answered


def test_comparing() -> None:
    whole = np.arange(12.0).reshape(1, 6, 2)
    assert compared(np.moveaxis(whole, 1, 0)[:, :, None], whole).largest == 0, "[steps, 1, 1, features]"
    assert compared(whole.reshape(3, 1, 2, 2), whole).largest == 0, "two steps a call"
    assert compared(np.moveaxis(whole, 1, 0) + 1, whole).each == (1,) * 6
    last = compared(np.moveaxis(whole, 1, 0), np.array([[10.0, 13.0]]), None)
    assert (last.largest, last.mean, last.each) == (2, 1, (2,))
    with pytest.raises(ValueError, match="steps gave 5 x 2 values"):
        compared(np.zeros((5, 1, 2)), whole)

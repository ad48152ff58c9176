"""One step of a model, and the sequence: the same layers, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tflite_audit.analyzer.conversion import calibration, recipe, source
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.streaming.requests import Prepared
from tflite_audit.analyzer.conversion.streaming.scales import state_scales
from tflite_audit.analyzer.conversion.streaming.streaming import Streaming, StreamWorker
from tflite_audit.analyzer.conversion.streaming.types import Per
from tflite_audit.analyzer.conversion.types import Outcome
from tflite_audit.analyzer.isolation import Limits
from tflite_audit.analyzer.model.flatbuffer import read

pytestmark = pytest.mark.tensorflow

SOURCES = REPOSITORY / "tests" / "builders" / "streamable.py"
LIMITS = Limits(seconds=300)


@pytest.fixture(scope="module")
def worker() -> Iterator[StreamWorker]:
    with StreamWorker() as shared:
        yield shared


def streaming(name: str, folder: Path, worker: StreamWorker, samples: str | None = None) -> Streaming:
    given = calibration.parse(f"{SOURCES}:{samples}") if samples else None
    return Streaming(source.parse(f"{SOURCES}:{name}"), given, folder, LIMITS, worker=worker)


def prepared(name: str, folder: Path, worker: StreamWorker, samples: str | None = None) -> Prepared:
    return streaming(name, folder, worker, samples).prepare(folder)


def states(found: Prepared) -> list[str]:
    return [state.input for state in found.plan.states]


EXACT = {
    "stacked": ["first_h", "first_c", "second_h"],
    "any_length": ["one_h", "one_c", "two_h", "two_c", "three_h"],
    "of_tf_keras": ["first_h", "first_c", "second_h"],
    "reset_before": ["gru_h"],
    "stateful": ["kept_h", "kept_c"],
    "of_a_batch": ["lstm_h", "lstm_c"],
    "constant_input": ["lstm_h", "lstm_c"],
    "given_state": ["lstm_h", "lstm_c"],
    "constant_state": ["lstm_h", "lstm_c"],
    "constant_state_of_tf_keras": ["gru_h"],
    "convolutional": ["conv_h", "conv_c"],
    "tokens": ["gru_h"],
    "own_classes": ["own_state_0", "own_state_1", "mine_h", "mine_c"],
    "nested_and_shared": ["l_h", "l_c", "l_2_h", "l_2_c", "stack_0_h", "stack_0_c", "stack_1_h"],
    "pointwise": ["lstm_h", "lstm_c"],
    "causal": ["conv_past", "gru_h", "after_past"],
}


QUICK = ("causal",)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in EXACT]
)
def test_steps_give_what_the_sequence_gives(name: str, tmp_path: Path, worker: StreamWorker):
    found = prepared(name, tmp_path, worker)
    assert [state.rsplit("_", 1)[-1] for state in states(found)] == [s.rsplit("_", 1)[-1] for s in EXACT[name]]
    if name != "of_a_batch":  # whose layer Keras names
        assert states(found) == EXACT[name]
    assert all(exact.relative < 1e-5 and exact.answers > 0 for exact in found.exact)
    assert found.made_up
    assert found.samples == 0


def test_what_is_what_in_the_step_model(tmp_path: Path, worker: StreamWorker):
    plan = prepared("constant_input", tmp_path, worker).plan
    assert [(p.name, p.shape, p.per) for p in plan.inputs] == [
        ("x", (1, 5), Per.STEP),
        ("speaker", (1, 3), Per.SEQUENCE),
    ]
    assert [(p.name, p.shape, p.per) for p in plan.outputs] == [("output_0", (1, 6), Per.END)]
    assert (tmp_path / "step_model.keras").is_file()
    plan = prepared("given_state", tmp_path, worker).plan
    assert [p.name for p in plan.inputs] == ["x"]
    assert [(s.given, s.zero) for s in plan.states] == [("h0", False), ("c0", False)]
    assert {p.name: p.per for p in plan.outputs} == {"y": Per.STEP, "h": Per.END, "c": Per.END}


def test_a_state_that_does_not_begin_as_zeros_is_kept_beside(tmp_path: Path, worker: StreamWorker):
    found = prepared("own_classes", tmp_path, worker)
    assert [state.zero for state in found.plan.states] == [True, False, True, True]
    with np.load(tmp_path / "initial_state.npz") as first:
        assert first.files == ["own_state_1"]
        assert np.array_equal(first["own_state_1"], np.full((1, 3), 0.5, np.float32))


REFUSED = {
    "both_ways": r"both \(Bidirectional\) runs from the last step to the first as well",
    "backwards": r"back \(GRU\) has go_backwards=True",
    "convolution": r"conv \(Conv1D\) needs 5 steps for an answer to one",
    "flattened": r"flat \(Flatten\) takes all steps together",
    "pooled": r"pool \(GlobalAveragePooling1D\) takes all steps together",
    "halved": r"runs over the 3 steps that half \(MaxPooling1D\) makes of \[6, 5\]",
    "attending": r"attention \(MultiHeadAttention\) looks from every step at all others",
    "weighted": r"weights \(Softmax\) was called with single steps, and gave something else",
    "masked": r"words \(Embedding\) makes a mask",
    "autoencoder": r"decoder \(LSTM\) runs over again, which is there only when the whole sequence is",
    "translating": r"decoder \(LSTM\) begins with a state that the model itself computes",
    "back_into_steps": r"joined \(Add\) takes what is known only after the last step, at every step",
    "hidden": r"block \(Block\) hides the recurrent layer hidden \(LSTM\) inside its code",
    "feedforward": r"it has no recurrent layer",
    "subclassed": r"Subclassed is a subclassed model",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_streamed_names_the_layer(name: str, tmp_path: Path, worker: StreamWorker):
    with pytest.raises(
        SourceError, match=f"^[^\n]*{name}: cannot be run one step at a time: [^\n]*{REFUSED[name]}[^\n]*$"
    ):
        streaming(name, tmp_path, worker).describe()


@pytest.mark.parametrize("samples", ["sequences", pytest.param("lists_of_several", marks=pytest.mark.slow)])
def test_both_sides_of_a_state_are_calibrated_over_one_range(samples: str, tmp_path: Path, worker: StreamWorker):
    found = prepared("stacked", tmp_path, worker, samples)
    assert not found.made_up
    assert found.sequences == (24 if samples == "sequences" else 12)
    assert found.samples >= found.sequences * 6
    for state in found.ranges:
        # Zero, with which a sequence begins, belongs to every range.
        read, written = ((min(0.0, low), max(0.0, high)) for low, high in (state.read, state.written))
        assert read == written
        assert written[0] < 0 < written[1]


@pytest.mark.slow
def test_sequences_of_several_lengths(tmp_path: Path, worker: StreamWorker):
    found = prepared("any_length", tmp_path, worker, "of_several_lengths")
    assert found.compared == (12, 36, 9, 5)  # two of them go on, to four times their length
    assert found.length == 3
    assert found.plan.steps is None
    assert found.exact[0].answers == 12 + 36 + 9 + 5


def test_a_source_that_keeps_its_state_is_compared_over_all_its_calls(tmp_path: Path, worker: StreamWorker):
    found = prepared("stateful", tmp_path, worker)
    assert found.compared == (66, 66, 6, 6, 6, 6, 6, 6)
    assert found.exact[0].answers == sum(steps // 6 for steps in found.compared)
    (note,) = found.notes
    assert note.startswith("stateful=True of kept:")


@pytest.mark.slow
def test_a_source_of_one_step_that_forgets_is_told(tmp_path: Path, worker: StreamWorker):
    found = prepared("forgetful", tmp_path, worker)
    assert found.exact[0].answers == len(found.compared)
    (note,) = found.notes
    assert note.startswith("the source takes 1 step a call and forgets its state")


@pytest.mark.slow
def test_a_converted_step_model_runs_as_the_source(tmp_path: Path, worker: StreamWorker):
    made = streaming("stacked", tmp_path, worker)
    converted = made.convert(recipe.load("float32"))
    assert converted.outcome is Outcome.CONVERTED
    assert converted.model is not None
    (signature,) = read(converted.model).signatures
    assert set(signature.inputs) == {"x", "first_h", "first_c", "second_h"}
    assert set(signature.outputs) == {"output_0", "first_h_out", "first_c_out", "second_h_out"}
    found = made.compare(Path(converted.model))
    assert found.worst is not None
    assert found.worst.name == "output_0"
    assert [drift.state for drift in found.outputs] == [False, True, True, True]
    assert all(drift.largest < 1e-5 for drift in found.outputs)
    assert found.worst.beyond is not None
    assert found.worst.beyond < 1e-5
    assert found.seconds is not None
    assert found.seconds > 0
    assert len(found.worst.each) == 24


@pytest.mark.slow
def test_integers_have_one_scale_on_both_sides_of_a_state(tmp_path: Path, worker: StreamWorker):
    made = streaming("stacked", tmp_path, worker, "sequences")
    states = made.prepare().plan.states
    for name, most in (("int8", 0.15), ("int16x8", 0.02)):
        converted = made.convert(recipe.load(name))
        assert converted.model is not None, converted.reason
        scales = state_scales(read(converted.model), states)
        assert [scale.state for scale in scales] == ["first_h", "first_c", "second_h"]
        for scale in scales:
            assert scale.read is not None
            assert scale.written is not None
            assert scale.read[1] == scale.written[1]
            assert scale.read[0] == pytest.approx(scale.written[0], rel=1e-5)
        found = made.compare(Path(converted.model))
        assert found.worst is not None
        assert 0 < found.worst.largest < most

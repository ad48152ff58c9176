"""The states of every model of the shared corpus, against those that a person found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recurrent.states_labels import KEPT, NOTHING, UNREADABLE
from tflite_audit.analyzer.model.flatbuffer import InvalidModel, read
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent import receptive
from tflite_audit.rules.recurrent.states import States

pytestmark = pytest.mark.shared


def states(folder: Path, name: str) -> States:
    found = Facts(model=read(folder / "models" / f"{name}.tflite")).states
    assert found is not None
    return found


def test_every_model_is_labelled(shared: Path) -> None:
    labels = [*KEPT, *NOTHING, *UNREADABLE]
    assert len(labels) == len(set(labels))
    assert set(labels) == {path.stem for path in (shared / "models").glob("*.tflite")}
    for name in UNREADABLE:
        with pytest.raises(InvalidModel):
            read(shared / "models" / f"{name}.tflite")


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept(shared: Path, name: str) -> None:
    label = KEPT[name]
    found = states(shared, name).carried
    assert {state.keeping.value for state in found} == {label.keeping}
    assert {f"{s.name} > {s.given_back}" if s.given_back else s.name for s in found} == label.names
    assert {state.initialized for state in found} == {label.initialized}
    if label.bytes is not None:
        assert sum(state.bytes or 0 for state in found) == label.bytes


def test_what_keeps_nothing(shared: Path) -> None:
    assert [name for name in NOTHING if states(shared, name).states] == []


@pytest.mark.parametrize(
    ("name", "frame", "field", "stride"),
    [
        ("pymicro_wakeword_alexa", 3, 5 + 3 * (4 + 8 + 12 + 20) + 3 * 4, 3),  # kernels 5, 5, 9, 13, 21; five flattened
        ("mlperftiny_str_ww_ref_model", 30, 1 + 2 + 4 + 9 + 14, 1),  # kernels 3, 5, 10, 15
    ],
)
def test_receptive_fields(shared: Path, name: str, frame: int, field: int, stride: int) -> None:
    model = read(shared / "models" / f"{name}.tflite")
    graph = model.subgraphs[0]
    window = next(receptive.of_inputs(model, graph, graph.inputs[:1]), None)
    assert window is not None
    assert (window.axis, window.frame, window.field, window.stride) == (1, frame, field, stride)


def test_pictures_have_no_axis_of_time(shared: Path) -> None:
    for name in ("mediapipe_selfie_segmentation", "mlperftiny_kws_ref_model", "tflm_hist_magic_wand"):
        model = read(shared / "models" / f"{name}.tflite")
        graph = model.subgraphs[0]
        assert not list(receptive.of_inputs(model, graph, graph.inputs)), name

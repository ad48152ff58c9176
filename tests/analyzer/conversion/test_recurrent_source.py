"""The recurrent layers of a source, as they are when the converter gets it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.analyzer.conversion.conftest import Converted, Process
from tests.conftest import REPOSITORY
from tflite_audit.analyzer.conversion import source
from tflite_audit.analyzer.conversion.requests import LoadRequest
from tflite_audit.analyzer.conversion.types import (
    UNCHANGED,
    Rebuild,
    SourceChange,
    SourceDescription,
    SourceRecurrent,
)

pytestmark = pytest.mark.tensorflow

SOURCES = REPOSITORY / "tests" / "builders" / "recurrent_sources.py"
BOTH = pytest.mark.parametrize("package", ["keras", "tf_keras"])


def described(process: Process, name: str, folder: Path, change: SourceChange = UNCHANGED) -> SourceDescription:
    asked = source.parse(f"{SOURCES}:{name}")
    request = LoadRequest(asked, str(folder / "weights"), again=False, change=change, changed=str(folder / "changed"))
    reply = process.request("load", request)
    assert isinstance(reply, dict)
    assert "reason" not in reply, reply
    return msgspec.convert(reply, SourceDescription)


def layers(process: Process, name: str, folder: Path, change: SourceChange = UNCHANGED) -> dict[str, SourceRecurrent]:
    found = described(process, name, folder, change).recurrent
    assert found is not None
    assert len({layer.name for layer in found}) == len(found)
    return {layer.name: layer for layer in found}


@BOTH
def test_settings(process: Process, tmp_path: Path, package: str) -> None:
    assert layers(process, f"{package}_settings", tmp_path) == {
        "odd": SourceRecurrent(
            name="odd",
            kind="LSTM",
            package=package,
            cells=("LSTMCell",),
            units=(4,),
            batch=None,
            steps=6,
            activation="relu",
            recurrent_activation="hard_sigmoid",
            use_bias=False,
            dropout=0.25,
            recurrent_dropout=0.5,
            return_sequences=True,
            go_backwards=True,
            annotated=False,
        ),
        "last": SourceRecurrent(
            name="last",
            kind="GRU",
            package=package,
            cells=("GRUCell",),
            units=(5,),
            steps=6,
            activation="tanh",
            recurrent_activation="sigmoid",
            annotated=False,
        ),
    }


@BOTH
def test_wrappers_and_masks(process: Process, tmp_path: Path, package: str) -> None:
    found = layers(process, f"{package}_wrapped", tmp_path)
    assert list(found) == ["forward_both", "backward_both", "cells"]
    assert [layer.go_backwards for layer in found.values()] == [False, True, False]
    assert found["forward_both"].inside == ("pair",)
    assert found["forward_both"].path == "pair/forward_both"
    assert [layer.merge_mode for layer in found.values()] == ["concat", "concat", ""]
    assert found["cells"].inside == ()
    assert all(layer.masked for layer in found.values())
    assert all((layer.batch, layer.steps) == (1, 6) for layer in found.values())
    assert found["cells"].kind == "RNN"
    assert found["cells"].cells == ("LSTMCell", "GRUCell")
    assert found["cells"].units == (3, 5)


@BOTH
def test_states(process: Process, tmp_path: Path, package: str) -> None:
    found = layers(process, f"{package}_encoder_decoder", tmp_path)
    assert (found["encoder"].return_state, found["encoder"].state_used) == (True, True)
    assert (found["unread"].return_state, found["unread"].state_used) == (True, False)
    assert (found["encoder"].cell_state_used, found["unread"].cell_state_used) == (True, False)
    assert (found["decoder"].state_given, found["decoder"].state_used) == (True, False)
    assert not found["encoder"].state_given
    constant = layers(process, f"{package}_constant_states", tmp_path)
    assert (constant["warm"].state_given, constant["warm"].state_nonzero) == (True, True)
    assert (constant["cold"].state_given, constant["cold"].state_nonzero) == (True, False)


@BOTH
def test_a_model_in_a_model(process: Process, tmp_path: Path, package: str) -> None:
    (deep,) = layers(process, f"{package}_nested", tmp_path).values()
    assert (deep.name, deep.inside) == ("deep", ("inner",))
    assert (deep.batch, deep.steps) == (1, 6), "as the outer model calls it"
    assert deep.in_graph
    assert (deep.return_state, deep.state_used) == (True, False), "the outer model does not read it"


@BOTH
def test_a_layer_that_is_called_twice_is_two(process: Process, tmp_path: Path, package: str) -> None:
    found = described(process, f"{package}_shared", tmp_path).recurrent
    assert found is not None
    assert [layer.name for layer in found] == ["twice", "twice"]


@BOTH
def test_other_layers(process: Process, tmp_path: Path, package: str) -> None:
    (radar,) = layers(process, f"{package}_images", tmp_path).values()
    assert (radar.kind, radar.cells[0][:8], radar.units, radar.steps) == ("ConvLSTM2D", "ConvLSTM", (3,), 2)
    (inner,) = layers(process, f"{package}_distributed", tmp_path).values()
    assert (inner.name, inner.inside, inner.batch, inner.steps) == ("in_each", ("td",), 1, 6)
    assert not inner.in_graph
    (own,) = layers(process, f"{package}_own", tmp_path).values()
    assert (own.kind, own.cells, own.units) == ("RNN", ("recurrent_sources.Cell",), (4,))
    assert (own.activation, own.recurrent_activation) == ("", "")


def test_what_a_subclassed_model_calls_is_not_known(process: Process, tmp_path: Path) -> None:
    found = layers(process, "keras_subclassed", tmp_path)
    assert list(found) == ["forward_gru", "backward_gru"]
    for layer in found.values():
        assert layer.inside == ("encoder",)
        assert (layer.batch, layer.steps, layer.masked, layer.state_given) == (None, None, None, None)
        assert layer.units == (4,)
        assert not layer.in_graph


@BOTH
def test_classes_of_ones_own(process: Process, tmp_path: Path, package: str) -> None:
    found = layers(process, f"{package}_classes", tmp_path)
    assert (found["renamed"].kind, found["own"].kind) == ("Renamed", "Own")
    marked = (True, None) if package == "tf_keras" else (False, False)
    assert (found["renamed"].annotated, found["own"].annotated) == marked


def test_what_tf_keras_marks(process: Process, tmp_path: Path) -> None:
    assert layers(process, "tf_keras_plain", tmp_path)["lstm"].annotated is True
    assert layers(process, "keras_plain", tmp_path)["lstm"].annotated is False
    assert layers(process, "tf_keras_settings", tmp_path)["odd"].annotated is False
    assert layers(process, "tf_keras_images", tmp_path)["radar"].annotated is False
    marked = layers(process, "tf_keras_wrapped", tmp_path)
    assert (marked["forward_both"].annotated, marked["cells"].annotated) == (True, False)


def test_time_major(process: Process, tmp_path: Path) -> None:
    layer = layers(process, "tf_keras_time_major", tmp_path)["lstm"]
    assert (layer.time_major, layer.batch, layer.steps) == (True, 1, 6)


def test_files(process: Process, tmp_path: Path) -> None:
    built = described(process, "keras_wrapped", tmp_path).recurrent
    assert described(process, "keras_file", tmp_path).recurrent == built
    loaded = layers(process, "h5_file", tmp_path)["lstm"]
    assert (loaded.package, loaded.annotated, loaded.steps) == ("tf_keras", True, 6)


def test_after_a_change(process: Process, tmp_path: Path) -> None:
    unrolled = layers(process, "tf_keras_plain", tmp_path, SourceChange(rebuild=(Rebuild.UNROLL,)))["lstm"]
    assert (unrolled.unroll, unrolled.annotated) == (True, False)
    rebuilt = layers(process, "keras_plain", tmp_path, SourceChange(batch=1, rebuild=(Rebuild.TF_KERAS,)))["lstm"]
    assert (rebuilt.package, rebuilt.annotated, rebuilt.units) == ("tf_keras", True, (4,))


def test_other_sources(process: Process, tmp_path: Path) -> None:
    assert described(process, "dense", tmp_path).recurrent == ()
    assert described(process, "module", tmp_path).recurrent is None
    (held,) = layers(process, "function_of_a_model", tmp_path).values()
    assert (held.name, held.units, held.batch, held.steps) == ("lstm", (4,), None, None)


def test_a_conversion_has_them(digits: Converted) -> None:
    assert all(made.recurrent == () for made in digits.conversions.values())

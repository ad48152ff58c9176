"""What a SOURCE argument names, told without TensorFlow."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tflite_audit.analyzer.conversion.source import SourceError, SourceKind, parse


def keras_file(path: Path, layer: dict[str, object]) -> Path:
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "outer", "layers": [layer]}}
    nested = {"module": "keras", "class_name": "Functional", "config": {"name": "top", "layers": [model]}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(nested))
    return path


DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d"}, "registered_name": None}
CUSTOM = {"module": None, "class_name": "Mine", "config": {"name": "m"}, "registered_name": "Custom>Mine"}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "squeeze"}}
FUNCTION = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "d", "activation": {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}}},
}
FOREIGN = {"module": "os", "class_name": "system", "config": {"name": "evil"}}
UTILITY = {"module": "keras.src.utils.file_utils", "class_name": "get_file", "config": {"name": "fetch"}}


def test_the_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    (tmp_path / "models.py").touch()
    (tmp_path / "a.tflite").touch()
    (tmp_path / "a.H5").write_bytes(b"")
    keras_file(tmp_path / "a.keras", DENSE)
    for spec, kind, path, name in [
        ("saved", SourceKind.SAVED_MODEL, "saved", ""),
        ("a.tflite", SourceKind.TFLITE, "a.tflite", ""),
        ("a.keras", SourceKind.KERAS, "a.keras", ""),
        ("models.py:Factory.build", SourceKind.FILE, "models.py", "Factory.build"),
        ("package.models:build", SourceKind.MODULE, "package.models", "build"),
    ]:
        found = parse(spec, "main", ("gpu",))
        assert (found.kind, found.path, found.name) == (kind, path, name)
        assert (found.signature, found.tags, found.spec) == ("main", ("gpu",), spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere.keras", "nowhere.keras: there is no such file"),
        ("nowhere", "nowhere: there is no such file; give a .keras"),
        ("nowhere.py:build", "nowhere.py:build: there is no file nowhere.py"),
        ("here.py", "here.py: name the function or object in it too: here.py:build"),
        ("here.py:2x", "here.py:2x: '2x' is no name of a function or object"),
        ("a-b:build", "a-b:build: 'a-b' is no name of a module"),
        ("here.onnx", "here.onnx: cannot be converted; give a .keras"),
        ("empty", "empty: no SavedModel: the folder has no saved_model.pb"),
        ("text.keras", "text.keras: not a Keras model file: no zip archive with a config.json"),
        ("text.h5", "text.h5: not an HDF5 file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    spec: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("here.py", "here.onnx", "text.keras", "text.h5"):
        (tmp_path / name).write_text("text")
    with pytest.raises(SourceError) as error:
        parse(spec)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (LAMBDA, "layer 'squeeze' is a Lambda layer, which holds Python code"),
        (FUNCTION, "layer 'd' holds a lambda function"),
        (FOREIGN, "layer 'evil' names system of the module os, which loading would import"),
        (UTILITY, "layer 'fetch' names get_file of the module keras.src.utils.file_utils"),
    ],
)
def test_code_in_a_file_is_refused_unless_trusted(layer: dict[str, object], reason: str, tmp_path: Path) -> None:
    path = str(keras_file(tmp_path / "a.keras", layer))
    with pytest.raises(SourceError) as error:
        parse(path)
    assert reason in str(error.value)
    assert "--trust" in str(error.value)
    assert parse(path, trust=True).trust


@pytest.mark.parametrize("layer", [DENSE, CUSTOM])
def test_ordinary_files_need_no_trust(layer: dict[str, object], tmp_path: Path) -> None:
    assert parse(str(keras_file(tmp_path / "a.keras", layer))).kind is SourceKind.KERAS


def test_code_in_an_h5_file_is_refused_too(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [LAMBDA]}})
    with pytest.raises(SourceError, match="Lambda layer"):
        parse(str(path))

"""What the user gives becomes named arrays, or one line that says why not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.analyzer.evaluation.conftest import CLASSIFIER, Make, images
from tflite_audit.analyzer.evaluation.dataset import DataKind, Dataset, describe_spec, gather
from tflite_audit.analyzer.evaluation.npz import read_mapped
from tflite_audit.analyzer.evaluation.types import DataError, Interface, Port
from tflite_audit.analyzer.isolation import Limits

LABELS = np.arange(12) % 5
TWO = Interface(
    None,
    (Port("a", "float32", (-1, 3)), Port("b", "float32", (-1, 3))),
    (Port("p", "float32", (-1, 2)), Port("q", "float32", (-1, 4))),
)


def one(shape: tuple[int, ...], dtype: str = "float32", quantized: bool = False) -> Interface:
    return Interface(None, (Port("x", dtype, shape, quantized),), ())


def written(data: Dataset) -> dict[str, Any]:
    return {**read_mapped(data.path), **(read_mapped(data.labels_path) if data.labels_path else {})}


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("image", "scores"), "scores"),
        (("image", "labels"), "labels"),
        (("image", "y"), "labels"),
        (("x", "y"), "labels"),
        (("x_test", "y_test"), "labels"),
        (("images", "targets"), "labels"),
        (("inputs", "y"), "labels"),
        (("my_own_name", "labels"), "labels"),
    ],
)
def test_names(names: tuple[str, str], label: str, make: Make) -> None:
    data = make(**{names[0]: images(12), names[1]: LABELS})
    arrays = written(data)
    assert list(arrays) == ["image", label]
    np.testing.assert_array_equal(arrays["image"], images(12))
    np.testing.assert_array_equal(arrays[label], LABELS)
    assert (data.samples, data.inputs["image"].shape) == (12, (12, 6, 6))
    assert data.notes == ((f"{data.spec}: the array my_own_name was taken for the input image",) * (names[0][0] == "m"))


def test_arrays_as_keras_ships_them(make: Make) -> None:
    rest = {"x_train": images(12, 7), "y_train": LABELS}
    data = make(x_test=(images(12) * 255).astype(np.uint8), y_test=LABELS, **rest)
    np.testing.assert_array_equal(written(data)["image"], (images(12) * 255).astype(np.uint8).astype(np.float32))
    used, scale = data.notes
    assert used.endswith("the test part was used (x_test, y_test), not x_train")
    assert re.search(r"uint8 values \d\.\.25\d were given to the float32 input image as they are", scale)


def test_labels_by_output_name(make: Make) -> None:
    a, b = np.zeros((4, 3)), np.ones((4, 3))
    data = make(TWO, b=b, a=a, q=np.zeros((4, 4)), p=np.ones((4, 2)))
    assert list(data.labels) == ["p", "q"]
    np.testing.assert_array_equal(written(data)["b"], b)
    assert written(data)["a"].dtype == np.float32


def test_limit(make: Make) -> None:
    data = make(x=images(12), y=LABELS, limit=5)
    assert data.samples == 5
    np.testing.assert_array_equal(written(data)["image"], images(12)[:5])
    assert make(x=images(12), limit=500).samples == 12
    with pytest.raises(DataError, match="limit 0"):
        make(x=images(12), limit=0)


@pytest.mark.parametrize(
    ("interface", "array", "said"),
    [
        (one((-1, 28, 28)), np.zeros((5, 28, 28, 1)), r"which takes \(N, 28, 28\); take the last .*array\[\.\.\., 0\]"),
        (one((-1, 28, 28, 1)), np.zeros((5, 28, 28)), r"add a last dimension: array\[\.\.\., None\]"),
        (one((-1, 784)), np.zeros((5, 28, 28)), r"reshape them: array\.reshape\(-1, 784\)"),
        (one((-1, 3)), np.zeros((5, 4)), r"samples of shape \(N, 4\) do not fit the input x, which takes \(N, 3\)$"),
        (one((-1,)), np.zeros((5, 4, 2)), r"which takes \(N,\)$"),
        (one((-1, 3)), np.zeros((0, 3)), "holds no samples"),
        (one((-1, 3)), np.zeros((5, 3), complex), "complex128 values cannot be given to the float32 input x"),
        (one((-1, 3)), np.full((5, 3), "a"), "cannot be given"),
        (one((-1, 3), "int32"), np.zeros((5, 3)), "float64 values cannot .* the int32 input x; save them as int32"),
        (one((-1, 3), "int8"), np.full((5, 3), 200), r"values 200\.\.200 do not fit the int8 input x"),
        (one((-1, 3), "resource"), np.zeros((5, 3)), "type resource, which data cannot be given for"),
        (
            TWO,
            np.zeros((5, 3)),
            "no array for the inputs a, b; it holds x; name the arrays after the model's inputs: a, b",
        ),
    ],
)
def test_arrays_that_do_not_fit(interface: Interface, array: Any, said: str, make: Make) -> None:
    with pytest.raises(DataError, match=said) as error:
        make(interface, x=array)
    assert "data.npz: " in str(error.value)
    assert "\n" not in str(error.value)


def test_counts_that_differ(make: Make) -> None:
    with pytest.raises(DataError, match="x has 12 samples, y has 11 samples"):
        make(x=images(12), y=LABELS[:11])
    with pytest.raises(DataError, match="the array x is a single number"):
        make(x=np.float32(1))


@pytest.mark.parametrize(
    ("shape", "given", "whole"),
    [
        ((-1, 3), (5, 3), False),
        ((1, 3), (5, 3), False),
        ((-1, 3), (5, 1, 3), False),  # each sample with a batch of its own
        ((-1, -1, 3), (5, 9, 3), False),
        ((4, 3), (5, 4, 3), True),
        ((), (5,), True),
        ((-1, 3), (5, 7, 3), True),  # the free dimension is a length
    ],
)
def test_forms(shape: tuple[int, ...], given: tuple[int, ...], whole: bool, make: Make) -> None:
    info = make(one(shape), x=np.zeros(given)).inputs["x"]
    assert info.whole == whole
    assert info.shape == (given if given != (5, 1, 3) else (5, 3))


@pytest.mark.parametrize(
    ("given", "as_is", "stored"), [("uint8", True, "uint8"), ("float64", False, "float32"), ("int32", False, "float32")]
)
def test_quantized_inputs(given: str, as_is: bool, stored: str, make: Make) -> None:
    data = make(one((-1, 3), "uint8", True), x=np.full((5, 3), 7, given))
    assert (data.inputs["x"].quantized, data.inputs["x"].dtype) == (as_is, stored)
    assert ("since it is of that quantized type" in data.notes[0]) == as_is


def test_non_finite_samples_are_told(make: Make) -> None:
    x = np.zeros((5, 3))
    x[1, 2], x[3, 0] = np.nan, np.inf
    assert "2 samples for x hold a NaN or an infinity" in make(one((-1, 3)), x=x).notes[0]


# ---------------------------------------------------------------------------------------------------------------------
# Specifications


def test_specs(tmp_path: Path) -> None:
    (tmp_path / "a.npz").touch()
    (tmp_path / "f.py").touch()
    (tmp_path / "ds").mkdir()
    (tmp_path / "ds" / "dataset_spec.pb").touch()
    assert describe_spec(str(tmp_path / "a.npz")).kind is DataKind.NPZ
    assert describe_spec(f"{tmp_path}/f.py:load").kind is DataKind.FUNCTION
    assert describe_spec("package.module:Class.method").kind is DataKind.FUNCTION
    assert describe_spec(str(tmp_path / "ds")).kind is DataKind.TF_DATA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing.npz", "nothing.npz: there is no such file"),
        ("nothing", "give an .npz file, module:function, or a folder of tf.data.Dataset.save"),
        ("nothing.py:load", "there is no file nothing.py"),
        (".", r"\.: not a folder written by tf\.data\.Dataset\.save"),
        ("", "give an .npz file"),
        ("a b:c", "give an .npz file"),
    ],
)
def test_specs_that_name_nothing(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=said):
        describe_spec(text)


# ---------------------------------------------------------------------------------------------------------------------
# Functions, in the child process

FUNCTIONS = """
import sys
import numpy as np
X = np.arange(36 * 12, dtype=np.float32).reshape(12, 6, 6)
Y = np.arange(12) % 5
assert "tensorflow" not in sys.modules

def whole(): return X, Y
def named(): return {"image": X, "scores": np.eye(5)[Y]}
def batches():
    for i in range(0, 12, 5): yield X[i:i+5], Y[i:i+5]
def samples(): return zip(X, Y)
def listed(): return [(x[None], y) for x, y in zip(X, Y)]
def dicts():
    for x, y in zip(X, Y): yield {"image": x, "y": y}
def by_name():
    for x, y in zip(X, Y): yield {"image": x}, {"scores": np.eye(5)[y]}
def endless():
    while True: yield X, Y
def bare(): yield from X
def broken():
    yield X, Y
    raise RuntimeError("no\\nmore")
def at_once(): raise KeyError("file")
def leaves(): sys.exit(3)
def ragged():
    yield X, Y
    yield X[:, :3], Y
def thing(): return 7
def nothing(): return iter(())
def slow():
    import time
    time.sleep(60)
"""


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    path = tmp_path / "numpy_like.py"
    path.write_text(FUNCTIONS)
    return path


def from_function(path: Path, name: str, **options: Any) -> Dataset:
    scratch = path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return gather(describe_spec(f"{path}:{name}"), CLASSIFIER, scratch, **options)


@pytest.mark.parametrize(
    "name", ["whole", "named", "batches", "samples", "listed", "dicts", "by_name", "endless", "bare"]
)
def test_functions(name: str, functions: Path) -> None:
    limit = {"endless": 30, "batches": 8}.get(name)
    count = limit or 12
    data = from_function(functions, name, limit=limit)
    arrays = written(data)
    x = np.arange(36 * 12, dtype=np.float32).reshape(12, 6, 6)
    np.testing.assert_array_equal(arrays["image"], np.concatenate([x] * 3)[:count])
    assert data.samples == count
    if name == "bare":
        assert data.labels_path is None
        return
    labels = (np.concatenate([np.arange(12)] * 3) % 5)[:count]
    key = "scores" if name in {"named", "by_name"} else "labels"
    np.testing.assert_array_equal(arrays[key], np.eye(5)[labels] if key == "scores" else labels)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken", r"element 1 raised RuntimeError: no \(numpy_like\.py, line 23\)$"),
        ("at_once", r"at_once raised KeyError: 'file' \(numpy_like\.py, line \d+\)$"),
        ("leaves", r"leaves raised SystemExit: 3 \(numpy_like\.py, line \d+\)$"),
        ("ragged", r"samples of shape \(N, 3, 6\) do not fit the input image"),
        ("thing", "it returned int; return or yield"),
        ("nothing", "holds no samples"),
        ("missing", "has no 'missing'; it has at_once"),
        ("X", "X cannot be called; name a function"),
    ],
)
def test_functions_that_fail(name: str, said: str, functions: Path) -> None:
    with pytest.raises(DataError, match=said) as error:
        from_function(functions, name)
    assert "\n" not in str(error.value)
    assert not [*(functions.parent / "scratch").glob("*.npz")]


def test_a_function_that_takes_too_long(functions: Path) -> None:
    with pytest.raises(DataError, match=r"slow: reading the data did not end within 0\.3 seconds$"):
        from_function(functions, "slow", limits=Limits(seconds=0.3))


def test_a_module_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad_module.py").write_text("import no_such_package\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=r"cannot import bad_module: ModuleNotFoundError: .*\(bad_module\.py, line 1\)$"
    ):
        gather(describe_spec("bad_module:load"), CLASSIFIER, tmp_path)


def test_several_inputs_are_never_taken_by_position(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text("import numpy as np\ndef load(): return [np.zeros((5, 3)), np.ones((5, 3))], np.zeros(5)\n")
    with pytest.raises(DataError, match="the model has the inputs a, b; give them as a dict by name"):
        gather(describe_spec(f"{path}:load"), TWO, tmp_path)


@pytest.mark.tensorflow
def test_tf_data_folder(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    batches = tf.data.Dataset.from_tensor_slices(({"image": images(12)}, LABELS)).batch(5)
    batches.save(str(tmp_path / "saved"))
    data = gather(describe_spec(str(tmp_path / "saved")), CLASSIFIER, tmp_path, limit=11)
    np.testing.assert_array_equal(written(data)["image"], images(12)[:11])
    np.testing.assert_array_equal(written(data)["labels"], LABELS[:11])


@pytest.mark.shared
def test_the_real_digits(shared: Path, tmp_path: Path) -> None:
    interface = Interface("serving_default", (Port("x", "float32", (-1, 28, 28)),), ())
    data = gather(describe_spec(str(shared / "data" / "mnist.npz")), interface, tmp_path, limit=100)
    with np.load(shared / "data" / "mnist.npz") as real:
        np.testing.assert_array_equal(written(data)["x"], real["x_test"][:100])
        np.testing.assert_array_equal(written(data)["labels"], real["y_test"][:100])
    assert len(data.notes) == 2

"""The calibration set: what is taken, what is refused, and in which words."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tflite_audit.analyzer.conversion.calibration import CalibrationError, CalibrationSummary, parse, samples, take
from tflite_audit.analyzer.conversion.types import SignatureSpec, TensorSpec
from tflite_audit.analyzer.user_code import UserCodeError


def signature(key: str = "serving_default", /, **inputs: tuple[str, tuple[int, ...] | None]) -> SignatureSpec:
    return SignatureSpec(key, tuple(TensorSpec(name, *spec) for name, spec in inputs.items()), ())


IMAGE = signature(image=("float32", (-1, 2, 2)))
PAIR = signature(left=("float32", (1, 3)), right=("float32", (1, 3)))
MIXED = signature(image=("float32", (-1, 2, 2)), index=("int32", (1, 1)))
TWO = (signature("encode", x=("float32", (1, 3))), signature("decode", y=("float32", (1, 2))))

Taken = tuple[CalibrationSummary, list[Any]]
Taker = Callable[..., Taken]


@pytest.fixture
def from_npz(tmp_path: Path) -> Taker:
    def taken(*signatures: SignatureSpec, **arrays: Any) -> Taken:
        np.savez(tmp_path / "set.npz", **arrays)
        summary = take(parse(str(tmp_path / "set.npz")), signatures, tmp_path / "samples")
        return summary, list(samples(tmp_path / "samples"))

    return taken


@pytest.fixture
def from_code(tmp_path: Path) -> Taker:
    def taken(*signatures: SignatureSpec, body: str) -> Taken:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))  # a file is imported once, and stays what it was then
        (folder / "set.py").write_text(f"import numpy as np\ndef data():\n    {body}\n")
        summary = take(parse(f"{folder}/set.py:data"), signatures, tmp_path / "samples")
        return summary, list(samples(tmp_path / "samples"))

    return taken


def refusal(call: Callable[[], Taken]) -> str:
    with pytest.raises(CalibrationError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value).partition(": ")[2]


# Arrays


def test_rows_become_samples_of_one(from_npz: Taker) -> None:
    images = np.arange(12, dtype="float32").reshape(3, 2, 2)
    summary, given = from_npz(IMAGE, image=images)
    assert summary == CalibrationSummary(3, ())
    assert [len(sample) for sample in given] == [1, 1, 1]  # a list, since there is one input
    assert all(sample[0].shape == (1, 2, 2) and sample[0].dtype == np.float32 for sample in given)
    assert np.array_equal(np.concatenate([sample[0] for sample in given]), images)


def test_two_inputs_are_given_by_name(from_npz: Taker) -> None:
    _, given = from_npz(PAIR, right=np.full((2, 3), 9, "float32"), left=np.zeros((2, 3), "float32"))
    assert [set(sample) for sample in given] == [{"left", "right"}] * 2
    assert given[0]["right"].tolist() == [[9, 9, 9]]
    assert given[0]["left"].tolist() == [[0, 0, 0]]


def test_a_fixed_batch_takes_rows_by_groups(from_npz: Taker) -> None:
    summary, given = from_npz(signature(x=("float32", (4, 3))), x=np.random.rand(10, 3).astype("float32"))
    assert summary.samples == 2
    assert given[1][0].shape == (4, 3)
    assert "takes 4 at a time: the last 2 are left out" in summary.notes[0]


def test_rows_may_be_whole_inputs(from_npz: Taker) -> None:
    _, given = from_npz(
        signature(state=("float32", (5,)), x=("float32", (1, 3))), state=np.ones((2, 5), "f4"), x=np.ones((2, 3), "f4")
    )
    assert given[0]["state"].shape == (5,)
    _, given = from_npz(IMAGE, image=np.ones((2, 7, 2, 2), "f4"))
    assert given[0][0].shape == (7, 2, 2)


def test_what_is_ours_is_cast(from_npz: Taker) -> None:
    summary, given = from_npz(IMAGE, image=np.random.rand(3, 2, 2))
    assert given[0][0].dtype == np.float32
    assert summary.notes == ()
    summary, given = from_npz(MIXED, image=np.full((3, 2, 2), 255, "u1"), index=np.arange(3).reshape(3, 1))
    assert given[2]["image"].dtype == np.float32
    assert given[2]["image"].max() == 255  # not scaled
    assert given[2]["index"].dtype == np.int32
    assert "input image: uint8 values 255..255 were cast to float32 and not scaled" in summary.notes[0]


def test_arrays_of_another_name(from_npz: Taker) -> None:
    summary, given = from_npz(IMAGE, anything=np.ones((3, 2, 2), "f4"))  # nothing to confuse it with
    assert len(given) == summary.samples == 3
    summary, _ = from_npz(IMAGE, image=np.random.rand(3, 2, 2), label=np.zeros(3))
    assert summary.notes[0].endswith("not used: label")


def test_an_npy_file(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", np.random.rand(3, 2, 2).astype("f4"))
    assert take(parse(f"{tmp_path}/set.npy"), [IMAGE], tmp_path / "samples").samples == 3
    with pytest.raises(
        CalibrationError, match=r"is for a model of one input; save a \.npz with left \(float32 \[1, 3\]\)"
    ):
        take(parse(f"{tmp_path}/set.npy"), [PAIR], tmp_path / "samples")


def test_the_signature_that_arrays_are_for(from_npz: Taker) -> None:
    summary, given = from_npz(*TWO, y=np.random.rand(2, 2))
    assert given[0][0] == "decode"
    assert given[0][1]["y"].shape == (1, 2)
    assert summary.notes[0].endswith("no samples for encode")


@pytest.mark.parametrize(
    ("signature_", "arrays", "message"),
    [
        (IMAGE, {"a": np.ones((2, 2, 2)), "b": np.ones(2)}, "the model takes image (float32 [?, 2, 2])"),
        (PAIR, {"left": np.ones((2, 3))}, "has left (float64 [2, 3]); the model takes left (float32 [1, 3]), right"),
        (PAIR, {"left": np.ones((2, 3)), "right": np.ones((3, 3))}, "number of samples: left 2, right 3"),
        (
            IMAGE,
            {"image": np.ones((2, 3, 2))},
            "given float64 [2, 3, 2], expected float32 [?, 2, 2]; the first dimension",
        ),
        (signature(x=("float32", (1, 2, 1))), {"x": np.ones((5, 2))}, "add a last dimension: array[..., None]"),
        (IMAGE, {"image": np.ones((0, 2, 2))}, "holds no samples"),
        (IMAGE, {"image": np.array([[[1, np.nan], [0, 0]]])}, "sample 0, input image: holds a NaN"),
        (IMAGE, {"image": np.array([[[1, -np.inf], [0, 0]]])}, "sample 0, input image: holds an infinity"),
        (IMAGE, {"image": np.array([[[1, 1e300], [0, 0]]])}, "holds an infinity"),
        (MIXED, {"image": np.ones((1, 2, 2)), "index": np.ones((1, 1))}, "input index: given float64 [1, 1], expected"),
        (MIXED, {"image": np.ones((1, 2, 2)), "index": np.full((1, 1), 1 << 40)}, "do not fit"),
        (IMAGE, {"image": np.array([[["a", "b"], ["c", "d"]]])}, "save it as float32"),
        (signature(x=("float32", (4, 3))), {"x": np.ones((3, 3))}, "fewer samples than the input takes at once"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_arrays_that_do_not_fit(
    from_npz: Taker, signature_: SignatureSpec, arrays: dict[str, Any], message: str
) -> None:
    assert message in refusal(lambda: from_npz(signature_, **arrays))


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", image=np.array([{}, {}], dtype=object))
    with pytest.raises(CalibrationError, match="no arrays that numpy can read"):
        take(parse(f"{tmp_path}/set.npz"), [IMAGE], tmp_path / "samples")


# Functions


def test_dicts_lists_and_signatures(from_code: Taker) -> None:
    _, given = from_code(IMAGE, body="yield {'image': np.ones((1, 2, 2), 'f4')}; yield [np.ones((3, 2, 2), 'f4')]")
    assert [sample[0].shape for sample in given] == [(1, 2, 2), (3, 2, 2)]
    _, given = from_code(PAIR, body="yield {'right': np.ones((1, 3), 'f4'), 'left': np.zeros((1, 3), 'f4')}")
    assert given[0]["right"].max() == 1
    assert given[0]["left"].max() == 0
    summary, given = from_code(*TWO, body="yield 'decode', {'y': np.random.rand(1, 2).astype('f4')}")
    assert given[0][0] == "decode"
    assert summary.notes[-1].endswith("no samples for encode")
    _, given = from_code(*TWO, body="yield {'x': np.ones((1, 3), 'f4')}")  # only one signature takes that
    assert given[0][0] == "encode"


def test_a_function_may_return_what_it_does_not_yield(from_code: Taker) -> None:
    summary, _ = from_code(IMAGE, body="return ([np.random.rand(1, 2, 2).astype('f4')] for _ in range(5))")
    assert summary.samples == 5


def test_lists_that_may_be_exchanged_are_taken_with_a_note(from_code: Taker) -> None:
    body = "yield [np.zeros((1, 3), 'f4'), np.ones((1, 3), 'f4')]"
    summary, given = from_code(PAIR, body=body)
    assert [array.max() for array in given[0]] == [0, 1]  # the order is TensorFlow's business
    assert "may be exchanged without a sign; yield dicts by input name" in summary.notes[0]
    summary, _ = from_code(MIXED, body="yield [np.ones((1, 1), 'i4'), np.random.rand(1, 2, 2).astype('f4')]")
    assert summary.notes == ()


def test_the_same_samples_every_time(from_code: Taker, tmp_path: Path) -> None:
    _, given = from_code(IMAGE, body="yield [np.random.rand(1, 2, 2).astype('f4')]")
    assert np.array_equal(next(samples(tmp_path / "samples"))[0], given[0][0])


def test_constant_samples_are_taken_with_a_note(from_code: Taker) -> None:
    summary, _ = from_code(IMAGE, body="yield [np.zeros((1, 2, 2), 'f4')]")
    assert "input image: every value is 0, so that the ranges mean nothing" in summary.notes[0]


@pytest.mark.parametrize(
    ("signature_", "body", "message"),
    [
        (
            IMAGE,
            "yield [np.ones((1, 2, 2))]",
            'given float64 [1, 2, 2], expected float32 [?, 2, 2]; write .astype("float32")',
        ),
        (
            IMAGE,
            "yield [np.ones((1, 2, 2), 'u1')]",
            "given uint8 [1, 2, 2], expected float32 [?, 2, 2]; write .astype(",
        ),
        (IMAGE, "yield [np.ones((1, 3, 2), 'f4')]", "sample 0, input image: given float32 [1, 3, 2], expected float32"),
        (
            IMAGE,
            "yield np.ones((1, 2, 2), 'f4')",
            "sample 0 is a ndarray; yield {input name: array}, a list [array], or",
        ),
        (IMAGE, "yield (np.ones((1, 2, 2), 'f4'),)", "sample 0 is a tuple of 1; yield"),
        (IMAGE, "yield {'picture': np.ones((1, 2, 2), 'f4')}", "sample 0 names picture; the inputs are image"),
        (IMAGE, "return {'image': np.ones((9, 2, 2), 'f4')}", "returns one dict; yield a dict for each sample"),
        (IMAGE, "return 3", "gives a int; yield samples"),
        (IMAGE, "return []", "holds no samples"),
        (IMAGE, "yield [np.full((1, 2, 2), np.nan, 'f4')]", "holds a NaN"),
        (IMAGE, "yield [np.ones((0, 2, 2), 'f4')]", "no values"),
        (PAIR, "yield {'left': np.ones((1, 3), 'f4')}", "sample 0 names left; the inputs are left, right"),
        (PAIR, "yield [np.ones((1, 3), 'f4')]", "sample 0 has 1 arrays; the model takes left (float32 [1, 3]), right"),
        (
            MIXED,
            "yield [np.ones((1, 2, 2), 'f4'), np.ones((1, 2), 'i4')]",
            "given float32 [1, 2, 2], int32 [1, 2]; the model",
        ),
        (TWO[0], "yield 'other', {'x': np.ones((1, 3), 'f4')}", "there is no signature 'other'; there is encode"),
    ],
)
def test_samples_that_do_not_fit(from_code: Taker, signature_: SignatureSpec, body: str, message: str) -> None:
    assert message in refusal(lambda: from_code(signature_, body=body))


def test_a_dict_that_no_signature_takes(from_code: Taker) -> None:
    assert "yield (signature, dict)" in refusal(lambda: from_code(*TWO, body="yield {'z': np.ones(1, 'f4')}"))


def test_an_error_in_the_function_names_its_line(from_code: Taker) -> None:
    with pytest.raises(UserCodeError, match=r"set\.py:data: sample 1: KeyError: 'nothing' \(set\.py, line 3\)"):
        from_code(IMAGE, body="yield [np.ones((1, 2, 2), 'f4')]; {}['nothing']")


def test_a_module_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside_the_calibration.py").write_text("SIDE = 2")
    body = "from beside_the_calibration import SIDE; yield [np.ones((1, SIDE, SIDE), 'f4')]"
    (tmp_path / "lazy.py").write_text(f"import numpy as np\ndef data():\n    {body}\n")
    assert take(parse(f"{tmp_path}/lazy.py:data"), [IMAGE], tmp_path / "samples").samples == 1
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere.npz", "nowhere.npz: there is no such file"),
        ("nowhere.py:data", "nowhere.py:data: there is no file nowhere.py"),
        ("images/", "images/: no calibration set; give a .npz or .npy file"),
        ("a-b:data", "a-b:data: 'a-b' is no name of a module"),
    ],
)
def test_what_names_no_set(spec: str, message: str) -> None:
    with pytest.raises(CalibrationError) as error:
        parse(spec)
    assert str(error.value).startswith(message)


def test_text_that_is_no_array_file(tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_text("text")
    with pytest.raises(CalibrationError, match="no arrays that numpy can read"):
        take(parse(f"{tmp_path}/set.npz"), [IMAGE], tmp_path / "samples")

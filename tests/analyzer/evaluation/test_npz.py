"""Archives are read and written a block at a time."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation import npz
from tflite_audit.analyzer.evaluation.types import DataError

ARRAYS: dict[str, NDArray[Any]] = {
    "x": np.arange(600, dtype=np.float32).reshape(50, 4, 3),
    "columns": np.asfortranarray(np.arange(150).reshape(50, 3)),
    "flags": np.arange(50) % 2 == 0,
    "text": np.array(["word"] * 50),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("step", [1, 7, 100])
def test_blocks(save: Any, step: int, tmp_path: Path) -> None:
    save(tmp_path / "a.npz", **ARRAYS)
    members = npz.members(tmp_path / "a.npz")
    assert list(members) == list(ARRAYS)
    for name, array in ARRAYS.items():
        member = members[name]
        assert (member.shape, member.dtype) == (array.shape, array.dtype)
        assert (member.stored is None) == (save is np.savez_compressed)
        parts = list(npz.blocks(tmp_path / "a.npz", member, 33, step))
        assert all(len(part) <= step for part in parts)
        np.testing.assert_array_equal(np.concatenate(parts), array[:33])


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """Of a damaged array, the rows before the damage can be read."""
    path = tmp_path / "a.npz"
    rows = np.random.default_rng(0).random((1000, 1000))
    np.savez_compressed(path, x=rows)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1000] = bytes(1000)
    path.write_bytes(data)
    member = npz.members(path)["x"]
    np.testing.assert_array_equal(next(npz.blocks(path, member, 10, 10)), rows[:10])
    with pytest.raises(DataError, match=r"the array x is damaged .*; write the file again"):
        list(npz.blocks(path, member, 1000, 100))


def test_a_cut_off_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (10, 2)})  # type: ignore[arg-type]
        file.write(bytes(20))
    with pytest.raises(DataError, match="it ends early"):
        list(npz.blocks(path, npz.members(path)["x"], 10, 10))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an archive of arrays"),
        (b"PK\x03\x04 and nothing more", "not an archive of arrays"),
        (bytes(1000), "not an archive of arrays"),
    ],
)
def test_what_is_no_archive(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        npz.members(path)


def test_objects_and_emptiness_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([{}, None], object))
    with pytest.raises(DataError, match="the array x holds Python objects"):
        npz.members(path)
    np.savez(path)
    with pytest.raises(DataError, match="holds no arrays"):
        npz.members(path)


def test_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with npz.Writer(path) as writer:
        for start in range(0, 50, 20):
            writer.append({f"in/{k}:0": a[start : start + 20] for k, a in ARRAYS.items()})
        assert not path.exists()
    assert writer.rows == 50
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    with np.load(path) as plain:
        for name, array in npz.read_mapped(path).items():
            np.testing.assert_array_equal(array, plain[name])
            np.testing.assert_array_equal(array, ARRAYS[name[3:-2]])
            assert isinstance(array.base, np.memmap)


def test_writer_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    said = r"x changes its shape: \(3,\) at sample 2, \(2,\) before"
    with pytest.raises(DataError, match=said), npz.Writer(tmp_path / "a.npz") as writer:
        writer.append({"x": np.zeros((2, 2))})
        writer.append({"x": np.zeros((2, 3))})
    assert list(tmp_path.iterdir()) == []

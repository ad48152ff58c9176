"""Archives of named arrays (`.npz`), read and written a block of rows at a time.

numpy's own reader decompresses an array whole and cannot map one that lies in an archive. Object arrays are refused:
reading them would run code (numpy.load, `allow_pickle`).
"""

from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Self, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.types import DataError

BLOCK = 8 << 20
"""Bytes of an array that are held at a time."""

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # .ZIP File Format Specification (APPNOTE.TXT) 4.3.7


@dataclass(frozen=True, slots=True)
class Member:
    """An array of an archive.

    Attributes:
        stored: position of the data in the file, for arrays that are not compressed; None for others.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    stored: int | None

    @property
    def rows_per_block(self) -> int:
        """How many rows fill a block; at least 1."""
        row = self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))
        return max(1, BLOCK // max(1, row))


def members(path: Path) -> dict[str, Member]:
    """The arrays of an archive, by name; only their headers are read.

    Raises:
        DataError: no archive, or an array of Python objects in it.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            found = [_member(file, archive, info) for info in archive.infolist() if info.filename.endswith(".npy")]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, struct.error) as error:
        if isinstance(error, DataError):
            raise DataError(f"{path}: {error}") from None
        raise DataError(f"{path}: not an archive of arrays that numpy can read; write it with numpy.savez") from None
    if not found:
        raise DataError(f"{path}: holds no arrays; write it with numpy.savez(path, name=array, ...)")
    return {member.name: member for member in found}


def blocks(path: Path, member: Member, rows: int, step: int) -> Iterator[NDArray[Any]]:
    """The first `rows` rows of an array with at least one dimension, `step` at a time.

    Raises:
        DataError: the archive ends early or is damaged.
    """
    if member.stored is not None or member.fortran:
        array = mapped(path, member) if member.stored is not None else _whole(path, member)
        for start in range(0, rows, step):
            yield array[start : min(rows, start + step)]
        return
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{member.name}.npy") as file:
            _header(file)
            for start in range(0, rows, step):
                count = min(rows, start + step) - start
                yield _read(file, member, count)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: the array {member.name} is damaged ({error}); write the file again") from None


def mapped(path: Path, member: Member) -> NDArray[Any]:
    """The array, memory-mapped; it must be a stored one. Empty arrays cannot be mapped and are made."""
    assert member.stored is not None
    if 0 in member.shape:
        return np.empty(member.shape, member.dtype)
    try:
        order = "F" if member.fortran else "C"
        # As a plain array: every slice of numpy's own class costs microseconds more.
        return np.memmap(path, member.dtype, "r", member.stored, member.shape, order).view(np.ndarray)
    except (OSError, ValueError):
        raise DataError(f"{path}: the array {member.name} is cut off; write the file again") from None


def read_mapped(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an archive that this module or numpy.savez wrote, memory-mapped, in the order written."""
    return {
        name: mapped(path, member) if member.stored is not None else _whole(path, member)
        for name, member in members(path).items()
    }


class Writer:
    """Writes an archive whose arrays grow a block of rows at a time; `path` exists only once it is whole.

        with Writer(path) as writer:
            writer.append({"x": rows_of_x, "y": rows_of_y})

    Raises:
        DataError: by `append`, when rows differ in type or shape from those before.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._growing: dict[str, _Growing] = {}

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Add rows to every array: the names are the same each time, and so is the number of rows of each array."""
        for name, array in rows.items():
            if name not in self._growing:
                part = self.path.with_name(f"{self.path.name}.{len(self._growing)}.part")
                self._growing[name] = _Growing(part.open("w+b"), array.dtype, array.shape[1:])
            growing = self._growing[name]
            if array.shape[1:] != growing.row_shape:
                raise DataError(
                    f"{name} changes its shape: {array.shape[1:]} at sample {self.rows}, {growing.row_shape} before"
                )
            if array.dtype != growing.dtype:
                raise DataError(f"{name} changes its type: {array.dtype} at sample {self.rows}, {growing.dtype} before")
            growing.file.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
        self.rows += len(next(iter(rows.values()), ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None:
                self._assemble()
        finally:
            for growing in self._growing.values():
                growing.file.close()
                Path(growing.file.name).unlink(missing_ok=True)

    def _assemble(self) -> None:
        unfinished = self.path.with_name(self.path.name + ".part")
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            for name, growing in self._growing.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    header = {
                        "descr": npy.dtype_to_descr(growing.dtype),
                        "fortran_order": False,
                        "shape": (self.rows, *growing.row_shape),
                    }
                    npy.write_array_header_1_0(cast(BinaryIO, file), header)
                    growing.file.seek(0)
                    shutil.copyfileobj(growing.file, file, BLOCK)
        unfinished.replace(self.path)


@dataclass(slots=True)
class _Growing:
    file: Any  # a named binary file
    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]


def _member(file: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as opened:
        shape, fortran, dtype = _header(opened)
        size = opened.tell()
    if dtype.hasobject:
        raise DataError(f"the array {name} holds Python objects, which cannot be read safely; save it as numbers")
    stored = None
    if info.compress_type == zipfile.ZIP_STORED:
        file.seek(info.header_offset)
        *_, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        stored = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length + size
    return Member(name, dtype, shape, fortran, stored)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, Fortran order and dtype of the array whose data follow in `file` (numpy.lib.format)."""
    version = npy.read_magic(cast(BinaryIO, file))
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    return read(cast(BinaryIO, file))


def _read(file: IO[bytes], member: Member, rows: int) -> NDArray[Any]:
    shape = (rows, *member.shape[1:])
    size = member.dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    data = file.read(size)
    if len(data) < size:
        raise EOFError("it ends early")
    return np.frombuffer(data, member.dtype).reshape(shape)


def _whole(path: Path, member: Member) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive[member.name]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise DataError(f"{path}: the array {member.name} is damaged ({error}); write the file again") from None

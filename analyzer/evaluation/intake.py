"""Takes the user's arrays in: checks them against the model's inputs, casts them, and writes them for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.npz import Writer
from tflite_audit.analyzer.evaluation.types import DataError, Interface, Port

_FLOATS = {"float16", "float32", "float64", "bfloat16"}
_INTEGERS = {"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}


class ArrayInfo(msgspec.Struct, frozen=True):
    """An array as it was written.

    Attributes:
        shape: the first dimension counts samples.
        quantized: the values are the integers that the model is given as they are; otherwise they are real values, or
            integers that stand for themselves.
        whole: a row has every dimension of the input; otherwise the first dimension of the input counts samples.
    """

    shape: tuple[int, ...]
    dtype: str
    quantized: bool = False
    whole: bool = False


class Taken(msgspec.Struct, frozen=True):
    """What was written."""

    samples: int
    inputs: dict[str, ArrayInfo]
    labels: dict[str, ArrayInfo]
    notes: list[str]


class Intake:
    """Writes inputs to one archive, by input name, and labels to another.

    Args:
        where: what the user calls the data, for messages.
    """

    def __init__(self, where: str, interface: Interface, inputs: Path, labels: Path) -> None:
        self._where = where
        self._ports = {port.name: port for port in interface.inputs}
        self._inputs = Writer(inputs)
        self._labels = Writer(labels)
        self._columns: dict[str, _Column] = {}
        self._label_infos: dict[str, tuple[tuple[int, ...], str]] = {}
        self.samples = 0
        self.bytes = 0

    def add(self, inputs: Mapping[str, NDArray[Any]], labels: Mapping[str, NDArray[Any]]) -> None:
        """Add samples: every array's first dimension counts them.

        Raises:
            DataError: an array does not fit its input, or the counts differ.
        """
        counts = {name: len(array) for name, array in (*inputs.items(), *labels.items())}
        if len(set(counts.values())) > 1:
            raise DataError(f"{self._where}: {', '.join(f'{k} has {n} samples' for k, n in counts.items())}")
        rows = {name: self._column(name, array).take(array) for name, array in inputs.items()}
        self._inputs.append(rows)
        if labels:
            self._labels.append({name: self._label(name, array) for name, array in labels.items()})
        self.samples += next(iter(counts.values()), 0)
        self.bytes += sum(array.nbytes for array in rows.values())

    def taken(self) -> Taken:
        """What was written so far."""
        inputs = {name: column.info(self.samples) for name, column in self._columns.items()}
        labels = {n: ArrayInfo((self.samples, *shape), dtype) for n, (shape, dtype) in self._label_infos.items()}
        notes = [note for column in self._columns.values() for note in column.notes()]
        if not labels:
            notes.append(f"{self._where}: holds no labels; only the agreement with the source model can be measured")
        return Taken(self.samples, inputs, labels, notes)

    def __enter__(self) -> Self:
        self._inputs.__enter__()
        self._labels.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.samples == 0:
            kind = DataError
        self._inputs.__exit__(kind, error, trace)
        self._labels.__exit__(kind if self._label_infos else DataError, error, trace)
        if error is None and self.samples == 0:
            raise DataError(f"{self._where}: holds no samples")

    def _column(self, name: str, array: NDArray[Any]) -> _Column:
        if name not in self._columns:
            self._columns[name] = _Column(self._where, self._ports[name], array)
        return self._columns[name]

    def _label(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"{self._where}: the labels {name} are of type {array.dtype}; give class indices or numbers"
            )
        self._label_infos.setdefault(name, (array.shape[1:], array.dtype.name))
        return array


class _Column:
    """One input: how its arrays are brought to the form that evaluation reads."""

    def __init__(self, where: str, port: Port, first: NDArray[Any]) -> None:
        self._where = where
        self._port = port
        self._whole, self._squeeze = _form(where, port, first.shape)
        self._given = first.dtype
        self._target = _target(where, port, first.dtype)
        self._row_shape: tuple[int, ...] = ()
        self._least: float = np.inf
        self._largest: float = -np.inf
        self._non_finite = 0

    @property
    def as_is(self) -> bool:
        return self._port.quantized and self._given.name == self._port.dtype

    def take(self, array: NDArray[Any]) -> NDArray[Any]:
        if _form(self._where, self._port, array.shape) != (self._whole, self._squeeze):
            raise DataError(f"{self._where}: the samples for {self._port.name} change their shape: {array.shape[1:]}")
        if array.dtype.kind != self._given.kind:
            raise DataError(
                f"{self._where}: the samples for {self._port.name} change their type: {array.dtype}, {self._given}"
            )
        if self._squeeze:
            array = array.reshape(len(array), *array.shape[2:])
        if array.dtype.kind in "iuf" and array.size:
            self._look(array)
        self._row_shape = array.shape[1:]
        if array.dtype.kind == "U":
            return np.char.encode(array, "utf-8")
        return array if self._target is None else array.astype(self._target, copy=False)

    def info(self, samples: int) -> ArrayInfo:
        dtype = (self._target or self._given).name
        return ArrayInfo((samples, *self._row_shape), dtype, self.as_is, self._whole)

    def notes(self) -> list[str]:
        port = self._port
        notes: list[str] = []
        if self.as_is:
            notes.append(
                f"{self._where}: {self._given} values were given to the input {port.name} as they are, since it is of "
                "that quantized type; give real values as float32"
            )
        elif self._given.kind in "iu" and port.dtype in _FLOATS and self._largest > 1:
            notes.append(
                f"{self._where}: {self._given} values {self._least:.0f}..{self._largest:.0f} were given to the "
                f"{port.dtype} input {port.name} as they are; a model trained on values 0..1 needs them divided first"
            )
        if self._non_finite:
            notes.append(f"{self._where}: {self._non_finite} samples for {port.name} hold a NaN or an infinity")
        return notes

    def _look(self, array: NDArray[Any]) -> None:
        if array.dtype.kind == "f":
            if not np.isfinite(array.sum(dtype=np.float64)):  # the sum is cheap, and finite for nearly all data
                finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
                self._non_finite += int(len(array) - finite.sum())
            return
        self._least = min(self._least, float(array.min()))
        self._largest = max(self._largest, float(array.max()))
        if self._target is not None and self._target.kind in "iu":
            bounds = np.iinfo(self._target)
            if self._least < bounds.min or self._largest > bounds.max:
                raise DataError(
                    f"{self._where}: values {self._least:.0f}..{self._largest:.0f} do not fit the {self._port.dtype} "
                    f"input {self._port.name}"
                )


def _form(where: str, port: Port, shape: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether a row is a whole input, and whether a dimension of 1 stands between the samples and their values.

    Raises:
        DataError: arrays of this shape do not fit the input.
    """
    samples = f"(N, {', '.join(map(str, shape[1:]))})" if shape[1:] else "(N,)"
    rank = len(port.shape)
    if len(shape) == rank and _fits(shape[1:], port.shape[1:]):
        return False, False
    if len(shape) == rank + 1:
        if shape[1:2] == (1,) and port.shape[:1] in ((1,), (-1,)) and _fits(shape[2:], port.shape[1:]):
            return False, True
        if _fits(shape[1:], port.shape):
            return True, False
    wanted = f"({', '.join('N' if i == 0 else '?' if d < 0 else str(d) for i, d in enumerate(port.shape))})"
    if rank == 1:
        wanted = wanted.replace(")", ",)")
    problem = f"{where}: samples of shape {samples} do not fit the input {port.name}, which takes {wanted}"
    if shape[-1:] == (1,) and len(shape) == rank + 1 and _fits(shape[1:-1], port.shape[1:]):
        raise DataError(f"{problem}; take the last dimension away: array[..., 0]")
    if port.shape[-1:] == (1,) and len(shape) == rank - 1 and _fits(shape[1:], port.shape[1:-1]):
        raise DataError(f"{problem}; add a last dimension: array[..., None]")
    if rank > 1 and int(np.prod(shape[1:])) == int(np.prod(port.shape[1:])) and min(port.shape[1:]) > 0:
        raise DataError(f"{problem}; reshape them: array.reshape({', '.join(map(str, (-1, *port.shape[1:])))})")
    raise DataError(problem)


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (-1, s) for s, w in zip(shape, wanted, strict=True))


def _target(where: str, port: Port, given: np.dtype[Any]) -> np.dtype[Any] | None:
    """What arrays of type `given` are cast to for an input; None to leave them."""
    problem = f"{where}: {given} values cannot be given to the {port.dtype} input {port.name}"
    if port.dtype == "string":
        if given.kind not in "US":
            raise DataError(problem)
        return None
    if given.kind not in "biuf" or given.name == "longdouble":
        raise DataError(f"{problem}; give numbers")
    if port.quantized:
        return None if given.name == port.dtype else np.dtype(np.float32)
    if port.dtype in _FLOATS:
        return np.dtype(np.float32 if port.dtype == "bfloat16" else port.dtype)
    if port.dtype not in _INTEGERS:
        raise DataError(f"{where}: the input {port.name} is of type {port.dtype}, which data cannot be given for")
    if given.kind == "f":
        raise DataError(f"{problem}; save them as {port.dtype}")
    return np.dtype(port.dtype)

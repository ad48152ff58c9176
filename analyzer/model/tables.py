"""FlatBuffers read in bulk: the tables of a vector at once, each offset checked before it is followed.

The format is that of https://flatbuffers.dev/internals: a table begins with a signed offset back to its vtable (a list
of 16-bit places of its fields, 0 for a field left out), vectors and strings begin with a 32-bit count. Python's
`flatbuffers` has no verifier; the checks here are those of the C++ one (`Verifier`), and one more: vectors of one kind
together are no larger than the file, so that a small hostile file cannot ask for a huge answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

Positions = NDArray[np.int64]
T = TypeVar("T")


class MalformedError(ValueError):
    """An offset or a count leads out of the file; the message says which."""


class Bytes:
    """The bytes of a flatbuffer, gathered by arrays of positions.

    Attributes:
        end: position behind the last byte that anything read so far belongs to.
    """

    def __init__(self, data: Any) -> None:
        self.memory = memoryview(data).toreadonly().cast("B")
        self.size = len(self.memory)
        self.end = 0

    def take(self, at: Positions, dtype: DTypeLike, what: str) -> NDArray[Any]:
        """The values of `dtype` (little-endian) at these byte positions, which need no alignment."""
        dtype = np.dtype(dtype)
        if not at.size:
            return np.empty(0, dtype)
        self.check(at, dtype.itemsize, what)
        # A view with a stride of one byte: an element may begin anywhere. Indexing gathers only what is asked for.
        return np.ndarray((self.size - dtype.itemsize + 1,), dtype, self.memory, strides=(1,))[at]

    def check(self, at: Positions, length: Positions | int, what: str) -> None:
        """Raises MalformedError unless these ranges of bytes lie in the file."""
        if not at.size:
            return
        outside = (at < 0) | (length > self.size - at)
        if outside.any():
            i = int(outside.argmax())
            where = f"{what}[{i}]" if at.size > 1 else what
            raise MalformedError(f"{where} lies outside the file (byte {int(at[i])} of {self.size})")
        self.end = max(self.end, int((at + length).max()))

    def ranges(self, offset: NDArray[Any], size: NDArray[Any], what: str) -> tuple[Positions, Positions]:
        """64-bit unsigned ranges of bytes, checked before they are made signed."""
        for values in (offset, size):
            if (values > self.size).any():
                raise MalformedError(f"{what} lies outside the file (byte {int(values.max())} of {self.size})")
        start, length = offset.astype(np.int64), size.astype(np.int64)
        self.check(start, length, what)
        return start, length

    def root(self, what: str) -> Tables:
        """The root table."""
        start = np.zeros(1, np.int64)
        return Tables(self, start + self.take(start, "<u4", what), what)


class Tables:
    """Tables of one type. Every method gives one answer a table, in their order.

    A field is named by its offset into the vtable (`schema.TensorField.SHAPE`).
    """

    def __init__(self, data: Bytes, at: Positions, what: str) -> None:
        self.data = data
        self.at = at
        self.what = what
        self._vtable = at - data.take(at, "<i4", what)
        self._vtable_size = data.take(self._vtable, "<u2", f"vtable of {what}")
        data.check(self._vtable, self._vtable_size.astype(np.int64), f"vtable of {what}")
        size = data.take(self._vtable + 2, "<u2", f"vtable of {what}")
        data.check(at, size.astype(np.int64), what)

    def __len__(self) -> int:
        return self.at.size

    def rows(self, chosen: NDArray[Any]) -> Tables:
        """Some of these tables, by a mask or by their numbers."""
        part = object.__new__(Tables)
        part.data, part.what = self.data, self.what
        part.at, part._vtable, part._vtable_size = self.at[chosen], self._vtable[chosen], self._vtable_size[chosen]
        return part

    def field(self, field: int) -> Positions:
        """Byte position of the field; -1 where it is left out."""
        listed = np.flatnonzero(self._vtable_size >= field + 2)
        found = np.full(len(self), -1, np.int64)
        if listed.size:
            place = self.data.take(self._vtable[listed] + field, "<u2", f"vtable of {self.what}").astype(np.int64)
            found[listed] = np.where(place == 0, -1, self.at[listed] + place)
        return found

    def scalar(self, field: int, dtype: DTypeLike, default: Any = 0) -> NDArray[Any]:
        """The field's number, or the default."""
        at = self.field(field)
        present = np.flatnonzero(at >= 0)
        values = np.full(len(self), default, dtype)
        values[present] = self.data.take(at[present], dtype, f"field of {self.what}")
        return values

    def _targets(self, field: int, what: str) -> Positions:
        """Where the field's offset leads; -1 where it is left out."""
        at = self.field(field)
        present = np.flatnonzero(at >= 0)
        at[present] += self.data.take(at[present], "<u4", what)
        return at

    def child(self, field: int, what: str) -> tuple[NDArray[np.intp], Tables]:
        """The tables that the field holds, and the numbers of the tables that hold one."""
        targets = self._targets(field, what)
        present = np.flatnonzero(targets >= 0)
        return present, Tables(self.data, targets[present], what)

    def vector(self, field: int, dtype: DTypeLike, what: str) -> Vectors:
        """The vectors of numbers, or of offsets to tables (`<u4`), that the field holds."""
        return Vectors(self.data, self._targets(field, what), np.dtype(dtype), what)

    def strings(self, field: int, what: str) -> list[str | None]:
        """The strings that the field holds; None where it is left out. Bytes that are no UTF-8 come as `\\xff`."""
        return self.vector(field, "u1", what).map(_decode)


def _decode(text: memoryview) -> str:
    return str(text, "utf-8", "backslashreplace")


class Vectors:
    """Vectors of one element type; those left out have a length of 0.

    Attributes:
        start: byte position of the first element; -1 for a vector left out.
        length: number of elements.
    """

    def __init__(self, data: Bytes, at: Positions, dtype: np.dtype[Any], what: str) -> None:
        self.data = data
        self.dtype = dtype
        self.what = what
        self.present = at >= 0
        listed = np.flatnonzero(self.present)
        self.length = np.zeros(at.size, np.int64)
        self.length[listed] = data.take(at[listed], "<u4", what)
        self.start = np.where(self.present, at + 4, -1)
        data.check(self.start[listed], self.length[listed] * dtype.itemsize, what)

    def _unique(self) -> tuple[Positions, Positions, NDArray[np.intp]]:
        """Start and length of the different vectors, and for each vector present which of them it is.

        A file may point to one vector from many places; it is then read once.
        """
        listed = np.flatnonzero(self.present)
        start, first, which = np.unique(self.start[listed], return_index=True, return_inverse=True)
        length = self.length[listed][first]
        if int(length.sum()) * self.dtype.itemsize > self.data.size:
            raise MalformedError(f"{self.what}: together longer than the file, so they overlap")
        return start, length, which.reshape(-1)

    def _gather(self, start: Positions, length: Positions) -> tuple[NDArray[Any], Positions]:
        """The elements of these vectors one after the other, and where each vector ends."""
        ends = np.cumsum(length)
        at = np.arange(int(ends[-1]) if ends.size else 0, dtype=np.int64)
        at -= np.repeat(ends - length, length)
        at *= self.dtype.itemsize
        at += np.repeat(start, length)
        return self.data.take(at, self.dtype, self.what), ends

    def map(self, make: Callable[[memoryview], T]) -> list[T | None]:
        """What `make` makes of each vector's bytes; None where it is left out."""
        start, length, which = self._unique()
        memory = self.data.memory
        ends = (start + length * self.dtype.itemsize).tolist()
        made = [make(memory[a:b]) for a, b in zip(start.tolist(), ends, strict=True)]
        found: list[T | None] = [None] * self.start.size
        for i, k in zip(np.flatnonzero(self.present).tolist(), which.tolist(), strict=True):
            found[i] = made[k]
        return found

    def tuples(self) -> list[tuple[int, ...]]:
        """The vectors as tuples; empty where left out."""
        return self._spread(_tuples, ())

    def arrays(self) -> list[NDArray[Any]]:
        """The vectors as arrays that cannot be written to; empty where left out."""
        nothing = np.empty(0, self.dtype)
        nothing.flags.writeable = False
        return self._spread(_arrays, nothing)

    def _spread(self, split: Callable[[NDArray[Any], Sequence[int]], list[T]], absent: T) -> list[T]:
        start, length, which = self._unique()
        made = split(*self._split(start, length))
        if which.size == self.start.size and made:
            return [made[k] for k in which.tolist()]
        found = [absent] * self.start.size
        for i, k in zip(np.flatnonzero(self.present).tolist(), which.tolist(), strict=True):
            found[i] = made[k]
        return found

    def _split(self, start: Positions, length: Positions) -> tuple[NDArray[Any], list[int]]:
        flat, ends = self._gather(start, length)
        return flat, cast("list[int]", ends.tolist())

    def extremes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The smallest and the largest element of each vector; 0 and -1 for one without elements."""
        low, high = np.zeros(self.start.size, np.int64), np.full(self.start.size, -1, np.int64)
        start, length, which = self._unique()
        flat, ends = self._gather(start, length)
        some = np.flatnonzero(length)
        if some.size:
            cuts = (ends - length)[some]
            lows, highs = np.zeros(start.size, np.int64), np.full(start.size, -1, np.int64)
            lows[some], highs[some] = np.minimum.reduceat(flat, cuts), np.maximum.reduceat(flat, cuts)
            low[self.present], high[self.present] = lows[which], highs[which]
        return low, high

    def tables(self, what: str) -> Tables:
        """The tables of all these vectors, one vector after the other (`length` says how many each has)."""
        if int(self.length.sum()) > self.data.size:
            raise MalformedError(f"{what}: more of them than the file has bytes")
        listed = np.flatnonzero(self.present)
        start, length = self.start[listed], self.length[listed]
        ends = np.cumsum(length)
        at = np.arange(int(ends[-1]) if ends.size else 0, dtype=np.int64)
        at = (at - np.repeat(ends - length, length)) * 4 + np.repeat(start, length)
        return Tables(self.data, at + self.data.take(at, "<u4", what), what)


def _tuples(flat: NDArray[Any], ends: Sequence[int]) -> list[tuple[int, ...]]:
    values = flat.tolist()
    begin = 0
    made: list[tuple[int, ...]] = []
    for end in ends:
        made.append(tuple(values[begin:end]))
        begin = end
    return made


def _arrays(flat: NDArray[Any], ends: Sequence[int]) -> list[NDArray[Any]]:
    flat.flags.writeable = False
    begin = 0
    made: list[NDArray[Any]] = []
    for end in ends:
        made.append(flat[begin:end])
        begin = end
    return made

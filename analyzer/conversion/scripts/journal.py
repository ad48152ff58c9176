"""What a recorded process tells, line by line, as it happens: it may be killed at any moment.

Each process appends to a journal of its own in the recording's folder. A line is one entry, written in one step, so
that the file of a process that died is whole up to the last thing it did; a line that was cut off is passed over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tflite_audit.analyzer.conversion.requests import ConvertReply
from tflite_audit.analyzer.conversion.source import Source
from tflite_audit.analyzer.conversion.types import (
    CalibrationProblem,
    Frame,
    Recipe,
    RecipeProblem,
    SignatureSpec,
    SourceRecurrent,
)

SUFFIX = ".jsonl"


class Entry(msgspec.Struct, tag=True, kw_only=True):
    """One thing that happened.

    Attributes:
        at: seconds on the system's monotonic clock, which all processes share.
        conversion: number of the conversion in its process, from 1; 0 where it is of none.
    """

    conversion: int = 0
    at: float = msgspec.field(default_factory=time.monotonic)


class Began(Entry):
    """`convert()` was called.

    Attributes:
        folder: where everything about this conversion is written.
        recipe: the converter's settings; without a name.
        kind: what is converted, such as `Keras 3 model`.
        version: of the converter: 1 for `tf.compat.v1.lite.TFLiteConverter`.
        stack: the lines of the user's code that called it, innermost first.
        recurrent: the recurrent layers of a Keras model; None for anything else.
    """

    folder: str
    recipe: Recipe
    kind: str
    version: int
    stack: tuple[Frame, ...]
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()
    problems: tuple[RecipeProblem, ...] = ()
    recurrent: tuple[SourceRecurrent, ...] | None = None

    @property
    def called(self) -> Frame | None:
        """The line that called it."""
        return next(iter(self.stack), None)


class StageChanged(Entry):
    """A stage began or ended; `memory` is the largest resident size so far, bytes, as far as it was measured."""

    name: str
    ended: bool
    well: bool
    memory: int | None = None


class Signatures(Entry):
    """The signatures of what is converted became known."""

    signatures: tuple[SignatureSpec, ...]


class Kept(Entry):
    """The model that is converted was kept; what is kept first serves remedies best."""

    source: Source


class Sampled(Entry):
    """The first calibration sample is being handed on: input name → shape."""

    shapes: Mapping[str, tuple[int, ...]]


class Suspected(Entry):
    """Something is wrong with the calibration set; written before the converter sees the sample."""

    problem: CalibrationProblem


class Ended(Entry):
    """`convert()` returned or raised."""

    reply: ConvertReply
    converted: bool
    memory: int | None = None


class Missed(Entry):
    """A conversion was not recorded."""

    reason: str


Line = Began | StageChanged | Signatures | Kept | Sampled | Suspected | Ended | Missed
_decode = msgspec.json.Decoder(Line).decode


class Journal:
    """The journal of this process. It survives a fork: the child begins one of its own.

    Args:
        folder: of the recording; must exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = ""
        """Of this process's journal, without suffix: its number, and the time it began, since numbers come again."""
        self._process = 0
        self._file = -1

    def write(self, entry: Line) -> None:
        """Append an entry.

        Raises:
            OSError: it cannot be written.
        """
        self.begin()
        os.write(self._file, msgspec.json.encode(entry) + b"\n")

    def begin(self) -> None:
        """Open the journal of this process, if that was not done yet.

        Raises:
            OSError: it cannot be opened.
        """
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        self.name = f"{self._process}-{time.monotonic_ns()}"
        path = self.folder / f"{self.name}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def process_of(path: Path) -> int:
    """Number of the process that wrote a journal."""
    return int(path.name.partition("-")[0])


def read(path: Path) -> list[Line]:
    """The entries of a journal, as far as they are whole.

    Raises:
        OSError: it cannot be read.
    """
    found: list[Line] = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(_decode(line))
        except msgspec.MsgspecError:
            continue
    return found

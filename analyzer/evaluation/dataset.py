"""The user's evaluation data, brought to one form: named arrays, a row a sample.

What the user may give: an `.npz` with named arrays, a function (`package.module:name` or `path/file.py:name`), or a
folder written by `tf.data.Dataset.save`. Functions and folders are read in a child process; TensorFlow is imported
only there, and only for folders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from tflite_audit.analyzer.evaluation import npz
from tflite_audit.analyzer.evaluation.functions import FunctionName, function_name
from tflite_audit.analyzer.evaluation.intake import ArrayInfo, Intake, Taken
from tflite_audit.analyzer.evaluation.naming import roles
from tflite_audit.analyzer.evaluation.requests import CHILD, GatherRequest, value_of
from tflite_audit.analyzer.evaluation.types import DataError, Interface
from tflite_audit.analyzer.isolation import Event, Limits, Worker

Progress = Callable[[int, int | None], None]
"""Called with how many samples are done, and of how many (None where that is not known)."""


class DataKind(StrEnum):
    """What the user gave."""

    NPZ = "npz"
    FUNCTION = "function"
    TF_DATA = "tf.data folder"


@dataclass(frozen=True, slots=True)
class DataSpec:
    """The user's data, named but not yet read.

    Attributes:
        text: as given.
        kind: what it is.
        path: of the archive or folder; None for a function.
        function: None for the others.
    """

    text: str
    kind: DataKind
    path: Path | None = None
    function: FunctionName | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The user's data, ready for evaluation.

    Attributes:
        spec: as given by the user.
        path: `.npz` (not compressed) with one array an input, by name, in the input's own type; integer inputs that are
            quantized may be given real values.
        labels_path: `.npz` with one array for each output that has labels, or `naming.UNNAMED`; None without labels.
        notes: what the user should know about how the data were read.
    """

    spec: str
    path: Path
    labels_path: Path | None
    inputs: dict[str, ArrayInfo]
    labels: dict[str, ArrayInfo]
    samples: int
    notes: tuple[str, ...]

    @property
    def quantized(self) -> list[str]:
        """The inputs whose arrays hold integers that stand for real values by the tensor's own scale."""
        return [name for name, info in self.inputs.items() if info.quantized]


def describe_spec(text: str) -> DataSpec:
    """Tell what the user gave, without reading it.

    Raises:
        DataError: it is none of the three, or is not there.
    """
    function = function_name(text)
    if function is not None:
        return DataSpec(text, DataKind.FUNCTION, function=function)
    path = Path(text)
    if path.suffix == ".npz":
        if not path.is_file():
            raise DataError(f"{text}: there is no such file")
        return DataSpec(text, DataKind.NPZ, path)
    if text and path.is_dir():
        if not (path / "dataset_spec.pb").is_file():
            raise DataError(f"{text}: not a folder written by tf.data.Dataset.save (it has no dataset_spec.pb)")
        return DataSpec(text, DataKind.TF_DATA, path)
    problem = "cannot be used as data" if text and path.exists() else "there is no such file or folder"
    raise DataError(f"{text}: {problem}; give an .npz file, module:function, or a folder of tf.data.Dataset.save")


def gather(
    spec: DataSpec,
    interface: Interface,
    scratch: Path,
    *,
    limit: int | None = None,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Bring the data to the form that evaluation reads, in a folder of the caller's.

    Args:
        interface: the model's inputs, by which arrays are chosen, checked and cast, and its outputs, for labels.
        scratch: an existing folder; `inputs.npz`, `labels.npz` and `data.log` are written into it.
        limit: the first so many samples; None for all.
        limits: on the child process that runs a function or reads a tf.data folder.

    Raises:
        DataError: the data cannot be used.
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit {limit}: give a number of samples above 0")
    inputs, labels = scratch / "inputs.npz", scratch / "labels.npz"
    if spec.kind is DataKind.NPZ:
        taken = _gather_npz(spec, interface, inputs, labels, limit, on_progress)
    else:
        taken = _gather_in_child(spec, interface, inputs, labels, limit, limits, on_progress)
    return Dataset(
        spec=spec.text,
        path=inputs,
        labels_path=labels if taken.labels else None,
        inputs=taken.inputs,
        labels=taken.labels,
        samples=taken.samples,
        notes=tuple(taken.notes),
    )


def _gather_npz(
    spec: DataSpec, interface: Interface, inputs: Path, labels: Path, limit: int | None, on_progress: Progress | None
) -> Taken:
    assert spec.path is not None
    where = spec.text
    members = npz.members(spec.path)
    chosen = roles(where, members, interface)
    used = {name: members[name] for name in (*chosen.inputs.values(), *chosen.labels.values())}
    for member in used.values():
        if not member.shape:
            raise DataError(f"{where}: the array {member.name} is a single number; its first dimension counts samples")
    counts = {member.shape[0] for member in used.values()}
    if len(counts) > 1:
        raise DataError(f"{where}: {', '.join(f'{m.name} has {m.shape[0]} samples' for m in used.values())}")
    samples = min(counts.pop(), limit or 1 << 62)
    step = min(member.rows_per_block for member in used.values())
    with Intake(where, interface, inputs, labels) as intake:
        readers = {name: npz.blocks(spec.path, member, samples, step) for name, member in used.items()}
        for _ in range(0, samples, step):
            block = {name: next(reader) for name, reader in readers.items()}
            intake.add(
                {port: block[name] for port, name in chosen.inputs.items()},
                {key: block[name] for key, name in chosen.labels.items()},
            )
            if on_progress:
                on_progress(intake.samples, samples)
    taken = intake.taken()
    return msgspec.structs.replace(taken, notes=[*chosen.notes, *taken.notes])


def _gather_in_child(
    spec: DataSpec,
    interface: Interface,
    inputs: Path,
    labels: Path,
    limit: int | None,
    limits: Limits | None,
    on_progress: Progress | None,
) -> Taken:
    def follow(event: Event) -> None:
        if on_progress and event.name == "progress":
            on_progress(event.value, limit)

    request = GatherRequest(
        where=spec.text,
        function=spec.function,
        folder=str(spec.path) if spec.path else None,
        interface=interface,
        inputs=str(inputs.absolute()),
        labels=str(labels.absolute()),
        limit=limit,
    )
    log = inputs.with_name("data.log")
    with Worker(CHILD) as worker:
        end = worker.request("gather", request, log=log, limits=limits, on_event=follow)
    return value_of(end, Taken, f"{spec.text}: reading the data")

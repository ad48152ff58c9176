"""Reads samples from the user's function or tf.data folder. For child processes only: it runs the user's code."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.functions import load
from tflite_audit.analyzer.evaluation.intake import Intake, Taken
from tflite_audit.analyzer.evaluation.naming import UNNAMED, Roles, roles
from tflite_audit.analyzer.evaluation.requests import GatherRequest
from tflite_audit.analyzer.evaluation.types import DataError, Interface, Port
from tflite_audit.analyzer.user_code import in_one_line

Arrays = dict[str, NDArray[Any]]

_ENDLESS = 16 << 30  # bytes; more than this without a limit is taken for data that never end


def gather(request: GatherRequest, on_progress: Callable[[int], None]) -> Taken:
    """Write the first `limit` samples.

    Raises:
        DataError: the user's code failed, or what it gave cannot be used.
    """
    where = request.where
    elements = _tf_data(request) if request.function is None else _elements(_call(request))
    reader = _Reader(where, request.interface)
    with Intake(where, request.interface, Path(request.inputs), Path(request.labels)) as intake:
        for element in _guarded(where, elements):
            inputs, labels = reader.read(element)
            if request.limit is not None:
                room = request.limit - intake.samples
                inputs, labels = _first(inputs, room), _first(labels, room)
            intake.add(inputs, labels)
            on_progress(intake.samples)
            if request.limit is not None and intake.samples >= request.limit:
                break
            if request.limit is None and intake.bytes > _ENDLESS:
                raise DataError(f"{where}: gave more than 16 GiB without an end; give --limit")
    taken = intake.taken()
    return msgspec.structs.replace(taken, notes=[*reader.notes, *taken.notes])


def _call(request: GatherRequest) -> Any:
    assert request.function is not None
    function = load(request.function)
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise DataError(f"{request.where} raised {in_one_line(error)}") from error


def _tf_data(request: GatherRequest) -> Iterable[Any]:
    assert request.folder is not None
    try:
        import tensorflow as tf
    except ImportError:
        raise DataError(
            f"{request.where}: reading a tf.data folder needs TensorFlow; install tflite-audit[tensorflow]"
        ) from None
    try:
        dataset: Any = tf.data.Dataset.load(request.folder)
        endless = int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY
    except Exception as error:
        raise DataError(f"{request.where}: cannot be loaded: {in_one_line(error)}") from error
    if endless and request.limit is None:
        raise DataError(f"{request.where}: repeats for ever; give --limit")
    return dataset.as_numpy_iterator()


def _elements(result: Any) -> Iterable[Any]:
    """What the function gave, as elements: one with everything, or many with a batch or a sample each."""
    if hasattr(result, "as_numpy_iterator"):
        return result.as_numpy_iterator()
    if isinstance(result, tuple):
        several: tuple[Any, ...] = result
        return several if several and all(isinstance(part, tuple | list) for part in several) else (several,)
    if isinstance(result, Mapping) or hasattr(result, "__array__"):
        return (result,)
    if isinstance(result, Iterable):
        return result
    raise DataError(f"it returned {type(result).__name__}; return or yield (inputs, labels), dicts or arrays")


def _guarded(where: str, elements: Iterable[Any]) -> Iterator[Any]:
    """The elements; what the user's code raises comes out as a DataError."""
    iterator = iter(elements)
    for count in itertools.count():
        try:
            element = next(iterator)
        except StopIteration:
            return
        except Exception as error:
            raise DataError(f"{where}: element {count} raised {in_one_line(error)}") from error
        yield element


class _Reader:
    """Elements to arrays whose first dimension counts samples, in the roles that the first element's names have."""

    def __init__(self, where: str, interface: Interface) -> None:
        self._where = where
        self._interface = interface
        self._ports = {port.name: port for port in interface.inputs}
        self._roles: Roles | None = None
        self.notes: list[str] = []

    def read(self, element: Any) -> tuple[Arrays, Arrays]:
        inputs, labels = self._split(element)
        single = {name: _is_single(array, self._ports[name], labels) for name, array in inputs.items()}
        if all(single.values()):
            return {name: a[None] for name, a in inputs.items()}, {name: a[None] for name, a in labels.items()}
        inputs = {name: array[None] if single[name] else array for name, array in inputs.items()}
        return inputs, {name: array.reshape(1) if array.ndim == 0 else array for name, array in labels.items()}

    def _split(self, element: Any) -> tuple[Arrays, Arrays]:
        """Inputs by input name, labels by output name or `UNNAMED`."""
        if isinstance(element, Mapping):
            arrays = self._arrays(element)
            chosen = self._roles_of(arrays)
            try:
                inputs = {port: arrays[name] for port, name in chosen.inputs.items()}
                return inputs, {key: arrays[name] for key, name in chosen.labels.items()}
            except KeyError as error:
                raise DataError(f"{self._where}: {error.args[0]} is missing from a later element") from None
        if not isinstance(element, tuple | list):
            return self._inputs(element), {}
        parts: list[Any] = [*element]
        if len(parts) == 1:
            return self._inputs(parts[0]), {}
        if len(parts) != 2:
            raise DataError(
                f"{self._where}: gave {len(parts)} parts; give (inputs, labels), with inputs as a dict by name"
            )
        return self._inputs(parts[0]), self._labels(parts[1])

    def _inputs(self, given: Any) -> Arrays:
        if isinstance(given, Mapping):
            arrays = self._arrays(given)
            chosen = roles(self._where, arrays, self._interface)
            return {port: arrays[name] for port, name in chosen.inputs.items()}
        if isinstance(given, tuple | list) and len(given) == 1 and hasattr(given[0], "__array__"):
            given = given[0]
        if len(self._ports) != 1:
            # Positions follow the file's order, not the signature's: inputs of one shape would be swapped in silence.
            raise DataError(
                f"{self._where}: the model has the inputs {', '.join(self._ports)}; give them as a dict by name"
            )
        name = next(iter(self._ports))
        return {name: self._array(name, given)}

    def _labels(self, given: Any) -> Arrays:
        if not isinstance(given, Mapping):
            return {UNNAMED: self._array(UNNAMED, given)}
        arrays = self._arrays(given)
        outputs = [port.name for port in self._interface.outputs]
        if unknown := [name for name in arrays if name not in (*outputs, UNNAMED)]:
            raise DataError(
                f"{self._where}: labels are named {', '.join(unknown)}; the model's outputs are {', '.join(outputs)}"
            )
        return arrays

    def _roles_of(self, arrays: Arrays) -> Roles:
        if self._roles is None:
            self._roles = roles(self._where, arrays, self._interface)
            self.notes += self._roles.notes
        return self._roles

    def _arrays(self, given: Mapping[Any, Any]) -> Arrays:
        return {str(name): self._array(str(name), value) for name, value in given.items()}

    def _array(self, name: str, value: Any) -> NDArray[Any]:
        try:
            array = np.asarray(value)
        except Exception as error:
            raise DataError(f"{self._where}: {name} is no array: {in_one_line(error)}") from error
        if array.dtype.kind == "O":
            if array.size and all(isinstance(item, bytes | str) for item in array.ravel()):
                return array.astype(np.bytes_ if isinstance(array.flat[0], bytes) else np.str_)
            raise DataError(f"{self._where}: {name} is {type(value).__name__}, which is no array of numbers")
        return array


def _is_single(array: NDArray[Any], port: Port, labels: Arrays) -> bool:
    """The array is one sample; not a stack of samples."""
    rank = len(port.shape)
    if array.ndim < rank:
        return True
    if array.ndim > rank or array.shape != port.shape or port.shape[:1] in ((), (1,)):
        return array.ndim == 0
    # A model whose first dimension is fixed, called with exactly its shape: a batch if there is a label for each row.
    return not any(label.ndim and len(label) == len(array) for label in labels.values())


def _first(arrays: Arrays, count: int) -> Arrays:
    return {name: array[:count] for name, array in arrays.items()}

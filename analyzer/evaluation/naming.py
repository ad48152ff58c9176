"""Which of the user's arrays is an input, and which holds the labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflite_audit.analyzer.evaluation.types import DataError, Interface

UNNAMED = "labels"
"""The name under which labels are kept that were not given for an output by name."""

_LABELS = ("labels", "y", "y_test", "targets")
_INPUTS = ("x", "x_test", "images", "inputs")
_PAIRS = {"x": "y", "x_test": "y_test"}


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the user's arrays by what they are for.

    Attributes:
        inputs: input name → array name.
        labels: output name, or `UNNAMED` → array name; empty for data without labels.
        notes: choices that the user should know of.
    """

    inputs: dict[str, str]
    labels: dict[str, str]
    notes: tuple[str, ...] = ()


def roles(where: str, arrays: Iterable[str], interface: Interface) -> Roles:
    """Tell inputs from labels by name.

    Arrays named like the model's inputs come first. A model with one input also takes `x`, `x_test`, `images`,
    `inputs`, or the only array that is not labels. Labels are arrays named like the model's outputs, or else `labels`,
    `y`, `y_test` or `targets`. Of a file with `x_train` and `x_test` (as Keras ships its datasets) the test part is
    used.

    Raises:
        DataError: an input without array.
    """
    names = tuple(arrays)
    notes: list[str] = []
    ports = [port.name for port in interface.inputs]
    if all(port in names for port in ports):
        inputs = {port: port for port in ports}
    elif len(ports) == 1 and (only := _single_input(names, interface)):
        inputs = {ports[0]: only}
        if only == "x_test" and "x_train" in names:
            notes.append(f"{where}: the test part was used (x_test, y_test), not x_train")
        elif only not in _INPUTS:
            notes.append(f"{where}: the array {only} was taken for the input {ports[0]}")
    else:
        missing = [port for port in ports if port not in names]
        raise DataError(
            f"{where}: no array for the input{'s' if len(missing) > 1 else ''} {', '.join(missing)}; it holds "
            f"{_list(names)}; name the arrays after the model's inputs: {', '.join(ports)}"
        )
    return Roles(inputs, _labels(names, inputs, interface), tuple(notes))


def _single_input(names: tuple[str, ...], interface: Interface) -> str | None:
    for name in _INPUTS:
        if name in names:
            return name
    outputs = {port.name for port in interface.outputs}
    others = [name for name in names if name not in _LABELS and name not in outputs]
    return others[0] if len(others) == 1 else None


def _labels(names: tuple[str, ...], inputs: dict[str, str], interface: Interface) -> dict[str, str]:
    free = [name for name in names if name not in inputs.values()]
    by_output = {port.name: port.name for port in interface.outputs if port.name in free}
    if by_output:
        return by_output
    preferred = [_PAIRS[name] for name in inputs.values() if name in _PAIRS]
    for name in (*preferred, *_LABELS):
        if name in free:
            return {UNNAMED: name}
    return {}


def _list(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8]) or "no arrays"
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"

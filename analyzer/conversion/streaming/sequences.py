"""The sequences that a step model is calibrated with and compared on. Runs in the child process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion import calibration as calibrations
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.streaming.types import Per, StepPlan
from tflite_audit.analyzer.conversion.types import SignatureSpec

Arrays = dict[str, NDArray[Any]]

MOST = 256
"""Sequences that are looked at; more tell little of ranges."""

_SEED = 0
_MADE_UP, _STEPS = 8, 32
Order = Callable[[SignatureSpec], Sequence[str] | None]


def of_calibration(folder: Path, signature: SignatureSpec, order: Order) -> list[Arrays]:
    """Single sequences by input name, without a batch, from the folder of a calibration set that was taken in.

    Args:
        order: in which a list has the arrays.

    Raises:
        SourceError: they hold none.
    """
    found: list[Arrays] = []
    for named in _named(folder, signature, order):
        counts = {len(array) for array in named.values()}
        for row in range(min(counts)):
            found.append({name: array[row] for name, array in named.items()})
            if len(found) == MOST:
                return found
    if not found:
        raise SourceError("the calibration set holds no sequence")
    return found


def _named(folder: Path, signature: SignatureSpec, order: Order) -> Iterator[Mapping[str, NDArray[Any]]]:
    names: Sequence[str] | None = None
    for sample in calibrations.samples(folder):
        arrays = cast("tuple[str, Any]", sample)[1] if isinstance(sample, tuple) else sample
        if isinstance(arrays, Mapping):
            yield cast("Mapping[str, NDArray[Any]]", arrays)
            continue
        if names is None:
            single = len(signature.inputs) == 1
            names = [signature.inputs[0].name] if single else order(signature)
        if names is None:
            raise SourceError("it cannot be told which of the calibration set's arrays is which input: yield dicts")
        yield dict(zip(names, arrays, strict=True))


def made_up(plan: StepPlan, signature: SignatureSpec) -> list[Arrays]:
    """Random numbers between -1 and 1; 0 and 1 for integers, which may be indices."""
    random = np.random.default_rng(_SEED)
    by_step = {port.name for port in plan.inputs if port.per is Per.STEP}
    found: list[Arrays] = []
    for _ in range(_MADE_UP):
        arrays: Arrays = {}
        for spec in signature.inputs:
            sizes = [size if size >= 0 else 8 for size in (spec.shape or ())][1:]
            if spec.name in by_step and plan.steps is None:
                sizes[0] = _STEPS
            is_float = spec.dtype in ("float16", "float32", "float64", "bfloat16")
            values = random.uniform(-1, 1, sizes) if is_float else random.integers(0, 2, sizes)
            arrays[spec.name] = values.astype("float32" if spec.dtype == "bfloat16" else spec.dtype)
        found.append(arrays)
    return found


def length(arrays: Arrays, plan: StepPlan) -> int:
    """How many steps a sequence has."""
    return next(len(arrays[port.name]) for port in plan.inputs if port.per is Per.STEP)


def grouped(found: Sequence[Arrays]) -> list[list[int]]:
    """Indices of the sequences of one length each."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, arrays in enumerate(found):
        groups.setdefault(tuple(size for a in arrays.values() for size in a.shape), []).append(index)
    return list(groups.values())


def prolonged(found: Sequence[Arrays], index: int, plan: StepPlan, steps: int) -> Arrays:
    """A sequence that goes on with those after it until it has so many steps."""
    by_step = {port.name for port in plan.inputs if port.per is Per.STEP}
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in by_step}
    have, at = 0, index
    while have < steps:
        piece = found[at % len(found)]
        for name in by_step:
            parts[name].append(piece[name])
        have += length(piece, plan)
        at += 1
    return {
        name: np.concatenate(parts[name])[:steps] if name in by_step else array for name, array in found[index].items()
    }

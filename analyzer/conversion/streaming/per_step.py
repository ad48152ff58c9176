"""How a layer acts along the steps, found by calling it: on whole sequences, and on single steps of them.

Runs in the child process. What a layer is called tells little: a Dense, a user's own layer or a Lambda either gives for
each step what it gives for that step alone, or it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.sources.keras_calls import Call
from tflite_audit.analyzer.conversion.sources.loaded import tensorflow
from tflite_audit.analyzer.conversion.streaming.cells import is_recurrent, told


class Kind(StrEnum):
    """What a tensor of the model is along the steps."""

    CONSTANT = "constant"
    """One value for the whole sequence."""
    STEP = "step"
    """A value for each step, counted by the second dimension."""
    END = "end"
    """What is known after the last step: in the step model, after each."""


Values = Mapping[int, Any]
Run = Callable[[Values], list[Any]]


@dataclass(frozen=True, slots=True)
class PerStep:
    """How to call a layer in the step model.

    Attributes:
        kind: of what it gives.
        flat: it is given steps without the dimension that counts them.
        run: takes values by number.
        layer: that is called, for its name.
    """

    kind: Kind
    flat: bool
    run: Run
    layer: Any


def per_step(call: Call, full: Values, outputs: Sequence[Any], stepped: Sequence[int], steps: int) -> PerStep:
    """Find out how a layer that is given sequences is called with one step.

    Args:
        full: values of whole sequences by number, the samples first.
        outputs: what the layer gives for them.
        stepped: numbers of its inputs that are sequences.

    Raises:
        SourceError: what it gives for a step depends on others.
    """
    layer = call.layer
    arrays = [np.asarray(output) for output in outputs]
    probes = sorted({0, steps // 2, steps - 1})

    def given(step: int, flat: bool) -> Values:
        return {
            number: (full[number][:, step] if flat else full[number][:, step : step + 1])
            if number in stepped
            else full[number]
            for number in call.inputs
        }

    counted = all(array.ndim > 1 and array.shape[1] == steps for array in arrays)
    for flat, run, called in _ways(call, stepped, steps) if counted else ():
        cut = [[array[:, t] if flat else array[:, t : t + 1] for array in arrays] for t in probes]
        if all(_gives(run, given(t, flat), wanted) for t, wanted in zip(probes, cut, strict=True)):
            return PerStep(Kind.STEP, flat, run, called)
    if _gives(call.run, given(steps - 1, False), arrays):  # such as x[:, -1]
        return PerStep(Kind.END, False, call.run, layer)
    raise SourceError(f"{told(layer)} {_why(layer, arrays, steps)}")


def _ways(call: Call, stepped: Sequence[int], steps: int) -> list[tuple[bool, Run, Any]]:
    """What to try: without the dimension of the steps, which spares operators; then with it."""
    layer = call.layer
    ways: list[tuple[bool, Run, Any]] = [(True, call.run, layer), (False, call.run, layer)]
    kind = type(layer).__name__
    if len(stepped) == len(call.inputs) == 1:
        (number,) = stepped
        if kind == "TimeDistributed":
            ways.insert(0, (True, lambda values: _flattened(layer.layer(values[number])), layer.layer))
        if kind == "Reshape" and tuple(layer.target_shape)[:1] == (steps,):
            single = type(layer)(tuple(layer.target_shape)[1:], name=layer.name)
            ways.insert(0, (True, lambda values: [single(values[number])], single))
        if kind == "Lambda":  # its `output_shape` speaks of the sequence
            plain = type(layer)(layer.function, arguments=layer.arguments or {}, name=layer.name)
            ways.insert(0, (True, lambda values: _flattened(plain(values[number])), plain))
    return ways


def _gives(run: Run, values: Values, wanted: Sequence[NDArray[Any]]) -> bool:
    try:
        found = [np.asarray(value) for value in run(values)]
    except Exception:  # it does not take a single step, in this form
        return False
    return len(found) == len(wanted) and all(_same(f, w) for f, w in zip(found, wanted, strict=True))


def _same(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return False
    if wanted.dtype.kind != "f":
        return bool(np.array_equal(found, wanted))
    scale = float(np.nanmax(np.abs(wanted), initial=0.0)) if wanted.size else 0.0
    return bool(np.allclose(found, wanted, rtol=1e-4, atol=1e-5 * max(scale, 1e-3), equal_nan=True))


def _flattened(found: Any) -> list[Any]:
    return tensorflow().nest.flatten(found)


# Why not


def refuse_by_class(layer: Any) -> None:
    """What needs no call to be told.

    Raises:
        SourceError: it makes a mask, or runs backwards too.
    """
    if type(layer).__name__ == "Bidirectional":
        raise SourceError(
            f"{told(layer)} runs from the last step to the first as well, which a stream never has; "
            "train it with the forward layer alone"
        )
    if type(layer).__name__ == "Masking" or getattr(layer, "mask_zero", False):
        raise SourceError(
            f"{told(layer)} makes a mask, by which the layers after it pass over steps: build the model without it, "
            "and feed the step model only the steps that count"
        )


_TOGETHER = "takes all steps together, and has an answer only when the last one is there"
_ATTENTION = "looks from every step at all others, of which a stream has only those before"


def _why(layer: Any, outputs: Sequence[NDArray[Any]], steps: int) -> str:
    """What the class of a layer tells of the reason; what was seen where it tells nothing."""
    kind = type(layer).__name__
    if "Attention" in kind:
        return _ATTENTION
    if kind.startswith("Global") or kind in ("Flatten", "Permute"):
        return _TOGETHER
    seen = field(layer)
    if seen is not None and seen > 1:
        return (
            f"needs {seen} steps for an answer to one: of the layers that do, only Conv1D is run step by step, with "
            'padding="causal" and without strides'
        )
    counts = {array.shape[1] for array in outputs if array.ndim > 1}
    if counts and steps not in counts and all(array.ndim > 2 for array in outputs):
        return "does not give one step for each that it is given"
    inside = [inner for inner in _inner(layer) if is_recurrent(inner)]
    if inside:
        return (
            f"hides the recurrent layer {inside[0].name} ({type(inside[0]).__name__}) inside its code: "
            "only those that stand in the model's own graph can be run step by step"
        )
    return "was called with single steps, and gave something else than for the same steps of a sequence"


def field(layer: Any) -> int | None:
    """How many steps a convolution or a pool sees at once."""
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if size is None:
        return None
    dilation = getattr(layer, "dilation_rate", None) or 1
    first, spread = (cast("Any", v)[0] if isinstance(v, list | tuple) else v for v in (size, dilation))
    return (int(first) - 1) * int(spread) + 1


def _inner(layer: Any) -> list[Any]:
    flatten = getattr(layer, "_flatten_layers", None)
    return list(flatten(recursive=True, include_self=False)) if flatten else []

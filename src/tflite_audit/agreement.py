"""How far a converted model's answers are from the source model's, on the same inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from .analyzer.conversion import calibration
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.types import SignatureSpec, TensorSpec
from .analyzer.evaluation.requests import CHILD, Predicted, PredictRequest
from .analyzer.evaluation.runner import reason_of
from .analyzer.isolation import Limits, Replied, Worker

SAMPLES = 16
CALIBRATION, GENERATED = "calibration data", "generated inputs"

_SEED = 0
_SIZE = 8  # of a free dimension that is not the batch, where inputs are generated

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was compared, and what came of it.

    Attributes:
        samples: that both answered; 0 where one of them did not.
        difference: largest absolute difference of an output; None where nothing was compared.
        relative: the largest share of an output's range, over all samples, that it differs by; None where the source
            model's answer is 0 everywhere, too.
        usual: the share that nine in ten values of an output stay within: a function that jumps, such as a remainder,
            is far off at single values, however well it was converted.
        compared_on: `CALIBRATION` or `GENERATED`.
        seconds: of one call of the converted model, the mean of all.
        calls: of the converted model for one of the source: as many as there are steps, where it takes one a call.
        reason: why nothing was compared, in one line.
    """

    samples: int = 0
    difference: float | None = None
    relative: float | None = None
    usual: float | None = None
    compared_on: str = ""
    reason: str = ""
    seconds: float | None = None
    calls: int = 1


class Comparing:
    """Has the source and models that were converted of it answer the same inputs; the source once for each.

    Args:
        original: of the source as it is, unchanged.
        scratch: an existing folder, for arrays.
        limits: on each model; may be set anew.
        environment: variables for the child process that runs the models (`custom_kernels.environment`).
    """

    def __init__(
        self, original: Converting, scratch: Path, limits: Limits, environment: Mapping[str, str] | None = None
    ) -> None:
        self.limits = limits
        self._original = original
        self._scratch = scratch
        self._worker = Worker(CHILD, environment)
        self._answers: dict[tuple[Any, ...], tuple[Path, Path | None, str]] = {}

    def close(self) -> None:
        """End the process."""
        self._worker.close()

    def __call__(self, model: Path, signatures: Sequence[SignatureSpec], samples: Path | None) -> Agreement:
        """Compare every signature; the worst figures are given.

        Args:
            signatures: of the source that the model was made of: its shapes, where they were fixed for it.
            samples: folder of calibration samples (`Converting.samples`); inputs are generated without.
        """
        if not signatures:
            return Agreement(reason="the inputs of the source cannot be told before it is converted")
        found = [self._compare(model, signature, samples) for signature in signatures]
        failed = next((one for one in found if not one.samples), None)
        if failed is not None:
            return failed
        return Agreement(
            samples=min(one.samples for one in found),
            difference=max((one.difference for one in found if one.difference is not None), default=None),
            relative=max((one.relative for one in found if one.relative is not None), default=None),
            usual=max((one.usual for one in found if one.usual is not None), default=None),
            compared_on=found[0].compared_on,
            seconds=max((one.seconds for one in found if one.seconds is not None), default=None),
        )

    def _compare(self, model: Path, signature: SignatureSpec, samples: Path | None) -> Agreement:
        given = _calibration_inputs(samples, signature) if samples else None
        compared_on = CALIBRATION if given else GENERATED
        given = given or generated(signature)
        if given is None:
            return Agreement(reason="inputs that hold text are not generated")
        try:
            inputs, expected, why = self._expected(signature, given)
        except OSError as error:
            return Agreement(reason=f"{error.strerror or error}")
        if expected is None:
            return Agreement(reason=f"the source model cannot be run: {why}")
        outputs = self._scratch / "answers.npz"
        request = PredictRequest(
            model=str(model),
            signature=signature.key,
            inputs=str(inputs),
            quantized=[],
            outputs=str(outputs),
            batching=False,
        )
        log = self._scratch / "compare.log"
        end = self._worker.request("predict", request, log=log, limits=self.limits)
        if not isinstance(end, Replied):
            return Agreement(reason=reason_of(end, "calling the model"))
        with np.load(expected) as wanted, np.load(outputs) as got:
            agreement = measured(dict(wanted), dict(got), compared_on)
        reply = msgspec.convert(end.value, Predicted)
        return replace(agreement, seconds=reply.seconds / reply.samples if reply.samples else None)

    def _expected(self, signature: SignatureSpec, given: Arrays) -> tuple[Path, Path | None, str]:
        """The inputs' file, and the source model's answers to them, or why there are none."""
        key = (signature.key, *((n, a.shape, a.dtype.str, a.tobytes()) for n, a in sorted(given.items())))
        if key not in self._answers:
            number = len(self._answers)
            inputs, outputs = self._scratch / f"inputs{number}.npz", self._scratch / f"expected{number}.npz"
            np.savez(inputs, **cast("dict[str, Any]", dict(given)))
            reference = self._original.reference(inputs, outputs, signature.key)
            self._answers[key] = (inputs, outputs if reference.outputs else None, reference.reason)
        return self._answers[key]


def _calibration_inputs(folder: Path, signature: SignatureSpec) -> Arrays | None:
    """Up to `SAMPLES` samples, each with every dimension of the input; None where they do not fit."""
    found: list[Arrays] = []
    for sample in itertools.islice(calibration.samples(folder), 64 * SAMPLES):
        named = _named(sample, signature)
        if named is not None:
            found.append(named)
        if len(found) == SAMPLES:
            break
    if not found:
        return None
    parts = {spec.name: stacked([sample[spec.name] for sample in found], spec) for spec in signature.inputs}
    arrays = {name: array for name, array in parts.items() if array is not None}
    if len(arrays) < len(parts) or not arrays:
        return None
    least = min(len(array) for array in arrays.values())
    return {name: array[:least] for name, array in arrays.items()}


def _named(sample: Any, signature: SignatureSpec) -> Arrays | None:
    """The arrays of a sample by input; None for a sample of another signature, or whose order cannot be told."""
    key, arrays = cast("tuple[str, Any]", sample) if isinstance(sample, tuple) else (None, sample)
    if key not in (None, signature.key):
        return None
    names = [spec.name for spec in signature.inputs]
    if isinstance(arrays, Mapping):
        named = cast("Arrays", arrays)
        return named if set(names) <= set(named) else None
    listed = cast("Sequence[NDArray[Any]]", arrays)
    if len(listed) == len(names) == 1:
        return {names[0]: listed[0]}
    fitting = [
        order
        for order in itertools.permutations(listed)
        if all(_fits(array, spec) for array, spec in zip(order, signature.inputs, strict=True))
    ]
    return dict(zip(names, fitting[0], strict=True)) if len(fitting) == 1 else None


def _fits(array: NDArray[Any], spec: TensorSpec) -> bool:
    if spec.shape is None:
        return True
    return array.dtype.name == spec.dtype and len(array.shape) == len(spec.shape)


def stacked(samples: list[NDArray[Any]], spec: TensorSpec) -> NDArray[Any] | None:
    """Samples of the input's own shape, one behind the other; what holds several samples is taken apart for that."""
    shape = spec.shape
    if shape is not None and shape and not all(_is_shape(array.shape, shape) for array in samples):
        if any(array.ndim != len(shape) or not _is_shape(array.shape[1:], shape[1:]) for array in samples):
            return None
        rows = np.concatenate(samples)
        count = len(rows) // shape[0]
        samples = [rows[i * shape[0] : (i + 1) * shape[0]] for i in range(min(count, SAMPLES))]
    alike = [array for array in samples if array.shape == samples[0].shape]
    return np.stack(alike) if alike else None


def _is_shape(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(given) == len(wanted) and all(w in (-1, g) for w, g in zip(wanted, given, strict=True))


def generated(signature: SignatureSpec) -> Arrays | None:
    """Values between 0 and 1; zeros for integers, which may be indices. None for text."""
    random = np.random.default_rng(_SEED)
    arrays: dict[str, NDArray[Any]] = {}
    for spec in signature.inputs:
        if spec.dtype in ("string", "resource", "variant"):
            return None
        sizes = spec.shape or ()
        shape = (SAMPLES, *((1 if axis == 0 else _SIZE) if size < 0 else size for axis, size in enumerate(sizes)))
        is_float = spec.dtype in ("float16", "float32", "float64", "bfloat16")
        dtype = "float32" if spec.dtype == "bfloat16" else spec.dtype
        arrays[spec.name] = random.random(shape, np.float32).astype(dtype) if is_float else np.zeros(shape, dtype)
    return arrays


def measured(wanted: Arrays, got: Arrays, compared_on: str) -> Agreement:
    """The worst over the outputs that hold real numbers; over all of them where none does."""
    if len(wanted) == len(got) == 1:  # a model without a signature names its outputs by their tensors
        got = dict(zip(wanted, got.values(), strict=True))
    common = [name for name in wanted if name in got and wanted[name].dtype.kind in "biuf"]
    if not common:
        return Agreement(reason="the model's outputs are named otherwise than the source's")
    floats = [name for name in common if wanted[name].dtype.kind == "f"] or common
    samples, difference, relative, usual = 0, 0.0, 0.0, 0.0
    for name in floats:
        old, new = wanted[name].astype(np.float64), got[name].astype(np.float64)
        if old.size != new.size:
            return Agreement(reason=f"the output {name} has another shape than the source model's")
        samples = len(old)
        old, new = old.ravel(), new.ravel()
        finite = np.isfinite(old)
        if not np.isfinite(new[finite]).all():
            return Agreement(samples, math.inf, math.inf, math.inf, compared_on)
        apart = np.abs(old - new)[finite]
        spread = float(np.ptp(old[finite])) if finite.any() else 0.0
        spread = spread or float(np.abs(old[finite]).max(initial=0))
        difference = max(difference, float(apart.max(initial=0)))
        if apart.any():
            shares = apart / spread if spread else np.full_like(apart, math.inf)
            relative = max(relative, float(shares.max()))
            usual = max(usual, float(np.quantile(shares, 0.9)))
    return Agreement(samples, difference, relative, usual, compared_on)

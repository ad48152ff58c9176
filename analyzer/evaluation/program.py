"""One signature of a `.tflite`, loaded in an interpreter. For child processes only: models can crash it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.evaluation.interpreters import Runtime, described, interpreter
from tflite_audit.analyzer.evaluation.ports import choose_signature, told_apart
from tflite_audit.analyzer.evaluation.types import DataError

THREADS = 1
"""One thread: figures of different models, and of different machines, can only be compared so."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An input or output as the interpreter has it.

    Attributes:
        shape: as it is now.
        signature: with -1 for a free dimension.
        scale: None for a tensor whose values stand for themselves, or that has more than one scale.
    """

    name: str
    index: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    scale: np.float32 | None
    zero_point: int

    def quantize(self, values: NDArray[Any]) -> NDArray[Any]:
        """Real values to this tensor's integers, rounding halves away from zero and saturating.

        As `AffineQuantize` does (tensorflow/lite/kernels/internal/reference/quantize.h). A NaN, for which that is not
        defined, becomes the lowest value.
        """
        assert self.scale is not None
        bounds = np.iinfo(self.dtype)
        left = np.atleast_1d(values.astype(np.float32, copy=False) / self.scale)  # a number is no array to write to
        rounded = np.rint(left)  # halves to even
        with np.errstate(invalid="ignore"):
            np.subtract(left, rounded, out=left)
        if not np.abs(left).max(initial=0) < 0.5:  # a half, an infinity or a NaN: rare, so looked for in one pass
            rounded += np.where((left == 0.5) & (rounded >= 0), np.float32(1), np.float32(0))
            rounded -= np.where((left == -0.5) & (rounded <= 0), np.float32(1), np.float32(0))
            np.nan_to_num(rounded, copy=False, nan=-np.inf)
        rounded += np.float32(self.zero_point)
        return np.clip(rounded, bounds.min, bounds.max, out=rounded).astype(self.dtype).reshape(values.shape)

    def dequantize(self, values: NDArray[Any]) -> NDArray[Any]:
        """This tensor's integers to real values (float32); other values as they are."""
        if self.scale is None:
            return values
        return (values.astype(np.int64) - self.zero_point).astype(np.float32) * self.scale


class Program:
    """A signature of a model, ready to be called.

    Tensors of which the file says that they are variables (the state of fused LSTMs) begin each call anew, as
    TensorFlow's layers do; resource variables keep their values from call to call.

    Args:
        on_step: told `loading`, `allocating`, `invoking`, as each begins.
        runtime: whose interpreter is used, with the delegates that it applies by itself.

    Raises:
        DataError: there is no such signature.
        ValueError, RuntimeError: from the interpreter, for a model it cannot read, prepare or run.
    """

    def __init__(
        self,
        path: str,
        signature: str | None,
        on_step: Callable[[str], None] = lambda _: None,
        runtime: Runtime = Runtime.LITERT,
    ) -> None:
        create = interpreter(runtime)
        on_step("loading")
        self._interpreter = create(model_path=path, num_threads=THREADS)
        self.signatures: tuple[str, ...] = tuple(self._interpreter.get_signature_list())
        if self.signatures:
            self.signature: str | None = choose_signature("the model", self.signatures, signature)
            runner = self._interpreter.get_signature_runner(self.signature)
            self.inputs = {name: _slot(name, d) for name, d in runner.get_input_details().items()}
            self.outputs = {name: _slot(name, d) for name, d in runner.get_output_details().items()}
            self.in_main_graph = runner._subgraph_index == 0  # there is no public way to ask
            # The signature of any other subgraph can only be called through its runner, which is slower.
            self._runner = None if self._interpreter.num_subgraphs() == 1 else runner
        else:
            if signature is not None:
                raise DataError(f"the model has no signatures, so none called {signature!r}")
            self.signature = None
            self.in_main_graph = True
            self.inputs = _by_tensor_name(self._interpreter.get_input_details())
            self.outputs = _by_tensor_name(self._interpreter.get_output_details())
            self._runner = None
        self._input_order = {name: slot.index for name, slot in self.inputs.items()}
        self._output_order = {name: slot.index for name, slot in self.outputs.items()}
        self._shapes = {name: slot.shape for name, slot in self.inputs.items()}
        self._called = False
        self._on_step = on_step

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Prepare the model for inputs of these shapes."""
        if self._runner is not None:  # allocates as it is called
            self._on_step("invoking")
            return
        self._on_step("allocating")
        for name, shape in shapes.items():
            if shape != self._shapes[name]:
                self._interpreter.resize_tensor_input(self._input_order[name], shape)
                self._shapes[name] = shape
        self._interpreter.allocate_tensors()
        self._on_step("invoking")

    def __call__(self, values: Mapping[str, NDArray[Any]], *, keep: bool = False) -> dict[str, NDArray[Any]]:
        """Run once; inputs are of the tensors' own types and, but for several subgraphs, of the shapes allocated.

        Args:
            keep: go on from the variable tensors that the call before left, instead of anew.
        """
        interpreter = self._interpreter
        if not keep:
            self.reset()
        if self._runner is not None:
            answers = self._runner(**values)
            self._called = True
            return answers
        for name, index in self._input_order.items():
            interpreter.set_tensor(index, values[name])
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in self._output_order.items()}

    def reset(self) -> None:
        """Set the variable tensors to zero, as they are before the first call. Resource variables are not touched."""
        if self._runner is None or self._called:  # it allocates as it is called; before that there is nothing to set
            self._interpreter.reset_all_variables()

    @property
    def by_position(self) -> tuple[str, ...]:
        """The inputs' names, in the order of the file's inputs, which a signature need not have."""
        positions = {int(d["index"]): at for at, d in enumerate(self._interpreter.get_input_details())}
        return tuple(sorted(self.inputs, key=lambda name: positions.get(self.inputs[name].index, len(positions))))

    def bytes_per_sample(self) -> tuple[int, int]:
        """Bytes of the largest tensor whose first dimension is 1, and of all of these together."""
        sizes = [
            int(np.prod(details["shape"], dtype=np.int64)) * np.dtype(details["dtype"]).itemsize
            for details in self._interpreter.get_tensor_details()
            if len(details["shape"]) > 1 and details["shape"][0] == 1
        ]
        return max(sizes, default=0), sum(sizes)


def runtime() -> str:
    """What evaluations run in, as reports show it."""
    return f"{described(Runtime.LITERT)}, {THREADS} thread"


def _slot(name: str, details: Mapping[str, Any]) -> Slot:
    shape = tuple(int(size) for size in details["shape"])
    signature = tuple(int(size) for size in details["shape_signature"])
    parameters = details["quantization_parameters"]
    dtype = np.dtype(details["dtype"])
    affine = len(parameters["scales"]) == 1 and dtype.kind in "iu"
    return Slot(
        name=name,
        index=int(details["index"]),
        dtype=dtype,
        shape=shape,
        signature=signature if len(signature) == len(shape) else shape,
        scale=np.float32(parameters["scales"][0]) if affine else None,
        zero_point=int(parameters["zero_points"][0]) if affine else 0,
    )


def _by_tensor_name(details: list[dict[str, Any]]) -> dict[str, Slot]:
    names = told_apart([str(d["name"]) for d in details])
    return {name: _slot(name, d) for name, d in zip(names, details, strict=True)}

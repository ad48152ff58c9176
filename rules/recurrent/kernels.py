"""Which matrix products share their weights, also where the file holds them twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph, Tensor
from tflite_audit.rules.precision import stored_as

from .fixed import Fixed
from .operators import MATRIX, SAME, first, kind

_SAMPLE = 1024

Kernel = tuple[str, tuple[int, ...], int]
"""Type (or what holds it), shape, and a number that stands for the values."""


@dataclass
class Kernels:
    """The constant operands of a model's matrix products."""

    model: Model
    fixed: Fixed
    _values: dict[int, int] = field(default_factory=dict[int, int])

    def of(self, subgraph: Subgraph) -> dict[int, Kernel]:
        """Operator index → the kernel of its product, for all products with constants."""
        found: dict[int, Kernel] = {}
        for op in subgraph.operators:
            if kind(op) in MATRIX:
                stored = _stored(subgraph, op)
                if stored is not None:
                    found[op.index] = (stored.dtype, stored.shape, self._number(stored))
                elif (given := self._given(subgraph, op)) is not None:
                    found[op.index] = given
        return found

    def _given(self, subgraph: Subgraph, op: Operator) -> Kernel | None:
        """A kernel that a caller hands in, or that a variable holds."""
        for t in op.inputs[1::-1]:
            source = t if t == OPTIONAL else first(subgraph, t)
            if source in self.fixed.tensors[subgraph.index]:
                producer = subgraph.producers.get(source)
                handle = OPTIONAL if producer is None else subgraph.operators[producer].inputs[0]
                name = self.fixed.variables[subgraph.index].get(handle, str(source))
                return name, subgraph.tensors[source].shape, 0
        return None

    def _number(self, tensor: Tensor) -> int:
        """Equal for equal values: each quantized product may have a copy of its own."""
        if tensor.buffer not in self._values:
            stored = self.model.buffers.bytes(tensor.buffer)
            size = len(stored)
            parts = (
                stored[at : at + _SAMPLE].tobytes() for at in (0, size // 3, size // 3 * 2, max(size - _SAMPLE, 0))
            )
            self._values[tensor.buffer] = hash((size, *parts)) if size else -tensor.buffer
        return self._values[tensor.buffer]


def _stored(subgraph: Subgraph, op: Operator) -> Tensor | None:
    for t in op.inputs[1::-1]:
        if t == OPTIONAL:
            continue
        for _ in range(4):  # weights may be unpacked, and turned around
            stored = stored_as(subgraph, subgraph.tensors[t])
            if stored is not None:
                return stored
            producer = subgraph.producers.get(t)
            if producer is None or kind(subgraph.operators[producer]) not in SAME:
                break
            t = subgraph.operators[producer].inputs[0]
    return None


def by_kernel(kernels: dict[int, Kernel]) -> dict[Kernel, list[int]]:
    """Kernel → the products with it, in execution order."""
    found: dict[Kernel, list[int]] = {}
    for i, kernel in kernels.items():
        found.setdefault(kernel, []).append(i)
    return found

"""What an application writes to pass a state from one call to the next."""

from __future__ import annotations

import numpy as np

from tflite_audit.analyzer.model.types import Model, Tensor
from tflite_audit.rules.recurrent.states import State

ROUNDED = 1e-6
"""Two scales of one range may differ by a rounding of 32-bit floats, which moves nothing: 1.0001 after a hundred
calls."""


def unchanged(read: Tensor, written: Tensor) -> bool:
    """The bytes that come out can go in."""
    before, after = _scale(read), _scale(written)
    if before is None or after is None or read.dtype != written.dtype:
        return read.dtype == written.dtype
    return before[1] == after[1] and abs(before[0] - after[0]) <= ROUNDED * abs(after[0])


def next_value(model: Model, state: State) -> str:
    """Python with numpy for the next value of a state from outside, made of `answer`, the outputs by name."""
    assert state.read is not None
    assert state.written is not None
    graph = model.subgraphs[state.subgraph]
    read, written = graph.tensors[state.read], graph.tensors[state.written]
    given = f"answer[{state.given_back!r}]"
    if unchanged(read, written):
        return given
    return _from_real(read, _to_real(written, given))


def _to_real(tensor: Tensor, given: str) -> str:
    if (quantized := _scale(tensor)) is None:
        return given
    scale, zero = quantized
    return f"({_plus(f'{given}.astype(np.float32)', -zero)}) * {scale:.9g}"


def _from_real(tensor: Tensor, real: str) -> str:
    if (quantized := _scale(tensor)) is None:
        return f"({real}).astype(np.{tensor.dtype})"
    scale, zero = quantized
    bounds = np.iinfo(tensor.dtype)
    codes = _plus(f"np.round({real} / {scale:.9g})", zero)
    return f"np.clip({codes}, {bounds.min}, {bounds.max}).astype(np.{tensor.dtype})"


def _plus(term: str, number: int) -> str:
    return f"{term} {'+' if number > 0 else '-'} {abs(number)}" if number else term


def _scale(tensor: Tensor) -> tuple[float, int] | None:
    """Scale and zero point of an integer; None for a float, and for what has not one of each."""
    return None if tensor.quantization is None or tensor.is_float else tensor.quantization.single

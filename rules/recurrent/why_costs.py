"""What an unrolled layer costs: its operators, the bytes that describe them, and its constants."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from tflite_audit.analyzer.model.types import Model, Operator, Subgraph, Tensor
from tflite_audit.rules.recurrent.forms import RecurrentLayer

LOOP_MORE = 10
"""Operators of a loop beside those of one step, its condition and the WHILE among them: Keras 3 has 10, tf_keras 8
(LSTM, GRU and SimpleRNN in float32, TensorFlow 2.21)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of an unrolled layer, counted in the file but where an attribute says otherwise.

    Attributes:
        operators: of all steps.
        step: of one step in the middle.
        described: bytes of the tables of its operators and of the tensors that they write: an estimate by the layout
            of the schema's tables, within 5 % of what files of 6 and of 30 steps differ by.
        constants: bytes of the constants that its operators read, each buffer once.
        copies: bytes of these that another of these buffers holds too.
    """

    operators: int
    step: int
    described: int
    constants: int
    copies: int

    @property
    def loop(self) -> int:
        """Operators that the loop would have, by structure."""
        return self.step + LOOP_MORE


def of_unrolled(model: Model, layer: RecurrentLayer) -> Cost:
    """O(n) of its operators and of the bytes of constants of one size."""
    subgraph = model.subgraphs[layer.subgraph]
    operators = [subgraph.operators[i] for i in layer.operators]
    described = sum(_operator_bytes(op) for op in operators)
    described += sum(_tensor_bytes(tensor) for op in operators for tensor in subgraph.written_by(op))
    constants = {t.buffer: t for op in operators for t in subgraph.read_by(op) if t.constant}
    step = len(layer.step) or round(len(operators) / max(1, layer.steps or 1))
    sizes = {buffer: model.buffers.size(buffer) for buffer in constants}
    return Cost(len(operators), step, described, sum(sizes.values()), _copies(model, constants.values()))


def _copies(model: Model, tensors: Iterable[Tensor]) -> int:
    """Bytes of buffers whose content another one has; only those of one size are compared."""
    by_size: dict[int, list[int]] = {}
    for tensor in tensors:
        by_size.setdefault(model.buffers.size(tensor.buffer), []).append(tensor.buffer)
    copies = 0
    for size, buffers in by_size.items():
        if len(buffers) > 1:
            contents = {hashlib.blake2b(model.buffers.bytes(buffer), digest_size=16).digest() for buffer in buffers}
            copies += size * (len(buffers) - len(contents))
    return copies


# Tables of the schema as flatbuffers lay them out: a table is an offset to its vtable, which tables of one shape share,
# and its fields; a vector is a length and its elements; both are reached by an offset of 4 bytes.


def _operator_bytes(op: Operator) -> int:
    table = 4 + 5 * 4  # opcode, inputs, outputs, kind of options, options
    vectors = 4 + 4 * len(op.inputs) + 4 + 4 * len(op.outputs)
    return 4 + table + vectors + (8 if op.options_type else 0)


def _tensor_bytes(tensor: Tensor) -> int:
    table = 4 + 5 * 4  # shape, buffer, name, quantization; type and has_rank in one
    name = 4 + (len(tensor.name.encode()) + 4) // 4 * 4
    buffer = 12  # its entry in the table of buffers, which is there for a tensor without data too
    quantization = 0
    if tensor.quantization is not None:
        scales, zeros = tensor.quantization.scale.size, tensor.quantization.zero_point.size
        quantization = 12 + (4 + 4 * scales) + (8 + 8 * zeros)
    return table + 4 + (4 + 4 * len(tensor.shape)) + name + buffer + quantization


def of_subgraph(subgraph: Subgraph) -> int:
    """Bytes that describe a whole subgraph, for comparison with a file's size."""
    described = sum(map(_operator_bytes, subgraph.operators))
    return described + sum(map(_tensor_bytes, subgraph.tensors))

"""Where a use of an operator asks for something else than the code that is given to write it with builtin operators.

The rewrites are of rules/conversion/rewrites.py; the attributes are those of TensorFlow's operator definitions
(core/ops/image_ops.cc, linalg_ops.cc, lookup_ops.cc).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tflite_audit.analyzer.model.flexbuffers import Value

Shape = tuple[int, ...]
Attributes = Mapping[str, Value]

_ROWS = 8
"""Of a matrix, that an unrolled algorithm is meant for."""


def of(op: str, attributes: Attributes, inputs: tuple[Shape, ...]) -> Iterator[str]:
    """Each with what to do about it: `clip_boxes = false (leave tf.clip_by_value out)`.

    Args:
        inputs: the shapes of the operands; a free dimension is negative.
    """
    if op in _DEPARTURES:
        yield from _DEPARTURES[op](attributes, inputs)


def _combined_nms(attributes: Attributes, inputs: tuple[Shape, ...]) -> Iterator[str]:
    batch, _, classes, _ = inputs[0] if inputs and len(inputs[0]) == 4 else (1, 0, 1, 4)
    if batch > 1:
        yield f"a batch of {batch} (call it for each image)"
    if classes > 1:
        yield "boxes of their own for each class (take boxes[0, :, c] in the loop)"
    if attributes.get("clip_boxes") is False:
        yield "clip_boxes = false (leave tf.clip_by_value out)"


def _crop_and_resize(attributes: Attributes, _: tuple[Shape, ...]) -> Iterator[str]:
    method, outside = attributes.get("method", "bilinear"), attributes.get("extrapolation_value", 0.0)
    if method != "bilinear":
        yield f"method = {method} (the code interpolates)"
    if outside:
        yield f"extrapolation_value = {outside} (the code gives 0 outside the image)"


def _matrix(attributes: Attributes, inputs: tuple[Shape, ...]) -> Iterator[str]:
    if attributes.get("adjoint"):
        yield "adjoint = true (transpose the matrix first: tf.linalg.matrix_transpose)"
    yield from _large(_ROWS, inputs)


def _determinant(_: Attributes, inputs: tuple[Shape, ...]) -> Iterator[str]:
    yield from _large(_ROWS // 2, inputs)


def _triangle(attributes: Attributes, inputs: tuple[Shape, ...]) -> Iterator[str]:
    if attributes.get("lower") is False:
        yield "lower = false (the code solves a lower triangle)"
    yield from _matrix(attributes, inputs)


def _large(most: int, inputs: tuple[Shape, ...]) -> Iterator[str]:
    rows = inputs[0][-1] if inputs and inputs[0] else 0
    if rows > most:
        yield f"matrices of {rows} rows (too many for this)"


def _table(attributes: Attributes, _: tuple[Shape, ...]) -> Iterator[str]:
    if attributes.get("Tout") == "string":
        yield "values of text (look up their numbers)"


_DEPARTURES: Mapping[str, Callable[[Attributes, tuple[Shape, ...]], Iterator[str]]] = MappingProxyType(
    {
        "Cholesky": _matrix,
        "CombinedNonMaxSuppression": _combined_nms,
        "CropAndResize": _crop_and_resize,
        "LogMatrixDeterminant": _matrix,
        "LookupTableFindV2": _table,
        "MatrixDeterminant": _determinant,
        "MatrixInverse": _matrix,
        "MatrixSolve": _matrix,
        "MatrixTriangularSolve": _triangle,
    }
)

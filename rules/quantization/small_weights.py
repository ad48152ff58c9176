"""Q005."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Precision, Recipe
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model, Tensor
from tflite_audit.rules import places
from tflite_audit.rules.precision import Kind, ModelPrecision
from tflite_audit.rules.quantization import weights
from tflite_audit.rules.quantization.float_weights import SMALLEST
from tflite_audit.rules.rule import Finding, Location, NotApplicable, Remedy, Severity, Table, rule


@rule("Q005", "small-weights", Severity.INFO)
def small_weights(
    model: Model, precision: ModelPrecision, locations: Locations, recipe: Recipe | None
) -> Iterator[Finding]:
    """Dynamic range quantization left most weights float, since they are small.

    ## What it does
    In a model with dynamic range quantization, and in one whose recipe asks for it, compares the bytes of the float
    weights of fewer than 1,024 values with those of all weights, and reports them where they are half or more.

    ## Why is this bad
    The converter leaves such weights float and does not say so (`minimum_elements_for_weights`, which no setting of
    `tf.lite.TFLiteConverter` changes; in TensorFlow 2.21 a kernel of 1,023 values stays float, and one of 1,024 becomes
    int8). A model of small layers, as recurrent ones often are, comes out as it would without quantization: the same
    bytes, the same arithmetic.

    ## Example
    `LSTM(12)` behind ten features: kernels of 480 and 576 values, and a "dynamic range" file without an integer.

    ## Fix
    Full integer quantization with a calibration set quantizes weights of any size. If the size is right as it is,
    convert without quantization: it is the same model.
    """
    if recipe is not None and recipe.precision is not Precision.DYNAMIC:
        raise NotApplicable("the recipe does not ask for dynamic range quantization")
    if recipe is None and precision.kind not in {Kind.DYNAMIC, Kind.WEIGHTS_ONLY}:
        raise NotApplicable("the model has no dynamic range quantization")
    small: dict[int, tuple[Location, Tensor]] = {}
    sizes: dict[int, int] = {}
    for subgraph, op in model.operators:
        for tensor in weights.of_operator(subgraph, op):
            sizes[tensor.buffer] = len(model.buffers.bytes(tensor.buffer))
            if tensor.is_float and math.prod(tensor.shape) < SMALLEST and tensor.buffer not in small:
                small[tensor.buffer] = (places.of_operator(subgraph, op, locations), tensor)
    left = sum(sizes[buffer] for buffer in small)
    if not small or 2 * left < sum(sizes.values()):
        return
    where = [place for place, _ in small.values()]
    every = len(small) == len(sizes)
    counted = "weights stay" if len(small) > 1 else "weight stays"
    yield Finding(
        message=f"{'All ' if every and len(small) > 1 else ''}{len(small)} {counted} float under dynamic range "
        f"quantization ({left:,} of {sum(sizes.values()):,} bytes of weights): each has fewer than 1,024 values"
        f"{', and the model computes as without it' if every else ''}.",
        location=where[0],
        evidence=(
            Table(
                title="Small float weights",
                columns=("operator", "layer", "tensor", "type", "values"),
                rows=tuple(
                    (place.op, place.layer, tensor.name or None, tensor.dtype, math.prod(tensor.shape))
                    for place, tensor in small.values()
                ),
            ),
        ),
        cause="The converter quantizes weights of 1,024 values and more.",
        remedy=Remedy(
            "Quantize with a calibration set, for which the size of weights does not matter; or leave quantization "
            "out: the gain would be small.",
            "converter.optimizations = [tf.lite.Optimize.DEFAULT]\nconverter.representative_dataset = calibration",
        ),
        key=("small weights",),
    )

"""X001."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Precision, Recipe
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.precision import Kind, ModelPrecision
from tflite_audit.rules.quantization.floats import stays_float
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule


@rule("X001", "float-fallback-16x8", Severity.WARNING)
def float_fallback_16x8(
    model: Model, precision: ModelPrecision, locations: Locations, recipe: Recipe | None
) -> Iterator[Finding]:
    """An operator has float activations in a 16x8 model (16-bit activations, 8-bit weights).

    ## What it does
    Looks at the activations of every operator of a model with 16-bit activations (and of every model that was
    converted by a 16x8 recipe), and reports the kinds of operators that take or give floats.

    ## Why is this bad
    16x8 is chosen for integer-only hardware that 8 bits are too coarse for; a float operator does not run there. Far
    fewer operators have a 16x8 form than an int8 one, and a recipe that allows float builtins beside the 16x8 ones
    falls back to float without a word.

    ## Example
        CONV_2D      int16
        DEQUANTIZE   int16 -> float32
        RSQRT        float32
        QUANTIZE     float32 -> int16

    ## Fix
    Allow the 16x8 operators only; the converter then names those that have no such form. Rewrite these with others,
    try int8, where more operators have an integer form, or accept the fallback where a float unit is there anyway.
    """
    asked = recipe is not None and recipe.precision is Precision.INT16X8
    if not asked and precision.kind is not Kind.INT16X8:
        raise NotApplicable("activations are not 16 bit")
    floats = ((op.name, subgraph, op) for subgraph, op, _ in stays_float(model, precision))
    for name, where in places.grouped(floats, locations).items():
        who = f"{name} has" if len(where) == 1 else f"{len(where)} {name} operators have"
        yield Finding(
            message=f"{who} float activations{places.named(where)}, in a 16x8 model.",
            location=where[0],
            evidence=(places.listed(f"{name} with float activations", where),),
            remedy=Remedy(
                "Allow the 16x8 operators only; the converter then names those that have no such form.",
                "converter.target_spec.supported_ops = [\n"
                "    tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8\n"
                "]",
            ),
            key=(name,),
        )

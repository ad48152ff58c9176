"""Q001."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Precision, Recipe
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.precision import Arithmetic, Kind, ModelPrecision
from tflite_audit.rules.quantization.floats import expect_integers, stays_float
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule

_REMEDY = Remedy(
    "Ask for integer operators only: the converter then names the ones it cannot quantize. Replace those in the source "
    "model by operators that have an integer kernel, or keep them float on purpose.",
    "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]",
)


@rule("Q001", "unquantized-op", Severity.WARNING)
def unquantized_op(
    model: Model, precision: ModelPrecision, locations: Locations, recipe: Recipe | None
) -> Iterator[Finding]:
    """An operator has float activations in a model whose other operators are integer.

    ## What it does
    Looks at the activations of every operator of an 8-bit integer model (and of every model that was converted by an
    8-bit integer recipe), and reports the kinds of operators that take or give floats. DEQUANTIZE of constants,
    QUANTIZE and DEQUANTIZE at the border between float and integer, and operators on shapes and indices are not
    meant. Models with 16-bit activations have a rule of their own, X001.

    ## Why is this bad
    Integer-only hardware (microcontrollers without a float unit, DSPs, the Edge TPU) runs none of these operators or
    hands them back to the CPU, each with a conversion at its border. On a CPU they run, at the speed and the size of
    float.

    ## Example
        DEQUANTIZE int8 -> float32
        MIRROR_PAD float32 -> float32
        QUANTIZE float32 -> int8

    ## Fix
    Ask for integer operators only, so that the conversion fails with the names of the operators that have no integer
    form (`supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]`), and rewrite these with others: a MIRROR_PAD as
    slices, REVERSE_V2 and CONCATENATION, a SQUARED_DIFFERENCE as SUB and MUL. If float is meant, leave it.
    """
    if precision.kind is Kind.INT16X8 or (recipe is not None and recipe.precision is Precision.INT16X8):
        raise NotApplicable("activations are 16 bit: X001 looks at such models")
    expect_integers(precision, recipe)
    floats = (((op.name, arithmetic), subgraph, op) for subgraph, op, arithmetic in stays_float(model, precision))
    for (name, arithmetic), where in places.grouped(floats, locations).items():
        yield Finding(
            message=f"{_how(name, len(where), arithmetic)}{places.named(where)}{_beside(precision)}.",
            location=where[0],
            evidence=(places.listed(f"{name} with float activations", where),),
            remedy=_REMEDY,
            key=(name, arithmetic),
        )


def _how(name: str, count: int, arithmetic: Arithmetic) -> str:
    who = f"{name} has" if count == 1 else f"{count} {name} operators have"
    return f"{who} float activations" + (" (with integer weights)" if arithmetic is Arithmetic.HYBRID else "")


def _beside(precision: ModelPrecision) -> str:
    """What the others compute in: ` while 152 operators compute in int8`."""
    integers = {
        a: n for a in (Arithmetic.INT8, Arithmetic.UINT8, Arithmetic.INT16) if (n := precision.counts.get(a, 0))
    }
    if not integers:
        return " although the recipe asks for integers"
    count = sum(integers.values())
    return f" while {places.plural(count, 'operator')} {'computes' if count == 1 else 'compute'} in " + " and ".join(
        integers
    )

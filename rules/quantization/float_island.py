"""Q002."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Recipe
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import OpGraph
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.precision import ModelPrecision
from tflite_audit.rules.quantization.floats import Island, expect_integers, islands, stays_float
from tflite_audit.rules.rule import Finding, Later, Location, NotApplicable, Numbers, Remedy, Severity, Table, rule

_REMEDY = Remedy(
    "Replace the float operators in the source model by ones with an integer kernel, or move them to the end of the "
    "model, where one DEQUANTIZE does. Converting with integer operators only names those that stand in the way.",
    "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]",
)


@rule("Q002", "float-island", Severity.WARNING)
def float_island(
    model: Model,
    precision: ModelPrecision,
    graph: Later[OpGraph],
    locations: Locations,
    recipe: Recipe | None,
) -> Iterator[Finding]:
    """Float operators stand between integer ones, with a conversion at each side.

    ## What it does
    Finds the largest groups of connected float operators that a DEQUANTIZE leads into and a QUANTIZE leads out of, and
    reports them by what they are made of, with the places, the conversions at their borders and the bytes that these
    write. Groups at a float input or output of the model have no integer operator on one side and are not islands.

    ## Why is this bad
    Every island costs two passes over its data on top of its own operators, and each keeps float copies of activations
    in memory. A delegate for integer hardware cuts the model there: one island makes three parts of it, and each cut
    is a trip to the CPU and back.

    ## Example
        CONV_2D      int8
        DEQUANTIZE   int8 -> float32
        RSQRT        float32
        QUANTIZE     float32 -> int8
        MUL          int8

    ## Fix
    Rewrite the island's operators with ones that have an integer kernel, or order the model so that they come last.
    Operators that the converter keeps float only in some steps of an unrolled loop are worth a second conversion: it
    does not always give the same graph.
    """
    expect_integers(precision, recipe)
    if not any(True for _ in stays_float(model, precision)):
        return
    if not precision.quantized:
        raise NotApplicable("no operator computes in integers, so there is nothing to be an island in")
    alike: dict[tuple[str, ...], list[Island]] = {}
    for island in islands(model, precision, graph()):
        operators = model.subgraphs[island.subgraph].operators
        alike.setdefault(tuple(operators[i].name for i in island.operators), []).append(island)
    for names, group in alike.items():
        yield _finding(model, names, group, locations)


def _finding(model: Model, names: tuple[str, ...], group: list[Island], locations: Locations) -> Finding:
    where = [_places(model, island, locations) for island in group]
    flat = [place for island in where for place in island]
    moved = sum(island.moved for island in group)
    boundaries = sum(len(island.entries) + len(island.exits) for island in group)
    times = "" if len(group) == 1 else f" at {len(group)} places"
    stands = "stands" if len(names) == 1 else "stand"
    return Finding(
        message=f"{places.counted(names)} {stands} in float between integer operators{times}{places.named(flat)}: "
        f"{places.plural(boundaries, 'conversion')} at the border, {moved:,} bytes written by them.",
        location=flat[0],
        evidence=(
            Table(
                title="Islands",
                columns=("operators", "layer", "DEQUANTIZE in", "QUANTIZE out", "bytes at the border"),
                rows=tuple(
                    (
                        " ".join(f"{place.op}#{place.operator}" for place in island_places),
                        ", ".join(places.layers(island_places)) or None,
                        len(island.entries),
                        len(island.exits),
                        island.moved,
                    )
                    for island, island_places in zip(group, where, strict=True)
                ),
            ),
            Numbers(
                title="Cost",
                numbers=(
                    ("islands", len(group), ""),
                    ("float operators", len(flat), ""),
                    ("conversions at the border", boundaries, ""),
                    ("written by the conversions", moved, "bytes an inference"),
                ),
            ),
        ),
        remedy=_REMEDY,
        key=("+".join(names), *places.layers(flat)[:1]),
    )


def _places(model: Model, island: Island, locations: Locations) -> list[Location]:
    subgraph = model.subgraphs[island.subgraph]
    return [places.of_operator(subgraph, subgraph.operators[i], locations) for i in island.operators]

"""M005."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.types import Model, Unknown
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, Remedy, Severity, Table, rule


@rule("M005", "unknown-schema-value", Severity.WARNING)
def unknown_schema_value(model: Model) -> Iterator[Finding]:
    """The file uses a number that the schema known here has no name for.

    ## What it does
    Reports operators, types, options and quantization details by their numbers where these are newer than the schema
    this tool was made with. Operator codes that no operator uses are left alone.

    ## Why is this bad
    What the number stands for is not judged by any other rule. A runtime that is as old as this schema refuses the
    model or, with quantization details, misreads it.

    ## Example
    Quantization details number 2 (blockwise quantization), in a schema that ends at 1.

    ## Fix
    Update this tool (`pip install -U tflite-audit tflite`), and check that the runtime you ship knows the value.
    """
    used = {op.name for _, op in model.operators}
    kinds: dict[tuple[str, int], list[Unknown]] = {}
    for unknown in model.unknowns:
        if unknown.kind == "builtin operator" and f"BUILTIN_{unknown.value}" not in used:
            continue
        kinds.setdefault((unknown.kind, unknown.value), []).append(unknown)
    for (kind, value), found in kinds.items():
        yield Finding(
            message=f"The schema known here has no {kind} number {value}; {places.plural(len(found), 'place')} in the "
            f"file, the first {found[0].where}.",
            evidence=(Table(title="Places", columns=("where",), rows=tuple((u.where,) for u in found)),),
            remedy=Remedy("Update this tool and the schema.", "pip install -U tflite-audit tflite"),
            key=(kind, str(value)),
        )

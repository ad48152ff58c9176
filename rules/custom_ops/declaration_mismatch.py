"""C003."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.custom_ops.declared import Declarations, DeclaredOp, Types
from tflite_audit.rules.rule import Finding, NotApplicable, Operators, Remedy, Severity, Table, rule


@rule("C003", "declaration-mismatch", Severity.ERROR)
def declaration_mismatch(model: Model, locations: Locations, declarations: Declarations) -> Iterator[Finding]:
    """An operator of your own is used in a way that its declaration does not have.

    ## What it does
    Compares each custom operator that the configuration declares with its uses in the model: the version, how many
    inputs and outputs it has, and their dtypes. An input that is left out is not compared.

    ## Why is this bad
    The declaration says what the implementation can do. A use beyond it is refused when the model is loaded, or, where
    the implementation does not check, computes with bytes of another type. Quantization is the usual reason: the
    converter leaves a custom operator float among integer ones, but a model made by other tools may not.

    ## Example
    `tflite-audit.toml` declares `inputs = ["float32", "float32"]`, and the model has

        SoftThreshold int8[1,16], float32[] -> int8[1,16]

    ## Fix
    Extend the implementation and its declaration, or convert so that the operator keeps the types that it takes.
    """
    if not declarations.operators:
        raise NotApplicable("the configuration declares no operators")
    wrong: dict[tuple[str, str], list[tuple[Subgraph, Operator]]] = {}
    for subgraph, op in model.operators:
        declared = declarations.named(op.name) if op.custom else None
        if declared is not None:
            for reason in _mismatches(subgraph, op, declared):
                wrong.setdefault((op.name, reason), []).append((subgraph, op))
    for (name, reason), uses in wrong.items():
        where = [places.of_operator(subgraph, op, locations) for subgraph, op in uses]
        times = "" if len(uses) == 1 else f" at {len(uses)} places"
        declared = declarations.named(name)
        assert declared is not None
        yield Finding(
            message=f"{name}{places.named(where)}{times} {reason}.",
            location=where[0],
            cause=f"The declaration of {name} in {declarations.file} and the model disagree.",
            evidence=(
                Table(title="Declared", columns=("what", "declaration"), rows=tuple(_rows(declared))),
                Operators(title="In the model", operators=tuple(where)),
            ),
            remedy=Remedy(
                f"Extend the implementation of {name}"
                f"{f' ({declared.implemented})' if declared.implemented else ''} and its declaration, or keep the "
                "operator's types when you convert."
            ),
            key=(name, reason),
        )


def _mismatches(subgraph: Subgraph, op: Operator, declared: DeclaredOp) -> Iterator[str]:
    if op.version not in declared.versions:
        versions = places.enumerated(str(version) for version in declared.versions)
        declares = f"version {versions} is" if len(declared.versions) == 1 else f"versions {versions} are"
        yield f"is of version {op.version}, and {declares} declared"
    yield from _of_tensors("input", subgraph, op.inputs, declared.inputs, variadic=declared.variadic)
    yield from _of_tensors("output", subgraph, op.outputs, declared.outputs)


def _of_tensors(
    noun: str, subgraph: Subgraph, used: tuple[int, ...], declared: Types | None, *, variadic: bool = False
) -> Iterator[str]:
    if declared is None:
        return
    fewest = len(declared) - (1 if variadic and declared else 0)
    if len(used) < fewest or (len(used) > len(declared) and not variadic):
        more = " or more" if variadic else ""
        yield f"has {places.plural(len(used), noun)}, and {fewest}{more} are declared"
        return
    for place, t in enumerate(used):
        taken = declared[min(place, len(declared) - 1)] if declared else ()
        dtype = "" if t == OPTIONAL else subgraph.tensors[t].dtype
        if dtype and taken and dtype not in taken:
            yield f"has {dtype} as {noun} {place + 1}, and {' or '.join(taken)} is declared"


def _rows(declared: DeclaredOp) -> Iterator[tuple[str, str]]:
    yield "versions", places.enumerated(str(version) for version in declared.versions)
    for what, types in (("inputs", declared.inputs), ("outputs", declared.outputs)):
        if types is not None:
            said = ", ".join(" or ".join(taken) if taken else "any" for taken in types) or "none"
            yield what, f"{said}, and so on" if declared.variadic and what == "inputs" else said
    if declared.implemented:
        yield "implemented", declared.implemented

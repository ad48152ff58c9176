"""M003."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import calls
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule

Variable = tuple[str, str]
"""(container, shared_name): what makes two VAR_HANDLE operators the same variable (lite/kernels/var_handle.cc)."""


@rule("M003", "variable-never-assigned", Severity.ERROR)
def variable_never_assigned(model: Model, locations: Locations) -> Iterator[Finding]:
    """A variable is read, and nothing in the file ever gives it a value.

    ## What it does
    Resolves every READ_VARIABLE and ASSIGN_VARIABLE to its variable by the container and the shared name of the
    VAR_HANDLE, also across the subgraphs of CALL_ONCE, WHILE and IF, and reports the variables that are read and
    nowhere assigned.

    ## Why is this bad
    What such a variable held, mostly the trained weights, is not in the file. The model converts, and even loads; when
    it is run it fails, or answers zeros or NaN.

    ## Example
    `TFLiteConverter.from_concrete_functions([f], model)` with a Keras 3 MobileNetV2 gives a file of 189 kB with 262
    READ_VARIABLE and no ASSIGN_VARIABLE.

    ## Fix
    Convert what owns its variables: a Keras model with `from_keras_model`, a SavedModel with `from_saved_model`. With
    `from_concrete_functions`, pass as second argument an object that tracks the variables (a `tf.Module`).
    """
    resolved = _resolve(model)
    reads: dict[Variable, list[tuple[Subgraph, Operator]]] = {}
    assigned: set[Variable | None] = set()
    for subgraph, op in model.operators:
        if op.name in {"READ_VARIABLE", "ASSIGN_VARIABLE"} and op.inputs:
            variable = resolved.get((subgraph.index, op.inputs[0]))
            if op.name == "ASSIGN_VARIABLE":
                assigned.add(variable)
            elif variable is not None:
                reads.setdefault(variable, []).append((subgraph, op))
    if not reads:
        raise NotApplicable("the model reads no variable")
    if None in assigned:
        raise NotApplicable("a variable is assigned through a handle that cannot be followed")
    lost = {variable: readers for variable, readers in reads.items() if variable not in assigned}
    if lost:
        yield _finding(lost, locations)


def _finding(lost: dict[Variable, list[tuple[Subgraph, Operator]]], locations: Locations) -> Finding:
    where = [places.of_operator(subgraph, op, locations) for readers in lost.values() for subgraph, op in readers]
    names = [name or "(no name)" for _, name in lost]
    which = names[0] if len(names) == 1 else f"{len(names)} variables ({', '.join(names[:2])} ...)"
    verb = "is" if len(names) == 1 else "are"
    return Finding(
        message=f"{which} {verb} read and never assigned: the values are not in the file.",
        location=where[0],
        evidence=(places.listed("Reads", where),),
        remedy=Remedy(
            "Convert what owns the variables.",
            "converter = tf.lite.TFLiteConverter.from_keras_model(model)\n"
            "# or\n"
            'model.export("saved_model")\n'
            'converter = tf.lite.TFLiteConverter.from_saved_model("saved_model")',
        ),
        key=("read and never assigned",),
    )


def _resolve(model: Model) -> dict[tuple[int, int], Variable]:
    """(subgraph, resource tensor) → variable, also where the handle was passed to a called subgraph."""
    found: dict[tuple[int, int], Variable] = {}
    for subgraph, op in model.operators:
        if op.name == "VAR_HANDLE" and op.outputs:
            options = model.options(subgraph, op)
            found[subgraph.index, op.outputs[0]] = (
                str(options.get("container") or ""),
                str(options.get("shared_name") or ""),
            )
    passed = list(calls(model))
    for _ in range(len(model.subgraphs)):  # a handle goes one call deeper each time
        before = len(found)
        for call in passed:
            op = model.subgraphs[call.subgraph].operators[call.operator]
            given = op.inputs[1:] if op.name == "IF" else op.inputs
            for outer, inner in zip(given, model.subgraphs[call.callee].inputs, strict=False):
                if outer != OPTIONAL and (call.subgraph, outer) in found:
                    found[call.callee, inner] = found[call.subgraph, outer]
        if len(found) == before:
            break
    return found

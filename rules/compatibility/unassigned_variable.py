"""M003."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model, Operator, Subgraph
from tflite_audit.analyzer.model.variables import Variable, handles
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule


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
    resolved = handles(model)
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

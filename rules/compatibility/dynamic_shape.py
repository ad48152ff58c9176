"""M002."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import calls, entries
from tflite_audit.analyzer.model.types import Model, Operator, Subgraph, Tensor
from tflite_audit.rules import places
from tflite_audit.rules.precision import CONTROL, SHAPE_READERS
from tflite_audit.rules.rule import Finding, Location, Remedy, Severity, Tensors, rule

BY_VALUE = frozenset({"NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "UNIQUE", "WHERE"})
"""Operators whose output has a size that depends on the values of their inputs."""


@rule("M002", "dynamic-shape", Severity.INFO)
def dynamic_shape(model: Model, locations: Locations) -> Iterator[Finding]:
    """An input has a free dimension besides the batch, or an operator's output size depends on values.

    ## What it does
    Reports inputs of the model whose shape is free in a dimension other than the first, and operators whose output
    size is known only when they have run (WHERE, UNIQUE, a RESHAPE or a slice by computed numbers). A free
    batch alone is normal and is not reported: the interpreter takes 1 for it unless it is told otherwise.

    ## Why is this bad
    Memory cannot be planned before the model runs. TensorFlow Lite Micro and the Edge TPU need every shape; the GPU,
    NNAPI and XNNPACK delegates leave operators with unknown shapes to the CPU. Quantization with such inputs calibrates
    only the sizes that the calibration set has.

    ## Example
        serving_default_audio float32[1,-1]

    ## Fix
    Fix the shape of the input before the conversion, or resize the input once before `allocate_tensors()` and leave it.
    """
    for subgraph, name, tensor in _inputs(model):
        free = [axis for axis in tensor.free_dimensions if axis > 0]
        if free:
            yield _input_finding(subgraph, name, tensor, free)
    loops = {call.callee for call in calls(model) if call.role == "body"}  # their sizes follow the counter
    subgraphs = (subgraph for subgraph in model.subgraphs if subgraph.index not in loops)
    operators = [(subgraph, op) for subgraph in subgraphs for op in _sized_by_values(subgraph)]
    if operators:
        yield _operators_finding(operators, locations)


def _operators_finding(operators: list[tuple[Subgraph, Operator]], locations: Locations) -> Finding:
    where = [places.of_operator(subgraph, op, locations) for subgraph, op in operators]
    write = "writes a tensor" if len(where) == 1 else "write tensors"
    return Finding(
        message=f"{places.counted(op.name for _, op in operators)}{places.named(where)} {write} whose size depends on "
        "the values given.",
        location=where[0],
        evidence=(
            Tensors(
                title="Tensors of a size that depends on values",
                tensors=tuple(_shown(subgraph, t) for subgraph, op in operators for t in subgraph.written_by(op)),
            ),
        ),
        remedy=Remedy("Compute the size outside the model, or pad to a fixed size and mask the rest."),
        key=("sized by values", *sorted({op.name for _, op in operators})),
    )


def _input_finding(subgraph: Subgraph, name: str, tensor: Tensor, free: list[int]) -> Finding:
    axes = " and ".join(map(str, free))
    signature = tensor.declared_shape
    fixed = ", ".join(f"SIZE_{axis}" if axis in free else str(max(size, 1)) for axis, size in enumerate(signature))
    return Finding(
        message=f"Input {name} is free in {'dimension' if len(free) == 1 else 'dimensions'} {axes}, besides the batch: "
        f"{tensor.dtype}{list(signature)}.",
        location=places.of_tensor(subgraph, tensor),
        evidence=(Tensors(title="Input", tensors=(_shown(subgraph, tensor),)),),
        remedy=Remedy(
            "Fix the shape before the conversion, or once before the memory is planned.",
            f'interpreter.resize_tensor_input(index, [{fixed}])  # index of "{_quoted(name)}"\n'
            "interpreter.allocate_tensors()",
        ),
        key=("input", name),
    )


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _inputs(model: Model) -> Iterator[tuple[Subgraph, str, Tensor]]:
    """What a caller gives, each once: by the names of the signatures where there are any."""
    named = {(s.subgraph, t): name for s in model.signatures for name, t in s.inputs.items()}
    for index in entries(model):
        subgraph = model.subgraphs[index]
        for t in subgraph.inputs:
            tensor = subgraph.tensors[t]
            yield subgraph, named.get((index, t), tensor.name or str(t)), tensor


def _sized_by_values(subgraph: Subgraph) -> Iterator[Operator]:
    """Operators that make a free dimension out of fixed ones, by a number that is computed from more than shapes."""
    from_shapes: set[int] = set()
    for op in subgraph.operators:
        computed = [t for t in subgraph.read_by(op) if not t.constant]
        if op.name in SHAPE_READERS or all(t.index in from_shapes for t in computed):
            from_shapes.update(op.outputs)
        elif any(t.free_dimensions for t in subgraph.written_by(op)):
            numbers = [t for t in computed if t.dtype in {"int32", "int64"} and t.index not in from_shapes]
            fixed = not any(t.free_dimensions for t in computed)
            if op.name in BY_VALUE or (fixed and numbers and op.name not in CONTROL):
                yield op


def _shown(subgraph: Subgraph, tensor: Tensor) -> tuple[Location, str, tuple[int, ...]]:
    return places.of_tensor(subgraph, tensor), tensor.dtype, tensor.declared_shape

"""Q003."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Recipe
from tflite_audit.analyzer.model.types import Model, Subgraph, Tensor
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, Tensors, rule

_INTEGERS = frozenset({"int8", "uint8", "int16"})


@rule("Q003", "float-io", Severity.ERROR)
def float_io(model: Model, recipe: Recipe) -> Iterator[Finding]:
    """An input or output is float although the recipe asks for an integer type there.

    ## What it does
    Compares `inference_input_type` and `inference_output_type` of the recipe with the inputs and outputs of the model,
    and reports those that are float all the same. Inputs that are not numbers to quantize (indices, strings) are left
    alone.

    ## Why is this bad
    The caller was promised integers: code on a microcontroller that fills an int8 buffer fills a quarter of it, and
    reads nonsense.

    ## Example
    `inference_input_type = tf.int8`, and the model begins with `QUANTIZE float32 -> int8`.

    ## Fix
    Set the type together with what it depends on: optimizations, a representative dataset that covers every input, and
    integer operators. An input that reaches only operators without an integer form stays float: rewrite these first.
    """
    asked = {"input": recipe.inference_input_type, "output": recipe.inference_output_type}
    if not _INTEGERS & set(asked.values()):
        raise NotApplicable("the recipe asks for no integer type at the inputs or outputs")
    for side, dtype in asked.items():
        if dtype not in _INTEGERS:
            continue
        for subgraph, name, tensor in _ports(model, side):
            if tensor.is_float:
                yield Finding(
                    message=f"{side.capitalize()} {name} is {tensor.dtype}, and the recipe asks for {dtype}.",
                    location=places.of_tensor(subgraph, tensor),
                    evidence=(
                        Tensors(
                            title=f"{side.capitalize()} that stayed float",
                            tensors=((places.of_tensor(subgraph, tensor), tensor.dtype, tensor.declared_shape),),
                        ),
                    ),
                    remedy=Remedy(
                        "Set the type together with what it depends on.",
                        "converter.optimizations = [tf.lite.Optimize.DEFAULT]\n"
                        "converter.representative_dataset = calibration  # covers every input\n"
                        "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]\n"
                        f"converter.inference_{side}_type = tf.{dtype}",
                    ),
                    key=(side, name),
                )


def _ports(model: Model, side: str) -> Iterator[tuple[Subgraph, str, Tensor]]:
    """What callers give and take: of the signatures where there are any, else of the first subgraph."""
    if model.signatures:
        for signature in model.signatures:
            subgraph = model.subgraphs[signature.subgraph]
            ports = signature.inputs if side == "input" else signature.outputs
            yield from ((subgraph, name, subgraph.tensors[t]) for name, t in ports.items())
    elif model.subgraphs:
        subgraph = model.subgraphs[0]
        indices = subgraph.inputs if side == "input" else subgraph.outputs
        yield from ((subgraph, subgraph.tensors[t].name or str(t), subgraph.tensors[t]) for t in indices)

"""C001."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, Remedy, Severity, rule


@rule("C001", "flex-op", Severity.ERROR)
def flex_op(model: Model, locations: Locations) -> Iterator[Finding]:
    """A TensorFlow operator is kept as it is, and needs the Flex delegate to run.

    ## What it does
    Finds the operators whose custom code begins with `Flex`: the converter writes them where `SELECT_TF_OPS` is
    allowed and TensorFlow Lite has no operator of its own.

    ## Why is this bad
    Such a model allocates, and fails when it is run, unless the application links the Flex delegate, which adds a
    large part of TensorFlow to it. The interpreters of the TensorFlow 2.21 and LiteRT 2.3 packages on PyPI run no Flex
    operator, and neither do microcontrollers, the Edge TPU or GPU delegates.

    ## Example
        FlexSoftplus float32[?,8] -> float32[?,8]

    ## Fix
    Write the layer with operators that TensorFlow Lite has (`softplus(x)` is `log(1 + exp(x))`), and convert with
    builtin operators only, so that a Flex operator ends the conversion. If Flex is meant, ship a runtime that links it.
    """
    flex = ((op.name, subgraph, op) for subgraph, op in model.operators if op.flex)
    for name, where in places.grouped(flex, locations).items():
        many = "" if len(where) == 1 else f" at {len(where)} places"
        yield Finding(
            message=f"{name}{many}{places.named(where)} is TensorFlow's own operator and needs the Flex delegate.",
            location=where[0],
            evidence=(places.listed(f"{name} operators", where),),
            remedy=Remedy(
                f"Write {name[4:]} with other operators, and allow builtin operators only.",
                "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]",
            ),
            key=(name,),
        )

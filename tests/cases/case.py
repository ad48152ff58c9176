"""A case of a rule as data: facts, and what the rule should say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.builders.flatbuffers import ModelBuilder
from tflite_audit.analyzer.conversion.types import Conversion, Outcome, Recipe, SourceRecurrent
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status


@dataclass(frozen=True)
class Case:
    """Facts, and how the rule should end on them.

    Attributes:
        name: what is special about it.
        facts: makes them.
        findings: how many; 0 is a case that must not fire.
        status: how the rule ends; found or passed by the number of findings unless given.
        says: each must stand in one of the messages.
        severity: of the first finding.
        converts: it runs TensorFlow.
    """

    name: str
    facts: Callable[[], Facts]
    findings: int = 0
    status: Status | None = None
    says: tuple[str, ...] = ()
    severity: Severity | None = None
    converts: bool = False

    @property
    def expected(self) -> Status:
        return self.status or (Status.FOUND if self.findings else Status.PASSED)


def facts(builder: ModelBuilder, recipe: Recipe | None = None) -> Facts:
    """A model made in code, converted by `recipe` if one is given."""
    conversion = None if recipe is None else Conversion(recipe, Outcome.CONVERTED, model="model.tflite")
    return Facts(model=builder.model(), conversion=conversion)


FLOAT32 = Recipe("float32")


def made_from(builder: ModelBuilder, *layers: SourceRecurrent, recipe: Recipe = FLOAT32) -> Facts:
    """A model made in code, as if converted from a Keras model with these recurrent layers."""
    made = Conversion(recipe, Outcome.CONVERTED, model="model.tflite", recurrent=layers)
    return Facts(model=builder.model(), conversion=made)


DYNAMIC = Recipe("dynamic", optimizations=("DEFAULT",))
FLOAT16 = Recipe("float16", optimizations=("DEFAULT",), supported_types=("float16",))
INT8 = Recipe(
    "int8",
    optimizations=("DEFAULT",),
    supported_ops=("TFLITE_BUILTINS_INT8",),
    inference_input_type="int8",
    inference_output_type="int8",
    calibrated=True,
)
INT8_FLOAT_IO = Recipe("int8-float-io", optimizations=("DEFAULT",), calibrated=True)
INT16X8 = Recipe(
    "int16x8-fallback",
    optimizations=("DEFAULT",),
    supported_ops=("EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8", "TFLITE_BUILTINS"),
    calibrated=True,
)

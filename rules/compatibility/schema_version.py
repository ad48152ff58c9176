"""M006."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules.rule import Finding, Remedy, Severity, rule

ACCEPTED = 3
"""TFLITE_SCHEMA_VERSION, tensorflow/lite/version.h."""


@rule("M006", "schema-version", Severity.ERROR)
def schema_version(model: Model) -> Iterator[Finding]:
    """The file is of a schema version that runtimes refuse.

    ## What it does
    Compares the version that the file states with 3, the only one that TensorFlow Lite, LiteRT and TensorFlow Lite
    Micro accept.

    ## Why is this bad
    `Model provided is schema version 2 not equal to supported version 3`: the interpreter does not load it.

    ## Example
    A file written before TensorFlow 1.7, or a converter of another maker that leaves the field out (0).

    ## Fix
    Convert the source model again with a present converter.
    """
    if model.version != ACCEPTED:
        yield Finding(
            message=f"The file states schema version {model.version}; runtimes accept {ACCEPTED} only.",
            cause="The field `version` of the file.",
            remedy=Remedy("Convert the source model again with a present converter."),
            key=(str(model.version),),
        )

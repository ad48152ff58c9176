"""M008."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.types import Model
from tflite_audit.analyzer.support import needs
from tflite_audit.analyzer.support.needs import Needs
from tflite_audit.analyzer.support.releases import RELEASES
from tflite_audit.analyzer.support.types import Support
from tflite_audit.rules.compatibility import runtimes
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, rule


@rule("M008", "min-runtime-version", Severity.INFO)
def min_runtime_version(model: Model, support: Support, found: Needs) -> Iterator[Finding]:
    """The file states an older runtime than its operators need, or none and they need a new one.

    ## What it does
    Compares the metadata `min_runtime_version` with the oldest TensorFlow Lite that has every builtin operator of the
    file in the version that the file uses it in, by the table of TensorFlow's own converter
    (FindMinimumRuntimeVersionForOp, lite/tools/versioning/runtime_version.cc). Where an operator takes int16 or float16
    in a version that could not yet (op_version.cc beside it), the version that can is what it needs. Operator codes
    that no operator uses are not counted, as the converter does not count them either. Custom operators have no such
    versions.

    ## Why is this bad
    The interpreter does not look at the field. An application that chooses a runtime or a model by it
    (FlatBufferModel::GetMinimumRuntime) gets one that refuses the file: `Didn't find op for builtin opcode 'CONV_2D'
    version '5'`. TensorFlow 2.21 writes the field right for every recipe but 16x8, whose quantizer comes afterwards and
    leaves it, and the versions of int8, as they were. So do other tools that change a file, and older converters.

    ## Example
        min_runtime_version 1.5.0, and ADD version 2 with int16 activations needs 2.4.0

    ## Fix
    Choose the runtime by what the operators need. A present converter writes the field anew.
    """
    if not any(op.since for op in support.operators.values()):
        raise NotApplicable("the support matrix has no versions of operators")
    if not found.used:
        raise NotApplicable("the model has no builtin operators")
    least = found.runtime
    if least is None:
        raise NotApplicable(f"no runtime is known that has {runtimes.named(found.unknown)}")
    stated = model.min_runtime_version
    behind = any(found.lacking(release) for release in RELEASES if not release.micro)
    message = _message(stated, least, runtimes.named(found.deciding), behind=behind)
    if message:
        yield Finding(
            message=message,
            cause=_INT16 if any(use.feature == needs.INT16 for use in found.used) else None,
            severity=Severity.WARNING if stated and _misleads(stated, found) else None,
            evidence=(runtimes.needed(found), runtimes.shipped(found, support), *runtimes.unused(found)),
            remedy=Remedy(
                f"Ship TensorFlow Lite {least} or later, whatever the file states. A present TensorFlow writes the "
                "field right, 16x8 excepted."
            ),
            key=("min_runtime_version",),
        )


_INT16 = "What made the operators int16 did not give them the versions that take it."


def _message(stated: str | None, least: str, deciding: str, *, behind: bool) -> str:
    """Empty where the file states enough."""
    verb = "need" if " and " in deciding else "needs"
    if stated is None:
        if not behind:
            return ""  # and no application can go wrong by it
        return f"The file does not state which runtime it needs: {deciding} {verb} TensorFlow Lite {least}."
    try:
        if needs.number(stated) >= needs.number(least):
            return ""
    except ValueError:
        shown = repr(stated).replace(r"\\", "\\")  # bytes that are no text are written as \xff already
        return f"The file states the runtime {shown}, which is no version: {deciding} {verb} TensorFlow Lite {least}."
    return f"The file states that TensorFlow Lite {stated} runs it: {deciding} {verb} {least}."


def _misleads(stated: str, found: Needs) -> bool:
    """A runtime that people ship is as new as the file states, and lacks what it needs."""
    try:
        return any(
            release.level and needs.number(release.level) >= needs.number(stated) and found.lacking(release)
            for release in RELEASES
        )
    except ValueError:
        return False

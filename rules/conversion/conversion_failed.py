"""F001."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Conversion, ErrorEntry, Outcome
from tflite_audit.rules.rule import Finding, Location, NotApplicable, Remedy, Severity, Table, Text, rule

_ENDED = {
    Outcome.REFUSED: "Refused before the conversion began",
    Outcome.FAILED: "Failed",
    Outcome.CRASHED: "Crashed",
    Outcome.TIMED_OUT: "Timed out",
    Outcome.OUT_OF_MEMORY: "Out of memory",
}

# tensorflow/compiler/mlir/lite/metrics/converter_error_data.proto
_CAUSES = {
    "ERROR_NEEDS_FLEX_OPS": "TensorFlow Lite has no operator for {operators}; TensorFlow has one (Flex).",
    "ERROR_NEEDS_CUSTOM_OPS": "Neither TensorFlow Lite nor TensorFlow's Flex has an operator for {operators}.",
    "ERROR_UNSUPPORTED_CONTROL_FLOW_V1": "The graph holds control flow of TensorFlow 1 ({operators}), which the "
    "converter does not lower.",
    "ERROR_STATEFUL_PARTITIONED_CALL_IN_FINAL_IR": "A function call was left that the converter could not inline "
    "({operators}).",
    "ERROR_GPU_NOT_COMPATIBLE": "The model was asked to suit the GPU delegate, and {operators} does not.",
}

_REMEDIES = {
    "ERROR_NEEDS_FLEX_OPS": Remedy(
        "Write the layer with builtin operators. Allowing TensorFlow's own operators converts it, and then needs a "
        "runtime with the Flex delegate; the interpreters of the TensorFlow 2.21 and LiteRT 2.3 packages run none.",
        "converter.target_spec.supported_ops = [\n"
        "    tf.lite.OpsSet.TFLITE_BUILTINS,\n"
        "    tf.lite.OpsSet.SELECT_TF_OPS,\n"
        "]",
    ),
    "ERROR_NEEDS_CUSTOM_OPS": Remedy(
        "Write the layer with builtin operators, or allow custom operators and bring the implementation.",
        "converter.allow_custom_ops = True",
    ),
    "ERROR_UNSUPPORTED_CONTROL_FLOW_V1": Remedy(
        "Write the control flow with tf.while_loop and tf.cond in a tf.function of TensorFlow 2, and export again."
    ),
}

_SHOWN = 4000  # characters of the exception's text


@rule("F001", "conversion-failed", Severity.ERROR)
def conversion_failed(conversion: Conversion) -> Iterator[Finding]:
    """The conversion gave no model.

    ## What it does
    Reports a conversion that was refused, failed, crashed, ran into the time limit or out of memory: the stage and the
    compiler pass where it ended, and the operators and the layer that the converter named. A cause is stated only
    where the converter gives an error code that says it. A recipe that was not tried because it needs a calibration
    set and none was given is a warning.

    ## Why is this bad
    There is nothing to ship.

    ## Example
        Failed in QUANTIZE: Quantization to 16x8-bit not yet supported for op: 'UNIDIRECTIONAL_SEQUENCE_LSTM'

    ## Fix
    Where the message names an operator, rewrite the layer that it comes from, or use a recipe that allows it. Where
    the converter crashed, the log of the recipe holds what it printed last.
    """
    if conversion.outcome in {Outcome.CONVERTED, Outcome.CANNOT_RUN}:
        raise NotApplicable("the conversion gave a model")
    entries = conversion.failure.blamed if conversion.failure else ()
    every = conversion.failure.errors if conversion.failure else ()
    known = next((entry for entry in (*entries, *every) if entry.code in _CAUSES), None)
    code = known.code if known else None
    operators = _operators([e for e in entries if e.code == code] if code else entries)
    stage, failed_pass = conversion.stage, _pass(conversion)
    reason = " ".join(conversion.reason.split()).rstrip(".") or "no reason was given"
    where = f" in {stage}" if stage and stage not in reason else ""
    yield Finding(
        message=f"{_ENDED[conversion.outcome]}{where}: {reason}.",
        location=_location(known or next(iter(entries), None)),
        evidence=tuple(_evidence(conversion, stage, failed_pass)),
        cause=_CAUSES[code].format(operators=" and ".join(operators) or "an operator") if code else None,
        remedy=_REMEDIES.get(code) if code else None,
        severity=Severity.WARNING if _not_calibrated(conversion) else None,
        key=(conversion.outcome, *([code] if code else []), *operators),
    )


def _not_calibrated(conversion: Conversion) -> bool:
    """The recipe needs a calibration set and none was given: nothing was tried, so nothing is wrong with the model."""
    return conversion.outcome is Outcome.REFUSED and conversion.recipe.calibrated and conversion.calibration is None


def _pass(conversion: Conversion) -> str | None:
    """The compiler pass that failed, as the compiler or the error names it."""
    entries = conversion.failure.errors if conversion.failure else ()
    return conversion.failed_pass or next((e.subcomponent for e in entries if e.subcomponent.endswith("Pass")), None)


def _operators(entries: list[ErrorEntry] | tuple[ErrorEntry, ...]) -> list[str]:
    return list(dict.fromkeys(entry.operator for entry in entries if entry.operator))


def _location(entry: ErrorEntry | None) -> Location:
    if entry is None:
        return Location()
    frame = entry.frames[0] if entry.frames else None
    return Location(
        op=entry.operator,
        layer=entry.layer,
        file=frame.file if frame else None,
        line=frame.line if frame else None,
    )


def _evidence(conversion: Conversion, stage: str | None, failed_pass: str | None) -> Iterator[Text | Table]:
    facts = {
        "outcome": conversion.outcome.value,
        "stage": stage,
        "compiler pass": failed_pass,
        "signal": conversion.signal,
    }
    yield Table(
        title="Where it ended",
        columns=("what", "value"),
        rows=tuple((what, value) for what, value in facts.items() if value),
    )
    if conversion.failure:
        if conversion.failure.errors:
            yield Table(
                title="Errors of the converter",
                columns=("code", "subcomponent", "operator", "name"),
                rows=tuple(
                    (e.code, e.subcomponent, e.operator, e.names[0] if e.names else None)
                    for e in conversion.failure.errors
                ),
            )
        text = conversion.failure.message
        yield Text(title=conversion.failure.kind, text=text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ...")

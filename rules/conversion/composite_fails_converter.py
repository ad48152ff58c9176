"""F307."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Composite, Conversion, Outcome
from tflite_audit.rules import places
from tflite_audit.rules.conversion import blame
from tflite_audit.rules.recurrent import interfaces
from tflite_audit.rules.rule import Finding, Location, Proposal, Severity, rule

_SEGMENTATION_FAULT = 11
_STAGES = frozenset({"CONVERT_SAVED_MODEL", "CONVERT_GRAPHDEF"})


@rule("F307", "composite-fails-converter", Severity.ERROR)
def composite_fails_converter(conversion: Conversion) -> Iterator[Finding]:
    """A function that says what it implements ends the conversion, as the converter fuses it.

    ## What it does
    Of a conversion that died of signal 11, or failed, while the graph was converted: looks for functions of the source
    that carry `experimental_implements` or `api_implements` in a way that is known to end so.

    - `LSTMCellSimple` and `LayerNormalizedLstmCellSimple` kill the converter of TensorFlow 2.21, whatever the function:
      the rewriting makes a `tensor.cast`, whose dialect nothing has loaded.
    - Of `lstm_...` it reads six arguments, variables not counted, and past them where there are fewer, which mostly
      kills it; without `time_major`, or in another type than float32, it fails.

    ## Why is this bad
    There is no model, and hardly a message: a segmentation fault, or a complaint about a folder that is gone.

    ## Example
    `@tf.function(experimental_implements="LSTMCellSimple")`

    ## Fix
    Use the interface of Keras's LSTM, as `examples/lstm_cell_simple.py` does, or leave the attribute off.
    """
    blame.failed(conversion)
    for composite in interfaces.users(conversion):
        cause = _killed(composite) if _crashed(conversion) else _failed(composite, conversion)
        if cause:
            yield Finding(
                message=f"`{composite.name}`, which says that it implements `{composite.implements}`, ends the "
                "conversion.",
                location=Location(function=composite.name),
                cause=cause,
                proposals=_proposals(composite),
                key=(composite.implements, composite.name),
            )


def _crashed(conversion: Conversion) -> bool:
    crashed = conversion.outcome is Outcome.CRASHED and conversion.signal == _SEGMENTATION_FAULT
    return crashed and conversion.stage in _STAGES


def _killed(composite: Composite) -> str | None:
    if interfaces.interface(composite) in interfaces.CELLS:
        return (
            f"The converter of TensorFlow 2.21 dies on every function that implements `{composite.implements}`: it "
            "rewrites the function with a `tensor.cast`, an operator of a dialect that it has not loaded. A fault of "
            "the converter, not of the function."
        )
    if not interfaces.is_lstm(composite):
        return None
    tensors = sum(dtype != "resource" for dtype, _ in composite.inputs)
    variables = len(composite.inputs) - tensors
    if tensors < 6:
        besides = f" besides {places.plural(variables, 'variable')}, which are no arguments once they are frozen"
        return (
            f"The function takes {places.plural(tensors, 'argument')}{besides if variables else ''}, and the converter "
            f"reads six of a function that implements `{composite.implements}`, without counting them: "
            f"{interfaces.KERAS_LSTM.arguments}."
        )
    return None


def _failed(composite: Composite, conversion: Conversion) -> str | None:
    if conversion.outcome is not Outcome.FAILED or not interfaces.is_lstm(composite):
        return None
    if "time_major" not in composite.attributes:
        return (
            f"The converter asks a function that implements `{composite.implements}` whether the time comes first "
            "(`time_major`), and fails where it does not say."
        )
    others = sorted({dtype for dtype, _ in composite.inputs[:6]} - {"float32"})
    if others and _in_pass(conversion):
        return f"The function computes in {others[0]}, and what the converter puts in its place is float32."
    return None


def _in_pass(conversion: Conversion) -> bool:
    failure = conversion.failure
    return failure is not None and any(e.subcomponent == "PrepareCompositeFunctionsPass" for e in failure.errors)


def _proposals(composite: Composite) -> tuple[Proposal, ...]:
    name = composite.name
    keras = Proposal(
        "Give the function the interface of Keras's LSTM",
        "@tf.function(\n"
        "    autograph=False,\n"
        '    experimental_attributes={"api_implements": "lstm_mine", "time_major": False, "go_backwards": False},\n'
        ")\n"
        f"def {name}(x, state, cell_state, kernel, recurrent_kernel, bias):  # kernel.read_value(), and so on\n"
        "    ...\n"
        "    return last_output, outputs, state, cell_state, tf.constant(0.0)\n",
        "The body is thrown away, and must compute what the operator does: examples/lstm_cell_simple.py.",
    )
    plain = Proposal(
        "Leave the attribute off",
        f"@tf.function\ndef {name}(...): ...\n",
        "The function is converted operator by operator: one copy of the cell a step, or a loop.",
    )
    return (plain,) if composite.implements == interfaces.LAYER_NORM_CELL else (keras, plain)

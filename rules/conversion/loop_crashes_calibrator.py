"""F305."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Conversion, Outcome
from tflite_audit.rules.conversion import blame, proposals
from tflite_audit.rules.rule import Finding, NotApplicable, Severity, rule

_SEGMENTATION_FAULT = 11
_LOOPS = ("tfl.while", "tf.While")


@rule("F305", "loop-crashes-calibrator", Severity.ERROR)
def loop_crashes_calibrator(conversion: Conversion) -> Iterator[Finding]:
    """The calibrator reads memory that a loop has given back, and the process dies.

    ## What it does
    Reports a conversion that died of signal 11 in the stage CALIBRATE while the module to be calibrated had a WHILE.

    ## Why is this bad
    It is a fault of TensorFlow since 2.14 and not of the calibration set: after each call the calibrator
    (Calibrator::LogAfterInvoke, tensorflow/lite/tools/optimize/calibration/calibrator.cc) reads the outputs of every
    operator, and the kernel of WHILE has deallocated those that are dynamic. Nothing is printed.

    ## Example
        keras.layers.LSTM(12) of Keras 3 with int8 or 16x8: float32 converts, and calibration ends in SIGSEGV

    ## Fix
    Have no loop: with tf_keras an LSTM becomes one operator, and `unroll=True` writes the steps one after another. Or
    quantize the weights only, which needs no calibration.
    """
    if conversion.outcome is not Outcome.CRASHED:
        raise NotApplicable("nothing crashed")
    last = conversion.passes[-1].after if conversion.passes else {}
    if conversion.signal != _SEGMENTATION_FAULT or conversion.stage != "CALIBRATE":
        return
    if not any(last.get(loop) for loop in _LOOPS):
        return
    found = blame.culprits(conversion, ["WHILE"])
    cause = (
        f"The model has a loop (WHILE){blame.where(found)}, and the calibrator of TensorFlow since 2.14 reads memory "
        "that the loop has given back: a fault of the converter, not of the calibration set."
    )
    yield blame.finding(
        conversion,
        cause,
        found,
        proposals=(
            *proposals.tf_keras(conversion),
            *proposals.unrolled(conversion),
            proposals.dynamic(conversion),
            *([] if proposals.is_keras(conversion) else [proposals.python_loop()]),
            *proposals.state_outside(conversion),
        ),
        key=("WHILE",),
    )

"""A001."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tflite_audit.rules.accuracy.comparison import TOLERATED_RATIO, TOLERATED_SHARE, Accuracy
from tflite_audit.rules.rule import Finding, NotApplicable, Numbers, Remedy, Severity, rule


@rule("A001", "accuracy-drop", Severity.ERROR)
def accuracy_drop(accuracy: Accuracy) -> Iterator[Finding]:
    """The converted model is less accurate than the model before conversion.

    ## What it does
    Compares the metric of the converted model with that of the source model on the same data. A share of samples (such
    as top-1) may fall by 0.01, any other metric may get worse by 5 % of the reference. Where the samples can be
    counted, the chance that two equally good models differ by as much is given too, by McNemar's exact test on the
    samples that only one of them gets right; a loss that chance explains (p of 0.05 or more) is a warning.

    ## Why is this bad
    It is what users will notice. Quantization costs a well trained network a few tenths of a point; more means that
    something went wrong: a calibration set that is not like the data, preprocessing that differs, a layer whose range
    one outlier decides.

    ## Example
    Accuracy falls from 0.9765 to 0.9410 (3.55 points) on 10,000 samples.

    ## Fix
    Calibrate with a few hundred samples of the real data, preprocessed as in use. Compare with float16 and dynamic
    range, which tell whether the weights or the activations are to blame. Try 16x8, or train with quantization in the
    loop.
    """
    ours, theirs = accuracy.evaluation, accuracy.reference
    if ours.value is None or theirs.value is None or math.isnan(accuracy.loss):
        raise NotApplicable(ours.reason or theirs.reason or "the metric is not a finite number")
    if accuracy.loss <= accuracy.tolerated:
        return
    chance = accuracy.chance
    yield Finding(
        message=_sentence(accuracy),
        evidence=(
            Numbers(
                title=f"{ours.metric} on {ours.samples:,} samples",
                numbers=(
                    ("source model", _finite(theirs.value), ours.metric),
                    ("this model", _finite(ours.value), ours.metric),
                    ("loss", _finite(accuracy.loss), ours.metric),
                    ("loss that is tolerated", accuracy.tolerated, ours.metric),
                    ("right only before conversion", ours.lost, "samples"),
                    ("right only after it", ours.gained, "samples"),
                    ("equal answers", ours.agreement, "share"),
                    ("chance of such a loss between equal models", chance, "probability"),
                ),
            ),
        ),
        remedy=Remedy(
            "Calibrate with more samples of the real data, preprocessed as in use; where that does not help, keep 16 "
            "bits for the activations.",
            "tflite-audit run SOURCE --calibration calibration.npz --data test.npz \\\n"
            "    --recipe int8 --recipe int16x8-fallback --recipe dynamic --recipe float16",
        ),
        severity=None if accuracy.significant else Severity.WARNING,
        key=(ours.metric,),
    )


def _sentence(accuracy: Accuracy) -> str:
    ours, theirs = accuracy.evaluation, accuracy.reference
    if not accuracy.is_share:
        worse = "rises" if ours.lower_is_better else "falls"
        return (
            f"{ours.metric} {worse} from {theirs.value:.6g} to {ours.value:.6g} on {ours.samples:,} samples; "
            f"{TOLERATED_RATIO:.0%} of the reference is tolerated."
        )
    fall = (
        f"{ours.metric} falls from {theirs.value:.4f} to {ours.value:.4f} ({100 * accuracy.loss:.2f} points; "
        f"{100 * TOLERATED_SHARE:g} is tolerated) on {ours.samples:,} samples"
    )
    if accuracy.significant:
        return f"{fall}."
    return f"{fall}; chance explains as much (p = {accuracy.chance:.2f}): evaluate more samples."


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""F201."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Conversion, ErrorEntry
from tflite_audit.rules.conversion import blame, proposals
from tflite_audit.rules.rule import Finding, Proposal, Severity, rule


@rule("F201", "free-tensor-list", Severity.ERROR)
def free_tensor_list(conversion: Conversion) -> Iterator[Finding]:
    """A recurrent layer or loop keeps a list of tensors whose shape is not fixed, mostly for a free batch.

    ## What it does
    Reports `requires element_shape to be static` and `to be 1D tensor`, errors of LowerStaticTensorListPass, with the
    layer or line of the list and the free dimensions of the inputs.

    ## Why is this bad
    A loop collects its results in a list of tensors. TensorFlow Lite has no lists: the converter makes one tensor of
    each, and has to know the shape of the elements for that. Allowing Flex ends the conversion well and keeps the list,
    which then needs a runtime with the Flex delegate; the packages on PyPI have none.

    ## Example
        inputs = keras.Input((12, 5))  # batch free; the LSTM's list holds tensors of shape [?, units]

    ## Fix
    Fix the batch at 1: `keras.Input(batch_shape=(1, 12, 5))`. With tf_keras the layer may even become one operator.
    """
    entries = [e for e in blame.failed(conversion) if is_shapeless(e)]
    if not entries:
        return
    found = blame.of_entries(entries)
    ops = ["TensorListReserve", "TensorListStack"]
    free = blame.free_dimensions(conversion)
    the = f"{free[:1].upper()}{free[1:]}, so the" if free else "The"
    cause = (
        f"{the} list of tensors of {blame.named({e.operator for e in entries})}{blame.where(found)} has elements "
        "without a fixed shape, and the loop around it cannot be lowered."
    )
    yield blame.finding(
        conversion,
        cause,
        found,
        proposals=(
            *proposals.fixed_batch(conversion),
            *proposals.tf_keras(conversion),
            *proposals.unrolled(conversion),
            *([] if free else [_element_shape()]),
            proposals.single_batch(conversion),
            *proposals.state_outside(conversion),
            proposals.flex(conversion, ops, lists=True),
        ),
    )


def is_shapeless(entry: ErrorEntry) -> bool:
    """The error that this rule is about."""
    return entry.subcomponent == blame.LOWER_LISTS and "requires element_shape to be" in entry.message


def _element_shape() -> Proposal:
    return Proposal(
        "Give the TensorArray the shape of its elements",
        "array = tf.TensorArray(tf.float32, size=steps, element_shape=[1, units])",
        "Every element must have that shape.",
    )

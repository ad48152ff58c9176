"""F301."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.codes import Code
from tflite_audit.analyzer.conversion.types import Conversion
from tflite_audit.rules.conversion import blame, operators, proposals
from tflite_audit.rules.rule import Finding, Proposal, Severity, rule

_REQUANTIZED = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM"})


@rule("F301", "op-not-quantizable", Severity.ERROR)
def op_not_quantizable(conversion: Conversion) -> Iterator[Finding]:
    """The recipe allows integers only, and the quantizer has no integer form of an operator.

    ## What it does
    Reads the quantizer's `Quantization to 16x8-bit not yet supported for op` and its like for int8, counts the
    operators, and finds the layers and lines that they come from in the source model's graph.

    ## Why is this bad
    The conversion ends. (The quantizer for int8 of TensorFlow 2.21 does not end it: it leaves such operators float,
    whatever the recipe asks.)

    ## Example
        Quantization to 16x8-bit not yet supported for op: 'FLOOR_MOD'.

    ## Fix
    Write the operator with others, let it stay float (add TFLITE_BUILTINS), or quantize to int8. A fused LSTM has an
    integer form when it is unrolled into its operators; built with Keras 3 it is a loop, which kills the calibrator
    (F305).
    """
    entries = [e for e in blame.coded(conversion, Code.QUANTIZATION_UNSUPPORTED) if e.operator != "CUSTOM"]
    if not entries:
        return
    ops = [str(entry.operator) for entry in entries]
    found = blame.culprits(conversion, ops)
    bits = "16x8" if "16x8" in entries[0].message else "int8"
    cause = f"The quantizer has no {bits} form of {blame.named(ops)}{blame.where(found)}"
    yield blame.finding(
        conversion,
        f"{cause}, and this recipe allows no float operators.",
        found,
        proposals=tuple(_ways(conversion, ops)),
        key=tuple(dict.fromkeys(ops)),
    )


def _ways(conversion: Conversion, ops: list[str]) -> Iterator[Proposal]:
    loops = bool(set(ops) & set(operators.RECURRENT))
    if loops:
        yield from proposals.unrolled(conversion)
        yield from proposals.state_outside(conversion)
    else:
        yield from proposals.quantizable(conversion, ops)
        yield from proposals.rewritten([source for op in ops for source in sorted(operators.sources(op))])
        yield from proposals.float_fallback(conversion, ops)
    yield from proposals.int8(conversion)
    if _REQUANTIZED & set(ops):
        yield Proposal(
            "Make the int16 model of an int8 one with the tool of TensorFlow Lite Micro",
            "bazel run //tensorflow/lite/micro/tools:requantize_flatbuffer -- \\\n"
            "    --int8_model_path=int8.tflite --save_path=int16.tflite  # in a checkout of tflite-micro",
            "Runs where the fused LSTM has an int16 kernel: in TensorFlow Lite Micro, not in the interpreter.",
        )
    if loops:  # left half quantized, it does not allocate (TensorFlow 2.21)
        yield from proposals.float_fallback(conversion, ops)
    yield proposals.dynamic(conversion)

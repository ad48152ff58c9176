"""cannot-run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.builders.flatbuffers import ModelBuilder
from tests.cases.case import INT8, INT16X8, Case
from tflite_audit.analyzer.conversion.types import Conversion, Outcome
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Inputs, Lack, Trial, Trials
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status

LITERT, TENSORFLOW = "ai-edge-litert 2.3.0", "tensorflow 2.21.0"
RAN = Trial(EvaluationOutcome.EVALUATED, runtime=LITERT)


def tried(*trials: Trial, op: str = "TILE", custom: bool = False) -> Facts:
    """A model of two such operators, the second of them in float."""
    m = ModelBuilder()
    x, y = m.tensor("x", "int16", (1, 4)), m.tensor("net/up/Tile", "int16", (1, 8))
    m.op(op, [x], [y], custom=custom)
    m.op(op, [m.tensor("f", "float32", (1, 4))], [m.tensor("net/other/Tile", "float32", (1, 8))], custom=custom)
    conversion = Conversion(INT16X8, Outcome.CANNOT_RUN, model="model.tflite")
    return Facts(model=m.model(), conversion=conversion, trials=Trials(trials) if trials else None)


def failed(
    runtime: str,
    reason: str = "Type 'INT16' is not supported by tile; Node number 0 (TILE) failed to invoke",
    operator: str | None = "TILE",
    lack: Lack | None = Lack.TYPE,
    detail: str = "int16",
    outcome: EvaluationOutcome = EvaluationOutcome.FAILED,
) -> Trial:
    return Trial(
        outcome,
        reason,
        "invoking",
        operator,
        None if operator is None else 0,
        inputs=Inputs.CALIBRATION,
        runtime=runtime,
        lack=lack,
        detail=detail,
    )


def both(**what: object) -> Facts:
    return tried(failed(LITERT, **what), failed(TENSORFLOW, **what))  # pyright: ignore[reportArgumentType]


def state_behind_a_conversion() -> Facts:
    """What 16x8 with float fallback makes of a fused LSTM (TensorFlow 2.21)."""
    m = ModelBuilder()
    state = m.tensor("state", "int8", (1, 4), scale=0.1, variable=True)
    read = m.tensor("state_float", "float32", (1, 4))
    m.op("DEQUANTIZE", [state], [read])
    x, y = m.tensor("x", "float32", (1, 3, 4)), m.tensor("net/lstm/y", "int8", (1, 3, 4), scale=0.1)
    m.op("UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *[-1] * 17, read], [y])
    said = "output_state != nullptr was not true"
    refused = [
        replace(failed(runtime, said, "UNIDIRECTIONAL_SEQUENCE_LSTM", None, ""), node=1)
        for runtime in (LITERT, TENSORFLOW)
    ]
    conversion = Conversion(INT16X8, Outcome.CANNOT_RUN, model="model.tflite")
    return Facts(model=m.model(), conversion=conversion, trials=Trials(tuple(refused)))


def refused_by_xnnpack(output_scale: float) -> Facts:
    """The product with a state that was 0 in every calibration sample (TensorFlow 2.21)."""
    m = ModelBuilder()
    x = m.tensor("x", "int8", (1, 4), scale=0.002)
    w = m.tensor("w", "int8", (4, 4), data=np.ones((4, 4)), scale=0.002)
    y = m.tensor("net/lstm/MatMul", "int8", (1, 4), scale=output_scale)
    m.op("FULLY_CONNECTED", [x, w, -1], [y])
    said = "failed to create XNNPACK runtime; Node number 161 (TfLiteXNNPackDelegate) failed to prepare"
    refused = [failed(runtime, said, None, None, "") for runtime in (LITERT, TENSORFLOW)]
    conversion = Conversion(INT8, Outcome.CANNOT_RUN, model="model.tflite")
    return Facts(model=m.model(), conversion=conversion, trials=Trials(tuple(refused)))


VERSION = {
    "reason": "Didn't find op for builtin opcode 'TILE' version '9'",
    "lack": Lack.VERSION,
    "detail": "9",
}
WORDS = "XNNPack delegate failed to reshape runtime"
SIGNAL = {
    "reason": "invoking the model ended the process: it died of signal 8 (SIGFPE)",
    "lack": None,
    "detail": "",
    "outcome": EvaluationOutcome.CRASHED,
}
SINH = {"reason": "Encountered unresolved custom op: Sinh", "lack": Lack.IMPLEMENTATION, "detail": ""}

CASES = [
    Case(
        "one runtime has a kernel",
        lambda: tried(RAN, failed(TENSORFLOW)),
        1,
        says=("TensorFlow 2.21.0 has no int16 kernel for TILE (net/up); LiteRT 2.3.0 runs it.",),
        severity=Severity.WARNING,
    ),
    Case(
        "neither has",
        both,
        1,
        says=("Neither LiteRT 2.3.0 nor TensorFlow 2.21.0 has an int16 kernel for TILE (net/up).",),
        severity=Severity.ERROR,
    ),
    Case(
        "the runtime does not say which type",
        lambda: both(reason="lhs->type == rhs->type was not true", detail=""),
        1,
        says=("has a kernel for TILE (net/up) on int16.",),
    ),
    Case("a version", lambda: both(**VERSION), 1, says=("has a kernel for version 9 of TILE",)),
    Case(
        "it refuses the operator for another reason",
        lambda: tried(failed(LITERT, "a != b (9 != 42)", lack=None, detail="")),
        1,
        says=("LiteRT 2.3.0 refuses TILE (net/up): a != b (9 != 42).",),
    ),
    Case(
        "a state that is quantized, of an operator that is not",
        state_behind_a_conversion,
        1,
        says=("into a variable tensor, and DEQUANTIZE stands between the two",),
    ),
    Case(
        "XNNPACK, for an output's scale",
        lambda: refused_by_xnnpack(7.8e-9),
        1,
        says=("refuses FULLY_CONNECTED in net/lstm: input scale times weight scale over output scale is 513,",),
        severity=Severity.ERROR,
    ),
    Case(
        "XNNPACK, for a reason that the file does not show",
        lambda: refused_by_xnnpack(1.6e-8),
        1,
        says=("cannot run the model: failed to create XNNPACK runtime",),
    ),
    Case(
        "no operator is named",
        lambda: tried(failed(LITERT, WORDS, operator=None, lack=None, detail="")),
        1,
        says=(f"LiteRT 2.3.0 cannot run the model: {WORDS}.",),
        severity=Severity.ERROR,
    ),
    Case(
        "a signal",
        lambda: both(**SIGNAL),
        1,
        says=("TILE (net/up) kills the interpreter of LiteRT 2.3.0 and TensorFlow 2.21.0: it died of signal 8",),
    ),
    Case(
        "a signal, and no operator found",
        lambda: tried(failed(LITERT, **{**SIGNAL, "operator": None})),  # pyright: ignore[reportArgumentType]
        1,
        says=("Invoking the model kills the interpreter of LiteRT 2.3.0: it died of signal 8 (SIGFPE).",),
    ),
    Case(
        "each fails in its own way",
        lambda: tried(failed(LITERT, "no kernel", lack=None, detail=""), failed(TENSORFLOW)),
        2,
        severity=Severity.ERROR,
    ),
    Case(
        "out of time",
        lambda: tried(Trial(EvaluationOutcome.TIMED_OUT, "it did not end within 9 seconds", runtime=LITERT)),
        1,
        says=("LiteRT 2.3.0 does not answer one call of the model within the time limit",),
    ),
    Case(
        "a custom operator of the user's",
        lambda: tried(
            failed(LITERT, **SINH, operator="Sinh"),  # pyright: ignore[reportArgumentType]
            op="Sinh",
            custom=True,
        ),
        1,
        says=("Sinh (net/up) is a custom operator, which LiteRT 2.3.0 has no implementation of.",),
        severity=Severity.WARNING,
    ),
    Case("a Flex operator is F108's", lambda: both(reason="Flex", lack=Lack.FLEX, detail="")),
    Case("it runs", lambda: tried(RAN)),
    Case("not tried", tried, status=Status.NOT_RUN),
]

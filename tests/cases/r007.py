"""composite-not-fused; what is said of real conversions is in tests/rules/recurrent/test_composites.py."""

from __future__ import annotations

from tests.cases.case import Case
from tests.cases.composites import ARGUMENTS, KERAS, converted, ended, lstm, named
from tflite_audit.rules.rule import Status

FREE = (("float32", (-1, 12, 6)), ("float32", (-1, 8)), *ARGUMENTS[2:])

CASES = [
    Case(
        "free batch",
        lambda: converted(lstm(inputs=FREE)),
        1,
        says=("`decode` says that it implements `lstm_mine`, and was converted operator by operator (156 operators",),
    ),
    Case("mask", lambda: converted(lstm(inputs=(*ARGUMENTS, ("float32", (1, 12))))), 1),
    Case("misspelled", lambda: converted(named("LSTMCellSimpel")), 1),
    Case("not established", lambda: converted(lstm()), 1),
    Case("inlined", lambda: converted(lstm(), frozen=True), 1),
    Case("beside one of Keras", lambda: converted(lstm(read=(3,)), KERAS, made=1), 1),
    Case("one of two", lambda: converted(lstm(), lstm(implements="lstm_b"), made=1), 1, says=("which is not known",)),
    Case("each for its reason", lambda: converted(lstm(read=(2,)), named("nothing")), 2),
    Case("custom operator left out", lambda: converted(named("MyOp", attributes={"tfl_fusable_op": True})), 1),
    Case("fused", lambda: converted(lstm(), made=1)),
    Case("lookup", lambda: converted(named("embedding_matmul", inputs=ARGUMENTS[:2]), operator="RELU"), 1),
    Case(
        "custom operator",
        lambda: converted(named("RELU", attributes={"tfl_fusable_op": True, "alpha": 0.5})),
    ),
    Case("of Keras", lambda: converted(KERAS), status=Status.NOT_APPLICABLE),
    Case("graph not known", lambda: converted(), status=Status.NOT_APPLICABLE),
    Case("no model", lambda: ended(lstm()), status=Status.NOT_RUN),
]

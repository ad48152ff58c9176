"""composite-differs."""

from __future__ import annotations

from tests.cases.case import Case
from tests.cases.composites import CELL, KERAS, converted, lstm, named
from tflite_audit.rules.rule import Status

CASES = [
    Case("other activation", lambda: converted(lstm(operators={**CELL, "Relu": 2}), made=1), 1, says=("has Relu",)),
    Case("no sigmoid", lambda: converted(lstm(operators={"Tanh": 2}), made=1), 1, says=("no Sigmoid",)),
    Case("state", lambda: converted(lstm(nonzero=(1, 3)), made=1), 1, says=("a state that is not zero",)),
    Case("nothing known of the body", lambda: converted(lstm(operators={}), made=1)),
    Case("what the operator computes", lambda: converted(lstm(nonzero=(3, 4, 5)), made=1)),
    Case("not fused", lambda: converted(lstm(operators={"Relu": 2}))),
    Case("of Keras", lambda: converted(KERAS, made=1), status=Status.NOT_APPLICABLE),
    Case("another interface", lambda: converted(named("embedding_matmul")), status=Status.NOT_APPLICABLE),
]

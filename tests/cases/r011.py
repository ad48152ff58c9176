"""initial-state-lost."""

from __future__ import annotations

from dataclasses import replace

from tests.cases.case import Case, facts, made_from
from tests.cases.models import float_net
from tests.cases.r002 import loop, lstm
from tests.cases.r003 import fused
from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules.rule import Severity, Status

ONES = SourceRecurrent(
    "encoder",
    "LSTM",
    "tf_keras",
    ("LSTMCell",),
    units=(8,),
    state_given=True,
    state_nonzero=True,
    annotated=True,
)

CASES = [
    Case(
        "ones",
        lambda: made_from(fused(), ONES),
        1,
        says=("The initial state of encoder is lost: UNIDIRECTIONAL_SEQUENCE_LSTM begins with zeros",),
        severity=Severity.ERROR,
    ),
    Case(
        "in another layer",
        lambda: made_from(fused(), replace(ONES, inside=("net",))),
        1,
        says=("The initial state of net/encoder is lost",),
    ),
    Case("zeros", lambda: made_from(fused(), replace(ONES, state_nonzero=False))),
    Case("a loop begins with what it is given", lambda: made_from(loop(3, lstm), ONES)),
    Case("no Keras source", lambda: facts(float_net()), status=Status.NOT_RUN),
]

"""composite-fails-converter; measured in tests/rules/recurrent/test_composites.py."""

from __future__ import annotations

from tests.cases.case import Case
from tests.cases.composites import ARGUMENTS, KERAS, ended, lstm, named
from tests.cases.conversions import OTHERWISE

VARIABLES = (*ARGUMENTS[:3], *(("resource", ()) for _ in range(3)))
DOUBLE = tuple(("float64", shape) for _, shape in ARGUMENTS)
PASS = "PrepareCompositeFunctionsPass"

CASES = [
    Case("lingvo's cell", lambda: ended(named("LSTMCellSimple", inputs=ARGUMENTS[:4])), 1, says=("`LSTMCellSimple`",)),
    Case("its layer norm", lambda: ended(named("LayerNormalizedLstmCellSimple", inputs=ARGUMENTS[:5])), 1),
    Case("variables", lambda: ended(lstm(inputs=VARIABLES)), 1),
    Case("five arguments", lambda: ended(lstm(inputs=ARGUMENTS[:5])), 1),
    Case("no time_major", lambda: ended(lstm(attributes={}), signal=None), 1),
    Case("float64", lambda: ended(lstm(inputs=DOUBLE), signal=None, subcomponent=PASS), 1),
    Case("float64, another failure", lambda: ended(lstm(inputs=DOUBLE), signal=None)),
    Case("misspelled, another crash", lambda: ended(named("LayerNormalizedLSTMCellSimple"))),
    Case("a good one, another crash", lambda: ended(lstm())),
    Case("in another stage", lambda: ended(named("LSTMCellSimple"), stage="CALIBRATE")),
    Case("of Keras", lambda: ended(KERAS)),
    *OTHERWISE,
]

"""non-finite-constant."""

from __future__ import annotations

import math

import numpy as np

from tests.cases.case import Case, facts
from tests.cases.models import Net, float16_net, float_net


def constant(value: float, op: str = "FULLY_CONNECTED", dtype: str = "float32") -> Net:
    """One value of a constant is `value`."""
    net = Net()
    data = np.ones((8, 8))
    data[3, 4] = value
    w = net.tensor("net/w", dtype, (8, 8), data=data)
    inputs = [net.act("x"), w, *([-1] if op == "FULLY_CONNECTED" else [])]
    net.then(op, *inputs, name="net/layer/y")
    return net


def overflown() -> Net:
    """float16 weights that became infinite, unpacked at run time."""
    net = Net()
    w = net.tensor("net/w", "float16", (8, 8), data=np.full((8, 8), np.inf))
    net.then("FULLY_CONNECTED", net.act("x"), net.then("DEQUANTIZE", w, shape=(8, 8)), -1)
    return net


CASES = [
    Case("NaN", lambda: facts(constant(math.nan)), 1, says=("net/w holds 1 NaN of 64 values",)),
    Case("NaN where an infinity would do", lambda: facts(constant(math.nan, "MAXIMUM")), 1),
    Case("NaN as float64", lambda: facts(constant(math.nan, "ADD", "float64")), 1),
    Case("an infinite weight", lambda: facts(constant(math.inf)), 1, says=("1 infinite", "FULLY_CONNECTED reads")),
    Case("float16 that overflowed", lambda: facts(overflown()), 1, says=("64 infinite",)),
    Case("a bound", lambda: facts(constant(-math.inf, "MAXIMUM"))),
    Case("a mask", lambda: facts(constant(-math.inf, "ADD"))),
    Case("the largest float", lambda: facts(constant(3.4e38))),
    Case("finite", lambda: facts(float_net())),
    Case("finite float16", lambda: facts(float16_net())),
]

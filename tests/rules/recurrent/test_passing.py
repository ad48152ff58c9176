"""What is told to be pasted passes a state as its value, whatever the types and scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.cases.r006 import step
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent import states
from tflite_audit.rules.recurrent.passing import next_value, unchanged


@pytest.mark.parametrize(
    ("to", "back", "scale_in", "zero_in", "given", "expected"),
    [
        ("int8", "int8", 0.01, 0, np.array([5], np.int8), np.array([5], np.int8)),
        ("int8", "int8", 0.010000001, 0, np.array([5], np.int8), np.array([5], np.int8)),
        ("int8", "int8", 0.02, 3, np.array([100], np.int8), np.array([53], np.int8)),
        ("int8", "int8", 0.001, 0, np.array([100], np.int8), np.array([127], np.int8)),
        ("int16", "int8", 0.001, 0, np.array([100], np.int8), np.array([1000], np.int16)),
        ("uint8", "float32", 0.01, 128, np.array([-0.5], np.float32), np.array([78], np.uint8)),
        ("float32", "int8", 0.0, 0, np.array([100], np.int8), np.array([1.0], np.float32)),
        ("float32", "float32", 0.0, 0, np.array([0.3], np.float32), np.array([0.3], np.float32)),
    ],
)
def test_next_value(to: str, back: str, scale_in: float, zero_in: int, given: Any, expected: Any) -> None:
    facts = Facts(model=step(scale_in, 0.01, zero_in, to=to, back=back).model())
    assert facts.model is not None
    assert facts.recurrent is not None
    (state,) = states.of_model(facts.model, facts.recurrent).states
    found = eval(next_value(facts.model, state), {"np": np, "answer": {"h_out": given}})
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_scale_of_zero_is_no_division_by_it() -> None:
    facts = Facts(model=step(0.01, 0.0, to="int8", back="int8").model())
    assert facts.model is not None
    graph = facts.model.subgraphs[0]
    tensors = [t for t in graph.tensors if t.name.startswith("h_")]
    assert len(tensors) == 2
    assert not unchanged(*tensors)
    assert not unchanged(*reversed(tensors))

"""Differences of answers, step after step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.streaming.comparing import compared
from tflite_audit.analyzer.conversion.streaming.requests import Prepared
from tflite_audit.analyzer.conversion.streaming.types import Per, StepPlan, StepPort, StepState

PLAN = StepPlan(
    layers=(("lstm", "LSTM"),),
    inputs=(StepPort("x", "float32", (1, 2), Per.STEP),),
    outputs=(StepPort("y", "float32", (1, 2), Per.STEP),),
    states=(StepState("lstm_h", "lstm_h_out", "lstm", (1, 1), "float32"),),
    steps=4,
    batch=None,
)


def prepared(*steps: int, length: int = 4) -> Prepared:
    return Prepared(PLAN, steps, length, 1, 0, made_up=True, saved=True, exact=(), ranges=())


def wanted(steps: int, known: int) -> dict[str, NDArray[Any]]:
    right = np.arange(steps * 2, dtype=np.float32).reshape(steps, 1, 2)
    here = np.arange(steps) < known
    state = np.ones((steps, 1, 1), np.float32)
    return {"out/y": right, "known/y": here, "out/lstm_h_out": state, "known/lstm_h_out": here & False}


def answers(of: dict[str, NDArray[Any]], off: list[float]) -> dict[str, NDArray[Any]]:
    return {
        "y": of["out/y"] + np.array(off, np.float32)[:, None, None],
        "lstm_h_out": of["out/lstm_h_out"],
    }


def test_shares_of_the_range_by_step():
    right = wanted(4, 4)
    found = compared(prepared(4), [answers(right, [0.0, 0.7, 0.0, 1.4])], [right])
    (drift,) = found.answers
    assert drift.spread == 7
    assert drift.each == pytest.approx((0, 0.1, 0, 0.2))
    assert (drift.first, drift.last, drift.largest) == pytest.approx((0, 0.2, 0.2))
    assert drift.mean == pytest.approx(0.075)
    assert drift.beyond is None
    assert (drift.known, drift.answers) == (4, 4)
    assert found.worst is drift
    state = found.outputs[1]
    assert state.state
    assert (state.spread, state.largest, state.known) == (1, 0, 0)


def test_beyond_the_length_counts_for_itself():
    short, long = wanted(4, 4), wanted(8, 4)
    found = compared(
        prepared(8, 4),
        [answers(long, [0, 0, 0, 0, 0, 0, 0, 7.5]), answers(short, [0, 0, 1.5, 0])],
        [long, short],
    )
    (drift,) = found.answers
    assert drift.spread == 15
    assert drift.largest == pytest.approx(0.1)
    assert drift.beyond == pytest.approx(0.5)
    assert drift.each[2] == pytest.approx(0.1)
    assert (drift.known, drift.answers) == (8, 12)


def test_beside_other_models_only_the_answers_of_the_source_count():
    """As of a model that answers at the end: the range is that of those answers, too."""
    right = wanted(4, 0)
    right["known/y"][3] = True
    found = compared(prepared(4), [answers(right, [0.7, 0.0, 0.0, 0.1])], [right])
    (drift,) = found.answers
    assert drift.largest == pytest.approx(0.1)
    assert drift.own_difference == pytest.approx(0.1)
    assert drift.own == pytest.approx(0.1)  # the last answers are 6 and 7
    assert found.outputs[1].own == 0


def test_an_answer_that_is_not_finite_is_infinitely_far():
    right = wanted(4, 4)
    found = compared(prepared(4), [answers(right, [0, math.nan, 0, 0])], [right])
    (drift,) = found.answers
    assert drift.largest == math.inf
    assert drift.first == 0

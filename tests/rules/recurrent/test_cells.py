"""Cells by their gates."""

from __future__ import annotations

import pytest

from tflite_audit.rules.recurrent.cells import recognise


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ({"LOGISTIC": 3, "TANH": 2, "FULLY_CONNECTED": 2, "MUL": 3}, "LSTM"),
        ({"LOGISTIC": 2, "TANH": 1, "FULLY_CONNECTED": 2, "SUB": 1}, "GRU"),
        ({"TANH": 1, "FULLY_CONNECTED": 2}, "simple RNN"),
        ({"LOGISTIC": 6, "TANH": 4, "FULLY_CONNECTED": 4}, "LSTM"),
        ({"LOGISTIC": 5, "TANH": 3, "FULLY_CONNECTED": 4, "SUB": 1}, "LSTM and GRU"),
        ({"LOGISTIC": 2, "TANH": 2, "SUB": 1, "FULLY_CONNECTED": 2}, "LSTM"),  # coupled gates
        ({"LOGISTIC": 3, "RELU": 2, "FULLY_CONNECTED": 2}, "LSTM"),
        ({"LOGISTIC": 2, "RELU": 1, "SUB": 1, "FULLY_CONNECTED": 2}, "GRU"),
        ({"LOGISTIC": 2, "SUB": 1, "FULLY_CONNECTED": 2}, "GRU"),  # relu fused into an ADD
        ({"MINIMUM": 3, "RELU": 3, "TANH": 2, "CONV_2D": 8}, "convolutional LSTM"),
        ({"RELU_0_TO_1": 2, "TANH": 1, "FULLY_CONNECTED": 2}, "GRU"),
        ({"LOGISTIC": 2, "RELU": 1, "CONV_2D": 2, "MUL": 2}, None),  # two squeeze-and-excite gates
        ({"LOGISTIC": 1, "CONV_2D": 1, "MUL": 1}, None),  # swish
        ({"LOGISTIC": 2, "TANH": 2, "CONV_2D": 2}, None),  # two gated convolutions
        ({"RELU": 2, "FULLY_CONNECTED": 2}, None),
        ({}, None),
    ],
)
def test_recognise(counts: dict[str, int], name: str | None) -> None:
    cell = recognise(counts)
    assert (cell.name if cell else None) == name

"""Scores against a plain computation, and the cases in which they cannot be made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tflite_audit.analyzer.evaluation.metrics import parse_metric, score
from tflite_audit.analyzer.evaluation.types import DataError

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(size=(500, 10)).astype(np.float32)
LABELS = RANDOM.integers(0, 10, 500)
TOP1 = parse_metric("top-1")
MSE = parse_metric("mse")


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("form", ["index", "column", "float", "one-hot", "by name"])
def test_top_k(k: int, form: str) -> None:
    labels: dict[str, Any] = {
        "index": {"labels": LABELS},
        "column": {"labels": LABELS[:, None].astype(np.uint8)},
        "float": {"labels": LABELS.astype(np.float32)},
        "one-hot": {"labels": np.eye(10)[LABELS]},
        "by name": {"y": LABELS},
    }
    expected = sum(label in np.argsort(-row)[:k] for row, label in zip(SCORES, LABELS, strict=True))
    found = score({"y": SCORES}, labels[form], parse_metric(f"top-{k}"))
    assert (found.correct, found.value, found.samples, found.output) == (expected, expected / 500, 500, "y")
    assert (found.agreement, found.lost, found.max_difference) == (None, None, None)


def test_equal_scores_go_to_the_lowest_index() -> None:
    scores = np.array([[5, 5, 1], [1, 5, 5], [5, 1, 5]], np.float32)
    assert score({"y": scores}, {"labels": scores.argmax(axis=1)}, TOP1).correct == 3
    assert score({"y": scores}, {"labels": np.array([1, 2, 2])}, TOP1).correct == 0
    assert score({"y": scores}, {"labels": np.array([1, 2, 2])}, parse_metric("top-2")).correct == 3


def test_nan_is_never_correct_and_infinity_ranks() -> None:
    scores = np.array([[np.nan, 0, 0], [0, np.inf, 0], [0, 1, 0]], np.float32)
    found = score({"y": scores}, {"labels": np.array([0, 1, 1])}, TOP1)
    assert (found.correct, found.non_finite) == (2, 2)


def test_comparison_with_the_source() -> None:
    theirs = SCORES + RANDOM.normal(scale=0.3, size=SCORES.shape).astype(np.float32)
    found = score({"out": SCORES}, {"labels": LABELS}, TOP1, {"source_name": theirs})
    mine, other = SCORES.argmax(1), theirs.argmax(1)
    assert found.agreement == (mine == other).mean()
    assert found.lost == ((other == LABELS) & (mine != LABELS)).sum()
    assert found.gained == ((mine == LABELS) & (other != LABELS)).sum()
    assert found.max_difference == pytest.approx(np.abs(SCORES - theirs).max())
    assert found.mean_difference == pytest.approx(np.abs(SCORES - theirs).mean())


def test_outputs_are_compared_by_name() -> None:
    a, b = SCORES, SCORES[::-1]
    found = score({"a": a, "b": b}, {"a": LABELS}, TOP1, {"b": b, "a": a})
    assert (found.output, found.agreement, found.max_difference) == ("a", 1.0, 0.0)
    assert score({"a": a, "b": b}, {"a": LABELS}, TOP1, {"c": b, "d": a}).agreement is None


def test_mse() -> None:
    truth = RANDOM.normal(size=(500, 10))
    found = score({"y": SCORES}, {"labels": truth}, MSE, {"y": SCORES})
    assert found.value == pytest.approx(np.square(SCORES - truth).mean())
    assert (found.lower_is_better, found.agreement, found.max_difference) == (True, None, 0.0)
    both = score({"a": SCORES, "b": SCORES[:, :1]}, {"a": truth, "b": truth[:, :1]}, MSE)
    assert both.value == pytest.approx(
        (np.square(SCORES - truth).mean() + np.square(SCORES[:, :1] - truth[:, :1]).mean()) / 2
    )
    assert both.output is None
    by_size = score({"a": SCORES, "b": SCORES[:, :1]}, {"labels": truth[:, 0]}, MSE)
    assert by_size.output == "b"


def test_a_mean_over_nan_is_no_figure() -> None:
    found = score({"y": np.array([[np.nan], [1.0]])}, {"labels": np.array([1.0, 1.0])}, MSE)
    assert (found.value, found.non_finite) == (None, 1)


def test_large_outputs_are_scored_in_parts() -> None:
    wide = RANDOM.random((5, 600_000), np.float32)
    found = score({"y": wide}, {"labels": wide.argmax(axis=1)}, TOP1, {"y": wide})
    assert (found.correct, found.agreement) == (5, 1.0)


@pytest.mark.parametrize(
    ("outputs", "labels", "metric", "said"),
    [
        ({"a": SCORES, "b": SCORES}, LABELS, "top-1", r"a \(N, 10\), b \(N, 10\) all look like .*; name the array"),
        (
            {"a": SCORES[:, :1]},
            LABELS,
            "top-1",
            r"no output holds a score for each .*\(a \(N, 1\)\); give --metric mse",
        ),
        ({"a": SCORES}, LABELS + 1, "top-1", r"labels 1\.\.10 do not fit output a with 10 classes, counted from 0"),
        ({"a": SCORES}, SCORES[:, :3], "top-1", r"shape \(N, 3\) are neither class indices nor one-hot for the 10"),
        ({"a": SCORES}, LABELS + 0.5, "top-1", "no whole numbers"),
        ({"a": SCORES}, LABELS[:99], "top-1", r"are of \[99, 500\] samples"),
        ({"a": SCORES}, LABELS, "mse", r"labels of shape \(N\) do not fit the outputs a \(N, 10\)"),
        ({"a": SCORES, "b": SCORES}, SCORES, "mse", "name the array of labels after the output"),
    ],
)
def test_what_does_not_go_together(outputs: Any, labels: Any, metric: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        score(outputs, {"labels": labels}, parse_metric(metric))


def test_metric_names() -> None:
    assert (parse_metric("top-5").k, parse_metric("top1").name) == (5, "top-1")
    for text in ("top-0", "top-k", "accuracy", "", "nothing.py:f"):
        with pytest.raises(DataError, match=r"give top-1|there is no file"):
            parse_metric(text)

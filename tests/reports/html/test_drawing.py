from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from tests.builders import report as sample
from tflite_audit.reports import summary
from tflite_audit.reports.document import Report
from tflite_audit.reports.html import drawing


def drawn(report: Report) -> tuple[drawing.Drawing | None, drawing.Drawing | None]:
    rows = summary.variants(report)
    return drawing.sizes(rows), drawing.scores(rows, summary.reference(report))


def test_bars_are_in_proportion() -> None:
    sizes, _ = drawn(sample.digits())
    assert sizes is not None
    lengths = {line.name: line.x - drawing.LEFT for line in sizes.lines if line.x is not None}
    assert lengths["float32"] == drawing.RIGHT - drawing.LEFT
    assert lengths["dynamic"] / lengths["float32"] == pytest.approx(24072 / 84824, abs=0.001)


def test_labels_cannot_meet() -> None:
    for build in (sample.digits, sample.troubled):
        for drawn_ in drawn(build()):
            assert drawn_ is not None
            ys = [line.y for line in drawn_.lines]
            assert all(b - a >= 20 for a, b in pairwise(ys))
            xs = [x for x, _ in drawn_.ticks]
            assert all(b - a >= 25 for a, b in pairwise(xs))
            assert all(line.x is None or drawing.LEFT <= line.x <= drawing.RIGHT for line in drawn_.lines)


def test_noise_does_not_look_like_a_cliff() -> None:
    _, scores = drawn(sample.digits())
    assert scores is not None and scores.reference is not None
    xs = {line.name: line.x for line in scores.lines}
    assert xs["int8"] is not None
    assert 0 < scores.reference - xs["int8"] < 0.1 * (drawing.RIGHT - drawing.LEFT), "0.05 points"
    assert xs["float32"] == scores.reference


def test_what_did_not_convert_is_said_in_its_line() -> None:
    sizes, scores = drawn(sample.troubled())
    for it in (sizes, scores):
        assert it is not None
        assert [(line.x, line.figure) for line in it.lines if line.name == "int16x8"] == [(None, "crashed")]


def test_lower_is_better_is_known() -> None:
    _, scores = drawn(sample.troubled())
    assert scores is not None and scores.lower_is_better and not scores.percent


def test_no_drawing_where_there_is_nothing_to_compare() -> None:
    assert drawn(sample.empty()) == (None, None)
    assert drawn(sample.checked()) == (None, None), "files that have nothing to do with each other"
    one = sample.digits()
    one = msgspec.structs.replace(one, models=one.models[:1], conversions=one.conversions[:1])
    assert drawn(one) == (None, None)


@pytest.mark.parametrize("values", [(0.0, 0.0), (1.0, 1.0), (0.1, 0.99)])
def test_ends_of_the_scale(values: tuple[float, float]) -> None:
    report = sample.digits()
    models = [
        msgspec.structs.replace(m, evaluation=sample.evaluation(int(10000 * v), 0.1))
        for m, v in zip(report.models, values, strict=False)
    ]
    report = msgspec.structs.replace(report, models=models, conversions=report.conversions[:2], reference=None)
    _, scores = drawn(report)
    assert scores is not None and scores.ticks
    assert all(0 <= float(label) <= 100 for _, label in scores.ticks)

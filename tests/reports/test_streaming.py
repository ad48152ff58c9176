"""A model of one step, in words and tables."""

from __future__ import annotations

from msgspec.structs import replace

from tests.builders import report as sample
from tflite_audit.reports import streaming, text
from tflite_audit.reports.document import (
    DriftRecord,
    ExactnessRecord,
    StateScaleRecord,
    SteppedRecord,
    StepPortRecord,
    StepStateRecord,
    Streaming,
    WayRecord,
)
from tflite_audit.reports.html import render


def drift(name: str, largest: float, *, state: bool = False) -> DriftRecord:
    return DriftRecord(name, state, 2.0, largest, largest / 5, 0.0, 0.0, largest, None, [0.0, largest], 8, 96)


SCALES = [
    StateScaleRecord("lstm_h", (0.0078, 1), (0.0078, 1)),
    StateScaleRecord("lstm_c", (0.02, 0), (0.03, 0)),
]
FOUND = Streaming(
    layers=[("lstm", "LSTM")],
    inputs=[StepPortRecord("x", "float32", [1, 5], "step")],
    outputs=[StepPortRecord("y", "float32", [1, 3], "end")],
    states=[
        StepStateRecord("lstm_h", "lstm_h_out", "lstm", "float32", [1, 4], "zeros"),
        StepStateRecord("lstm_c", "lstm_c_out", "lstm", "float32", [1, 4], "zeros"),
    ],
    steps=12,
    sequences=8,
    length=12,
    longest=48,
    made_up=False,
    calibration_sequences=20,
    calibration_samples=240,
    exact=[ExactnessRecord("y", 1e-7, 1e-7, 8)],
    recipes=[
        SteppedRecord("float32", call_seconds=2e-5, drifts=[drift("y", 1e-7), drift("lstm_h_out", 0.5, state=True)]),
        SteppedRecord("int8", call_seconds=3e-5, drifts=[drift("y", 0.04)], scales=SCALES),
        SteppedRecord("int16x8", reason="the converter refused it"),
    ],
    ways=[
        WayRecord("as it is", "float32", "failed", works=False, reason="no list of tensors"),
        WayRecord("as it is", "int8", "failed", works=False, reason="no list of tensors"),
        WayRecord("batch 1", "float32", "converted", works=False, reason="not compared: another shape"),
        WayRecord("unrolled", "int8", None, works=False, reason="the budget was used up"),
        WayRecord(
            "one step a call", "int8", "converted", works=True, forms="1 one step", operators=20, bytes=5000,
            call_seconds=3e-5, calls=12, relative_difference=0.04, compared_on="calibration data",
        ),
    ],
)  # fmt: skip


def test_the_worst_output_stands_for_a_recipe_and_states_do_not() -> None:
    rows = {row.cells[0]: row for row in streaming.drift_rows(FOUND)}
    assert rows["float32"].cells[1] == "under 0.001 %"
    assert rows["int8"].cells[1:] == ("4 %", "0.8 %", "0 %", "4 %", "\u2013", "30 µs", "differ: lstm_c")
    assert rows["int16x8"].cells[1] == "not compared"
    assert rows["int16x8"].bad


def test_scales_that_differ_by_the_rounding_of_floats_are_one() -> None:
    assert streaming.same_scale((0.01, 3), (0.01 * (1 + 1e-7), 3))
    assert not streaming.same_scale((0.01, 3), (0.0101, 3))
    assert not streaming.same_scale((0.01, 3), (0.01, 4))
    assert not streaming.same_scale(None, (0.01, 4))


def test_ways_side_by_side() -> None:
    rows = streaming.way_rows(FOUND.ways)
    assert [row.cells[:3] for row in rows] == [
        ("as it is", "float32", "failed"),
        ("", "int8", "failed"),
        ("batch 1", "float32", "not compared"),
        ("unrolled", "int8", "not tried"),
        ("one step a call", "int8", "converted"),
    ]
    assert rows[-1].cells[6:] == ("30 µs", "360 µs", "4 %")
    assert streaming.reasons(FOUND.ways)[0] == ("as it is, float32; as it is, int8", "no list of tensors")


def way(name: str, recipe: str, *, bytes: int, seconds: float, calls: int = 1, operators: int = 10) -> WayRecord:
    return WayRecord(
        name, recipe, "converted", works=True, operators=operators, bytes=bytes, call_seconds=seconds, calls=calls
    )


def test_the_smallest_and_the_fastest_for_each_recipe() -> None:
    step = way("one step a call", "int8", bytes=1000, seconds=1e-5, calls=20, operators=20)
    fused = way("tf_keras", "int8", bytes=500, seconds=3e-5)
    loose = way("unrolled", "int8", bytes=15000, seconds=2e-5, operators=50)
    failed = WayRecord("batch 1", "int8", "crashed", works=False)
    assert streaming.chosen([failed, fused, loose, step]) == [
        (
            "int8",
            "tf_keras is the smallest; unrolled is the fastest for a whole sequence; unrolled takes 2.5 times the "
            "operators and 15 times the bytes of one step a call",
        )
    ]
    assert streaming.chosen([fused, step]) == [
        ("int8", "tf_keras is the smallest, and the fastest for a whole sequence")
    ]
    assert streaming.chosen([failed, step]) == [("int8", "only one step a call works")]
    assert streaming.chosen([failed, failed]) == [("int8", "no way works")]
    assert streaming.chosen([step]) == []  # nothing to choose from


def test_what_is_said_of_the_comparison() -> None:
    said = streaming.compared(FOUND)
    assert "8 sequences of the calibration set, 12 steps each" in said
    assert "two of them go on to 48" in said
    assert "where it has no answer of its own, the float step model stands for it" in said
    assert "made-up" in streaming.compared(replace(FOUND, made_up=True))
    same = replace(FOUND, exact=[ExactnessRecord("y", 0.0, 0.0, 8)])
    assert streaming.compared(same).endswith("the step model's answers are the source model's (y, 8 answers).")


def test_it_is_in_the_text_and_in_the_page() -> None:
    report = replace(sample.digits(), streaming=FOUND)
    lines = text.render(report)
    assert "one step: x[1,5] and 2 states → y[1,3] and the new states" in lines
    assert "the budget was used up" in lines
    page = render(report)
    assert 'id="streaming"' in page
    assert "lstm_c_out" in page
    assert "differ: lstm_c" in page
    assert 'id="streaming"' not in render(sample.digits())

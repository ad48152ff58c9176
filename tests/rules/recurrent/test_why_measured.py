"""The table of causes says what the converter does."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.builders import converted
from tests.conftest import REPOSITORY
from tests.recurrent import grid
from tflite_audit.analyzer.conversion.types import Outcome, Precision
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent import why_measured
from tflite_audit.rules.recurrent.forms import Form
from tflite_audit.rules.recurrent.why_measured import BECAME, FAILS, FORMS, LONGER, MASKED_UNROLLED

PACKAGE = {Form.FUSED: "tf_keras", Form.LOOP: "keras", Form.UNROLLED: "keras"}


def settings(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.builders.recurrent_settings", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_every_setting(package: str) -> None:
    ended = settings(package)
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    told = [getattr(measured, package) for measured in FORMS]
    assert {(m.layer, m.setting): f for m, f in zip(FORMS, found, strict=True)} == {
        (m.layer, m.setting): t for m, t in zip(FORMS, told, strict=True)
    }


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("form", LONGER)
@pytest.mark.parametrize("precision", Precision)
def test_what_a_form_becomes(form: Form, precision: Precision) -> None:
    ended = settings(PACKAGE[form], form, precision)
    told = LONGER[form][precision]
    match told.how:
        case why_measured.CONVERTS:
            assert ended.returncode == 0, ended.stderr[-2000:]
            found, size, _ = json.loads(ended.stdout.splitlines()[-1])
            assert found == form
            assert size == pytest.approx(told.bytes, rel=0.02)
        case why_measured.KILLED:
            assert ended.returncode == -11
        case why_measured.REFUSED:
            assert "Quantization to 16x8-bit not yet supported" in ended.stderr
            assert ended.returncode == 1
        case other:
            pytest.fail(other)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("name", "package", "layer", "setting"),
    [
        ("lstm_fused", "tf_keras", "LSTM", "as it is"),
        ("lstm_loop", "keras", "LSTM", "as it is"),
        ("lstm_unrolled", "keras", "LSTM", "unroll=True"),
        ("lstm_stateful", "keras", "LSTM", "stateful=True"),
        ("gru_loop", "keras", "GRU", "as it is"),
    ],
)
def test_some_settings(name: str, package: str, layer: str, setting: str) -> None:
    (told,) = [getattr(m, package) for m in FORMS if (m.layer, m.setting) == (layer, setting)]
    recurrent = Facts(model=converted.model(name)).recurrent
    assert recurrent is not None
    assert [found.form for found in recurrent.layers] == [told]


def test_the_table_is_whole() -> None:
    assert len({(m.layer, m.setting) for m in FORMS}) == len(FORMS)
    assert {m.tf_keras for m in FORMS} | {m.keras for m in FORMS} == {*PACKAGE, FAILS, ""}
    assert all(m.keras != Form.FUSED for m in FORMS), "Keras 3 fuses nothing"


MODELS = {
    "lstm_tf_keras_batch1_rolled_stateless": BECAME[Form.FUSED],
    "lstm_keras3_batch1_rolled_stateless": BECAME[Form.LOOP],
    "lstm_keras3_batch1_unrolled_stateless": BECAME[Form.UNROLLED],
    "masked_keras3_batch1_unrolled_stateless": MASKED_UNROLLED,
}
HOW = {Outcome.CONVERTED: why_measured.CONVERTS, Outcome.FAILED: why_measured.REFUSED}


@pytest.mark.parametrize("name", MODELS)
def test_what_became_is_what_the_grid_has(name: str) -> None:
    """Bytes differ by the names of layers, times by the machine."""
    rows = {row.recipe: row for row in grid.load().rows if row.source == name}
    for precision, became in MODELS[name].items():
        row = rows[precision]
        assert became.how == HOW.get(Outcome(row.outcome), why_measured.KILLED), precision
        if became.bytes is not None:
            assert became.bytes == pytest.approx(row.bytes, rel=0.02), precision
            assert became.microseconds == pytest.approx(row.microseconds, rel=0.3), precision


def test_what_is_said_of_speed_and_size() -> None:
    """R001, R002, R003 and their remedies."""
    for measured in (BECAME, LONGER):
        assert {form: {p: became.how for p, became in of.items()} for form, of in measured.items()} == {
            form: {p: became.how for p, became in of.items()} for form, of in BECAME.items()
        }
        for precision in (Precision.FLOAT32, Precision.FLOAT16, Precision.DYNAMIC):
            fused, loop, unrolled = (measured[form][precision] for form in (Form.FUSED, Form.LOOP, Form.UNROLLED))
            assert (fused.bytes or 0) < (loop.bytes or 0) < (unrolled.bytes or 0)
            assert (unrolled.microseconds or 0) < (loop.microseconds or 0)
            share = (fused.microseconds or 0) / (unrolled.microseconds or 1)
            assert share < (0.6 if measured is LONGER else 1.2), "as fast over few steps, faster over many"
        fused, unrolled = measured[Form.FUSED][Precision.INT8], measured[Form.UNROLLED][Precision.INT8]
        assert (fused.bytes or 0) < (unrolled.bytes or 0) / 3
        assert (fused.microseconds or 0) > 8 * (unrolled.microseconds or 0)


def test_the_table_for_a_finding() -> None:
    table = why_measured.table()
    assert table.columns == ("form", "float32", "float16", "dynamic", "int8", "int16x8")
    assert len(table.rows) == 7
    assert table.rows[0] == (
        "fused, 8 steps",
        "49,012 bytes, 15 µs",
        "27,064 bytes, 15 µs",
        "14,768 bytes, 14 µs",
        "15,584 bytes, 92 µs",
        "is refused",
    )


def test_in_words() -> None:
    assert why_measured.quantizes(Form.LOOP) == "float16 and dynamic convert; int8 and int16x8 kill the converter."
    assert why_measured.quantizes(Form.FUSED) == "float16, dynamic and int8 convert; int16x8 is refused."
    assert why_measured.quantizes(Form.UNROLLED) == "float16, dynamic, int8 and int16x8 convert."
    assert why_measured.quantizes(Form.STEP) == ""

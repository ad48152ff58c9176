"""The measured grid is whole, every cell of it has its reason, and the page says what was measured."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.recurrent import grid as grids
from tests.recurrent import page, settings
from tests.recurrent.gathering import Gathering
from tests.recurrent.grid import BY_NAME, UNBUILT, Grid, Layer, Row, Why
from tests.recurrent.measure import judged
from tests.recurrent.sources import SOURCES, Source
from tflite_audit.analyzer.conversion.recipe import BUILT_IN
from tflite_audit.analyzer.conversion.types import Outcome
from tflite_audit.rules.precision import Arithmetic
from tflite_audit.rules.recurrent.forms import Form

GRID = grids.load()


def row(source: str, recipe: str = "float32") -> Row:
    return next(row for row in GRID.rows if (row.source, row.recipe) == (source, recipe))


def test_every_cell_is_there_once() -> None:
    cells = [(source.name, recipe.name) for source in SOURCES for recipe in BUILT_IN]
    assert [(row.source, row.recipe) for row in GRID.rows] == cells


def test_no_cell_is_unexplained() -> None:
    missing = [(row.source, row.recipe, *found) for row in GRID.rows if (found := row.unexplained(BY_NAME[row.source]))]
    assert not missing


def test_the_page_says_what_was_measured() -> None:
    assert page.PAGE.read_text() == page.page(GRID), "run `python -m tests.recurrent.page`"


def test_the_page_is_for_people() -> None:
    text = page.PAGE.read_text()
    assert len(text.splitlines()) < 400
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) < 500


def test_causes_name_no_machine() -> None:
    assert not [text for text in GRID.texts if "/tmp" in text or "/home" in text or "sources.py" in text]


def test_what_everybody_meets() -> None:
    assert row("lstm_keras3_free_rolled_stateless").codes == ("F201",)
    assert row("lstm_tf_keras_batch1_rolled_stateless", "int8").layers == (Layer(Form.FUSED, "LSTM", Arithmetic.INT8),)
    assert row("lstm_tf_keras_batch1_rolled_stateless", "int16x8").codes == ("F301",)
    assert row("lstm_keras3_batch1_rolled_stateless").form is Form.LOOP
    assert row("lstm_keras3_batch1_rolled_stateless", "int8").codes == ("F305",)
    assert row("lstm_keras3_batch1_unrolled_stateless", "int16x8").clean
    assert row("lstm_keras3_free_rolled_stateful").outcome == UNBUILT


def test_a_state_is_kept_by_stateful_models() -> None:
    stateful = [row for row in GRID.rows if BY_NAME[row.source].state == "stateful" and row.converted]
    assert stateful
    assert not [(row.source, row.recipe) for row in stateful if row.wrong]


class TestUnexplained:
    """The count of cells without a reason is not zero because nothing is looked for."""

    source = BY_NAME["lstm_keras3_batch1_rolled_stateless"]
    loop = Layer(Form.LOOP, "LSTM", Arithmetic.FLOAT32)

    def missing(self, outcome: str, *layers: Layer, recipe: str = "float32", codes: str = "", share: float = 0.0):
        whys = tuple(Why(code, 0) for code in codes.split())
        found = Row(self.source.name, recipe, outcome, layers, share=share, whys=whys)
        return found.unexplained(self.source)

    def test_a_failure(self) -> None:
        assert self.missing(Outcome.CRASHED) == ("crashed",)
        assert self.missing(Outcome.CRASHED, codes="X002 R002") == ("crashed",)
        assert self.missing(Outcome.CRASHED, codes="F305") == ()

    def test_a_form(self) -> None:
        assert self.missing(Outcome.CONVERTED) == ("no recurrent layer found",)
        assert self.missing(Outcome.CONVERTED, self.loop) == ("why not fused",)
        assert self.missing(Outcome.CONVERTED, self.loop, codes="R002") == ()

    def test_float_in_an_integer_recipe(self) -> None:
        assert self.missing(Outcome.CONVERTED, self.loop, recipe="int8", codes="R002") == ("why float",)
        assert self.missing(Outcome.CONVERTED, self.loop, recipe="int8", codes="R002 Q002") == ()

    def test_a_wrong_answer(self) -> None:
        assert self.missing(Outcome.CONVERTED, self.loop, codes="R002", share=0.5) == ("why wrong",)
        assert self.missing(Outcome.CONVERTED, self.loop, codes="R002 Q112", share=0.5) == ()


class TestSettings:
    """Sets of settings in few words."""

    models = tuple(source for source in SOURCES if source.layer == "lstm")

    def words(self, **values: str) -> str:
        chosen = [s for s in self.models if all(getattr(s, axis) == value for axis, value in values.items())]
        return settings.described(chosen, self.models)

    def test_one_setting(self) -> None:
        assert self.words(batch="batch1") == "batch 1"

    def test_several(self) -> None:
        assert self.words(package="tf_keras", run="unrolled") == "tf_keras, unrolled"

    def test_all(self) -> None:
        assert self.words() == "always"

    def test_what_cannot_be_built_does_not_count(self) -> None:
        possible = [s for s in self.models if (s.batch, s.state) != ("free", "stateful")]
        assert settings.described([s for s in possible if s.batch == "free"], possible) == "free batch"
        chosen = [s for s in possible if s.state == "stateful"]
        assert settings.described(chosen, possible) == "stateful"

    def test_two_sets(self) -> None:
        chosen = [s for s in self.models if s.batch == "batch1" or s.run == "unrolled"]
        assert set(settings.described(chosen, self.models).split("; or ")) == {"batch 1", "unrolled"}


def test_written_and_read(tmp_path: Path) -> None:
    whys = (Why("F305", 0), Why("R002", 1))
    row = Row("lstm_keras3_free_rolled_stateless", "int8", Outcome.CRASHED, (), 3, {"SPLIT": 1}, 9, 0.1, 0.2, 3.0, whys)
    grid = Grid({"tensorflow": "2"}, ['"quoted"', "two\nlines"], [row, msgspec.structs.replace(row, floats={})])
    grid.write(tmp_path / "measured.json")
    assert grids.load(tmp_path / "measured.json") == grid


AGAIN = (
    "lstm_keras3_free_rolled_stateless",
    "lstm_keras3_batch1_rolled_stateless",
    "lstm_tf_keras_batch1_rolled_stateless",
    "gru_keras3_free_unrolled_stateless",
    "conv_lstm_tf_keras_free_unrolled_stateless",
    "bidirectional_tf_keras_batch1_unrolled_stateful",
)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_measured_again(tmp_path: Path) -> None:
    """Whether a SPLIT stays float is not the same twice (see R001): these operators are not compared."""
    sources: list[Source] = [BY_NAME[name] for name in AGAIN]
    with Gathering(tmp_path, BUILT_IN) as gathering:
        again = judged({source: gathering(source) for source in sources})
    for new in again.rows:
        old = row(new.source, new.recipe)
        assert (new.outcome, new.layers) == (old.outcome, old.layers), (new.source, new.recipe)
        assert {c for c in new.codes if c[0] in "FRK"} == {c for c in old.codes if c[0] in "FRK"}
        if not new.precision.is_integer:
            assert new.operators == old.operators, (new.source, new.recipe)
            assert new.bytes == pytest.approx(old.bytes, rel=0.02)  # Keras numbers the names of layers

"""The code of remedies can be pasted, and does what it says."""

from __future__ import annotations

import ast
import importlib
from dataclasses import replace

import pytest

from tests.cases.case import FLOAT32, facts, made_from
from tests.cases.models import unrolled_lstm
from tests.cases.r001 import unrolled_gru
from tests.cases.r002 import gru, loop, lstm
from tests.cases.r003 import fused
from tests.rules.recurrent.test_why import answering_last
from tflite_audit.analyzer.conversion.types import (
    Conversion,
    Outcome,
    SourceGraph,
    SourceOperator,
    SourceRecurrent,
)
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.recurrent.why import Why, explain
from tflite_audit.rules.recurrent.why_obstacles import of_source
from tflite_audit.rules.recurrent.why_remedies import of_loop, of_unrolled
from tflite_audit.rules.rule import Remedy

LSTM = SourceRecurrent(
    "encoder", "LSTM", "keras", ("LSTMCell",), units=(8,), activation="tanh", recurrent_activation="sigmoid"
)
GRU = replace(LSTM, kind="GRU", cells=("GRUCell",))


def why(given: Facts) -> Why:
    assert given.model is not None
    assert given.recurrent is not None
    (found,) = explain(given.recurrent.layers, given.recurrent.layers, given.model, given.conversion)
    return found


MASKED_16X8 = "16x8 is refused: the quantizer has no form of SELECT_V2"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (LSTM, "keras.layers.LSTM(8, unroll=True, name='encoder')"),
        (LSTM, "tf_keras.layers.LSTM(8, name='encoder')"),
        (replace(LSTM, return_sequences=True), "tf_keras.layers.LSTM(8, return_sequences=True, name='encoder')"),
        (
            replace(LSTM, activation="relu", use_bias=False, recurrent_dropout=0.2, go_backwards=True),
            "keras.layers.LSTM(8, activation='relu', use_bias=False, recurrent_dropout=0.2, go_backwards=True, "
            "unroll=True, name='encoder')",
        ),
        (
            replace(LSTM, name="backward_lstm", inside=("pair",), go_backwards=True, merge_mode="concat"),
            "tf_keras.layers.Bidirectional(tf_keras.layers.LSTM(8), name='pair')",
        ),
        (
            replace(LSTM, name="forward_lstm", inside=("net", "pair"), merge_mode="sum"),
            "keras.layers.Bidirectional(keras.layers.LSTM(8, unroll=True), merge_mode='sum', name='pair')  # in net",
        ),
        (replace(LSTM, inside=("td",)), "keras.layers.LSTM(8, unroll=True, name='encoder')  # in td"),
        (replace(LSTM, package="tf_keras", masked=True), "tf_keras.layers.LSTM(8, unroll=True, name='encoder')"),
        (
            replace(LSTM, package="tf_keras", masked=True, time_major=True),
            "LSTM(8, time_major=True, unroll=True, name='encoder')",
        ),
        (replace(LSTM, use_bias=False), "tf_keras.layers.LSTM(8, name='encoder')  # then layer.set_weights(...)"),
        (replace(LSTM, kind="RNN"), "keras.layers.RNN(keras.layers.LSTMCell(8), unroll=True, name='encoder')"),
        (replace(LSTM, kind="MyLSTM"), "\nMyLSTM(8, unroll=True, name='encoder')  # with its other settings"),
    ],
)
def test_of_an_lstm_in_a_loop(source: SourceRecurrent, line: str) -> None:
    remedy = of_loop(why(made_from(loop(3, lstm), source)))
    ast.parse(remedy.code)
    assert line in remedy.code
    assert "tf_keras.Input" not in remedy.code, "what became a loop has a fixed batch"
    assert (
        "For the smallest file, and the fastest in float32, float16 and dynamic range: one fused operator"
        in remedy.text
    )
    assert "unroll its 7 steps" in remedy.text


def test_all_that_is_in_the_way_is_named() -> None:
    source = replace(LSTM, masked=True, state_used=True)
    text = of_loop(why(made_from(loop(3, lstm), source))).text
    assert "for it, build it with tf_keras; leave the mask out" in text
    assert "read the output of the last step" in text
    assert "with tf_keras" not in of_loop(why(made_from(loop(3, lstm), replace(source, package="tf_keras")))).text


def test_a_cell_state_that_is_read_is_only_unrolled() -> None:
    remedy = of_loop(why(made_from(loop(3, lstm), replace(LSTM, state_used=True, cell_state_used=True))))
    assert remedy.code == "keras.layers.LSTM(8, unroll=True, name='encoder')"
    assert remedy.text.startswith("For int8 and 16x8: unroll its 7 steps.")


def test_what_never_fuses_is_unrolled() -> None:
    remedy = of_loop(why(made_from(loop(2, gru), GRU)))
    assert remedy.code == "keras.layers.GRU(8, unroll=True, name='encoder')"
    assert "fused" not in remedy.text
    assert "`tflite-audit streamify SOURCE`" in remedy.text
    own = of_loop(why(made_from(loop(2, gru), replace(GRU, kind="RNN", cells=("models.Cell",)))))
    assert own.code == "keras.layers.RNN(Cell(...), unroll=True, name='encoder')"


def test_a_mask_keeps_from_16x8() -> None:
    remedy = of_loop(why(made_from(loop(2, gru), replace(GRU, masked=True))))
    assert remedy.text.startswith(f"For int8: unroll its 7 steps. {MASKED_16X8}")
    fusable = of_loop(why(made_from(loop(3, lstm), replace(LSTM, masked=True))))
    assert "\n# or, for int8\n" in fusable.code
    assert "streamify" not in remedy.text + fusable.text
    free = replace(GRU, kind="LSTM", cells=("LSTMCell",), unroll=True, masked=True)
    masked = why(made_from(unrolled_lstm(5), free))
    kept = of_unrolled(replace(masked, free_batch=True)).text
    assert kept.startswith(f"Keep it for int8; {MASKED_16X8}")
    assert "With a free batch and a mask no runtime calls the int8 model." in kept
    assert "no runtime" not in of_unrolled(masked).text


@pytest.mark.parametrize(
    "source",
    [
        replace(LSTM, go_backwards=True),
        replace(LSTM, package="tf_keras", time_major=True),
        replace(LSTM, state_given=True),
        replace(LSTM, inside=("td",), in_graph=False),
        replace(LSTM, name="forward_lstm", inside=("pair",), merge_mode="concat"),
    ],
)
def test_streaming_is_no_remedy_where_it_is_refused(source: SourceRecurrent) -> None:
    assert "streamify" in of_loop(why(made_from(loop(3, lstm), LSTM))).text
    assert "streamify" not in of_loop(why(made_from(loop(3, lstm), source))).text
    beside = replace(source, name="beside", kind="GRU", cells=("GRUCell",))
    assert "streamify" not in of_loop(why(made_from(loop(3, lstm), LSTM, beside))).text


def test_layers_over_different_steps_cannot_stream() -> None:
    beside = replace(GRU, name="beside", steps=9)
    assert "streamify" in of_loop(why(made_from(loop(3, lstm), replace(LSTM, steps=9), beside))).text
    assert "streamify" not in of_loop(why(made_from(loop(3, lstm), replace(LSTM, steps=7), beside))).text


def test_a_loop_on_lists_that_need_flex() -> None:
    found = why(made_from(loop(2, gru), GRU))
    flex = replace(found, layers=(replace(found.first, lowered="flex"),), free_batch=True)
    assert of_loop(flex).text.startswith("With a fixed batch the loop needs no Flex operators. For int8")
    assert "Flex" not in of_loop(replace(flex, free_batch=False)).text


def test_many_steps_are_many() -> None:
    assert "which are many" not in of_loop(why(facts(loop(3, lstm, limit=64)))).text
    assert "each operator of a step 100 times" in of_loop(why(facts(loop(3, lstm, limit=100)))).text


def test_of_an_unrolled_layer() -> None:
    fixed = why(made_from(unrolled_lstm(5), replace(LSTM, unroll=True)))
    remedy = of_unrolled(replace(fixed, free_batch=True))
    assert remedy.text.startswith("Keep it for int8, in which it runs fastest, and for 16x8")
    assert "build it with tf_keras; leave out unroll=True; fix the batch, for one operator" in remedy.text
    assert remedy.code.endswith("tf_keras.Input(..., batch_size=1)\ntf_keras.layers.LSTM(8, name='encoder')")
    assert "Input" not in of_unrolled(fixed).code
    assert "fix the batch" not in of_unrolled(fixed).text


def test_of_code_of_ones_own() -> None:
    """It is no layer of Keras, which could be built in another way."""
    graph = SourceGraph((SourceOperator("MatMul", "MatMul"),))
    made = Conversion(FLOAT32, Outcome.CONVERTED, recurrent=(), graph=graph)
    lstm_remedy = of_unrolled(why(Facts(model=unrolled_lstm(5).model(), conversion=made)))
    assert "write it as a function that says so, as examples/lstm_cell_simple.py does, for one" in lstm_remedy.text
    assert 'experimental_attributes={"api_implements"' in lstm_remedy.code
    gru_remedy = of_unrolled(why(Facts(model=unrolled_gru(5).model(), conversion=made)))
    assert "run the steps in a tf.while_loop; a loop takes longer" in gru_remedy.text
    assert gru_remedy.code == ""
    looping = replace(made, graph=SourceGraph((SourceOperator("While", "while"),)))
    loop_remedy = of_loop(why(Facts(model=loop(2, gru).model(), conversion=looping)))
    assert (loop_remedy.text, loop_remedy.code) == ("For int8 and 16x8: unroll its 7 steps.", "")
    for remedy in (lstm_remedy, gru_remedy, loop_remedy):
        assert "keras" not in remedy.text + remedy.code
        assert "streamify" not in remedy.text
        assert "unroll=True" not in remedy.text


def test_several_layers() -> None:
    sources = [replace(LSTM, name=name, package="tf_keras", masked=True) for name in ("a", "b")]
    remedy = of_loop(replace(why(made_from(fused(times=2), *sources)), obstacles=of_source(sources[0])))
    assert "\ntf_keras.layers.LSTM(8, name='a')\ntf_keras.layers.LSTM(8, name='b')\n" in remedy.code
    assert "For int8, where that is fastest: unroll their 4 steps. 16x8 is refused" in remedy.text
    assert "two in a row answered wrongly" in remedy.text


def test_without_the_source() -> None:
    code = of_loop(why(facts(answering_last(loop(3, lstm))))).code
    assert "tf_keras.layers.LSTM(8)  # with its other settings" in code
    ast.parse(code)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_code_fuses_and_unrolls() -> None:
    from tests.builders.recurrent_settings import convert, form

    remedy: Remedy = of_loop(why(made_from(loop(3, lstm), replace(LSTM, return_sequences=True))))
    for code, recipe, made in zip(
        remedy.code.split("# or, for int8 and 16x8\n"), ("float32", "int16x8"), ("fused", "unrolled"), strict=True
    ):
        *imports, layer = code.strip().splitlines()
        package = importlib.import_module("tf_keras" if imports else "keras")
        inputs = package.Input(batch_shape=(1, 7, 3))
        model = package.Model(inputs, eval(layer, {package.__name__: package})(inputs))
        assert form(convert(model, recipe)) == made

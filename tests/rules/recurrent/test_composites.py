"""What becomes of functions that say what they implement: real conversions, and what the rules say of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tflite_audit
from tests.cases.case import FLOAT32
from tflite_audit.analyzer.conversion.types import Conversion, Outcome, SourceGraph
from tflite_audit.analyzer.model import flatbuffer
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, RuleOutcome, judge
from tflite_audit.rules.rule import Finding, Status

pytestmark = pytest.mark.tensorflow

STEPS, INPUTS, UNITS = 3, 2, 4
LSTM = {"api_implements": "lstm_mine", "time_major": False, "go_backwards": False}
Convert = Callable[..., Facts]


@pytest.fixture(scope="module")
def convert(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Converts a function of a sequence to facts, by way of a SavedModel, as the recorder sees them."""
    import tensorflow as tf

    from tflite_audit.analyzer.conversion import inventory

    def converted(
        function: Any, shape: tuple[int | None, ...] | None = (1, STEPS, INPUTS), module: Any = None, **settings: Any
    ) -> Facts:
        folder = tmp_path_factory.mktemp("composite")
        holder = tf.Module()
        holder.held = module
        holder.call = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32, name="x")])
        tf.saved_model.save(holder, str(folder), signatures=holder.call.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        for name, value in settings.items():
            setattr(converter, name, value)
        path = folder / "model.tflite"
        path.write_bytes(converter.convert())
        graph = inventory.of_saved_model(folder)
        return Facts(_read(path), Conversion(FLOAT32, Outcome.CONVERTED, model=str(path), graph=graph))

    return converted


def _read(path: Path) -> Model:
    return flatbuffer.read(path)


def body(activation: Any = None, results: int = 5) -> Any:
    """The steps of an LSTM with the interface of Keras's."""
    import tensorflow as tf

    activation = activation or tf.tanh

    def lstm(x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any, *mask: Any) -> Any:
        outputs: list[Any] = []
        for step in range(STEPS):
            gates = x[:, step] @ kernel + h @ recurrent + bias
            for factor in mask:
                gates *= factor[:, step : step + 1]
            i, f, candidate, o = tf.split(gates, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * activation(candidate)
            h = tf.sigmoid(o) * activation(c)
            outputs.append(h)
        return (h, tf.stack(outputs, 1), h, c, tf.constant(0.0))[:results]

    return lstm


def weights() -> tuple[Any, Any, Any]:
    import numpy as np

    random = np.random.default_rng(0)
    shapes = ((INPUTS, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,))
    return tuple(random.normal(size=shape).astype(np.float32) for shape in shapes)  # pyright: ignore[reportReturnType]


def model(
    lstm: Any,
    attributes: dict[str, Any] = LSTM,
    *,
    read: int = 1,
    start: float = 0.0,
    mask: bool = False,
) -> Any:
    """A function of a sequence that calls an LSTM."""
    import tensorflow as tf

    composite = tf.function(lstm, experimental_attributes=attributes, autograph=False)

    def call(x: Any) -> Any:
        batch = x.shape[0] or tf.shape(x)[0]
        state = tf.zeros((batch, UNITS)) if not start else tf.constant([[start] * UNITS])
        masks = [tf.ones((1, STEPS))] if mask else []
        return composite(x, state, tf.zeros((batch, UNITS)), *map(tf.constant, weights()), *masks)[read]

    return call


def calling(called: Any, *more: Any) -> Any:
    """A function of one argument that calls another."""

    def call(x: Any) -> Any:
        return called(x, *more)

    return call


def outcome(facts: Facts, code: str) -> RuleOutcome:
    (found,) = judge([registry.find(code)], facts)
    assert found.status is not Status.ERROR, found.reason
    return found


def finding(facts: Facts, code: str = "R007") -> Finding:
    (found,) = outcome(facts, code).findings
    return found


def operators(facts: Facts) -> set[str]:
    assert facts.model is not None
    return {op.name for _, op in facts.model.operators}


def test_the_interface_of_keras_is_fused_whoever_uses_it(convert: Convert) -> None:
    facts = convert(model(body()))
    assert operators(facts) == {"UNIDIRECTIONAL_SEQUENCE_LSTM"}
    assert outcome(facts, "R007").status is outcome(facts, "R009").status is Status.PASSED
    assert facts.conversion is not None and facts.conversion.graph is not None
    (composite,) = facts.conversion.graph.composites
    assert (composite.name, composite.implements, composite.attribute) == ("lstm", "lstm_mine", "api_implements")
    assert composite.inputs[:2] == (("float32", (1, STEPS, INPUTS)), ("float32", (1, UNITS)))
    assert (len(composite.inputs), len(composite.outputs), composite.read, composite.called) == (6, 5, (1,), 1)
    assert composite.attributes == {"time_major": False, "go_backwards": False}
    assert (composite.operators["Tanh"], composite.operators["Sigmoid"]) == (2 * STEPS, 3 * STEPS)
    assert composite.nonzero == (3, 4, 5), "the weights, and no state"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"read": 3}, "Its result 3 is read (the cell state)"),
        ({"mask": True}, "taken for a mask"),
        ({"attributes": {**LSTM, "api_implements": "my_lstm"}}, "knows names that begin with `lstm_`"),
        ({"attributes": {"_implements": "lstm_mine"}}, "is a name of `api_implements`"),
    ],
    ids=["state read", "mask", "name", "attribute"],
)
def test_not_fused_for_a_reason(convert: Convert, change: dict[str, Any], cause: str) -> None:
    facts = convert(model(body(), **change))
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in operators(facts)
    assert cause in (finding(facts).cause or "")


def test_not_fused_with_four_results(convert: Convert) -> None:
    assert "4 results; the interface has 5" in (finding(convert(model(body(results=4)))).cause or "")


def test_not_fused_with_a_free_batch(convert: Convert) -> None:
    assert "batch is free" in (finding(convert(model(body()), (None, STEPS, INPUTS))).cause or "")


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("LayerNormalizedLSTMCellSimple", "it knows `LayerNormalizedLstmCellSimple`"),
        ("LSTMCellSimple,CoupleInputForgetGates", "options behind a comma make it another one"),
        ("my_operator", "knows no `my_operator`; of `_implements` it knows `LSTMCellSimple`"),
        ('name: "MyOp" attr { key: "alpha" value { f: 0.5 } }', "does not say `tfl_fusable_op`"),
    ],
    ids=["spelling", "options", "unknown", "structured"],
)
def test_names_that_the_converter_passes_over(convert: Convert, name: str, cause: str) -> None:
    import tensorflow as tf

    def halved(x: Any) -> Any:
        return tf.nn.relu(x) * 0.5

    facts = convert(calling(tf.function(halved, experimental_implements=name)))
    assert operators(facts) == {"RELU", "MUL"}
    assert cause in (finding(facts).cause or "")


def test_not_fused_without_a_rank(convert: Convert) -> None:
    import tensorflow as tf

    def cell(x: Any, w: Any, b: Any, p: Any) -> Any:
        return tf.tanh(tf.reshape(x, (1, INPUTS)) @ w + b) @ p

    composite = tf.function(cell, experimental_implements="LSTMCellSimple")
    w, b, p = tf.ones((INPUTS, 4 * UNITS)), tf.ones(4 * UNITS), tf.ones((4 * UNITS, UNITS))
    facts = convert(calling(composite, w, b, p), None)
    assert "number of dimensions" in (finding(facts).cause or "")


def test_custom_operators_and_lookups_are_told_as_fused(convert: Convert) -> None:
    import tensorflow as tf

    @tf.function(experimental_implements='name: "MyOp" attr { key: "tfl_fusable_op" value { b: true } }')
    def mine(x: Any) -> Any:
        return tf.nn.relu(x)

    @tf.function(experimental_implements="embedding_matmul")
    def lookup(table: Any, indices: Any) -> Any:
        return tf.one_hot(indices, 7) @ table

    def call(x: Any) -> Any:
        return lookup(tf.ones((7, 3)), tf.cast(mine(x), tf.int32))

    facts = convert(call, (2,), allow_custom_ops=True)
    assert {"MyOp", "EMBEDDING_LOOKUP"} <= operators(facts)
    assert outcome(facts, "R007").status is Status.PASSED


def test_a_fused_function_whose_body_is_another(convert: Convert) -> None:
    import tensorflow as tf

    facts = convert(model(body(tf.nn.relu), start=0.5))
    assert operators(facts) == {"UNIDIRECTIONAL_SEQUENCE_LSTM"}
    message = finding(facts, "R009").message
    assert "has Relu, the operator sigmoid and tanh only" in message
    assert "starts from a state that is not zero" in message


def test_tf_keras_is_left_to_the_rules_on_layers(convert: Convert) -> None:
    import tf_keras

    given = tf_keras.Input(batch_shape=(1, STEPS, INPUTS))
    layer = tf_keras.layers.LSTM(UNITS)
    keras = tf_keras.Model(given, layer(given))
    facts = convert(calling(keras), module=keras)
    assert facts.conversion is not None and isinstance(facts.conversion.graph, SourceGraph)
    assert [c.implements[:5] for c in facts.conversion.graph.composites] == ["lstm_"]
    assert outcome(facts, "R007").status is Status.NOT_APPLICABLE


CRASHING = """
import numpy as np, tensorflow as tf

def cell(x, weights, bias, projection, *scale):
    gates = tf.concat([x, tf.zeros((1, 2))], 1) @ weights + bias
    a, i, f, o = tf.split(gates, 4, 1)
    return tf.matmul(tf.sigmoid(o) * tf.tanh(tf.sigmoid(i) * tf.tanh(a)), projection)

def of(name, *more):
    composite = tf.function(cell, experimental_implements=name)
    module = tf.Module()
    module.given = [tf.Variable(tf.ones(shape)) for shape in ((5, 16), (16,), (4, 2), *more)]
    module.call = tf.function(
        lambda x: composite(x, *(v.read_value() for v in module.given)),
        input_signature=[tf.TensorSpec((1, 3), tf.float32, name="x")],
    )
    return module

def simple():
    return of("LSTMCellSimple")

def normalized():
    return of("LayerNormalizedLstmCellSimple", (16,))

def keras(attributes, read=True, dtype=tf.float32):
    def lstm(x, h, c, *weights):
        return h, x[:, :, :1] * h, h, c, h
    composite = tf.function(lstm, experimental_attributes={"api_implements": "lstm_x", **attributes}, autograph=False)
    module = tf.Module()
    module.given = [tf.Variable(tf.ones(shape, dtype)) for shape in ((3, 16), (4, 16), (16,))]
    zero = tf.zeros((1, 4), dtype)
    def call(x):
        return composite(x, zero, zero, *((v.read_value() if read else v) for v in module.given))[1]
    module.call = tf.function(call, input_signature=[tf.TensorSpec((1, 5, 3), dtype, name="x")])
    return module

def without_time_major():
    return keras({})

def variables():
    return keras({"time_major": False}, read=False)

def captured():
    module = keras({"time_major": False})
    def lstm(x, h, c):
        w = sum(tf.reduce_sum(v) for v in module.given)
        return h, x[:, :, :1] * h * w, h, c, h
    attributes = {"api_implements": "lstm_x", "time_major": False}
    composite = tf.function(lstm, experimental_attributes=attributes, autograph=False)
    zero = tf.zeros((1, 4))
    signature = [tf.TensorSpec((1, 5, 3), tf.float32, name="x")]
    module.call = tf.function(lambda x: composite(x, zero, zero)[1], input_signature=signature)
    return module

def float64():
    return keras({"time_major": False}, dtype=tf.float64)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "outcome", "cause"),
    [
        ("simple", "crashed", "rewrites the function with a `tensor.cast`"),
        ("normalized", "crashed", "rewrites the function with a `tensor.cast`"),
        ("without_time_major", "failed", "(`time_major`)"),
        ("float64", "failed", "computes in float64"),
    ],
)
def test_functions_that_end_the_conversion(tmp_path: Path, name: str, outcome: str, cause: str) -> None:
    ended, found = _run(tmp_path, name)
    assert ended == outcome
    assert [cause in (f.cause or "") for f in found if f.rule == "F307"] == [True]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["captured", "variables"])
def test_variables_that_the_function_reads_by_itself(tmp_path: Path, name: str) -> None:
    ended, found = _run(tmp_path, name)  # the converter reads past the arguments: what comes of it, depends
    causes = {f.rule: f.cause or "" for f in found}
    if ended == "crashed":
        assert "3 arguments besides 3 variables" in causes["F307"]
    else:
        assert "reads 3 variables by itself" in causes["R007"]


def _run(folder: Path, name: str) -> tuple[str, list[Any]]:
    source = folder / "model.py"
    source.write_text(CRASHING)
    report = tflite_audit.run(f"{source}:{name}", recipes=["float32"], output=folder / "out")
    (conversion,) = report.conversions
    return conversion.outcome, [*report.findings]

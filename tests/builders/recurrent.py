"""Models with recurrent layers in every form, and models that look like it, converted by TensorFlow in this process.

Each has its layers as a person knows them from the source: form, cell, steps, units, and what else is worth checking.
Loops are never quantized with samples: that kills the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tflite_audit.analyzer.model.types import Model

LOOP, UNROLLED, STEP, FUSED = "loop", "unrolled", "one step", "fused"


@dataclass(frozen=True)
class Layer:
    """A recurrent layer as the source has it; `told` holds further fields of RecurrentLayer."""

    form: str
    cell: str
    steps: int | None
    units: int | None
    told: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Source:
    """A model: how it is built, and its recurrent layers.

    Attributes:
        quick: it is converted in every run of the tests, not only in the long one.
    """

    build: Callable[[], bytes]
    layers: tuple[Layer, ...]
    quick: bool = False


@cache
def model(name: str) -> Model:
    """The model of that name, converted and read."""
    from tflite_audit.analyzer.model.flatbuffer import parse

    return parse(SOURCES[name].build(), f"{name}.tflite")


def _layer(form: str, cell: str, steps: int | None, units: int | None, **told: Any) -> Layer:
    return Layer(form, cell, steps, units, told)


def _finished(converter: Any, recipe: str) -> bytes:
    import tensorflow as tf

    if recipe == "flex":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        converter._experimental_lower_tensor_list_ops = False
    elif recipe:
        if recipe in {"int8", "int16x8"}:
            shapes = [(d["shape"], d["dtype"]) for d in _inputs(converter.convert())]
            random = np.random.default_rng(0)
            converter.representative_dataset = lambda: (
                [random.normal(size=shape).astype(dtype) for shape, dtype in shapes] for _ in range(8)
            )
            sets = {
                "int8": "TFLITE_BUILTINS_INT8",
                "int16x8": "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
            }
            converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, sets[recipe])]
        elif recipe == "float16":
            converter.target_spec.supported_types = [tf.float16]
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def _inputs(content: bytes) -> Any:
    import tensorflow as tf

    return tf.lite.Interpreter(model_content=content).get_input_details()


def _network(make: Callable[[Any], Any], recipe: str = "", *, keras2: bool = False) -> Callable[[], bytes]:
    """A Keras model that `make` makes of Keras."""

    def build() -> bytes:
        import tensorflow as tf

        if keras2:
            import tf_keras as keras
        else:
            import keras
        return _finished(tf.lite.TFLiteConverter.from_keras_model(make(keras)), recipe)

    return build


def _sequence(
    *layers: Callable[[Any], Any],
    steps: int = 5,
    features: int = 3,
    batch: int | None = 1,
    recipe: str = "",
    keras2: bool = False,
) -> Callable[[], bytes]:
    """Layers over a sequence."""

    def make(keras: Any) -> Any:
        inputs = keras.layers.Input(batch_shape=(batch, steps, features))
        return keras.Sequential([inputs, *(layer(keras.layers) for layer in layers)])

    return _network(make, recipe, keras2=keras2)


def _function(make: Callable[[Any], Callable[..., Any]], *shapes: Any, recipe: str = "") -> Callable[[], bytes]:
    """A function that `make` makes of TensorFlow, over inputs of these shapes, float32 unless a type stands beside."""

    def build() -> bytes:
        import tensorflow as tf

        specs = [tf.TensorSpec(*s) if s and isinstance(s[-1], str) else tf.TensorSpec(s, tf.float32) for s in shapes]
        concrete = tf.function(make(tf)).get_concrete_function(*specs)
        return _finished(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), recipe)

    return build


def _weights(*shapes: tuple[int, ...]) -> Any:
    import tensorflow as tf

    random = np.random.default_rng(1)
    return [tf.constant(random.normal(size=shape).astype(np.float32) * 0.4) for shape in shapes]


# Cells by hand


def _lstm(tf: Any, x: Any, h: Any, c: Any, w: Any, u: Any) -> tuple[Any, Any]:
    i, f, g, o = tf.split(x @ w + h @ u, 4, -1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def _gru(tf: Any, x: Any, h: Any, w: Any, u: Any) -> Any:
    zx, rx, nx = tf.split(x @ w, 3, -1)
    zh, rh, nh = tf.split(h @ u, 3, -1)
    z = tf.sigmoid(zx + zh)
    return (1 - z) * tf.tanh(nx + tf.sigmoid(rx + rh) * nh) + z * h


def _minimal(tf: Any, x: Any, h: Any, w: Any, u: Any, v: Any) -> Any:
    """A minimal gated unit: one gate for both."""
    f = tf.sigmoid((x @ w + h @ u)[:, :4])
    return (1 - f) * h + f * tf.tanh((x @ w)[:, 4:] + (f * h) @ v)


def _repeat(tf: Any, times: Any, body: Callable[..., Any], *start: Any) -> Any:
    """What `body` makes of its states and a counter, so many times."""
    result = tf.while_loop(lambda i, *_: i < times, lambda i, *s: (i + 1, *body(i, *s)), (tf.constant(0), *start))
    return result[1:]


def _while(step: Callable[[Any, Any, Any], Any], steps: int, units: int, condition: Callable[..., Any]) -> Any:
    """A loop by hand over xs [steps, 1, 3], as long as the condition on counter and state holds."""

    def make(tf: Any) -> Callable[..., Any]:
        cell = step(tf, *_weights((3, 4 * units), (units, 4 * units)))
        zero = tf.zeros((1, units))
        return lambda xs: tf.while_loop(condition, lambda i, h: (i + 1, cell(xs[i], h)), (tf.constant(0), zero))[1]

    return _function(make, (steps, 1, 3))


def _elman(tf: Any, w: Any, u: Any) -> Callable[[Any, Any], Any]:
    return lambda x, h: tf.tanh((x @ w + h @ u)[:, : h.shape[-1]])


def _scanned_gru(tf: Any) -> Callable[..., Any]:
    w, u = _weights((3, 12), (4, 12))
    return lambda xs: tf.scan(lambda h, x: _gru(tf, x, h, w, u), xs, tf.zeros((1, 4)), reverse=True)


def _independent(tf: Any) -> Callable[..., Any]:
    """IndRNN: each unit weighs its own state only."""
    w, u = _weights((3, 4), (4,))
    return lambda xs: tf.scan(lambda h, x: tf.nn.relu(x @ w + u * h), xs, tf.zeros((1, 4)))


def _gated_by_the_input(tf: Any) -> Callable[..., Any]:
    """SRU: no product weighs the state, and the gate is made of the input."""
    w, f = _weights((3, 4), (3, 4))

    def step(c: Any, x: Any) -> Any:
        gate = tf.sigmoid(x @ f)
        return gate * c + (1 - gate) * (x @ w)

    return lambda xs: tf.scan(step, xs, tf.zeros((1, 4)))


def _pooled(tf: Any) -> Callable[..., Any]:
    """The pooling of a QRNN: gates and candidates of all steps are made before the loop."""
    w, f = _weights((2, 3, 4), (2, 3, 4))

    def network(xs: Any) -> Any:
        z, gates = tf.tanh(tf.nn.conv1d(xs, w, 1, "SAME")), tf.sigmoid(tf.nn.conv1d(xs, f, 1, "SAME"))
        sequences = [tf.transpose(t, (1, 0, 2)) for t in (gates, z)]
        return tf.scan(lambda c, x: x[0] * c + (1 - x[0]) * x[1], sequences, tf.zeros((1, 4)))

    return network


def _filtered(tf: Any) -> Callable[..., Any]:
    """The smoother of a PCEN front end: a filter with a constant for each channel."""
    (s,) = _weights((4,))
    return lambda xs: tf.scan(lambda m, x: (1 - s) * m + s * x, xs, tf.zeros((1, 4)))


def _transmitted(tf: Any) -> Callable[..., Any]:
    return lambda xs: tf.scan(lambda t, a: t * (1 - a), xs, tf.ones((1, 4)))


def _counting_down(tf: Any) -> Callable[..., Any]:
    w, u = _weights((3, 4), (4, 4))
    return lambda xs: tf.while_loop(
        lambda i, _: i >= 0, lambda i, h: (i - 1, tf.tanh(xs[i] @ w + h @ u)), (tf.constant(8), tf.zeros((1, 4)))
    )[1]


def _free_number(tf: Any) -> Callable[..., Any]:
    w, u = _weights((3, 4), (4, 4))
    return lambda xs, n: _repeat(tf, n, lambda i, h: (tf.tanh(xs[i] @ w + h @ u),), tf.zeros((1, 4)))


def _in_one_tensor(tf: Any) -> Callable[..., Any]:
    w, u = _weights((3, 16), (4, 16))

    def step(x: Any, states: Any) -> Any:
        h, c = tf.split(states, 2, -1)
        return (tf.concat(_lstm(tf, x, h, c, w, u), -1),)

    return lambda xs: _repeat(tf, 9, lambda i, s: step(xs[i], s), tf.zeros((1, 8)))


def _guarded(tf: Any) -> Callable[..., Any]:
    """The cell in a branch: a sequence shorter than the loop."""
    w, u = _weights((3, 12), (4, 12))

    def step(i: Any, h: Any, xs: Any, n: Any) -> Any:
        return (tf.cond(i < n, lambda: _gru(tf, xs[i], h, w, u), lambda: h),)

    return lambda xs, n: _repeat(tf, 8, lambda i, h: step(i, h, xs, n), tf.zeros((1, 4)))


def _in_a_branch(tf: Any) -> Callable[..., Any]:
    w, u = _weights((3, 4), (4, 4))

    def loop(xs: Any) -> Any:
        return _repeat(tf, 9, lambda i, h: (tf.tanh(xs[i] @ w + h @ u),), tf.zeros((1, 4)))[0]

    return lambda p, xs: tf.cond(p[0] > 0, lambda: loop(xs), lambda: tf.reduce_mean(xs @ w, 0))


def _loop_in_a_loop(tf: Any) -> Callable[..., Any]:
    """Words, and the sentence of them."""
    w, u, w2, u2 = _weights((3, 5), (5, 5), (5, 6), (6, 6))

    def words(xs: Any, s: Any) -> Any:
        return _repeat(tf, 7, lambda t, h: (tf.tanh(xs[s, t] @ w + h @ u),), tf.zeros((1, 5)))[0]

    return lambda xs: _repeat(tf, 4, lambda s, h: (tf.tanh(words(xs, s) @ w2 + h @ u2),), tf.zeros((1, 6)))


def _attending(tf: Any) -> Callable[..., Any]:
    table, w, u, a, o = _weights((10, 6), (12, 16), (4, 16), (4, 6), (4, 10))

    def step(h: Any, c: Any, token: Any, memory: Any) -> Any:
        context = tf.nn.softmax((h @ a) @ tf.transpose(memory)) @ memory
        h, c = _lstm(tf, tf.concat([tf.gather(table, token), context], -1), h, c, w, u)
        return h, c, tf.argmax(h @ o, -1, output_type=tf.int32)

    start = tf.zeros((1, 4)), tf.zeros((1, 4)), tf.constant([0])
    return lambda memory: _repeat(tf, 5, lambda _, h, c, token: step(h, c, token, memory), *start)


def _of_batched_products(tf: Any) -> Callable[..., Any]:
    """As PyTorch's LSTM is written out: the input is weighed for all steps at once."""
    w, u = _weights((3, 16), (4, 16))

    def run(xs: Any) -> Any:
        weighed, h, c, found = tf.tensordot(xs, w, 1), tf.zeros((1, 4)), tf.zeros((1, 4)), []
        for t in range(6):
            g = weighed[t] + h @ u
            c = tf.sigmoid(g[:, 4:8]) * c + tf.sigmoid(g[:, :4]) * tf.tanh(g[:, 8:12])
            h = tf.sigmoid(g[:, 12:]) * tf.tanh(c)
            found.append(h)
        return tf.stack(found)

    return run


def _feeding_itself(tf: Any) -> Callable[..., Any]:
    """A decoder: what it gives is what it takes next."""
    w, u, d = _weights((4, 12), (4, 12), (4, 4))

    def run(x: Any) -> Any:
        h = tf.zeros((1, 4))
        for _ in range(5):
            h = _gru(tf, x, h, w, u)
            x = h @ d
        return x

    return run


def _projected(tf: Any) -> Callable[..., Any]:
    w, u, p = _weights((3, 24), (4, 24), (6, 4))

    def run(xs: Any) -> Any:
        h, c = tf.zeros((1, 4)), tf.zeros((1, 6))
        for t in range(5):
            h, c = _lstm(tf, xs[t], h, c, w, u)
            h = h @ p
        return h

    return run


def _unrolled_minimal(tf: Any) -> Callable[..., Any]:
    w, u, v = _weights((3, 8), (4, 8), (4, 4))

    def run(xs: Any) -> Any:
        h = tf.zeros((1, 4))
        for t in range(5):
            h = _minimal(tf, xs[t], h, w, u, v)
        return h

    return run


def _convolutional_gru(tf: Any) -> Callable[..., Any]:
    """Unrolled over four images."""
    kx, kh, kn, ku = _weights((3, 3, 2, 8), (3, 3, 4, 8), (3, 3, 2, 4), (3, 3, 4, 4))

    def weigh(a: Any, k: Any) -> Any:
        return tf.nn.conv2d(a, k, 1, "SAME")

    def run(xs: Any) -> Any:
        h = tf.zeros((1, 6, 6, 4))
        for t in range(4):
            z, r = tf.split(tf.sigmoid(weigh(xs[t], kx) + weigh(h, kh)), 2, -1)
            h = (1 - z) * h + z * tf.tanh(weigh(xs[t], kn) + weigh(r * h, ku))
        return h

    return run


# One step


def _step_lstm(tf: Any) -> Callable[..., Any]:
    w, u, d = _weights((3, 16), (4, 16), (4, 2))

    def run(x: Any, h: Any, c: Any) -> Any:
        h, c = _lstm(tf, x, h, c, w, u)
        return h @ d, h, c

    return run


def _step_lstm_of_equal_sizes(tf: Any) -> Callable[..., Any]:
    w, u = _weights((4, 16), (4, 16))
    return lambda x, h, c: _lstm(tf, x, h, c, w, u)


def _step_gru(tf: Any) -> Callable[..., Any]:
    w, u, d = _weights((5, 12), (4, 12), (4, 2))

    def run(x: Any, h: Any) -> Any:
        h = _gru(tf, x, h, w, u)
        return tf.nn.softmax(h @ d), h

    return run


def _step_minimal(tf: Any) -> Callable[..., Any]:
    w, u, v = _weights((3, 8), (4, 8), (4, 4))
    return lambda x, h: _minimal(tf, x, h, w, u, v)


def _step_elman(tf: Any) -> Callable[..., Any]:
    w, u, d = _weights((3, 4), (4, 4), (4, 2))

    def run(x: Any, h: Any) -> Any:
        h = tf.tanh(x @ w + h @ u)
        return h @ d, h

    return run


def _states_in_one(tf: Any) -> Callable[..., Any]:
    """Two layers, all states in one tensor [1, 2, 6, 2], as DTLN has them."""
    weights = _weights((9, 24), (6, 24), (6, 24), (6, 24), (6, 9))

    def run(x: Any, states: Any) -> Any:
        found = []
        for k in range(2):
            x, c = _lstm(tf, x, states[:, k, :, 0], states[:, k, :, 1], weights[2 * k], weights[2 * k + 1])
            found.append(tf.stack([x, c], -1))
        return tf.sigmoid(x @ weights[4]), tf.stack(found, 1)

    return run


def _step_convolutional(tf: Any) -> Callable[..., Any]:
    k, r = _weights((3, 3, 2, 16), (3, 3, 4, 16))

    def run(x: Any, h: Any, c: Any) -> Any:
        i, f, g, o = tf.split(tf.nn.conv2d(x, k, 1, "SAME") + tf.nn.conv2d(h, r, 1, "SAME"), 4, -1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    return run


def _variables() -> bytes:
    import tensorflow as tf

    w, u = _weights((3, 16), (4, 16))

    class Stream(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.h = tf.Variable(tf.zeros((1, 4)), name="h")
            self.c = tf.Variable(tf.zeros((1, 4)), name="c")

        @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32)])
        def step(self, x: Any) -> Any:
            h, c = _lstm(tf, x, self.h, self.c, w, u)
            self.h.assign(h)
            self.c.assign(c)
            return h

    stream = Stream()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([stream.step.get_concrete_function()], stream)
    converter.experimental_enable_resource_variables = True
    return converter.convert()


# Not recurrent


def _power(tf: Any) -> Callable[..., Any]:
    (a,) = _weights((6, 6))
    return lambda x: _repeat(tf, 20, lambda _, x: (x @ a / tf.norm(x @ a),), x)


def _newton(tf: Any) -> Callable[..., Any]:
    (a,) = _weights((6, 6))
    return lambda x, b: _repeat(tf, 20, lambda _, x: (x - 0.1 * ((x @ a - b) @ tf.transpose(a)),), x)


def _mapped(tf: Any) -> Callable[..., Any]:
    w, u = _weights((3, 4), (4, 4))
    return lambda xs: tf.map_fn(lambda x: tf.sigmoid(x @ w) * tf.tanh(tf.tanh(x @ w) @ u), xs)


def _beam(tf: Any) -> Callable[..., Any]:
    table, w = _weights((10, 6), (6, 10))

    def step(_: Any, scores: Any, tokens: Any) -> Any:
        told = tf.nn.log_softmax(tf.tanh(tf.gather(table, tokens)) @ w) + scores[:, None]
        scores, index = tf.math.top_k(tf.reshape(told, (-1,)), 3)
        return scores, index % 10

    return lambda tokens: _repeat(tf, 5, step, tf.zeros(3), tokens)


def _diffusion(tf: Any) -> Callable[..., Any]:
    """A picture, a little less noise at each step, and a table of the steps."""
    a, b, table = _weights((3, 3, 2, 6), (3, 3, 6, 2), (12, 6))

    def step(i: Any, x: Any) -> Any:
        noise = tf.nn.conv2d(tf.nn.silu(tf.nn.conv2d(x, a, 1, "SAME") + tf.gather(table, i)), b, 1, "SAME")
        return (x - 0.1 * noise,)

    return lambda x: _repeat(tf, 12, step, x)


def _fused_inputs(tf: Any) -> Callable[..., Any]:
    """Two inputs blended by a gate of both."""
    (w,) = _weights((16, 8))

    def run(a: Any, b: Any) -> Any:
        gate = tf.sigmoid(tf.concat([a, b], -1) @ w)
        return gate * a + (1 - gate) * b

    return run


def _ring(tf: Any) -> Callable[..., Any]:
    """A convolution over a stream, whose last inputs come from outside."""
    (k,) = _weights((5, 4, 4))

    def run(x: Any, last: Any) -> Any:
        both = tf.concat([last, x], 1)
        return tf.nn.relu(tf.nn.conv1d(both, k, 1, "VALID")), both[:, 1:]

    return run


def _coupled_flow(tf: Any) -> Callable[..., Any]:
    a, b, c, d = _weights((4, 4), (4, 4), (4, 4), (4, 4))

    def run(x: Any, y: Any) -> Any:
        y = y * tf.exp(tf.tanh(x @ a)) + x @ b
        return x * tf.exp(tf.tanh(y @ c)) + y @ d, y

    return run


def _keras_negative(name: str) -> Callable[[Any], Any]:
    def make(keras: Any) -> Any:
        layers = keras.layers
        image, vector = layers.Input(batch_shape=(1, 8, 8, 4)), layers.Input(batch_shape=(1, 8))
        other = layers.Input(batch_shape=(1, 5))
        if name == "squeeze":
            x = image
            for _ in range(3):
                gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
                x = layers.Add()([layers.Multiply()([x, layers.Reshape((1, 1, 4))(gate)]), image])
            return keras.Model(image, x)
        if name == "highway":
            x = vector
            for _ in range(4):
                t = layers.Dense(8, activation="sigmoid")(x)
                x = t * layers.Dense(8, activation="tanh")(x) + (1 - t) * x
            return keras.Model(vector, x)
        if name == "wavenet":
            x = series = layers.Input(batch_shape=(1, 32, 4))
            for d in (1, 2, 4):
                a, b = (
                    layers.Conv1D(4, 2, dilation_rate=d, padding="causal", activation=act)(x)
                    for act in ("tanh", "sigmoid")
                )
                x = x + layers.Conv1D(4, 1)(a * b)
            return keras.Model(series, x)
        if name == "policy":
            x = layers.Dense(16, activation="tanh")(layers.Concatenate()([vector, other]))
            return keras.Model([vector, other], layers.Dense(8, activation="tanh")(x))
        if name == "refined":  # a head applied three times to what it made, and to the same features
            x = layers.Dense(6)(vector)
            wide, narrow = layers.Dense(12, activation="relu"), layers.Dense(6)
            for _ in range(3):
                x = layers.Add()([x, narrow(wide(layers.Concatenate()([vector, x])))])
            return keras.Model(vector, x)
        x = series = layers.Input(batch_shape=(1, 6, 8))
        attention, norm = layers.MultiHeadAttention(2, 4), layers.LayerNormalization()
        wide, narrow = layers.Dense(16, activation="tanh"), layers.Dense(8)
        for _ in range(4):  # a transformer that shares its layers
            x = norm(x + attention(x, x))
            x = norm(x + narrow(wide(x)))
        return keras.Model(series, x)

    return make


def _encoder_and_decoder(keras: Any) -> Any:
    layers = keras.layers
    x, y = layers.Input(batch_shape=(1, 5, 3)), layers.Input(batch_shape=(1, 4, 2))
    _, h, c = layers.LSTM(4, unroll=True, return_state=True)(x)
    decoded = layers.LSTM(4, unroll=True, return_sequences=True)(y, initial_state=[h, c])
    return keras.Model([x, y], layers.Dense(2)(decoded))


def _cell_step(cell: str, units: int, states: int, **options: Any) -> Callable[[Any], Any]:
    def make(keras: Any) -> Any:
        layers = keras.layers
        x, given = layers.Input(batch_shape=(1, 3)), [layers.Input(batch_shape=(1, units)) for _ in range(states)]
        result, new = getattr(layers, cell)(units, **options)(x, given)
        return keras.Model([x, *given], [layers.Dense(2)(result), *new])

    return make


def _lstm_layer(units: int, **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.LSTM(units, **options)


def _gru_layer(units: int, **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.GRU(units, **options)


def _rnn_layer(units: int, **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.SimpleRNN(units, **options)


def _both_ways(layer: Callable[[Any], Any], **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.Bidirectional(layer(layers), **options)


def _masked(layers: Any) -> Any:
    return layers.Masking()


def _of_cells(*cells: tuple[str, int], **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.RNN([getattr(layers, name)(units) for name, units in cells], **options)


def _one(form: str, cell: str, steps: int | None, units: int | None, **told: Any) -> tuple[Layer, ...]:
    return (_layer(form, cell, steps, units, **told),)


def _pair(form: str, cell: str, steps: int, units: int) -> tuple[Layer, ...]:
    return tuple(_layer(form, cell, steps, units, backward=backward) for backward in (False, True))


_AFTER = ("reset after",)
_RETURNING: dict[str, Any] = {"return_sequences": True}

SOURCES: dict[str, Source] = {
    # Loops
    "lstm": Source(_sequence(_lstm_layer(4)), _one(LOOP, "LSTM", 5, 4, backward=False, lowered="builtin")),
    "gru both ways": Source(_sequence(_both_ways(_gru_layer(4))), _pair(LOOP, "GRU", 5, 4)),
    "gru, reset before": Source(_sequence(_gru_layer(4, reset_after=False)), _one(LOOP, "GRU", 5, 4, variant=())),
    "masked gru": Source(
        _sequence(_masked, _gru_layer(4, **_RETURNING)), _one(LOOP, "GRU", 5, 4, variant=_AFTER), quick=True
    ),
    "masked lstm": Source(_sequence(_masked, _lstm_layer(4)), _one(LOOP, "LSTM", 5, 4)),
    "lstm, elu and hard sigmoid": Source(
        _sequence(_lstm_layer(7, activation="elu", recurrent_activation="hard_sigmoid")), _one(LOOP, "LSTM", 5, 7)
    ),
    "gru, softsign, no bias": Source(
        _sequence(_gru_layer(6, activation="softsign", use_bias=False)), _one(LOOP, "GRU", 5, 6)
    ),
    "simple rnn, linear": Source(_sequence(_rnn_layer(6, activation="linear")), _one(LOOP, "simple RNN", 5, 6)),
    "lstm, weights quantized": Source(
        _sequence(_lstm_layer(40), features=30, recipe="dynamic"), _one(LOOP, "LSTM", 5, 40, arithmetic="hybrid")
    ),
    "gru, float16": Source(
        _sequence(_gru_layer(40), features=30, recipe="float16"), _one(LOOP, "GRU", 5, 40, arithmetic="float16")
    ),
    "two cells": Source(
        _sequence(_of_cells(("LSTMCell", 4), ("GRUCell", 4))), _one(LOOP, "LSTM and GRU", 5, 4), quick=True
    ),
    "cells of two sizes": Source(_sequence(_of_cells(("LSTMCell", 4), ("LSTMCell", 6))), _one(LOOP, "LSTM", 5, None)),
    "stateful": Source(_sequence(_lstm_layer(4, stateful=True)), _one(LOOP, "LSTM", 5, 4)),
    "convolutional": Source(
        _network(
            lambda keras: keras.Sequential(
                [keras.layers.Input(batch_shape=(1, 4, 6, 6, 2)), keras.layers.ConvLSTM2D(2, 3)]
            )
        ),
        _one(LOOP, "convolutional LSTM", 4, 2),
    ),
    "TensorFlow's lists": Source(
        _sequence(_both_ways(_gru_layer(4, **_RETURNING)), batch=None, recipe="flex"),
        tuple(_layer(LOOP, "GRU", 5, 4, backward=b, lowered="flex") for b in (False, True)),
        quick=True,
    ),
    "scanned backwards": Source(_function(_scanned_gru, (7, 1, 3)), _one(LOOP, "GRU", 7, 4, backward=True), quick=True),
    "independent units": Source(
        _function(_independent, (8, 1, 3)),
        _one(LOOP, "recurrent", 8, 4, variant=("no recurrent kernel",), backward=False),
        quick=True,
    ),
    "gated by the input": Source(_function(_gated_by_the_input, (8, 1, 3)), _one(LOOP, "recurrent", 8, 4), quick=True),
    "pooled by gates": Source(_function(_pooled, (1, 8, 3)), _one(LOOP, "recurrent", 8, 4)),
    "compared the other way": Source(
        _while(_elman, 9, 4, lambda i, _: ~(i > 8)), _one(LOOP, "simple RNN", 9, 4), quick=True
    ),
    "two conditions": Source(_while(_elman, 9, 4, lambda i, _: (i < 9) & (i < 20)), _one(LOOP, "simple RNN", 9, 4)),
    "a condition on the state": Source(
        _while(_elman, 9, 4, lambda i, h: (i < 9) & (h[0, 0] < 0.9)),
        _one(LOOP, "simple RNN", None, 4),
        quick=True,
    ),
    "counting down": Source(
        _function(_counting_down, (9, 1, 3)), _one(LOOP, "simple RNN", 9, 4, backward=True), quick=True
    ),
    "as many steps as asked": Source(
        _function(_free_number, (9, 1, 3), ((), "int32")), _one(LOOP, "simple RNN", None, 4)
    ),
    "states in one tensor": Source(_function(_in_one_tensor, (9, 1, 3)), _one(LOOP, "LSTM", 9, 4), quick=True),
    "guarded": Source(_function(_guarded, (8, 1, 3), ((), "int32")), _one(LOOP, "GRU", 8, 4), quick=True),
    "a loop in a branch": Source(_function(_in_a_branch, (1,), (9, 1, 3)), _one(LOOP, "simple RNN", 9, 4), quick=True),
    "a loop in a loop": Source(
        _function(_loop_in_a_loop, (4, 7, 1, 3)),
        (_layer(LOOP, "simple RNN", 4, 6), _layer(LOOP, "simple RNN", 7, 5)),
    ),
    "with attention": Source(_function(_attending, (8, 6)), _one(LOOP, "LSTM", 5, 4)),
    # Unrolled
    "lstm, unrolled, int8": Source(
        _sequence(_lstm_layer(4, unroll=True), recipe="int8"), _one(UNROLLED, "LSTM", 5, 4, arithmetic="int8")
    ),
    "gru both ways, unrolled, int8": Source(
        _sequence(_both_ways(_gru_layer(4, unroll=True)), recipe="int8"), _pair(UNROLLED, "GRU", 5, 4), quick=True
    ),
    "lstm and gru, unrolled, 16x8": Source(
        _sequence(_lstm_layer(4, unroll=True, **_RETURNING), _gru_layer(5, unroll=True), recipe="int16x8"),
        (_layer(UNROLLED, "LSTM", 5, 4, arithmetic="int16"), _layer(UNROLLED, "GRU", 5, 5, arithmetic="int16")),
    ),
    "masked lstm, unrolled": Source(_sequence(_masked, _lstm_layer(4, unroll=True)), _one(UNROLLED, "LSTM", 5, 4)),
    "free batch, unrolled": Source(
        _sequence(_gru_layer(4, unroll=True, reset_after=False), batch=None), _one(UNROLLED, "GRU", 5, 4, variant=())
    ),
    "relu and hard sigmoid, unrolled": Source(
        _sequence(_lstm_layer(4, unroll=True, activation="relu", recurrent_activation="hard_sigmoid")),
        _one(UNROLLED, "LSTM", 5, 4),
    ),
    "two steps": Source(_sequence(_lstm_layer(4, unroll=True), steps=2), _one(UNROLLED, "LSTM", 2, 4), quick=True),
    "three steps": Source(_sequence(_rnn_layer(4, unroll=True), steps=3), _one(UNROLLED, "simple RNN", 3, 4)),
    "relu, unrolled": Source(
        _sequence(_rnn_layer(4, unroll=True, activation="relu", **_RETURNING), steps=6),
        _one(UNROLLED, "simple RNN", 6, 4, backward=False),
        quick=True,
    ),
    "stateful, unrolled": Source(
        _sequence(_lstm_layer(4, unroll=True, stateful=True), steps=3), _one(UNROLLED, "LSTM", 3, 4)
    ),
    "128 steps": Source(_sequence(_gru_layer(8, unroll=True), steps=128), _one(UNROLLED, "GRU", 128, 8)),
    "encoder and decoder": Source(
        _network(_encoder_and_decoder), (_layer(UNROLLED, "LSTM", 5, 4), _layer(UNROLLED, "LSTM", 4, 4)), quick=True
    ),
    "cells, unrolled": Source(
        _sequence(_of_cells(("GRUCell", 4), ("SimpleRNNCell", 5), unroll=True)),
        (_layer(UNROLLED, "GRU", 5, 4), _layer(UNROLLED, "simple RNN", 5, 5)),
    ),
    "weighed at once": Source(
        _function(_of_batched_products, (6, 1, 3)), _one(UNROLLED, "LSTM", 6, 4, backward=False), quick=True
    ),
    "feeding itself": Source(_function(_feeding_itself, (1, 4)), _one(UNROLLED, "GRU", 5, 4), quick=True),
    "projected": Source(
        _function(_projected, (5, 1, 3)), _one(UNROLLED, "LSTM", 5, 6, variant=("projection",)), quick=True
    ),
    "one's own cell, unrolled": Source(
        _function(_unrolled_minimal, (5, 1, 3)), _one(UNROLLED, "recurrent", 5, 4), quick=True
    ),
    "convolutional gru": Source(
        _function(_convolutional_gru, (4, 1, 6, 6, 2)), _one(UNROLLED, "convolutional GRU", 4, 4)
    ),
    # One step
    "lstm step": Source(_function(_step_lstm, (1, 3), (1, 4), (1, 4)), _one(STEP, "LSTM", 1, 4, variant=())),
    "lstm step, int8": Source(
        _function(_step_lstm, (1, 3), (1, 4), (1, 4), recipe="int8"),
        _one(STEP, "LSTM", 1, 4, arithmetic="int8"),
        quick=True,
    ),
    "lstm step, as many features as units": Source(
        _function(_step_lstm_of_equal_sizes, (1, 4), (1, 4), (1, 4)), _one(STEP, "LSTM", 1, 4)
    ),
    "gru step, 16x8": Source(
        _function(_step_gru, (1, 5), (1, 4), recipe="int16x8"), _one(STEP, "GRU", 1, 4, arithmetic="int16")
    ),
    "simple rnn step": Source(_function(_step_elman, (1, 3), (1, 4)), _one(STEP, "simple RNN", 1, 4), quick=True),
    "one's own step": Source(_function(_step_minimal, (1, 3), (1, 4)), _one(STEP, "recurrent", 1, 4), quick=True),
    "states of two layers in one": Source(
        _function(_states_in_one, (1, 9), (1, 2, 6, 2)), _one(STEP, "LSTM", 1, 6) * 2, quick=True
    ),
    "convolutional step, int8": Source(
        _function(_step_convolutional, (1, 6, 6, 2), (1, 6, 6, 4), (1, 6, 6, 4), recipe="int8"),
        _one(STEP, "convolutional LSTM", 1, 4),
    ),
    "states in variables": Source(_variables, _one(STEP, "LSTM", 1, 4), quick=True),
    "a cell of Keras, int8": Source(
        _network(_cell_step("LSTMCell", 6, 2), "int8"), _one(STEP, "LSTM", 1, 6, arithmetic="int8")
    ),
    "one step of a loop": Source(_sequence(_lstm_layer(4), steps=1), _one(LOOP, "LSTM", 1, 4)),
    # Fused
    "fused both ways, int8": Source(
        _sequence(_both_ways(_lstm_layer(4, **_RETURNING)), recipe="int8", keras2=True),
        _pair(FUSED, "LSTM", 5, 4),
    ),
    "fused, float16": Source(
        _sequence(_lstm_layer(36), features=32, recipe="float16", keras2=True),
        _one(FUSED, "LSTM", 5, 36, arithmetic="float16", backward=False, variant=()),
    ),
    "fused, time first": Source(
        _network(
            lambda keras: (lambda i: keras.Model(i, keras.layers.LSTM(4, time_major=True)(i)))(
                keras.layers.Input(batch_shape=(5, 1, 3))
            ),
            keras2=True,
        ),
        _one(FUSED, "LSTM", 5, 4),
    ),
    # None
    "power iteration": Source(_function(_power, (1, 6)), (), quick=True),
    "Newton's method": Source(_function(_newton, (1, 6), (1, 6)), (), quick=True),
    "a filter": Source(_function(_filtered, (7, 1, 4)), (), quick=True),
    "transmittance": Source(_function(_transmitted, (7, 1, 4)), (), quick=True),
    "a head applied three times": Source(_network(_keras_negative("refined")), (), quick=True),
    "a network mapped": Source(_function(_mapped, (7, 1, 3)), (), quick=True),
    "beam search": Source(_function(_beam, ((3,), "int32")), (), quick=True),
    "diffusion": Source(_function(_diffusion, (1, 8, 8, 2)), ()),
    "two inputs blended": Source(_function(_fused_inputs, (1, 8), (1, 8)), (), quick=True),
    "a streaming convolution": Source(_function(_ring, (1, 1, 4), (1, 4, 4)), (), quick=True),
    "a flow of couplings": Source(_function(_coupled_flow, (1, 4), (1, 4)), ()),
    **{name: Source(_network(_keras_negative(name)), ()) for name in ("squeeze", "highway", "wavenet", "policy")},
    "a transformer that shares its layers": Source(_network(_keras_negative("transformer")), ()),
}


def names(*, quick: bool) -> Sequence[str]:
    """Those of every run, or the others."""
    return [name for name, source in SOURCES.items() if source.quick is quick]

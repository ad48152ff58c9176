"""Recurrent sources: those that can be run one step at a time, and those that cannot.

Loaded in the child process only; importing this file imports TensorFlow. Weights at random, the same each time.
"""

from __future__ import annotations

import keras
import numpy as np

layers = keras.layers
STEPS, FEATURES = 6, 5


def _input(steps: int | None = STEPS, name: str = "x"):
    keras.utils.set_random_seed(1)
    return keras.Input((steps, FEATURES), name=name)


# What can be run one step at a time


def stacked():
    """With layers before, between and behind, and weights that calibration can tell apart."""
    inputs = _input()
    x = layers.Normalization(mean=[0.1] * FEATURES, variance=[0.5] * FEATURES)(inputs)
    x = layers.Dense(7, activation="relu")(x)
    x = layers.LSTM(6, return_sequences=True, name="first")(x)
    x = layers.BatchNormalization(moving_mean_initializer="random_normal")(x)
    x = layers.GRU(4, name="second")(x)
    return keras.Model(inputs, layers.Dense(3, name="head")(x))


def any_length():
    """Residual, normalized, an answer for each step, with any number of them."""
    inputs = _input(None)
    x = layers.LSTM(4, return_sequences=True, name="one")(inputs)
    y = layers.LSTM(4, return_sequences=True, name="two")(x)
    y = layers.LayerNormalization()(layers.Add()([x, y]))
    z = layers.SimpleRNN(3, return_sequences=True, name="three")(layers.Dropout(0.5)(y))
    return keras.Model(inputs, layers.TimeDistributed(layers.Dense(2))(z))


def of_tf_keras():
    import tf_keras

    legacy = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((STEPS, FEATURES), name="x")
    x = legacy.LSTM(4, return_sequences=True, name="first")(inputs)
    x = legacy.TimeDistributed(legacy.Dense(3))(x)
    x, state = legacy.GRU(2, return_state=True, name="second")(x)
    return tf_keras.Model(inputs, [legacy.Dense(2, name="head")(x), state])


def reset_before():
    inputs = _input()
    return keras.Model(inputs, layers.GRU(3, reset_after=False, name="gru")(inputs))


def stateful():
    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(1, STEPS, FEATURES), name="x")
    return keras.Model(inputs, layers.LSTM(3, stateful=True, name="kept")(inputs))


def forgetful():
    return keras.Sequential([_input(1), layers.LSTM(3, name="lstm")])


def of_a_batch():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(batch_shape=(4, STEPS, FEATURES), name="x"), layers.LSTM(3)])


def constant_input():
    """A speaker, who is the same at every step."""
    inputs, speaker = _input(), keras.Input((3,), name="speaker")
    known = layers.RepeatVector(STEPS)(layers.Dense(2)(speaker))
    x = layers.LSTM(3, name="lstm")(layers.Concatenate()([inputs, known]))
    return keras.Model([inputs, speaker], layers.Concatenate()([x, speaker]))


def given_state():
    inputs, h, c = _input(), keras.Input((3,), name="h0"), keras.Input((3,), name="c0")
    y, h1, c1 = layers.LSTM(3, return_state=True, return_sequences=True, name="lstm")(inputs, initial_state=[h, c])
    return keras.Model([inputs, h, c], {"y": y, "h": h1, "c": c1})


def constant_state():
    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(1, STEPS, FEATURES), name="x")
    first = [np.full((1, 3), 0.5, np.float32), np.full((1, 3), -0.25, np.float32)]
    return keras.Model(inputs, layers.LSTM(3, name="lstm")(inputs, initial_state=first))


def constant_state_of_tf_keras():
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((STEPS, FEATURES), batch_size=1, name="x")
    first = keras.ops.full((1, 3), 0.5)
    return tf_keras.Model(inputs, tf_keras.layers.GRU(3, name="gru")(inputs, initial_state=first))


def convolutional():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 6, 6, 1), name="video")
    x = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True, name="conv")(inputs)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    return keras.Model(inputs, x[:, -1])


def tokens():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.GRU(3, return_sequences=True, name="gru")(layers.Embedding(9, 4)(inputs))
    return keras.Model(inputs, layers.Dense(9)(x))


class Cell(keras.layers.Layer):
    """A user's own, with a state that does not begin as zeros."""

    state_size, output_size = [3, 3], 3

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1] + 3, 3), name="kernel")

    def get_initial_state(self, batch_size=None):
        return [keras.ops.zeros((batch_size, 3)), keras.ops.ones((batch_size, 3)) / 2]

    def call(self, inputs, states):
        h, slow = states
        h = keras.ops.tanh(keras.ops.concatenate([inputs, h], -1) @ self.kernel + slow)
        return h, [h, 0.9 * slow + 0.1 * h]


class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class Mine(keras.layers.LSTM):
    pass


def own_classes():
    inputs = _input()
    x = Twice()(layers.RNN(Cell(), return_sequences=True, name="own")(inputs))
    return keras.Model(inputs, Mine(3, name="mine")(x))


def nested_and_shared():
    """A model in the model, cells on each other, a layer that is used twice, and names that are not unique."""
    shared = layers.LSTM(FEATURES, return_sequences=True, name="l")
    inner = keras.Sequential([_input(name="inner"), layers.Dense(FEATURES, name="d"), shared], name="inside")
    inputs = _input()
    x = shared(inner(layers.Dense(FEATURES, name="d")(inputs)))
    return keras.Model(inputs, layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], name="stack")(x))


def pointwise():
    """A convolution of one step; a Lambda that says what shape a sequence has."""
    x = inputs = _input()
    x = layers.Lambda(lambda x: 2 * x, output_shape=(STEPS, FEATURES))(x)
    return keras.Model(inputs, layers.LSTM(3, name="lstm")(layers.Conv1D(4, 1)(x)))


def causal():
    """Convolutions over steps before, dilated; one of them behind a recurrent layer."""
    x = layers.Conv1D(4, 3, dilation_rate=2, padding="causal", activation="relu", name="conv")(inputs := _input())
    x = layers.GRU(3, return_sequences=True, name="gru")(x)
    return keras.Model(inputs, layers.Conv1D(2, 2, padding="causal", name="after")(x))


# What cannot


def both_ways():
    return keras.Sequential([_input(), layers.Bidirectional(layers.LSTM(3), name="both")])


def backwards():
    return keras.Sequential([_input(), layers.GRU(3, go_backwards=True, name="back")])


def convolution():
    return keras.Sequential(
        [_input(), layers.Conv1D(4, 3, dilation_rate=2, padding="same", name="conv"), layers.LSTM(3)]
    )


def flattened():
    return keras.Sequential([_input(), layers.LSTM(3, return_sequences=True), layers.Flatten(name="flat")])


def pooled():
    x = layers.LSTM(3, return_sequences=True)(inputs := _input())
    return keras.Model(inputs, layers.GlobalAveragePooling1D(name="pool")(x))


def halved():
    return keras.Sequential([_input(), layers.MaxPooling1D(2, name="half"), layers.LSTM(3)])


def attending():
    x = layers.LSTM(3, return_sequences=True)(inputs := _input())
    return keras.Model(inputs, layers.MultiHeadAttention(1, 2, name="attention")(x, x))


def weighted():
    """Attention over time by hand."""
    x = layers.LSTM(3, return_sequences=True)(inputs := _input())
    return keras.Model(inputs, keras.ops.sum(layers.Softmax(axis=1, name="weights")(layers.Dense(1)(x)) * x, axis=1))


def masked():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [keras.Input((None,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True, name="words"), layers.GRU(3)]
    )


def autoencoder():
    return keras.Sequential(
        [
            _input(),
            layers.LSTM(3, name="encoder"),
            layers.RepeatVector(STEPS, name="again"),
            layers.LSTM(3, name="decoder"),
        ]
    )


def translating():
    inputs, other = _input(), _input(name="other")
    _, h, c = layers.LSTM(3, return_state=True, name="encoder")(inputs)
    return keras.Model([inputs, other], layers.LSTM(3, name="decoder")(other, initial_state=[h, c]))


def back_into_steps():
    """The end of the sequence, at every step of it."""
    x = layers.LSTM(3, return_sequences=True, name="first")(inputs := _input())
    end = layers.LSTM(3, name="end")(x)
    return keras.Model(inputs, layers.LSTM(2)(layers.Add(name="joined")([x, end[:, None]])))


class Block(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.inner = keras.layers.LSTM(3, return_sequences=True, name="hidden")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x):
        return self.inner(x)

    def compute_output_shape(self, shape):
        return (*shape[:2], 3)


def hidden():
    return keras.Sequential([_input(), Block(name="block"), layers.GRU(2)])


def feedforward():
    return keras.Sequential([keras.Input((4,)), layers.Dense(2)])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.lstm = keras.layers.LSTM(2)

    def call(self, x):
        return self.lstm(x)


def subclassed():
    model = Subclassed()
    model(np.zeros((1, STEPS, FEATURES), np.float32))
    return model


# Sequences


def _walks(count: int, steps: int):
    random = np.random.default_rng(2)
    walks = np.cumsum(random.normal(size=(count, steps, FEATURES)), axis=1)
    return (walks / np.abs(walks).max(axis=(1, 2), keepdims=True) * 2).astype(np.float32)


def sequences():
    for walk in _walks(24, STEPS):
        yield {"x": walk[None]}


def lists_of_several():
    """Three sequences a sample, in a list."""
    for start in range(0, 12, 3):
        yield [_walks(12, STEPS)[start : start + 3]]


def of_several_lengths():
    for steps in (3, 9, 9, 5):
        yield {"x": _walks(1, steps)}

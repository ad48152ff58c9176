"""Recurrent models of Keras 3 and tf_keras, to be told apart by their layers; named `PACKAGE_what`.

Loaded in the child process only; importing this file imports TensorFlow.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

SCRATCH = Path(os.environ.get("TFLITE_AUDIT_TEST_SCRATCH", "/nonexistent"))
STEPS, FEATURES, UNITS = 6, 3, 4
PACKAGES = {"keras": keras, "tf_keras": tf_keras}


def sequence(package: Any) -> Any:
    return package.Input(batch_shape=(1, STEPS, FEATURES), name="sequence")


def settings(package: Any) -> Any:
    x = package.Input((STEPS, FEATURES))
    layer = package.layers.LSTM(
        UNITS,
        activation="relu",
        recurrent_activation="hard_sigmoid",
        use_bias=False,
        dropout=0.25,
        recurrent_dropout=0.5,
        return_sequences=True,
        go_backwards=True,
        name="odd",
    )
    return package.Model(x, package.layers.GRU(5, name="last")(layer(x)))


def wrapped(package: Any) -> Any:
    """Masked by an embedding, in a Bidirectional, and cells in an RNN."""
    layers = package.layers
    x = inputs = package.Input(batch_shape=(1, STEPS), dtype="int32")
    x = layers.Dropout(0.1)(layers.Embedding(9, FEATURES, mask_zero=True)(x))
    x = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True, name="both"), name="pair")(x)
    x = layers.RNN([layers.LSTMCell(3), layers.GRUCell(5)], name="cells")(x)
    return package.Model(inputs, x)


def encoder_decoder(package: Any) -> Any:
    x = sequence(package)
    _, h, c = package.layers.LSTM(UNITS, return_state=True, name="encoder")(x)
    unread = package.layers.LSTM(UNITS, return_state=True, name="unread")(x)[0]
    decoded = package.layers.LSTM(UNITS, name="decoder")(x, initial_state=[h, c])
    return package.Model(x, [decoded, unread])


def constant_states(package: Any) -> Any:
    x = sequence(package)
    ones, zeros = tf.ones((1, UNITS)), tf.zeros((1, UNITS))
    warm = package.layers.LSTM(UNITS, name="warm")(x, initial_state=[ones, zeros])
    return package.Model(x, [warm, package.layers.LSTM(UNITS, name="cold")(x, initial_state=[zeros, zeros])])


def nested(package: Any) -> Any:
    """The inner model leaves the batch free, and one of its states goes nowhere."""
    free = package.Input((STEPS, FEATURES))
    inner = package.Model(free, package.layers.LSTM(UNITS, return_state=True, name="deep")(free)[:2], name="inner")
    x = sequence(package)
    return package.Model(x, inner(x)[0])


def shared(package: Any) -> Any:
    x = sequence(package)
    layer = package.layers.GRU(UNITS, name="twice")
    return package.Model(x, layer(x) + layer(package.layers.ReLU()(x)))


def images(package: Any) -> Any:
    x = package.Input(batch_shape=(1, 2, 5, 5, 1))
    return package.Model(x, package.layers.ConvLSTM2D(3, 3, name="radar")(x))


def distributed(package: Any) -> Any:
    x = package.Input(batch_shape=(1, 2, STEPS, FEATURES))
    return package.Model(x, package.layers.TimeDistributed(package.layers.LSTM(UNITS, name="in_each"), name="td")(x))


def own(package: Any) -> Any:
    class Cell(package.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.state_size = UNITS

        def build(self, _: Any) -> None:
            self.built = True

        def call(self, x: Any, states: Any) -> Any:
            h = states[0] + x[:, :1]
            return h, [h]

    x = sequence(package)
    return package.Model(x, package.layers.RNN(Cell(), name="own")(x))


def subclassed(package: Any) -> Any:
    class Net(package.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = package.layers.Bidirectional(package.layers.GRU(UNITS, name="gru"), name="encoder")

        def call(self, x: Any) -> Any:
            return self.encoder(x)

    net = Net()
    net(np.zeros((1, STEPS, FEATURES), "float32"))
    return net


def classes(package: Any) -> Any:
    """Classes of the user's own, one of them with a call of its own."""

    class Renamed(package.layers.LSTM):  # type: ignore[misc]
        pass

    class Own(package.layers.LSTM):  # type: ignore[misc]
        def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
            return super().call(sequences * 2.0, initial_state=initial_state, mask=mask, training=training)

    x = sequence(package)
    return package.Model(x, Renamed(UNITS, name="renamed")(x) + Own(UNITS, name="own")(x))


def plain(package: Any) -> Any:
    x = sequence(package)
    return package.Model(x, package.layers.LSTM(UNITS, name="lstm")(x))


def __getattr__(name: str) -> Callable[[], Any]:
    for package in ("tf_keras", "keras"):
        if name.startswith(f"{package}_"):
            build = globals()[name.removeprefix(f"{package}_")]
            return lambda: build(PACKAGES[package])
    raise AttributeError(name)


def tf_keras_time_major() -> Any:
    x = tf_keras.Input(batch_shape=(STEPS, 1, FEATURES))
    return tf_keras.Model(x, tf_keras.layers.LSTM(UNITS, time_major=True, name="lstm")(x))


def keras_file() -> str:
    path = SCRATCH / "recurrent.keras"
    wrapped(keras).save(path)
    return str(path)


def h5_file() -> str:
    path = SCRATCH / "recurrent.h5"
    plain(tf_keras).save(path)
    return str(path)


def dense() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def function_of_a_model() -> Any:
    model = plain(tf_keras)
    specification = tf.TensorSpec((1, STEPS, FEATURES), tf.float32, name="x")
    return [tf.function(lambda x: model(x)).get_concrete_function(specification)], model


class Module(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def __call__(self, x: Any) -> Any:
        return x * 2.0


def module() -> Any:
    return Module()

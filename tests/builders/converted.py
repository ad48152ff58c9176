"""Tiny models that TensorFlow converts, each once a session, in this process.

Only float32 and models without loops are quantized here: the converter dies on quantized loops.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tflite_audit.analyzer.model.types import Model

STEPS, FEATURES, UNITS = 6, 3, 4


@cache
def model(name: str) -> Model:
    """The model of that name, converted and read."""
    from tflite_audit.analyzer.model.flatbuffer import parse

    return parse(_BUILDERS[name](), f"{name}.tflite")


def _sequence(keras: Any, *layers: Any) -> bytes:
    """A network over a sequence, with a batch of 1, in float32."""
    import tensorflow as tf

    inputs = keras.layers.Input(batch_shape=(1, STEPS, FEATURES))
    return tf.lite.TFLiteConverter.from_keras_model(keras.Sequential([inputs, *layers])).convert()


def _keras3(layer: str, **options: Any) -> Callable[[], bytes]:
    def build() -> bytes:
        import keras

        return _sequence(keras, getattr(keras.layers, layer)(UNITS, **options), keras.layers.Dense(2))

    return build


def _stacked() -> bytes:
    import keras

    lstm = keras.layers.LSTM
    return _sequence(keras, lstm(UNITS, unroll=True, return_sequences=True), lstm(UNITS + 1, unroll=True))


def _fused() -> bytes:
    import tf_keras

    return _sequence(tf_keras, tf_keras.layers.LSTM(UNITS))


def _residual() -> bytes:
    """Equal residual blocks, as in any residual network."""
    import keras
    import tensorflow as tf

    layers = keras.layers
    x = inputs = layers.Input(batch_shape=(1, 8, 8, 4))
    for _ in range(4):
        y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(y))
        y = layers.Multiply()([y, layers.Reshape((1, 1, 4))(gate)])
        x = layers.Add()([x, layers.Conv2D(4, 3, padding="same", activation="tanh")(y)])
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, x)).convert()


def _lost_variables() -> bytes:
    """The weights of a Keras 3 model, lost by from_concrete_functions."""
    import keras
    import tensorflow as tf

    net = keras.Sequential([keras.layers.Input(batch_shape=(1, 8)), keras.layers.Dense(4)])
    function = tf.function(lambda x: net(x)).get_concrete_function(tf.TensorSpec((1, 8), tf.float32))
    return tf.lite.TFLiteConverter.from_concrete_functions([function], net).convert()


def _island(*operator_sets: str) -> Callable[[], bytes]:
    """A SIN, which has only a float kernel, between two integer layers."""

    def build() -> bytes:
        import keras
        import tensorflow as tf

        layers = keras.layers
        inputs = layers.Input(batch_shape=(1, 8))
        x = keras.ops.sin(layers.Dense(8, name="first")(inputs))
        net = keras.Model(inputs, layers.Dense(4, name="second")(x))
        samples = np.random.default_rng(0).normal(size=(20, 1, 8)).astype(np.float32)
        converter = tf.lite.TFLiteConverter.from_keras_model(net)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample] for sample in samples)
        converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, name) for name in operator_sets]
        return converter.convert()

    return build


_BUILDERS: dict[str, Callable[[], bytes]] = {
    "gru_loop": _keras3("GRU"),
    "gru_unrolled": _keras3("GRU", unroll=True),
    "island_int8": _island("TFLITE_BUILTINS_INT8", "TFLITE_BUILTINS"),
    "island_int16x8": _island("EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8", "TFLITE_BUILTINS"),
    "lost_variables": _lost_variables,
    "lstm_fused": _fused,
    "lstm_loop": _keras3("LSTM"),
    "lstm_stacked_unrolled": _stacked,
    "lstm_stateful": _keras3("LSTM", stateful=True),
    "lstm_unrolled": _keras3("LSTM", unroll=True),
    "residual_cnn": _residual,
    "rnn_unrolled": _keras3("SimpleRNN", unroll=True),
}

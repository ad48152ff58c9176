"""Recurrent layers that stream, each converted once a session, in this process: one step, and the sequence it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS, FEATURES, UNITS = 12, 3, 4


@cache
def content(name: str) -> bytes:
    """The model of that name."""
    return _BUILDERS[name]()


def frames(steps: int = STEPS) -> NDArray[np.float32]:
    """[steps, 1, 1, FEATURES]."""
    return np.random.default_rng(1).normal(size=(steps, 1, 1, FEATURES)).astype(np.float32)


@cache
def _layers() -> tuple[Any, Any]:
    """A GRU over a sequence, and one step of it with its state from outside, of the same weights."""
    import keras

    keras.utils.set_random_seed(0)
    sequence = keras.Input(batch_shape=(1, STEPS, FEATURES), name="x")
    whole = keras.Model(sequence, keras.layers.GRU(UNITS, unroll=True, return_sequences=True)(sequence))
    frame, h = keras.Input(batch_shape=(1, 1, FEATURES), name="x"), keras.Input(batch_shape=(1, UNITS), name="h")
    y, new = keras.layers.GRU(UNITS, unroll=True, return_state=True)(frame, initial_state=[h])
    step = keras.Model([frame, h], [keras.layers.Dense(2)(y), new])
    step.layers[-2].set_weights(whole.layers[-1].get_weights())
    return whole, step


def _converter(model: Any, calibration: Callable[[], Iterator[Any]] | None = None, **attributes: Any) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    for name, value in attributes.items():
        setattr(converter, name, value)
    return converter.convert()


def _calibration(states: str) -> Callable[[], Iterator[dict[str, NDArray[np.float32]]]]:
    """Steps with states of zero, at random, or as the model gives them back."""

    def samples() -> Iterator[dict[str, NDArray[np.float32]]]:
        _, step = _layers()
        random = np.random.default_rng(0)
        h = np.zeros((1, UNITS), np.float32)
        for frame in random.normal(size=(60, 1, 1, FEATURES)).astype(np.float32):
            if states == "random":
                h = random.uniform(-1, 1, (1, UNITS)).astype(np.float32)
            yield {"x": frame, "h": h}
            if states == "own":
                h = np.array(step([frame, h])[1])

    return samples


def _stateful(**attributes: Any) -> Callable[[], bytes]:
    def build() -> bytes:
        import keras

        inputs = keras.Input(batch_shape=(1, 1, FEATURES), name="x")
        y = keras.layers.LSTM(UNITS, stateful=True, unroll=True)(inputs)
        model = keras.Model(inputs, keras.layers.Dense(2)(y))
        samples = ([frame] for frame in frames(30))
        return _converter(model, (lambda: samples) if attributes else None, **attributes)

    return build


_BUILDERS: dict[str, Callable[[], bytes]] = {
    "gru_sequence": lambda: _converter(_layers()[0]),
    "gru_step": lambda: _converter(_layers()[1]),
    "gru_step_int8": lambda: _converter(_layers()[1], _calibration("own")),
    "gru_step_int8_random": lambda: _converter(_layers()[1], _calibration("random")),
    "gru_step_int8_zero": lambda: _converter(_layers()[1], _calibration("zero")),
    "lstm_stateful": _stateful(),
    "lstm_stateful_int8": _stateful(_experimental_variable_quantization=False),
    "lstm_stateful_int8_variables": _stateful(_experimental_variable_quantization=True),
}

"""A keyword spotter with an LSTM, as a source for `tflite-audit run`: the model, its calibration set and its data.

    tflite-audit run examples/keywords.py:model --calibration examples/keywords.py:samples \
        --data examples/keywords.py:labelled --recipe float32 --recipe int8 --recipe examples/per-tensor.toml

tf_keras and a fixed batch let the LSTM become one operator, which quantizes to int8. Written with Keras 3 it becomes a
WHILE loop, and integer quantization of that kills the converter: replace `tf_keras` by `keras` and see.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

FRAMES, FEATURES, WORDS = 20, 10, 3


def model():
    """Random weights: the example is about conversion."""
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    frames = tf_keras.Input(batch_shape=(1, FRAMES, FEATURES), name="frames")
    x = tf_keras.layers.Conv1D(8, 3, activation="relu", name="front")(frames)
    x = tf_keras.layers.LSTM(12, name="memory")(x)
    return tf_keras.Model(frames, tf_keras.layers.Dense(WORDS, name="word")(x))


def samples() -> Iterator[dict[str, np.ndarray]]:
    """The calibration set: one sample at a time, by input name, with the batch that the model has."""
    random = np.random.default_rng(0)
    for _ in range(20):
        yield {"frames": random.normal(size=(1, FRAMES, FEATURES)).astype(np.float32)}


def labelled() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The evaluation data: many samples at once, and the index of the right word for each."""
    random = np.random.default_rng(1)
    frames = random.normal(size=(64, FRAMES, FEATURES)).astype(np.float32)
    return {"frames": frames}, random.integers(WORDS, size=64)

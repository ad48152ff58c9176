"""A keyword spotter that is to hear a word as it is spoken, as a source for `tflite-audit streamify`.

    tflite-audit streamify examples/streaming.py:model --calibration examples/streaming.py:sequences -o streaming
    python streaming/stream.py streaming/int8/model.tflite

The model takes 20 frames at once. The step model takes one, and four states: the frames before that the convolution
sees, both states of the LSTM, and that of the GRU. Converted as it is, the model becomes two WHILE loops, and integer
quantization of these kills the converter.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

FRAMES, FEATURES, WORDS = 20, 10, 3


def model():
    """Random weights: the example is about conversion."""
    import keras

    keras.utils.set_random_seed(1)
    frames = keras.Input((FRAMES, FEATURES), name="frames")
    x = keras.layers.Conv1D(8, 3, padding="causal", activation="relu", name="front")(frames)
    x = keras.layers.LSTM(12, return_sequences=True, name="lower")(x)
    x = keras.layers.GRU(8, name="upper")(x)
    return keras.Model(frames, keras.layers.Dense(WORDS, name="word")(x))


def sequences() -> Iterator[dict[str, np.ndarray]]:
    """The calibration set: whole sequences by input name, one at a time."""
    random = np.random.default_rng(0)
    for _ in range(20):
        yield {"frames": random.normal(size=(1, FRAMES, FEATURES)).astype(np.float32)}

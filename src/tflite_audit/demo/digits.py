"""The classic small digit classifier, trained on `train.npz` beside this file.

A source like any other: `tflite-audit run digits.py:build --calibration calibration.npz --data test.npz`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def build() -> Any:
    """Train on `image` (float32, [n, 28, 28], 0 to 1) and `labels` ([n], 0 to 9); the model answers with logits."""
    import keras

    with np.load(Path(__file__).with_name("train.npz")) as train:
        images, labels = train["image"], train["labels"]
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28), name="image"),
            keras.layers.Reshape((28, 28, 1), name="reshape"),
            keras.layers.Conv2D(12, 3, activation="relu", name="conv"),
            keras.layers.MaxPooling2D(2, name="pool"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(10, name="logits"),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    epochs = 2 if len(images) > 10_000 else 10
    model.fit(images, labels, epochs=epochs, verbose=2)  # pyright: ignore[reportArgumentType]
    return model

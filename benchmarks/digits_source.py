"""The digit classifier of TensorFlow's post-training quantization tutorials, as they train it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

MNIST = Path(os.environ.get("TFLITE_AUDIT_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "mnist.npz"


def digits(part: str) -> tuple[np.ndarray, np.ndarray]:
    """`train` or `test`: images float32 [n, 28, 28] from 0 to 1, labels [n]."""
    with np.load(MNIST) as data:
        return (data[f"x_{part}"] / 255.0).astype(np.float32), data[f"y_{part}"].astype(np.int64)


def trained(epochs: int) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.InputLayer(shape=(28, 28), name="image"),
            keras.layers.Reshape(target_shape=(28, 28, 1)),
            keras.layers.Conv2D(filters=12, kernel_size=(3, 3), activation="relu"),
            keras.layers.MaxPooling2D(pool_size=(2, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(*digits("train"), epochs=epochs, verbose=0)
    return model


def one_epoch() -> Any:
    return trained(1)


def five_epochs() -> Any:
    return trained(5)

"""Sources for conversion tests: models made in code, tiny, named as `tests/builders/sources.py:function`.

Loaded in the child process only; importing this file imports TensorFlow.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf_keras

SCRATCH = Path(os.environ.get("TFLITE_AUDIT_TEST_SCRATCH", "/nonexistent"))
layers = keras.layers


def digits():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((28, 28), name="image"),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(4, 3, activation="relu", name="features"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, name="logits"),
        ]
    )


def digits_calibration():
    random = np.random.RandomState(0)
    for _ in range(8):
        yield {"image": random.rand(1, 28, 28).astype("float32")}


def lstm():
    """Initialized at random: each process builds another one."""
    inputs = keras.Input(batch_shape=(1, 6, 4), name="sequence")
    return keras.Model(inputs, layers.Dense(3)(layers.LSTM(5)(inputs)))


def lstm_calibration():
    random = np.random.RandomState(0)
    for _ in range(4):
        yield [random.randn(1, 6, 4).astype("float32")]


def free_batch_lstm():
    inputs = keras.Input((6, 4))
    return keras.Model(inputs, layers.LSTM(5, name="encoder")(inputs))


def two_inputs():
    """One shape and type; `large` first in the graph, `small` first by name in the signature's order of letters."""
    large, small = keras.Input((4,), name="z_large"), keras.Input((4,), name="a_small")
    return keras.Model([large, small], [layers.Dense(3)(large) + layers.Dense(3)(small), layers.Dense(2)(small)])


def two_inputs_calibration():
    random = np.random.RandomState(0)
    for _ in range(8):
        small = random.rand(1, 4).astype("float32")
        yield {"a_small": small, "z_large": small * 100}


def named_outputs():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, {"score": layers.Dense(2)(inputs), "box": layers.Dense(4)(inputs)})


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return {"sum": self.dense(inputs["right"]) + self.dense(inputs["left"])}


def subclassed():
    model = Subclassed()
    model({"left": np.zeros((1, 4), "float32"), "right": np.zeros((1, 4), "float32")})
    return model


def unbuilt():
    return keras.Sequential([layers.Dense(3)])


def legacy():
    inputs = tf_keras.Input((6, 4), batch_size=1, name="sequence")
    hidden = tf_keras.layers.LSTM(5)(inputs)
    outputs = [tf_keras.layers.Dense(3, name="second")(hidden), tf_keras.layers.Dense(2, name="first")(hidden)]
    return tf_keras.Model(inputs, outputs)


class Module(tf.Module):
    def __init__(self, model=None):
        super().__init__()
        self.weight = tf.Variable(np.linspace(-1, 1, 12).reshape(4, 3), dtype=tf.float32)
        self.model = model

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])
    def project(self, x):
        product = x @ self.weight
        return {"y": product if self.model is None else self.model(product, training=False)}


class TwoFunctions(Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 3], tf.float32)])
    def back(self, y):
        return y @ tf.transpose(self.weight)

    @tf.function
    def untraceable(self, y):
        return y


def module():
    return Module()


def module_of_two():
    return TwoFunctions()


def module_around_keras_3():
    keras.utils.set_random_seed(3)
    return Module(keras.Sequential([keras.Input((3,)), layers.Dense(2)]))


HELD = Module()


def module_of_two_calibration():
    for _ in range(2):
        yield "back", {"y": np.ones((1, 3), "float32")}
        yield "project", {"x": np.full((1, 4), 5, "float32")}


def concrete():
    return HELD.project.get_concrete_function()


def concrete_let_go():
    module = Module()
    return module.project.get_concrete_function()


def concrete_with_keras_3():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    function = tf.function(lambda x: model(x, training=False))
    return [function.get_concrete_function(tf.TensorSpec([1, 4], tf.float32, name="x"))], model


def saved_model():
    folder = SCRATCH / "saved_model"
    if not folder.exists():
        held = TwoFunctions()
        tf.saved_model.save(held, str(folder), signatures={"project": held.project, "back": held.back})
    return str(folder)


def keras_file():
    keras.utils.set_random_seed(4)
    path = SCRATCH / "digits.keras"
    digits().save(path)
    return path


def legacy_dense():
    inputs = tf_keras.Input((4,), name="x")
    return tf_keras.Model(inputs, tf_keras.layers.Dense(3, name="only")(inputs))


def legacy_keras_file():
    path = SCRATCH / "legacy.keras"
    legacy_dense().save(path)
    return path


def legacy_h5_file():
    path = SCRATCH / "legacy.h5"
    legacy_dense().save(path)
    return path


def no_export():
    """The converter hides why Keras cannot export this (bilinear upsampling of a free size)."""
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, layers.UpSampling2D(2, interpolation="bilinear", name="enlarge")(inputs))


class Unsupported(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 4, 4], tf.float32, name="x")])
    def __call__(self, x):
        return tf.linalg.inv(x)  # the line that the failure must name


def unsupported():
    return Unsupported()


class FloorMod(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])
    def __call__(self, x):
        return tf.math.floormod(tf.math.floormod(x, 8.0), 7.0)


def floor_mod():
    return FloorMod()


def floor_mod_calibration():
    return ([np.full((1, 4), value, "float32")] for value in (1.0, 5.0, 9.0))


def raises():
    raise LookupError("the weights are not here\nand a second line")


def hangs():
    print("going to hang", flush=True)
    time.sleep(600)


def hoards():
    hoard = []
    while True:
        hoard.append(np.ones(4_000_000))


def kills():
    os.kill(os.getpid(), 9)


def nothing():
    return None

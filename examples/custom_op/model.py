"""A layer that is a function of one's own, which becomes one custom operator.

The converter puts the operator `SoftThreshold` in the place of the function, because of what `experimental_implements`
says; the function's body is what the model does in TensorFlow, and what the converted model is compared with.
"""

import keras
import numpy as np
import tensorflow as tf


@tf.function(experimental_implements='name: "SoftThreshold" attr { key: "tfl_fusable_op" value { b: true } }')
def soft_threshold(x, threshold):
    """What lies within the threshold becomes 0, the rest comes nearer to 0 by it."""
    return tf.sign(x) * tf.maximum(tf.abs(x) - threshold, 0.0)


class SoftThreshold(keras.layers.Layer):
    def call(self, x):
        return soft_threshold(x, tf.constant(0.1))


def model():
    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(1, 16))
    x = keras.layers.Dense(16)(inputs)
    x = SoftThreshold()(x)
    return keras.Model(inputs, keras.layers.Dense(4)(x))


def samples():
    random = np.random.default_rng(1)
    for _ in range(20):
        yield [random.normal(size=(1, 16)).astype(np.float32)]

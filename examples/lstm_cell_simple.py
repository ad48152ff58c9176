"""A recurrent layer of one's own, with lingvo's LSTMCellSimple as its cell, that becomes one fused operator.

    tflite-audit run examples/lstm_cell_simple.py:model --recipe float32 --recipe int8 \
        --calibration examples/lstm_cell_simple.py:samples

What the converter fuses is not what a function computes but what it says of itself. This one says, by `api_implements`,
that it is a Keras LSTM: the converter takes its first six arguments, puts UNIDIRECTIONAL_SEQUENCE_LSTM in its place and
throws the body away. So the body must compute what the operator does, and a test compares the two:

- arguments: sequence [batch, steps, inputs]; state and cell state [batch, units], both zero; kernel
  [inputs, 4 * units], recurrent kernel [units, 4 * units] and bias [4 * units] in the order input gate, forget gate,
  candidate, output gate. lingvo has one matrix for both kernels, and the candidate in front, so the weights are put in
  order outside.
- the cell state is clipped at 10, as in lingvo; gates are sigmoids, the activation is tanh.
- five results, of which only the first two (last output, all outputs) are read.
- the name begins with `lstm_`; `time_major` is there; the batch is fixed; no mask; weights are given as tensors, not
  as variables.

The operator keeps its state from call to call: `interpreter.reset_all_variables()` before each new sequence.

lingvo's own interface is another, `experimental_implements="LSTMCellSimple"`. It kills the converter of TensorFlow 2.21
(segmentation fault): the rewriting makes a `tensor.cast`, and nothing has loaded that dialect.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

STEPS, INPUTS, UNITS = 12, 6, 8
CELL_VALUE_CAP = 10.0


@tf.function(
    autograph=False,
    experimental_attributes={"api_implements": "lstm_cell_simple", "time_major": False, "go_backwards": False},
)
def lstm(x, m, c, kernel, recurrent_kernel, bias):
    outputs = []
    for step in range(x.shape[1]):
        gates = x[:, step] @ kernel + m @ recurrent_kernel + bias
        input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(forget_gate) * c + tf.sigmoid(input_gate) * tf.tanh(candidate)
        c = tf.clip_by_value(c, -CELL_VALUE_CAP, CELL_VALUE_CAP)
        m = tf.sigmoid(output_gate) * tf.tanh(c)
        outputs.append(m)
    return m, tf.stack(outputs, axis=1), m, c, tf.constant(0.0)


class LSTMCellSimple(tf.Module):
    """The parameters as lingvo keeps them: gates in the order candidate, input, forget, output."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.units = units
        self.wm = tf.Variable(random.normal(0, 0.4, (inputs + units, 4 * units)).astype(np.float32))
        self.b = tf.Variable(random.normal(0, 0.2, 4 * units).astype(np.float32))

    def over(self, x):
        """All outputs for a sequence from the zero state, [batch, steps, units]."""
        wm, b = _keras_order(self.wm.read_value()), _keras_order(self.b.read_value())
        zero = tf.zeros((x.shape[0], self.units))
        inputs = x.shape[-1]
        return lstm(x, zero, zero, wm[:inputs], wm[inputs:], b)[1]


def _keras_order(gates):
    candidate, input_gate, forget_gate, output_gate = tf.split(gates, 4, axis=-1)
    return tf.concat([input_gate, forget_gate, candidate, output_gate], axis=-1)


class Model(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = LSTMCellSimple(INPUTS, UNITS)

    @tf.function(input_signature=[tf.TensorSpec((1, STEPS, INPUTS), tf.float32, name="frames")])
    def __call__(self, frames):
        return self.cell.over(frames)


def model() -> Model:
    return Model()


def samples() -> Iterator[dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    for _ in range(20):
        yield {"frames": random.normal(size=(1, STEPS, INPUTS)).astype(np.float32)}

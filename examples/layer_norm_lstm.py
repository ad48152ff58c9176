"""An LSTM with layer normalization, lingvo's LayerNormalizedLSTMCellSimple, as one fused operator.

    tflite-audit run examples/layer_norm_lstm.py:model --recipe examples/custom-ops.toml
    python examples/layer_norm_lstm.py tflite-audit-report/custom-ops/model.tflite fused.tflite

The converter has an interface for it, `experimental_implements="LayerNormalizedLstmCellSimple"` (`Lstm`, whatever the
documentation says; any other spelling is passed over in silence). With TensorFlow 2.21 it ends in a segmentation fault,
as LSTMCellSimple does: see lstm_cell_simple.py. Keras's interface, which works, knows no layer normalization. So this
takes two steps:

1. The function says that it is to become a custom operator, with `tfl_fusable_op`. Its arguments are the inputs of
   UNIDIRECTIONAL_SEQUENCE_LSTM, those that it has, in their order.
2. `fuse` makes the builtin operator of the custom one. Both runtimes have a kernel for it, in float.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

STEPS, INPUTS, UNITS = 12, 6, 8
CELL_VALUE_CAP = 10.0
EPSILON = 1e-8
CUSTOM_CODE = "LayerNormalizedLSTM"

# The places of the function's arguments among the 24 inputs of the operator (lite/kernels/lstm_shared.h): sequence,
# input kernels and recurrent kernels, biases, state and cell state, layer normalization; each for the input gate, the
# forget gate, the candidate and the output gate. No peepholes (9 to 11), no projection (16 and 17).
PLACES = [0, *range(1, 5), *range(5, 9), *range(12, 16), 18, 19, *range(20, 24)]


@tf.function(
    autograph=False,
    experimental_implements=f'name: "{CUSTOM_CODE}" attr {{ key: "tfl_fusable_op" value {{ b: true }} }}',
)
def lstm(x, *weights):
    kernels, recurrent, biases, (m, c), scales = (
        weights[start:end] for start, end in ((0, 4), (4, 8), (8, 12), (12, 14), (14, 18))
    )
    outputs = []
    for step in range(x.shape[1]):
        gates = [
            _normalized(tf.matmul(x[:, step], w, transpose_b=True) + tf.matmul(m, u, transpose_b=True)) * scale + b
            for w, u, b, scale in zip(kernels, recurrent, biases, scales, strict=True)
        ]
        input_gate, forget_gate, candidate, output_gate = gates
        c = tf.sigmoid(forget_gate) * c + tf.sigmoid(input_gate) * tf.tanh(candidate)
        c = tf.clip_by_value(c, -CELL_VALUE_CAP, CELL_VALUE_CAP)
        m = tf.sigmoid(output_gate) * tf.tanh(c)
        outputs.append(m)
    return tf.stack(outputs, axis=1)


def _normalized(gate):
    # Not tf.nn.moments: of that TensorFlow 2.21 with oneDNN makes a layer norm of its own, which is off by 0.15 here.
    centred = gate - tf.reduce_mean(gate, axis=1, keepdims=True)
    return centred / tf.sqrt(tf.reduce_mean(centred * centred, axis=1, keepdims=True) + EPSILON)


class Model(tf.Module):
    """The parameters as lingvo keeps them: gates in the order candidate, input, forget, output."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.wm = tf.Variable(random.normal(0, 0.4, (INPUTS + UNITS, 4 * UNITS)).astype(np.float32))
        self.b = tf.Variable(random.normal(0, 0.2, 4 * UNITS).astype(np.float32))
        self.ln_scale = tf.Variable(random.normal(1, 0.2, 4 * UNITS).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec((1, STEPS, INPUTS), tf.float32, name="frames")])
    def __call__(self, frames):
        wm = tf.transpose(self.wm)  # the operator's kernels are [units, inputs]
        zero = tf.zeros((1, UNITS))
        return lstm(
            frames,
            *_operator_order(wm[:, :INPUTS]),
            *_operator_order(wm[:, INPUTS:]),
            *_operator_order(self.b),
            zero,
            zero,
            *_operator_order(self.ln_scale),
        )


def _operator_order(gates):
    candidate, input_gate, forget_gate, output_gate = tf.split(gates, 4, axis=0)
    return input_gate, forget_gate, candidate, output_gate


def model() -> Model:
    return Model()


def fuse(content: bytes) -> bytes:
    """The model with UNIDIRECTIONAL_SEQUENCE_LSTM in the place of each custom operator `CUSTOM_CODE`."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    for number, code in enumerate(model.operatorCodes):
        if code.customCode != CUSTOM_CODE.encode():
            continue
        builtin = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.customCode, code.version = None, 1
        for graph in model.subgraphs:
            for op in graph.operators:
                if op.opcodeIndex == number:
                    _rewrite(graph, op, schema)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _rewrite(graph, op, schema) -> None:
    inputs = np.full(24, -1, np.int32)
    inputs[PLACES] = op.inputs
    for place in (18, 19):  # the operator writes its state: variable tensors of its own, without data
        state = schema.TensorT()
        state.shape, state.type = graph.tensors[inputs[place]].shape, schema.TensorType.FLOAT32
        state.name, state.buffer, state.isVariable = f"state_{place}", 0, True
        graph.tensors.append(state)
        inputs[place] = len(graph.tensors) - 1
    op.inputs = inputs
    op.customOptions = None
    op.builtinOptionsType = schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
    op.builtinOptions = schema.UnidirectionalSequenceLSTMOptionsT()
    op.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.TANH
    op.builtinOptions.cellClip = CELL_VALUE_CAP


if __name__ == "__main__":
    converted, to = map(Path, sys.argv[1:])
    to.write_bytes(fuse(converted.read_bytes()))

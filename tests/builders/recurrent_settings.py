"""Converts one recurrent layer in every setting of `why_measured.FORMS`, and says which form it got.

python -m tests.builders.recurrent_settings tf_keras            # all settings in float32
python -m tests.builders.recurrent_settings keras loop int8     # the LSTM of `why_measured.LONGER`; may die
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tflite_audit.analyzer.model import debug_info, flatbuffer
from tflite_audit.rules import precision
from tflite_audit.rules.recurrent import forms
from tflite_audit.rules.recurrent.why_measured import FAILS, FORMS, Measured

STEPS, FEATURES, UNITS = 6, 3, 4
LONG, WIDE, MANY = 28, 32, 40


def build(keras: Any, measured: Measured) -> Any:
    """The model of one line of the table."""
    layers, setting = keras.layers, measured.setting
    batch = {"batch 4": 4, "free batch": None}.get(setting, 1)
    steps = None if setting == "free steps" else STEPS
    shape: tuple[int | None, ...] = (batch, steps, FEATURES)
    if setting == "time_major=True":
        shape = (steps, batch, FEATURES)
    if setting == "in a TimeDistributed":
        shape = (batch, 2, steps, FEATURES)
    if measured.layer.startswith("ConvLSTM"):
        shape = (batch, steps, *[5] * int(measured.layer[8]), 2)
    if setting == "Embedding(mask_zero=True)":
        inputs = keras.Input(batch_shape=(batch, steps), dtype="int32")
        x = layers.Embedding(9, FEATURES, mask_zero=True)(inputs)
    else:
        x = inputs = keras.Input(batch_shape=shape)
    given = [inputs]
    called: dict[str, Any] = {}
    if setting == "Masking":
        x = layers.Masking()(x)
    elif setting == "mask given by hand":
        given.append(keras.Input(batch_shape=(batch, steps), dtype="bool"))
        called["mask"] = given[-1]
    elif setting == "initial state from an input":
        given += [keras.Input(batch_shape=(batch, UNITS)) for _ in range(2)]
        called["initial_state"] = given[1:]
    elif setting == "initial state of ones":
        import tensorflow as tf

        called["initial_state"] = [tf.ones((1, UNITS)) for _ in range(2)]
    outputs = _layer(keras, measured)(x, **called)
    if isinstance(outputs, list | tuple):
        outputs = {"hidden": outputs[1], "cell": outputs[2]}.get(setting.split()[1], outputs[0])
    return keras.Model(given, outputs)


def _layer(keras: Any, measured: Measured) -> Any:
    layers, setting = keras.layers, measured.setting
    if measured.layer.startswith("ConvLSTM"):
        return getattr(layers, measured.layer)(2, 3, padding="same")
    if measured.layer == "RNN(LSTMCell)":
        return layers.RNN(layers.LSTMCell(UNITS))
    if measured.layer == "RNN(two LSTMCells)":
        return layers.RNN([layers.LSTMCell(UNITS), layers.LSTMCell(UNITS + 1)])
    if measured.layer.startswith("RNN"):
        return layers.RNN(_cell(keras))
    options: dict[str, Any] = {}
    for part in setting.split(", "):
        name, is_option, value = part.partition("=")
        if is_option and "(" not in part:
            options[name] = {"True": True, "False": False}.get(value, value.strip("'"))
            if name.endswith("dropout"):
                options[name] = float(value)
    layer = getattr(layers, measured.layer)(UNITS, **options)
    if setting.startswith("in a "):
        return getattr(layers, setting.removeprefix("in a "))(layer)
    return layer


def _cell(keras: Any) -> Any:
    import tensorflow as tf

    class Cell(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.state_size = self.output_size = UNITS

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1] + UNITS, UNITS))
            self.built = True

        def call(self, x: Any, states: Any) -> Any:
            h = tf.tanh(tf.matmul(tf.concat([x, states[0]], 1), self.kernel))
            return h, [h]

    return Cell()


def convert(model: Any, recipe: str = "float32") -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if recipe != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe in ("int8", "int16x8"):
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        random = np.random.default_rng(0)
        converter.representative_dataset = lambda: (
            [random.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(4)
        )
    if recipe == "int16x8":
        operators = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
        converter.target_spec.supported_ops = [tf.lite.OpsSet[operators]]
    return converter.convert()


def form(content: bytes) -> str:
    model = flatbuffer.parse(content)
    found = forms.of_model(model, debug_info.locate(model), precision.of_model(model)).layers
    return " and ".join(sorted({layer.form for layer in found}))


def every(package: str) -> Iterator[str]:
    keras = importlib.import_module(package)
    for measured in FORMS:
        if not getattr(measured, package):
            yield ""
            continue
        model = build(keras, measured)
        try:
            yield form(convert(model))
        except Exception:
            yield FAILS


def microseconds(content: bytes) -> float:
    """The median call on one thread, processor time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    interpreter.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
    seconds: list[float] = []
    for _ in range(200):
        begun = time.process_time()
        interpreter.invoke()
        seconds.append(time.process_time() - begun)
    return float(np.median(seconds)) * 1e6


def main() -> None:
    package, *asked = sys.argv[1:]
    if not asked:
        print(json.dumps(list(every(package))))
        return
    wanted, recipe = asked
    keras = importlib.import_module(package)
    x = keras.Input(batch_shape=(1, LONG, WIDE))
    content = convert(keras.Model(x, keras.layers.LSTM(MANY, unroll=wanted == "unrolled")(x)), recipe)
    print(json.dumps([form(content), len(content), microseconds(content)]))


if __name__ == "__main__":
    main()

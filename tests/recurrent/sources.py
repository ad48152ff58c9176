"""The recurrent models of the grid: one function for each combination of settings, that builds it.

Each is a name of this module, which `tflite-audit run tests/recurrent/sources.py:NAME` takes:

    lstm_keras3_batch1_unrolled_stateful

The sizes are chosen so that every kernel has at least 1,024 values, also where it is taken apart gate by gate, as by
the fused LSTM and by ConvLSTM2D: what is smaller, dynamic range quantization leaves float.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

LAYERS = ("lstm", "gru", "conv_lstm", "stacked", "bidirectional", "masked", "simple_rnn")
PACKAGES = ("keras3", "tf_keras")
BATCHES = ("free", "batch1")
RUNS = ("rolled", "unrolled")
STATES = ("stateless", "stateful")

STEPS = 8
FEATURES = 32
UNITS = 40
IMAGE_STEPS, SIDE, CHANNELS, FILTERS = 4, 6, 12, 12
INPUT = "sequence"
SEED = 0


@dataclass(frozen=True, order=True, slots=True)
class Source:
    """The settings of one model of the grid."""

    layer: str
    package: str
    batch: str
    run: str
    state: str

    @property
    def name(self) -> str:
        """Of its function in this module."""
        return "_".join((self.layer, self.package, self.batch, self.run, self.state))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample, without the batch."""
        return (IMAGE_STEPS, SIDE, SIDE, CHANNELS) if self.layer == "conv_lstm" else (STEPS, FEATURES)


SOURCES: Sequence[Source] = tuple(
    Source(*settings) for settings in itertools.product(LAYERS, PACKAGES, BATCHES, RUNS, STATES)
)


def build(source: Source) -> Any:
    """The Keras model.

    Raises:
        Exception: Keras refuses the combination.
    """
    if source.package == "keras3":
        import keras
    else:
        import tf_keras as keras
    keras.utils.set_random_seed(SEED)
    given = keras.Input(source.shape, batch_size=1 if source.batch == "batch1" else None, name=INPUT)
    options = {"unroll": source.run == "unrolled", "stateful": source.state == "stateful"}
    return keras.Model(given, _layers(keras.layers, source.layer, given, options))


def _layers(layers: Any, kind: str, given: Any, options: Mapping[str, Any]) -> Any:
    match kind:
        case "lstm":
            return layers.LSTM(UNITS, **options)(given)
        case "gru":
            return layers.GRU(UNITS, **options)(given)
        case "simple_rnn":
            return layers.SimpleRNN(UNITS, **options)(given)
        case "stacked":
            return layers.LSTM(UNITS, **options)(layers.LSTM(UNITS, return_sequences=True, **options)(given))
        case "bidirectional":
            return layers.Bidirectional(layers.LSTM(UNITS, **options))(given)
        case "masked":
            return layers.LSTM(UNITS, **options)(layers.Masking(0.0)(given))
        case _:
            return layers.ConvLSTM2D(FILTERS, 3, padding="same", **options)(given)


globals().update({source.name: partial(build, source) for source in SOURCES})

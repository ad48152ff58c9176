"""A causal convolution as one step: the steps before it that it sees, handed in and out. Runs in the child process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.streaming.per_step import field


@dataclass(frozen=True, slots=True)
class Window:
    """A causal convolution's steps: those before, and this one.

    Attributes:
        layer: of the source.
        called: the same convolution of the same weights without padding, which the state stands for.
        first: what was there before the first step: the zeros of the padding.
    """

    layer: Any
    called: Any
    first: tuple[NDArray[Any], ...]
    _stem: str

    def __call__(self, step: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """One step: its output, and the newest steps for the next one."""
        layers = _package(self.layer).layers
        (past,) = states
        channels = self.first[0].shape[-1]
        newest = layers.Reshape((1, channels), name=f"{self._stem}_newest")(step)
        window = layers.Concatenate(axis=1, name=f"{self._stem}_window")([past, newest])
        output = layers.Reshape((self.layer.filters,), name=f"{self._stem}_answer")(self.called(window))
        return output, [layers.Cropping1D((1, 0), name=f"{self._stem}_kept")(window)]


def is_window(layer: Any) -> bool:
    """A convolution of Keras's own over this step and some before it."""
    return (
        type(layer).__name__ == "Conv1D"
        and type(layer).__module__.split(".")[0] in ("keras", "tf_keras")
        and getattr(layer, "padding", "") == "causal"
        and getattr(layer, "data_format", "") == "channels_last"
        and set(layer.strides) == {1}
        and (field(layer) or 1) > 1
    )


def window_of(layer: Any, stem: str, channels: int, dtype: str) -> Window:
    """Of a layer that was built.

    Args:
        stem: what the names of layers begin with that stand around it.
        channels, dtype: of what it is given.
    """
    seen = field(layer) or 1
    valid = type(layer).from_config({**layer.get_config(), "padding": "valid"})
    valid.build((None, seen, channels))
    valid.set_weights(layer.get_weights())
    return Window(layer, valid, (np.zeros((1, seen - 1, channels), dtype),), stem)


def _package(layer: Any) -> Any:
    return sys.modules[type(layer).__module__.split(".")[0]]

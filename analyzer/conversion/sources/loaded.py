"""A source model in memory: its signatures, its converter, its own answers. Runs in the child process."""

from __future__ import annotations

import platform
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.types import SignatureSpec, SourceDescription, SourceRecurrent, TensorSpec

Arrays = Mapping[str, NDArray[Any]]
Answer = Callable[[Arrays], dict[str, NDArray[Any]]]

SERVING = "serving_default"
"""Key of the signature that the converter gives a model that has but one (tf.saved_model)."""


class Loaded(ABC):
    """A model that TensorFlow holds.

    Attributes:
        kind: in words.
        signatures: named as the converter will name them; empty where that cannot be told before.
        layers: names of its Keras layers, nested ones included.
        notes: lines for the user about how it was read.
    """

    kind: str
    signatures: tuple[SignatureSpec, ...]
    layers: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.notes: list[str] = []

    @abstractmethod
    def converter(self) -> Any:
        """A new `tf.lite.TFLiteConverter`, as its constructor leaves it."""

    @abstractmethod
    def answer(self, signature: SignatureSpec) -> Answer:
        """The model itself as a function from arrays by input name to arrays by output name."""

    @abstractmethod
    def variables(self) -> Sequence[Any]:
        """What it learned, in an order that is the same each time it is built. Empty for models that are files."""

    @abstractmethod
    def parameters(self) -> int:
        """Number of values in its variables."""

    def recurrent(self) -> tuple[SourceRecurrent, ...] | None:
        """Its recurrent layers as they are now (`Conversion.recurrent`)."""
        return None

    def describe(self, name: str) -> SourceDescription:
        """What it is, for the parent."""
        return SourceDescription(
            name, self.kind, self.signatures, self.parameters(), versions(), tuple(self.notes), self.recurrent()
        )

    def signature(self, key: str | None) -> SignatureSpec:
        """The signature of that key; for None the only one, or the serving one.

        Raises:
            SourceError: there is none.
        """
        if key is None and len(self.signatures) == 1:
            return self.signatures[0]
        key = key or SERVING
        for signature in self.signatures:
            if signature.key == key:
                return signature
        raise SourceError(f"there is no signature {key!r}; there is {keys(self.signatures) or 'none'}")


def tensorflow() -> Any:
    """TensorFlow, imported when first asked for; untyped, because the types it ships are partial."""
    import tensorflow

    return tensorflow


def keys(signatures: Sequence[SignatureSpec]) -> str:
    """Their keys, for a message."""
    return ", ".join(signature.key for signature in signatures)


def output_names(structure: Any) -> list[str]:
    """The names that `tf.saved_model.save` gives a function's outputs: the keys of a dict, or `output_0` ..."""
    flat = tensorflow().nest.flatten(structure)
    names = [str(key) for key in sorted(structure)] if isinstance(structure, dict) else []
    return names if len(names) == len(flat) else [f"output_{i}" for i in range(len(flat))]


def tensor_spec(name: str, tensor: Any) -> TensorSpec:
    """Of anything that has a shape and a dtype."""
    dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
    try:
        shape = tuple(-1 if size is None else int(size) for size in tensor.shape)
    except ValueError:  # tf.TensorShape(None)
        shape = None
    return TensorSpec(name, dtype, shape)


def versions() -> dict[str, str]:
    """Package → version of what converts here; Keras packages only where they are in use."""
    found = {"python": platform.python_version()}
    for package, module in (("tensorflow", "tensorflow"), ("keras", "keras"), ("tf_keras", "tf_keras")):
        if module in sys.modules:
            try:
                found[package] = str(sys.modules[module].__version__)
            except AttributeError:  # imported lazily, and not used yet
                found[package] = metadata.version(package.replace("_", "-"))
    found["numpy"] = np.__version__
    return found

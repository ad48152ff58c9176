"""The names, types and shapes by which a `.tflite` file is called."""

from __future__ import annotations

from collections.abc import Iterable

from tflite_audit.analyzer.evaluation.types import DataError, Interface, Port
from tflite_audit.analyzer.model.types import Model, Signature, Tensor

DEFAULT_SIGNATURE = "serving_default"
"""The key that TensorFlow's exporters use (tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY)."""


def interface(model: Model, signature: str | None = None) -> Interface:
    """Inputs and outputs of one signature; of the first subgraph for a model without any.

    Args:
        signature: its key; None takes the only one, or `serving_default`.

    Raises:
        DataError: there is no such signature, or several and none was chosen.
    """
    if not model.signatures:
        if signature is not None:
            raise DataError(f"{model.path}: has no signatures, so none called {signature!r}; leave --signature out")
        graph = model.subgraphs[0]
        inputs = [graph.tensors[i] for i in graph.inputs]
        outputs = [graph.tensors[i] for i in graph.outputs]
        return Interface(
            None,
            tuple(map(_port, told_apart([t.name for t in inputs]), inputs)),
            tuple(map(_port, told_apart([t.name for t in outputs]), outputs)),
        )
    chosen = _chosen(model, signature)
    tensors = model.subgraphs[chosen.subgraph].tensors
    return Interface(
        chosen.key,
        tuple(_port(name, tensors[i]) for name, i in chosen.inputs.items()),
        tuple(_port(name, tensors[i]) for name, i in chosen.outputs.items()),
    )


def choose_signature(where: str, keys: Iterable[str], signature: str | None) -> str:
    """The key asked for, or the only one, or `serving_default`.

    Raises:
        DataError: there is no such signature, or several and none was chosen.
    """
    keys = tuple(keys)
    if signature is not None:
        if signature not in keys:
            raise DataError(f"{where}: has no signature {signature!r}; it has {', '.join(keys)}")
        return signature
    if len(keys) == 1:
        return keys[0]
    if DEFAULT_SIGNATURE in keys:
        return DEFAULT_SIGNATURE
    raise DataError(f"{where}: has {len(keys)} signatures ({', '.join(keys)}); choose one with --signature")


def told_apart(names: list[str]) -> list[str]:
    """The names; with `#` and its position, counted from 0, behind one that is empty or not the only one."""
    return [name if name and names.count(name) == 1 else f"{name}#{i}" for i, name in enumerate(names)]


def _chosen(model: Model, signature: str | None) -> Signature:
    key = choose_signature(model.path, (s.key for s in model.signatures), signature)
    return next(s for s in model.signatures if s.key == key)


def _port(name: str, tensor: Tensor) -> Port:
    quantized = tensor.quantization is not None and tensor.quantization.scale.size > 0 and not tensor.is_float
    return Port(name, tensor.dtype, tensor.declared_shape, quantized)

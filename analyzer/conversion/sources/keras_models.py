"""Models of Keras 3 and tf_keras. Runs in the child process."""

from __future__ import annotations

import functools
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from tflite_audit.analyzer import user_code
from tflite_audit.analyzer.conversion import source as sources
from tflite_audit.analyzer.conversion.source import Source, SourceError, SourceKind
from tflite_audit.analyzer.conversion.sources import recurrent
from tflite_audit.analyzer.conversion.sources.loaded import (
    SERVING,
    Answer,
    Arrays,
    Loaded,
    output_names,
    tensor_spec,
    tensorflow,
)
from tflite_audit.analyzer.conversion.sources.saved_models import meta_graph, saved_signatures
from tflite_audit.analyzer.conversion.types import SignatureSpec, SourceRecurrent


def keras_of(found: Any) -> ModuleType | None:
    """The package that a Keras model is of, `keras` or `tf_keras`; None for anything else. Imports neither."""
    for name in ("keras", "tf_keras"):
        module: Any = sys.modules.get(name)
        if module is not None and isinstance(found, module.Model):
            return module
    return None


class KerasModel(Loaded):
    """A model of Keras 3 or tf_keras.

    The names of a signature are those of the SavedModel that the converter makes of the model. For a functional or
    sequential model they are told without making it: Keras 3 (keras.export.ExportArchive) names inputs by their tensors
    and outputs by key or `output_0` ...; tf_keras names them by the input and output layers. A subclassed model is
    exported to read them.
    """

    def __init__(self, model: Any, source: Source) -> None:
        super().__init__()
        if source.signature not in (None, SERVING):
            raise SourceError(f"{source.spec}: a Keras model has one signature, {SERVING}; not {source.signature!r}")
        keras: Any = keras_of(model)
        self.model = model
        self.is_keras_3 = keras.__name__ == "keras" and keras.__version__.startswith("3")
        self.kind = "Keras 3 model" if self.is_keras_3 else "tf_keras model"
        self.layers = tuple(layer_names(model))
        self._is_built = bool(getattr(model, "built", False))
        self._symbolic: Sequence[Any] = (getattr(model, "inputs", None) or []) if self._is_built else []
        if not self._is_built:  # the conversion will fail, and be reported
            self.signatures = ()
            self.notes.append(f"{source.spec}: the model was never built; give it an Input, or call it once on data")
        elif not self._symbolic:
            self.signatures = self._exported(source)
        elif self.is_keras_3:
            self._names = [tensor.name for tensor in self._symbolic]
            outputs = getattr(model, "output", model.outputs)
            self.signatures = (self._functional(output_names(outputs), tensorflow().nest.flatten(outputs)),)
        else:
            self._names = list(model.input_names)
            self.signatures = (self._functional(model.output_names, model.outputs),)

    def converter(self) -> Any:
        """`from_keras_model`."""
        return tensorflow().lite.TFLiteConverter.from_keras_model(self.model)

    def answer(self, signature: SignatureSpec) -> Answer:
        """The model's call, with training=False."""
        tf = tensorflow()
        if self._symbolic:
            # A Sequential of Keras 3 that was never called has `inputs` only.
            names, structure = self._names, getattr(self.model, "input", self._symbolic[0])
        else:
            names, structure = [spec.name for spec in signature.inputs], save_spec(self.model, self.is_keras_3)
        labels = [spec.name for spec in signature.outputs]

        def call(tensors: list[Any]) -> Any:
            return self.model(tf.nest.pack_sequence_as(structure, tensors), training=False)

        compiled = tf.function(call, reduce_retracing=True)

        def run(arrays: Arrays) -> dict[str, NDArray[Any]]:
            found = tf.nest.flatten(compiled([tf.constant(arrays[name]) for name in names]))
            return {name: tensor.numpy() for name, tensor in zip(labels, found, strict=True)}

        return run

    def variables(self) -> Sequence[Any]:
        """Weights, states and seeds; the optimizer's left out."""
        return list(self.model.variables) if self._is_built else []

    def parameters(self) -> int:
        """As Keras counts them; 0 before it is built."""
        return int(self.model.count_params()) if self._is_built else 0

    def recurrent(self) -> tuple[SourceRecurrent, ...] | None:
        """As its graph of layers tells."""
        return recurrent.of_model(self.model)

    def _functional(self, output_labels: Sequence[str], outputs: Sequence[Any]) -> SignatureSpec:
        return SignatureSpec(
            SERVING,
            tuple(tensor_spec(name, tensor) for name, tensor in zip(self._names, self._symbolic, strict=True)),
            tuple(tensor_spec(name, tensor) for name, tensor in zip(output_labels, outputs, strict=True)),
        )

    def _exported(self, source: Source) -> tuple[SignatureSpec, ...]:
        folder = tempfile.mkdtemp(prefix="tflite-audit-")
        try:
            _export(self.model, folder, self.is_keras_3)
            found = saved_signatures(meta_graph(folder, {"serve"}))
            return tuple(signature for signature in found if signature.key == SERVING)
        except Exception as error:  # the conversion will fail for the same reason, and be reported
            self.notes.append(f"{source.spec}: cannot be exported: {user_code.in_one_line(error)}")
            return ()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def load_file(source: Source) -> Any:
    """The model in a `.keras` or `.h5` file, by the Keras that wrote it.

    Raises:
        SourceError: it cannot be loaded.
    """
    sources.check_trust(source)  # again: the parent cannot look into .h5 files where it has no h5py
    path = Path(source.path)
    options: dict[str, Any] = {"compile": False}
    if source.kind is SourceKind.KERAS:
        written_by = str(sources.keras_config(path, "metadata.json").get("keras_version", ""))
        options["safe_mode"] = not source.trust
    else:
        written_by = str(sources.h5_attribute(path, "keras_version") or "")
        if sources.h5_attribute(path, "model_config") is None:
            raise SourceError(f"{source.spec}: holds weights and no model; build it and load them in a function")
    try:
        keras = _keras_3() if written_by.startswith("3") else _tf_keras()
    except ImportError:
        raise SourceError(
            f"{source.spec}: saved by Keras {written_by or '2'}, which tf_keras loads; pip install tf-keras"
        ) from None
    try:
        model = keras.models.load_model(source.path, **options)
    except Exception as error:
        raise SourceError(
            f"{source.spec}: Keras cannot load it: {user_code.first_line(str(error))}; "
            "with layers of your own, load it in a function and give path/file.py:function"
        ) from error
    if written_by.startswith("3") and len(source.inputs) == len(getattr(model, "inputs", None) or ()):
        for tensor, name in zip(model.inputs, source.inputs, strict=True):
            tensor.name = name
    return model


def _keras_3() -> Any:
    import keras

    return keras


def _tf_keras() -> Any:
    import tf_keras

    return tf_keras


def layer_names(model: Any) -> Iterator[str]:
    """Of a Keras model, nested ones included where Keras tells them."""
    flatten = getattr(model, "_flatten_layers", None)
    for layer in flatten(include_self=False) if flatten else model.layers:
        yield str(layer.name)


def save_spec(model: Any, is_keras_3: bool) -> Any:
    """The structure of inputs that a subclassed model was called with first."""
    if not is_keras_3:
        return model.save_spec()[0][0]
    from tensorflow.lite.python.util import get_save_spec

    return get_save_spec(model)


def _export(model: Any, folder: str, is_keras_3: bool) -> None:
    """Export a subclassed model as the converter does (tensorflow/lite/python/lite.py, _convert_keras_to_saved_model).

    Raises:
        Exception: whatever Keras or TensorFlow raise.
    """
    if not is_keras_3:
        tensorflow().saved_model.save(model, folder)
        return
    specs = save_spec(model, is_keras_3)
    if not specs:
        raise ValueError("the model was never called; call it once on data")
    archive = _keras_3().export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", functools.partial(model.__call__, training=False), [specs])
    archive.write_out(folder, verbose=False)

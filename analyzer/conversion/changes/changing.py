"""A source model changed before it is converted: fixed shapes, rebuilt layers. Runs in the child process."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tflite_audit.analyzer import user_code
from tflite_audit.analyzer.conversion.changes import keras_rebuild, static_lists
from tflite_audit.analyzer.conversion.source import Source, SourceError, SourceKind
from tflite_audit.analyzer.conversion.sources.functions import Functions, is_function
from tflite_audit.analyzer.conversion.sources.keras_models import KerasModel, save_spec
from tflite_audit.analyzer.conversion.sources.loaded import Loaded, tensorflow
from tflite_audit.analyzer.conversion.sources.saved_models import SavedModel
from tflite_audit.analyzer.conversion.streaming.step_model import StepModel
from tflite_audit.analyzer.conversion.types import Rebuild, SignatureSpec, SourceChange, TensorSpec

Shape = tuple[int, ...]


def apply(loaded: Loaded, change: SourceChange, source: Source, folder: Path) -> Loaded:
    """The same model, changed; its signature and the names of its inputs and outputs stay.

    Args:
        source: that it was loaded from.
        folder: a SavedModel that is changed is written there; it must last as long as the model.

    Raises:
        SourceError: the change cannot be made, in one line.
    """
    try:
        changed = _with_shapes(loaded, change, source, folder)
        for rebuild in change.rebuild:
            changed = _rebuilt(changed, rebuild, source)
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(f"the model cannot be changed so: {user_code.in_one_line(error)}") from error
    changed.notes[:0] = [note for note in loaded.notes if note not in changed.notes]
    return changed


# Shapes


def _with_shapes(loaded: Loaded, change: SourceChange, source: Source, folder: Path) -> Loaded:
    if not change.shapes and change.batch is None:
        return loaded
    signatures = [_fixed(signature, change) for signature in loaded.signatures]
    _check_names(loaded.signatures, change)
    if tuple(signatures) == loaded.signatures:
        return loaded
    match loaded:
        case KerasModel():
            return _keras(loaded, signatures[0], source)
        case Functions():
            return _functions(loaded, signatures, source, folder)
        case SavedModel():
            return _saved_model(loaded, signatures, folder)
        case _:
            raise SourceError(f"the shapes of a {loaded.kind} cannot be fixed")


def _fixed(signature: SignatureSpec, change: SourceChange) -> SignatureSpec:
    named = dict(change.shapes)

    def fixed(spec: TensorSpec) -> TensorSpec:
        shape = spec.shape
        if spec.name in named:
            shape = named[spec.name]
            if spec.shape is not None and (
                len(shape) != len(spec.shape) or any(s not in (-1, n) for s, n in zip(spec.shape, shape, strict=True))
            ):
                raise SourceError(f"the input {spec.name} has shape {list(spec.shape)} and cannot have {list(shape)}")
        elif change.batch is not None and shape and shape[0] == -1:
            shape = (change.batch, *shape[1:])
        return TensorSpec(spec.name, spec.dtype, shape)

    return SignatureSpec(signature.key, tuple(map(fixed, signature.inputs)), signature.outputs)


def _check_names(signatures: Sequence[SignatureSpec], change: SourceChange) -> None:
    there = {spec.name for signature in signatures for spec in signature.inputs}
    for name, _ in change.shapes:
        if name not in there:
            raise SourceError(f"there is no input {name!r}; there is {', '.join(sorted(there)) or 'none'}")


def _open(shape: Shape | None) -> list[int | None] | None:
    """As TensorFlow writes a shape."""
    return None if shape is None else [None if size < 0 else size for size in shape]


def _keras(loaded: KerasModel, signature: SignatureSpec, source: Source) -> KerasModel:
    """The layers themselves called anew, so that names and weights stay."""
    import importlib

    keras: Any = importlib.import_module("keras" if loaded.is_keras_3 else "tf_keras")
    model = loaded.model
    names = [spec.name for spec in signature.inputs]
    inputs = [keras.Input(batch_shape=_open(spec.shape), dtype=spec.dtype, name=spec.name) for spec in signature.inputs]
    if keras_rebuild.is_graph(model):
        structure = getattr(model, "input", model.inputs[0])
        given = tensorflow().nest.pack_sequence_as(structure, inputs)
        outputs = keras_rebuild.called_anew(model, inputs) if loaded.is_keras_3 else model.call(given)
    else:
        structure = model.input if getattr(model, "inputs", None) else save_spec(model, loaded.is_keras_3)
        given = tensorflow().nest.pack_sequence_as(structure, inputs)
        outputs = model(given, training=False)
    changed = keras.Model(given, outputs, name=model.name)
    if not loaded.is_keras_3:
        changed.output_names = [spec.name for spec in signature.outputs]
        changed.input_names = names
    return KerasModel(changed, source)


def _functions(loaded: Functions, signatures: Sequence[SignatureSpec], source: Source, folder: Path) -> Loaded:
    """Traced anew where every Python function is known; else by way of a SavedModel, as the converter goes."""
    tf = tensorflow()
    python = [_python(function, loaded) for function in loaded.functions]
    if not all(python):
        plain, trackable = folder.with_name("unchanged"), loaded.trackable
        keys = [signature.key for signature in signatures]
        functions = dict(zip(keys, loaded.functions, strict=True))
        tf.saved_model.save(trackable, str(plain), signatures=functions, options=_with_lines())
        return _saved_model(SavedModel(Source(source.spec, SourceKind.SAVED_MODEL, str(plain))), signatures, folder)
    traced: list[Any] = []
    for call, function, signature in zip(python, loaded.functions, signatures, strict=True):
        shapes = {spec.name: spec.shape for spec in signature.inputs}
        structure = function.structured_input_signature
        parts = [
            tf.TensorSpec(_open(shapes[str(part.name)]), part.dtype, part.name)
            if isinstance(part, tf.TensorSpec)
            else part
            for part in tf.nest.flatten(structure)
        ]
        args, kwargs = tf.nest.pack_sequence_as(structure, parts)
        traced.append(tf.function(call).get_concrete_function(*args, **kwargs))
    return Functions(traced, loaded.given_trackable, source)


def _python(function: Any, loaded: Functions) -> Callable[..., Any] | None:
    """The Python function that a concrete function was traced from; None where it cannot be told."""
    trackable = loaded.given_trackable
    known = [given for given in loaded.given if is_function(given)]
    for name in dir(trackable) if trackable is not None else ():
        attribute: Any = getattr(trackable, name, None) if not name.startswith("_") or name == "__call__" else None
        if is_function(attribute):
            known.append(attribute)
    for found in known:
        try:
            traces = found._list_all_concrete_functions()
        except Exception:  # an attribute of TensorFlow's own
            continue
        if any(trace is function or trace.graph is function.graph for trace in traces):
            return found.python_function
    return None


def _saved_model(loaded: SavedModel, signatures: Sequence[SignatureSpec], folder: Path) -> SavedModel:
    """Its functions called from new ones of fixed shapes, and saved."""
    tf = tensorflow()
    path = Path(loaded.source.path)
    batches = {spec.shape[0] for signature in signatures for spec in signature.inputs if spec.shape}
    if len(batches) == 1 and (batch := batches.pop()) > 0:
        static_lists.write_for_batch(path, folder.with_name("static"), batch)
        path = folder.with_name("static")
    holder = tf.Module()
    holder.source = tf.saved_model.load(str(path), tags=list(loaded.tags))
    functions: dict[str, Any] = {}
    for signature in signatures:
        call = functools.partial(_called, holder.source.signatures[signature.key])
        specs = {s.name: tf.TensorSpec(_open(s.shape), s.dtype, s.name) for s in signature.inputs}
        functions[signature.key] = tf.function(call).get_concrete_function(**specs)
    shutil.rmtree(folder, ignore_errors=True)
    tf.saved_model.save(holder, str(folder), signatures=functions, options=_with_lines())
    return SavedModel(
        Source(loaded.source.spec, SourceKind.SAVED_MODEL, str(folder), signature=loaded.source.signature)
    )


def _called(function: Any, **inputs: Any) -> Any:
    return function(**inputs)


def _with_lines() -> Any:
    """Options of `tf.saved_model.save` that keep the source lines of operators."""
    return tensorflow().saved_model.SaveOptions(save_debug_info=True)


# Layers


def _rebuilt(loaded: Loaded, rebuild: Rebuild, source: Source) -> Loaded:
    if not isinstance(loaded, KerasModel):
        raise SourceError(f"its layers can only be rebuilt from a Keras model, and this is a {loaded.kind}")
    if rebuild is Rebuild.STEP:
        return _one_step(loaded, source)
    if rebuild is Rebuild.UNROLL:
        keras_rebuild.unroll(loaded.model)
        return loaded
    if not loaded.is_keras_3:
        raise SourceError("its layers are tf_keras's already")
    if not keras_rebuild.is_graph(loaded.model):
        raise SourceError(
            f"{type(loaded.model).__name__} is a subclassed model, whose layers cannot be rebuilt one by one"
        )
    (signature,) = loaded.signatures
    inputs = [spec.name for spec in signature.inputs]
    outputs = [spec.name for spec in signature.outputs]
    return KerasModel(keras_rebuild.of_tf_keras(loaded.model, inputs, outputs), source)


def _one_step(loaded: KerasModel, source: Source) -> StepModel:
    try:
        return StepModel(loaded, source)
    except Exception as error:
        why = str(error) if isinstance(error, SourceError) else user_code.in_one_line(error)
        raise SourceError(f"{source.spec}: cannot be run one step at a time: {why}") from error

"""Concrete functions, and the object that holds their variables. Runs in the child process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer import user_code
from tflite_audit.analyzer.conversion.source import Source, SourceError
from tflite_audit.analyzer.conversion.sources import recurrent
from tflite_audit.analyzer.conversion.sources.loaded import (
    SERVING,
    Answer,
    Arrays,
    Loaded,
    keys,
    output_names,
    tensor_spec,
    tensorflow,
)
from tflite_audit.analyzer.conversion.types import SignatureSpec, SourceRecurrent


def is_concrete(found: Any) -> bool:
    """A `ConcreteFunction`."""
    from tensorflow.python.eager.polymorphic_function.concrete_function import ConcreteFunction

    return isinstance(found, ConcreteFunction)


def is_function(found: Any) -> bool:
    """What `tf.function` makes."""
    from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function

    return isinstance(found, Function)


class Functions(Loaded):
    """One or several concrete functions, and the object that holds their variables.

    Args:
        functions: concrete functions, or tf.functions with an input signature.
        trackable: as for `from_concrete_functions`; None where the user gave none.
    """

    def __init__(self, functions: Sequence[Any], trackable: Any, source: Source) -> None:
        super().__init__()
        self._spec = source.spec
        self.given, self.given_trackable = tuple(functions), trackable
        self.functions = [_traced(function, source) for function in functions]
        if source.signature is not None and len(self.functions) > 1:
            names = [function.graph.name for function in self.functions]
            if source.signature not in names:
                raise SourceError(f"{source.spec}: no function {source.signature!r}; there is {', '.join(names)}")
            self.functions = [self.functions[names.index(source.signature)]]
        single = len(self.functions) == 1
        # The names that from_concrete_functions gives (tensorflow/lite/python/lite.py).
        self.signatures = tuple(_signature(SERVING if single else f.graph.name, f) for f in self.functions)
        if len(set(keys(self.signatures).split(", "))) < len(self.signatures):
            raise SourceError(f"{source.spec}: functions of one name cannot be told apart: {keys(self.signatures)}")
        self.trackable = trackable
        if trackable is None or _holds_keras_3(trackable):
            self.trackable = _holder(trackable, self.variables())
        if trackable is not None and self.trackable is not trackable:
            self.notes.append(
                f"{source.spec}: the variables of its Keras 3 model are held one by one for the converter, which "
                "loses the weights of from_concrete_functions(..., model) and of a tf.Module around one"
            )
        number = "concrete function" if single else f"{len(self.functions)} concrete functions"
        self.kind = number if trackable is None else f"{number} of a {type(trackable).__name__}"

    def converter(self) -> Any:
        """`from_concrete_functions`."""
        return tensorflow().lite.TFLiteConverter.from_concrete_functions(self.functions, self.trackable)

    def answer(self, signature: SignatureSpec) -> Answer:
        """The concrete function itself."""
        tf = tensorflow()
        function = self.functions[self.signatures.index(signature)]
        structure = function.structured_input_signature
        parts = tf.nest.flatten(structure)

        def run(arrays: Arrays) -> dict[str, NDArray[Any]]:
            given = [tf.constant(arrays[part.name]) if isinstance(part, tf.TensorSpec) else part for part in parts]
            args, kwargs = tf.nest.pack_sequence_as(structure, given)
            found = tf.nest.flatten(function(*args, **kwargs))
            return {spec.name: tensor.numpy() for spec, tensor in zip(signature.outputs, found, strict=True)}

        return run

    def variables(self) -> Sequence[Any]:
        """The variables that the functions use, by name."""
        try:
            found = {id(v): v for function in self.functions for v in function.graph.variables}
        except AssertionError:  # tensorflow/python/framework/func_graph.py holds them by weak references
            raise SourceError(
                f"{self._spec}: the variables of the function are gone with the object that held them; "
                "give ([function], object)"
            ) from None
        return sorted(found.values(), key=lambda variable: str(variable.name))

    def recurrent(self) -> tuple[SourceRecurrent, ...] | None:
        """Those of the Keras model that was given with the functions."""
        return recurrent.of_trackable(self.given_trackable)

    def parameters(self) -> int:
        """As far as the variables' shapes are known."""
        return sum(int(np.prod(v.shape)) for v in self.variables() if v.shape.is_fully_defined())


def functions_of(module: Any, source: Source) -> list[Any]:
    """The functions of a module that have an input signature, so that they can be traced without a call.

    Raises:
        SourceError: there is none, or not the one that the source's signature names.
    """
    functions: dict[str, Any] = {}
    untraced: list[str] = []
    for name in dir(module):
        attribute: Any = getattr(module, name, None) if not name.startswith("_") or name == "__call__" else None
        if is_concrete(attribute) or (is_function(attribute) and attribute.input_signature is not None):
            functions[name] = attribute
        elif is_function(attribute):
            untraced.append(name)
    if source.signature in functions:
        return [functions[source.signature]]
    if source.signature not in (None, SERVING) or (source.signature == SERVING and len(functions) > 1):
        there = ", ".join(functions) or "none"
        raise SourceError(f"{source.spec}: no tf.function {source.signature!r} with input_signature; there is {there}")
    if not functions:
        hint = f" ({', '.join(untraced)} {'have' if len(untraced) > 1 else 'has'} none)" if untraced else ""
        raise SourceError(
            f"{source.spec}: the {type(module).__name__} has no tf.function with an input_signature{hint}; "
            "write @tf.function(input_signature=[tf.TensorSpec(...)])"
        )
    return list(functions.values())


def _traced(function: Any, source: Source) -> Any:
    if is_concrete(function):
        return function
    if function.input_signature is None:
        raise SourceError(
            f"{source.spec}: the tf.function {function.__name__} has no input_signature; "
            "write @tf.function(input_signature=[tf.TensorSpec(...)]), or give its get_concrete_function(...)"
        )
    try:
        return function.get_concrete_function()
    except Exception as error:
        raise user_code.UserCodeError(f"{source.spec}: {user_code.in_one_line(error)}") from error


def _signature(key: str, function: Any) -> SignatureSpec:
    """Named as `tf.saved_model.save` names them: inputs by their specs."""
    tf = tensorflow()
    given = [part for part in tf.nest.flatten(function.structured_input_signature) if isinstance(part, tf.TensorSpec)]
    outputs = function.structured_outputs
    return SignatureSpec(
        key,
        tuple(tensor_spec(part.name, part) for part in given),
        tuple(tensor_spec(n, t) for n, t in zip(output_names(outputs), tf.nest.flatten(outputs), strict=True)),
    )


def _holder(trackable: Any, variables: Sequence[Any]) -> Any:
    """A module that tracks each variable by itself.

    Without any trackable the converter takes a deprecated path that leaves no signature. With a Keras 3 model in it,
    the SavedModel importer does not initialize the model's variables: reads of variables that nothing assigns are
    left, and the converted model answers NaN (TensorFlow 2.21).
    """
    holder = tensorflow().Module()
    holder.source = trackable
    holder.weights = list(variables)
    return holder


def _holds_keras_3(trackable: Any) -> bool:
    keras: Any = sys.modules.get("keras")
    if keras is None or not keras.__version__.startswith("3"):
        return False
    try:
        tracked = tensorflow().train.TrackableView(trackable).descendants()
        return any(isinstance(found, keras.layers.Layer) for found in tracked)
    except Exception:  # an object that cannot be walked cannot be saved either: the converter will say so
        return isinstance(trackable, keras.layers.Layer)

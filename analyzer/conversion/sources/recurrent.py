"""The recurrent layers of a Keras model, and what each is called with. Runs in the process that converts.

They are read from the graph that Keras keeps of a functional or Sequential model: nothing is called or traced for it.
A layer that is called twice is two. Of layers inside a model or a layer with a `call` of its own no more than their
settings is known.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from tflite_audit.analyzer.conversion.types import SourceRecurrent

_FIRST_STEP = {"TimeDistributed": 2}
"""Axis of the input that counts the steps of the layer inside; 1 for any other layer."""

_DEEPEST = 32
"""Layers in layers that are followed."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What a layer is called with, and what becomes of what it answers; None where that is not known.

    Attributes:
        shape: of the first input, None for a free dimension.
        states: it is called with an initial state.
        nonzero: which is a constant, and not zero.
        used: for each output, whether anything reads it; None where that is not known.
        merge_mode: of the Bidirectional around it.
        in_graph: as `SourceRecurrent` has it.
    """

    shape: tuple[int | None, ...] | None = None
    masked: bool | None = None
    states: bool | None = None
    nonzero: bool = False
    used: tuple[bool, ...] | None = None
    merge_mode: str = ""
    in_graph: bool = False


_UNKNOWN = _Call()


def of_model(model: Any) -> tuple[SourceRecurrent, ...] | None:
    """The recurrent layers of a model of Keras 3 or tf_keras, in the order in which they are called.

    None where it is of a Keras that keeps them in another way.
    """
    try:
        return tuple(_layers(model, (), _UNKNOWN, whole=True))
    except Exception:  # a fact that is missing is no reason not to convert
        return None


def of_trackable(found: Any) -> tuple[SourceRecurrent, ...] | None:
    """Those of the Keras model whose function is converted; None for an object of another kind.

    The function may call it with other shapes than its own inputs have.
    """
    if found is None or not isinstance(found, _kinds("Layer")):
        return None
    layers = of_model(found)
    if layers is None:
        return None
    return tuple(dataclasses.replace(layer, batch=None, steps=None, in_graph=False) for layer in layers)


def _layers(layer: Any, inside: tuple[str, ...], call: _Call, *, whole: bool = False) -> Iterator[SourceRecurrent]:
    """Those that a layer is, or holds.

    Args:
        whole: it is the model that is converted, all of whose outputs are read.
    """
    if len(inside) > _DEEPEST:
        return
    within = inside if whole else (*inside, str(layer.name))
    graph = _graph(layer)
    if graph is not None:
        yield from _of_graph(graph, within, call, whole=whole)
    elif isinstance(layer, _kinds("RNN")):
        yield _described(layer, inside, call)
    elif isinstance(layer, _kinds("Bidirectional")):
        yield from _directions(layer, within, call)
    elif isinstance(getattr(layer, "layer", None), _kinds("Layer")):
        axis, shape = _FIRST_STEP.get(type(layer).__name__, 1), call.shape
        inner = None if shape is None else (*shape[:1], *shape[axis:])
        yield from _layers(layer.layer, within, _Call(inner, call.masked, states=False, used=None))
    elif hasattr(layer, "_flatten_layers"):
        for held in layer._flatten_layers(include_self=False, recursive=False):
            yield from _layers(held, within, _UNKNOWN)


def _directions(layer: Any, inside: tuple[str, ...], call: _Call) -> Iterator[SourceRecurrent]:
    """The two layers of a Bidirectional, each with its half of the states."""
    forward, backward = call.used, call.used
    if call.used is not None and layer.return_state:
        outputs = len(call.used) % 2 or 2  # one for each direction with merge_mode=None
        states = call.used[outputs:]
        half = len(states) // 2
        forward, backward = ((True, *states[:half]), (True, *states[half:]))
    for held, used in ((layer.forward_layer, forward), (layer.backward_layer, backward)):
        given = dataclasses.replace(call, used=used, merge_mode=str(layer.merge_mode))
        yield from _layers(held, inside, given)


# Graphs of layers


def _graph(model: Any) -> Any:
    """The graph that Keras keeps of a functional or Sequential model; None for one whose `call` is its own."""
    if not isinstance(model, _kinds("Model")):
        return None
    if isinstance(model, _kinds("Sequential")):
        model = getattr(model, "_functional", None) or model  # of Keras 3, once it is built
    elif type(model).call is not getattr(_own_functional(type(model)), "call", None):
        return None
    return model if getattr(model, "_nodes_by_depth", None) else None


def _own_functional(kind: type) -> type | None:
    """Keras's own class that a model's class is, or is derived from."""
    own = (base for base in kind.__mro__ if base.__name__ == "Functional")
    return next((base for base in own if base.__module__.split(".")[0] in ("keras", "tf_keras")), None)


def _of_graph(graph: Any, inside: tuple[str, ...], call: _Call, *, whole: bool) -> Iterator[SourceRecurrent]:
    nodes = [
        node
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
        if not node.is_input
    ]
    outer = call.used if call.used is not None and len(call.used) == len(graph.outputs) else None
    read = {id(tensor) for node in nodes for tensor in _inputs(node)}
    answers = {id(t): whole or outer is None or outer[i] for i, t in enumerate(graph.outputs)}
    masked = {id(t) for t in graph.inputs if call.masked}
    for node in nodes:
        layer = getattr(node, "operation", None) or getattr(node, "layer", None)
        inputs, outputs = _inputs(node), _tensors(node.outputs)
        is_masked = any(getattr(t, "_keras_mask", None) is not None or id(t) in masked for t in inputs[:1])
        if is_masked and _hands_on_mask(layer, inputs):
            masked |= {id(t) for t in outputs}
        given = _states(node, inputs)
        yield from _layers(
            layer,
            inside,
            _Call(
                shape=_shape(inputs, graph, call),
                masked=is_masked or _argument(node, "mask") is not None,
                states=given is not None,
                nonzero=_is_nonzero(given),
                used=tuple(id(t) in read or answers.get(id(t), False) for t in outputs),
                in_graph=whole or call.in_graph,
            ),
        )


def _inputs(node: Any) -> list[Any]:
    """The tensors of the graph that a node takes, those given by keyword too."""
    return list(cast("Iterable[Any]", getattr(node, "keras_inputs", None) or _tensors(node.input_tensors)))


def _tensors(found: Any) -> list[Any]:
    import tensorflow as tf

    return list(cast("Iterable[Any]", tf.nest.flatten(found)))


def _shape(inputs: Sequence[Any], graph: Any, call: _Call) -> tuple[int | None, ...] | None:
    """Of the first input; what a model in a model leaves free is as the model is called."""
    if not inputs:
        return None
    shape = tuple(inputs[0].shape)
    if call.shape and graph.inputs:
        declared = tuple(graph.inputs[0].shape)
        for axis in range(min(2, len(shape), len(declared), len(call.shape))):  # batch and steps
            if shape[axis] is None and declared[axis] is None:
                shape = (*shape[:axis], call.shape[axis], *shape[axis + 1 :])
    return shape


def _arguments(node: Any) -> tuple[Sequence[Any], dict[str, Any]]:
    given = getattr(node, "arguments", node)
    args = getattr(given, "args", None) or getattr(node, "call_args", None) or ()
    return args, getattr(given, "kwargs", None) or getattr(node, "call_kwargs", None) or {}


def _argument(node: Any, name: str) -> Any:
    return _arguments(node)[1].get(name)


def _states(node: Any, inputs: Sequence[Any]) -> Any:
    """The initial state that a recurrent layer is called with; None where there is none."""
    args, _ = _arguments(node)
    given = _argument(node, "initial_state")
    if given is not None:
        return given
    if args and isinstance(args[0], list | tuple) and len(cast("Sequence[Any]", args[0])) > 1:  # [x, *states]
        return cast("Sequence[Any]", args[0])[1:]
    return inputs[1:] if len(args) > 1 and isinstance(args[1], list | tuple) else None


def _is_nonzero(given: Any) -> bool:
    """A state that is made of constants, one of which is not zero."""
    try:
        return any(np.any(np.asarray(value)) for value in _tensors(given)) if given is not None else False
    except Exception:  # a tensor of the graph has no values
        return False


def _hands_on_mask(layer: Any, inputs: Sequence[Any]) -> bool:
    """A layer that gets a mask gives one to the next."""
    if not getattr(layer, "supports_masking", False):
        return False
    try:
        return layer.compute_mask(inputs[0] if len(inputs) == 1 else inputs, object()) is not None
    except Exception:  # it looks into it
        return True


# Layers


def _described(layer: Any, inside: tuple[str, ...], call: _Call) -> SourceRecurrent:
    cells = list(getattr(layer.cell, "cells", None) or [layer.cell])
    first = 0 if getattr(layer, "time_major", False) else 1  # the axis of steps
    shape = call.shape if call.shape is not None and len(call.shape) > 1 else None
    states = () if not layer.return_state else None if call.used is None else call.used[1:]
    return SourceRecurrent(
        name=str(layer.name),
        kind=type(layer).__name__,
        package=_package(type(layer)),
        cells=tuple(_class(type(cell)) for cell in cells),
        inside=inside,
        units=tuple(size for cell in cells if (size := _units(cell)) is not None),
        batch=None if shape is None else shape[1 - first],
        steps=None if shape is None else shape[first],
        activation=_function(cells, "activation"),
        recurrent_activation=_function(cells, "recurrent_activation"),
        use_bias=all(getattr(cell, "use_bias", True) for cell in cells),
        dropout=max(float(getattr(cell, "dropout", 0.0) or 0.0) for cell in cells),
        recurrent_dropout=max(float(getattr(cell, "recurrent_dropout", 0.0) or 0.0) for cell in cells),
        unroll=bool(layer.unroll),
        stateful=bool(layer.stateful),
        time_major=bool(getattr(layer, "time_major", False)),
        go_backwards=bool(layer.go_backwards),
        return_sequences=bool(layer.return_sequences),
        return_state=bool(layer.return_state),
        masked=call.masked,
        state_given=call.states,
        state_nonzero=call.nonzero,
        state_used=None if states is None else any(states),
        cell_state_used=None if states is None else any(states[1:]),
        merge_mode=call.merge_mode,
        in_graph=call.in_graph,
        annotated=_annotated(layer),
    )


def _annotated(layer: Any) -> bool | None:
    """Whether the layer's function says that it is an LSTM (tf_keras/src/layers/rnn/lstm.py).

    tf_keras puts `api_implements="lstm_..."` on the function `standard_lstm`, which `LSTM.call` takes only where the
    layer could run on cuDNN; its GRU has such a function too, for which the converter has no operator. Keras 3 has
    none. Whether a `call` of the user's own goes through that of LSTM is not known: None.
    """
    own = _keras_class(type(layer))
    if _package(own) != "tf_keras" or own.__name__ != "LSTM" or not getattr(layer, "_could_use_gpu_kernel", False):
        return False
    return True if cast("Any", type(layer)).call is own.call else None


def _keras_class(kind: type) -> Any:
    """Keras's own class that a layer's class is, or is derived from."""
    return next((base for base in kind.__mro__ if base.__module__.split(".")[0] in ("keras", "tf_keras")), kind)


def _package(kind: type) -> str:
    """`keras` for Keras 3, `tf_keras` for Keras 2, under whichever name it was imported."""
    for base in kind.__mro__:
        root = base.__module__.split(".")[0]
        if root == "tf_keras":
            return root
        if root == "keras":
            version = str(getattr(sys.modules.get("keras"), "__version__", "3"))
            return "keras" if version.startswith("3") else "tf_keras"
    return kind.__module__.split(".")[0]


def _class(kind: type) -> str:
    """Its name, for one that is not Keras's own after that of its module; a file that was given is one."""
    if kind.__module__.split(".")[0] in ("keras", "tf_keras"):
        return kind.__name__
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    module = Path(file).stem if file and "." not in kind.__module__ else kind.__module__
    return f"{module}.{kind.__name__}"


def _units(cell: Any) -> int | None:
    """Size of its output's last dimension, as far as the cell says."""
    for name in ("units", "filters", "state_size"):
        found = getattr(cell, name, None)
        found = cast("Sequence[Any]", found)[0] if isinstance(found, list | tuple) and found else found
        if isinstance(found, int):
            return found
    return None


def _function(cells: Iterable[Any], name: str) -> str:
    """Name of the first cell's activation that has one."""
    for cell in cells:
        found = getattr(cell, name, None)
        if callable(found):
            return str(getattr(found, "__name__", type(found).__name__))
    return ""


def _kinds(name: str) -> tuple[type, ...]:
    """The class of that name, of each Keras that is imported."""
    packages: list[Any] = [sys.modules[package] for package in ("keras", "tf_keras") if package in sys.modules]
    return tuple(getattr(package if name in ("Model", "Sequential") else package.layers, name) for package in packages)

"""The calls of layers that a Keras model is made of, in order; models in it are opened. Runs in the child process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflite_audit.analyzer.conversion.sources.keras_models import keras_of
from tflite_audit.analyzer.conversion.sources.loaded import tensorflow

Values = Mapping[int, Any]
"""Number of a tensor → its value: symbolic or not."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer or operation, between tensors that have numbers.

    Attributes:
        inputs: numbers of the tensors that it takes, each once.
        outputs: of those that it makes.
    """

    layer: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    _node: Any
    _numbers: Mapping[int, int]
    _is_keras_3: bool

    def arguments(self, values: Values) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What it is called with: positional arguments, and those by name."""
        if self._is_keras_3:
            return self._node.arguments.fill_in({key: values[number] for key, number in self._numbers.items()})
        # Node.map_arguments takes each value off a list, as often as the tensor is used.
        uses = len(self._node.keras_inputs)
        return self._node.map_arguments({str(key): [values[number]] * uses for key, number in self._numbers.items()})

    def run(self, values: Values) -> list[Any]:
        """Call it again; its outputs, flat."""
        args, kwargs = self.arguments(values)
        return tensorflow().nest.flatten(self.layer(*args, **kwargs))


class Calls:
    """A functional or sequential model of Keras 3 or tf_keras.

    Attributes:
        specs: by number of a tensor, the tensor of Keras.
        producers: by number, the name of the layer that makes it; inputs have none.
        inputs, outputs: numbers of the model's.
        calls: in an order in which each finds its inputs made.

    Raises:
        ValueError: it has no graph of layers: a subclassed model.
    """

    def __init__(self, model: Any, *, is_keras_3: bool) -> None:
        graph = graph_of(model)
        if graph is None:
            raise ValueError("a subclassed model has no graph of layers")
        self.specs: list[Any] = []
        self.producers: dict[int, str] = {}
        self.calls: list[Call] = []
        self._is_keras_3 = is_keras_3
        self.inputs = [self._number(tensor) for tensor in graph.inputs]
        self.outputs = self._open(graph, self.inputs)

    def _number(self, tensor: Any) -> int:
        self.specs.append(tensor)
        return len(self.specs) - 1

    def _open(self, graph: Any, inputs: Sequence[int]) -> list[int]:
        """Number the tensors of a model that is given these inputs, and take its calls up; the model's outputs."""
        numbers = {id(tensor): number for tensor, number in zip(graph.inputs, inputs, strict=True)}
        for node in _nodes(graph):
            layer = node.operation if self._is_keras_3 else node.layer
            taken = node.input_tensors if self._is_keras_3 else node.keras_inputs
            if node.is_input or any(id(tensor) not in numbers for tensor in taken):
                continue
            given = tuple(numbers[id(tensor)] for tensor in taken)
            made = list(node.outputs) if self._is_keras_3 else tensorflow().nest.flatten(node.outputs)
            inner = graph_of(layer)
            if inner is not None and len(inner.inputs) == len(given) and len(inner.outputs) == len(made):
                outputs = self._open(inner, given)
            else:
                outputs = [self._number(tensor) for tensor in made]
                self.producers.update(dict.fromkeys(outputs, str(layer.name)))
                ids = {id(tensor): numbers[id(tensor)] for tensor in taken}
                unique = tuple(dict.fromkeys(given))
                self.calls.append(Call(layer, unique, tuple(outputs), node, ids, self._is_keras_3))
            numbers.update({id(tensor): number for tensor, number in zip(made, outputs, strict=True)})
        return [numbers[id(tensor)] for tensor in graph.outputs]


def graph_of(model: Any) -> Any:
    """What holds a model's nodes: of a Sequential of Keras 3 a model in it; None for layers and subclassed models."""
    if keras_of(model) is None:
        return None
    inner = getattr(model, "_functional", None)
    graph = model if inner is None else inner
    return graph if getattr(graph, "_nodes_by_depth", None) and getattr(graph, "inputs", None) else None


def shape_of(tensor: Any) -> tuple[int | None, ...] | None:
    """Of a tensor of Keras; None where even the number of dimensions is free."""
    try:
        return tuple(tensor.shape)
    except ValueError:  # tf.TensorShape(None)
        return None


def _nodes(graph: Any) -> Iterator[Any]:
    by_depth = graph._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from by_depth[depth]

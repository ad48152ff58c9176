"""Parts of a Keras model, between its layers. Runs in the child process."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.sources.keras_calls import Call, Calls, shape_of
from tflite_audit.analyzer.conversion.sources.keras_models import KerasModel, keras_of
from tflite_audit.analyzer.conversion.sources.loaded import tensorflow

from .parts import Arrays, CannotCutError, Parts, Port, check_signature
from .types import Cut, Form, How, Unit

Values = dict[int, Any]


class Layers(Parts):
    """A functional or sequential model of Keras 3 or tf_keras; models in it are opened.

    Raises:
        CannotCutError: it has no graph of layers (a subclassed model).
    """

    how = How.LAYERS

    def __init__(self, loaded: KerasModel) -> None:
        self._keras: Any = _package(loaded.model)
        self._is_keras_3 = loaded.is_keras_3
        try:
            calls = Calls(loaded.model, is_keras_3=loaded.is_keras_3)
        except ValueError as error:
            raise CannotCutError(str(error)) from None
        self._specs, self._producers = calls.specs, calls.producers
        self._inputs, self._calls = calls.inputs, calls.calls
        self._names = dict(zip(self._inputs, (spec.name for spec in loaded.signatures[0].inputs), strict=True))
        made_by = {tensor: index for index, call in enumerate(self._calls) for tensor in call.outputs}
        self.units = tuple(
            Unit(
                str(call.layer.name),
                type(call.layer).__name__,
                tuple(sorted({made_by[tensor] for tensor in call.inputs if tensor in made_by})),
                self._skippable(call),
            )
            for call in self._calls
        )

    def write(self, cut: Cut, form: Form, path: Path) -> tuple[Port, ...]:
        """As the converter exports a Keras model (tensorflow/lite/python/lite.py, _convert_keras_to_saved_model)."""
        ports, model = self._part(cut)
        if form is Form.KERAS:
            model.save(path)
        elif self._is_keras_3:
            specs = [tensorflow().TensorSpec(t.shape, dtype=t.dtype, name=t.name) for t in model.inputs]
            archive = self._keras.export.ExportArchive()
            archive.track(model)
            call = functools.partial(model.__call__, training=False)
            archive.add_endpoint("serve", call, [specs] if len(specs) > 1 else specs)
            archive.write_out(str(path), verbose=False)
        else:
            tensorflow().saved_model.save(model, str(path))
        if form is Form.SAVED_MODEL:
            check_signature(path, ports)
        return ports

    def values(self, ports: Sequence[Port], samples: Sequence[Arrays]) -> list[list[NDArray[Any]]]:
        """Layer by layer, up to the last that is needed."""
        return [self._row(ports, sample) for sample in samples]

    def _row(self, ports: Sequence[Port], sample: Arrays) -> list[NDArray[Any]]:
        tf = tensorflow()
        wanted = {port.tensor for port in ports}
        found: Values = {tensor: tf.constant(sample[self._names[tensor]]) for tensor in self._inputs}
        for call in self._calls:
            if wanted <= set(found):
                break
            found.update(zip(call.outputs, call.run(found), strict=True))
        return [tf.convert_to_tensor(found[port.tensor]).numpy() for port in ports]

    def _part(self, cut: Cut) -> tuple[tuple[Port, ...], Any]:
        values: Values = {}
        ports: list[Port] = []
        inputs: list[Any] = []
        taken: set[int] = set()
        skipped = set(cut.skipped)
        for index in sorted((*cut.kept, *cut.skipped)):
            call = self._calls[index]
            for tensor in call.inputs:
                if tensor not in values:
                    port = self._port(tensor, [port.name for port in ports])
                    ports.append(port)
                    values[tensor] = self._input(port)
                    inputs.append(values[tensor])
            taken.update(call.inputs)
            if index in skipped:
                values[call.outputs[0]] = values[call.inputs[0]]
            else:
                values.update(zip(call.outputs, call.run(values), strict=True))
        outputs = [
            values[tensor]
            for index in cut.kept
            if taken.isdisjoint(self._calls[index].outputs)
            for tensor in self._calls[index].outputs
        ]
        return tuple(ports), self._keras.Model(inputs, outputs, name="part")

    def _input(self, port: Port) -> Any:
        if self._is_keras_3:
            return self._keras.Input(batch_shape=port.shape, dtype=port.dtype, name=port.name)
        return self._keras.Input(port.shape[1:], batch_size=port.shape[0], dtype=port.dtype, name=port.name)

    def _port(self, tensor: int, names: Sequence[str]) -> Port:
        spec = self._specs[tensor]
        shape = shape_of(spec)
        if not shape:
            raise CannotCutError(f"the output of {self._producers[tensor]} is a scalar, or has no known rank")
        name = self._names.get(tensor)
        if name is None:
            base = re.sub(r"\W", "_", f"{self._producers[tensor]}_output")
            name = next(n for n in (base, *(f"{base}_{i}" for i in range(1, len(names) + 2))) if n not in names)
        dtype = spec.dtype if isinstance(spec.dtype, str) else spec.dtype.name
        return Port(name, tensor, shape, dtype)

    def _skippable(self, call: Call) -> bool:
        if len(call.inputs) != 1 or len(call.outputs) != 1:
            return False
        taken, made = self._specs[call.inputs[0]], self._specs[call.outputs[0]]
        return bool(shape_of(taken)) and shape_of(taken) == shape_of(made) and taken.dtype == made.dtype


def _package(model: Any) -> ModuleType:
    found = keras_of(model)
    assert found is not None
    return found

"""The model of one step, made of the layers and weights of a recurrent Keras model. Runs in the child process."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_audit.analyzer.conversion.source import Source, SourceError
from tflite_audit.analyzer.conversion.sources.keras_calls import Calls
from tflite_audit.analyzer.conversion.sources.keras_models import KerasModel
from tflite_audit.analyzer.conversion.sources.loaded import tensorflow
from tflite_audit.analyzer.conversion.streaming import cells
from tflite_audit.analyzer.conversion.streaming.per_step import Kind
from tflite_audit.analyzer.conversion.streaming.types import Per, StepPlan, StepPort
from tflite_audit.analyzer.conversion.streaming.walking import Tensors, Walk, first_values, unused

Arrays = Mapping[str, NDArray[Any]]


class StepModel(KerasModel):
    """One step of a recurrent model: its cells called once, batch 1, each state an input and an output.

    The inputs and outputs have the names of the source's; values that belong to a step lose the dimension that counts
    the steps. The cells are those of the source's own layers: weights are shared, and the layers' cells are renamed.

    Attributes:
        original: the source.
        plan: what it is called with.
        first: what states begin with that is neither zero nor given, by input name.

    Raises:
        SourceError: the source cannot be run one step at a time.
    """

    def __init__(self, original: KerasModel, source: Source) -> None:
        self.original = original
        self._keras: Any = sys.modules["keras" if original.is_keras_3 else "tf_keras"]
        if isinstance(original.model, self._keras.Sequential) and len(original.signatures) != 1:
            raise SourceError("it was never built; give it an Input, or call it once on data")
        try:
            calls = Calls(original.model, is_keras_3=original.is_keras_3)
        except ValueError:
            raise SourceError(
                f"{type(original.model).__name__} is a subclassed model, which has no graph of layers; "
                "build it as a functional model"
            ) from None
        (self._signature,) = original.signatures
        names = [spec.name for spec in self._signature.inputs]
        self._walk = Walk(calls, names, original.is_keras_3)
        self.plan = self._planned()
        self.first = first_values(self._walk)
        self._compiled: Any = None
        model = self._model()
        super().__init__(model, source)
        self.kind = f"{original.kind}, one step"

    def step(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """One step of several sequences at once.

        Args:
            arrays: by name, inputs and states, of the shapes of the plan with the sequences first.

        Returns:
            The outputs, and the states after it by output name.
        """
        if self._compiled is None:
            self._compiled = tensorflow().function(self._one_step, reduce_retracing=True)
        given = {name: tensorflow().constant(array) for name, array in arrays.items()}
        return {name: np.asarray(value) for name, value in self._compiled(given).items()}

    def sequences(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """What the source answers to whole sequences; every one of them begins anew.

        Args:
            arrays: by input name of the source, the sequences first, all of one length.
        """
        answer = self.original.answer(self._signature)
        layers = self._walk.recurrent_layers
        count = len(next(iter(arrays.values())))
        batch = self.plan.batch
        if batch is None:
            return answer(arrays)
        found: list[dict[str, NDArray[Any]]] = []
        for start in range(0, count, batch):
            rows = np.minimum(np.arange(start, start + batch), count - 1)
            cells.reset(layers)
            answers = answer({name: array[rows] for name, array in arrays.items()})
            found.append({name: array[: count - start] for name, array in answers.items()})
        cells.reset(layers)
        return {name: np.concatenate([answers[name] for answers in found]) for name in found[0]}

    @property
    def goes_on(self) -> bool:
        """All that has a state keeps it in the source, too: a sequence may be given to that in pieces."""
        given = any(state.given for state in self.plan.states)
        kept = all(_is_stateful(found.call.layer) for found in self._walk.recurrences)  # no convolution does
        return self.plan.steps is not None and kept and not given

    def one_after_another(self, pieces: Iterable[Arrays]) -> Iterator[Arrays]:
        """What a source that `goes_on` answers to a sequence in pieces.

        Args:
            pieces: by input name of the source, one sequence each, of its number of steps.
        """
        answer = self.original.answer(self._signature)
        layers = self._walk.recurrent_layers
        cells.reset(layers)
        for arrays in pieces:
            answers = answer({name: np.repeat(array, self.plan.batch or 1, axis=0) for name, array in arrays.items()})
            yield {name: array[:1] for name, array in answers.items()}
        cells.reset(layers)

    # How it is made

    def _planned(self) -> StepPlan:
        walk, signature = self._walk, self._signature
        used = walk.used
        inputs: list[StepPort] = []
        for number, spec in zip(walk.calls.inputs, signature.inputs, strict=True):
            if number in used:
                per = Per.STEP if walk.kinds[number] is Kind.STEP else Per.SEQUENCE
                inputs.append(StepPort(spec.name, spec.dtype, self._shape(number), per))
        pers = {Kind.STEP: Per.STEP, Kind.END: Per.END, Kind.CONSTANT: Per.SEQUENCE}
        outputs = tuple(
            StepPort(spec.name, spec.dtype, self._shape(number), pers[walk.kinds[number]])
            for number, spec in zip(walk.calls.outputs, signature.outputs, strict=True)
        )
        batches = {shape[0] for number in walk.calls.inputs if (shape := walk.spec(number)[0])}
        layers = walk.recurrent_layers
        kept = [str(layer.name) for layer in layers if _is_stateful(layer)]
        convolutions = [str(found.call.layer.name) for found in walk.recurrences if found.call.layer not in layers]
        notes: list[str] = []
        if kept:
            notes.append(
                f"stateful=True of {', '.join(dict.fromkeys(kept))}: the step model keeps nothing by itself; every "
                "comparison begins with the state reset"
            )
            if convolutions:
                notes.append(
                    f"{', '.join(dict.fromkeys(convolutions))}: begins with zeros at every call of the source, whose "
                    "other layers go on; in the step model it goes on as well"
                )
        elif walk.steps == 1:
            notes.append(
                "the source takes 1 step a call and forgets its state: from the second step on, nothing of its own is "
                "there to compare with"
            )
        return StepPlan(
            layers=tuple((str(layer.name), type(layer).__name__) for layer in layers),
            inputs=tuple(inputs),
            outputs=outputs,
            states=tuple(state for recurrence in walk.recurrences for state in recurrence.states),
            steps=walk.steps,
            batch=next((size for size in batches if size is not None), None),
            notes=tuple(notes),
        )

    def _shape(self, number: int) -> tuple[int, ...]:
        """In the step model."""
        shape, _ = self._walk.spec(number)
        rest = shape[2:] if self._walk.kinds[number] is Kind.STEP else shape[1:]
        if None in rest:
            raise SourceError(
                f"another dimension than the batch and the steps is free in {list(shape)}; fix it where the model is "
                "made"
            )
        return (1, *(size for size in rest if size is not None))

    def _model(self) -> Any:
        plan, keras = self.plan, self._keras
        self._rename()
        given = {
            port.name: keras.Input(batch_shape=port.shape, dtype=port.dtype, name=port.name)
            for port in (*plan.inputs, *plan.states_as_ports)
        }
        found = self._one_step(given)
        if self.original.is_keras_3:
            return keras.Model(list(given.values()), found, name=self.original.model.name)
        model = keras.Model(list(given.values()), list(found.values()), name=self.original.model.name)
        model.input_names, model.output_names = list(given), list(found)  # tf_keras would name them by layers
        return model

    def _one_step(self, given: Mapping[str, Any]) -> dict[str, Any]:
        walk = self._walk
        tensors = Tensors(self._reshaped)
        for number, name in zip(walk.calls.inputs, walk.names, strict=True):
            if name in given:
                tensors.put(number, given[name], walk.kinds[number])
        new = walk.one_step(tensors, given)
        outputs = {
            port.name: tensors.get(number, flat=True)
            for number, port in zip(walk.calls.outputs, self.plan.outputs, strict=True)
        }
        return {**outputs, **new}

    def _reshaped(self, value: Any, shape: tuple[int, ...], name: str) -> Any:
        return self._keras.layers.Reshape(shape, name=name)(value)

    def _rename(self) -> None:
        """Every layer gets a name of its own, as a functional model needs it; a cell that of its layer."""
        taken = {port.name for port in (*self.plan.inputs, *self.plan.states_as_ports)}
        named: dict[int, Any] = {}
        wanted = {id(r.cell.called): str(r.call.layer.name) for r in self._walk.recurrences}
        for layer in self._walk.layers:
            if layer is None or id(layer) in named:
                continue
            named[id(layer)] = layer
            name = unused(wanted.get(id(layer), str(layer.name)), taken)
            taken.add(name)
            if name != layer.name:
                setattr(layer, "name" if self.original.is_keras_3 else "_name", name)


def _is_stateful(layer: Any) -> bool:
    return bool(getattr(layer, "stateful", False))

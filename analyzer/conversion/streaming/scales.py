"""The scales of a converted step model's states, on the side where they go in and on the side where they come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflite_audit.analyzer.conversion.streaming.types import StepState
from tflite_audit.analyzer.model.types import Model, Subgraph


@dataclass(frozen=True, slots=True)
class StateScale:
    """Scale and zero point on each side; None where the state is no integer there."""

    state: str
    read: tuple[float, int] | None
    written: tuple[float, int] | None


def state_scales(model: Model, states: Sequence[StepState]) -> tuple[StateScale, ...]:
    """Of every state; behind the QUANTIZE and before the DEQUANTIZE of a float interface."""
    signature = next(iter(model.signatures), None)
    if signature is None:
        return ()
    graph = model.subgraphs[signature.subgraph]
    return tuple(
        StateScale(
            state.input,
            _read(graph, signature.inputs[state.input]),
            _written(graph, signature.outputs[state.output]),
        )
        for state in states
        if state.input in signature.inputs and state.output in signature.outputs
    )


def _read(graph: Subgraph, tensor: int) -> tuple[float, int] | None:
    if not graph.tensors[tensor].is_float:
        return _scale(graph, tensor)
    quantizing = [op for i in graph.consumers.get(tensor, ()) if (op := graph.operators[i]).name == "QUANTIZE"]
    return _scale(graph, quantizing[0].outputs[0]) if len(quantizing) == 1 else None


def _written(graph: Subgraph, tensor: int) -> tuple[float, int] | None:
    if not graph.tensors[tensor].is_float:
        return _scale(graph, tensor)
    producer = graph.producers.get(tensor)
    op = None if producer is None else graph.operators[producer]
    return _scale(graph, op.inputs[0]) if op is not None and op.name == "DEQUANTIZE" else None


def _scale(graph: Subgraph, tensor: int) -> tuple[float, int] | None:
    found = graph.tensors[tensor].quantization
    return found.single if found is not None and graph.tensors[tensor].dtype in ("int8", "uint8", "int16") else None

"""R006."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tflite_audit.analyzer.model.types import Model, Tensor
from tflite_audit.rules import places
from tflite_audit.rules.recurrent.passing import ROUNDED, next_value
from tflite_audit.rules.recurrent.states import Keeping, State, States
from tflite_audit.rules.rule import Finding, Location, NotApplicable, Remedy, Severity, Table, rule

CALLS = 100
_BITS = {"int8": 8, "uint8": 8, "int16": 16}
_EMPTY = 0.01


@dataclass(frozen=True, slots=True)
class _Scales:
    """Both sides of a quantized state.

    Attributes:
        factor: by which copying the bytes changes a value at each call.
        shift: what it adds to it, in real values.
        covered: share of the output's range that the input can hold.
    """

    state: State
    read: Tensor
    written: Tensor
    factor: float
    shift: float
    covered: float


@rule("R006", "state-scales-differ", Severity.WARNING)
def state_scales_differ(model: Model, states: States) -> Iterator[Finding]:
    """A quantized state comes back with another scale, zero point or type than it goes in with, or stays float.

    ## What it does
    Compares the quantization of each state that is carried from call to call before and after the step: of the input
    and the output, or of what is read from a variable and what is assigned to it. Says by what a value changes at each
    call if its bytes are copied, which share of the new state the input can hold, which states come back in another
    type, and which variables of an integer model stay float.

    ## Why is this bad
    The converter calibrates an input and an output by themselves. If the application copies the bytes, as it does with
    a float model, every call multiplies the state by the ratio of the scales: with 1.16 that is a factor of 3 million
    after 100 calls, until it saturates. If it converts them, each call rounds once more, and cuts off what the input
    cannot hold. A state that was always zero in the calibration set has a range of nothing, and is lost altogether.

    ## Example
    A GRU step, calibrated with random states: `h` goes in with a scale of 0.0078 and comes back with 0.0067. Over 20
    steps its state was off by 0.14 where the bytes were copied, and by 0.016 where they were converted.

    ## Fix
    Calibrate with the states that the model itself gives back, run over real sequences: the input then sees what the
    output gave, and the converter gives both the same scale. For variables, set
    `converter._experimental_variable_quantization = True`: they are int8 then, with one scale.
    """
    kept = [state for state in states.carried if state.read is not None and state.written is not None]
    other = [state for state in kept if state.keeping is Keeping.OUTSIDE and _of_two_types(model, state)]
    quantized = [pair for state in kept if state not in other and (pair := _both(model, state)) is not None]
    floats = [state for state in kept if _stays_float(model, state)]
    if not quantized and not floats and not other:
        raise NotApplicable("no quantized state is carried from one call to the next")
    if other:
        yield _converting(model, other)
    for keeping in (Keeping.OUTSIDE, Keeping.RESOURCE):
        apart = [pair for pair in quantized if pair.state.keeping is keeping and not _alike(pair)]
        lost = [pair for pair in apart if pair.covered < _EMPTY]
        drifting = [pair for pair in apart if pair.covered >= _EMPTY]
        if lost:
            yield _lost(model, lost)
        if drifting:
            yield _drifting(model, keeping, drifting)
    if floats:
        yield _floats(model, floats)


def _of_two_types(model: Model, state: State) -> bool:
    read, written = _tensors(model, state)
    return read.dtype != written.dtype


def _both(model: Model, state: State) -> _Scales | None:
    """None where a side is not quantized with one scale."""
    read, written = _tensors(model, state)
    sides = [t.quantization for t in (read, written) if t.dtype in _BITS]
    if len(sides) < 2 or any(q is None or q.scale.size != 1 or not q.scale[0] > 0 for q in sides):
        return None
    (before, after) = sides
    assert before is not None
    assert after is not None
    first, second = float(before.scale[0]), float(after.scale[0])
    zeros = int(before.zero_point[0]), int(after.zero_point[0])
    low, high = (_range(read, first, zeros[0]), _range(written, second, zeros[1]))
    overlap = max(0.0, min(low[1], high[1]) - max(low[0], high[0]))
    return _Scales(
        state, read, written, first / second, (zeros[1] - zeros[0]) * first, overlap / max(high[1] - high[0], 1e-30)
    )


def _range(tensor: Tensor, scale: float, zero: int) -> tuple[float, float]:
    bounds = np.iinfo(tensor.dtype)
    return (int(bounds.min) - zero) * scale, (int(bounds.max) - zero) * scale


def _tensors(model: Model, state: State) -> tuple[Tensor, Tensor]:
    assert state.read is not None
    assert state.written is not None
    after = state.subgraph if state.written_in is None else state.written_in
    return model.subgraphs[state.subgraph].tensors[state.read], model.subgraphs[after].tensors[state.written]


def _alike(pair: _Scales) -> bool:
    return pair.read.dtype == pair.written.dtype and abs(pair.factor - 1) <= ROUNDED and pair.shift == 0


def _stays_float(model: Model, state: State) -> bool:
    """It is float, and what computes with it is not: it is quantized as it is read, or dequantized to be kept."""
    read, written = _tensors(model, state)
    if not read.is_float or state.keeping is not Keeping.RESOURCE:
        return False
    graph = model.subgraphs[state.subgraph]
    readers = {graph.operators[op].name for op in graph.consumers.get(read.index, ())}
    after = graph if state.written_in is None else model.subgraphs[state.written_in]
    writer = after.producers.get(written.index)
    return "QUANTIZE" in readers or (writer is not None and after.operators[writer].name == "DEQUANTIZE")


def _drifting(model: Model, keeping: Keeping, pairs: Sequence[_Scales]) -> Finding:
    worst = max(pairs, key=lambda pair: abs(np.log(pair.factor)))
    names = places.enumerated(_names(pairs))
    after = worst.factor**CALLS
    change = (
        f"a factor of {worst.factor:.4g} at each call, of {after:.3g} after {CALLS} if the cell only carries it on"
        if worst.factor != 1
        else f"{worst.shift:+.4g} at each call"
    )
    if keeping is Keeping.OUTSIDE:
        message = (
            f"{names} {'comes' if len(pairs) == 1 else 'come'} back with another scale or zero point: copying the "
            f"bytes to the next call changes the state by {change}."
        )
        remedy = Remedy(
            "Convert the state between the calls, or calibrate with the states that the model gives back: both sides "
            "get the same scale then.",
            f"{_passed(model, [pair.state for pair in pairs])}\n\n"
            "def representative_dataset():  # or: the states as they are in use\n"
            "    for sequence in sequences:\n"
            "        states = zeros\n"
            "        for frame in sequence:\n"
            "            yield [frame, *states]\n"
            "            _, *states = model([frame, *states])",
        )
    else:
        message = (
            f"{names} {'is' if len(pairs) == 1 else 'are'} read with another scale or zero point than assigned: the "
            f"runtime copies the bytes, which changes the state by {change}."
        )
        remedy = Remedy("Convert again, with variables quantized by the converter, which gives them one scale.", _FLAG)
    return Finding(
        message=message,
        location=_location(model, worst.state),
        evidence=(_table(pairs),),
        cause="The file gives the two tensors different scales or zero points.",
        remedy=remedy,
        severity=Severity.ERROR if keeping is Keeping.RESOURCE else None,
        key=("differ", str(keeping), *_names(pairs)),
    )


def _converting(model: Model, states: Sequence[State]) -> Finding:
    first, *_ = states
    read, written = _tensors(model, first)
    names = [state.name for state in states]
    one = len(names) == 1
    return Finding(
        message=f"{places.enumerated(names)} {'goes' if one else 'go'} in as {read.dtype} and "
        f"{'comes' if one else 'come'} back as {written.dtype}: the bytes cannot be copied to the next call.",
        location=_location(model, first),
        evidence=(
            Table(
                title="Types before and after a call",
                columns=("state", "type in", "type out"),
                rows=tuple((state.name, *(t.dtype for t in _tensors(model, state))) for state in states),
            ),
        ),
        cause="The file gives the two tensors different types; TensorFlow's converter takes them from "
        "inference_input_type and inference_output_type.",
        remedy=Remedy(
            "Convert the model with one type for inputs and outputs, or the state between the calls.",
            f"{_passed(model, states)}\n\nconverter.inference_output_type = converter.inference_input_type",
        ),
        key=("types", *names),
    )


def _passed(model: Model, states: Sequence[State]) -> str:
    """A line for each of the first states, of what a call answers to what the next one takes."""
    lines = [f"states[{state.name!r}] = {next_value(model, state)}" for state in states[:_LINES]]
    return "\n".join([*lines, *(["# and so on"] if len(states) > _LINES else [])])


_LINES = 8


def _lost(model: Model, pairs: Sequence[_Scales]) -> Finding:
    first = pairs[0]
    names = places.enumerated(_names(pairs))
    low, high = _range(first.read, _scale(first.read), _zero(first.read))
    return Finding(
        message=f"{names} cannot hold what comes back: going in, {first.state.name} is between {low:.3g} and "
        f"{high:.3g}; the state is lost at every call.",
        location=_location(model, first.state),
        evidence=(_table(pairs),),
        cause="The calibration set gave it hardly any other value than zero." if max(-low, high) < 1e-5 else None,
        remedy=Remedy(
            "Calibrate with the states that the model gives back, not with zeros.",
            "def representative_dataset():\n"
            "    for sequence in sequences:\n"
            "        states = zeros\n"
            "        for frame in sequence:\n"
            "            yield [frame, *states]\n"
            "            _, *states = model([frame, *states])",
        ),
        severity=Severity.ERROR,
        key=("range of nothing", *_names(pairs)),
    )


def _floats(model: Model, states: Sequence[State]) -> Finding:
    names = [state.name for state in states]
    shown = places.enumerated(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])
    size = sum(state.bytes or 0 for state in states)
    return Finding(
        message=f"{shown} {'stays' if len(names) == 1 else 'stay'} float ({size:,} bytes) in a model that computes in "
        "integers: each call quantizes and dequantizes the state.",
        location=_location(model, states[0]),
        cause="The converter quantizes resource variables only where it is told to.",
        remedy=Remedy(
            "Have the variables quantized too. (TensorFlow 2.21 ends in a RuntimeError without a message where such a "
            "state is itself an output of the model: put another operator between.)",
            _FLAG,
        ),
        severity=Severity.INFO,
        key=("float", *names),
    )


_FLAG = "converter._experimental_variable_quantization = True"


def _names(pairs: Sequence[_Scales]) -> list[str]:
    return [pair.state.name for pair in pairs]


def _scale(tensor: Tensor) -> float:
    return 0.0 if tensor.quantization is None else float(tensor.quantization.scale[0])


def _zero(tensor: Tensor) -> int:
    return 0 if tensor.quantization is None else int(tensor.quantization.zero_point[0])


def _location(model: Model, state: State) -> Location:
    read, _ = _tensors(model, state)
    return Location(subgraph=state.subgraph, tensor=read.name or None)


def _table(pairs: Sequence[_Scales]) -> Table:
    return Table(
        title="Scales before and after a call",
        columns=(
            *("state", "scale in", "zero in", "scale out", "zero out"),
            *("factor a call", f"after {CALLS} calls", "range held"),
        ),
        rows=tuple(
            (
                pair.state.name,
                _scale(pair.read),
                _zero(pair.read),
                _scale(pair.written),
                _zero(pair.written),
                pair.factor,
                pair.factor**CALLS,
                f"{pair.covered:.0%}",
            )
            for pair in pairs
        ),
    )

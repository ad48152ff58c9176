"""Which recurrent layer of the source a recurrent layer of the model came from.

By the names that the converter leaves in the model, where it leaves any; by cell, units and direction in their order
for the rest: a fused operator bears no name of its layer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules.recurrent.cells import OWN
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer

_CELLS = {
    "LSTMCell": "LSTM",
    "GRUCell": "GRU",
    "SimpleRNNCell": "simple RNN",
    "ConvLSTMCell": "convolutional LSTM",
    "ConvLSTM1DCell": "convolutional LSTM",
    "ConvLSTM2DCell": "convolutional LSTM",
    "ConvLSTM3DCell": "convolutional LSTM",
}
"""Class of Keras → what it is called in a model."""

_ByName = Mapping[str, Sequence[SourceRecurrent]]


def match(layers: Sequence[RecurrentLayer], sources: Sequence[SourceRecurrent]) -> tuple[SourceRecurrent | None, ...]:
    """For each layer of the model the source's layer; None where none fits.

    A layer of the source may have become several of the model, as inside a TimeDistributed; what has no name takes the
    next one of the source that fits and that nothing else has.
    """
    named = _by_name(layers, sources)
    taken = {id(source) for source in named if source is not None}
    left = _Left(source for source in sources if id(source) not in taken)
    return tuple(left.next(layer) if source is None else source for layer, source in zip(layers, named, strict=True))


class _Left:
    """Layers of the source that no name has placed, in their order; those that are alike are looked at once."""

    def __init__(self, sources: Iterable[SourceRecurrent]) -> None:
        self._alike: dict[tuple[object, ...], deque[tuple[int, SourceRecurrent]]] = {}
        for place, source in enumerate(sources):
            key = source.cells, source.units, source.unroll, source.go_backwards
            self._alike.setdefault(key, deque()).append((place, source))

    def next(self, layer: RecurrentLayer) -> SourceRecurrent | None:
        """The first that fits, one of the layer's direction rather than another; it is gone then."""
        fitting = [queue for queue in self._alike.values() if queue and _fits(layer, queue[0][1])]
        straight = [q for q in fitting if layer.backward is None or q[0][1].go_backwards == layer.backward]
        first = min(straight or fitting, key=lambda queue: queue[0][0], default=None)
        return None if first is None else first.popleft()[1]


def _by_name(
    layers: Sequence[RecurrentLayer], sources: Sequence[SourceRecurrent]
) -> tuple[SourceRecurrent | None, ...]:
    """By the names of scopes, read in the way that places most of the layers.

    Keras 3 traces a model again to export it, which adds a number to every scope: `lstm_1` is `lstm` then, and not
    `lstm_1`, which is `lstm_1_2`. tf_keras leaves the names as they are.
    """
    first = sources[0].package if sources else ""
    ways = [True, False] if first == "keras" else [False, True]
    own: dict[str, list[SourceRecurrent]] = {}
    around: dict[str, list[SourceRecurrent]] = {}
    for source in sources:
        own.setdefault(source.name, []).append(source)
        if source.inside:
            around.setdefault(source.inside[-1], []).append(source)
    read = [tuple(_named(layer, own, around, again=again) for layer in layers) for again in ways]
    return max(read, key=lambda found: sum(source is not None for source in found), default=())


def _named(layer: RecurrentLayer, own: _ByName, around: _ByName, *, again: bool) -> SourceRecurrent | None:
    """The source's layer with most names among the scopes: its own, or else that of the layer it is in.

    The layer in a TimeDistributed has no scope of its own in Keras 3.
    """
    if not layer.layer:
        return None
    scopes = [re.sub(r"_\d+$", "", part) if again else part for part in layer.layer.split("/")]
    named = [source for scope in dict.fromkeys(scopes) for source in own.get(scope, ()) if _fits(layer, source)]
    if named:
        return max(named, key=lambda source: _shared(scopes, source))
    held = (source for scope in reversed(scopes) for source in around.get(scope, ()))
    return next((source for source in held if _fits(layer, source)), None)


def _shared(scopes: Sequence[str], source: SourceRecurrent) -> int:
    """How many of a layer's names the scopes have, in their order."""
    return sum(1 for _ in _in_order((*source.inside, source.name), scopes))


def _in_order(names: Sequence[str], scopes: Sequence[str]) -> Iterator[str]:
    rest = iter(scopes)
    for name in names:
        if name in scopes and any(scope == name for scope in rest):
            yield name


def _fits(layer: RecurrentLayer, source: SourceRecurrent) -> bool:
    """What the model shows of the layer does not contradict the source.

    A cell that is not recognised may be any; that of a convolution has a state of another size than its filters.
    """
    if layer.form is Form.UNROLLED and not source.unroll:
        return False
    known = {_CELLS[cell] for cell in source.cells if cell in _CELLS}
    if layer.cell == OWN or len(known) < len(set(source.cells)):
        return True
    if not any(layer.cell.startswith(cell) for cell in known):
        return False
    convolution = layer.cell.startswith("convolutional")
    return convolution or layer.units is None or not source.units or layer.units in source.units

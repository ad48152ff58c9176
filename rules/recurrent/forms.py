"""The recurrent layers of a model, whatever form the converter gave them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import execution_order
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules.precision import Arithmetic, ModelPrecision

from . import fixed
from .fixed import Fixed
from .fused import fused
from .loops import recurrent_loops
from .steps import single_steps
from .unrolling import unrolled


class Form(StrEnum):
    """How the steps of a recurrent layer are run."""

    FUSED = "fused"
    """One operator of the schema for all steps, or for one: UNIDIRECTIONAL_SEQUENCE_LSTM, SVDF ..."""
    LOOP = "loop"
    """A WHILE whose body is the cell."""
    UNROLLED = "unrolled"
    """The cell, written out once for every step."""
    STEP = "one step"
    """The cell once, written in operators, its state from outside or from a variable."""


@dataclass(frozen=True, slots=True)
class RecurrentLayer:
    """A recurrent layer of the model.

    Attributes:
        form: how its steps are run.
        cell: in words: `LSTM`, `GRU`, `simple RNN`, `SVDF`, `convolutional LSTM`, `recurrent` for a user's own ...
        variant: of a fused LSTM: `coupled input and forget gates`, `peepholes`, `projection`, `layer normalization`; of
            a GRU `reset after` where that can be told; `no recurrent kernel` of a user's own cell that weighs its state
            element by element, as IndRNN and SRU do.
        subgraph: where `anchor` stands.
        anchor: index of the operator that stands for it: the fused one, the WHILE, the first product with the
            recurrent kernel.
        operators: indices, in `subgraph`, of all that belongs to it; (anchor,) for a fused operator and for a loop.
        body: subgraph of the loop's body; None for the other forms.
        cond: likewise, of its condition.
        steps: None where the file does not fix them.
        units: size of a state; None where that cannot be told.
        backward: it runs from the last step to the first; None where that cannot be told.
        bidirectional: both directions are in it, as in BIDIRECTIONAL_SEQUENCE_LSTM.
        arithmetic: what the products with the recurrent kernel compute in.
        layer: the source's layer, as the locations tell it.
        lowered: of a loop, how its lists of steps came out: `builtin`, or `flex` where TensorFlow's TensorList
            operators are kept; empty for other forms.
        products: indices of the operators that weigh or multiply the hidden state, in `body` for a loop, in `subgraph`
            otherwise; none where a condition in the body guards the cell, so that it is in a subgraph of its own.
        states: of one step and of a loop (there in `body`), the tensors before and after the step; the hidden state
            first, then an LSTM's cell state. Of an unrolled layer, those before the first and after the last step,
            without states that begin as constants. Of a fused operator its variable tensors, which it writes in place.
        step: of an unrolled layer, the operators of a step in the middle; of one step, all.
    """

    form: Form
    cell: str
    subgraph: int
    anchor: int
    operators: tuple[int, ...]
    variant: tuple[str, ...] = ()
    body: int | None = None
    cond: int | None = None
    steps: int | None = None
    units: int | None = None
    backward: bool | None = None
    bidirectional: bool = False
    arithmetic: Arithmetic | None = None
    layer: str | None = None
    lowered: str = ""
    products: tuple[int, ...] = ()
    states: tuple[tuple[int, int], ...] = ()
    step: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RecurrentLayers:
    """Every recurrent layer of a model, in execution order, those in a loop's body after the loop."""

    layers: tuple[RecurrentLayer, ...] = ()

    def of(self, *forms: Form) -> tuple[RecurrentLayer, ...]:
        """Those of these forms."""
        return tuple(layer for layer in self.layers if layer.form in forms)


def of_model(model: Model, locations: Locations, precision: ModelPrecision) -> RecurrentLayers:
    """Find them: by structure, never by names; O(n log n) of the operators."""
    held = fixed.of_model(model)
    found = [*_unrolled(model, held)]
    taken = frozenset((layer.subgraph, i) for layer in found for i in layer.operators)
    found += [*_fused(model), *_loops(model, held, precision), *_single_steps(model, held, taken)]
    order = {place: k for k, place in enumerate(_execution(model))}
    found.sort(key=lambda layer: order[layer.subgraph, layer.anchor])
    return RecurrentLayers(tuple(_located(layer, locations, precision) for layer in found))


def _execution(model: Model) -> Iterator[tuple[int, int]]:
    """The operators as they are run; those that nothing runs at the end."""
    yield from dict.fromkeys(
        (subgraph.index, op.index) for subgraph, op in itertools.chain(execution_order(model), model.operators)
    )


def _fused(model: Model) -> Iterator[RecurrentLayer]:
    for found in fused(model):
        yield RecurrentLayer(
            Form.FUSED,
            found.cell,
            found.subgraph,
            found.operator,
            (found.operator,),
            variant=found.variant,
            steps=found.steps,
            units=found.units,
            backward=found.backward,
            bidirectional=found.bidirectional,
            products=(found.operator,),
            states=tuple((t, t) for t in found.states),
        )


def _loops(model: Model, held: Fixed, precision: ModelPrecision) -> Iterator[RecurrentLayer]:
    for found in recurrent_loops(model, held):
        inside = found.place == found.body
        units = {cell.units for cell in found.cells if cell.name in found.cell.split(" and ")}
        variants = dict.fromkeys(word for cell in found.cells for word in cell.variant)
        yield RecurrentLayer(
            Form.LOOP,
            found.cell,
            found.subgraph,
            found.operator,
            (found.operator,),
            variant=tuple(variants),
            body=found.body,
            cond=found.cond,
            steps=found.steps,
            units=units.pop() if len(units) == 1 else None,
            backward=found.backward,
            lowered="flex" if found.flex else "builtin",
            arithmetic=precision.operators[found.place, found.cells[0].products[0]],
            products=tuple(sorted(i for cell in found.cells for i in cell.products)) if inside else (),
            states=tuple(pair for cell in found.cells for pair in cell.states) if inside else (),
        )


def _unrolled(model: Model, held: Fixed) -> Iterator[RecurrentLayer]:
    for found in unrolled(model, held):
        yield RecurrentLayer(
            Form.UNROLLED,
            found.cell,
            found.subgraph,
            found.products[0],
            found.operators,
            variant=found.variant,
            steps=found.steps,
            units=found.units,
            backward=found.backward,
            products=found.products,
            states=found.states,
            step=found.step,
        )


def _single_steps(model: Model, held: Fixed, taken: frozenset[tuple[int, int]]) -> Iterator[RecurrentLayer]:
    for found in single_steps(model, held, taken):
        yield RecurrentLayer(
            Form.STEP,
            found.cell.name,
            found.subgraph,
            found.cell.products[0],
            found.operators,
            variant=found.cell.variant,
            steps=1,
            units=found.cell.units,
            products=found.cell.products,
            states=found.cell.states,
            step=found.operators,
        )


def _located(layer: RecurrentLayer, locations: Locations, precision: ModelPrecision) -> RecurrentLayer:
    """With the layer it came from and the arithmetic of its products."""
    arithmetic = layer.arithmetic
    if arithmetic is None:
        arithmetic = precision.operators[layer.subgraph, layer.products[len(layer.products) // 2]]
    return dataclasses.replace(layer, arithmetic=arithmetic, layer=_scope(layer, locations))


def _scope(layer: RecurrentLayer, locations: Locations) -> str | None:
    if layer.form is not Form.UNROLLED:
        return locations.of(layer.subgraph, layer.anchor).layer
    shown = (locations.of(layer.subgraph, i).layer for i in layer.products)
    return _common_scope(scope for scope in shown if scope)


def _common_scope(scopes: Iterable[str]) -> str | None:
    """`net/lstm` for `net/lstm/cell_3` and `net/lstm/cell_5`."""
    levels = zip(*(scope.split("/") for scope in scopes), strict=False)
    shared = [parts[0] for parts in itertools.takewhile(lambda parts: len(set(parts)) == 1, levels)]
    return "/".join(shared) or None

"""What the file alone shows of why a recurrent layer has its form: for a model whose source is not known.

The names are those that Keras and the converter leave (seen with TensorFlow 2.21, Keras 3.15, tf_keras 2.21). Where
tf_keras marks an LSTM for fusing, its function is inlined into the graph and the loop stands there without any scope,
`while/MatMul`, its bias named after the reading of the layer's variable, `model/lstm/Read_2/ReadVariableOp`. Where
nothing is marked, the cell is called inside the loop under its own name, `lstm/while/lstm_cell/MatMul`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tflite_audit.analyzer.model.types import OPTIONAL, Model, Subgraph
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer
from tflite_audit.rules.recurrent.operators import CHOICES, SAME, SLICES

_READ_VARIABLE = re.compile(r"^(?:.*;)?([^;]+)/Read(?:_\d+)?/ReadVariableOp\d*$")
_NO_SCOPE = re.compile(r"^while(?:_\d+)?/MatMul(?:_\d+)*\d*$")
_IN_A_CELL = re.compile(r"(?:^|/)while(?:_\d+)?/((?:[^/;]+/)*[^/;]*cell[^/;]*)/")
_THROUGH = SAME | SLICES | {"LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "NOT_EQUAL"}
_FARTHEST = 8
"""Operators between a mask and what chooses by it."""


@dataclass(frozen=True, slots=True)
class LoopFacts:
    """What a loop shows.

    Attributes:
        masked: each step chooses between the old and the new state by a truth value that comes with the steps.
        state_read: what the hidden state is at the end is read.
        cell_state_read: likewise, of an LSTM's cell state.
        in_variables: its states come from variables.
        marked: layer whose function was marked for fusing, by the names that are left; None where they do not show it.
        cell: scope in the loop under which the cell was called, such as `lstm_cell_1`; None where the names do not
            show it.
        squashing: operator → how many there are in a step, of those that gates are made with.
    """

    masked: bool
    state_read: bool
    cell_state_read: bool
    in_variables: bool
    marked: str | None
    cell: str | None
    squashing: dict[str, int]


def of_loop(model: Model, layer: RecurrentLayer) -> LoopFacts | None:
    """Of a layer that is a loop; None for one of another form."""
    if layer.form is not Form.LOOP or layer.body is None:
        return None
    outer, body = model.subgraphs[layer.subgraph], model.subgraphs[layer.body]
    loop = outer.operators[layer.anchor]
    places = [body.inputs.index(read) for read, _ in layer.states if read in body.inputs]
    ends = [loop.outputs[i] for i in places if i < len(loop.outputs)]
    begins = [loop.inputs[i] for i in places if i < len(loop.inputs)]
    names = [body.tensors[t].name for i in layer.products for t in body.operators[i].outputs if t != OPTIONAL]
    counts = Counter(op.name for op in body.operators)
    return LoopFacts(
        masked=_masked(body),
        state_read=any(_is_read(outer, t) for t in ends[::2]),
        cell_state_read=any(_is_read(outer, t) for t in ends[1::2]),
        in_variables=any(_from_variable(outer, t) for t in begins),
        marked=_marked(outer, body, loop.inputs, names),
        cell=next((found[1] for name in names if (found := _IN_A_CELL.search(name))), None),
        squashing={name: counts[name] for name in ("TANH", "LOGISTIC", "RELU", "RELU6", "ELU", "GELU") if counts[name]},
    )


def taken_apart(model: Model, layer: RecurrentLayer) -> str | None:
    """Layer inside of which the steps of an unrolled one are taken apart, as Keras does it with `unroll=True`.

    Its `rnn` unstacks the sequence in the scope of the layer, `lstm/unstack`, and calls the cell in the same one,
    `lstm/lstm_cell_1/MatMul` (keras/src/backend/tensorflow/rnn.py, tf_keras/src/backend.py).
    """
    subgraph = model.subgraphs[layer.subgraph]
    scopes = {
        part.rpartition("/")[0].rpartition("/")[0]
        for i in layer.products
        for tensor in subgraph.written_by(subgraph.operators[i])
        for part in tensor.name.split(";")
    }
    for op in subgraph.operators:
        if op.name == "UNPACK":
            for tensor in subgraph.written_by(op):
                scope, _, leaf = tensor.name.split(";")[0].rpartition("/")
                if re.fullmatch(r"unstack(_\d+)?\d*", leaf) and scope and scope in scopes:
                    return scope
    return None


def _is_read(subgraph: Subgraph, t: int) -> bool:
    return bool(subgraph.consumers.get(t)) or t in subgraph.outputs


def _masked(body: Subgraph) -> bool:
    passed = {t for t, result in zip(body.inputs, body.outputs, strict=False) if t == result and t != OPTIONAL}
    masks = {t for t in passed if body.tensors[t].dtype == "bool"}
    if not masks:
        return False
    return any(
        op.name in CHOICES and op.inputs and op.inputs[0] != OPTIONAL and _leads_to(body, op.inputs[0], masks)
        for op in body.operators
    )


def _leads_to(body: Subgraph, t: int, wanted: set[int]) -> bool:
    for _ in range(_FARTHEST):
        if t in wanted:
            return True
        producer = body.producers.get(t)
        if producer is None:
            return False
        op = body.operators[producer]
        if op.name not in _THROUGH or not op.inputs or op.inputs[0] == OPTIONAL:
            return False
        t = op.inputs[0]
    return t in wanted


def _from_variable(outer: Subgraph, t: int) -> bool:
    for _ in range(_FARTHEST):
        producer = outer.producers.get(t)
        if producer is None:
            return False
        op = outer.operators[producer]
        if op.name == "READ_VARIABLE":
            return True
        if op.name not in SAME or not op.inputs:
            return False
        t = op.inputs[0]
    return False


def _marked(outer: Subgraph, body: Subgraph, given: tuple[int, ...], products: list[str]) -> str | None:
    if not products or not all(_NO_SCOPE.match(part) for name in products for part in name.split(";")[:1]):
        return None
    constants = [t.name for t in body.tensors if t.constant]
    constants += [outer.tensors[t].name for t in given if t != OPTIONAL and outer.tensors[t].constant]
    return next((found[1] for name in constants if (found := _READ_VARIABLE.match(name))), None)

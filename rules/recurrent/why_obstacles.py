"""What keeps a recurrent layer from becoming one fused operator, setting by setting.

Each of them was measured (`why_measured.FORMS`): with it alone, the LSTM of tf_keras that is fused otherwise is not.
What was measured to make no difference is none: go_backwards (a REVERSE_V2 more) and time_major (which the operator
has itself), dropout, an initial state, steps that are free, Bidirectional and TimeDistributed around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import why_measured
from tflite_audit.rules.recurrent.why_file import LoopFacts
from tflite_audit.rules.rule import Table

_CONVOLUTIONAL = "ConvLSTM"


class Kind(StrEnum):
    """What stands in the way."""

    NOT_MARKED = "not marked"
    CELL = "cell"
    WRAPPED = "RNN around cells"
    MASK = "mask"
    STATE_READ = "state read"
    CELL_STATE_READ = "cell state read"
    STATEFUL = "stateful"
    ACTIVATION = "activation"
    RECURRENT_DROPOUT = "recurrent dropout"
    NO_BIAS = "no bias"
    UNROLL = "unrolled"
    INLINED = "inlined"
    OWN_CODE = "own code"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that stands in the way of the fused operator.

    Attributes:
        says: what it is, as a clause: `a mask comes with the input, and the fused operator takes none`.
        undo: what to change, as an imperative; empty where nothing can be.
    """

    kind: Kind
    says: str
    undo: str = ""

    @property
    def final(self) -> bool:
        """Nothing that the user sets makes this layer fuse."""
        return self.kind in (Kind.CELL, Kind.CELL_STATE_READ)


TF_KERAS = "build it with tf_keras"
_NO_MASK = "leave the mask out (no Masking, no mask_zero=True) and give it sequences without padding"
_NO_STATE_READ = "read the output of the last step, which is the hidden state"
_NOT_STATEFUL = "leave out stateful=True: the fused operator keeps its state from call to call by itself"


INLINED = Obstacle(
    Kind.INLINED,
    "the converter was given a frozen graph (CONVERT_GRAPHDEF), in which no marked function is left",
    "call the layer in a functional or Sequential model, which can be saved",
)
"""TensorFlow freezes a Keras model that it cannot save, such as one whose `call` it cannot bind."""


OWN_CODE = Obstacle(
    Kind.OWN_CODE,
    "it is written in the source's own code, which does not say that it is an LSTM",
    "write it as a function that says so, as examples/lstm_cell_simple.py does",
)

NOT_FUSED = Obstacle(
    Kind.OWN_CODE,
    "the converter does not fuse the function that it is written in, though it says what it implements",
    "change that function as R007 says",
)


def of_source(source: SourceRecurrent) -> tuple[Obstacle, ...]:
    """All that the source's layer has: to take one of several away does not fuse it."""
    return tuple(_of_source(source))


def of_loop(loop: LoopFacts) -> tuple[Obstacle, ...]:
    """Those that a loop of the model shows, where the source is not known."""
    return tuple(_of_loop(loop))


def _of_source(source: SourceRecurrent) -> Iterator[Obstacle]:
    if not source.cells or any(cell != "LSTMCell" for cell in source.cells):
        yield Obstacle(Kind.CELL, f"the converter has no fused operator for {_cell(source)}")
        return
    if source.package == "keras":
        says = "Keras 3 does not mark the function of its LSTM for the converter, as tf_keras does"
        yield Obstacle(Kind.NOT_MARKED, says, TF_KERAS)
    if source.kind == "RNN":
        one = "LSTM(units)" if len(source.cells) == 1 else "an LSTM layer for each cell"
        says = "an RNN around LSTMCell is not marked, only the layer LSTM is"
        yield Obstacle(Kind.WRAPPED, says, f"write {one} instead of RNN(...)")
    if source.masked:
        yield Obstacle(Kind.MASK, "a mask comes with the input, and the fused operator takes none", _NO_MASK)
    if source.stateful:
        says = "stateful=True writes the state to a variable, which the fused operator does not"
        yield Obstacle(Kind.STATEFUL, says, _NOT_STATEFUL)
    if source.cell_state_used:
        yield Obstacle(Kind.CELL_STATE_READ, "the cell state is read, which the fused operator does not give")
    elif source.state_used:
        says = "the hidden state that it returns is read, which the fused operator does not give"
        yield Obstacle(Kind.STATE_READ, says, _NO_STATE_READ)
    for name, found, marked in (
        ("activation", source.activation, "tanh"),
        ("recurrent_activation", source.recurrent_activation, "sigmoid"),
    ):
        if found not in ("", marked):
            says = f"{name} is {found}, and only {marked} is marked"
            yield Obstacle(Kind.ACTIVATION, says, f"train it with {name}='{marked}'")
    if source.recurrent_dropout:
        says = f"recurrent_dropout={source.recurrent_dropout:g} is not marked, even for inference"
        undo = "copy its weights to one with recurrent_dropout=0, since inference drops nothing"
        yield Obstacle(Kind.RECURRENT_DROPOUT, says, undo)
    if not source.use_bias:
        undo = "copy its weights to one with use_bias=True and a bias of zeros"
        yield Obstacle(Kind.NO_BIAS, "use_bias=False is not marked", undo)
    if source.unroll:
        yield Obstacle(Kind.UNROLL, "unroll=True", "leave out unroll=True")


def _cell(source: SourceRecurrent) -> str:
    own = [cell for cell in source.cells if "." in cell]
    if own:
        return f"a cell of one's own ({own[0]})"
    names = [source.kind if cell.startswith(_CONVOLUTIONAL) else cell.removesuffix("Cell") for cell in source.cells]
    distinct = list(dict.fromkeys(names)) or [source.kind]
    return f"a {distinct[0]}" if len(distinct) == 1 else f"{places.enumerated(distinct)} in one"


def _of_loop(loop: LoopFacts) -> Iterator[Obstacle]:
    if loop.cell is not None:
        says = (
            f"the cell is called in the loop under its own name ({loop.cell}), so its layer was not marked for fusing "
            "when the model was saved: Keras 3 marks none, tf_keras only an LSTM with tanh, sigmoid and a bias, and "
            "without recurrent dropout"
        )
        undo = f"{TF_KERAS}, with tanh, sigmoid and a bias, and without recurrent dropout"
        yield Obstacle(Kind.NOT_MARKED, says, undo)
    if loop.masked:
        yield Obstacle(Kind.MASK, "each step takes a mask, and the fused operator takes none", _NO_MASK)
    if loop.in_variables:
        says = "the state is kept in variables, which the fused operator does not write"
        yield Obstacle(Kind.STATEFUL, says, _NOT_STATEFUL)
    elif loop.cell_state_read:
        yield Obstacle(
            Kind.CELL_STATE_READ, "the cell state is read at the end, which the fused operator does not give"
        )
    elif loop.state_read:
        says = "the hidden state is read at the end, which the fused operator does not give"
        yield Obstacle(Kind.STATE_READ, says, _NO_STATE_READ)
    for operator, marked, setting in (("TANH", "tanh", "activation"), ("LOGISTIC", "sigmoid", "recurrent_activation")):
        if not loop.squashing.get(operator):
            says = f"no {marked} is among its activations, and only tanh and sigmoid are marked"
            yield Obstacle(Kind.ACTIVATION, says, f"train it with {setting}='{marked}'")


def table(obstacles: Iterable[Obstacle]) -> Table:
    """As evidence."""
    return Table(
        title=f"What keeps it from being one fused operator, each {why_measured.versions()}",
        columns=("what", "change"),
        rows=tuple((o.says, o.undo or "none makes it fuse") for o in obstacles),
    )

"""Why a recurrent layer has the form it has in the model, and the layer of the source it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflite_audit.analyzer.conversion.types import Composite, Conversion, SourceOperator, SourceRecurrent
from tflite_audit.analyzer.model import made_by
from tflite_audit.analyzer.model.types import OPTIONAL, Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import interfaces, why_file, why_obstacles
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer
from tflite_audit.rules.recurrent.operators import CHOICES
from tflite_audit.rules.recurrent.why_file import LoopFacts
from tflite_audit.rules.recurrent.why_matching import match
from tflite_audit.rules.recurrent.why_obstacles import Kind, Obstacle

_LOOPS = ("While", "StatelessWhile")
_OF_CELLS = ("MatMul", "BatchMatMulV2", "Tanh", "Sigmoid")
_KERAS = {"keras": "Keras 3", "tf_keras": "tf_keras"}
_MARK = "api_implements"
_STAYS = "and the loop over the steps stays a WHILE"


@dataclass(frozen=True, slots=True)
class Why:
    """Why layers of one kind have their form.

    Attributes:
        layers: of the model; they have the form, the cell and the reason in common.
        names: what they are called in the source, with the layers around them, or in the model where that is not
            known; each once.
        sources: for each layer that of the source; None where it is not known.
        cause: None where no fact shows it.
        known: what is known where it is not established.
        obstacles: to one fused operator, as the source has them, or else as the model shows them; () for a fused layer.
        masked: a mask decides which steps count.
        beside: all recurrent layers of the source, these among them.
        own_code: they are written in the source's own code, and are no layers of Keras.
        free_batch: an input of the model leaves it free.
    """

    layers: tuple[RecurrentLayer, ...]
    names: tuple[str, ...]
    sources: tuple[SourceRecurrent | None, ...]
    cause: str | None
    known: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    masked: bool = False
    beside: tuple[SourceRecurrent, ...] = ()
    own_code: bool = False
    free_batch: bool = False

    @property
    def source(self) -> SourceRecurrent | None:
        """Of the first layer."""
        return self.sources[0]

    @property
    def first(self) -> RecurrentLayer:
        """The first of the layers."""
        return self.layers[0]

    @property
    def several(self) -> bool:
        """`called` is a plural: a layer of the source may be several of the model."""
        return len(self.names or self.layers) > 1

    @property
    def called(self) -> str:
        """The layers in words: `The LSTM layer encoder`, `2 GRU layers`."""
        source, count = self.source, len(self.layers)
        cell = self.first.cell if source is None or source.kind == "RNN" else source.kind
        layers = f"{cell} layers" if self.several else f"{cell} layer"
        if not self.names:
            return f"{count} {layers}" if self.several else f"{article(cell).capitalize()} {layers}"
        return f"The {layers} {places.enumerated(self.names)}"

    @property
    def can_fuse(self) -> bool:
        """It is an LSTM that the user can build so that it becomes one operator."""
        is_lstm = self.first.cell == "LSTM" or bool(self.obstacles)
        return is_lstm and not any(obstacle.final for obstacle in self.obstacles)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of the reason of one layer."""

    cause: str | None
    known: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    own_code: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """A layer of the model with what it came from and what the file shows of it.

    Attributes:
        loop: None for another form.
        masked: a mask decides which steps count.
    """

    layer: RecurrentLayer
    source: SourceRecurrent | None
    loop: LoopFacts | None
    masked: bool

    @property
    def name(self) -> str | None:
        """As the source has it, or else the model."""
        if self.source is not None:
            return self.source.path
        return self.layer.layer or (None if self.loop is None else self.loop.marked)


def explain(
    layers: Sequence[RecurrentLayer], among: Sequence[RecurrentLayer], model: Model, conversion: Conversion | None
) -> tuple[Why, ...]:
    """Why these layers have their form; those with one reason together.

    Args:
        layers: of one form.
        among: all recurrent layers of the model, by which those of the source are told apart.
        conversion: that made the model; None where it is not known.
    """
    if not layers:
        return ()
    sources = (conversion.recurrent if conversion is not None else None) or ()
    matched = {id(layer): source for layer, source in zip(among, match(among, sources), strict=True)}
    groups: dict[tuple[object, ...], list[_Seen]] = {}
    for layer in layers:
        source, loop = matched[id(layer)], why_file.of_loop(model, layer)
        seen = _Seen(layer, source, loop, _masked(layer, source, loop, model))
        groups.setdefault(_reason(seen), []).append(seen)
    return tuple(_why(group, model, conversion) for group in groups.values())


def _reason(seen: _Seen) -> tuple[object, ...]:
    """What two layers have in common that are told of together."""
    layer, source = seen.layer, seen.source
    shown = (layer.form, layer.cell, layer.variant, layer.bidirectional, layer.arithmetic, layer.lowered, seen.masked)
    if source is not None:
        return (*shown, layer.steps, source.package, source.kind, source.cells, why_obstacles.of_source(source))
    if layer.form is Form.FUSED:
        return shown
    return (*shown, layer.steps, None if seen.loop is None else why_obstacles.of_loop(seen.loop))


def _why(group: Sequence[_Seen], model: Model, conversion: Conversion | None) -> Why:
    names = tuple(dict.fromkeys(seen.name for seen in group if seen.name))
    seen = group[0]
    found = (
        _by_source(seen, seen.source, names, model, conversion) if seen.source else _by_model(seen, model, conversion)
    )
    return Why(
        tuple(seen.layer for seen in group),
        names,
        tuple(seen.source for seen in group),
        found.cause,
        found.known,
        found.obstacles,
        seen.masked,
        (conversion.recurrent if conversion is not None else None) or (),
        found.own_code,
        _has_free_batch(model, seen.source),
    )


def _has_free_batch(model: Model, source: SourceRecurrent | None) -> bool:
    axis = 1 if source is not None and source.time_major else 0
    entry = model.subgraphs[0]
    return any(axis in entry.tensors[t].free_dimensions for t in entry.inputs if t != OPTIONAL)


def _masked(layer: RecurrentLayer, source: SourceRecurrent | None, loop: LoopFacts | None, model: Model) -> bool:
    if source is not None and source.masked is not None:
        return source.masked
    operators = model.subgraphs[layer.subgraph].operators
    return any(operators[i].name in CHOICES for i in layer.step) or (loop is not None and loop.masked)


# The source is known


def _by_source(
    seen: _Seen, source: SourceRecurrent, names: Sequence[str], model: Model, conversion: Conversion | None
) -> _Found:
    subject = _subject(names, source)
    obstacles = why_obstacles.of_source(source)
    match seen.layer.form:
        case Form.UNROLLED if source.unroll:
            return _Found(f"{subject} with unroll=True.", obstacles=obstacles)
        case Form.FUSED if source.annotated:
            return _Found(f"{subject}, whose function tf_keras marks for the converter ({_MARK}).")
        case Form.FUSED if source.annotated is None:
            return _Found(_by_composite(seen.layer, conversion) or _by_converter(seen.layer, model))
        case Form.LOOP if obstacles and not source.unroll:
            return _Found(_of_loop(subject, obstacles, len(names) > 1), obstacles=obstacles)
        case Form.LOOP if shown := _shown(seen, source, conversion):
            return _Found(f"{subject}, but {_listed(shown)}.", obstacles=shown)
        case _:
            return _Found(None, f"{subject}; its settings do not show why.", obstacles)


def _shown(seen: _Seen, source: SourceRecurrent, conversion: Conversion | None) -> tuple[Obstacle, ...]:
    """What the conversion and the file show of a layer whose settings would let it fuse."""
    inlined = source.annotated and conversion is not None and interfaces.are_inlined(conversion)
    of_loop = () if seen.loop is None else why_obstacles.of_loop(seen.loop)
    return (*([why_obstacles.INLINED] if inlined else []), *of_loop)


def _of_loop(subject: str, obstacles: Sequence[Obstacle], several: bool) -> str:
    first, *others = obstacles
    if first.kind is Kind.CELL:
        return f"{subject}: {first.says}, {_STAYS}."
    if first.kind is not Kind.NOT_MARKED:
        return f"{subject}, which the converter does not fuse: {_listed(obstacles)}."
    said = f"{subject}. {first.says} ({_MARK}), {_STAYS}."
    if others:
        them = "They would" if several else "It would"
        said += f" {them} not fuse with tf_keras either: {_listed(others)}."
    return said


def _listed(obstacles: Sequence[Obstacle]) -> str:
    return "; ".join(obstacle.says for obstacle in obstacles)


def _subject(names: Sequence[str], source: SourceRecurrent) -> str:
    what = source.kind if source.kind != "RNN" else f"RNN({', '.join(source.cells)})"
    of = _KERAS.get(source.package, source.package)
    if len(names) == 1:
        return f"{names[0]} is {article(what)} {what} layer of {of}"
    return f"{places.enumerated(names)} are {what} layers of {of}"


def article(noun: str) -> str:
    """`an` for `LSTM`, `RNN` and `SVDF`, `a` for `GRU`, `SimpleRNN` and `ConvLSTM2D`."""
    spelled = noun[1:2].isupper() and noun[0] in "AEFHILMNORSX"
    return "an" if spelled or noun[:1] in "AEIOUaeiou" else "a"


# It is not


def _by_model(seen: _Seen, model: Model, conversion: Conversion | None) -> _Found:
    layer = seen.layer
    written = None if layer.form is Form.FUSED else _composite(layer, conversion)
    if written is not None:
        says = f"The cell is written in the function {written.name}, which says that it implements {written.implements}"
        cause = f"{says}, and which the converter did not fuse: R007 has the reason."
        return _Found(cause, obstacles=(why_obstacles.NOT_FUSED,), own_code=True)
    match layer.form:
        case Form.LOOP:
            return _Found(None) if seen.loop is None else _by_loop(layer, seen.loop, conversion)
        case Form.UNROLLED:
            scope = why_file.taken_apart(model, layer)
            if scope is not None:
                return _Found(f"The steps are taken apart inside of {scope}, as Keras does it with unroll=True.")
            own = _own_steps(conversion)
            if own is not None:
                return _Found(f"{own}.", obstacles=_of_own_code(layer), own_code=True)
            return _Found(None, "Neither names nor source show whether unroll=True or own code wrote the steps out.")
        case Form.FUSED:
            return _Found(_by_composite(layer, conversion) or _by_converter(layer, model))
        case Form.STEP:
            return _Found(None)


def _of_own_code(layer: RecurrentLayer) -> tuple[Obstacle, ...]:
    return (why_obstacles.OWN_CODE if layer.cell == "LSTM" else _no_operator(layer),)


def _no_operator(layer: RecurrentLayer) -> Obstacle:
    cell = "a cell of one's own" if layer.cell == "recurrent" else f"{article(layer.cell)} {layer.cell}"
    return Obstacle(Kind.CELL, f"the converter has no fused operator for {cell}")


def _by_loop(layer: RecurrentLayer, loop: LoopFacts, conversion: Conversion | None) -> _Found:
    own = _own_loop(conversion)
    if not (layer.cell == "LSTM" or (loop.cell or "").rpartition("/")[2].startswith("lstm_cell")):
        no_operator = _no_operator(layer)
        cause = f"{_capital(no_operator.says)}, {_STAYS}."
        return _Found(cause, obstacles=(no_operator,), own_code=own is not None)
    shown = why_obstacles.of_loop(loop)
    first, rest = shown[:1], shown[1:]
    if loop.marked is not None:
        was = f"The function of {loop.marked} was marked for fusing ({_MARK})"
        return _Found(f"{was}, but {_listed(shown)}." if shown else None, f"{was}, and is a loop.", shown)
    if own is not None:
        cause = f"{own}, and the converter fuses only functions that are marked for it."
        final = (obstacle for obstacle in shown if obstacle.final)
        return _Found(cause, obstacles=(why_obstacles.OWN_CODE, *final), own_code=True)
    if shown:
        besides = f" Besides, {_listed(rest)}." if rest else ""
        return _Found(f"{_capital(_listed(first))}.{besides}", obstacles=shown)
    return _Found(None, "The names in the file do not show what the loop was built with.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _own_loop(conversion: Conversion | None) -> str | None:
    """The loop of a source that has no recurrent layer of Keras."""
    if conversion is None or conversion.graph is None:
        return None
    loops = conversion.graph.of(*_LOOPS)
    if not loops or not _in_no_layer(conversion, loops):
        return None
    return f"The source has no recurrent layer of Keras; the loop is one of its own code{_line(loops)}"


def _own_steps(conversion: Conversion | None) -> str | None:
    """The steps that the source's own code writes out."""
    if conversion is None or conversion.graph is None or conversion.graph.of(*_LOOPS):
        return None
    cell = conversion.graph.of(*_OF_CELLS)
    if not _in_no_layer(conversion, cell):
        return None
    return f"The source has neither a recurrent layer nor a loop: its own code writes the steps out{_line(cell)}"


def _in_no_layer(conversion: Conversion, operators: Sequence[SourceOperator]) -> bool:
    """No layer of Keras made them: it gives them names in its scope, or a function that says what it implements."""
    if conversion.recurrent is not None or conversion.graph is None:
        return conversion.recurrent == ()
    return bool(operators) and not conversion.graph.composites and not any("/" in op.name for op in operators)


def _line(operators: Sequence[SourceOperator]) -> str:
    """Of the first that has one."""
    frames = (frame for operator in operators for frame in operator.frames)
    return next((f" ({frame.file.rpartition('/')[2]}:{frame.line})" for frame in frames), "")


def _composite(layer: RecurrentLayer, conversion: Conversion | None) -> Composite | None:
    """The function that says what it implements, where no other one of the source can be the layer's cell."""
    if conversion is None or conversion.graph is None or layer.cell != "LSTM":
        return None
    squashing = {operator.function for operator in conversion.graph.of("Tanh")}
    written = [c for c in interfaces.users(conversion) if c.name in squashing]
    return written[0] if len(squashing) == len(written) == 1 else None


def _by_converter(layer: RecurrentLayer, model: Model) -> str | None:
    """What the operator itself tells, in a file of TensorFlow's present converter."""
    operator = model.subgraphs[layer.subgraph].operators[layer.anchor].name
    if operator != "UNIDIRECTIONAL_SEQUENCE_LSTM" or made_by.of(model).converter != "MLIR Converted.":
        return None
    return (
        f"The converter put {operator} in the place of a function of the source that says what it implements "
        f"({_MARK}), as the LSTM of Keras 2 (tf_keras) does and that of Keras 3 does not."
    )


def _by_composite(layer: RecurrentLayer, conversion: Conversion | None) -> str | None:
    """The function that says what it implements, where there is but one that it can be."""
    if conversion is None or conversion.graph is None or not layer.cell.endswith("LSTM"):
        return None
    told = [
        c for c in conversion.graph.composites if interfaces.is_lstm(c) or interfaces.interface(c) in interfaces.CELLS
    ]
    if told and all(interfaces.of_keras(c) for c in told):
        return f"The source's function says that it implements an LSTM ({_MARK}), as tf_keras marks that of its LSTM."
    if len(told) != 1:
        return None
    return f"The function {told[0].name} says that it implements {told[0].implements}, which the converter fuses."

"""R007."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflite_audit.analyzer.conversion.types import Composite, Conversion
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import interfaces
from tflite_audit.rules.recurrent.interfaces import Interface
from tflite_audit.rules.rule import Evidence, Finding, Location, NotApplicable, Remedy, Severity, Table, rule


@rule("R007", "composite-not-fused", Severity.WARNING)
def composite_not_fused(conversion: Conversion, model: Model) -> Iterator[Finding]:
    """A function that says what it implements was not replaced by the operator that it says it is.

    ## What it does
    Looks at the functions of the source that carry `experimental_implements` (`_implements`) or `api_implements`, and
    whether PrepareCompositeFunctionsPass put an operator in their place: an LSTM, EMBEDDING_LOOKUP,
    NON_MAX_SUPPRESSION_V4, a custom operator. Where it did not, says which of the converter's conditions the function
    does not meet. The functions of tf_keras's own layers are left to the rules on recurrent layers; what a fused one
    became, R003 and C002 tell.

    ## Why is this bad
    The converter says nothing: it converts the function's body, operator by operator. An LSTM written by hand becomes
    a loop or one copy of the cell for every step; it is larger, slower and, as a loop, cannot be quantized.

    ## Example
    `@tf.function(experimental_implements="LayerNormalizedLSTMCellSimple")`: the converter knows
    `LayerNormalizedLstmCellSimple`, and compares letter by letter.

    ## Fix
    Give the function the interface that the finding names. `examples/lstm_cell_simple.py` has one that is fused.
    """
    if conversion.graph is None:
        raise NotApplicable("the source's graph is not known")
    written = interfaces.users(conversion)
    if not written:
        raise NotApplicable("no function that the converter was given says what it implements")
    inlined = _inlined(conversion)
    unknown: list[Composite] = []
    groups: dict[Interface, list[Composite]] = {}
    for composite in written:
        known = interfaces.interface(composite)
        if known is None:
            unknown.append(composite)
        else:
            groups.setdefault(known, []).append(composite)
    for composite in unknown:
        yield _finding([composite], *_unknown(composite))
    for known, composites in groups.items():
        expected = len(composites) + _of_keras(conversion, known)
        fused = interfaces.made(conversion, model, known)
        if fused >= expected:
            continue
        obstacles = [(c, inlined or _obstacle(c)) for c in composites]
        for composite, obstacle in obstacles:
            if obstacle:
                yield _finding([composite], *obstacle)
        unexplained = [c for c, obstacle in obstacles if not obstacle]
        if unexplained and fused == 0:
            yield _finding(unexplained, None, None)
        elif unexplained and fused < expected - len(composites) + len(unexplained):
            yield _finding(
                unexplained, None, None, doubt=f"of {expected} such functions {fused} was fused, and which is not known"
            )


def _finding(composites: Sequence[Composite], cause: str | None, remedy: Remedy | None, doubt: str = "") -> Finding:
    first = composites[0]
    names = places.enumerated(dict.fromkeys(f"`{c.name}`" for c in composites))
    says = f"says that it implements `{first.implements}`" if len(composites) == 1 else "say what they implement"
    verb = "was" if len(composites) == 1 else "were"
    ended = doubt or f"{verb} converted operator by operator"
    kinds = sum(first.operators.values())
    holds = f" ({places.plural(kinds, 'operator')} of TensorFlow)" if kinds and len(composites) == 1 else ""
    return Finding(
        message=f"{'The function' if len(composites) == 1 else 'The functions'} {names} {says}, and {ended}{holds}.",
        location=Location(function=first.name),
        evidence=tuple(_arguments(c) for c in composites),
        cause=cause,
        remedy=remedy,
        key=(first.attribute, first.implements, first.name),
    )


def _arguments(composite: Composite) -> Evidence:
    rows = tuple((number, dtype, _shape(shape)) for number, (dtype, shape) in enumerate(composite.inputs))
    return Table(title=f"Arguments of {composite.name}", columns=("argument", "type", "shape"), rows=rows)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "any" if shape is None else f"[{', '.join('?' if size < 0 else str(size) for size in shape)}]"


def _of_keras(conversion: Conversion, known: Interface) -> int:
    graph = conversion.graph
    if graph is None or known is not interfaces.KERAS_LSTM:
        return 0
    return sum(
        interfaces.of_keras(c) and c.implements.startswith("lstm_") and not _obstacle(c) for c in graph.composites
    )


def _inlined(conversion: Conversion) -> tuple[str, Remedy] | None:
    if not interfaces.are_inlined(conversion):
        return None
    return (
        "The converter was given a frozen graph (CONVERT_GRAPHDEF), into which TensorFlow's optimizer has written the "
        "function's operators before the first pass: no function was left to be fused.",
        Remedy(
            "Convert a SavedModel, or from_concrete_functions with the object that holds the variables.",
            "converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)\n",
        ),
    )


def _unknown(composite: Composite) -> tuple[str, Remedy]:
    value, lstm = composite.implements, composite.implements.startswith(interfaces.LSTM_PREFIXES)
    if composite.attribute == "_implements" and lstm:
        return (
            f"`{value}` is a name of `api_implements`, and stands in `experimental_implements`.",
            Remedy("Give it as the attribute that it belongs to.", interfaces.LSTM_CODE),
        )
    name = interfaces.spelled_like(composite)
    if composite.attribute == "api_implements" and name:
        return (
            f"`{name}` is a name of `experimental_implements`, and stands in `api_implements`.",
            Remedy("Give it as the attribute that it belongs to.", f'@tf.function(experimental_implements="{name}")\n'),
        )
    if name:
        options = (
            " The name is compared as a whole: options behind a comma make it another one." if "," in value else ""
        )
        return (
            f"The converter knows no `{value}`; it knows `{name}`.{options}",
            _cell_remedy(name)
            if name in (interfaces.CELL, interfaces.LAYER_NORM_CELL)
            else Remedy(f"Spell it `{name}`.", f'@tf.function(experimental_implements="{name}")\n'),
        )
    if composite.attribute == "_implements" and set(composite.attributes) - {"time_major", "go_backwards"}:
        return (
            f"`{value}` is no name that the converter knows, and does not say `{interfaces.FUSABLE}`, which makes a "
            "custom operator of it.",
            Remedy("Say that it is to become a custom operator.", _fusable(value)),
        )
    known = (
        "names that begin with `lstm_`"
        if composite.attribute == "api_implements"
        else places.enumerated(
            f"`{n}`" for i in interfaces.INTERFACES if i is not interfaces.KERAS_LSTM for n in i.names
        )
    )
    return (
        f"The converter knows no `{value}`; of `{composite.attribute}` it knows {known}.",
        Remedy("Have it become a custom operator, for which the runtime needs an implementation.", _fusable(value)),
    )


def _obstacle(composite: Composite) -> tuple[str, Remedy] | None:
    """The first of the converter's conditions that the function does not meet."""
    known = interfaces.interface(composite)
    if known is interfaces.KERAS_LSTM:
        return _lstm_obstacle(composite)
    if known in interfaces.CELLS and any(shape is None for _, shape in composite.inputs[:5]):
        return (
            "The number of dimensions of an argument is not known.",
            Remedy("Give the model's inputs a shape.", _SHAPE_CODE),
        )
    if known is not None and known.names == ("embedding_matmul",) and len(composite.inputs) != 2:
        return (
            f"It takes {len(composite.inputs)} arguments; embedding_matmul takes 2: {known.arguments}.",
            Remedy("Take the table and the indices only."),
        )
    return None


def _lstm_obstacle(composite: Composite) -> tuple[str, Remedy] | None:
    given, results = composite.inputs, len(composite.outputs)
    takes = f"the interface has 6: {interfaces.KERAS_LSTM.arguments}"
    captured = sum(dtype == "resource" for dtype, _ in given)
    if captured:
        return (
            f"It reads {places.plural(captured, 'variable')} by itself; {takes}.",
            Remedy(
                "Take the weights as arguments, and give them as tensors: `kernel.read_value()`.", interfaces.LSTM_CODE
            ),
        )
    if len(given) == 7:
        return (
            f"It takes 7 arguments, the last of which is taken for a mask, which the operator has not; {takes}.",
            Remedy("Leave the mask out; cut the sequence to its length before the call.", interfaces.LSTM_CODE),
        )
    if results != 5:
        return (
            f"It gives {places.plural(results, 'result')}; the interface has 5: last output, all outputs, state, cell "
            "state and a fifth that nothing reads.",
            Remedy("Give all five.", interfaces.LSTM_CODE),
        )
    read = [number for number in composite.read if number > 1]
    if read:
        return (
            f"Its result {read[0]} is read ({_RESULTS[read[0]]}); only the first two, the outputs, can be had from the "
            "operator.",
            Remedy(
                "Read the outputs only. To carry the state from call to call, leave it to the operator, which keeps it "
                "until the application resets it."
            ),
        )
    if any(shape is None for _, shape in given[:6]):
        return (
            "The number of dimensions of an argument is not known.",
            Remedy("Give the model's inputs a shape.", _SHAPE_CODE),
        )
    free = [number for number in range(1, min(6, len(given))) if -1 in (given[number][1] or ())]
    if free and free[0] <= 2:
        return (
            "The batch is free: the state has no fixed shape.",
            Remedy("Fix the batch.", _SHAPE_CODE),
        )
    if free:
        return ("The weights have no fixed shape.", Remedy("Give weights of a fixed shape."))
    return None


_RESULTS = {2: "the state", 3: "the cell state", 4: "the fifth"}

_SHAPE_CODE = "@tf.function(input_signature=[tf.TensorSpec((1, steps, inputs), tf.float32)])\n"


def _fusable(name: str) -> str:
    name = name.replace('"', "").replace("\n", " ")
    return (
        f'@tf.function(experimental_implements=\'name: "{name}" '
        f'attr {{ key: "{interfaces.FUSABLE}" value {{ b: true }} }}\')\n'
    )


def _cell_remedy(name: str) -> Remedy:
    return Remedy(
        f"`{name}` kills the converter of TensorFlow 2.21 (F307), however it is spelled right. Keras's interface works "
        "for an LSTM without layer normalization; examples/lstm_cell_simple.py and examples/layer_norm_lstm.py show "
        "both.",
        interfaces.LSTM_CODE,
    )

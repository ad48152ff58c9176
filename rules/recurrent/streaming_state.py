"""R004."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflite_audit.analyzer.evaluation.observed import Carrying
from tflite_audit.analyzer.model.graph import entries
from tflite_audit.analyzer.model.types import Model, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import receptive
from tflite_audit.rules.recurrent.forms import RecurrentLayers
from tflite_audit.rules.recurrent.passing import next_value
from tflite_audit.rules.recurrent.states import Keeping, State, States
from tflite_audit.rules.rule import Confidence, Finding, Location, NotApplicable, Numbers, Remedy, Severity, Table, rule


@rule("R004", "streaming-state", Severity.INFO, confidence=Confidence.LIKELY)
def streaming_state(
    model: Model, states: States, recurrent: RecurrentLayers, carrying: Carrying | None
) -> Iterator[Finding]:
    """The model streams: it carries a state from one call to the next; says which, how, and what the caller does.

    ## What it does
    Lists what one call leaves for the next: states that are inputs and outputs, resource variables, the variable
    tensors of fused operators, and what custom operators keep in their kernels; with their bytes, the steps that a call
    takes, and the receptive field where a one-dimensional convolutional network shows it. An output of an input's shape
    is taken for its next value only where the operators between them show it (a recurrent cell, a loop, a ring buffer),
    or where the names pair, as `state_in` and `state_out` do. Warns of a resource variable that nothing gives a value
    before it is read for the first time.

    ## Why is this bad
    It is not, but the calls are no longer independent of each other, and each way of keeping a state asks something
    else of the application. A state from outside that is not passed back is lost. Variable tensors go on from the call
    before, also where the next sequence has nothing to do with the last. Resource variables do so too, and
    `reset_all_variables()` leaves them as they are; without a first value they hold what happens to lie in memory, and
    nothing is said: measured with LiteRT 2.3 and TensorFlow 2.21.

    ## Example
    A wake word model with six ring buffers of 3,024 bytes together, which takes 3 frames a call and sees 149.

    ## Fix
    Nothing needs to be fixed. Pass the states, and begin them anew with each new sequence.
    """
    carried = states.carried
    if not carried:
        raise NotApplicable("the model carries nothing from one call to the next")
    for keeping in Keeping:
        kept = [state for state in carried if state.keeping is keeping]
        if kept:
            yield _finding(model, recurrent, keeping, kept, carrying)


def _finding(
    model: Model, recurrent: RecurrentLayers, keeping: Keeping, kept: Sequence[State], carrying: Carrying | None
) -> Finding:
    first = kept[0]
    graph = model.subgraphs[first.subgraph]
    return Finding(
        message=_message(keeping, kept, carrying),
        location=Location(
            subgraph=first.subgraph,
            tensor=None if first.read is None else graph.tensors[first.read].name or None,
            layer=_layer(recurrent, first),
        ),
        evidence=(_table(recurrent, kept), _numbers(model, recurrent, kept)),
        cause=_cause(keeping, kept),
        remedy=_remedy(model, keeping, kept),
        severity=Severity.WARNING if any(map(_unset, kept)) else None,
        key=(str(keeping), *sorted(state.name for state in kept)),
    )


def _message(keeping: Keeping, kept: Sequence[State], carrying: Carrying | None) -> str:
    many = places.plural(len(kept), "state")
    sizes = [state.bytes for state in kept]
    size = "" if None in sizes else f" ({places.plural(sum(n or 0 for n in sizes), 'byte')})"
    measured = _measured(keeping, carrying)
    match keeping:
        case Keeping.OUTSIDE:
            passed = [f"{state.given_back} to {state.name}" for state in kept]
            named = places.enumerated(passed if len(passed) <= 4 else [*passed[:3], f"{len(passed) - 3} more"])
            return f"The model takes {many}{size} and gives {_them(kept)} back: from call to call, pass {named}."
        case Keeping.RESOURCE:
            first = _first_values(kept)
            return f"The model keeps {many}{size} in resource variables from one call to the next{first}{measured}."
        case Keeping.TENSOR:
            return (
                f"The model keeps {many}{size} in variable tensors: each call goes on from where the one before "
                f"ended, until they are reset{measured}."
            )
        case _:
            names = places.enumerated(dict.fromkeys(state.name for state in kept))
            return f"The model keeps {many} inside custom operators ({names}), which the file does not show."


def _unset(state: State) -> bool:
    """A resource variable that no call can give a value before it is read."""
    return state.keeping is Keeping.RESOURCE and not state.initialized and not state.begun_by


def _first_values(kept: Sequence[State]) -> str:
    """What is wrong with those of resource variables, or asks for a call."""
    unset = [state.name for state in kept if _unset(state)]
    if unset:
        none = f"; nothing gives {_few(unset)} a value before the first call"
        return f"{none}, which then reads what happens to lie in memory"
    begun = [state for state in kept if not state.initialized]
    keys = dict.fromkeys(key for state in begun for key in state.begun_by)
    if begun:
        return f"; only a call of {' or '.join(keys)} gives {_few([state.name for state in begun])} a first value"
    return ""


def _few(names: Sequence[str]) -> str:
    return places.enumerated(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def _them(kept: Sequence[State]) -> str:
    return "it" if len(kept) == 1 else "them"


def _cause(keeping: Keeping, kept: Sequence[State]) -> str:
    shown = "; ".join(dict.fromkeys(state.evidence for state in kept if state.evidence))
    match keeping:
        case Keeping.OUTSIDE:
            return f"Of an input and the output that is its next value: {shown}."
        case Keeping.RESOURCE:
            return "READ_VARIABLE and ASSIGN_VARIABLE access the same variables, outside of what CALL_ONCE runs."
        case Keeping.TENSOR:
            return "The tensors are marked as variables: the operators that read them write them in place."
        case _:
            return f"Of such an operator, {shown}."


def _measured(keeping: Keeping, carrying: Carrying | None) -> str:
    """What a second call with the same values gave, where one was made."""
    if carrying is None:
        return ""
    if carrying.repeats:
        return "; a second call with the same values happened to answer the same"
    if keeping is Keeping.TENSOR:
        back = "brought the first answer back" if carrying.resets else "did not bring the first answer back"
        return f"; a second call with the same values answered otherwise, and reset_all_variables() {back}"
    return "; a second call with the same values answered otherwise"


def _layer(recurrent: RecurrentLayers, state: State) -> str | None:
    return None if state.layer is None else recurrent.layers[state.layer].layer


def _table(recurrent: RecurrentLayers, kept: Sequence[State]) -> Table:
    outside = kept[0].keeping is Keeping.OUTSIDE
    rows: list[tuple[str | int | None, ...]] = []
    for state in kept:
        layer = None if state.layer is None else recurrent.layers[state.layer]
        owner = "" if layer is None else f"{layer.cell} {layer.layer or ''}".strip()
        begin = "zero" if state.keeping is Keeping.TENSOR else "has a value" if state.initialized else "has none"
        last = state.given_back if outside else begin
        shape = "x".join(map(str, state.shape)) if state.dtype else ""
        rows.append((state.name or None, state.dtype, shape, state.bytes, owner, last, state.evidence))
    columns = ("state", "type", "shape", "bytes", "layer", "given back as" if outside else "first call", "shown by")
    used = [i for i in range(len(columns)) if i < 4 or any(row[i] for row in rows)]
    return Table(
        title="States",
        columns=tuple(columns[i] for i in used),
        rows=tuple(tuple(row[i] for i in used) for row in rows),
    )


def _numbers(model: Model, recurrent: RecurrentLayers, kept: Sequence[State]) -> Numbers:
    numbers: list[tuple[str, float | int | None, str]] = [("states", len(kept), "")]
    if all(state.bytes is not None for state in kept):
        numbers.append(("all states", sum(state.bytes or 0 for state in kept), "bytes"))
    carried = {state.read for state in kept}
    windows = [
        window
        for subgraph in (model.subgraphs[index] for index in entries(model))
        for given in [[t for t in subgraph.inputs if subgraph.index != kept[0].subgraph or t not in carried]]
        for window in receptive.of_inputs(model, subgraph, given)
    ]
    if windows:
        widest = max(windows, key=lambda window: window.field)
        numbers += [("frame", widest.frame, "steps a call"), ("receptive field", widest.field, "steps")]
        numbers += [("stride", widest.stride, "steps")] if widest.stride > 1 else []
    else:
        steps = {recurrent.layers[state.layer].steps for state in kept if state.layer is not None}
        numbers += [("frame", steps.pop(), "steps a call")] if len(steps) == 1 and None not in steps else []
    return Numbers(title="Streaming", numbers=tuple(numbers))


def _remedy(model: Model, keeping: Keeping, kept: Sequence[State]) -> Remedy:
    match keeping:
        case Keeping.OUTSIDE:
            return Remedy(
                "Begin each sequence with states of zero, which is the zero point of a quantized one, and pass what a "
                "call gives back to the next.",
                _passing(model, kept),
            )
        case Keeping.RESOURCE:
            return _in_order(kept)
        case Keeping.TENSOR:
            return Remedy(
                "Reset the state between sequences that have nothing to do with each other, and only there.",
                "interpreter.reset_all_variables()  # before each new sequence",
            )
        case _:
            return Remedy(
                "Feed the frames in their order; before a new sequence, reset the interpreter.",
                "interpreter.Reset();  // tflite::MicroInterpreter",
            )


def _in_order(kept: Sequence[State]) -> Remedy:
    keys = set.intersection(*(set(state.begun_by) for state in kept))
    assigns = next((key for key in kept[0].begun_by if key in keys), None)
    anew = "A new sequence needs a new interpreter, or a signature of the model's own that assigns the first values"
    code = "interpreter = Interpreter(model_path=path)  # for each new sequence\ninterpreter.allocate_tensors()"
    if assigns is not None:
        anew = f"A new sequence begins with a call of {assigns}, which assigns the first values"
        code = f"interpreter.get_signature_runner({assigns!r})()  # before each new sequence; with its inputs, if any"
    elif any(map(_unset, kept)):
        anew = "Give the variables first values in the source, and convert again. " + anew
    return Remedy(
        f"Feed the frames in their order, one interpreter for each stream. {anew}: reset_all_variables() does not "
        "touch resource variables.",
        code,
    )


def _passing(model: Model, kept: Sequence[State]) -> str:
    """A loop that passes the states, by the names of the signature or, without one, of the tensors."""
    graph = model.subgraphs[kept[0].subgraph]
    key = next((s.key for s in model.signatures if s.subgraph == graph.index), None)
    first = "".join(f"    {state.name!r}: {_zeros(graph, state)},\n" for state in kept)
    then = "".join(f"        {state.name!r}: {next_value(model, state)},\n" for state in kept)
    run = (
        "run = ...  # sets the inputs, invokes, gives the outputs by name"
        if key is None
        else (f"run = interpreter.get_signature_runner({key!r})")
    )
    return (
        f"{run}\nstates = {{\n{first}}}\n"
        f"for frame in frames:\n    answer = run(**frame, **states)\n    states = {{\n{then}    }}"
    )


def _zeros(graph: Subgraph, state: State) -> str:
    assert state.read is not None
    shape = tuple(max(1, size) for size in state.shape)
    quantization = graph.tensors[state.read].quantization
    zero = 0 if quantization is None or not quantization.scale.size else int(quantization.zero_point[0])
    return f"np.full({shape}, {zero}, np.{state.dtype})" if zero else f"np.zeros({shape}, np.{state.dtype})"

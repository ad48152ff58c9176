"""F002."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflite_audit.analyzer.conversion.types import Conversion
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Lack, Trial, Trials
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.conversion import proposals, runtimes, xnnpack
from tflite_audit.rules.rule import Evidence, Finding, Location, Proposal, Remedy, Severity, Table, rule

_HOW = {
    EvaluationOutcome.FAILED: "cannot run the model",
    EvaluationOutcome.CRASHED: "is killed by the model",
    EvaluationOutcome.TIMED_OUT: "does not answer one call of the model within the time limit",
    EvaluationOutcome.OUT_OF_MEMORY: "needs more memory for one call of the model than there is",
}


@rule("F002", "cannot-run", Severity.ERROR)
def cannot_run(trials: Trials, model: Model, locations: Locations, conversion: Conversion | None) -> Iterator[Finding]:
    """The model converts, and an interpreter cannot run it.

    ## What it does
    Calls every model once with LiteRT's interpreter, and models that were just converted with TensorFlow's own too:
    with the first sample of the data, else of the calibration set, else with made-up inputs. It reports what an
    interpreter says if it does not answer: the operator, and what it lacks for it, where its message tells. For an
    operator that kills the interpreter the model is cut shorter until it lives. It is a warning where another runtime
    runs the model, and for custom operators, which the runtime that the model is meant for may have. Flex operators
    are F108's.

    ## Why is this bad
    A conversion that succeeds says nothing about the kernels: the converter writes operators in types for which the
    runtime has none, and the interpreter finds out when it allocates, or only when it runs.

    ## Example
    Nearest neighbour UpSampling2D of Keras 3 is exported as TILE, which 16x8 makes int16: LiteRT 2.3 has a kernel for
    it, and TensorFlow 2.21 has none. A variance holds SQUARED_DIFFERENCE, which has no int16 kernel in either.

    ## Fix
    Rewrite the layer with operators that have a kernel, or quantize to a type for which there is one. Float fallback
    does not help: the converter takes the operator for one that can be quantized.
    """
    running = [trial for trial in trials.each if trial.answered]
    for group in runtimes.alike(t for t in trials.failed if t.lack is not Lack.FLEX):
        trial = group[0]
        blamed = _blamed(model, trial)
        found = [places.of_operator(subgraph, op, locations) for subgraph, op in blamed]
        where = f" ({found[0].layer})" if found and found[0].layer else ""
        cause = runtimes.why(group, where, _types(*blamed[0]) if blamed else "")
        if cause and blamed and (converted := _state_behind(*blamed[0])):
            cause += (
                f": it writes its state in place, into a variable tensor, and {converted} stands between the two, "
                f"since the converter quantized the state and not {trial.operator}"
            )
        beyond = xnnpack.requantized(model) if xnnpack.refuses(trial) else ()
        if beyond:
            found = [places.of_operator(one.subgraph, one.operator, locations) for one in beyond]
            cause = _beyond(beyond[0], places.named(found), group)
        others = "".join(f"; {runtimes.named(t)} runs it" for t in running)
        who = places.enumerated(runtimes.named(t) for t in group)
        custom = trial.lack is Lack.IMPLEMENTATION
        offered = tuple(_proposals(trial, conversion))
        yield Finding(
            message=_sentence(cause or f"{who} {_how(group)}: {runtimes.words(trial) or 'it gives no reason'}", others),
            location=found[0] if found else Location(op=trial.operator),
            evidence=tuple(_evidence(trials, trial, found)),
            cause=_sentence(cause, others) if cause else None,
            remedy=_WITHOUT_XNNPACK if beyond else None if offered else _remedy(trial, custom),
            culprits=tuple(found[:1] if trial.outcome is EvaluationOutcome.CRASHED else found),
            proposals=offered,
            severity=Severity.WARNING if custom or running else None,
            key=(trial.outcome, trial.operator or "", *([trial.detail] if trial.lack is Lack.TYPE else [])),
        )


def _how(group: Sequence[Trial]) -> str:
    how = _HOW[group[0].outcome]
    return how if len(group) == 1 else how.replace("is ", "are ", 1).replace("does ", "do ").replace("needs", "need")


def _sentence(text: str, others: str) -> str:
    return f"{text[0].upper()}{text[1:]}{others}."


def _blamed(model: Model, trial: Trial) -> list[tuple[Subgraph, Operator]]:
    """The operator that the interpreter names, and behind it the others of the same name and types."""
    named = [(subgraph, op) for subgraph, op in model.operators if op.name == trial.operator]
    # A graph's nodes are numbered as its operators; which graph it is the interpreter does not say.
    at_node = [(subgraph, op) for subgraph, op in named if op.index == trial.node]
    if len(at_node) != 1:
        return named
    first = at_node[0]
    return [*at_node, *((g, op) for g, op in named if op is not first[1] and _types(g, op) == _types(*first))]


def _types(subgraph: Subgraph, op: Operator) -> str:
    """Of what it reads and writes, each once."""
    tensors = (*subgraph.read_by(op), *subgraph.written_by(op))
    return places.enumerated(dict.fromkeys(tensor.dtype for tensor in tensors)) if tensors else ""


def _beyond(first: xnnpack.Requantized, where: str, group: Sequence[Trial]) -> str:
    who = places.enumerated(runtimes.named(trial) for trial in group)
    return (
        f"XNNPACK, which {who} {'runs' if len(group) == 1 else 'run'} by default, refuses "
        f"{first.operator.name}{where}: input scale times weight scale over output scale is {first.factor:,.0f}, and "
        f"has to be less than {xnnpack.REQUANTIZATION:.0f}; the output's scale is {first.scale:.2g}"
    )


_WITHOUT_XNNPACK = Remedy(
    "Run it without the default delegate; or have the tensor calibrated on values that are not all 0. Where it is 0 "
    "for every input, as in the first step of an unrolled layer with a free batch, fix the batch: the converter folds "
    "it.",
    "interpreter = Interpreter(path, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)",
)


def _state_behind(subgraph: Subgraph, op: Operator) -> str | None:
    """The operator that stands between a fused recurrent operator and the tensor of its state; None where none does."""
    for tensor in subgraph.read_by(op):
        producer = subgraph.producers.get(tensor.index)
        if producer is None:
            continue
        between = subgraph.operators[producer]
        if between.name in {"DEQUANTIZE", "QUANTIZE"} and any(t.variable for t in subgraph.read_by(between)):
            return between.name
    return None


def _evidence(trials: Trials, trial: Trial, found: list[Location]) -> Iterator[Evidence]:
    yield Table(
        title="One call",
        columns=("runtime", "answer", "step", "operator", "node", "signature", "inputs", "what it says"),
        rows=(
            *(
                (
                    runtimes.named(t),
                    "yes" if t.answered else "no",
                    t.step or None,
                    t.operator,
                    t.node,
                    t.signature,
                    t.inputs.value,
                    t.reason or None,
                )
                for t in trials.each
            ),
            *((reason, "not tried", None, None, None, None, None, None) for reason in trials.not_tried),
        ),
    )
    if len(found) > 1:
        yield places.listed(f"{trial.operator} operators", found)


def _proposals(trial: Trial, conversion: Conversion | None) -> Iterator[Proposal]:
    if trial.operator is None:
        return
    if trial.lack is not None:
        yield from proposals.rewritten([trial.operator])
    if conversion is None:
        return
    if trial.lack is Lack.TYPE and conversion.recipe.calibrated:
        yield from proposals.quantizable(conversion, [trial.operator])
    if trial.lack in (Lack.TYPE, None) and conversion.recipe.calibrated:  # another type has another kernel
        yield from proposals.int8(conversion)
        yield proposals.dynamic(conversion)
    if trial.lack is Lack.IMPLEMENTATION:
        yield Proposal(
            f"Register an implementation of {trial.operator} where the model is run",
            "// C++\ntflite::ops::builtin::BuiltinOpResolver resolver;\n"
            f'resolver.AddCustom("{_escaped(trial.operator)}", Register_OP());',
        )


def _escaped(name: str) -> str:
    """For a C string literal."""
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _remedy(trial: Trial, custom: bool) -> Remedy:
    if custom:
        return Remedy(f"Evaluate it with the runtime that brings {trial.operator}.")
    if trial.lack is Lack.VERSION:
        return Remedy("Convert with an older TensorFlow, or run it with a newer runtime.")
    return Remedy(
        "Compare with the float32 recipe: if it runs, a kernel is missing for the quantized type; rewrite the layer "
        "with operators that have one, or choose another recipe.",
        "tflite-audit run SOURCE --recipe float32",
    )

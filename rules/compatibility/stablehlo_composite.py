"""M010."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tflite_audit.analyzer.model import flexbuffers
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.flexbuffers import FlexBufferError
from tflite_audit.analyzer.model.graph import calls
from tflite_audit.analyzer.model.types import Model, Operator, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.compatibility.composites import KNOWN
from tflite_audit.rules.rule import Finding, Location, Remedy, Severity, Table, rule

COMPOSITE = "STABLEHLO_COMPOSITE"
_CHARACTERS = 300


class _Composite(NamedTuple):
    """An operator, and what its options say."""

    subgraph: Subgraph
    operator: Operator
    name: str
    version: int
    attributes: str
    decomposition: int | None


@rule("M010", "stablehlo-composite", Severity.INFO)
def stablehlo_composite(model: Model, locations: Locations) -> Iterator[Finding]:
    """An operator is a composite: a name, and a subgraph that computes the same.

    ## What it does
    Lists the operators STABLEHLO_COMPOSITE by name, with version, attributes and the size of the decomposition, and
    says what is known to recognise the name. Looks whether there is a decomposition that can be run: no options, no
    name, no subgraph, a subgraph without operators, or one that does not end, is an error, and no attributes, not even
    empty ones, is a warning. Says which Flex and custom operators the decomposition needs.

    ## Why is this bad
    With a decomposition it is not: the interpreters run that, and a delegate that knows the name may run a kernel of
    its own. Without one, only a runtime that knows the name can run the model. The interpreters of TensorFlow 2.21 and
    LiteRT 2.3 refuse it where there is no subgraph of that number or no options, give what happens to lie in memory
    where the subgraph is empty, and die (SIGSEGV) where it is the composite's own, as it is when the number is left
    out. LiteRT 2.3 also refuses a composite without a name, of which TensorFlow 2.21 dies, or without attributes.

    ## Example
        STABLEHLO_COMPOSITE odml.rms_norm version 0 {epsilon: 1e-06}, decomposition of 5 operators

    ## Fix
    Convert again with the decomposition kept; runtimes of before STABLEHLO_COMPOSITE need the model without it (M009).
    """
    called = _Called.of(model)
    groups: dict[tuple[str, _Fault | None, str], list[_Composite]] = {}
    for subgraph, op in model.operators:
        if op.name == COMPOSITE and not op.custom:
            composite = _read(model, subgraph, op)
            fault = _fault(model, composite, called)
            needs = "" if fault else called.needs(composite.decomposition)
            groups.setdefault((composite.name, fault, needs), []).append(composite)
    for (name, fault, needs), composites in groups.items():
        where = [places.of_operator(c.subgraph, c.operator, locations) for c in composites]
        if fault is None:
            yield _whole(model, name, needs, composites, where)
        else:
            yield _broken(model, name, fault, composites, where)


@dataclass(frozen=True)
class _Called:
    """What calls of the subgraphs lead to.

    Attributes:
        circles: subgraph that calls itself by others → number of the circle.
        endless: the subgraphs of which a call leads into a circle.
        foreign: of the other subgraphs, the operators in what a call runs that are not TensorFlow Lite's.
    """

    circles: Mapping[int, int]
    endless: frozenset[int]
    foreign: Mapping[int, Mapping[str, Operator]]

    @classmethod
    def of(cls, model: Model) -> _Called:
        callees: dict[int, set[int]] = {subgraph.index: set() for subgraph in model.subgraphs}
        callers: dict[int, set[int]] = {subgraph.index: set() for subgraph in model.subgraphs}
        for call in calls(model):
            callees[call.subgraph].add(call.callee)
            callers[call.callee].add(call.subgraph)
        waits_for = {index: len(called) for index, called in callees.items()}
        ended = [index for index, count in waits_for.items() if count == 0]
        foreign: dict[int, dict[str, Operator]] = {}
        for index in ended:  # grows: a call ends where all the calls in it end
            foreign[index] = {op.name: op for op in model.subgraphs[index].operators if op.custom}
            for callee in callees[index]:
                foreign[index] |= foreign[callee]
            for caller in callers[index]:
                waits_for[caller] -= 1
                if waits_for[caller] == 0:
                    ended.append(caller)
        endless = frozenset(callees) - frozenset(ended)
        return cls(_circles(callees, endless), endless, foreign)

    def needs(self, decomposition: int | None) -> str:
        """The operators in it that are not TensorFlow Lite's, in words; empty where there are none."""
        ops = self.foreign.get(-1 if decomposition is None else decomposition, {}).values()
        flex = sorted(op.name for op in ops if op.flex)
        custom = sorted(op.name for op in ops if not op.flex)
        words = [
            *([f"{places.enumerated(flex)} (C001)"] if flex else []),
            *([f"the custom operator{'s'[: len(custom) > 1]} {places.enumerated(custom)} (C002)"] if custom else []),
        ]
        return " and ".join(words)


def _circles(callees: Mapping[int, set[int]], endless: frozenset[int]) -> dict[int, int]:
    if not endless:
        return {}
    import networkx as nx

    graph = nx.DiGraph((caller, callee) for caller in endless for callee in callees[caller] & endless)
    return {index: number for number, circle in enumerate(nx.strongly_connected_components(graph)) for index in circle}


class _Fault(NamedTuple):
    """What is wrong with a composite, as a clause, and how bad that is."""

    says: str
    severity: Severity = Severity.ERROR
    cause: str = ""


def _read(model: Model, subgraph: Subgraph, op: Operator) -> _Composite:
    options = model.options(subgraph, op)
    index, version = options.get("decomposition_subgraph_index"), options.get("version", 0)
    return _Composite(
        subgraph,
        op,
        str(options.get("name") or ""),
        version if isinstance(version, int) else 0,
        _decoded(options.get("composite_attributes")),
        index if isinstance(index, int) and 0 <= index < len(model.subgraphs) else None,
    )


def _decoded(attributes: object) -> str:
    if not isinstance(attributes, bytes) or not attributes:
        return ""
    try:
        value = flexbuffers.decode(attributes)
    except FlexBufferError as error:
        return f"{len(attributes)} bytes that are no FlexBuffer: {error}"
    if not isinstance(value, dict):
        return str(value)[:_CHARACTERS]
    words = (f"{key}: {each:.6g}" if isinstance(each, float) else f"{key}: {each}" for key, each in value.items())
    text = ", ".join(words)
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}... ({len(value):,} attributes)"


def _fault(model: Model, composite: _Composite, called: _Called) -> _Fault | None:
    """What is wrong with it, as the interpreters have it; None for one that they run."""
    options, callee = model.options(composite.subgraph, composite.operator), composite.decomposition
    if not options:
        return _Fault("has no options, which name it and its decomposition: the interpreters refuse the model")
    if callee is None:
        return _Fault("has no decomposition: the interpreters refuse the model")
    if callee in called.endless:
        if called.circles[callee] == called.circles.get(composite.subgraph.index):
            return _Fault(
                f"has no decomposition but subgraph {callee}, which leads back to it: the interpreters die of it "
                "(SIGSEGV)"
            )
        return _Fault(
            "has a decomposition that does not end: the interpreters die of it (SIGSEGV)",
            cause=f"Subgraph {callee} leads into a circle of calls.",
        )
    decomposition = model.subgraphs[callee]
    given = {*decomposition.inputs, *(t.index for t in decomposition.tensors if t.constant)}
    if not decomposition.operators and any(t not in given for t in decomposition.outputs):
        return _Fault("has a decomposition without operators: the interpreters give what happens to lie in memory")
    if options.get("name") is None:
        return _Fault(
            "has no name: LiteRT 2.3 refuses the model, and TensorFlow 2.21 dies of it (SIGSEGV)", cause=_OPTION
        )
    if not isinstance(options.get("composite_attributes"), bytes):
        return _Fault(
            "has no attributes, not even empty ones: LiteRT 2.3 refuses the model, and TensorFlow 2.21 runs it",
            Severity.WARNING,
            _OPTION,
        )
    return None


_OPTION = "LiteRT asks for the options name and composite_attributes; the converter writes both."


def _whole(model: Model, name: str, needs: str, composites: list[_Composite], where: list[Location]) -> Finding:
    kind, recognises = KNOWN.get(name, ("", ""))
    known = f"{kind}, known to {recognises}" if kind else "no name that is known here"
    number = "An operator is" if len(where) == 1 else f"{len(where):,} operators are each"
    return Finding(
        message=f"{number} the composite `{name}`{places.named(where)} ({known}), with a decomposition that "
        f"{f'needs {needs}' if needs else 'any runtime with STABLEHLO_COMPOSITE runs'}.",
        location=where[0],
        evidence=(_table(model, composites), places.listed("Composites", where)),
        key=(name,),
    )


def _broken(model: Model, name: str, fault: _Fault, composites: list[_Composite], where: list[Location]) -> Finding:
    recognises = KNOWN.get(name, ("", ""))[1]
    return Finding(
        message=f"The composite `{name or '(without a name)'}`{places.named(where)} {fault.says}.",
        location=where[0],
        severity=fault.severity,
        evidence=(_table(model, composites), places.listed("Composites", where)),
        cause=fault.cause
        or "Only a runtime or a delegate that knows the name can run a composite that has no decomposition"
        + (f"; it is known to {recognises}." if recognises else ", and nothing is known here that does."),
        remedy=Remedy(
            "Write the option: a text, and a FlexBuffer of an empty map where there are no attributes."
            if fault.cause == _OPTION
            else "Convert again with the decomposition kept: a subgraph that computes the same, in operators."
        ),
        key=(name, "decomposition"),
    )


def _table(model: Model, composites: list[_Composite]) -> Table:
    rows: dict[tuple[str, int, str, int | None], int] = {}
    for c in composites:
        size = None if c.decomposition is None else len(model.subgraphs[c.decomposition].operators)
        row = (c.name, c.version, c.attributes, size)
        rows[row] = rows.get(row, 0) + 1
    return Table(
        title="What they are",
        columns=("composite", "version", "attributes", "operators in the decomposition", "how many"),
        rows=tuple((*row, number) for row, number in rows.items()),
    )

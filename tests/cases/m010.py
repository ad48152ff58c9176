"""stablehlo-composite."""

from __future__ import annotations

from typing import Any

from flatbuffers import flexbuffers

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.rules.rule import Severity


def composites(
    *names: str, subgraph: int | None = 1, attributes: bytes = b"", operators: int = 2, back: bool = False
) -> Net:
    """A composite for each name, one after the other, with one decomposition; `back` makes it call itself."""
    net = Net()
    t = net.act("x")
    for i, name in enumerate(names):
        y = net.act(f"net/norm_{i}/y")
        options: dict[str, Any] = {"name": name, "composite_attributes": attributes, "version": 2}
        if subgraph is not None:
            options["decomposition_subgraph_index"] = subgraph
        net.op("STABLEHLO_COMPOSITE", [t], [y], options=options)
        t = y
    net.subgraph("decomposition")
    inside = net.act("a")
    for i in range(operators):
        if back:
            z = net.act(f"b{i}")
            net.op("STABLEHLO_COMPOSITE", [inside], [z], options={"name": "other", "decomposition_subgraph_index": 0})
            inside = z
        else:
            inside = net.then("RELU", inside)
    if not operators:
        net.inputs(inside)
        net.outputs(net.act("b"))
    return net


def without_options() -> Net:
    net = Net()
    net.op("STABLEHLO_COMPOSITE", [net.act("x")], [net.act("y")])
    return net


def chain(*names: str, last: str = "RELU", custom: bool = False) -> Net:
    """A composite that is made of the next one, and so on, to the operator `last`; without one the last leads
    back to the second."""
    net = Net()
    for i, name in enumerate(names):
        callee = i + 1 if i + 1 < len(names) or last else 1
        net.op("STABLEHLO_COMPOSITE", [net.act("x")], [net.act("y")], options=_options(name, callee))
        if i + 1 < len(names) or last:
            net.subgraph(f"{name}.impl")
    if last:
        net.op(last, [net.act("a")], [net.act("b")], custom=custom)
    return net


def _options(name: str, callee: int) -> dict[str, Any]:
    return {"name": name, "composite_attributes": b"", "decomposition_subgraph_index": callee}


def lacking(option: str) -> Net:
    net = Net()
    options = _options("mine.op", 1)
    del options[option]
    net.op("STABLEHLO_COMPOSITE", [net.act("x")], [net.act("y")], options=options)
    net.subgraph("decomposition")
    net.then("RELU", net.act("a"))
    return net


EPSILON = bytes(flexbuffers.Dumps({"epsilon": 1e-6, "axis": -1}))
RMS, CALL = "odml.rms_norm", "odml.npu_call"

CASES = [
    Case(
        "known",
        lambda: facts(composites(RMS, attributes=EPSILON)),
        1,
        says=("`odml.rms_norm` in net/norm_0 (RMS normalization, known to compiler plugins", "any runtime"),
        severity=Severity.INFO,
    ),
    Case("by name", lambda: facts(composites(RMS, RMS, CALL)), 2, says=("2 operators are each", "marked for an NPU")),
    Case("unknown", lambda: facts(composites("mine.op")), 1, says=("`mine.op`", "no name that is known here")),
    Case("no index", lambda: facts(composites(RMS, subgraph=None)), 1, says=("leads back",), severity=Severity.ERROR),
    Case("none", lambda: facts(composites(RMS, subgraph=-1)), 1, says=("no decomposition",), severity=Severity.ERROR),
    Case("in a circle", lambda: facts(composites(RMS, back=True)), 2, says=("leads back",), severity=Severity.ERROR),
    Case("empty", lambda: facts(composites(RMS, operators=0)), 1, says=("in memory",), severity=Severity.ERROR),
    Case("no options", lambda: facts(without_options()), 1, says=("no options",), severity=Severity.ERROR),
    Case("one in the other", lambda: facts(chain("outer", "inner")), 2, says=("`outer` (no", "`inner` (no")),
    Case(
        "its decomposition does not end",
        lambda: facts(chain("first", "ping", "pong", last="")),
        3,
        says=("`first` has a decomposition that does not end", "`ping` has no decomposition but subgraph 2"),
        severity=Severity.ERROR,
    ),
    Case(
        "Flex in it",
        lambda: facts(chain("outer", "inner", last="FlexErf")),
        2,
        says=("`outer` (no name that is known here), with a decomposition that needs FlexErf (C001)",),
        severity=Severity.INFO,
    ),
    Case(
        "a custom operator in it",
        lambda: facts(chain("mine.op", last="Snake", custom=True)),
        1,
        says=("that needs the custom operator Snake (C002)",),
    ),
    Case(
        "no attributes",
        lambda: facts(lacking("composite_attributes")),
        1,
        says=("`mine.op` has no attributes, not even empty ones: LiteRT 2.3 refuses the model",),
        severity=Severity.WARNING,
    ),
    Case(
        "no name",
        lambda: facts(lacking("name")),
        1,
        says=(
            "`(without a name)` has no name: LiteRT 2.3 refuses the model, and TensorFlow 2.21 dies of it (SIGSEGV)",
        ),
        severity=Severity.ERROR,
    ),
    Case("other operators", lambda: facts(float_net())),
]

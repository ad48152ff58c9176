"""variable-never-assigned."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Status


def handle(net: Net, name: str, container: str = "") -> int:
    resource = net.tensor(f"{name}_handle", "resource", ())
    net.op("VAR_HANDLE", [], [resource], options={"shared_name": name, "container": container})
    return resource


def read(*names: str) -> Net:
    """Reads variables, in the main subgraph."""
    net = Net()
    for name in names:
        net.op("READ_VARIABLE", [handle(net, name)], [net.act(f"{name}_value")])
    return net


def initialised(name: str, container: str = "") -> Net:
    """A CALL_ONCE assigns `name`; the model reads `a`."""
    net = read("a")
    net.op("CALL_ONCE", [], [], options={"init_subgraph_index": 1})
    net.subgraph("init")
    net.op("ASSIGN_VARIABLE", [handle(net, name, container), net.weights("value", shape=(1, 8))], [])
    return net


def assigned_in_a_loop() -> Net:
    """The handle is passed to the body of a WHILE, which assigns it."""
    net = Net()
    resource = handle(net, "a")
    net.op("READ_VARIABLE", [resource], [net.act("value")])
    passed = net.tensor("passed", "resource", ())
    net.op("WHILE", [resource], [passed], options={"cond_subgraph_index": 1, "body_subgraph_index": 2})
    net.subgraph("cond")
    net.tensor("inner", "resource", ())
    net.inputs(0)
    net.then("LESS", net.weights("one"), net.weights("two"), dtype="bool")
    net.subgraph("body")
    inner = net.tensor("inner", "resource", ())
    net.inputs(inner)
    net.outputs(inner)
    net.op("ASSIGN_VARIABLE", [inner, net.weights("value", shape=(1, 8))], [])
    return net


CASES = [
    Case("never", lambda: facts(read("a")), 1, says=("a is read and never assigned",)),
    Case("many in one finding", lambda: facts(read("a", "b", "c")), 1, says=("3 variables (a, b ...)",)),
    Case("another one is assigned", lambda: facts(initialised("b")), 1),
    Case("in another container", lambda: facts(initialised("a", container="other")), 1),
    Case(
        "from_concrete_functions with a Keras 3 model",
        lambda: Facts(model=converted.model("lost_variables")),
        1,
        says=("never assigned",),
        converts=True,
    ),
    Case("by CALL_ONCE", lambda: facts(initialised("a"))),
    Case("in a loop", lambda: facts(assigned_in_a_loop())),
    Case("a stateful layer", lambda: Facts(model=converted.model("lstm_stateful")), converts=True),
    Case("no variables", lambda: facts(float_net()), status=Status.NOT_APPLICABLE),
]

"""float-io."""

from __future__ import annotations

from tests.cases.case import INT8, INT8_FLOAT_IO, Case, facts
from tests.cases.models import Net, dense, integer_net
from tflite_audit.rules.rule import Status


def integer_io() -> Net:
    net = Net()
    dense(net, net.act("x", "int8"), "int8", "y")
    return net


def by_signature() -> Net:
    """Float in the signature's input."""
    net = integer_net()
    net.signature("serving_default", {"image": 0}, {"scores": 4})
    return net


def indices() -> Net:
    """An int32 input is nothing to quantize."""
    net = Net()
    net.then("GATHER", net.weights("table", "int8"), net.act("ids", "int32", (1,)), dtype="int8", name="y")
    return net


CASES = [
    Case("input and output", lambda: facts(integer_net(), INT8), 2, says=("Input x is float32", "Output y is float32")),
    Case("by the signature's names", lambda: facts(by_signature(), INT8), 1, says=("Input image is float32",)),
    Case("integer", lambda: facts(integer_io(), INT8)),
    Case("indices", lambda: facts(indices(), INT8)),
    Case("float asked for", lambda: facts(integer_net(), INT8_FLOAT_IO), status=Status.NOT_APPLICABLE),
    Case("no recipe", lambda: facts(integer_net()), status=Status.NOT_RUN),
]

"""float-island."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import Case, facts
from tests.cases.models import Net, dense, float16_net, integer_net, island_net
from tests.cases.q001 import float_head, mixed
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Status


def two_entries() -> Net:
    """One island that takes two integer tensors: three conversions at its border."""
    net = Net()
    x = dense(net, net.act("x", "int8"), "int8", "net/a/MatMul")
    y = dense(net, x, "int8", "net/b/MatMul")
    t = net.then("SQUARED_DIFFERENCE", net.then("DEQUANTIZE", x), net.then("DEQUANTIZE", y), name="net/island/sqd")
    dense(net, net.then("QUANTIZE", t, dtype="int8"), "int8", "net/c/MatMul")
    return net


def in_a_loop() -> Net:
    """An island in the body of a WHILE."""
    net = Net()
    x = net.act("x", "int8")
    y = net.act("y", "int8")
    net.op("WHILE", [x], [y], options={"cond_subgraph_index": 1, "body_subgraph_index": 2})
    net.subgraph("cond")
    net.then("LESS", net.act("x", "int8"), net.weights("limit", "int8", (1,)), dtype="bool", shape=(1,))
    net.subgraph("body")
    t = net.then("DEQUANTIZE", dense(net, net.act("x", "int8"), "int8", "net/a/MatMul"))
    net.then("QUANTIZE", net.then("RSQRT", t), dtype="int8")
    return net


CASES = [
    Case("one operator", lambda: facts(island_net("RSQRT")), 1, says=("2 conversions at the border, 40 bytes",)),
    Case("several in a row are one island", lambda: facts(island_net("RSQRT", "SIN", "EXP")), 1, says=("EXP, RSQRT",)),
    Case("two entries", lambda: facts(two_entries()), 1, says=("3 conversions", "net/island")),
    Case("in a loop's body", lambda: facts(in_a_loop()), 1, says=("RSQRT",)),
    Case("SIN converted", lambda: Facts(model=converted.model("island_int8")), 1, says=("SIN",), converts=True),
    Case("float only at the end", lambda: facts(float_head())),
    Case("float at both ends, integer in between", lambda: facts(mixed())),
    Case("integer throughout", lambda: facts(integer_net())),
    Case("float16", lambda: facts(float16_net()), status=Status.NOT_APPLICABLE),
]

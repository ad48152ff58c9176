"""dynamic-shape."""

from __future__ import annotations

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net


def inputs(*signature: int) -> Net:
    net = Net()
    shape = tuple(max(size, 1) for size in signature)
    x = net.tensor("x", "float32", shape, signature=signature)
    y = net.tensor("y", "float32", shape, signature=signature)
    net.op("RELU", [x], [y])
    return net


def reshaped(by_shape: bool) -> Net:
    """A tensor filled to a size that comes from a shape, or from a value."""
    net = Net()
    x = net.tensor("x", "float32", (1, 8), signature=(-1, 8))
    net.then("RELU", x)
    size = net.then("SHAPE", x, dtype="int32", shape=(2,)) if by_shape else net.act("size", "int32", (2,))
    filled = net.tensor("net/fill/Fill", "float32", (1, 8), signature=(-1, 8))
    net.op("FILL", [size, net.weights("value", shape=())], [filled])
    return net


def where() -> Net:
    net = Net()
    found = net.tensor("net/where/Where", "int64", (1, 2), signature=(-1, 2))
    net.op("WHERE", [net.act("x", "bool")], [found])
    return net


def counter() -> Net:
    """In a loop's body sizes follow the counter."""
    net = Net()
    net.op(
        "WHILE",
        [net.act("n", "int32", (2,))],
        [net.act("m", "int32", (2,))],
        options={"cond_subgraph_index": 1, "body_subgraph_index": 2},
    )
    net.subgraph("cond")
    net.then("LESS", net.act("n", "int32", (2,)), net.numbers("limit", [3]), dtype="bool")
    net.subgraph("body")
    filled = net.tensor("filled", "float32", (1, 8), signature=(-1, 8))
    net.op("FILL", [net.act("n", "int32", (2,)), net.weights("value", shape=())], [filled])
    return net


CASES = [
    Case("a free width", lambda: facts(inputs(-1, -1, 8)), 1, says=("dimension 1, besides the batch",)),
    Case("two free sizes", lambda: facts(inputs(1, -1, -1, 3)), 1, says=("dimensions 1 and 2",)),
    Case("a size by value", lambda: facts(reshaped(by_shape=False)), 1, says=("FILL in net/fill",)),
    Case("found by value", lambda: facts(where()), 1, says=("WHERE",)),
    Case("a free batch", lambda: facts(inputs(-1, 8))),
    Case("a size by the batch", lambda: facts(reshaped(by_shape=True))),
    Case("in a loop", lambda: facts(counter())),
    Case("fixed", lambda: facts(float_net())),
]

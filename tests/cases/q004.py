"""float-weights."""

from __future__ import annotations

from tests.cases.case import DYNAMIC, FLOAT16, Case, facts
from tests.cases.models import Net, dynamic_range_net, float16_net, float_net, integer_net
from tflite_audit.rules.rule import Status


def shared() -> Net:
    """Two operators read the same float weights: they are counted once."""
    net = dynamic_range_net()
    w = net.weights("net/big/w", "float32", (128, 8))
    for i in range(2):
        net.then("FULLY_CONNECTED", net.act(f"x{i}"), w, -1, shape=(1, 128), name=f"net/big_{i}/MatMul")
    return net


def large_bias() -> Net:
    """Biases stay float beside hybrid weights."""
    net = Net()
    w = net.weights("w", "int8", (2048, 8))
    net.then("FULLY_CONNECTED", net.act("x"), w, net.weights("bias", "float32", (2048,)), shape=(1, 2048))
    return net


def integer_with_float_layer() -> Net:
    net = integer_net()
    net.then("FULLY_CONNECTED", net.act("z"), net.weights("big", "float32", (512, 8)), -1, shape=(1, 512))
    return net


CASES = [
    Case(
        "dynamic range",
        lambda: facts(dynamic_range_net(4096)),
        1,
        says=("16,384 bytes of weights as float32 in net/big",),
    ),
    Case("at the converter's limit", lambda: facts(dynamic_range_net(1024)), 1),
    Case("shared weights once", lambda: facts(shared()), 1, says=("4,096 bytes",)),
    Case("in an integer model", lambda: facts(integer_with_float_layer()), 1),
    Case("nothing was quantized", lambda: facts(dense_float(), DYNAMIC), 1, says=("100 % of all weights",)),
    Case("small weights", lambda: facts(dynamic_range_net(1016))),
    Case("biases", lambda: facts(large_bias())),
    Case("integer", lambda: facts(integer_net())),
    Case("float", lambda: facts(float_net()), status=Status.NOT_APPLICABLE),
    Case("float16", lambda: facts(float16_net()), status=Status.NOT_APPLICABLE),
    Case("float16 asked for", lambda: facts(float16_net(), FLOAT16), status=Status.NOT_APPLICABLE),
]


def dense_float() -> Net:
    net = Net()
    net.then("FULLY_CONNECTED", net.act("x"), net.weights("w", "float32", (256, 8)), -1, shape=(1, 256))
    return net

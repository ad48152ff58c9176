"""unquantized-op."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import DYNAMIC, FLOAT32, INT8, INT16X8, Case, facts
from tests.cases.models import (
    Net,
    dense,
    dynamic_range_net,
    float16_net,
    float_net,
    integer_net,
    island_net,
)
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Status

NOT_APPLICABLE = Status.NOT_APPLICABLE


def mixed() -> Net:
    """Hybrid and float operators beside one that computes in integers, as a selective quantizer leaves them."""
    net = Net()
    t = net.then("QUANTIZE", net.then("AVERAGE_POOL_2D", net.act("x")), dtype="int8")
    t = net.then("DEQUANTIZE", dense(net, t, "int8", "net/a/MatMul"))
    net.then("SOFTMAX", dense(net, t, "float32", "net/b/MatMul"))
    return net


def resized_image() -> Net:
    """A float model whose input is resized as uint8: no quantized model."""
    net = Net()
    x = net.then("RESIZE_BILINEAR", net.act("x", "uint8"), net.numbers("size", [4, 4]), dtype="uint8")
    t = net.then("DEQUANTIZE", x)
    net.then("SOFTMAX", dense(net, t, "float32", weights="float32"))
    return net


def embedding() -> Net:
    """Dynamic range with an embedding: the table is looked up in int8, and all that computes is hybrid or float."""
    net = Net()
    row = net.then("GATHER", net.weights("table", "int8"), net.act("ids", "int32", (1,)), dtype="int8")
    net.then("SOFTMAX", dense(net, net.then("DEQUANTIZE", row), "float32"))
    return net


def bookkeeping() -> Net:
    """Shapes, indices and booleans beside integer operators."""
    net = Net()
    y = dense(net, net.act("x", "int8"), "int8")
    shape = net.then("SHAPE", y, dtype="int32", shape=(2,))
    net.then("RESHAPE", y, net.then("PACK", shape, dtype="int32", shape=(2,)), dtype="int8", name="reshaped")
    net.then("ARG_MAX", y, net.numbers("axis", [1]), dtype="int64", shape=(1,), name="class")
    return net


def unpacked_weights() -> Net:
    """DEQUANTIZE of a constant in an integer model is no float activation."""
    net = integer_net()
    net.then("DEQUANTIZE", net.weights("table", "int8"), shape=(8, 8), name="table_float")
    return net


def float_head() -> Net:
    """A float operator at the end."""
    net = Net()
    net.then("SOFTMAX", net.then("DEQUANTIZE", dense(net, net.act("x", "int8"), "int8")), name="net/softmax/Softmax")
    return net


CASES = [
    Case("an island", lambda: facts(island_net("RSQRT")), 1, says=("RSQRT has float activations in net/island",)),
    Case("a kind of operator once", lambda: facts(island_net("RSQRT", "RSQRT", "SIN")), 2, says=("2 RSQRT operators",)),
    Case("a float operator at the end", lambda: facts(float_head()), 1, says=("SOFTMAX",)),
    Case("hybrid beside integer", lambda: facts(mixed()), 3, says=("FULLY_CONNECTED has float activations (with",)),
    Case("the recipe asks for integers, all is float", lambda: facts(float_net(), INT8), 2, says=("the recipe asks",)),
    Case("integer throughout", lambda: facts(integer_net())),
    Case("shapes and indices", lambda: facts(bookkeeping())),
    Case("constants unpacked", lambda: facts(unpacked_weights())),
    Case("float", lambda: facts(float_net()), status=NOT_APPLICABLE),
    Case("float16", lambda: facts(float16_net()), status=NOT_APPLICABLE),
    Case("dynamic range", lambda: facts(dynamic_range_net()), status=NOT_APPLICABLE),
    Case("dynamic range asked for", lambda: facts(dynamic_range_net(), DYNAMIC), status=NOT_APPLICABLE),
    Case("float asked for", lambda: facts(float_net(), FLOAT32), status=NOT_APPLICABLE),
    Case("dynamic range with an embedding", lambda: facts(embedding()), status=NOT_APPLICABLE),
    Case("an image resized before a float model", lambda: facts(resized_image()), status=NOT_APPLICABLE),
    Case("16x8 has its own rule", lambda: facts(island_net("SIN", dtype="int16"), INT16X8), status=NOT_APPLICABLE),
    Case("SIN converted", lambda: Facts(model=converted.model("island_int8")), 1, says=("SIN",), converts=True),
]
